"""Curves of spiking neurons: three activities, two energies, and files that are not curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anamorph.characterise.spiking import MAX_CSV_BYTES, Activity, FrequencyCurve, SynapseCurve, states
from anamorph.errors import BadInput

CURVE = """# a comment
i_ex,f_spike
1,0
10,5.5
100,50
1000,0
"""


def curve(path: Path, text: str = CURVE, current: str | None = None, frequency: str | None = None) -> FrequencyCurve:
    file = path / "curve.csv"
    file.write_text(text)
    return FrequencyCurve.from_csv(file, current=current, frequency=frequency, current_unit="pA", frequency_unit="kHz")


def test_a_file_becomes_a_curve_in_si_units(tmp_path: Path) -> None:
    found = curve(tmp_path)
    np.testing.assert_allclose(found.i_ex, [1e-12, 1e-11, 1e-10, 1e-9])
    np.testing.assert_allclose(found.f_spike, [[0, 5500, 50_000, 0]])
    assert found.state.tolist() == [[Activity.SILENT, Activity.SPIKING, Activity.SPIKING, Activity.STOPPED]]
    assert np.isnan(found.power_mean).all() and found.source == "curve.csv"


def test_columns_by_name(tmp_path: Path) -> None:
    text = "f ignored i\n2 x 1\n3 y 2\n"
    found = curve(tmp_path, text, current="i", frequency="f")
    np.testing.assert_allclose(found.f_spike, [[2000, 3000]])
    with pytest.raises(BadInput, match="no column 'ff'.*Did you mean 'f'"):
        curve(tmp_path, text, current="i", frequency="ff")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("i,f\n1,1\n1,2\n", "does not increase"),
        ("i,f\n0,1\n1,2\n", "positive first value"),
        ("i,f\n1,1\n2,-2\n", "negative frequency"),
        ("i,f\n1,1\n2,nan\n", "not finite"),
        ("i,f\n1,1\n2\n", "not a table of numbers"),
        ("i,f\n1,1\n2,__import__\n", "not a table of numbers"),
        ("i\n1\n2\n", "too few columns"),
        ("i,f\n1,1\n", "not a curve"),
    ],
)
def test_what_is_no_curve_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        curve(tmp_path, text)


def test_a_file_that_is_absent_too_large_or_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    with pytest.raises(BadInput, match="no such file"):
        FrequencyCurve.from_csv(file)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not a text file"):
        FrequencyCurve.from_csv(file)
    file.write_bytes(b"1" * (MAX_CSV_BYTES + 1))
    with pytest.raises(BadInput, match="too large"):
        FrequencyCurve.from_csv(file)


def test_stopped_is_not_silent() -> None:
    spiking = np.array([[False, True, False], [False, False, False], [True, True, True]])
    assert states(spiking).tolist() == [[0, 1, 2], [0, 0, 0], [1, 1, 1]]


def test_two_energies_of_a_spike_and_none_without_spikes() -> None:
    def of(converged: bool) -> FrequencyCurve:
        return FrequencyCurve(
            i_ex=np.array([1e-12, 1e-10]), f_spike=np.array([[0.0, 1e5]]), state=np.array([[0, 1]]),
            power_rms=np.array([[2e-11, 2e-10]]), power_mean=np.array([[1e-11, 1e-10]]),
            converged=np.full((1, 2), converged), v_dd=0.2, temperature=300.0, source="made up",
        )  # fmt: skip

    np.testing.assert_allclose(of(True).energy_per_spike_rms, [[np.nan, 2e-15]])
    np.testing.assert_allclose(of(True).energy_per_spike_mean, [[np.nan, 1e-15]])
    assert np.isnan(of(False).energy_per_spike_mean).all()


def test_an_activity_that_does_not_exist_is_refused() -> None:
    ones = np.ones((1, 2))
    with pytest.raises(BadInput, match="unknown activity"):
        FrequencyCurve(np.array([1.0, 2.0]), ones, np.array([[0, 3]]), ones, ones, ones > 0, 0.2, 300.0, "made up")


def test_a_synapse_may_be_asked_at_no_spikes() -> None:
    ones = np.ones((1, 2))
    found = SynapseCurve(np.array([0.0, 1e5]), ones, ones, ones > 0, 0.2, 300.0, "made up")
    assert found.f_spike[0] == 0
    with pytest.raises(BadInput, match="f_spike: does not increase"):
        SynapseCurve(np.array([1e5, 0.0]), ones, ones, ones > 0, 0.2, 300.0, "made up")
