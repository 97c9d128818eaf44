"""Sources of error of a multiplier by name, each to be switched on and off."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from anamorph.errors import BadInput, nearest
from anamorph.vmm.design import INS, Design


@dataclass(frozen=True)
class Errors:
    """Which sources of error act; all unless said otherwise. Without any, only inputs and weights are rounded.

    Attributes:
        tuning: cells are written with an error.
        drift: currents have changed since.
        temperature: it is another one than that of writing; ratios of weak-inversion currents change.
        drain: a line that moves changes the currents of its active cells (barrier lowering, channel-length modulation).
        nonlinearity: passive cells are not ohmic.
        sense: the amplifier that should hold a line of passive cells still has an input resistance.
        wires: word and bit lines (active cells: source lines) have resistance.
        noise: shot or thermal noise of the cells, and kT/C where charge is shared.
        capacitor: the capacitors of two lines, and the two that halve, differ.
        leakage: lines leak, and cells whose input is off conduct a little.
        input: drivers of amplitudes deviate, and gate-coupled cells have other slopes than what drives them.
        offset: comparators or amplifiers of the columns have offsets.
        gain: columns convert with scales of their own.
        resolution: outputs have so many bits, and an end.
    """

    tuning: bool = True
    drift: bool = True
    temperature: bool = True
    drain: bool = True
    nonlinearity: bool = True
    sense: bool = True
    wires: bool = True
    noise: bool = True
    capacitor: bool = True
    leakage: bool = True
    input: bool = True
    offset: bool = True
    gain: bool = True
    resolution: bool = True

    @classmethod
    def none(cls) -> Errors:
        """No source acts."""
        return cls(**dict.fromkeys(SOURCES, False))

    @classmethod
    def only(cls, *names: str) -> Errors:
        """These act alone. Raises `BadInput` for an unknown name."""
        return replace(cls.none(), **dict.fromkeys(_known(names), True))

    def without(self, *names: str) -> Errors:
        """The same but for these. Raises `BadInput` for an unknown name."""
        return replace(self, **dict.fromkeys(_known(names), False))


SOURCES = tuple(field.name for field in fields(Errors))


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in SOURCES:
            raise BadInput(f"no source of error '{name}'", expected=", ".join(SOURCES), advice=nearest(name, SOURCES))
    return names


def sources_of(design: Design) -> tuple[str, ...]:
    """The sources that a design has."""
    foreign = {"nonlinearity", "sense"} if design.cell.active else {"drain"}
    foreign |= {"capacitor"} if design.encoding is INS else {"input"}
    return tuple(name for name in SOURCES if name not in foreign)
