"""The page on the processor: its example runs, and its table says what the networks count."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anamorph.processor.capacity import on
from anamorph.processor.design import MEMORIES, Processor
from anamorph.processor.layers import plan
from anamorph.processor.workloads import load, names
from anamorph.units import parse

PAGE = (Path(__file__).parents[2] / "docs" / "processor.md").read_text()


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "processor.md", "exec"), {})  # the project's own text, nobody else's
    assert "('C3', 150, 16, 100)" in capsys.readouterr().out


@pytest.mark.parametrize("name", names())
def test_the_table_says_what_is_counted(name: str) -> None:
    (weights, macs) = re.findall(rf"^\| `{name}` \|[^|]*\| ([^|]*) \| ([^|]*) \|", PAGE, re.MULTILINE)[0]
    network = load(name)
    for text, count in ((weights, network.weights), (macs, network.macs)):
        number, unit = (text.split() + [""])[:2]
        digits = len(number.partition(".")[2])
        scale = {"": 1, "M": 1e6, "G": 1e9}[unit]
        assert f"{count / scale:,.{digits}f}" == number


@pytest.mark.parametrize("name", names())
def test_the_table_of_chips_says_what_comes_out(name: str) -> None:
    """Two digits, rounded: 5 % and a little."""
    cells = re.findall(rf"^\| {name} \| (.*) \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)[0]
    layers = plan(load(name))
    for memory, cell in zip(MEMORIES, cells, strict=True):
        found = on(layers, Processor(memory))
        sizes, rates = cell.split("; ")
        area, energy = sizes.split(", ")
        told = (parse(area, "m^2", where=name), parse(energy, "J", where=name), *map(float, rates.split(", ")))
        here = (
            found.chip_area[0], found.energy_per_inference[0], found.area_efficiency[0] / 1e12,
            found.efficiency[0] / 1e12, found.throughput[0] / 1e12,
        )  # fmt: skip
        assert told == pytest.approx(here, rel=0.06)
