r"""The MOS transistor: one set of EKV equations from weak to strong inversion.

Voltages are referred to the bulk and already sign-flipped for a p-channel device, so that both types
share the same equations; the caller flips the currents back. Drain and source are interchangeable:
swapping them flips the sign of the current and nothing else. Every expression is infinitely
differentiable.

    V_T  = V_T0(W, L) + dV_T - sigma_D s(V_DS)
    q_f  = ln(1 + exp((V_P - V_S) / 2 U_T)),  q_r likewise with V_D,  V_P = (V_G - V_T) / n
    I_D  = I_spec (q_f^2 - q_r^2) (1 + lambda s(V_DS)) / (1 + theta n U_T (q_f + q_r))

with ``I_spec = i_spec_square W_eff/L_eff m`` and the smooth magnitude ``s(x) = sqrt(x^2 + d^2) - d``.
The interpolation ln^2(1 + e^{u/2}) and the reduced charges are those of C. Enz, F. Krummenacher and
E. Vittoz, "An analytical MOS transistor model valid in all regions of operation and dedicated to
low-voltage and low-current applications", Analog Integrated Circuits and Signal Processing 8, 1995.

Left out, and what it costs: gate and junction leakage, impact ionisation, polysilicon depletion,
non-quasi-static effects; the bulk charge is linear in the gate voltage (constant slope factor), so
accumulation is not modelled. The card says how far the currents are from the foundry model
they were fitted to (see docs/validity.md).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

#: A number, or an array that broadcasts over the transistors.
Real = Float[Array, "..."] | float
#: Boltzmann constant over elementary charge, V/K (exact by the 2019 SI definition).
BOLTZMANN_OVER_CHARGE = 1.380649e-23 / 1.602176634e-19
#: Elementary charge, C.
ELEMENTARY_CHARGE = 1.602176634e-19
#: Temperature at which every card gives its figures, K.
T_REFERENCE = 300.15
#: Half-width of the smooth magnitude of V_DS, V: two thermal voltages, so that DIBL sets in with saturation.
V_SMOOTH = 0.05
#: Half-width by which a junction's charge is rounded under forward bias, as a fraction of its potential.
JUNCTION_SMOOTH = 0.1


class MosfetParameters(NamedTuple):
    """Parameters of one transistor, or arrays of them; SI units, reference temperature.

    Geometry-dependent quantities are already evaluated (see `Technology.mosfet`).
    """

    slope_factor: Float[Array, "*fets"]
    i_spec: Float[Array, "*fets"]  # A, all m devices
    v_t0: Float[Array, "*fets"]  # V
    dibl: Float[Array, "*fets"]  # V/V
    clm: Float[Array, "*fets"]  # 1/V
    mobility_reduction: Float[Array, "*fets"]  # 1/V
    v_t_slope: Float[Array, "*fets"]  # V/K
    mobility_exponent: Float[Array, "*fets"]
    c_gate: Float[Array, "*fets"]  # F: C_ox W L m
    c_overlap: Float[Array, "*fets"]  # F, one side
    c_junction_drain: Float[Array, "*fets"]  # F at zero bias
    c_junction_source: Float[Array, "*fets"]
    junction_potential: Float[Array, "*fets"]  # V
    junction_grading: Float[Array, "*fets"]
    flicker: Float[Array, "*fets"]  # V^2: S_vg = flicker / f, already divided by area
    polarity: Float[Array, "*fets"]  # +1 for n, -1 for p


class Terminals(NamedTuple):
    """A quantity per terminal: bulk-referred voltages in, charges or currents out."""

    drain: Float[Array, "*fets"]
    gate: Float[Array, "*fets"]
    source: Float[Array, "*fets"]


def thermal_voltage(temperature: Real) -> Real:
    """U_T = kT/q, V."""
    return BOLTZMANN_OVER_CHARGE * temperature


def smooth_magnitude(x: Float[Array, "*fets"], width: float = V_SMOOTH) -> Float[Array, "*fets"]:
    """|x| without its corner: sqrt(x^2 + d^2) - d."""
    return x * x / (jnp.sqrt(x * x + width * width) + width)


@jax.custom_jvp
def softplus(x: Float[Array, "*fets"]) -> Float[Array, "*fets"]:
    """ln(1 + e^x) without overflow; its derivative reuses the one exponential."""
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


@softplus.defjvp
def _softplus_jvp(
    primals: tuple[Float[Array, "*fets"]], tangents: tuple[Float[Array, "*fets"]]
) -> tuple[Float[Array, "*fets"], Float[Array, "*fets"]]:
    (x,), (dx,) = primals, tangents
    small = jnp.exp(-jnp.abs(x))
    logistic = jnp.where(x > 0, 1.0, small) / (1 + small)
    return jnp.maximum(x, 0) + jnp.log1p(small), logistic * dx


def _reduced_charges(
    p: MosfetParameters, v: Terminals, dv_t: Real, temperature: Real
) -> tuple[Float[Array, "*fets"], Float[Array, "*fets"], Float[Array, "*fets"]]:
    """q_f, q_r and the pinch-off voltage V_P."""
    u_t = thermal_voltage(temperature)
    v_t = p.v_t0 + dv_t + p.v_t_slope * (temperature - T_REFERENCE)
    v_t = v_t - p.dibl * smooth_magnitude(v.drain - v.source)
    v_p = (v.gate - v_t) / p.slope_factor
    q_f = softplus((v_p - v.source) / (2 * u_t))
    q_r = softplus((v_p - v.drain) / (2 * u_t))
    return q_f, q_r, v_p


def specific_current(p: MosfetParameters, temperature: Real) -> Float[Array, "*fets"]:
    """I_spec = 2 n beta U_T^2 at `temperature`, A: mobility falls as T^exponent, U_T^2 rises."""
    return p.i_spec * (temperature / T_REFERENCE) ** (2.0 + p.mobility_exponent)


def drain_current(
    p: MosfetParameters,
    v: Terminals,
    dv_t: Real = 0.0,
    temperature: Real = T_REFERENCE,
) -> Float[Array, "*fets"]:
    """Current from drain to source, A, for bulk-referred voltages (n-channel sense).

    Args:
        p: parameters.
        v: drain, gate and source against bulk, V; sign-flipped for a p-channel device.
        dv_t: this device's own threshold deviation, V.
        temperature: K.
    """
    q_f, q_r, _ = _reduced_charges(p, v, dv_t, temperature)
    reduction = 1 + p.mobility_reduction * p.slope_factor * thermal_voltage(temperature) * (q_f + q_r)
    modulation = 1 + p.clm * smooth_magnitude(v.drain - v.source)
    forward_minus_reverse = (q_f - q_r) * (q_f + q_r)
    return specific_current(p, temperature) * forward_minus_reverse * modulation / reduction


def terminal_charges(
    p: MosfetParameters,
    v: Terminals,
    dv_t: Real = 0.0,
    temperature: Real = T_REFERENCE,
) -> Terminals:
    """Charges on drain, gate and source, C; the bulk holds minus their sum.

    Channel charge with Ward-Dutton partition in the reduced currents (Enz et al. 1995), bulk charge
    linear in V_P, overlap capacitances, and junctions that follow (1 + V_R/phi)^-m, rounded
    before they diverge under forward bias.
    """
    q_f, q_r, v_p = _reduced_charges(p, v, dv_t, temperature)
    u_t = thermal_voltage(temperature)
    x_f, x_r = jnp.sqrt(0.25 + q_f**2), jnp.sqrt(0.25 + q_r**2)
    total = x_f + x_r
    n = p.slope_factor
    q_d = -n * (4 / 15 * (3 * x_r**3 + 6 * x_r**2 * x_f + 4 * x_r * x_f**2 + 2 * x_f**3) / total**2 - 0.5)
    q_s = -n * (4 / 15 * (3 * x_f**3 + 6 * x_f**2 * x_r + 4 * x_f * x_r**2 + 2 * x_r**3) / total**2 - 0.5)
    inversion = q_d + q_s
    bulk = -(n - 1) * v_p / u_t - (n - 1) / n * inversion
    unit = p.c_gate * u_t
    over_d = p.c_overlap * (v.gate - v.drain)
    over_s = p.c_overlap * (v.gate - v.source)
    return Terminals(
        drain=unit * q_d - over_d + _junction_charge(p, p.c_junction_drain, v.drain),
        gate=-unit * (inversion + bulk) + over_d + over_s,
        source=unit * q_s - over_s + _junction_charge(p, p.c_junction_source, v.source),
    )


def _junction_charge(p: MosfetParameters, c_zero: Real, reverse: Float[Array, "..."]) -> Float[Array, "*fets"]:
    """Charge on the diffusion side of a junction at `reverse` bias, zero at zero bias."""
    phi, grading = p.junction_potential, 1 - p.junction_grading

    def power(x: Float[Array, "*fets"]) -> Float[Array, "*fets"]:
        rounded = 0.5 * (x + jnp.sqrt(x * x + 4 * JUNCTION_SMOOTH**2))
        return rounded**grading

    return c_zero * phi / grading * (power(1 + reverse / phi) - power(jnp.ones_like(reverse)))


def noise_psd(
    p: MosfetParameters,
    v: Terminals,
    frequency: Real,
    dv_t: Real = 0.0,
    temperature: Real = T_REFERENCE,
) -> tuple[Float[Array, "*fets"], Float[Array, "*fets"]]:
    """Thermal and flicker power spectral densities of the drain current, A^2/Hz.

    Thermal: 4kT g_n with ``g_n = I_spec/(2 U_T) [4/3 (x_f^2 + x_f x_r + x_r^2)/(x_f + x_r) - 1]``,
    reduced as the current is, which is 2 q I in saturated weak inversion and 4kT g_ds at zero V_DS (within
    11 %, because ln(1 + e^{u/2}) only approximates the charge between weak and strong inversion). Flicker:
    ``g_m^2 K_F / (C_ox W L f)`` referred from the gate.
    """
    q_f, q_r, _ = _reduced_charges(p, v, dv_t, temperature)
    u_t = thermal_voltage(temperature)
    x_f, x_r = jnp.sqrt(0.25 + q_f**2), jnp.sqrt(0.25 + q_r**2)
    # the same with a = x_f - 1/2, b = x_r - 1/2: the difference above cancels in weak inversion
    a, b = q_f**2 / (x_f + 0.5), q_r**2 / (x_r + 0.5)
    charge = (a + b + 4 / 3 * (a * a + a * b + b * b)) / (x_f + x_r)
    reduction = 1 + p.mobility_reduction * p.slope_factor * u_t * (q_f + q_r)
    g_n = specific_current(p, temperature) / (2 * u_t) * charge / reduction
    thermal = 4 * ELEMENTARY_CHARGE * u_t * g_n

    def current(gate: Float[Array, "*fets"]) -> Float[Array, "*fets"]:
        return drain_current(p, Terminals(v.drain, gate, v.source), dv_t, temperature)

    _, transconductance = jax.jvp(current, (v.gate,), (jnp.ones_like(v.gate),))
    return thermal, transconductance**2 * p.flicker / frequency
