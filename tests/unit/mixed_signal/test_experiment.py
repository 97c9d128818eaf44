"""The experiment file: it reads back as itself, and what is wrong with it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from anamorph.errors import BadInput
from anamorph.mixed_signal.experiment import is_mixed_signal, load


def test_the_built_in_one_reads_back(tmp_path: Path) -> None:
    found = load("ms_neuron", {"draws": "3", "noise_powers": '["1e-6 V^2"]'})
    assert found.noise_powers == (1e-6,) and found.draws == 3
    path = tmp_path / "experiment.toml"
    path.write_text(found.text(), "utf-8")
    assert load(str(path)) == found
    assert is_mixed_signal(str(path)) and is_mixed_signal(str(tmp_path)) and not is_mixed_signal("iris")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("noise_powers", '["1 uV^2 s"]', "noise_powers"),
        ("n_bits", "[0]", "n_bits"),
        ("networks", '["mnist_fnc"]', "networks"),
        ("drawz", "3", "draws"),
    ],
)
def test_bad_values_are_named(key: str, value: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        load("ms_neuron", {key: value})
    assert said in str(caught.value)
