"""The multipliers of a chip, one per weight matrix, and how far their columns' references deviate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from anamorph.device.mosfet import T_REFERENCE, thermal_voltage
from anamorph.substrate.contract import Shape
from anamorph.technology import Technology
from anamorph.vmm.behaviour import Vmm
from anamorph.vmm.design import Design, cell, encoding
from anamorph.vmm.physics import physics_of
from anamorph.vmm.sources import Errors

#: The largest weight, in training units: that of a 3-bit mirror synapse, so that networks have one scale everywhere.
WEIGHT_MAX = 1.75


def reference_spread(technology: Technology, area: float) -> float:
    """Rms deviation of the logarithm of a current that a transistor of this gate area copies in weak inversion."""
    sigma = technology.value("nfet", "a_vt") / np.sqrt(area)
    return float(sigma / (technology.value("nfet", "slope_factor") * thermal_voltage(T_REFERENCE)))


def multipliers(
    shape: Shape, n_bits: int, signal_bits: int, ranges: tuple[float, ...], gain: float, kinds: tuple[str, str]
) -> tuple[Vmm, ...]:
    """One per weight matrix; noise is left out.

    Args:
        shape: neurons per layer.
        n_bits: of a weight's magnitude.
        signal_bits: of inputs and outputs.
        ranges: end of every layer's signals, in training units.
        gain: rms deviation of a column's scale.
        kinds: names of the cell and of the encoding.

    Raises:
        BadInput: no such cell or encoding, or two that cannot work together.
    """
    made = []
    for layer, (rows, columns) in enumerate(zip(shape, shape[1:], strict=False)):
        design = Design(cell(kinds[0]), encoding(kinds[1]), signal_bits, n_bits + 1, signal_bits, rows, columns)
        # a converter ends where the next layer's signals end
        span = ranges[layer + 1] / (ranges[layer] * WEIGHT_MAX)
        physics = replace(physics_of(design), gain=gain)
        made.append(Vmm(design, physics, Errors().without("noise"), span, rectify=True))
    return tuple(made)
