"""The front against its definition, point by point."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anamorph.processor.pareto import front

VALUES = st.one_of(st.integers(0, 4).map(float), st.just(float("nan")))


@settings(max_examples=50)
@given(arrays(float, st.tuples(st.integers(0, 20), st.just(3)), elements=VALUES))
def test_front_is_what_nothing_beats(values: np.ndarray) -> None:
    def beats(a: np.ndarray, b: np.ndarray) -> bool:
        return bool((a >= b).all() and (a > b).any())

    expected = [not np.isnan(a).any() and not any(beats(b, a) for b in values) for a in values]
    assert front(values).tolist() == expected
