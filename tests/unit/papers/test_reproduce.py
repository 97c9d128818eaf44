"""Reproducing: kept, resumed, failing in part, refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from anamorph.errors import BadInput, Interrupted, NotConverged
from anamorph.papers import claims
from anamorph.papers.measure import Context, Findings, Measured, Measurement
from anamorph.papers.page import page_of
from anamorph.papers.reproduce import reproduce
from anamorph.papers.reproduction import Reproduction
from anamorph.report.page import Figure, render

COMMON = {"source": "Table 1", "tolerance": 1, "tolerance_reason": "rounded", "basis": "simulated"}
PAPER = claims.from_tables(
    {
        "title": "T", "authors": "A", "year": 2016, "identifier": "i",
        "claim": [
            {"id": "a", "quantity": "one", "value": 10, "measure": "first", **COMMON},
            {"id": "b", "quantity": "two", "value": 20, "measure": "first", **COMMON},
            {"id": "c", "quantity": "three", "value": 30, "measure": "second", **COMMON},
            {"id": "d", "quantity": "four", "value": 40, "measure": "nowhere", **COMMON},
        ],
    },
    "binas_2016", "claims.toml",
)  # fmt: skip


class Lab:
    """Two measurements that count how often they are taken."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.first: Callable[[Context], Findings] = lambda context: Findings({"a": Measured(10.0), "b": Measured(25.0)})
        self.second: Callable[[Context], Findings] = lambda context: Findings({"c": Measured(30.0, n=5)})

    def run(self, out: Path, quick: bool = False, seed: int = 1) -> Reproduction:
        def of(name: str) -> Measurement:
            def function(context: Context) -> Findings:
                self.taken.append(name)
                return getattr(self, name)(context)

            return Measurement(name, f"Taking {name}", function)

        return reproduce(PAPER, out, quick=quick, seed=seed, measurements={n: of(n) for n in ("second", "first")})


@pytest.fixture
def lab() -> Lab:
    return Lab()


def statuses(done: Reproduction) -> dict[str, str]:
    return {row.id: row.status for row in done.rows}


def test_rows_and_files(lab: Lab, tmp_path: Path) -> None:
    done = lab.run(tmp_path / "out")
    assert statuses(done) == {"a": "agree", "b": "worse", "c": "agree", "d": "missed"}
    assert done.rows[3].note == "Not measured by this version."
    assert lab.taken == ["first", "second"]  # in the order of the claims
    written = json.loads((tmp_path / "out/ledger.json").read_text())
    assert written == [row.json() for row in done.rows]
    assert list(written[0]) == ["id", "source", "quantity", "paper", "here", "unit", "tolerance", "status", "note"]
    assert "<title>T: claims and measurements</title>" in (tmp_path / "out/ledger.html").read_text()


def test_what_is_measured_is_not_measured_again(lab: Lab, tmp_path: Path) -> None:
    first = lab.run(tmp_path)
    again = lab.run(tmp_path)
    assert lab.taken == ["first", "second"]
    assert again.rows == first.rows


def test_other_settings_are_measured_anew_and_the_old_ones_kept(lab: Lab, tmp_path: Path) -> None:
    for quick, seed in ((False, 1), (True, 1), (False, 2), (False, 1), (True, 1)):
        lab.run(tmp_path, quick, seed)
    assert lab.taken == ["first", "second"] * 3


def test_an_interrupt_keeps_what_is_done(lab: Lab, tmp_path: Path) -> None:
    whole, lab.second = lab.second, _raise(KeyboardInterrupt())
    with pytest.raises(Interrupted, match="The same command goes on from there"):
        lab.run(tmp_path)
    assert not (tmp_path / "ledger.json").exists()
    lab.second = whole
    done = lab.run(tmp_path)
    assert lab.taken == ["first", "second", "second"]
    assert statuses(done)["c"] == "agree"


def test_an_interrupt_that_a_stage_has_turned_into_an_error_stops_too(lab: Lab, tmp_path: Path) -> None:
    lab.first = _raise(Interrupted("interrupted"))
    with pytest.raises(Interrupted):
        lab.run(tmp_path)
    assert lab.taken == ["first"]


