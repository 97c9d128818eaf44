r"""Every synapse of a chip measured by itself, with a probe at every neuron: what a neuron's slope does not tell.

A differential pair's weight is its own: its input groups and its tail deviate, and no other synapse of the neuron with
them. So one source at a time, driven over a path of largest weights, feeds all neurons of the next layer through one
bit of its synapses, and the differential current that each of them gives is read. With u of the source,

    s = w sinh(u) / (1 - w + w cosh(u)),    so    w = s / (sinh(u) - s (cosh(u) - 1)).

What mismatched currents do to a neuron is that its load rests elsewhere, and so has another gain and other ends. Its
two currents at rest follow from several signals of either sign through it (`neurons.resting`): from the probed current
s' into its load and the u that all synapses behind it see, whose largest weights have a mean of one. Of the last layer
u is read at the outputs. Bits of one sign add up.

Nothing but `Chip.run` is used.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.transfer import Transfer
from anamorph.errors import BadInput, NotConverged
from anamorph.substrate.contract import Chip, Program, Shape
from anamorph.substrate.differential_pair.neurons import neurons, resting, signal
from anamorph.substrate.differential_pair.pairs import Load, mirrored

#: Inputs of the paths in units of the bench's largest current, with the signs of the synapses into their sources.
DRIVES = ((0.7, 1), (0.7, -1), (0.35, 1), (0.35, -1))
#: The first of them serves for bits.
STRONG = DRIVES[0]
#: Outputs above this share of their end say nothing about what is behind them.
LARGEST = 0.9

#: Currents read and probed currents of the sources, ``[dies, settings, n_in, n_out]``.
Readings = tuple[Float[np.ndarray, "dies settings n_in n_out"], Float[np.ndarray, "dies settings n_in n_out"]]


def bits_of_either_sign(full: int) -> tuple[int, ...]:
    """One bit at a time."""
    bits = tuple(2**b for b in range(full.bit_length()))
    return (*bits, *(-b for b in bits))


def read_synapses(
    chip: Chip, bench: Bench, key: PRNGKeyArray, full: int, name: str
) -> tuple[tuple[int, ...], list[Readings]]:
    """Readings of every weight matrix, and of the outputs beside the currents probed at the last layer.

    Settings are `bits_of_either_sign` at the first drive, and then the largest at each of `DRIVES`.

    Args:
        chip: a simulated die, which can be probed.
        bench: its largest current and its reading noise.
        key: of the noise.
        full: the largest setting.
        name: of the substrate.

    Raises:
        BadInput: a chip without probes.
    """
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())
    shape, found, outputs = tuple(chip.shape), [], []
    asked = [(setting, STRONG) for setting in bits_of_either_sign(full)] + [(full, drive) for drive in DRIVES]
    for layer in range(len(shape) - 1):
        given, sources, outputs, one = [], [], [], np.arange(shape[layer])
        for setting, (drive, sign) in asked:
            program, inputs = _paths(shape, layer, setting, sign * full, drive * max(bench.currents))
            response = chip.run(Program(name, program), jnp.asarray(inputs[:, None]))
            if response.neuron_currents is None:
                raise BadInput("this chip cannot be probed inside", where="bench: protocol", expected="a simulated die")
            own, into = (np.asarray(c)[:, :, 0] for c in response.neuron_currents[layer : layer + 2])
            given.append(_noisy(into, bench, rng))
            sources.append(np.broadcast_to(_noisy(own[:, one, one], bench, rng)[:, :, None], into.shape))
            outputs.append(_noisy(np.asarray(response.outputs)[:, :, 0], bench, rng))
        found.append((np.stack(given, axis=1), np.stack(sources, axis=1)))
    found.append((np.stack(outputs, axis=1), found[-1][0]))  # those of the last matrix' programs
    # the drives follow the bits; larger than any setting, they are told apart from them
    return (*(setting for setting, _ in asked[: -len(DRIVES)]), *(full + 1 + k for k in range(len(DRIVES)))), found


def _paths(
    shape: Shape, layer: int, setting: int, before: int, drive: float
) -> tuple[tuple[np.ndarray, ...], Float[np.ndarray, "n_sources n_in"]]:
    """One program per source of the layer: a path to it, at `before` into it, and all its synapses at the setting."""
    count = shape[layer]
    one = np.arange(count)
    program = [np.zeros((count, *size), int) for size in zip(shape, shape[1:], strict=False)]
    for matrix in program[: max(layer - 1, 0)]:
        matrix[:, 0, 0] = abs(before)
    if layer:
        program[layer - 1][one, 0, one] = before
    program[layer][one, one] = setting
    inputs = np.zeros((count, shape[0]))
    inputs[one, 0 if layer else one] = drive
    return tuple(program), inputs


def _noisy(current: np.ndarray, bench: Bench, rng: np.random.Generator) -> np.ndarray:
    return current * (1 + bench.read_noise * rng.standard_normal(current.shape))


def with_synapses(transfer: Transfer, characterisation: Characterisation, load: Load, unit: float) -> Transfer:
    """`transfer` with what the synapses and loads of the same chips were found to do; as it is where none were read.

    Args:
        transfer: whose domain stays.
        characterisation: as of `read_synapses`.
        load: of the design.
        unit: the tail current, A.

    Raises:
        NotConverged: a synapse that gives nothing.
    """
    settings, matrices = characterisation.synapses()
    if not settings:
        return transfer
    bits = settings[: -len(DRIVES)]
    count, positive = len(bits), sum(b for b in bits if b > 0)
    domain, dies = transfer.activations[0].domain, transfer.n_dies
    nominal = np.ones((dies, matrices[0][0].shape[2]))
    layers, synapses = [neurons(nominal, nominal, 0 * nominal, domain)], []
    for index, (given, source) in enumerate(matrices[:-1]):
        s, into = given / unit, source[..., 0] / unit
        if index:
            # what all synapses of the largest weight make of u, whose mean weight is one
            u = np.arctanh(np.clip(s[:, count:].mean(-1), -0.999, 0.999))
            layers.append(neurons(*resting(load, into[:, count:], u), domain))
        at = layers[-1]
        carried = mirrored(into) if index == 0 else into
        u = np.asarray(signal(load, at.plus[:, None], at.minus[:, None], carried))[:, :count, :, None]
        weights = _weights(s[:, :count], u) * np.sign(bits)[None, :, None, None]
        if not (np.isfinite(weights).all() and (weights > 0).all()):
            raise NotConverged("a synapse gives nothing", where=f"weight matrix {index}")
        synapses.append(jnp.asarray(weights * positive))
    out, drawn = (np.asarray(part).reshape(dies, -1, part.shape[-1]) / unit for part in matrices[-1])
    # outputs of one sign alone are seen, and near their end nothing can be told
    u = np.where((out > 0) & (out < LARGEST), np.arctanh(np.clip(out, 0.0, LARGEST)), np.nan)
    layers.append(neurons(*resting(load, drawn, u), domain))
    return dataclasses.replace(
        transfer, activations=tuple(layers), synapses=tuple(synapses), synapse_settings=tuple(bits)
    )


def _weights(s: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Weights of either sign: a sign swaps the inputs, and so the sign of s for a positive u."""
    magnitude = np.abs(s)
    return np.sign(s) * np.sign(u) * magnitude / (np.sinh(np.abs(u)) - magnitude * (np.cosh(u) - 1))
