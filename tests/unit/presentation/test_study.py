"""The whole study on a small die, and the command."""

from __future__ import annotations

import functools
from pathlib import Path

import jax
import numpy as np
import pytest
from typer.testing import CliRunner

from anamorph import cli
from anamorph.errors import BadInput
from anamorph.experiment import load
from anamorph.presentation.features import current_features, model_features
from anamorph.run_folder import RunFolder
from anamorph.stages.presentation import ARTEFACT, Subject, presentation_of_run, study
from anamorph.stages.presentation_page import PAGE, law_text, rows, write_page
from anamorph.stages.presentation_record import PresentationRecord
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Program
from anamorph.substrate.current_mirror.dynamics import Dynamics, Waveform, run_times

SMALL = {
    "chip.layers": "[4, 3]", "network.layers": "[4, 3]", "chip.dies": "1",
    "data.input_max": "80 nA", "transient.presentation": "10 us",
}  # fmt: skip
#: One output for each kind of flower: wide sepals and small petals, long sepals, wide petals.
SETTINGS = np.array([[2, 5, 0], [7, 0, 0], [-2, 5, 1], [-2, -2, 4]])


NOISE, EXPONENT = 0.15, 0.9


class Pretended(Subject):
    """Transients by a law, at once: 3 us at 100 nA in all, slower with a small lead, deviating by a factor."""

    def watch(self, currents: np.ndarray, presentation: float) -> Dynamics:
        n, total = len(currents), currents.sum(axis=1)
        lead = self.know(currents / self.setup.experiment.data.input_max)[1][:, -1]
        deviation = np.exp(NOISE * np.random.default_rng(int(total.sum() * 1e15)).normal(size=n))
        times = 3e-6 * (total / 100e-9) ** -EXPONENT * np.exp(-0.15 * lead) * deviation
        energy = np.multiply.outer(20 * total * 1.8, run_times(presentation))
        times = np.where(times < presentation, times, np.nan)
        classes, yes = np.argmax(currents[:, :3], axis=1), np.ones(n, bool)
        waveform = Waveform(np.zeros(1), np.zeros((1, 3)), np.zeros((1, 0)), ())
        return Dynamics(
            presentation, 12, times, energy[:, -1], times * energy[:, -1] / presentation, energy[:, -1] / presentation,
            energy, classes, yes, np.isfinite(times), waveform,
        )  # fmt: skip


def make(kind: type[Subject], substrate: str) -> Subject:
    setup = Setup.of(load("iris", SMALL | {"substrate": substrate}))
    transfer = setup.substrate.assumed_transfer()
    program = Program(substrate, (SETTINGS,))
    weights = [np.asarray(w)[0] for w in setup.substrate.decode(program, transfer)]
    know = functools.partial(model_features, setup.substrate, transfer, weights)
    return kind(setup, setup.substrate.fabricate(jax.random.key(0), 1), program, know)


@pytest.fixture(scope="module", params=["pretended", pytest.param("simulated", marks=pytest.mark.slow)])
def subject(request: pytest.FixtureRequest) -> Subject:
    return make(Pretended, "ideal") if request.param == "pretended" else make(Subject, "current_mirror")


@pytest.fixture(scope="module")
def record(subject: Subject) -> PresentationRecord:
    return study(subject, 60, 0.9)


def test_features_do_not_depend_on_the_scale_but_for_the_current(subject: Subject) -> None:
    x = subject.setup.task.x_test[:5]
    names, ratios = subject.know(x)
    assert names == ("largest output", "lead") and ratios.shape == (5, 2)
    assert (ratios[:, 1] <= 0).all()
    twice = current_features(2 * x) - current_features(x)
    np.testing.assert_allclose(twice, np.log(2), rtol=1e-12)


def test_a_brighter_input_is_predicted_to_be_faster(record: PresentationRecord) -> None:
    # C / g with g = I / n U_T gives -1; moderate inversion and charges that bend make it less
    assert -1.2 < record.laws["model"].coefficients[0] < -0.5
    for law in record.laws.values():
        assert law.coefficients[0] < 0 and 0 < law.explained < 1 and law.residual > 0
    assert record.laws["model"].residual <= record.laws["current"].residual
    assert record.n_fitted == 30 and 0 < record.n_held <= 30


def test_policies_save_energy_and_keep_what_they_promise(record: PresentationRecord) -> None:
    fixed, found = record.policies["fixed"], record.policies
    assert fixed.time == pytest.approx(record.presentation, rel=1e-12) and fixed.saved == 0
    assert fixed.n == 30
    for name in ("shortened", "stopped by current", "stopped by model"):
        assert 0 < found[name].saved < found["own time"].saved
        assert found[name].time < fixed.time and found[name].gained == 0
        # 90 % of what the fixed one reaches are promised; of 30 samples by a reserve from 30, three deviations less
        assert found[name].final > (0.9 - 3 * np.sqrt(2 * 0.9 * 0.1 / 30)) * fixed.final
    assert found["own time"].accuracy == fixed.accuracy
    for name in ("scaled by current", "scaled by model"):
        assert found[name].time == fixed.time and found[name].saved > 0
    # what the model adds is worth something
    assert found["stopped by model"].saved > found["shortened"].saved


def test_what_is_written_reads_back(record: PresentationRecord, subject: Subject, tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        record.save(folder, ARTEFACT)
        again = PresentationRecord.load(folder, ARTEFACT)
        write_page(subject.setup, folder, again)
    assert rows(again) == rows(record) and law_text(again, "model") == law_text(record, "model")
    text = (tmp_path / PAGE).read_text()
    assert "stopped by model" in text and "Law of the current" in text


def test_the_command_prints_every_policy(
    record: PresentationRecord, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from anamorph.stages import presentation as stage

    asked = {}

    def answer(path: Path, patterns: int, quantile: float) -> PresentationRecord:
        asked.update(path=path, patterns=patterns, quantile=quantile)
        return record

    monkeypatch.setattr(stage, "presentation_of_run", answer)
    monkeypatch.setattr("anamorph.stages.compilation.keep_compiled", lambda: None)
    found = CliRunner().invoke(cli.app, ["presentation", str(tmp_path), "--patterns", "50", "--quantile", "0.95"])
    assert found.exit_code == 0, found.output
    assert asked == {"path": tmp_path, "patterns": 50, "quantile": 0.95}
    for name in record.policies:
        assert name in found.stdout


def test_a_folder_without_a_run_and_a_substrate_without_transients_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        presentation_of_run(tmp_path / "none")
    (tmp_path / "experiment.toml").write_text(load("iris", {"substrate": "ideal"}).text())
    with pytest.raises(BadInput, match="no transients"):
        presentation_of_run(tmp_path)
    with pytest.raises(BadInput, match="too few patterns"):
        presentation_of_run(tmp_path, 1)
