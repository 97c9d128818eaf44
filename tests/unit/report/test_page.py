"""The report as a file: whole or absent, small, self-contained, and safe whatever the text in it."""

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from anamorph.errors import BadInput
from anamorph.report import page as page_module
from anamorph.report.page import Figure, Page, Section, Table, render, write_report

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\" ' & {{ 7*7 }}"


class _Reader(HTMLParser):
    """Collects elements, text outside scripts, and the content of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in ("script", "style") and self._open:
            self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1][0] == "script":
            self.scripts.append((self._open[-1][1], data))
        elif not self._open:
            self.texts.append(data)

    def visible(self) -> str:
        return "".join(self.texts)

    def script(self, identity: str) -> str:
        return "".join(text for attributes, text in self.scripts if attributes.get("id") == identity)


def _figure(text: str = "points") -> Figure:
    return Figure(go.Figure(go.Scatter(x=np.arange(3.0), y=np.array([1.0, np.nan, 2.0]), name=text)), text)


def _page(text: str = "plain") -> Page:
    return Page(
        title=text,
        summary=text,
        metrics={text: {"value": 1.0, "unit": "", "basis": text, "n": 3}},
        sections=(Section(text, text, (_figure(text),), Table((text,), ((text,),), text)),),
        warnings=(text,),
        provenance={text: {"inner": text}},
        headline=(text,),
    )


def test_user_text_cannot_become_markup_anywhere() -> None:
    ours, hostile = _Reader(render(_page())), _Reader(render(_page(HOSTILE)))
    # The same elements in the same order: no text added one.
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in ours.elements]
    assert not [name for _, attributes in hostile.elements for name in attributes if name.startswith("on")]
    # and the text is still there to be read, as it was given: title (twice), summary, section, table, ...
    assert hostile.visible().count(HOSTILE) >= 9


def test_data_cannot_end_its_script_element() -> None:
    text = render(_page(HOSTILE))
    spec = _Reader(text).script("plot-1")
    assert "<" not in spec and ">" not in spec and "&" not in spec
    assert json.loads(spec)["data"][0]["name"] == HOSTILE


def test_policy_allows_the_two_own_scripts_and_nothing_from_outside() -> None:
    reader = _Reader(render(_page(HOSTILE)))
    policy = next(a["content"] for _, a in reader.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none';")
    executable = [text for attributes, text in reader.scripts if "type" not in attributes]
    assert len(executable) == 1
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    sources = [executable[0].encode(), get_plotlyjs().encode()]
    assert allowed == {base64.b64encode(hashlib.sha256(source).digest()).decode() for source in sources}


def test_nothing_is_loaded_from_a_network() -> None:
    reader = _Reader(render(_page()))
    addresses = [a[name] or "" for _, a in reader.elements for name in ("src", "href", "srcset") if name in a]
    assert addresses, "the page has at least its empty icon"
    assert all(address.startswith(("#", "data:")) for address in addresses), addresses
    style = (page_module.resources.files("anamorph.report") / "page.css").read_text()
    assert "@import" not in style and "url(" not in style


def test_the_embedded_library_is_the_installed_one() -> None:
    packed = _Reader(render(_page())).script("plotly")
    assert gzip.decompress(base64.b64decode(packed)).decode() == get_plotlyjs()


def test_light_enough_to_mail(tmp_path) -> None:
    write_report(tmp_path / "report.html", _page())
    # The goal is 3 MB for a whole report; without data it must leave room for data.
    assert (tmp_path / "report.html").stat().st_size < 2.5e6


def test_a_page_without_plots_carries_no_library() -> None:
    assert len(render(Page("Text only", "no plot"))) < 50_000


def test_the_same_page_gives_the_same_bytes() -> None:
    assert render(_page()) == render(_page())


def test_arrays_survive_and_nan_stays_missing() -> None:
    trace = json.loads(_Reader(render(_page())).script("plot-1"))["data"][0]
    assert trace["y"]["dtype"] == "f8"
    values = np.frombuffer(base64.b64decode(trace["y"]["bdata"]), "<f8")
    np.testing.assert_array_equal(values, [1.0, np.nan, 2.0])


def test_written_whole_or_not_at_all(tmp_path, monkeypatch) -> None:
    target = tmp_path / "report.html"
    target.write_text("the report of the last run")

    def fail(*_args) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(page_module.os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_report(target, Page("new"))
    assert target.read_text() == "the report of the last run"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_replaces_an_earlier_report_and_leaves_nothing_else(tmp_path) -> None:
    for title in ("first", "second"):
        write_report(tmp_path / "report.html", Page(title))
    assert "<title>second</title>" in (tmp_path / "report.html").read_text()
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_a_missing_folder_is_named(tmp_path) -> None:
    with pytest.raises(BadInput, match=r"nowhere/report.html: the folder of the report does not exist"):
        write_report(tmp_path / "nowhere" / "report.html", Page("x"))


def test_warnings_stand_before_metrics() -> None:
    page = Page("x", metrics={"accuracy": {"value": 0.9}}, warnings=("one die did not converge",))
    text = render(page)
    assert text.index("one die did not converge") < text.index('id="metrics"')
    assert "1 warning<" in text
    assert "warnings" not in _Reader(render(Page("x"))).visible()


def test_paragraphs_and_table_rows_are_checked() -> None:
    assert Section("s", "one\n\n two \n\n\n").paragraphs == ("one", "two")
    with pytest.raises(BadInput, match=r"'Answers', row 2: .*expected 2 cells; got 1"):
        Table(("class", "n"), (("a", "1"), ("b",)), "Answers")


@pytest.mark.parametrize(
    ("wide", "placed"),
    [
        ("n", "w"),
        ("nn", "nn"),
        ("nnn", "nnw"),
        ("wnn", "wnn"),
        ("wn", "ww"),
        ("nwn", "www"),
        ("nnwnnn", "nnwnnw"),
    ],
)
def test_no_figure_stands_beside_an_empty_place(wide, placed) -> None:
    figures = tuple(Figure(go.Figure(), "", wide=mark == "w") for mark in wide)
    assert "".join("w" if wide else "n" for _, wide in Section("s", figures=figures).placed) == placed
