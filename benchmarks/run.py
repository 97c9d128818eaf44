"""The benchmark table: `make bench`. Prints each figure beside its peer, and writes `bench.json`.

Peers run in the same call on the same machine, so quote the ratios. Absolute seconds are of the machine at hand.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import anamorph  # noqa: F401  (sets float64 before any array exists)
import arrays
import eneurons
import mixed_signal
import processors
import spikes
from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.operating_point import operating_point
from anamorph.substrate.contract import Program, Shape
from anamorph.substrate.current_mirror import CurrentMirror
from anamorph.substrate.current_mirror.chip import chip
from anamorph.substrate.current_mirror.run import V_READ
from anamorph.technology import load

LARGE: Shape = (196, 100, 50, 10)
SMALL: Shape = (7, 7, 7)
PATTERNS = 10_000
MEAN_INPUT = 15e-9
#: Patterns of the transient, and how long each stands, s (Binas et al. 2016, section 3.5).
TRANSIENTS, PRESENTATION = 500, 15e-6


def main() -> None:
    """Run every benchmark and show the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    parser.add_argument("--patterns", type=int, default=PATTERNS)
    given = parser.parse_args()
    console = Console()
    entries: dict[str, dict] = {}
    jobs = (feedforward, general_solver, large_transient, spiking_neurons, spiking_network, memory_array, processor,
            noisy_networks)  # fmt: skip
    for job in jobs:
        with console.status(f"{job.__name__} ..."):
            entries.update(job(given.patterns))
    table = Table("benchmark", "ours", "peer", "unit", "ratio peer/ours")
    for name, e in entries.items():
        peer = "-" if e["peer"] is None else f"{e['peer']:.3g} ({e['peer_name']})"
        ratio = "-" if e["ratio"] is None else f"{e['ratio']:.3g}"
        table.add_row(name, f"{e['ours']:.3g}", peer, e["unit"], ratio)
    console.print(table)
    given.json.write_text(json.dumps(entries, indent=2) + "\n")
    console.print(f"written: {given.json}")


def feedforward(patterns: int) -> dict[str, dict]:
    """All patterns through 196-100-50-10 at transistor level, DC, mismatch on every transistor; ngspice beside it."""
    substrate = CurrentMirror(load("cmos180"), LARGE)
    program = Program("current_mirror", random_settings(LARGE))
    inputs = jnp.asarray(mnist_currents(patterns))
    die = substrate.fabricate(jax.random.key(0))
    began = time.perf_counter()
    substrate.run(die, program, inputs)
    cold = time.perf_counter() - began
    other = substrate.fabricate(jax.random.key(1))
    began = time.perf_counter()
    response = substrate.run(other, program, inputs)
    seconds = time.perf_counter() - began
    unconverged = int((~np.asarray(response.converged)).sum())
    fets = sum(1 for _ in chip(program.settings, substrate.n_bits).fets())
    per_unit = seconds / (patterns * fets)
    peer = ngspice_seconds_per_transistor()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "dc_196_100_50_10_all_patterns": entry(seconds, None, "", f"s for {patterns} patterns, one die"),
        "dc_196_100_50_10_first_call": entry(cold, None, "", "s, tables and compilation included"),
        "dc_196_100_50_10_unconverged": entry(float(unconverged), None, "", "patterns"),
        "dc_peak_memory": entry(memory, None, "", "byte"),
        "dc_per_pattern_and_transistor": entry(per_unit, peer, "ngspice, EKV, 7-7-7", "s"),
    }


def general_solver(patterns: int) -> dict[str, dict]:
    """The general solver on the 7-7-7 chip, batched over patterns, beside ngspice on the same netlist."""
    del patterns
    substrate, program, inputs, die = small_case(64)
    circuit = compile_cell(substrate.netlist(program), substrate.technology)
    drives = drives_of(inputs, SMALL)
    deviations = substrate.netlist_deviations(die)[0]
    seconds = best(lambda: operating_point(circuit, drives, deviations).voltages.block_until_ready())
    fets = len(circuit.fets)
    peer = ngspice_seconds_per_transistor()
    per_unit = seconds / (len(inputs) * fets)
    return {"op_general_per_pattern_and_transistor": entry(per_unit, peer, "ngspice, EKV, 7-7-7", "s")}


