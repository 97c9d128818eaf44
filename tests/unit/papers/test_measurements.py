"""Finding measurements: a file is enough, and a file without its function is named."""

from __future__ import annotations

import sys
import types

import pytest

from anamorph.errors import BadInput
from anamorph.papers import kept, measure


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two measurements of a paper that is not in the package, and a helper file."""
    package = types.ModuleType("anamorph.papers.test_2000.measurements")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "anamorph.papers.test_2000", types.ModuleType("anamorph.papers.test_2000"))
    monkeypatch.setitem(sys.modules, package.__name__, package)
    text = '"""Timing the output.\n\nMore.\n"""\ndef measure(context):\n    return context\n'
    for name in ("times", "_shared"):
        (tmp_path / f"{name}.py").write_text(text)
    yield tmp_path
    for name in [n for n in sys.modules if n.startswith(f"{package.__name__}.")]:
        del sys.modules[name]


def test_a_file_is_a_measurement(folder) -> None:
    found = measure.find("test_2000")
    assert list(found) == ["times"]
    assert found["times"].title == "Timing the output"
    assert callable(found["times"].function)


def test_a_file_without_its_function_is_named(folder) -> None:
    (folder / "energy.py").write_text("def mesure(context): ...\n")
    with pytest.raises(BadInput, match=r"test_2000/measurements/energy\.py: .*expected def measure"):
        measure.find("test_2000")


def test_what_a_measurement_depends_on_makes_its_key() -> None:
    def key(name: str = "counts", quick: bool = False, seed: int = 1) -> str:
        return kept.digest_of("binas_2016", name, quick, seed)

    assert key() == key()
    assert len({key(), key("gains"), key(quick=True), key(seed=2)}) == 4


def test_the_code_of_a_measurement_makes_its_key_and_that_of_the_others_does_not(tmp_path, monkeypatch) -> None:
    for path in ("a.py", "card.toml", "notes.txt", "report/page.py", "papers/p/claims.toml",
                 "papers/p/measurements/one.py", "papers/p/measurements/two.py"):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("1")
    monkeypatch.setattr(kept.resources, "files", lambda package: tmp_path)
    monkeypatch.setattr(kept, "measurement_names", lambda paper: ["one", "two"])

    def changes(path: str) -> bool:
        before = kept.digest_of("p", "one", False, 1)
        (tmp_path / path).write_text("2")
        return kept.digest_of("p", "one", False, 1) != before

    assert all(changes(path) for path in ("a.py", "card.toml", "papers/p/measurements/one.py"))
    others = ("notes.txt", "report/page.py", "papers/p/claims.toml", "papers/p/measurements/two.py")
    assert not any(changes(path) for path in others)
