"""The README's Python example runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.slow
def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Two dies are measured, trained, programmed and verified; the example prints their accuracy and yield."""
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names: dict[str, object] = {}
    code = compile(example, str(README), "exec")
    exec(code, names)  # the project's own text, nobody else's
    verdict = names["verdict"]
    assert len(verdict.accuracy) == 2  # pyright: ignore[reportAttributeAccessIssue]
    assert str(verdict.accuracy) in capsys.readouterr().out  # pyright: ignore[reportAttributeAccessIssue]


def test_the_commands_it_names_exist() -> None:
    """`make demo` and `make test` are targets of the Makefile."""
    makefile = (README.parent / "Makefile").read_text()
    for target in re.findall(r"^    make (\w+)", README.read_text(), re.MULTILINE):
        assert f"\n{target}:" in makefile
