r"""Memory cells as functions of their terminals' voltages: floating gate, memristor, memristor under a transistor.

**Floating gate** (2D-NOR, 3D-NAND). The transistor of `mosfet.py` whose threshold ``V_T`` is programmed, seen from its
control gate: what couples the control gate to the floating one is part of the slope factor n, and what couples the
drain to it adds to the lowering of the barrier, ``sigma``. In weak inversion, V_S = 0 (Enz, Krummenacher and Vittoz,
Analog Integrated Circuits and Signal Processing 8, 1995):

    I_D = I_spec exp((V_G - V_T + sigma s(V_D)) / n U_T) (1 - exp(-V_D / U_T)) (1 + lambda s(V_D))

so a gate-coupled pair multiplies a current by ``exp((V_T1 - V_T2) / n U_T)``, and an output line that moves changes
all its currents by the same factor (`drain_factor`): that is what limits the precision of charge on a capacitor.
The code has the whole interpolation to strong inversion, which bends the exponential by 10 % at I_spec / 100.

**Memristor.** ``I = G sinh(beta V) / beta``: ohmic with G at small voltages (hyperbolic sine: C. Yakopcic, T. Taha,
G. Subramanyam, R. Pino and S. Rogers, "A memristor device model", IEEE Electron Device Letters 32, 2011).

**1T-1R, active** (Bavandpour, Sahay, Mahmoodi and Strukov, arXiv:1905.09454, 2019). The memristor stands between the
source of a subthreshold transistor and ground; the voltage X at the source settles where both carry the same current:

    I_D(V_G, V_D, X) = G sinh(beta X) / beta

Left out: reading disturbs nothing, states do not drift, and there is no noise. Those belong to the multiplier, not
to one cell's equations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.device.mosfet import (
    T_REFERENCE,
    MosfetParameters,
    Real,
    Terminals,
    drain_current,
    smooth_magnitude,
    softplus,
    thermal_voltage,
)

#: Numbers, or arrays that broadcast over cells.
Reals = Float[Array | np.ndarray, "..."] | float
#: Newton steps of the implicit solutions; they start within a few per cent and converge quadratically.
NEWTON_STEPS = 8
#: Below this argument sinh(x)/x is its series, whose error is then under 1e-16.
SERIES_BELOW = 1e-2


class SubthresholdCell(NamedTuple):
    """A memory transistor as its control gate sees it; SI units, 27 degrees Celsius.

    Attributes:
        i_spec: specific current, A; the current at V_G = V_T is 0.48 of it.
        slope_factor: n, from the control gate.
        dibl: sigma, V/V: how far the drain lowers the threshold, coupling to the floating gate included.
        clm: lambda, 1/V: channel-length modulation.
        v_t_slope: of the threshold with temperature, V/K.
        mobility_exponent: mobility goes as T to this power (-1.5 is that of acoustic phonons).
    """

    i_spec: Reals
    slope_factor: Reals
    dibl: Reals = 0.0
    clm: Reals = 0.0
    v_t_slope: Reals = 0.0
    mobility_exponent: Reals = -1.5

    def mosfet(self, v_t: Reals = 0.0) -> MosfetParameters:
        """The parameters of the n-channel transistor with threshold `v_t`, V; without capacitances."""
        zero = jnp.zeros(())
        return MosfetParameters(
            slope_factor=jnp.asarray(self.slope_factor, float), i_spec=jnp.asarray(self.i_spec, float),
            v_t0=jnp.asarray(v_t, float), dibl=jnp.asarray(self.dibl, float), clm=jnp.asarray(self.clm, float),
            mobility_reduction=zero, v_t_slope=jnp.asarray(self.v_t_slope, float),
            mobility_exponent=jnp.asarray(self.mobility_exponent, float), c_gate=zero, c_overlap=zero,
            c_junction_drain=zero, c_junction_source=zero, junction_potential=jnp.ones(()),
            junction_grading=jnp.zeros(()), flicker=zero, polarity=jnp.ones(()),
        )  # fmt: skip


@jax.jit
def subthreshold_current(
    cell: SubthresholdCell,
    v_t: Reals,
    gate: Reals,
    drain: Reals,
    source: Reals = 0.0,
    temperature: Real = T_REFERENCE,
) -> Float[Array, "..."]:
    """Current from drain to source of a floating-gate cell, A.

    Args:
        cell: its parameters.
        v_t: programmed threshold, V.
        gate: control gate's voltage against the bulk, V; so are the other two.
        drain: V.
        source: V.
        temperature: K.
    """
    terminals = jnp.broadcast_arrays(*(jnp.asarray(v, float) for v in (drain, gate, source)))
    return drain_current(cell.mosfet(), Terminals(*terminals), jnp.asarray(v_t, float), temperature)


@jax.jit
def programmed_threshold(
    cell: SubthresholdCell,
    current: Reals,
    gate: Reals,
    drain: Reals,
    source: Reals = 0.0,
    temperature: Real = T_REFERENCE,
) -> Float[Array, "..."]:
    """The threshold with which a cell carries `current` (A, above zero) at the read voltages, V."""
    target, gate, drain, source = (jnp.asarray(x, float) for x in (current, gate, drain, source))
    u_t = thermal_voltage(temperature)
    n = jnp.asarray(cell.slope_factor, float)
    # saturated, without modulation: q_f = sqrt(I / I_spec), and softplus inverted
    q = jnp.sqrt(target / jnp.asarray(cell.i_spec, float))
    start = gate - n * (source + 2 * u_t * (q + jnp.log(-jnp.expm1(-q))))

    def excess(v_t: Float[Array, "..."]) -> Float[Array, "..."]:
        found = subthreshold_current(cell, v_t, gate, drain, source, temperature)
        return jnp.log(found / target)

    return _root(excess, jnp.broadcast_to(start, jnp.broadcast_shapes(start.shape, drain.shape)))


@jax.jit
def drain_factor(
    cell: SubthresholdCell, drain: Reals, v_read: Reals, temperature: Real = T_REFERENCE, current: Reals = 0.0
) -> Float[Array, "..."]:
    """Current at drain voltage `drain` over that at `v_read`, the source grounded.

    In weak inversion it is the same for every cell of a column, whatever its threshold and its gate's voltage. A cell
    nearer to strong inversion follows its threshold less: `current` (A at `v_read`) says how near.
    """
    u_t = thermal_voltage(temperature)
    v, v_0 = jnp.asarray(drain, float), jnp.asarray(v_read, float)
    n = jnp.asarray(cell.slope_factor, float)
    # at 1e-12 of I_spec the interpolation is the exponential to 1e-6
    q = jnp.sqrt(jnp.maximum(jnp.asarray(current, float) / jnp.asarray(cell.i_spec, float), 1e-12))
    forward = jnp.log(jnp.expm1(q))

    def factor(x: Float[Array, "..."]) -> Float[Array, "..."]:
        s = smooth_magnitude(x)
        pinch = forward + cell.dibl * (s - smooth_magnitude(v_0)) / (2 * n * u_t)
        q_f, q_r = softplus(pinch), softplus(pinch - x / (2 * u_t))
        return (q_f - q_r) * (q_f + q_r) * (1 + cell.clm * s)

    return factor(v) / factor(v_0)


@partial(jax.jit, static_argnames="steps")
def discharged_voltage(
    cell: SubthresholdCell,
    ideal_fall: Reals,
    v_start: Reals,
    v_read: Reals,
    current: Reals = 0.0,
    *,
    steps: int = 32,
    temperature: Real = T_REFERENCE,
) -> Float[Array, "..."]:
    """Where cells of one column take the capacitor on it, V: ``C dV/dt = -sum_i I_i(t) f(V)``, f the `drain_factor`.

    As far as every cell has the same factor f, only the charge counts, whatever the order and length of its pulses.

    Args:
        cell: parameters, common to the column.
        ideal_fall: charge of all cells at their programmed currents, over the capacitance, V.
        v_start: voltage before, V.
        v_read: drain voltage at which the cells were programmed, V.
        current: for cells not deep in weak inversion, the current of a typical one, A: the mean by charge,
            ``sum_i I_i^2 T_i / sum_i I_i T_i``, makes what the cells differ in count to second order only.
        steps: of the fourth-order integration.
        temperature: K.
    """
    given = (jnp.asarray(x, float) for x in (ideal_fall, v_start, current))
    fall, v, current = jnp.broadcast_arrays(*given)
    h = fall / steps

    def slope(x: Float[Array, "..."]) -> Float[Array, "..."]:
        return -drain_factor(cell, x, v_read, temperature, current)

    def step(x: Float[Array, "..."], _: None) -> tuple[Float[Array, "..."], None]:
        k1 = slope(x)
        k2 = slope(x + 0.5 * h * k1)
        k3 = slope(x + 0.5 * h * k2)
        return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + slope(x + h * k3)), None

    return jax.lax.scan(step, v, None, length=steps)[0]


@jax.jit
def memristor_current(conductance: Reals, voltage: Reals, beta: Reals = 0.0) -> Float[Array, "..."]:
    """``G sinh(beta V) / beta``, A; ohmic for `beta` = 0.

    Args:
        conductance: G at small voltages, S.
        voltage: across the cell, V.
        beta: curvature, 1/V: at V = 1/beta the current is 17.5 % above the ohmic one.
    """
    v = jnp.asarray(voltage, float)
    x = jnp.asarray(beta, float) * v
    small = jnp.abs(x) < SERIES_BELOW
    safe = jnp.where(small, 1.0, x)
    x2 = jnp.where(small, x, 0.0) ** 2
    ratio = jnp.where(small, 1 + x2 / 6 * (1 + x2 / 20 * (1 + x2 / 42)), jnp.sinh(safe) / safe)
    return jnp.asarray(conductance, float) * v * ratio


@jax.jit
def source_voltage(
    cell: SubthresholdCell,
    v_t: Reals,
    conductance: Reals,
    gate: Reals,
    drain: Reals,
    beta: Reals = 0.0,
    temperature: Real = T_REFERENCE,
) -> Float[Array, "..."]:
    """Voltage at the source of a 1T-1R cell's transistor, V; derivatives are those of the implicit function."""
    args = tuple(jnp.asarray(x, float) for x in (v_t, conductance, gate, drain, beta))
    v_t, conductance, gate, drain, beta = jnp.broadcast_arrays(*args)
    u_t = thermal_voltage(temperature)

    def excess(x: Float[Array, "..."]) -> Float[Array, "..."]:
        transistor = subthreshold_current(cell, v_t, gate, drain, x, temperature)
        # scaled so that a Newton step is as good where the transistor carries little
        return (transistor - memristor_current(conductance, x, beta)) / (transistor + conductance * u_t)

    alone = subthreshold_current(cell, v_t, gate, drain, 0.0, temperature)
    # saturated and ohmic: X = U_T W(I(X = 0) / (G U_T)); W to some per cent (S. Winitzki, 2003)
    log = jnp.log1p(alone / (conductance * u_t))
    start = u_t * log * (1 - jnp.log1p(log) / (2 + log))
    return _root(excess, jnp.minimum(start, 0.9 * drain))


