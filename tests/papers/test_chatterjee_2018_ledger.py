"""The ledger of Chatterjee et al. 2018: its claims are complete, and what takes seconds is measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anamorph.mixed_signal.monte_carlo import Errors
from anamorph.mixed_signal.study import Case, Judged, Study
from anamorph.papers.chatterjee_2018.measurements import counts, networks
from anamorph.papers.claims import load
from anamorph.papers.ledger import status_of
from anamorph.papers.measure import Context, find

CLAIMS = {claim.id: claim for claim in load("chatterjee_2018").claims}


def test_every_claim_has_a_measurement_and_every_measurement_a_claim() -> None:
    found = find("chatterjee_2018")
    assert {claim.measure for claim in CLAIMS.values()} == set(found)


def test_transistors_agree(tmp_path: Path) -> None:
    for name, ours in counts.measure(Context(tmp_path)).claims.items():
        assert status_of(CLAIMS[name], ours.value) == "agree"


def test_the_quick_ledger_leaves_networks_out(tmp_path: Path) -> None:
    quick = networks.measure(Context(tmp_path, quick=True)).claims
    assert set(quick) == {claim.id for claim in CLAIMS.values() if claim.measure == "networks"}
    assert all(ours.value is None and ours.note for ours in quick.values())


def test_claims_of_networks_are_read_off_the_study() -> None:
    """Of 8 and 16 bits the largest difference up to the quoted power; of 3 bits the worst draw; of dies the worst."""
    powers = np.array(networks.POWERS)

    def judged(clean: float, *added: float) -> Judged:
        errors = Errors(clean + np.array([[0, 0], [0, 0], added, [0.5, 0.5]]), np.zeros(4))
        return Judged(clean, errors, Errors(clean + np.array([added]), np.zeros(1)))

    cases = tuple(
        Case(name, bits, judged(0.02 + 0.001 * (bits == 16), 0.01, 0.03), None)
        for name in networks.ALIKE
        for bits in (3, 8, 16)
    )
    claims = networks._claims(Study(powers, powers, 0.07, cases, {}, {}, ("a part of the data",)))
    assert set(claims) == {claim.id for claim in CLAIMS.values() if claim.measure == "networks"}
    assert claims["alike_mnist_cnn"].value == pytest.approx(0.001)
    assert claims["mnist_cnn_3_bits"].value == pytest.approx(0.03)
    assert claims["mismatch_mnist"].value == pytest.approx(0.03)
    assert "a part of the data" in claims["mismatch_cifar"].note