def large_transient(patterns: int) -> dict[str, dict]:
    """500 patterns of 196-100-50-10, each for 15 us after another one, on a mismatched die."""
    count = min(TRANSIENTS, patterns)
    substrate = CurrentMirror(load("cmos180"), LARGE)
    program = Program("current_mirror", random_settings(LARGE))
    inputs = mnist_currents(count)
    seconds = []
    for seed in range(2):  # the first call compiles
        die = substrate.fabricate(jax.random.key(seed))
        began = time.perf_counter()
        found = substrate.dynamics(die, program, inputs, np.roll(inputs, 1, axis=0), PRESENTATION, solver="cascade")
        seconds.append(time.perf_counter() - began)
    unit = f"s for {count} patterns of 15 us, one die"
    return {
        "transient_196_100_50_10": entry(seconds[1], None, "", unit),
        "transient_first_call": entry(seconds[0], None, "", "s, tables and compilation included"),
        "transient_unconverged": entry(float(found.unconverged), None, "", "patterns"),
    }


def spiking_neurons(patterns: int) -> dict[str, dict]:
    """f_spike and power of three eNeurons under mismatch at 100 currents, beside ngspice's transient of one."""
    del patterns
    found = eneurons.measure()
    peer = None if np.isnan(found["ngspice"]) else found["ngspice"]
    return {
        "eneuron_per_transient": entry(found["ours"], peer, "ngspice, EKV, four spikes", "s"),
        "eneuron_unconverged": entry(found["unconverged"], None, "", "of 7200 transients"),
    }


def spiking_network(patterns: int) -> dict[str, dict]:
    """Events of a dense network of 149,000 spiking synapses, beside a clock-driven loop of the same equations."""
    del patterns
    found = spikes.measure()
    return {
        "synaptic_event": entry(found["ours"], found["loop"], "numpy, steps of 20 ns", "cpu s"),
        "clock_driven_spikes_off": entry(found["off"], None, "", "periods rms, of the peer's output spikes"),
    }


def memory_array(patterns: int) -> dict[str, dict]:
    """128 x 128 memory cells with wires, 100 inputs, beside three peers on the same case, their currents compared."""
    del patterns
    found = arrays.measure()
    ours, unit = found["ours"][0], "cpu s for 100 inputs, elimination included"
    peers = {"badcrossbar": "badcrossbar", "crosssim": "CrossSim, to 0.1 %", "ngspice": "ngspice, one input"}
    rows = {"array_128x128_first_call": entry(found["first"][0], None, "", "cpu s, compilation included")}
    for name, what in peers.items():
        peer, off = found.get(name, (None, None))
        rows[f"array_128x128_beside_{name}"] = entry(ours, peer, what, unit)
        if off is not None:
            rows[f"array_128x128_off_{name}"] = entry(off, None, "", "of a current, at most")
    return rows


def processor(patterns: int) -> dict[str, dict]:
    """ResNet-152 on one processor, beside its schedule tile by tile; and on 100,000 processors."""
    del patterns
    found = processors.measure()
    return {
        "processor_resnet_152": entry(found["one"], found["schedule"], "the same, every tile and round", "s"),
        "processor_resnet_152_designs": entry(found["many"], None, "", f"s for {found['designs']:,.0f} designs"),
        "processor_latency_off": entry(found["off"], None, "", "relative, of the schedule's"),
    }


