"""The page on data sets knows every one of them, and every option."""

from __future__ import annotations

from pathlib import Path

import pytest

from anamorph import experiment, toml_file
from anamorph.data import registry

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()


@pytest.mark.parametrize("name", registry.names())
def test_every_set_and_option_is_there(name: str) -> None:
    found = registry.get(name)
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    assert f"| {found.n_features} |" in row
    if found.n_train:
        assert f"| {found.n_train:,} + {found.n_test:,} |" in row
    for option, choice in found.options.items():
        (said,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{option}` |")]
        assert all(f'"{value}"' in said for value in choice.choices)


def test_the_section_it_shows_is_accepted() -> None:
    section = PAGE.split("    [data]\n")[1].split("\n\n")[0]
    data = toml_file.parse(section.replace("\n    ", "\n").strip().encode(), "docs/data.md")
    tables = toml_file.parse(experiment.load("iris").text().encode(), "iris")
    layers = {"layers": [196, 10]}
    found = experiment.from_tables({**tables, "data": data, "chip": layers, "network": layers}, "docs/data.md")
    assert found.data.options == {"pixels": "checkerboard", "mean": 0.04}
    assert found.data.mean is not None and found.data.mean * found.data.input_max == pytest.approx(15e-9)
