"""Figures of time, energy and activity, and matrices of large networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.report import figures
from anamorph.report.figures.efficiency import MAIN, SIDE
from anamorph.report.figures.matrices import weight_matrices
from anamorph.report.page import Figure

OPERATIONS = 25_000


def _data(figure: Figure) -> tuple[Any, ...]:
    return tuple(figure.plot.select_traces())


def _layout(figure: Figure) -> Any:
    return figure.plot["layout"]


def _group(name: str, time: list[float], power: list[float]) -> figures.Decided:
    times, powers = np.array(time), np.array(power)
    return figures.Decided(name, times, powers * times / OPERATIONS)


def _two() -> list[figures.Decided]:
    return [
        _group("15 nA", [8e-6, 10e-6, 0.0, np.nan], [200e-6, 180e-6, 200e-6, 200e-6]),
        _group("45 nA", [3e-6, 1e-9], [600e-6, 500e-6]),
    ]


def test_points_are_power_and_time_and_the_others_are_counted() -> None:
    figure = figures.time_against_power(_two(), OPERATIONS)
    slow = next(t for t in _data(figure) if t.name == "15 nA")
    np.testing.assert_allclose(slow.x, [200.0, 180.0], rtol=1e-12)
    np.testing.assert_allclose(slow.y, [8.0, 10.0], rtol=1e-12)
    np.testing.assert_allclose(slow.customdata, OPERATIONS / np.array([1.6e-9, 1.8e-9]) / 1e12, rtol=1e-12)
    assert "2 patterns whose class never differed" in figure.caption
    assert "1 that took less than" in figure.caption


def test_lines_of_equal_efficiency_are_that() -> None:
    figure = figures.time_against_power(_two(), OPERATIONS)
    lines = [t for t in _data(figure) if t.mode == "lines" and t.line.dash == "dash"]
    labels = [a.text for a in _layout(figure).annotations]
    assert len(lines) == len(labels) >= 2
    for line, label in zip(lines, labels, strict=True):
        number, unit = label.split()
        assert unit == "TOp/J"
        # operations over (power times time), both drawn in micro
        product = np.array(line.x) * np.array(line.y) * 1e-12
        np.testing.assert_allclose(OPERATIONS / product / 1e12, float(number), rtol=1e-9)


def test_histograms_at_the_sides_hold_every_point_on_the_axes() -> None:
    figure = figures.time_against_power([_two()[0]], OPERATIONS)
    power, time = [t for t in _data(figure) if t.fill == "toself"]
    # each count is drawn at both edges of its bin
    assert sum(power.y) == sum(time.x) == 2 * 2
    shown = _layout(figure)
    assert shown.xaxis.domain[1] == MAIN and shown.yaxis.domain[1] == SIDE
    assert shown.xaxis2.domain[0] > MAIN and shown.yaxis2.domain[0] > SIDE


def test_the_course_is_mean_and_spread_of_the_patterns_that_converged() -> None:
    energy = np.array([[1e-14, 2e-14], [3e-14, 6e-14], [np.nan, np.nan]])
    figure = figures.energy_against_run_time([figures.Course("15 nA", np.array([1e-6, 2e-6]), energy)])
    band, mean = _data(figure)
    np.testing.assert_allclose(mean.y, [0.02, 0.04], rtol=1e-12)
    np.testing.assert_allclose(mean.x, [1.0, 2.0], rtol=1e-12)
    np.testing.assert_allclose(band.y, [0.03, 0.06, 0.02, 0.01], rtol=1e-12)
    with pytest.raises(BadInput, match="no pattern has an answer"):
        figures.energy_against_run_time([figures.Course("x", np.array([1e-6]), np.array([[np.nan]]))])


def test_energies_are_counted_once() -> None:
    figure = figures.energy_histogram(_two())
    slow, fast = _data(figure)
    assert sum(slow.y) == 3 and sum(fast.y) == 2  # one slow pattern never reached its output
    assert "at 15 nA and" in figure.caption
    nothing = figures.Decided("x", np.array([np.nan]), np.array([np.nan]))
    with pytest.raises(BadInput, match="no pattern reached"):
        figures.energy_histogram([nothing])
    with pytest.raises(BadInput, match="no decision took any time"):
        figures.time_against_power([nothing], OPERATIONS)


def test_activity_has_a_panel_per_layer_and_few_points() -> None:
    time = np.linspace(0, 15e-6, 1000)
    rows = np.ones((3, 1000)) * 1e-9
    figure = figures.activity(time, [rows, 2 * rows], rows[:2], ("a", "b"), 6e-6)
    assert [t.yaxis for t in _data(figure)] == ["y"] * 3 + ["y2"] * 3 + ["y3"] * 2
    assert all(len(t.x) == 400 and t.x[-1] == pytest.approx(15.0) for t in _data(figure))
    assert _layout(figure).shapes[0].x0 == pytest.approx(6.0)
    assert "6 µs" in figure.caption.replace("\u00a0", " ")
    with pytest.raises(BadInput, match="names"):
        figures.activity(time, [rows], rows, ("a", "b"))


def test_matrices_hold_every_weight_and_order_does_not_change_the_network() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(30, 20)), rng.normal(size=(20, 4))]
    figure = weight_matrices(weights, (30, 20, 4))
    first, second = (np.array(t.z, float) for t in _data(figure))
    # the product of two linear layers does not depend on the order of the neurons between them; pictures are float32
    np.testing.assert_allclose(first @ second, weights[0] @ weights[1], atol=1e-5)
    strongest = second.argmax(axis=1)
    assert (np.diff(strongest) >= 0).all(), "neurons are in the order of their output"
    assert "680 of 680 are not zero" in figure.caption


def test_matrices_without_any_weight() -> None:
    figure = weight_matrices([np.zeros((3, 2))], (3, 2))
    assert "0 of 6 are not zero" in figure.caption
