"""The ledger as a page: every claim in it, whatever it says, and nothing of it as markup."""

from __future__ import annotations

import re
from pathlib import Path

import plotly.graph_objects as go

from anamorph.papers import claims
from anamorph.papers.ledger import NOT_MEASURED, compare
from anamorph.papers.measure import Findings, Measured
from anamorph.papers.page import page_of
from anamorph.papers.reproduction import Reproduction
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
    assert table.columns == ("Source", "Quantity", "Paper", "Here", "Tolerance", "Status")
    assert table.rows[0] == ("Table 1", "accuracy", "98.0 %", "98.3 %", "± 0.5 %", "agree")
    assert table.rows[1][2:] == ("at most 0.1 pJ/Op", "–", "–", "missed")
    assert table.notes == ("Simulated, n = 500. Tolerance: One in 200.", "It broke.")
    assert '<td colspan="5">It broke.</td>' in render(page_of(_done()))


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


def test_a_table_of_the_paper_has_both_figures_in_every_cell() -> None:
    common = {"source": "Table 1", "basis": "simulated", "measure": "m", "unit": "%", "tolerance": "0.5 %",
              "tolerance_reason": "x", "quantity": "accuracy"}  # fmt: skip
    tables = [
        {"id": "mean", "value": "97.6 %", "spread": "0.1 %", **common},
        {"id": "best", "value": "98.0 %", **common},
    ]
    shown = {"place": "Table 1", "columns": ["MNIST"], "row": [{"label": "mean / best", "cells": [["mean", "best"]]}]}
    head = {"title": "A paper", "authors": "A. Author", "year": 2016, "identifier": "doi"}
    paper = claims.from_tables({**head, "claim": tables, "table": [shown]}, "test", "claims.toml")
    found = {"mean": Measured(0.9712, 0.9702, 0.9722, 10)}
    rows = tuple(compare(claim, found.get(claim.id)) for claim in paper.claims)
    page = page_of(Reproduction(paper, rows, {"m": Findings(found)}, {}, Path("x"), False, 1))
    (section,) = page.sections[1:]
    assert section.title == "Table 1" and section.table is not None
    assert section.table.columns == ("", "MNIST, paper", "MNIST, here")
    assert section.table.rows == (("mean / best", "97.6 ± 0.1 / 98.0", "97.12 ± 0.1 / –"),)