def noisy_networks(patterns: int) -> dict[str, dict]:
    """Monte Carlo inference of an MNIST network under the noise of its multiplications, beside aihwkit and PyTorch."""
    del patterns
    found = mixed_signal.measure()
    named = {"aihwkit": "aihwkit's torch tile", "plain": "plain PyTorch"}
    entries = {f"noisy_inference_beside_{name}": entry(found["ours"], found[name], text, "cpu s per image and draw")
               for name, text in named.items() if name in found}  # fmt: skip
    return entries or {"noisy_inference": entry(found["ours"], None, "", "cpu s per image and draw")}


_peer: list[float] = []


def ngspice_seconds_per_transistor() -> float | None:
    """Seconds per pattern and transistor of ngspice's operating point of the 7-7-7 die, same equations."""
    if ngspice.available() is None:
        return None
    if not _peer:
        substrate, program, inputs, die = small_case(2)
        cell = substrate.netlist(program)
        deviations = substrate.netlist_deviations(die)[0]
        began = time.perf_counter()
        for pattern in inputs:
            drives = {k: float(v[0]) for k, v in drives_of(pattern[None], SMALL).items()}
            ngspice.operating_points(cell, substrate.technology, drives, deviations)
        _peer.append((time.perf_counter() - began) / (len(inputs) * deviations.size))
    return _peer[0]


def small_case(patterns: int) -> tuple:
    """A mismatched 7-7-7 die, a random program and random inputs up to 325 nA."""
    substrate = CurrentMirror(load("cmos180"), SMALL)
    inputs = np.random.default_rng(2).uniform(0, 325e-9, (patterns, SMALL[0]))
    program = Program("current_mirror", random_settings(SMALL))
    return substrate, program, inputs, substrate.fabricate(jax.random.key(0))


def drives_of(inputs: np.ndarray, shape: Shape) -> dict[str, np.ndarray]:
    """Sources of the chip's netlist."""
    one = np.ones(len(inputs))
    return {
        "vdd": 1.8 * one,
        **{f"i_in_{j}": inputs[:, j] for j in range(shape[0])},
        **{f"out_{k}": V_READ * one for k in range(shape[-1])},
    }


def random_settings(shape: Shape) -> tuple[np.ndarray, ...]:
    """Half of the synapses off, the rest spread over both signs, as trained networks have them."""
    rng = np.random.default_rng(1)

    def matrix(a: int, b: int) -> np.ndarray:
        # a negative unit is about 2.4 positive ones: smaller codes and fewer of them keep sums in balance
        positive = rng.random((a, b)) < 0.58
        code = np.where(positive, rng.integers(1, 8, (a, b)), -rng.integers(1, 4, (a, b)))
        return code * (rng.random((a, b)) < 0.5)

    return tuple(matrix(a, b) for a, b in zip(shape, shape[1:], strict=False))


def mnist_currents(patterns: int) -> np.ndarray:
    """The 196 most active pixels of MNIST's test images, mean 15 nA; random sparse patterns without the data."""
    for folder in os.environ.get("ANAMORPH_DATA", "").split(os.pathsep):
        path = Path(folder) / "mnist" / "t10k-images-idx3-ubyte.gz"
        if folder and path.is_file():
            with gzip.open(path) as stream:
                images = np.frombuffer(stream.read(), np.uint8, offset=16).reshape(-1, 784) / 255.0
            active = np.argsort(images.mean(0))[-LARGE[0] :]
            chosen = images[:patterns, active]
            break
    else:
        rng = np.random.default_rng(3)
        chosen = rng.random((patterns, LARGE[0])) * (rng.random((patterns, LARGE[0])) < 0.3)
    return MEAN_INPUT * chosen / chosen.mean(axis=1, keepdims=True)


def best(work: Callable[[], object], repeats: int = 3) -> float:
    """Shortest of a few runs after a first that compiles."""
    work()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def entry(ours: float, peer: float | None, peer_name: str, unit: str) -> dict:
    """One row: a ratio above 1 says that ours is smaller."""
    ratio = None if peer is None else peer / ours
    return {"ours": ours, "peer": peer, "peer_name": peer_name, "unit": unit, "ratio": ratio}


if __name__ == "__main__":
    main()
