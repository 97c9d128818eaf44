"""The ledger of Bavandpour et al. 2019: complete, what was fitted agrees, and what the paper states holds."""

from __future__ import annotations

import pytest

from anamorph.papers.bavandpour_2019.measurements import multipliers, networks, processors, statements
from anamorph.papers.claims import load
from anamorph.papers.ledger import status_of
from anamorph.papers.measure import Context, find

CLAIMS = {claim.id: claim for claim in load("bavandpour_2019").claims}


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    context = Context(tmp_path_factory.mktemp("ledger"))
    return [part.measure(context) for part in (multipliers, statements, processors, networks)]


def _statuses(findings) -> dict[str, str]:
    ours = {name: measured for found in findings for name, measured in found.claims.items()}
    return {name: status_of(CLAIMS[name], measured.value) for name, measured in ours.items()}


def test_every_claim_has_a_measurement_and_every_measurement_a_claim(findings):
    assert {claim.measure for claim in CLAIMS.values() if claim.measure} == set(find("bavandpour_2019"))
    comparable = {claim.id for claim in CLAIMS.values() if claim.comparable}
    assert set(_statuses(findings)) == comparable


def test_every_claim_on_a_cost_says_whether_it_was_fitted_or_tested():
    for claim in CLAIMS.values():
        if claim.measure in ("multipliers", "statements", "processors"):
            assert claim.note.startswith(("Fitted", "Tested")), claim.id


def test_what_was_fitted_agrees(findings):
    fitted = {claim.id for claim in CLAIMS.values() if claim.note.startswith("Fitted")}
    assert len(fitted) == 5
    found = _statuses(findings)
    assert {name: found[name] for name in fitted} == dict.fromkeys(fitted, "agree")


def test_what_the_paper_states_of_encodings_and_memories_holds(findings):
    """Orderings: none of them was fitted to."""
    found = _statuses(findings)
    stated = {c.id for c in CLAIMS.values() if c.basis == "stated" and c.bound and c.measure != "networks"}
    assert len(stated) == 14
    assert {name: found[name] for name in stated} == dict.fromkeys(stated, "agree")


def test_networks_are_those_of_the_paper(findings):
    found = _statuses(findings)
    assert all(found[c.id] == "agree" for c in CLAIMS.values() if c.measure == "networks")


def test_published_processors_are_met_within_a_factor_of_two_and_a_half(findings):
    """Except storage with shared periphery: how theirs is shared is not known."""
    ours = {name: m.value for found in findings for name, m in found.claims.items()}
    for claim in CLAIMS.values():
        if claim.measure == "processors" and claim.basis == "simulated" and claim.id != "nand_sharing":
            assert 0.4 < ours[claim.id] / claim.value < 2.5, claim.id


def test_figures_are_redrawn(findings):
    places = {place: figures for found in findings for place, figures in found.figures.items()}
    assert set(places) == {"Figure 1c", "Figure 2c", "Figure 2d"}
    assert len(places["Figure 2c"][0].plot.data) == 9
