"""Every synapse measured by itself, with a probe at every neuron: what no slope of a neuron tells.

The unit mirrors of a synapse are its smallest transistors, so its weights deviate more than all else on a chip. One
source at a time feeds all neurons of the next layer, through one bit of its synapses; the current into each of them
is what that bit gives. Bits add up (the substrate knows how nearly), so two settings per bit, one of either sign,
tell all that a synapse can be set to.

A negative bit only takes away. There a second source, the *base*, gives every neuron a current, and what is missing
from it is read. The base exceeds the largest negative current that the spread of the positive ones lets one expect;
where that is far more than most synapses take, they are measured again beside smaller bases, without those that
would leave little of it.

Nothing but `Chip.run` is used, and inputs and probes as `permutations` has them.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, PRNGKeyArray

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.permutations import permutations
from anamorph.errors import BadInput
from anamorph.substrate.contract import Chip, Program

#: A negative unit's current in units of a positive one's, roughly: what bases are chosen by.
NEGATIVE = 2.4
#: How far out in the spread of currents a negative one still leaves something of the base, standard deviations.
SAFE = 4.5
#: A base this many times a typical negative current is small enough; from one of twice that on smaller ones follow, in
#: steps of about this size.
SMALL_BASE, STEP = 4.0, 4.0
#: A negative current is measured beside a base of which it takes no more than this.
TAKES = 0.7
#: Strongest current into a base's input, in units of the bench's largest.
STRONGEST = 4.0
#: Configurations without the measured source, averaged: every negative reading is compared with them.
COMPARISONS = 8

#: Currents of synapses and of their sources, A.
Currents = tuple[Float[np.ndarray, "dies n_in n_out"], Float[np.ndarray, "dies n_in n_out"]]


def synapses(
    chip: Chip,
    bench: Bench,
    key: PRNGKeyArray,
    full_setting: int,
    negative_settings: tuple[int, ...],
    substrate: str | None = None,
) -> Characterisation:
    """Measure neurons as `permutations` does, and then every bit of every synapse.

    Args:
        chip: a `Die`.
        bench: its currents are those of the permutations; synapses are measured at their geometric mean.
        key: of the wirings and the reading noise.
        full_setting: of the synapses on the way to what is measured; its highest bit is that of the chip.
        negative_settings: of the permutations' second source.
        substrate: name the programs are for; the chip's own substrate if left out.

    Raises:
        BadInput: a chip without probes, or with fewer than three neurons in a layer that feeds another.
    """
    shape = tuple(chip.shape)
    if min(shape[:-1]) < 3:
        raise BadInput(
            "a source, its base and a way to both need three neurons", where="synapses", got=f"a chip {shape}"
        )
    neurons = permutations(chip, bench, key, full_setting, negative_settings, substrate)
    name = substrate or chip.substrate.name  # pyright: ignore[reportAttributeAccessIssue]
    rng = np.random.default_rng([*np.asarray(jax.random.key_data(key)).ravel().tolist(), len(shape)])
    session = _Session(chip, bench, name, full_setting, rng)
    bits = tuple(2**b for b in range(full_setting.bit_length()))
    matrices = [session.matrix(layer, bits) for layer in range(len(shape) - 1)]
    return neurons.with_synapses((*bits, *(-b for b in bits)), matrices)


@dataclass(frozen=True)
class _Session:
    """One chip, or several dies, on the bench."""

    chip: Chip
    bench: Bench
    name: str
    full: int
    rng: np.random.Generator

    @property
    def current(self) -> float:
        """At which synapses are measured, A."""
        return float(np.exp(np.mean(np.log(self.bench.currents))))

    def matrix(
        self, layer: int, bits: tuple[int, ...]
    ) -> tuple[Float[np.ndarray, "dies settings n_in n_out"], Float[np.ndarray, "dies settings n_in n_out"]]:
        """Currents of all synapses between two layers in all settings, and of their sources, A."""
        sourced = [self._positive(layer, bit) for bit in bits]
        drawn = [self._negative(layer, bit, _bases(given)) for bit, given in zip(bits, sourced, strict=True)]
        given, source = zip(*sourced, *drawn, strict=True)
        return np.stack(given, axis=1), np.stack(source, axis=1)

    def _positive(self, layer: int, setting: int) -> Currents:
        n_in = self.chip.shape[layer]
        one = np.arange(n_in)
        program = self._ways(layer, (1, n_in))
        program[layer][:, one, one] = setting
        own, into = self._read(program, np.full((n_in, self.chip.shape[0]), self.current), layer)
        return into, np.broadcast_to(own[:, one, one, None], into.shape)

    def _negative(self, layer: int, magnitude: int, bases: tuple[float, ...]) -> Currents:
        """What is missing from a base, for each base from the largest down; the smallest that served counts."""
        drawn, source, share = self._beside(layer, magnitude, bases[0], None)
        for before, base in zip(bases, bases[1:], strict=False):
            share = share * before / base
            served = share < TAKES
            again, own, taken = self._beside(layer, magnitude, base, served)
            served &= np.isfinite(again)
            drawn, source = np.where(served, again, drawn), np.where(served, own, source)
            share = np.where(served, taken, share)
        return drawn, source

    def _beside(
        self, layer: int, magnitude: int, base: float, served: Bool[np.ndarray, "dies n_in n_out"] | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Currents drawn beside a base that gives ``base`` typical ones, of their sources, and as shares of the base.

        There are two bases: while one is measured as a source, the other serves.
        """
        n_in = self.chip.shape[layer]
        one = np.arange(n_in)
        serves = np.concatenate([np.where(one < n_in // 2, 0, 1), np.repeat([0, 1], COMPARISONS)])
        program = self._ways(layer, (1 if served is None else len(served), len(serves)))
        ratio = base * NEGATIVE * magnitude / self.full
        strong = min(ratio * self.current, STRONGEST * max(self.bench.currents))
        inputs = np.full((len(serves), self.chip.shape[0]), min(self.current, strong / ratio))
        for which, end in enumerate((n_in - 1, 0)):
            path, rows = [*[1 + which] * layer, end], np.flatnonzero(serves == which)
            inputs[rows, path[0]] = strong
            for step, (before, after) in enumerate(zip(path, path[1:], strict=False)):
                program[step][:, rows, :, after] = 0
                program[step][:, rows, before, after] = self.full
            program[layer][:, rows, end] = self.full
        program[layer][:, one, one] = -magnitude if served is None else np.where(served, -magnitude, 0)
        own, into = self._read(program, inputs, layer)
        own, alone = own[:, one, one, None], into[:, n_in:].reshape(len(into), 2, COMPARISONS, -1).mean(2)
        base_alone = alone[:, serves[:n_in]]
        drawn = base_alone - into[:, :n_in]
        return drawn, np.broadcast_to(own, drawn.shape), drawn / base_alone

    def _ways(self, layer: int, batch: tuple[int, int]) -> list[Int[np.ndarray, "dies programs _ _"]]:
        """Programs in which the first neuron of every layer but `layer` feeds all of the next."""
        sizes = zip(self.chip.shape, self.chip.shape[1:], strict=False)
        program = [np.zeros((*batch, *size), np.int8) for size in sizes]
        for index, matrix in enumerate(program):
            if index != layer:
                matrix[:, :, 0] = self.full
        return program

    def _read(
        self, program: list[np.ndarray], inputs: Float[np.ndarray, "programs n_in"], layer: int
    ) -> tuple[Float[np.ndarray, "dies programs _"], Float[np.ndarray, "dies programs _"]]:
        """Probed currents into the neurons of a layer and of the next, A; NaN where the chip gave no answer."""
        response = self.chip.run(Program(self.name, tuple(program)), jnp.asarray(inputs[:, None]))
        if response.neuron_currents is None:
            raise BadInput("this chip cannot be probed inside", where="bench: protocol", expected="a simulated die")
        fine = np.asarray(response.converged)[:, :, 0, None]
        read = []
        for currents in response.neuron_currents[layer : layer + 2]:
            exact = np.asarray(currents)[:, :, 0]
            noisy = exact * (1 + self.bench.read_noise * self.rng.standard_normal(exact.shape))
            read.append(np.where(fine, noisy, np.nan))
        return read[0], read[1]


def _bases(positive: Currents) -> tuple[float, ...]:
    """Bases in units of a typical negative current, from the largest that the positive ones' spread asks for."""
    given, source = positive
    usable = np.isfinite(given) & (given > 0) & (source > 0)
    spread = float(np.std(np.log(given[usable] / source[usable])))
    largest = max(SMALL_BASE, float(np.exp(SAFE * np.sqrt(2.0) * spread)))
    count = round(float(np.log(largest / SMALL_BASE) / np.log(STEP)))
    return tuple(largest * (SMALL_BASE / largest) ** (k / max(count, 1)) for k in range(count + 1))
