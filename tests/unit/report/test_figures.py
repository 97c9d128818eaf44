"""What the figures of the closed loop draw."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.report import figures
from anamorph.report.figures.classes import CORNERS, barycentric_coordinates
from anamorph.report.figures.style import BLUE, NEUTRAL, ORANGE, plain, prefixed
from anamorph.report.page import Figure

NAMES = ("setosa", "versicolor", "virginica")


def _data(figure: Figure) -> tuple[Any, ...]:
    """The traces. Plotly makes their attributes at run time: a type checker cannot know them."""
    return tuple(figure.plot.select_traces())


def _layout(figure: Figure) -> Any:
    return figure.plot["layout"]


def _traces(figure: Figure, name: str) -> list[Any]:
    return [trace for trace in _data(figure) if trace.name == name]


def _trace(figure: Figure, name: str) -> Any:
    (trace,) = _traces(figure, name)
    return trace


def _caption(figure: Figure) -> str:
    return figure.caption.replace("\u00a0", " ")


# Barycentric coordinates (Fig. 5e)


def test_the_triangle_is_equilateral() -> None:
    sides = np.linalg.norm(CORNERS - np.roll(CORNERS, 1, axis=0), axis=1)
    np.testing.assert_allclose(sides, 1.0, rtol=1e-15)  # float64 rounding


def test_pure_answers_lie_at_the_corners_and_equal_ones_at_the_centre() -> None:
    position, shares = barycentric_coordinates(np.vstack([50e-9 * np.eye(3), np.full((1, 3), 7e-9)]))
    np.testing.assert_allclose(position[:3], CORNERS, atol=1e-15)  # float64 rounding
    np.testing.assert_allclose(position[3], CORNERS.mean(0), atol=1e-15)
    np.testing.assert_allclose(shares.sum(-1), 1.0, rtol=1e-15)


def test_scale_does_not_move_a_point_and_no_current_has_no_place() -> None:
    row = np.array([[1e-9, 2e-9, 5e-9]])
    np.testing.assert_allclose(barycentric_coordinates(row)[0], barycentric_coordinates(1e3 * row)[0], rtol=1e-12)
    for empty in ([0.0, 0.0, 0.0], [-1e-12, 0.0, 0.0], [np.nan, 1e-9, 1e-9]):
        assert np.isnan(barycentric_coordinates(np.array([empty]))[0]).all()
    # a negative residue counts as zero
    position, _ = barycentric_coordinates(np.array([[-1e-12, 0.0, 5e-9]]))
    np.testing.assert_allclose(position[0], CORNERS[2], atol=1e-15)


def test_barycentric_separates_right_from_wrong_and_counts() -> None:
    outputs = np.array([[9e-9, 1e-9, 0], [1e-9, 9e-9, 0], [8e-9, 2e-9, 0], [0, 0, 0], [0, 1e-9, 9e-9]])
    figure = figures.barycentric(outputs, np.array([0, 1, 1, 2, 2]), NAMES)
    right, wrong = _trace(figure, "versicolor"), _trace(figure, "versicolor, wrong answer")
    np.testing.assert_allclose(right.x, [0.9])
    np.testing.assert_allclose(wrong.x, [0.2])
    assert right.marker.color == wrong.marker.color, "colour is the true class"
    assert right.marker.symbol != wrong.marker.symbol
    assert not _traces(figure, "setosa, wrong answer")
    assert wrong.text == ("<b>pattern 3</b>: versicolor, answer: setosa<br>setosa: 8 nA (80.0%)<br>"
                          "versicolor: 2 nA (20.0%)<br>virginica: 0 nA (0.0%)",)  # fmt: skip
    assert "3 of 5 are classified correctly, wrong answers are crosses (1)." in _caption(figure)
    assert "1 without an answer are not drawn" in _caption(figure)


def test_barycentric_needs_three_classes() -> None:
    with pytest.raises(BadInput, match="three outputs"):
        figures.barycentric(np.ones((2, 3))[:, :2], np.array([0, 1]), NAMES)
    with pytest.raises(BadInput, match="class names does not match.*expected 3; got 2"):
        figures.barycentric(np.ones((2, 3)), np.array([0, 1]), NAMES[:2])


# Slopes and one neuron (Fig. 5b, 5c)


def test_slopes_have_one_panel_per_layer_with_error_bars() -> None:
    slope = [np.array([0.8, 1.2]), np.array([1.0, 0.9, 1.1]), np.array([1.0])]
    spread = [0.01 * s for s in slope]
    figure = figures.slopes(slope, spread, marked=(1, 2))
    assert [trace.name for trace in _data(figure)] == ["Input layer", "Hidden layer", "Output layer"]
    for trace, values, deviation in zip(_data(figure), slope, spread, strict=True):
        np.testing.assert_array_equal(trace.y, values)
        np.testing.assert_array_equal(trace.error_y.array, deviation)
    assert _data(figure)[1].marker.color == (BLUE, BLUE, ORANGE)
    assert len({trace.xaxis for trace in _data(figure)}) == 3
    # standard deviation of the six: sqrt(0.1 / 6) = 0.129
    assert "varies by 13 %" in _caption(figure)


def test_slopes_refuse_shapes_that_differ() -> None:
    with pytest.raises(BadInput, match="spread of layer 1.*expected 2; got 3"):
        figures.slopes([np.ones(2)], [np.ones(3)])
    with pytest.raises(BadInput, match="no layer"):
        figures.slopes([], [])


def test_single_neuron_draws_readings_and_the_rectifier_in_prefixed_units() -> None:
    current = np.array([-10e-9, 0.0, 100e-9, 200e-9])
    figure = figures.single_neuron(current, np.array([0.0, 0.0, 120e-9, 230e-9]), 1.2, "hidden 3")
    measured, fit = _trace(figure, "measured"), _trace(figure, "fitted rectifier, slope 1.2")
    np.testing.assert_allclose(measured.x, [-10, 0, 100, 200], rtol=1e-12)
    assert _layout(figure).xaxis.title.text == "Input current (nA)"
    assert fit.y[0] == 0.0 and np.min(fit.y) == 0.0, "a rectifier is never negative"
    np.testing.assert_allclose(fit.y[-1], 240.0, rtol=1e-12)
    assert "largest residual is 10 nA (4.3 % of full scale)" in _caption(figure)


def test_arrays_of_jax_are_accepted() -> None:
    figure = figures.slopes([jnp.ones(3)], [jnp.zeros(3)])
    np.testing.assert_array_equal(_data(figure)[0].y, np.ones(3))


# Network (Fig. 5d)


def _widths(figure: Figure, colour: str) -> dict[float, int]:
    """Width of line to number of lines, legend keys left out."""
    return {
        trace.line.width: int(np.isnan(trace.y).sum())
        for trace in _data(figure)
        if trace.mode == "lines" and trace.line.color == colour and trace.x[0] is not None
    }


def test_lines_are_as_wide_as_weights_and_coloured_by_sign() -> None:
    weights = [np.array([[1.0, -2.0], [0.0, 0.5]]), np.array([[2.0], [-1.0]])]
    figure = figures.network_diagram(weights, (2, 2, 1))
    orange, blue = _widths(figure, ORANGE), _widths(figure, BLUE)
    assert sorted(orange) == pytest.approx([7 / 4, 7 / 2, 7]) and set(orange.values()) == {1}
    assert sorted(blue) == pytest.approx([7 / 2, 7])
    assert "5 of 6 weights are not zero" in figure.caption
    hover = [t.text for t in _data(figure) if t.marker.opacity == 0][0]
    assert "layer 1, neuron 1 to layer 2, neuron 2<br>weight -2" in hover


def test_lines_end_at_their_neurons() -> None:
    weights = [np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]])]
    figure = figures.network_diagram(weights, (3, 2))
    (line,) = [t for t in _data(figure) if t.mode == "lines" and t.x[0] is not None]
    (neurons,) = _traces(figure, "neuron")
    where = dict(zip(neurons.text, zip(neurons.x, neurons.y, strict=True), strict=True))
    assert (line.x[0], line.y[0]) == where["layer 1, neuron 3"]
    assert (line.x[1], line.y[1]) == where["layer 2, neuron 2"]


def test_neurons_that_the_network_leaves_are_hollow() -> None:
    figure = figures.network_diagram([np.ones((4, 7)), np.ones((7, 3))], (7, 7, 7))
    unused = _trace(figure, "unused neuron")
    assert len(unused.x) == 3 + 0 + 4
    assert "The 4-7-3 network" in figure.caption and "7-7-7 chip" in figure.caption


def test_a_large_network_is_drawn_as_matrices() -> None:
    weights = np.random.default_rng(0).normal(size=(60, 50))
    (picture,) = _data(figures.network_diagram([weights], (60, 50)))
    assert picture.type == "heatmap"
    np.testing.assert_array_equal(np.array(picture.z), np.float32(weights))


@pytest.mark.parametrize(
    ("weights", "shape", "message"),
    [
        ([np.ones((2, 2)), np.ones((3, 1))], (3, 3, 3), "do not chain.*expected 2 rows; got 3"),
        ([np.ones((2, 2))], (1, 2), "larger than its chip"),
        ([np.ones((2, 2))], (2, 2, 2), "weight matrices does not match.*expected 2; got 1"),
    ],
)
def test_network_diagram_refuses(weights, shape, message) -> None:
    with pytest.raises(BadInput, match=message):
        figures.network_diagram(weights, shape)


# Many dies


def test_accuracy_histogram_counts_every_die_once() -> None:
    steps = np.arange(31) / 30
    compensated, uncompensated = steps[[30, 30, 29, 27, 26]], steps[[10, 20, 27]]
    figure = figures.accuracy_histogram(compensated, uncompensated, 0.9)
    ours, other = _trace(figure, "compensated"), _trace(figure, "uncompensated")
    assert sum(ours.y) == 5 and sum(other.y) == 3
    assert ours.y[-1] == 2, "the two dies at 100 %"
    np.testing.assert_allclose(ours.x[-1], 100.0)
    assert "3 of 5" not in figure.caption and "4 of 5 compensated and 1 of 3 uncompensated" in figure.caption
    # 27 of 30 passes, 26 of 30 does not: the line stands between them.
    (line,) = _layout(figure).shapes
    assert 100 * 26 / 30 < line.x0 < 100 * 27 / 30


def test_accuracy_histogram_judges_float32_as_float64() -> None:
    accuracy = np.full(4, 27 / 30, dtype=np.float32)
    figure = figures.accuracy_histogram(accuracy, accuracy, 0.9)
    assert "4 of 4 compensated and 4 of 4 uncompensated" in figure.caption


def test_accuracy_histogram_says_what_is_missing() -> None:
    figure = figures.accuracy_histogram(np.array([1.0, np.nan]), np.array([0.5]), 0.9)
    assert sum(_trace(figure, "compensated").y) == 1
    assert "1 without a result are not drawn" in figure.caption
    with pytest.raises(BadInput, match="no die"):
        figures.accuracy_histogram(np.array([]), np.array([np.nan]), 0.9)


def test_yield_bars_show_the_interval() -> None:
    figure = figures.yield_bars(
        ("compensated", "<b>other</b>"), np.array([0.9, 0.2]), np.array([0.8, 0.1]), np.array([0.95, 0.4]), 50
    )
    first, second = _data(figure)
    assert (first.y[0], first.error_y.array[0], first.error_y.arrayminus[0]) == pytest.approx((90, 5, 10))
    assert second.x == ("&lt;b&gt;other&lt;/b&gt;",)
    assert "50 dies" in figure.caption and "95 % confidence" in _caption(figure)


# Transient and ngspice


def test_transient_uses_one_unit_for_all_outputs() -> None:
    time = np.linspace(0, 3e-5, 4)
    figure = figures.transient(time, np.outer([1e-9, 1e-7], np.ones(4)), ("a", "b"), latency=1.5e-5)
    assert _layout(figure).xaxis.title.text == "Time (µs)"
    assert _layout(figure).yaxis.title.text == "Output current (nA)"
    np.testing.assert_allclose([trace.y[0] for trace in _data(figure)], [1.0, 100.0])
    assert _layout(figure).shapes[0].x0 == pytest.approx(15.0)
    assert "no longer changes after 15 µs" in _caption(figure)
    with pytest.raises(BadInput, match="expected 2; got 1"):
        figures.transient(time, np.ones((2, 4)), ("a",))


def test_spice_agreement_judges_only_currents_above_the_limit() -> None:
    reference = np.array([1e-7, 1e-9, 1e-12, 1e-8, 1e-8])
    ours = reference * np.array([1 + 1e-4, 1 + 5e-3, 1.5, 1.0, np.nan])
    figure = figures.spice_agreement(ours, reference, list("abcde"))
    within, outside = _trace(figure, "within the tolerance"), _trace(figure, "outside the tolerance")
    (ignored,) = [t for t in _data(figure) if t.marker.color == NEUTRAL]
    # 1e-9 relative: the difference of two nearly equal float64 numbers, 1e-4 apart
    np.testing.assert_allclose(within.y, [1e-4, 1e-12], rtol=1e-9)
    np.testing.assert_allclose(outside.y, [5e-3], rtol=1e-9)
    np.testing.assert_allclose(ignored.y, [0.5], rtol=1e-9)
    assert _layout(figure).yaxis.type == _layout(figure).xaxis.type == "log"
    # what could not be computed counts as outside
    assert "0.5 %; 2 of 4 currents are outside 0.1 %" in _caption(figure)
    assert "1 that are zero or not finite" in figure.caption


# Style


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 325e-9], (1e9, "nA")),
        ([-2e-6], (1e6, "µA")),
        ([999.9e-9], (1e6, "µA")),
        ([0.0], (1.0, "A")),
        ([], (1.0, "A")),
        ([np.nan, 3e-12], (1e12, "pA")),
        ([1e-30], (1e18, "aA")),
    ],
)
def test_prefixes(values, expected) -> None:
    scale, unit = prefixed("A", np.array(values))
    assert (pytest.approx(scale), unit) == expected


def test_names_are_shown_as_they_are() -> None:
    assert plain('<a href="http://x">a&b</a>') == '&lt;a href="http://x"&gt;a&amp;b&lt;/a&gt;'
    figure = figures.barycentric(np.eye(3), np.arange(3), ("<b>x</b>", "y", "z"))
    assert _trace(figure, "&lt;b&gt;x&lt;/b&gt;").text[0].startswith("<b>pattern 1</b>: &lt;b&gt;x")
