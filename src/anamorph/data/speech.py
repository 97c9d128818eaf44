"""Recordings of spoken digits as features of a chip: 12 coefficients in 11 time slices, Binas et al. 2016, section 3.4.

Slices are as long and as far apart as in the paper (2,048 and 1,536 samples at 20 kHz: 102.4 and 76.8 ms), whatever
the sample rate; frequencies go up to 8 kHz, or to half the sample rate where that is less. Training recordings are
taken several times, with the skip stretched by each of five factors. What a recording has beyond 11 slices is left
out. Each feature is scaled to 0..1 by the training set, then each sample to one mean.

Where the paper leaves a choice:

* ``padding``: a recording of fewer slices is filled with ``silence``, features that are 0 when all is scaled and
  drive no current; or with ``zeros`` among the coefficients, before they are scaled, which become something else.
* ``inverted``: 1 minus each scaled coefficient, as in the authors' program (jbinas/adnn, datasets.py); their text
  says nothing of it.

The coefficients are 1 to 12 of `mfcc`; the paper does not say whether its 12 include the loudness, coefficient 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from anamorph.data.checks import scale_to_mean
from anamorph.data.mfcc import mfcc
from anamorph.data.task import Task
from anamorph.errors import BadInput, nearest

CLASSES = tuple("0123456789")
N_SLICES, N_COEFFICIENTS = 11, 12
N_FEATURES = N_SLICES * N_COEFFICIENTS
#: Length and distance of slices, s.
WINDOW, SKIP = 2048 / 20_000, 1536 / 20_000
#: Hz.
F_MAX = 8000.0
STRETCH = (0.8, 0.9, 1.0, 1.1, 1.3)
PADDINGS = ("silence", "zeros")


@dataclass(frozen=True)
class Recording:
    """One spoken digit: samples from -1 to 1, and which digit it is."""

    samples: Float[np.ndarray, " samples"]
    digit: int


@dataclass(frozen=True)
class Preparation:
    """How recordings become features; see the module.

    Raises:
        BadInput: a padding that does not exist, a stretch that makes no sense.
    """

    mean: float = 0.03
    padding: str = "silence"
    inverted: bool = False
    stretch: tuple[float, ...] = STRETCH

    def __post_init__(self) -> None:
        if self.padding not in PADDINGS:
            raise BadInput(
                f"no padding named {self.padding[:60]!r}", where="padding", advice=nearest(self.padding, PADDINGS)
            )
        if not self.stretch or not all(0.1 <= factor <= 10 for factor in self.stretch):
            raise BadInput(
                "no such stretch",
                where="stretch",
                expected="factors from 0.1 to 10, one or more",
                got=f"{self.stretch}",
            )


def speech_task(
    name: str,
    train: Sequence[Recording],
    test: Sequence[Recording],
    sample_rate: int,
    source: str,
    how: Preparation,
) -> Task:
    """The task of some recordings.

    Args:
        name: for messages and reports.
        train: to train on; each becomes one sample per stretch.
        test: to judge by, not stretched.
        sample_rate: Hz.
        source: where the recordings come from.
        how: the choices.

    Raises:
        BadInput: a mean that makes no sense; a recording that is the same as silence.
    """
    raw_train = _coefficients(train, sample_rate, how.stretch)
    raw_test = _coefficients(test, sample_rate, (1.0,))
    if how.padding == "zeros":
        raw_train, raw_test = np.nan_to_num(raw_train), np.nan_to_num(raw_test)
    # NaN, where a recording has no such slice, is neither the smallest nor the largest
    low, high = np.fmin.reduce(raw_train), np.fmax.reduce(raw_train)
    span = np.where(high > low, high - low, 1.0)
    scaled = [(raw - low) / span for raw in (raw_train, raw_test)]
    n_outside = int(np.sum((scaled[1] < 0) | (scaled[1] > 1)))
    x_train, x_test = (_without_gaps(np.clip(part, 0.0, 1.0), how.inverted) for part in scaled)
    x_train, _ = scale_to_mean(x_train, how.mean, f"{name}: x_train")
    x_test, n_above = scale_to_mean(x_test, how.mean, f"{name}: x_test")
    return Task(
        name=name, x_train=x_train, y_train=np.repeat([one.digit for one in train], len(how.stretch)),
        x_test=x_test, y_test=np.array([one.digit for one in test]), class_names=CLASSES, source=source,
        n_clipped=n_outside + n_above,
    )  # fmt: skip


def _coefficients(
    recordings: Sequence[Recording], sample_rate: int, stretch: Sequence[float]
) -> Float[np.ndarray, "n 132"]:
    """Slice by slice; NaN where a recording has no more slices. Stretches of one recording follow each other."""
    found = np.full((len(recordings), len(stretch), N_SLICES, N_COEFFICIENTS), np.nan)
    f_max = min(F_MAX, sample_rate / 2)
    for row, recording in zip(found, recordings, strict=True):
        for sample, factor in zip(row, stretch, strict=True):
            slices = mfcc(recording.samples, sample_rate, WINDOW, factor * SKIP, f_max, N_COEFFICIENTS, N_SLICES)
            sample[: len(slices)] = slices
    return found.reshape(-1, N_FEATURES)


def _without_gaps(scaled: Float[np.ndarray, "n f"], inverted: bool) -> Float[np.ndarray, "n f"]:
    gaps: Bool[np.ndarray, "n f"] = np.isnan(scaled)
    return np.where(gaps, 0.0, 1.0 - scaled if inverted else scaled)
