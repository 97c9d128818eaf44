"""The ledger as a page: every claim in it, whatever it says, and nothing of it as markup."""

from __future__ import annotations

import re
from pathlib import Path

import plotly.graph_objects as go

from anamorph.papers import claims
from anamorph.papers.ledger import NOT_MEASURED, compare
from anamorph.papers.measure import Findings, Measured
from anamorph.papers.page import page_of
from anamorph.papers.reproduce import Reproduction
from anamorph.report.page import Figure, render

HOSTILE = "<img src=x onerror=alert(1)>"


def _done(quick: bool = False) -> Reproduction:
    common = {"source": "Table 1", "basis": "simulated", "measure": "m"}
    tables = [
        {"id": "a", "quantity": "accuracy", "value": "98.0 %", "unit": "%", "tolerance": "0.5 %",
         "tolerance_reason": "One in 200.", **common},
        {"id": "b", "quantity": HOSTILE, "value": "0.1 pJ/Op", "unit": "pJ/Op", "bound": "at most", **common},
    ]  # fmt: skip
    head = {"title": "A paper", "authors": "A. Author", "year": 2016, "identifier": "doi"}
    paper = claims.from_tables({**head, "claim": tables}, "test", "claims.toml")
    rows = (compare(paper.claims[0], Measured(0.983, n=500)), compare(paper.claims[1], None, "It broke."))
    figures = {"Figure 4a": (Figure(go.Figure(), "four"),), "Figure 3": (Figure(go.Figure(), "three"),)}
    failures = {"m": "It broke.", "n": NOT_MEASURED}
    return Reproduction(paper, rows, {"m": Findings({}, figures)}, failures, Path("x"), quick, 7)


def test_every_claim_is_a_row() -> None:
    page = page_of(_done())
    table = page.sections[0].table
    assert table is not None
    assert table.columns == ("Source", "Quantity", "Paper", "Here", "Tolerance", "Status", "Note")
    note = "Simulated, n = 500. Tolerance: One in 200."
    assert table.rows[0] == ("Table 1", "accuracy", "98.0 %", "98.3 %", "± 0.5 %", "agree", note)
    assert table.rows[1][2:] == ("at most 0.1 pJ/Op", "–", "–", "missed", "It broke.")


def test_figures_follow_in_the_papers_order() -> None:
    assert [section.title for section in page_of(_done()).sections[1:]] == ["Figure 3", "Figure 4a"]


def test_what_failed_is_a_warning_and_what_is_absent_is_not() -> None:
    page = page_of(_done())
    assert page.warnings == ("m: It broke.",)
    assert page.summary == "A. Author 2016, doi. 2 claims: 1 agree, 1 missed."
    assert "quick" in page_of(_done(quick=True)).summary
    assert page.provenance["seed"] == 7


def test_text_stays_text() -> None:
    text = render(page_of(_done()))
    assert HOSTILE not in text and "&lt;img src=x" in text


def test_links_lead_somewhere() -> None:
    text = render(page_of(_done()))
    targets = re.findall(r'href="#([^"]+)"', text)
    assert "provenance" in targets and "metrics" not in targets
    assert all(f'id="{target}"' in text for target in targets)
