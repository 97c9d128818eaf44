"""Characterising a 196-100-50-10 die with a probe at every neuron.

A measurement is one connection of the network at one input current (section 3.3). How many are enough is measured: of
the same die two characterisations are made that share nothing, and their slopes are compared.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from anamorph import technology
from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.papers.measure import Context, Findings, Measured, left_out
from anamorph.substrate import create
from anamorph.substrate.contract import Die, Shape, Substrate

SHAPE: Shape = (196, 100, 50, 10)
#: Input currents of every connection, A, over the range of the authors' program (up to 76 nA).
CURRENTS = (19e-9, 38e-9, 57e-9, 76e-9)
#: Connections that are tried, fewest first; ten make the paper's 40 measurements.
LADDER = (5, 10, 20)
PAPER = 10
#: Enough: slopes are known to this share of their own spread over the neurons.
ENOUGH = 1 / 3


def measure(context: Context) -> Findings:
    """Points per unit with 40 measurements, and how few measurements are enough."""
    substrate = create("current_mirror", technology.load("cmos180"), SHAPE)
    die = substrate.fabricate(context.key("die"), 1)
    context.tell("40 measurements")
    first = _characterise(substrate, die, context, PAPER, "first")
    points = points_per_unit(first, SHAPE)
    claims = {
        "points_per_unit": Measured(
            float(np.median(points)), float(points.min()), float(points.max()), len(points),
            note="Median over all units; the range holds them all. A reading without current is no point.",
        )
    }  # fmt: skip
    more = left_out("it takes four to six more characterisations")
    claims["measurements"] = more if context.quick else _enough(substrate, die, context)
    return Findings(claims)


def _characterise(substrate: Substrate, die: Die, context: Context, connections: int, name: str) -> Characterisation:
    """Readings without noise: what remains is the mismatch of the synapses that a slope is read through."""
    bench = Bench(CURRENTS, connections, read_noise=0.0, protocol="permutations")
    return substrate.measure(die, bench, context.key(f"{name} {connections}"))


def points_per_unit(measured: Characterisation, shape: Shape) -> Int[np.ndarray, " units"]:
    """Usable readings of every neuron of die 0, layers one after the other."""
    data = measured.data.isel(die=0)
    usable = (data["kind"].values == "slope") & data["converged"].values & (data["output_current"].values > 0)
    neuron, layer = data["neuron"].values[usable], data["layer"].values[usable]
    return np.concatenate([np.bincount(neuron[layer == index], minlength=n) for index, n in enumerate(shape)])


def _enough(substrate: Substrate, die: Die, context: Context) -> Measured:
    """The fewest of `LADDER` from which slopes are known to `ENOUGH`; no value where none is enough."""
    said = []
    for connections in LADDER:
        count = connections * len(CURRENTS)
        context.tell(f"whether {count} measurements are enough")
        pair = [_slopes(substrate, die, context, connections, name) for name in ("first", "second")]
        share = uncertainty(*pair)
        said.append(f"{100 * share:.0f} % with {count}")
        if share <= ENOUGH:
            return Measured(float(count), note=_criterion(said))
    return Measured(None, note=_criterion(said))


def _slopes(substrate: Substrate, die: Die, context: Context, connections: int, name: str) -> Float[np.ndarray, " n"]:
    transfer = substrate.fit(_characterise(substrate, die, context, connections, name))
    return np.concatenate([np.asarray(a.slope)[0] for a in transfer.activations])


def uncertainty(first: Float[np.ndarray, " units"], second: Float[np.ndarray, " units"]) -> float:
    """Standard error of one slope over the standard deviation of all: both characterisations err alike."""
    error = np.sqrt(np.mean((first - second) ** 2) / 2)
    return float(error / np.std((first + second) / 2))


def _criterion(said: list[str]) -> str:
    return (
        "Enough: the standard error of a slope, from two characterisations of one die that share nothing, is at most a "
        f"third of the slopes' own spread: {', '.join(said)}. The paper gives no criterion. "
        "The negative unit takes some more."
    )
