"""The ledger of Soupizet et al. 2023: its claims are complete, and what takes seconds is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from anamorph.papers.claims import load
from anamorph.papers.measure import Context, find
from anamorph.papers.soupizet_2023.measurements import accuracies, counts, table_three


def test_every_claim_that_can_be_compared_has_a_measurement():
    found = find("soupizet_2023")
    for claim in load("soupizet_2023").claims:
        assert claim.measure in found if claim.comparable else claim.why


def test_counts_agree(tmp_path: Path):
    claims = {claim.id: claim for claim in load("soupizet_2023").claims}
    for name, ours in counts.measure(Context(tmp_path)).claims.items():
        assert ours.value == claims[name].value


def test_the_total_that_does_not_add_up_is_found(tmp_path: Path):
    claims = {claim.id: claim for claim in load("soupizet_2023").claims}
    found = table_three.measure(Context(tmp_path)).claims
    off = {name for name, ours in found.items() if abs((ours.value or 0) - claims[name].value) > claims[name].tolerance}
    assert off == {"simplified_ml_total_power"}
    assert found["simplified_ml_total_power"].value == pytest.approx(324.93e-9)


def test_every_accuracy_is_a_claim_and_the_quick_ledger_leaves_them_out(tmp_path: Path):
    claims = {claim.id for claim in load("soupizet_2023").claims if claim.measure == "accuracies"}
    quick = accuracies.measure(Context(tmp_path, quick=True)).claims
    assert set(quick) == claims
    assert all(ours.value is None and ours.note for ours in quick.values())
