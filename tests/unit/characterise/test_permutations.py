from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
import pytest

from anamorph.characterise.bench import Bench
from anamorph.characterise.permutations import Wiring, permutations
from anamorph.characterise.probed_fit import fit_probed
from anamorph.characterise.protocols import protocol
from anamorph.errors import BadInput, NotConverged
from anamorph.substrate.contract import Program, Response

SHAPE = (6, 5, 4)
BENCH = Bench((10e-9, 30e-9, 100e-9), repeats=30, read_noise=0.0, protocol="permutations")
GAMMA, RATIO, FULL = 0.93, 2.3, 5
SLOPES = [np.random.default_rng(3 + k).uniform(0.8, 1.2, n) for k, n in enumerate(SHAPE)]


@dataclass
class Mirrors:
    """A chip that is exactly what the fit assumes."""

    probes: bool = True
    silent: int | None = None
    shape: tuple[int, ...] = SHAPE

    def run(self, program: Program, inputs) -> Response:
        x = np.asarray(inputs)[None]  # programs, patterns, n
        layers = [np.broadcast_to(x, (len(program.settings[0]), *x.shape[1:]))]
        for layer in range(len(SHAPE)):
            full = layers[-1] * 1e9
            sent = SLOPES[layer] * np.maximum(full, 0) ** GAMMA
            sunk = SLOPES[layer] * RATIO * np.maximum(full, 0) ** GAMMA
            if layer == 0 and self.silent is not None:
                sent = sent * (np.arange(SHAPE[0]) != self.silent)
            if layer == len(SHAPE) - 1:
                layers.append(sent * 1e-9)
                break
            w = program.settings[layer]
            into = sent @ np.maximum(w, 0) / FULL + sunk @ np.minimum(w, 0) / FULL
            layers.append(np.maximum(into, 0) * 1e-9)
        one = [part[None] for part in layers]
        fine = np.ones(one[0].shape[:3], bool)
        return Response(one[-1], np.zeros(fine.shape), fine, tuple(one[:-1]) if self.probes else None)


def measured(chip: Mirrors, bench: Bench = BENCH):
    return permutations(chip, bench, jax.random.key(0), FULL, (-1,), "mirrors")


def test_what_went_in_comes_out():
    transfer = fit_probed(measured(Mirrors()), SHAPE, FULL)
    for found, slope in zip(transfer.activations, SLOPES, strict=True):
        np.testing.assert_allclose(np.asarray(found.slope)[0], slope / slope.mean(), rtol=1e-9)
        assert np.asarray(found.fit_error).max() < 1e-9
    np.testing.assert_allclose(np.asarray(transfer.exponents)[0], [GAMMA, GAMMA], rtol=1e-6)
    np.testing.assert_allclose(float(transfer.negative_unit[0]), RATIO, rtol=1e-9)


def test_reading_noise_is_averaged_and_its_key_repeats_it():
    noisy = Bench(BENCH.currents, BENCH.repeats, read_noise=0.05, protocol="permutations")
    first, again = measured(Mirrors(), noisy), measured(Mirrors(), noisy)
    np.testing.assert_array_equal(first.data["output_current"], again.data["output_current"])
    found = np.asarray(fit_probed(first, SHAPE, FULL).activations[1].slope)[0]
    wanted = SLOPES[1] / SLOPES[1].mean()
    assert 1e-4 < np.abs(found - wanted).max() < 0.05


def test_every_neuron_is_a_source_about_equally_often():
    wiring = Wiring.draw((12, 5, 7), 24, jax.random.key(1))
    for source, n in zip(wiring.sources, (12, 5), strict=True):
        counts = np.bincount(source.ravel(), minlength=n)
        assert counts.min() >= source.size // n and counts.max() <= -(-source.size // n)
    assert (wiring.partners != wiring.sources[0]).all()


def test_each_configuration_gives_every_neuron_one_source():
    wiring = Wiring.draw(SHAPE, 4, jax.random.key(1))
    for matrix in wiring.settings(SHAPE, FULL):
        assert ((matrix != 0).sum(axis=1) == 1).all() and matrix.max() == FULL
    with_partner = wiring.settings(SHAPE, FULL, -1)
    assert ((with_partner[0] == -1).sum(axis=1) == 1).all()
    assert (with_partner[1] >= 0).all()


def test_a_chip_without_probes_is_refused():
    with pytest.raises(BadInput, match="source_monitor"):
        measured(Mirrors(probes=False))


def test_a_neuron_that_says_nothing_is_named():
    with pytest.raises(NotConverged, match="layer 0, neuron 2"):
        fit_probed(measured(Mirrors(silent=2)), SHAPE, FULL)


def test_an_unknown_protocol_names_the_nearest():
    with pytest.raises(BadInput, match="permutations"):
        protocol("permutation")


def test_a_chip_with_some_synapses_is_measured_through_those():
    exists = np.zeros((9, 4), bool)
    for target in range(4):
        exists[2 * target : 2 * target + 3, target] = True  # neighbours share a source
    wiring = Wiring.draw((9, 4), 6, jax.random.key(2), [exists])
    for found in (wiring.sources[0], wiring.partners):
        assert exists[found, np.arange(4)].all()
    assert (wiring.partners != wiring.sources[0]).all()
    counts = np.bincount(wiring.sources[0].ravel(), minlength=9)
    assert counts.min() >= 2 and counts.max() <= 4
    with pytest.raises(BadInput, match="two synapses"):
        Wiring.draw((2, 2), 1, jax.random.key(0), [np.eye(2, dtype=bool)])
