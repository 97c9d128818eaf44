"""Experiments whose layers are convolutions: their text, what is refused, and a run."""

from __future__ import annotations

import json

import numpy as np
import pytest

import anamorph
from anamorph import experiment, toml_file
from anamorph.errors import BadInput
from anamorph.network.convolution import Convolution
from anamorph.stages.setup import Setup

#: Iris as an image of one row, seen through windows of two.
ROW = {
    "network.layers": "[4, 6, 3]",
    "network.image": "[1, 1, 4]",
    "network.wiring": "[{kind = 'convolution', kernel = [1, 2], channels = 2}, {kind = 'dense'}]",
}
QUICK = {
    "substrate": "ideal", "chip.dies": "1", "training.epochs": "60", "training.restarts": "2",
    "bench.currents": "['50 nA', '300 nA']", "bench.repeats": "1",
}  # fmt: skip


def test_a_convolutional_experiment_reads_back_as_the_same() -> None:
    lenet = experiment.load("lenet14")
    assert experiment.from_tables(toml_file.parse(lenet.text().encode(), "copy"), "copy") == lenet
    assert lenet.text().count("[[network.wiring]]") == 3


def test_a_chip_can_be_made_for_the_network_it_carries() -> None:
    setup = Setup.of(experiment.load("lenet14"))
    assert setup.substrate.exists is not None
    for exists, wiring in zip(setup.substrate.exists, setup.model.wirings, strict=True):
        np.testing.assert_array_equal(exists, wiring.exists)
    assert [wiring.n_synapses for wiring in setup.model.wirings] == [16 * 288, 128 * 64, 640]
    assert Setup.of(experiment.load("lenet14", {"chip.synapses": "all"})).substrate.exists is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network.wiring": "[{kind = 'convolutional', kernel = [1, 2]}, {kind = 'dense'}]"}, "'convolution'"),
        ({"network.wiring": "[{kind = 'dense'}]"}, r"network\.wiring: not one wiring per weight matrix"),
        ({"network.layers": "[4, 7, 3]"}, r"network\.wiring\[0\]: the layer after has another size"),
        ({"network.image": "[1, 2, 3]"}, r"network\.wiring\[0\]: the image has another size"),
        ({"chip.synapses": "wire"}, "'wired'"),
        ({"chip.synapses": "wired"}, "a chip wired for a network has its layers"),
        ({"chip.synapses": "wired", "substrate": "ideal"}, "this substrate has all synapses"),
    ],
)
def test_what_does_not_hold_together_is_refused(change: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        experiment.load("iris", ROW | change)


def test_a_run_trains_programs_and_verifies_shared_kernels(tmp_path) -> None:
    run = anamorph.run("iris", tmp_path / "out", seed=3, replace=ROW | QUICK)
    first = np.array(json.loads((tmp_path / "out" / "program" / "compensated.json").read_text())["settings"][0])[0, 0]
    wiring = Setup.of(experiment.load("iris", ROW)).model.wirings[0]
    assert isinstance(wiring, Convolution) and first.shape == (7, 7)
    taps = first[wiring.sources, np.arange(6)].reshape(2, 2, 3)
    assert (np.ptp(taps, axis=2) == 0).all() and taps.any()
    assert np.count_nonzero(first) <= wiring.n_synapses
    # of 30 flowers; a third is what guessing gives
    assert run.metrics["accuracy_ideal"]["value"] > 0.6
