"""Weights of single synapses: every one a sum of its own bits."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from anamorph.errors import BadInput
from anamorph.substrate.current_mirror.stage import Stage, input_current
from anamorph.substrate.current_mirror.synapses import SynapsePoints, resting_nodes, synapse_currents
from anamorph.substrate.encoding import WeightGrid

#: State of a nominal soma that takes about 100 nA, and of the neuron that its synapse feeds, V.
SOURCE_STATE, FED_STATE = 0.36, 0.33


@dataclass(frozen=True)
class NominalSynapse:
    """What the cell without deviations does in each setting, at about 100 nA: design data.

    Attributes:
        gain: current of the synapse over that of its source, by setting.
        compression: current over the sum of those of its bits alone, by setting. Bits share the sign switch, so
            together they give a few per cent less.
    """

    gain: dict[int, float]
    compression: dict[int, float]

    @classmethod
    def of(cls, stage: Stage) -> NominalSynapse:
        """Solve the nominal cell in every setting."""
        largest = 2**stage.n_bits - 1
        code = np.array([c for c in range(-largest, largest + 1) if c])
        nodes, curves = np.asarray(stage.nominal_curves.axis.nodes), stage.nominal_curves
        d_p, d_n = (np.full(code.shape, np.interp(SOURCE_STATE, nodes, d[0])) for d in (curves.drive_p, curves.drive_n))
        v_dd, fets = stage.technology.v_dd, len(stage.synapse.fets)
        fed, none = np.full(code.shape, FED_STATE), np.zeros((fets, len(code)))
        points = SynapsePoints(code, v_dd - d_p, d_n, fed, none)
        current, _, _ = synapse_currents(stage.synapse, v_dd, points, resting_nodes(stage.synapse, v_dd, code))
        source = float(input_current(stage.input_fet, jnp.asarray(SOURCE_STATE), jnp.zeros(())))
        gain = {int(c): float(i) / source for c, i in zip(code, current, strict=True)}
        bits = {c: sum(gain[b] for b in bits_of(c)) for c in gain}
        return cls(gain, {c: gain[c] / bits[c] for c in gain})


def bits_of(setting: int) -> tuple[int, ...]:
    """The settings of one bit each that add up to a setting: ``-5 = -4 - 1``."""
    sign, size = (1 if setting > 0 else -1), abs(setting)
    return tuple(sign << b for b in range(size.bit_length()) if size >> b & 1)


def synapse_levels(
    measured: tuple[int, ...],
    weights: Float[Array, "dies settings n_in n_out"],
    settings: Int[np.ndarray, " n_levels"],
    compression: dict[int, float],
) -> WeightGrid:
    """Levels of every synapse from the magnitudes that its bits were measured to give.

    Raises:
        BadInput: a bit that was not measured.
    """
    at = {setting: index for index, setting in enumerate(measured)}
    each = np.asarray(weights)
    missing = sorted({bit for s in settings.tolist() if s for bit in bits_of(s)} - set(at))
    if missing:
        raise BadInput(
            "synapses were not measured in all their bits",
            where="bench: setting",
            expected=f"readings at {missing}",
            advice="Give a setting that has the highest bit, or leave it out.",
        )
    levels = np.zeros((len(settings), *each[:, 0].shape))
    for row, setting in enumerate(settings.tolist()):
        if setting:
            bits = sum(each[:, at[bit]] for bit in bits_of(setting))
            levels[row] = np.sign(setting) * compression[setting] * bits
    levels = np.moveaxis(levels, 0, -1)
    order = np.argsort(levels, axis=-1, kind="stable")
    return WeightGrid(jnp.asarray(np.take_along_axis(levels, order, axis=-1)), settings[order])
