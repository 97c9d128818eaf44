"""The page on multipliers' behaviour: its example runs, and errs by what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "crossbar.md").read_text()


@pytest.mark.slow
def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict = {}
    exec(compile(example, "crossbar.md", "exec"), names)  # the project's own text, nobody else's
    for name, value in re.findall(r'"(\w+)": ([\d.]+)', example):
        # two digits are printed
        assert names["errors"][name] == pytest.approx(float(value), rel=0.05)
    off = np.asarray(names["outputs"]) - np.clip(names["inputs"] @ names["weights"], -8, 8)
    assert off.shape == (10, 100, 32)
    # of full scale; rounding of inputs and weights comes on top of what the table has
    assert 0.5 * names["errors"]["all"] < np.sqrt(np.mean(off**2)) / 8 < 2 * names["errors"]["all"]