def test_a_failure_is_missed_with_its_message_and_the_others_go_on(lab: Lab, tmp_path: Path) -> None:
    whole, lab.first = lab.first, _raise(NotConverged("no operating point", where="soma"))
    done = lab.run(tmp_path)
    assert statuses(done) == {"a": "missed", "b": "missed", "c": "agree", "d": "missed"}
    assert done.rows[0].note == "soma: no operating point."
    assert page_of(done).warnings == ("first: soma: no operating point.",)
    lab.first = whole  # what failed is not kept: the cause may be gone
    assert statuses(lab.run(tmp_path))["a"] == "agree"
    assert lab.taken == ["first", "second", "first"]


def test_a_bug_is_not_a_missed_claim(lab: Lab, tmp_path: Path) -> None:
    lab.first = _raise(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        lab.run(tmp_path)


def test_a_claim_without_its_figure_and_a_figure_without_its_claim_are_named(lab: Lab, tmp_path: Path) -> None:
    lab.first = lambda context: Findings({"a": Measured(10.0)})
    lab.second = lambda context: Findings({"cc": Measured(30.0)})
    rows = {row.id: row for row in lab.run(tmp_path).rows}
    assert rows["b"].status == "missed" and "gave no figure" in rows["b"].note
    assert rows["c"].status == "missed" and "Did you mean 'c'?" in rows["c"].note


def test_a_measurement_finds_its_own_things_again(lab: Lab, tmp_path: Path) -> None:
    def first(context: Context) -> Findings:
        place = context.folder / "shard"
        if not place.exists():
            place.write_text(f"{context.seed}")
            raise KeyboardInterrupt
        return Findings({"a": Measured(float(place.read_text())), "b": Measured(None)})

    lab.first = first
    with pytest.raises(Interrupted):
        lab.run(tmp_path, seed=9)
    done = lab.run(tmp_path, seed=9)
    assert done.rows[0].here == 9 and done.rows[1].status == "missed"


def test_figures_survive_being_kept(lab: Lab, tmp_path: Path) -> None:
    plot = go.Figure(go.Scatter(x=np.arange(3.0), y=np.array([1.0, np.nan, 2.0])))
    found = Findings({"a": Measured(10.0)}, {"Figure 10": (Figure(plot, "ten"),), "Figure 4b": (Figure(plot, "four"),)})
    lab.first = lambda context: found
    fresh, kept = (page_of(lab.run(tmp_path)) for _ in range(2))
    assert lab.taken == ["first", "second"]
    assert [section.title for section in kept.sections] == ["Claims", "Figure 4b", "Figure 10"]
    assert render(kept) == render(fresh)


def test_a_damaged_file_is_named_before_anything_is_measured(lab: Lab, tmp_path: Path) -> None:
    lab.run(tmp_path)
    file = next((tmp_path / "measurements").glob("second-*.json"))
    whole = file.read_text()
    for text in (whole[:-20], whole.replace('"value"', '"wert"'), whole.replace('"simulated"', '"guessed"')):
        assert text != whole
        file.write_text(text)
        with pytest.raises(BadInput):
            lab.run(tmp_path)
    assert lab.taken == ["first", "second"]


def test_folders_that_are_taken_are_refused(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.txt").write_text("x")
    with pytest.raises(BadInput, match="holds other files"):
        lab.run(tmp_path / "notes")
    with pytest.raises(BadInput, match="a file is in the way"):
        lab.run(tmp_path / "notes/a.txt")
    lab.run(tmp_path / "mine")
    (tmp_path / "mine/paper.json").write_text('{"paper": "another"}')
    with pytest.raises(BadInput, match="belongs to another paper"):
        lab.run(tmp_path / "mine")
    assert lab.taken == ["first", "second"]


def test_numbers_that_json_lacks_become_none() -> None:
    found = Measured(float("nan"), float("-inf"), 1.0)
    assert (found.value, found.low, found.high) == (None, None, 1.0)
    with pytest.raises(BadInput, match="Did you mean 'simulated'"):
        Measured(1.0, basis="simulatd")


def _raise(error: BaseException) -> Callable[[Context], Findings]:
    def function(context: Context) -> Findings:
        raise error

    return function