@jax.jit
def one_transistor_one_resistor_current(
    cell: SubthresholdCell,
    v_t: Reals,
    conductance: Reals,
    gate: Reals,
    drain: Reals,
    beta: Reals = 0.0,
    temperature: Real = T_REFERENCE,
) -> Float[Array, "..."]:
    """Current of an active 1T-1R cell from its drain to ground, A.

    Args:
        cell: the transistor.
        v_t: its threshold, V (not programmed: it is what the process made it).
        conductance: of the memristor at its source at small voltages, S.
        gate: V, against ground.
        drain: V, above zero.
        beta: curvature of the memristor, 1/V.
        temperature: K.
    """
    x = source_voltage(cell, v_t, conductance, gate, drain, beta, temperature)
    return memristor_current(conductance, x, beta)


@jax.jit
def programmed_conductance(
    cell: SubthresholdCell,
    v_t: Reals,
    current: Reals,
    gate: Reals,
    drain: Reals,
    beta: Reals = 0.0,
    temperature: Real = T_REFERENCE,
) -> Float[Array, "..."]:
    """The memristor's conductance with which a 1T-1R cell carries `current`, S; NaN if no conductance is enough."""
    target, v_t, gate, drain, beta = jnp.broadcast_arrays(
        *(jnp.asarray(x, float) for x in (current, v_t, gate, drain, beta))
    )
    alone = subthreshold_current(cell, v_t, gate, drain, 0.0, temperature)
    u_t = thermal_voltage(temperature)

    def excess(x: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.log(subthreshold_current(cell, v_t, gate, drain, x, temperature) / target)

    reach = target < alone
    start = jnp.where(reach, u_t * jnp.log(alone / target), 0.5 * u_t)
    x = _root(excess, jnp.minimum(start, 0.9 * drain))
    return jnp.where(reach, target / memristor_current(1.0, x, beta), jnp.nan)


def _root(f: Callable[[Float[Array, "..."]], Float[Array, "..."]], start: Float[Array, "..."]) -> Float[Array, "..."]:
    """Where the elementwise `f` is zero, by Newton; differentiable once in whatever `f` depends on."""

    def newton(x: Float[Array, "..."]) -> Float[Array, "..."]:
        value, slope = jax.jvp(f, (x,), (jnp.ones_like(x),))
        return x - value / slope

    x = jax.lax.fori_loop(0, NEWTON_STEPS, lambda _, x: newton(x), jax.lax.stop_gradient(start))
    x = jax.lax.stop_gradient(x)
    slope = jax.jvp(f, (x,), (jnp.ones_like(x),))[1]
    # zero by now; its derivative is that of the implicit function
    return x - f(x) / jax.lax.stop_gradient(slope)
