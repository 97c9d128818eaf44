"""The ledger of Binas et al. 2016 (arXiv:1606.07786): its claims, and what can be measured in seconds.

Counts are arithmetic on the paper's circuits: 5 transistors per soma, 11 per synapse (Fig. 2, and the authors' netlist
jbinas/adnn, subcircuits.py); 196-100-50-10 has 196 * 100 + 100 * 50 + 50 * 10 synapses, and one more per output as
readout.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anamorph.characterise.characterisation import Characterisation
from anamorph.papers import claims
from anamorph.papers.binas_2016.measurements import characterisation, counts, gains, iris
from anamorph.papers.ledger import compare
from anamorph.papers.measure import Context, Findings, measurement_names
from anamorph.papers.reproduce import reproduce
from anamorph.technology import Technology

PAPER = claims.load("binas_2016")
#: Figures of the paper, SI, which no edit of the ledger may change.
EXPECTED = {
    "mnist_homogeneous_mean": 0.976, "mnist_homogeneous_best": 0.98,
    "mnist_inhomogeneous_mean": 0.976, "mnist_inhomogeneous_best": 0.98,
    "mnist_homogeneous_spread": 0.001, "mnist_inhomogeneous_spread": 0.002,
    "speech_homogeneous_spread": 0.042, "speech_inhomogeneous_spread": 0.038,
    "mnist_transistors": 0.98, "mnist_efficiency": 7.97e12,
    "speech_homogeneous_mean": 0.873, "speech_homogeneous_best": 0.934,
    "speech_inhomogeneous_mean": 0.88, "speech_inhomogeneous_best": 0.943,
    "speech_transistors": 0.946, "speech_efficiency": 6.39e12,
    "time_to_output_15na": 8.5e-6, "time_to_output_15na_spread": 2.3e-6, "output_within_15us": 0.99,
    "energy_per_operation_15us": 0.12e-12, "energy_per_operation_stopped": 0.1e-12,
    "power": 200e-6, "image_rate": 66e3, "throughput_as_printed": 1.7e12, "measurements": 40.0, "points_per_unit": 10.0,
    "synapses": 25_000.0, "transistors": 280_000.0, "throughput": 1.7e9, "output_within_7us": 0.99,
    "mnist_most_active_mean": 0.976, "mnist_checkerboard_mean": 0.976,
    "unit_weight": 0.25, "negative_ratio": 2.3, "iris_accuracy": 1.0,
}  # fmt: skip


def judged(findings: Findings) -> dict[str, str]:
    """Status of the claims that a measurement answers."""
    by_id = {claim.id: claim for claim in PAPER.claims}
    return {name: compare(by_id[name], found).status for name, found in findings.claims.items()}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_claim_has_the_papers_figure(name: str) -> None:
    claim = next(claim for claim in PAPER.claims if claim.id == name)
    assert claim.value == pytest.approx(EXPECTED[name], rel=1e-12)


def test_the_papers_own_figures_chain() -> None:
    value = {claim.id: claim.value for claim in PAPER.claims}
    energy = value["energy_per_operation_15us"] * 25_100  # of one image
    assert energy / 15e-6 == pytest.approx(value["power"], rel=0.05)  # "around 200 uW"
    rate = 25_100 * value["image_rate"]
    assert rate == pytest.approx(value["throughput"], rel=0.03)  # two digits; printed a thousand times larger
    assert rate / value["power"] == pytest.approx(value["mnist_efficiency"], rel=0.05)
    assert value["throughput_as_printed"] / value["throughput"] == pytest.approx(1000)
    assert value["time_to_output_45na"] == pytest.approx(value["time_to_output_15na"] / 3, rel=0.02)


def test_every_measurement_is_asked_for() -> None:
    assert set(measurement_names("binas_2016")) <= set(PAPER.measurements)


def test_stand_ins_and_assumptions_are_named() -> None:
    for claim in PAPER.claims:
        if claim.id.startswith("speech_"):
            assert "stand-in" in claim.note
        if claim.basis == "derived":
            assert claim.note or claim.why


def test_counts(tmp_path: Path) -> None:
    found = counts.measure(Context(tmp_path))
    assert found.claims["synapses"].value == 196 * 100 + 100 * 50 + 50 * 10 == 25_100
    fets = 5 * (196 + 100 + 50 + 10) + 11 * 25_100
    assert fets == 277_880
    assert found.claims["transistors"].value == fets + 11 * 10
    assert "277,880 without the 10 readout synapses" in found.claims["transistors"].note
    assert found.claims["prototype_neurons"].value == 21 and found.claims["prototype_synapses"].value == 98
    assert set(judged(found).values()) == {"agree"}


def test_counts_are_those_of_the_netlist(cmos180: Technology) -> None:
    found = counts.count((3, 2, 2))
    assert (found["soma"], found["synapse"], found["readout"]) == (7, 10, 2)
    assert found["fets"] == 5 * 7 + 11 * 12


def test_gains_are_those_of_the_general_solver(tmp_path: Path) -> None:
    found = gains.measure(Context(tmp_path))
    assert judged(found) == {"unit_weight": "not comparable", "negative_ratio": "agree", "binary_weights": "agree"}
    # ngspice 39 with the foundry's BSIM3 card at 100 nA (test_binas_2016_gains.py); EKV is within 5 % of it
    assert found.claims["unit_weight"].value == pytest.approx(0.146, rel=0.05)
    assert found.claims["negative_ratio"].value == pytest.approx(0.337 / 0.146, rel=0.05)
    assert list(found.figures) == ["Section 3.1, weights"]


def test_iris_is_summarised_over_dies() -> None:
    own = np.array([1.0] * 6 + [29 / 30] * 3 + [0.5])
    found = iris.accuracy(own, own / 2, 30)
    assert (found.value, found.n) == (1.0, 10)
    assert found.low is not None and 0.5 < found.low < 29 / 30
    assert "6 dies get all 30 flowers right" in found.note and "the mean is 94.0 %" in found.note
    assert "without compensation 47.0 %" in found.note


def test_points_per_unit_are_usable_readings() -> None:
    columns = {
        "kind": ["slope"] * 6 + ["negative"], "layer": [0, 0, 0, 0, 1, 1, 1], "neuron": [0, 0, 1, 1, 0, 0, 0],
        "repeat": [0] * 7, "source": [-1] * 7, "monitor": [0] * 7, "partner": [-1] * 7, "setting": [0] * 7,
        "input_current": [1e-8, 2e-8] * 3 + [1e-8],
    }  # fmt: skip
    sent = np.array([[1e-8, 2e-8, 1e-8, 0.0, 1e-8, np.nan, 1e-8]])
    converged = np.array([[True, True, True, True, True, False, True]])
    coordinates = {name: np.array(values) for name, values in columns.items()}
    measured = Characterisation.of(coordinates, sent, converged)
    np.testing.assert_array_equal(characterisation.points_per_unit(measured, (3, 2)), [2, 1, 0, 1, 0])


def test_the_standard_error_is_that_of_one_characterisation() -> None:
    rng = np.random.default_rng(0)
    slope = rng.normal(1.0, 0.15, 20_000)
    pair = [slope + rng.normal(0.0, 0.03, slope.shape) for _ in range(2)]
    # 20,000 draws: 1 % of sampling; the mean of the pair is itself wider by its error
    expected = 0.03 / np.hypot(0.15, 0.03 / np.sqrt(2))
    assert characterisation.uncertainty(*pair) == pytest.approx(expected, rel=0.02)


@pytest.mark.slow
def test_the_quick_ledger(tmp_path: Path) -> None:
    done = reproduce("binas_2016", tmp_path / "quick", quick=True)
    rows = {row.id: row for row in done.rows}
    assert rows["iris_accuracy"].status == "agree"
    assert rows["points_per_unit"].status == "better" and rows["measurements"].status == "left out"
    assert not done.failures or set(done.failures.values()) == {"Not measured by this version."}
    assert {"Figure 5b", "Figure 5c", "Figure 5d", "Figure 5e"} <= {
        place for found in done.findings.values() for place in found.figures
    }
    assert done.page.stat().st_size > 1e6
