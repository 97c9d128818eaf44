"""The page on arrays: its example runs, and loses what the page says."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "arrays.md").read_text()


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict = {}
    exec(compile(example, "arrays.md", "exec"), names)  # the project's own text, nobody else's
    least, most = map(int, re.findall(r"# (\d+) to (\d+) % here", example)[0])
    lost = 100 * names["lost"]
    assert (round(float(lost.min())), round(float(lost.max()))) == (least, most)
