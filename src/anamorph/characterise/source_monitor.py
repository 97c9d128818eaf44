"""A chip measured through source and monitor neurons, as in Binas et al. 2016, section 1.2.

Only the input layer is driven and only the output layer is read. To measure neuron i of layer k, one path of
neurons at full positive weight leads from an input through a *source* in layer k - 1 to i, and from i through
a *monitor* in layer k + 1 to an output; all other weights are zero. With the same paths for every neuron of a
layer, the responses differ by the neurons' slopes, and the synapses on the way average out over several
choices of path. A second source through a negative weight, switched on and off, gives the negative unit.

The protocol uses nothing but `Chip.run`, so it serves a simulated die and a real chip alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.errors import BadInput
from anamorph.substrate.contract import Chip, Program, Shape


@dataclass(frozen=True)
class Reading:
    """One programmed configuration: who is measured, through whom, with which partner setting."""

    kind: str
    layer: int
    neuron: int
    repeat: int
    path: tuple[int, ...]  # the neuron of each layer on the path
    partner: int = -1
    setting: int = 0


def plan(shape: Shape, repeats: int, negative_settings: tuple[int, ...], key: PRNGKeyArray) -> list[Reading]:
    """Configurations that measure every neuron's slope, and the negative unit at every neuron with two sources.

    The same random orders of sources and monitors serve every neuron of a layer.
    """
    keys = jax.random.split(key, len(shape))
    orders = [np.asarray(jax.random.permutation(k, n)) for k, n in zip(keys, shape, strict=True)]
    readings = []
    for layer, n in enumerate(shape):
        for repeat in range(repeats):
            through = [int(order[repeat % len(order)]) for order in orders]
            for neuron in range(n):
                path = (*through[:layer], neuron, *through[layer + 1 :])
                readings.append(Reading("slope", layer, neuron, repeat, path))
    for layer in range(1, len(shape)):
        if shape[layer - 1] < 2:
            continue
        for repeat in range(min(repeats, 2)):
            through = [int(order[repeat % len(order)]) for order in orders]
            partner = int(orders[layer - 1][(repeat + 1) % shape[layer - 1]])
            for neuron in range(shape[layer]):
                path = (*through[:layer], neuron, *through[layer + 1 :])
                readings += [
                    Reading("negative", layer, neuron, repeat, path, partner, setting)
                    for setting in (0, *negative_settings)
                ]
    return readings


def configure(
    shape: Shape, readings: list[Reading], full: int
) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """Settings of every configuration, which inputs are driven, and which output is read."""
    count = len(readings)
    matrices = tuple(np.zeros((count, a, b), int) for a, b in zip(shape, shape[1:], strict=False))
    driven = np.zeros((count, shape[0]), bool)
    for c, reading in enumerate(readings):
        for layer, matrix in enumerate(matrices):
            matrix[c, reading.path[layer], reading.path[layer + 1]] = full
        driven[c, reading.path[0]] = True
        if reading.kind == "negative":
            before = reading.layer - 1
            matrices[before][c, reading.partner, reading.path[reading.layer]] = reading.setting
            if before == 0:
                driven[c, reading.partner] = True
            else:
                matrices[before - 1][c, reading.path[before - 1], reading.partner] = full
    read = np.array([reading.path[-1] for reading in readings])
    return matrices, driven, read


def source_monitor(
    chip: Chip,
    bench: Bench,
    key: PRNGKeyArray,
    full_setting: int,
    negative_settings: tuple[int, ...],
    substrate: str | None = None,
) -> Characterisation:
    """Measure a chip, or several dies at once, through its inputs and outputs alone.

    Args:
        chip: a `Die` or a real chip.
        bench: currents, repeats, reading noise.
        key: of the choices of path and of the reading noise.
        full_setting: largest positive setting of a synapse.
        negative_settings: negative settings to compare with none.
        substrate: name the programs are for; the chip's own substrate if it has one.

    Raises:
        BadInput: a chip without some of the synapses.
    """
    plan_key, noise_key = jax.random.split(key)
    shape = tuple(chip.shape)
    if getattr(chip, "exists", None) is not None:
        raise BadInput(
            "paths through the same sources and monitors need all synapses",
            where="bench: protocol",
            got="a chip that has only some",
            advice="Use the protocol permutations.",
        )
    readings = plan(shape, bench.repeats, negative_settings, plan_key)
    matrices, driven, read = configure(shape, readings, full_setting)
    name = substrate or chip.substrate.name  # pyright: ignore[reportAttributeAccessIssue]
    inputs = driven[:, None, :] * np.asarray(bench.currents)[None, :, None]
    response = chip.run(Program(name, matrices), jnp.asarray(inputs))
    outputs = np.asarray(response.outputs)
    seen = outputs[:, np.arange(len(readings)), :, read]  # advanced indices first: readings, dies, currents
    seen = np.moveaxis(seen, 0, 1)
    noise = [jax.random.normal(jax.random.fold_in(noise_key, die), seen.shape[1:]) for die in range(len(seen))]
    seen = seen * (1 + bench.read_noise * np.stack([np.asarray(n) for n in noise]))
    converged = np.moveaxis(np.asarray(response.converged), 0, 0)
    return Characterisation.of(
        _coordinates(readings, bench), seen.reshape(len(seen), -1), converged.reshape(len(seen), -1)
    )


def _coordinates(readings: list[Reading], bench: Bench) -> dict[str, np.ndarray]:
    def before(r: Reading) -> int:
        return r.path[r.layer - 1] if r.layer > 0 else -1

    def after(r: Reading) -> int:
        return r.path[r.layer + 1] if r.layer + 1 < len(r.path) else -1

    columns = {
        "kind": [r.kind for r in readings],
        "layer": [r.layer for r in readings],
        "neuron": [r.neuron for r in readings],
        "repeat": [r.repeat for r in readings],
        "source": [before(r) for r in readings],
        "monitor": [after(r) for r in readings],
        "partner": [r.partner for r in readings],
        "setting": [r.setting for r in readings],
    }
    each = {name: np.repeat(np.array(values), len(bench.currents)) for name, values in columns.items()}
    return each | {"input_current": np.tile(np.array(bench.currents), len(readings))}
