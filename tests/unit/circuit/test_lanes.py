"""Work of unequal length through few lanes: every piece gets its own result, in whatever order they finish."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.circuit import lanes
from anamorph.circuit.lanes import through_lanes


@pytest.mark.parametrize(("size", "width", "worth"), [(1, 4, 10**6), (7, 4, 10**6), (40, 8, 10**6), (60, 32, 1)])
def test_every_piece_gets_its_own_result(
    monkeypatch: pytest.MonkeyPatch, size: int, width: int, worth: int
) -> None:  # fmt: skip
    """A piece of number n counts down from its own length, and shows how often it was moved."""
    monkeypatch.setattr(lanes, "WORTH", worth)
    length = np.random.default_rng(0).integers(1, 50, 1000)
    work = np.random.default_rng(1).permutation(1000)[:size]
    widths = []

    def load(pieces: np.ndarray) -> dict[str, jax.Array]:
        return {"left": jnp.asarray(length[pieces]), "name": jnp.asarray(pieces), "moves": jnp.zeros(len(pieces), int)}

    def forward(case: dict[str, jax.Array]) -> dict[str, jax.Array]:
        widths.append(len(case["left"]))
        step = jnp.minimum(case["left"], 5)
        return {"left": case["left"] - step, "name": case["name"], "moves": case["moves"] + step}

    found = through_lanes(
        work, width, load, forward, lambda case: np.asarray(case["left"]) > 0,
        lambda case: {name: np.asarray(values) for name, values in case.items()},
    )  # fmt: skip
    np.testing.assert_array_equal(found["name"], work)
    np.testing.assert_array_equal(found["moves"], length[work])
    # no lane idles while there is work: no more rounds than a full house and the longest piece need
    rounds = -(-length[work] // 5)
    assert len(widths) <= rounds.sum() / width + rounds.max()
    assert (min(widths) < width) == (worth == 1)
