"""How large every error of a design is, in the units of its products: what is left of figures and switches.

One number or a few per source of error; a source that is switched off is zero, and costs the computation nothing
but a multiplication. So many sets of errors can be computed as one batch.

Unit of a line's signal is the product of the largest input and the largest weight: with all cells on, a line has
`rows` of them, and has moved by the card's swing.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from anamorph.vmm.design import Design
from anamorph.vmm.drain import steepness
from anamorph.vmm.physics import BOLTZMANN, CHARGE, Physics
from anamorph.vmm.sources import Errors


class Magnitudes(NamedTuple):
    """Numbers, or arrays of them with the same leading axes.

    Attributes:
        tuning: rms error of a written cell that grows with its current, of the largest current.
        tuning_floor: the rest of it.
        drift: rms change of the logarithm of a current, by now.
        exponent: of currents (in units of the largest) from the temperature of writing to that of use.
        bend: a of `drain.fallen`, per unit of signal.
        curvature: beta V of a passive cell at its read voltage.
        word, bit, sense: resistances times the largest cell's conductance.
        rise: of the source line's voltage by one cell's largest current in one segment, in thermal voltages.
        shot: variance of a line's signal per unit of it.
        shared: variance of a line's signal when charge is shared or sampled, kT/C.
        capacitor: rms deviation of a capacitor, relative.
        off: current of a cell whose input is off, as a share.
        leak: what leakage adds to a line's signal in one integration.
        leak_spread: rms deviation of that, relative.
        driver: rms deviation of an input's amplitude.
        slope: rms deviation of a cell's slope from its driver's.
        offset: rms offset of a column.
        gain: rms deviation of a column's scale.
        base: smallest current of a cell.
        scale: what outputs are multiplied by.
        rounded: 1 where outputs have a resolution and an end, 0 where not.
    """

    tuning: Any
    tuning_floor: Any
    drift: Any
    exponent: Any
    bend: Any
    curvature: Any
    word: Any
    bit: Any
    sense: Any
    rise: Any
    shot: Any
    shared: Any
    capacitor: Any
    off: Any
    leak: Any
    leak_spread: Any
    driver: Any
    slope: Any
    offset: Any
    gain: Any
    base: Any
    scale: Any
    rounded: Any


def magnitudes(design: Design, physics: Physics, errors: Errors, scale: float = 1.0) -> Magnitudes:
    """Of a design with the sources that act."""
    on = {name: float(getattr(errors, name)) for name in Errors.__dataclass_fields__}
    rows, c, charge = design.rows, physics.capacitor, physics.current * physics.duration
    conductance = 0.0 if physics.active else physics.current / physics.read
    thermal = BOLTZMANN * physics.temperature
    # full shot noise of a saturated cell; thermal noise 4 k T G of a passive one
    fano = 1.0 if physics.active else 2 * physics.thermal / physics.read
    ratio = physics.written_at / physics.temperature
    decades = math.log10(max(physics.age, 1.0))
    return Magnitudes(
        tuning=on["tuning"] * physics.tuning * (1 - physics.tuning_small),
        tuning_floor=on["tuning"] * physics.tuning * physics.tuning_small,
        drift=on["drift"] * physics.drift * decades,
        exponent=1 - on["temperature"] * physics.temperature_share * (1 - ratio),
        bend=on["drain"] * steepness(physics) * physics.swing / rows,
        curvature=0.0 if physics.active else on["nonlinearity"] * physics.read * physics.nonlinearity,
        word=on["wires"] * physics.wire_word * conductance,
        bit=on["wires"] * physics.wire_bit * conductance,
        sense=0.0 if physics.active else on["sense"] * physics.sense * conductance,
        rise=on["wires"] * physics.wire_bit * physics.current / physics.thermal if physics.active else 0.0,
        shot=on["noise"] * fano * CHARGE / charge,
        shared=on["noise"] * thermal / c * (rows / physics.swing) ** 2,
        capacitor=on["capacitor"] * physics.capacitor_mismatch / (c / physics.capacitor_density) ** 0.5,
        off=on["leakage"] * physics.off,
        leak=on["leakage"] * rows * physics.line_leakage / physics.current,
        leak_spread=physics.leakage_spread,
        driver=on["input"] * physics.input_gain,
        slope=on["input"] * physics.slope_spread if design.cell.gate_coupled else 0.0,
        offset=on["offset"] * physics.offset * rows / physics.swing,
        gain=on["gain"] * physics.gain,
        base=physics.base,
        scale=scale,
        rounded=on["resolution"],
    )
