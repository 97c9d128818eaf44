"""`anamorph.vmm.rounding` for arrays of numpy, without gradients: inference has sizes that nothing is compiled for."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from anamorph.vmm.rounding import TIE, weight_steps

Values = Float[np.ndarray, "*any"]


def inputs_to_bits(x: Values, bits: int) -> Values:
    """Inputs in 0..1 on the levels of so many bits."""
    return _nearest(x, 0.0, 1.0, 2.0**bits - 1)


def weights_to_bits(w: Values, bits: int) -> Values:
    """Weights in -1..1 on the levels of so many bits, sign included; one bit has no zero."""
    if bits == 1:
        return np.where(w < 0, -1.0, 1.0).astype(w.dtype)
    return _nearest(w, -1.0, 1.0, float(weight_steps(bits)))


def outputs_to_bits(y: Values, bits: int, span: float) -> Values:
    """Sums on the levels of a converter from -span to span."""
    return np.asarray(span, y.dtype) * _nearest(y / np.asarray(span, y.dtype), -1.0, 1.0, float(weight_steps(bits)))


def _nearest(x: Values, low: float, high: float, steps: float) -> Values:
    return np.clip(np.floor(x * np.asarray(steps, x.dtype) + np.asarray(0.5 + TIE, x.dtype)) / steps, low, high).astype(
        x.dtype
    )
