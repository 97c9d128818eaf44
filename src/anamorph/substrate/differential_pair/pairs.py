r"""Large signals through pairs and loads, in weak inversion.

A signal is a voltage in units of the cell's full scale, ``u = V / (2 n U_T)``. Of a pair's current the share

    P = (p e^u + p') / (p e^u + p' + q e^-u + q')

goes through one side: p and q are what the connected groups of the two sides weigh, p' and q' the others. Without
deviations ``P - Q = w sinh(u) / (1 - |w| + |w| cosh(u))``: for the largest weight tanh(u), and for smaller ones w u as
long as u is small. A sign swaps the inputs.

A load is two p-channel diodes that carry one branch's current each, J in units of it: ``u = (g/2) ln(J_p / J_n)``. A
diode that is left without current stays at a floor, where the current sources beside it have come out of saturation.
Gain g and floor are those of the simulated cell (`Load.of`).
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.cell.differential_pair import DifferentialPair
from anamorph.characterise.differential_pair import large_signal
from anamorph.device.mosfet import T_REFERENCE, thermal_voltage
from anamorph.errors import OutOfDomain
from anamorph.technology import Technology

#: Inputs at which the cell is simulated, V: small, and far beyond its range.
SMALL, LARGE = 2e-3, 0.4
#: Signals beyond this change no share any more.
FULL = 20.0
#: Share of an input current that is mirrored into the input's load.
MIRRORED = 0.75


def mirrored(x: Any) -> Any:
    """The current in an input's load, of an input current."""
    return MIRRORED * x


class Load(NamedTuple):
    """Two diodes.

    Attributes:
        gain: of a branch with the largest weight, for small signals.
        floor: current that a starved diode still seems to carry, in units of a branch's.
    """

    gain: float
    floor: float

    @classmethod
    def of(cls, design: DifferentialPair, technology: Technology, bias: float) -> Load:
        """From two operating points of a cell with one synapse: its slope, and where its output saturates.

        Raises:
            OutOfDomain: a cell that amplifies nothing at this bias.
            NotConverged: an operating point was not found.
        """
        scale = 2 * technology.value("nfet", "slope_factor") * float(thermal_voltage(T_REFERENCE))
        v_out = large_signal(design, technology, bias, np.array([SMALL, LARGE]), size_for_bias=False)
        gain, end = float(v_out[0]) / SMALL, float(v_out[1]) / scale
        if not (gain > 0 and end > gain * np.log(2) / 2):
            raise OutOfDomain("the neuron has no gain", where="bias", expected="a smaller or larger current",
                              got=f"{bias:g} A")  # fmt: skip
        # ln(2 / fl(0)) g / 2 = end, of fl as below
        return cls(gain, 2 * float(np.exp(-2 * end / gain)) / (1 + float(np.log(2))))

    def signal(self, j_p: Any, j_n: Any) -> Any:
        """u of the currents in the two diodes."""
        # numpy where nothing is to be differentiated: jax would compile it anew for every shape
        return _signal(np, *self, j_p, j_n) if isinstance(j_p, np.ndarray) else _traced(*self, j_p, j_n)


def _signal(lib: Any, gain: float, floor: float, j_p: Any, j_n: Any) -> Any:
    def logarithm(j: Any) -> Any:
        """Of j itself, and of no less than about the floor."""
        return lib.log(floor * (1 + lib.logaddexp(0.0, j / floor)))

    return 0.5 * gain * (logarithm(j_p) - logarithm(j_n))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _traced(gain: float, floor: float, j_p: Array, j_n: Array) -> Array:
    return _signal(jnp, gain, floor, j_p, j_n)


@jax.jit
def transferred(w: Float[Array, "n_in n_out"], u: Float[Array, "patterns n_in"]) -> Float[Array, "patterns n_out"]:
    """Sum of the synapses' differential currents, in units of a tail current, without deviations."""
    u = jnp.clip(u, -FULL, FULL)[:, :, None]
    magnitude = jnp.abs(w)
    return jnp.sum(w * jnp.sinh(u) / (1 - magnitude + magnitude * jnp.cosh(u)), axis=1)


def shares(
    setting: np.ndarray, u: np.ndarray, inputs: Float[np.ndarray, "dies n_out 2 bits"]
) -> Float[np.ndarray, "dies programs patterns n_out"]:
    """P of the synapses of one input neuron.

    Args:
        setting: ``[dies or 1, programs, n_out]``, with signs.
        u: ``[dies, programs, patterns]``.
        inputs: logarithms of factors of the groups' currents.
    """
    bits = np.arange(inputs.shape[-1])
    current = 2.0**bits * np.exp(inputs)[:, None]
    on = (np.abs(setting)[..., None, None] >> bits) & 1
    given = np.sum(on * current, -1)[:, :, None]
    rest = np.sum((1 - on) * current, -1)[:, :, None]
    signed = np.clip(u, -FULL, FULL)[..., None] * np.where(setting < 0, -1.0, 1.0)[:, :, None]
    one = given[..., 0] * np.exp(signed) + rest[..., 0]
    other = given[..., 1] * np.exp(-signed) + rest[..., 1]
    return one / (one + other)
