"""Run decks in ngspice, and read back what it found.

ngspice is an external program, found on the path and never required for the main job. Each operating point
is a process of its own: ngspice starts in milliseconds, gains nothing from a second point in the same
process, and a point that fails cannot spoil the others. It runs in a temporary directory, in batch mode,
without any user's start-up file. Results come back as binary float64, digit for digit.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Array, Float

from anamorph.circuit import spice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Cell
from anamorph.circuit.spice_hierarchy import Drive
from anamorph.circuit.spice_supplies import together, with_own_supplies
from anamorph.device.mosfet import T_REFERENCE
from anamorph.errors import AnamorphError, BadInput, NotConverged, nearest
from anamorph.technology import Technology

#: Arrays of any shapes that broadcast.
Reals = Float[Array | np.ndarray, "..."]
#: Oldest version that the decks are checked with.
OLDEST = 39
#: How to get it.
ADVICE = "Install it (Debian, Ubuntu: 'apt-get install ngspice'; others: https://ngspice.sourceforge.io)."
#: Lines of ngspice's log shown when it fails.
LOG_LINES = 8
#: When all else fails, ngspice 39 simulates 10 us and reports wherever that ended as the operating point.
_PRETENDED = "Transient op started"
#: What ngspice says when its numerics, and not its reading of the deck, failed.
_NUMERICAL = ("no convergence", "singular matrix", "timestep too small", "aborted", "iteration limit")


@dataclass(frozen=True)
class SpiceResult:
    """Node voltages and source currents as ngspice found them.

    Attributes:
        voltages: of every node by hierarchical name, V; each array has the batch's shape, or ``[times]``.
        currents: delivered into its node by each voltage source, A; likewise.
        time: s, of a transient; empty for operating points.
    """

    voltages: Mapping[str, Float[np.ndarray, "*batch"]]
    currents: Mapping[str, Float[np.ndarray, "*batch"]]
    time: Float[np.ndarray, " times"]

    def voltage(self, node: str) -> Float[np.ndarray, "*batch"]:
        """Voltage of one node by its hierarchical name, V."""
        return _pick(self.voltages, node, "node")

    def source_current(self, source: str) -> Float[np.ndarray, "*batch"]:
        """Current that a voltage source delivers into its node, A."""
        return _pick(self.currents, source, "voltage source")


def _pick(table: Mapping[str, np.ndarray], name: str, kind: str) -> np.ndarray:
    if name not in table:
        raise BadInput(f"no {kind} '{name}'", advice=nearest(name, table))
    return table[name]


def available() -> str | None:
    """The version of the ngspice on the path, such as ``"39"``; None if there is none."""
    program = shutil.which("ngspice")
    if program is None:
        return None
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"ngspice-(\d+(?:\.\d+)?)", answer.stdout)
    return found.group(1) if found else None


def _require() -> str:
    """Path of the program, or `BadInput` if it is absent or too old."""
    program, version = shutil.which("ngspice"), available()
    if program is None or version is None:
        raise BadInput("ngspice was not found on the path", advice=ADVICE)
    if float(version) < OLDEST:
        raise BadInput("ngspice is too old", expected=f"version {OLDEST} or newer", got=version, advice=ADVICE)
    return program


def operating_points(
    cell: Cell,
    technology: Technology,
    drives: Mapping[str, Reals | float],
    deviations: Float[Array | np.ndarray, "... fets"] | None = None,
    *,
    temperature: float = T_REFERENCE,
    start: Float[Array | np.ndarray, "... unknowns"] | None = None,
    processes: int = 1,
    timeout: float = 600.0,
) -> SpiceResult:
    """Operating points of `cell` for a batch of drives and deviations, as `operating_point` takes them.

    Args:
        cell: the circuit.
        technology: its process.
        drives: value of every source, V or A, scalars or arrays that broadcast to the batch's shape.
        deviations: threshold deviation of every transistor, V; none if left out.
        temperature: K.
        start: node voltages to start from, such as ``Solution.voltages``; rows that hold a NaN are not used.
            ngspice iterates from there until its own equations hold. Without it, gmin stepping: for 1,183
            transistors half a minute instead of a second.
        processes: ngspice processes at a time.
        timeout: s, for each operating point.

    Raises:
        BadInput: ngspice is absent; batches that do not broadcast; what `spice.deck` raises for.
        NotConverged: ngspice gave up, or ran out of time; with the end of its log.
    """
    program = _require()
    count = sum(1 for _ in cell.fets())
    shifts = np.zeros(count) if deviations is None else np.asarray(deviations, float)
    shape = _batch_shape({name: np.shape(x) for name, x in drives.items()}, shifts.shape[:-1])
    size = int(np.prod(shape))
    shifts = np.broadcast_to(shifts, (*shape, shifts.shape[-1])).reshape(size, shifts.shape[-1])
    values = {name: np.broadcast_to(np.asarray(x, float), shape).ravel() for name, x in drives.items()}
    guesses = _guesses(cell, technology, start, shape)

    def one(sample: int) -> tuple[spice.Deck, dict[str, np.ndarray]]:
        written = spice.deck(
            cell, technology, {name: float(x[sample]) for name, x in values.items()}, shifts[sample],
            temperature=temperature, start=guesses[sample], title=f"{cell.name} operating point {sample}",
        )  # fmt: skip
        return written, run(written.text, timeout=timeout, program=program)

    with ThreadPoolExecutor(max(1, processes)) as pool:
        found = list(pool.map(one, range(size)))
    return _collect(found, shape)


def transient(
    cell: Cell,
    technology: Technology,
    waveforms: Mapping[str, Drive],
    t_stop: float,
    deviations: Float[Array | np.ndarray, " fets"] | None = None,
    *,
    temperature: float = T_REFERENCE,
    start: Float[Array | np.ndarray, " unknowns"] | None = None,
    max_step: float | None = None,
    tolerance: float = 1e-6,
    from_start: bool = False,
    timeout: float = 600.0,
) -> SpiceResult:
    """Waveforms of `cell` from its operating point at time zero to `t_stop`, at ngspice's own time steps.

    Args:
        cell: the circuit.
        technology: its process.
        waveforms: of every source a value, or times (s) and values, joined by straight lines.
        t_stop: end, s.
        deviations: threshold deviation of every transistor, V; none if left out.
        temperature: K.
        start: node voltages to start the operating point at time zero from.
        max_step: longest step, s; a hundredth of `t_stop` if left out.
        tolerance: relative, of voltages, currents and the charges of a step.
        from_start: take `start` for the state at time zero instead of solving for it; a start that is none of rest
            then shows in the waveforms. Where there are thousands of transistors, solving takes longer than the rest.
        timeout: s.

    Raises:
        BadInput: ngspice is absent; what `spice.deck` raises for.
        NotConverged: ngspice gave up, or ran out of time; with the end of its log.
    """
    program = _require()
    limits = spice.Transient(t_stop, max_step, tolerance, from_start)
    split, parts = with_own_supplies(cell)
    waves = {**waveforms, **{part: waveforms[source] for part, source in parts.items() if source in waveforms}}
    written = spice.deck(
        split, technology, waves, deviations, temperature=temperature,
        start=_guesses(cell, technology, start, ())[0], transient=limits, title=f"{cell.name} transient",
    )  # fmt: skip
    vectors = run(written.text, timeout=timeout, program=program)
    time = vectors["time"]
    found = _collect([(written, vectors)], time.shape, time)
    voltages = {node: v for node, v in found.voltages.items() if node not in parts}
    return SpiceResult(voltages, together(found.currents, parts), time)


def _batch_shape(drives: Mapping[str, tuple[int, ...]], deviations: tuple[int, ...]) -> tuple[int, ...]:
    try:
        shape = np.broadcast_shapes(deviations, *drives.values())
    except ValueError:
        got = ", ".join(f"{name} {s}" for name, s in {**drives, "deviations": deviations}.items() if s)
        raise BadInput("batches that do not broadcast", where="drives", got=got) from None
    if 0 in shape:
        raise BadInput("an empty batch", where="drives", got=str(shape))
    return shape


def _guesses(
    cell: Cell,
    technology: Technology,
    start: Float[Array | np.ndarray, "... unknowns"] | None,
    shape: tuple[int, ...],
) -> list[dict[str, float]]:
    """Node voltages to start each sample from; none for a row that holds a NaN."""
    size = int(np.prod(shape))
    if start is None:
        return [{} for _ in range(size)]
    names = compile_cell(cell, technology).unknowns
    table = np.asarray(start, float)
    if table.shape[-1:] != (len(names),):
        expected = f"{len(names)} node voltages on the last axis"
        raise BadInput("wrong shape", where="start", expected=expected, got=str(table.shape))
    rows = np.broadcast_to(table, (*shape, len(names))).reshape(size, -1)
    return [dict(zip(names, row.tolist(), strict=True)) if np.isfinite(row).all() else {} for row in rows]


def _collect(
    found: list[tuple[spice.Deck, dict[str, np.ndarray]]],
    shape: tuple[int, ...],
    time: np.ndarray | None = None,
) -> SpiceResult:
    def stack(kind: str, names: Mapping[str, str], sign: float) -> dict[str, np.ndarray]:
        return {
            ours: np.asarray(sign * np.concatenate([v[f"{kind}({theirs})"] for _, v in found]).reshape(shape))
            for ours, theirs in names.items()
        }

    names = found[0][0]
    # ngspice counts a source's current from its + terminal through it, so what it delivers is minus that
    return SpiceResult(
        stack("v", names.nodes, 1.0),
        stack("i", names.sources, -1.0),
        np.zeros(0) if time is None else time,
    )


def run(text: str, *, timeout: float = 600.0, program: str | None = None) -> dict[str, np.ndarray]:
    """Run one deck in batch mode: name of each saved vector -> values, ``[points]``.

    Raises:
        BadInput: ngspice is absent.
        NotConverged: it gave up, or ran out of time.
        AnamorphError: it did not understand the deck.
    """
    program = program or _require()
    with tempfile.TemporaryDirectory(prefix="anamorph-") as folder:
        Path(folder, "deck.cir").write_text(text)
        environment = os.environ | {"HOME": folder, "OMP_NUM_THREADS": "1"}
        command = [program, "-b", "-n", "-r", "result.raw", "deck.cir"]
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise NotConverged(
                "ngspice did not finish", expected=f"{timeout:g} s at most",
                advice="Give it a start near the solution, or more time.",
            ) from None  # fmt: skip
        raw = Path(folder, "result.raw")
        content = raw.read_bytes() if done.returncode == 0 and raw.is_file() else b""
    vectors = dict(_parse(content))
    if _PRETENDED in done.stdout:
        raise NotConverged(
            "ngspice found no operating point, and offered the end of a short transient as one",
            advice="Give it a start near the solution.",
        )
    if not vectors:
        raise _failure(done.stdout, done.returncode)
    return vectors


def _failure(log: str, status: int) -> AnamorphError:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    # the tail of a run that failed is mostly the accounting of memory
    telling = [line for line in lines if not re.search(r"\b(DRAM|pages|size|Stack|time \(seconds\))", line)]
    numerical = any(word in log.lower() for word in _NUMERICAL)
    kind, what = (NotConverged, "gave up") if numerical else (AnamorphError, f"failed (status {status})")
    return kind(f"ngspice {what}; the end of its log: " + " | ".join(telling[-LOG_LINES:]))


def _parse(content: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """Vectors of a binary raw file that holds one real-valued plot; nothing if it is empty or cut short."""
    header, mark, body = content.partition(b"Binary:\n")
    if not mark:
        return
    text = header.decode("ascii", errors="replace")
    points = int(re.findall(r"No\. Points:\s*(\d+)", text)[0])
    names = [line.split()[1] for line in text.split("Variables:\n", 1)[1].splitlines()]
    if points == 0 or len(body) < 8 * points * len(names):
        return
    table = np.frombuffer(body, dtype="<f8", count=points * len(names)).reshape(points, len(names))
    yield from zip(names, table.T, strict=True)
