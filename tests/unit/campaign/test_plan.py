"""Plans: points in order, draws that depend on a point's own values alone, what makes no sense refused."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anamorph.campaign import Axis, Campaign, Point
from anamorph.campaign.plan import shards
from anamorph.errors import BadInput


def _lot(dies: int = 3, name: str = "lot", seed: int = 1) -> Campaign:
    return Campaign(name, seed, (Axis("die", range(dies)), Axis("corner", ("tt", "ss"))))


def _bits(point: Point, *axes: str) -> tuple[int, ...]:
    return tuple(np.asarray(jax.random.key_data(point.key(*axes))).tolist())


def test_points_are_the_grid_with_the_last_axis_fastest() -> None:
    points = [(p["die"], p["corner"]) for p in _lot()]
    assert points == list(itertools.product(range(3), ("tt", "ss")))
    assert len(_lot()) == len(points) and [p.index for p in _lot()] == list(range(6))
    assert str(Point(_lot(), 3)) == "die=1, corner=ss"


@pytest.mark.parametrize("draw", [_bits, Point.entropy])
def test_every_point_has_draws_of_its_own(draw) -> None:
    all_points = [*_lot(), *_lot(name="other"), *_lot(seed=2)]
    assert len({draw(p) for p in all_points}) == len(all_points)


@pytest.mark.parametrize("draw", [_bits, Point.entropy])
def test_draws_by_axes_are_shared_by_points_of_the_same_values(draw) -> None:
    by_die = {p["die"]: {draw(q, "die") for q in _lot() if q["die"] == p["die"]} for p in _lot()}
    assert all(len(draws) == 1 for draws in by_die.values())
    assert len(set().union(*by_die.values())) == 3
    point = Point(_lot(), 3)
    assert draw(point, "corner", "die") == draw(point)


@pytest.mark.parametrize("draw", [_bits, Point.entropy])
def test_a_longer_axis_keeps_the_draws_of_the_points_it_had(draw) -> None:
    before = {str(p): draw(p) for p in _lot(3)}
    after = {str(p): draw(p) for p in _lot(5)}
    assert before.items() <= after.items()
    moved = Campaign("lot", 1, (Axis("die", (4, 1)), Axis("corner", ("ss", "tt"))))
    assert {str(p): draw(p) for p in moved}.items() <= after.items()


def test_the_digest_tells_plans_apart() -> None:
    plans = [
        _lot(),
        _lot(4),
        _lot(seed=2),
        _lot(name="other"),
        Campaign("lot", 1, _lot().axes[::-1]),
        Campaign("lot", 1, _lot().axes, code="v2"),
    ]
    assert len({plan.digest for plan in plans}) == len(plans)
    assert _lot().digest == _lot().digest and _lot() == _lot()


def test_numpy_values_are_plain_ones() -> None:
    assert Axis("x", np.linspace(0, 1, 3)) == Axis("x", (0.0, 0.5, 1.0)) == Axis("x", (0, 0.5, 1))


@pytest.mark.parametrize(
    "values",
    [(), (1, 1), (1, "a"), (True, 2), (1.0, float("nan")), (None,), "tt", (2**63,), (0.0, -0.0), (1 + 2j,)],
)
def test_values_that_are_no_axis_are_refused(values) -> None:
    with pytest.raises(BadInput, match="axis 'x'"):
        Axis("x", values)


@pytest.mark.parametrize("name", ["", "3d", "a b", "x" * 64, "é"])
def test_unusable_names_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match="not a usable name of an axis"):
        Axis(name, (1,))
    with pytest.raises(BadInput, match="not a usable name of a campaign"):
        Campaign(name, 1, (Axis("x", (1,)),))


def test_plans_that_make_no_sense_are_refused() -> None:
    axis = Axis("x", (1, 2))
    for axes in ((), (axis, axis)):
        with pytest.raises(BadInput, match="names of their own"):
            Campaign("a", 1, axes)
    for seed in (-1, 2**32, True):
        with pytest.raises(BadInput, match="not a seed"):
            Campaign("a", seed, (axis,))
    with pytest.raises(BadInput, match="too many points"):
        Campaign("a", 1, tuple(Axis(f"x{i}", range(100)) for i in range(4)))
    with pytest.raises(BadInput, match="Did you mean 'corner'"):
        Point(_lot(), 0)["corners"]
    with pytest.raises(BadInput, match="no axis 'dice'"):
        Point(_lot(), 0).key("dice")


@given(st.sets(st.integers(0, 60)), st.integers(1, 9))
def test_shards_hold_every_point_once_in_runs(points: set[int], size: int) -> None:
    cut = shards(sorted(points), size)
    assert [i for shard in cut for i in shard] == sorted(points)
    assert all(1 <= len(shard) <= size and shard.step == 1 for shard in cut)
    assert all(a.stop < b.start or len(a) == size for a, b in itertools.pairwise(cut))
