"""Logic as arrays: a netlist of gates, the few kinds that arithmetic needs, and a builder that numbers the nets.

Net 0 is constant low and net 1 constant high. A gate drives one net, or two (sum and carry of the adders). Gates
stand in the order in which they were made; registers may read nets that are driven later, everything else reads what
exists. Transistor counts are those of the static CMOS circuits of `anamorph.digital.logic_cells`: AND 6, half adder
18, full adder 28.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from anamorph.errors import BadInput, nearest

LOW, HIGH = 0, 1


class Kind(NamedTuple):
    """A kind of gate: names of its pins, inputs first, and how many transistors it takes."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    transistors: int


#: In the order of the numbers that `Netlist.kinds` holds.
KINDS = (
    Kind("inverter", ("a",), ("y",), 2),
    Kind("and2", ("a", "b"), ("y",), 6),
    Kind("xor2", ("a", "b"), ("y",), 12),
    Kind("half_adder", ("a", "b"), ("s", "co"), 18),
    Kind("full_adder", ("a", "b", "c"), ("s", "co"), 28),
    Kind("register", ("d",), ("q",), 24),
)
_NUMBER = {kind.name: number for number, kind in enumerate(KINDS)}
REGISTER = _NUMBER["register"]

Bus = tuple[int, ...]


def kind_number(name: str) -> int:
    """Number of a kind of gate.

    Raises:
        BadInput: no such kind.
    """
    if name not in _NUMBER:
        raise BadInput(f"no gate '{name}'", advice=nearest(name, _NUMBER))
    return _NUMBER[name]


@dataclass(frozen=True)
class Netlist:
    """A circuit of gates.

    Attributes:
        name: of the circuit.
        inputs: buses by name, nets with the least significant bit first.
        outputs: likewise.
        kinds: number of each gate's kind in `KINDS`, ``[gates]``.
        reads: nets at each gate's inputs, ``[gates, 3]``; -1 where it has fewer.
        drives: nets at its outputs, ``[gates, 2]``; -1 where it has one.
        n_nets: nets, the two constants included.
    """

    name: str
    inputs: Mapping[str, Bus]
    outputs: Mapping[str, Bus]
    kinds: Int[np.ndarray, " gates"]
    reads: Int[np.ndarray, "gates 3"]
    drives: Int[np.ndarray, "gates 2"]
    n_nets: int

    @property
    def transistors(self) -> int:
        """Transistors of all gates."""
        return sum(KINDS[kind].transistors for kind in self.kinds)

    @property
    def counts(self) -> dict[str, int]:
        """How many gates of each kind there are."""
        numbers = np.bincount(self.kinds, minlength=len(KINDS))
        return {kind.name: int(n) for kind, n in zip(KINDS, numbers, strict=True) if n}

    @property
    def registers(self) -> np.ndarray:
        """Indices of the gates that are registers."""
        return np.flatnonzero(self.kinds == REGISTER)

    @cached_property
    def levels(self) -> tuple[tuple[tuple[int, np.ndarray], ...], ...]:
        """Gates that may be evaluated together: for each level, ``(kind, gate indices)``; registers are left out."""
        depth = np.zeros(self.n_nets, int)
        level = np.zeros(len(self.kinds), int)
        for gate, kind in enumerate(self.kinds):
            if kind != REGISTER:
                reads, drives = self.reads[gate], self.drives[gate]
                level[gate] = depth[reads[reads >= 0]].max()
                depth[drives[drives >= 0]] = level[gate] + 1
        logic = self.kinds != REGISTER
        last = int(level[logic].max(initial=-1))
        return tuple(
            tuple((int(k), np.flatnonzero(at & (self.kinds == k))) for k in np.unique(self.kinds[at]))
            for at in (logic & (level == step) for step in range(last + 1))
        )

    @property
    def depth(self) -> int:
        """Gates on the longest path between registers."""
        return len(self.levels)

    def bus(self, name: str) -> Bus:
        """Nets of an input or output bus.

        Raises:
            BadInput: no such bus.
        """
        buses = {**self.inputs, **self.outputs}
        if name not in buses:
            raise BadInput(f"no bus '{name}'", where=self.name, advice=nearest(name, buses))
        return buses[name]


class Builder:
    """Makes a `Netlist` gate by gate."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._inputs: dict[str, Bus] = {}
        self._gates: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = []
        self._n_nets = 2

    def _nets(self, count: int) -> tuple[int, ...]:
        self._n_nets += count
        return tuple(range(self._n_nets - count, self._n_nets))

    def input(self, name: str, width: int) -> Bus:
        """A new input bus of `width` bits."""
        if name in self._inputs or width < 1:
            raise BadInput("not a new bus", where=f"{self.name}: {name}", got=f"{width} bits")
        self._inputs[name] = self._nets(width)
        return self._inputs[name]

    def gate(self, kind: str, *reads: int) -> tuple[int, ...]:
        """A new gate; returns the nets that it drives.

        Raises:
            BadInput: no such kind, the wrong number of inputs, or a net that does not exist.
        """
        number = kind_number(kind)
        wanted = len(KINDS[number].inputs)
        if len(reads) != wanted:
            raise BadInput("wrong number of inputs", where=f"{self.name}: {kind}", expected=str(wanted), got=str(reads))
        if not all(0 <= net < self._n_nets for net in reads):
            raise BadInput("no such net", where=f"{self.name}: {kind}", got=str(reads))
        drives = self._nets(len(KINDS[number].outputs))
        self._gates.append((number, reads, drives))
        return drives

    def register_bus(self, width: int) -> Bus:
        """Outputs of `width` registers whose inputs `connect` gives later."""
        made = tuple(self._nets(1)[0] for _ in range(width))
        self._gates += [(REGISTER, (LOW,), (q,)) for q in made]
        return made

    def connect(self, q: Bus, d: Sequence[int]) -> None:
        """Give the registers that drive `q` the inputs `d`."""
        if len(q) != len(d):
            raise BadInput("buses of different widths", where=self.name, got=f"{len(q)} and {len(d)}")
        wanted = dict(zip(q, d, strict=True))
        self._gates = [
            (kind, (wanted.get(drives[0], reads[0]),) if kind == REGISTER else reads, drives)
            for kind, reads, drives in self._gates
        ]

    def build(self, outputs: Mapping[str, Sequence[int]]) -> Netlist:
        """The finished netlist."""
        reads = np.full((len(self._gates), 3), -1)
        drives = np.full((len(self._gates), 2), -1)
        for row, (_, r, d) in enumerate(self._gates):
            reads[row, : len(r)], drives[row, : len(d)] = r, d
        kinds = np.array([kind for kind, _, _ in self._gates], int)
        buses = {name: tuple(int(net) for net in nets) for name, nets in outputs.items()}
        return Netlist(self.name, dict(self._inputs), buses, kinds, reads, drives, self._n_nets)
