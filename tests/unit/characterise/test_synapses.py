from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import numpy as np
import pytest

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.probed_fit import fit_probed
from anamorph.characterise.protocols import protocol
from anamorph.characterise.synapse_fit import with_synapses
from anamorph.errors import BadInput, NotConverged
from anamorph.substrate.contract import Program, Response

SHAPE = (8, 6, 4)
BENCH = Bench((10e-9, 30e-9, 100e-9), repeats=20, read_noise=0.0, protocol="synapses")
GAMMA, UNIT, FULL = 0.93, 0.15, 7
SETTINGS = (1, 2, 4, -1, -2, -4)


def _bits(spread: float) -> list[np.ndarray]:
    """What every bit of every synapse gives, ``[settings, n_in, n_out]``, a negative unit 2.3 times a positive one."""
    rng = np.random.default_rng(5)
    sizes = zip(SHAPE, SHAPE[1:], strict=False)
    mean = np.array([abs(s) * (1.0 if s > 0 else 2.3) for s in SETTINGS])[:, None, None]
    return [mean * np.exp(spread * rng.standard_normal((len(SETTINGS), *size))) for size in sizes]


@dataclass
class Mirrors:
    """A chip whose synapses are sums of their bits, and whose neurons are alike."""

    bits: list[np.ndarray]
    probes: bool = True
    shape: tuple[int, ...] = SHAPE

    def run(self, program: Program, inputs) -> Response:
        batch = program.batched().settings
        x = np.broadcast_to(np.asarray(inputs), (batch[0].shape[1], *np.shape(inputs)[-2:]))[None]
        layers = [x]
        for setting, bits in zip(batch, self.bits, strict=True):
            on = {s: ((np.abs(setting) & abs(s)) > 0) & (np.sign(setting) == np.sign(s)) for s in SETTINGS}
            weight = sum(np.sign(s) * bits[i] * on[s] for i, s in enumerate(SETTINGS))
            sent = (np.maximum(layers[-1], 0) * 1e9) ** GAMMA
            layers.append(np.maximum(UNIT * sent @ weight, 0) * 1e-9)
        fine = np.ones(layers[-1].shape[:3], bool)
        out = (layers[-1] * 1e9) ** GAMMA * 1e-9
        return Response(out, np.zeros(fine.shape), fine, tuple(layers) if self.probes else None)


def _measured(chip: Mirrors, bench: Bench = BENCH) -> Characterisation:
    return protocol("synapses")(chip, bench, jax.random.key(0), FULL, (-1,), "mirrors")


def _fitted(found: Characterisation):
    return with_synapses(fit_probed(found, SHAPE, FULL), found, 0.25)


@pytest.mark.parametrize("spread", [0.2, 0.7])
def test_every_bit_of_every_synapse_comes_out(spread: float):
    chip = Mirrors(_bits(spread))
    transfer = _fitted(_measured(chip))
    assert transfer.synapse_settings == SETTINGS and transfer.synapses is not None
    gamma = float(transfer.exponents[0, 0])
    for index, (found, bits) in enumerate(zip(transfer.synapses, chip.bits, strict=True)):
        slope = np.asarray(transfer.activations[index].slope)[0][:, None]
        # slopes were read through random synapses: what one says of a source, the other takes back
        ratio = np.asarray(found)[0] * slope**gamma / bits
        # exponents are fitted, and sources of inner layers lie within a factor of three of each other
        np.testing.assert_allclose(ratio / ratio.mean(), 1.0, rtol=0.02 if spread < 0.5 else 0.1)


def test_positive_units_are_one_on_average():
    transfer = _fitted(_measured(Mirrors(_bits(0.2))))
    assert transfer.synapses is not None
    for found in transfer.synapses:
        np.testing.assert_allclose(np.asarray(found)[0, :3].mean((1, 2)).sum(), 7.0, rtol=1e-9)


def test_strong_negative_synapses_get_larger_bases_and_weak_ones_small():
    """With reading noise a small base leaves a small error; a large one must not be what all are measured by."""
    noisy = replace(BENCH, read_noise=0.005)
    exact, read = _measured(Mirrors(_bits(0.7))), _measured(Mirrors(_bits(0.7)), noisy)
    pairs = zip(exact.synapses()[1], read.synapses()[1], strict=True)
    errors = np.concatenate([np.abs(b / a - 1).ravel() for (a, _), (b, _) in pairs])
    assert np.isfinite(errors).all()
    assert np.median(errors) < 0.02 and errors.max() > 1e-3


def test_readings_survive_a_file(tmp_path):
    found = _measured(Mirrors(_bits(0.2)))
    found.save(tmp_path / "c.nc")
    again = Characterisation.load(tmp_path / "c.nc")
    assert again.synapses()[0] == SETTINGS
    for (a, b), (c, d) in zip(found.synapses()[1], again.synapses()[1], strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


def test_a_lost_reading_leaves_the_mean_and_many_are_refused():
    found = _measured(Mirrors(_bits(0.2)))
    one = found.data.copy(deep=True)
    one["synapse_current_0"][0, 2, 3, 1] = np.nan
    transfer = _fitted(Characterisation(one))
    assert transfer.synapses is not None
    layer = np.asarray(transfer.synapses[0])[0, 2]
    others = np.delete(layer.ravel(), 3 * SHAPE[1] + 1)
    np.testing.assert_allclose(layer[3, 1], others.mean(), rtol=1e-9)
    one["synapse_current_1"][:] = np.nan
    with pytest.raises(NotConverged, match="weight matrix 1"):
        _fitted(Characterisation(one))


def test_chips_that_cannot_be_measured_so_are_refused():
    with pytest.raises(BadInput, match="source_monitor|probed inside"):
        _measured(Mirrors(_bits(0.2), probes=False))
    small = Mirrors([b[:, :2] for b in _bits(0.2)], shape=(2, 6, 4))
    with pytest.raises(BadInput, match="three neurons"):
        _measured(small)
