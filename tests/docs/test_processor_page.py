"""The page on the processor: its example runs, and its table says what the networks count."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anamorph.processor.workloads import load, names

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
