"""Figures of spikes show what the record says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.network.spike_record import SpikeRecord
from anamorph.report.figures import spikes
from anamorph.report.figures.spikes import listening, raster


def _record() -> SpikeRecord:
    image, neuron = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 1, 2, 0])
    return SpikeRecord.of_events((1, 2), 2, 1e-4, image, neuron, np.array([1e-5, 2e-5, 4e-5, 5e-5, 6e-5]))


def _traces(figure: Any) -> tuple[Any, ...]:
    return tuple(figure.plot.select_traces())


def test_a_raster_has_every_spike_of_one_image_by_layer() -> None:
    first, second = _traces(raster(_record(), 0, "a 7"))
    np.testing.assert_allclose(first.x, [10.0])
    np.testing.assert_allclose(second.x, [20.0, 40.0])
    np.testing.assert_array_equal(second.y, [1, 1])
    assert "a 7" in raster(_record(), 0, "a 7").caption


def test_a_raster_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spikes, "MARKS", 2)
    figure = raster(_record(), 0)
    assert sum(len(t.x) for t in _traces(figure)) == 2
    assert "first 2" in figure.caption


def test_listening_shows_right_and_undecided_over_time() -> None:
    figure = listening(_record(), np.array([0, 1]), np.array([0, 0]))
    counted, waiting, *_, model = _traces(figure)
    at = {round(float(x), 3): y for x, y in zip(counted.x, counted.y, strict=True)}
    assert (at[0.0], at[30.0], at[60.0]) == (0, 50, 100)
    assert waiting.y[0] == 100 and waiting.y[-1] == 0
    assert list(model.y) == [50, 50]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(BadInput, match="no such image"):
        raster(_record(), 2)
    with pytest.raises(BadInput, match="labels"):
        listening(_record(), np.array([0]))
