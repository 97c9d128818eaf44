"""The example of campaigns runs as it stands, on fewer dies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anamorph.campaign import read

PAGE = Path(__file__).parents[2] / "docs" / "campaigns.md"


@pytest.mark.slow
def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Two dies from two starts each: every point has an accuracy, and both yields are printed."""
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    fewer = example.replace("range(20)", "range(2)").replace("range(5)", "range(2)")
    assert fewer.count("range(2)") == 2
    monkeypatch.chdir(tmp_path)
    exec(compile(fewer, str(PAGE), "exec"), {})  # the project's own text, nobody else's
    table = read(tmp_path / "runs" / "iris_dies")
    assert table["accuracy"].shape == (2, 2) and table["accuracy"].min() > 0.4
    assert capsys.readouterr().out.count("yield") == 2
