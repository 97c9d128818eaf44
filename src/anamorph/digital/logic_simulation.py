"""Logic simulation of many operands at once: 64 samples in a word, gates of a kind and level together.

Operands are streams: axis 0 is the clock cycle, axis 1 (if there is one) independent lanes, which are packed into
words of 64. A netlist without registers is evaluated for all cycles at once; one with registers cycle by cycle, from
registers at zero.

Zero-delay transitions are the changes between the settled values of one cycle and the next. With unit delays, every
gate answers one step after its inputs, so paths of different lengths make it change more than once:
`Activity.transitions` then counts those too. Real gates filter the shortest of these pulses, so the truth lies
between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt64

from anamorph.digital.gates import HIGH, KINDS, REGISTER, Netlist
from anamorph.errors import BadInput, nearest

Words = UInt64[np.ndarray, "..."]
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
#: An integer per cycle, or per cycle and lane.
Stream = Int[np.ndarray, "..."] | UInt64[np.ndarray, "..."]


@dataclass(frozen=True)
class Activity:
    """What a stream of operands made a netlist do.

    Attributes:
        netlist: what was simulated.
        outputs: value of every output bus, ``[cycles, lanes]``, after the cycle's logic has settled.
        transitions: changes of every net per cycle, ``[nets]``.
        settled: the same by settled values alone, ``[nets]``: equal to `transitions` with zero delays.
        states: share of the time that each gate has each combination of its inputs (first input least significant),
            ``[gates, 8]``.
        cycles: cycles times lanes over which was averaged.
    """

    netlist: Netlist
    outputs: Mapping[str, UInt64[np.ndarray, "cycles lanes"]]
    transitions: Float[np.ndarray, " nets"]
    settled: Float[np.ndarray, " nets"]
    states: Float[np.ndarray, "gates 8"]
    cycles: int


def simulate(netlist: Netlist, operands: Mapping[str, Stream], *, unit_delay: bool = False) -> Activity:
    """Simulate `netlist` on streams of operands.

    Args:
        netlist: the circuit.
        operands: for every input bus non-negative integers, ``[cycles]`` or ``[cycles, lanes]``.
        unit_delay: count transitions with every gate delayed by one step, glitches included.

    Raises:
        BadInput: a bus without a stream, a stream without a bus, streams of different shapes, or a value that does
            not fit.
    """
    columns = _streams(netlist, operands)
    cycles, lanes = next(iter(columns.values())).shape
    valid = _pack(np.ones((1, lanes), np.uint64), 1)[0, 0]
    values = np.zeros((netlist.n_nets, cycles, len(valid)), np.uint64)
    values[HIGH] = ALL
    for name, stream in columns.items():
        nets = netlist.inputs[name]
        values[list(nets)] = _pack(stream, len(nets))
    if netlist.registers.size:
        for cycle in range(cycles):
            if cycle:
                _clock(netlist, values, cycle)
            _settle(netlist, values[:, cycle])
    else:
        _settle(netlist, values)
    settled = _changes(values[:, :-1], values[:, 1:], valid) / max(1, (cycles - 1) * lanes)
    transitions = _with_delays(netlist, values, valid) / max(1, (cycles - 1) * lanes) if unit_delay else settled
    outputs = {name: _unpack(values[list(nets)], lanes) for name, nets in netlist.outputs.items()}
    return Activity(
        netlist, outputs, transitions, settled, _states(netlist, values, valid, cycles * lanes), cycles * lanes
    )


def _streams(netlist: Netlist, operands: Mapping[str, Stream]) -> dict[str, np.ndarray]:
    for name in operands:
        if name not in netlist.inputs:
            raise BadInput(f"no input bus '{name}'", where=netlist.name, advice=nearest(name, netlist.inputs))
    found = {}
    for name, nets in netlist.inputs.items():
        if name not in operands:
            raise BadInput(f"no stream for bus '{name}'", where=netlist.name)
        stream = np.asarray(operands[name])
        stream = stream[:, None] if stream.ndim == 1 else stream
        if stream.size and (int(stream.min()) < 0 or int(stream.max()) >= 1 << len(nets)):
            expected = f"0 to {(1 << len(nets)) - 1}"
            raise BadInput("a value that does not fit its bus", where=f"{netlist.name}: {name}", expected=expected)
        found[name] = stream.astype(np.uint64)
    shapes = {stream.shape for stream in found.values()}
    if len(shapes) != 1 or 0 in next(iter(shapes)) or len(next(iter(shapes))) != 2:
        raise BadInput("streams of different shapes, or empty", where=netlist.name, got=str(sorted(shapes)))
    return found


def _pack(stream: Words, width: int) -> Words:
    """Integers ``[cycles, lanes]`` as bits ``[width, cycles, words]``, one lane per bit of a word."""
    cycles, lanes = stream.shape
    bits = (stream >> np.arange(width, dtype=np.uint64)[:, None, None]) & np.uint64(1)
    padded = np.zeros((width, cycles, -(-lanes // 64) * 64), np.uint8)
    padded[..., :lanes] = bits
    return np.packbits(padded, axis=-1, bitorder="little").view("<u8").astype(np.uint64)


def _unpack(bits: Words, lanes: int) -> Words:
    """The way back: bits ``[width, cycles, words]`` as integers ``[cycles, lanes]``."""
    spread = np.unpackbits(bits.astype("<u8").view(np.uint8), axis=-1, bitorder="little")[..., :lanes]
    places = np.arange(len(bits), dtype=np.uint64)[:, None, None]
    return np.bitwise_or.reduce(spread.astype(np.uint64) << places, axis=0)


def _answer(kind: int, inputs: list[Words]) -> list[Words]:
    """Outputs of gates of one kind."""
    name = KINDS[kind].name
    if name == "inverter":
        return [inputs[0] ^ ALL]
    a, b = inputs[:2]
    if name == "and2":
        return [a & b]
    if name == "xor2":
        return [a ^ b]
    if name == "half_adder":
        return [a ^ b, a & b]
    half = a ^ b
    return [half ^ inputs[2], (a & b) | (half & inputs[2])]


def _apply(netlist: Netlist, kind: int, gates: np.ndarray, read: Words, write: Words) -> None:
    """Evaluate gates of one kind from the values `read` into `write`."""
    inputs = [read[netlist.reads[gates, k]] for k in range(len(KINDS[kind].inputs))]
    for k, answer in enumerate(_answer(kind, inputs)):
        write[netlist.drives[gates, k]] = answer


def _settle(netlist: Netlist, values: Words) -> None:
    """Evaluate all logic in place, level by level."""
    for level in netlist.levels:
        for kind, gates in level:
            _apply(netlist, kind, gates, values, values)


def _clock(netlist: Netlist, values: Words, cycle: int) -> None:
    """Registers take what stood at their inputs."""
    registers = netlist.registers
    values[netlist.drives[registers, 0], cycle] = values[netlist.reads[registers, 0], cycle - 1]


def _changes(before: Words, after: Words, valid: Words) -> np.ndarray:
    return np.bitwise_count((before ^ after) & valid).sum(axis=(1, 2), dtype=float)


def _with_delays(netlist: Netlist, values: Words, valid: Words) -> np.ndarray:
    """Changes of every net while all gates answer one step late, summed over cycles and lanes."""
    given = np.ones(netlist.n_nets, bool)  # inputs and registers change at once, with the clock
    logic = netlist.kinds != REGISTER
    driven = netlist.drives[logic]
    given[driven[driven >= 0]] = False
    now = values[:, :-1].copy()
    total = _changes(now, values[:, 1:], valid) * given
    now[given] = values[given, 1:]
    kinds = [(int(k), np.flatnonzero(netlist.kinds == k)) for k in np.unique(netlist.kinds[logic])]
    for _ in range(netlist.depth):
        later = now.copy()
        for kind, gates in kinds:
            _apply(netlist, kind, gates, now, later)
        total += _changes(now, later, valid)
        now = later
    return total


def _states(netlist: Netlist, values: Words, valid: Words, samples: int) -> np.ndarray:
    found = np.zeros((len(netlist.kinds), 8))
    for number, kind in enumerate(KINDS):
        gates = np.flatnonzero(netlist.kinds == number)
        inputs = [values[netlist.reads[gates, k]] for k in range(len(kind.inputs))]
        for state in range(1 << len(inputs)):
            here = np.broadcast_to(valid, values.shape[1:])
            for k, bits in enumerate(inputs):
                here = here & (bits if state >> k & 1 else bits ^ ALL)
            if len(gates):
                found[gates, state] = np.bitwise_count(here).sum(axis=(1, 2), dtype=float) / samples
    return found
