"""A neuron's curve as arrays, so that a run folder may keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from anamorph.characterise.spiking import FrequencyCurve


def arrays_of(curve: FrequencyCurve) -> dict[str, np.ndarray]:
    """Every field of a curve as an array."""
    return {field.name: np.asarray(getattr(curve, field.name)) for field in fields(curve)}


def curve_of(arrays: Mapping[str, np.ndarray]) -> FrequencyCurve:
    """What `arrays_of` took apart."""
    parts: dict[str, Any] = {name: array.item() if array.ndim == 0 else array for name, array in arrays.items()}
    return FrequencyCurve(**parts)
