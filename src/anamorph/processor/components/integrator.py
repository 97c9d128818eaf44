r"""Amplifiers that hold a line still and integrate or convert its current: bias and stages from what they must settle.

To settle a load C to half a bit in t against the noise gain F of the feedback, ``g_m = (p + 1) ln 2 F C / t``; a stage
is biased at ``g_m / (g_m/I)``, twice for slewing; a gain of ``2^(p+1) F`` takes so many stages in a row.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anamorph.processor.components.component import Component, Numbers

#: Current over what small signals need.
SLEWING = 2.0
#: Share of a clock in which an edge has to be over.
EDGE = 0.5


def amplifier(
    analog: Mapping[str, float], bits: Numbers, load: Numbers, noise_gain: Numbers, settle: Numbers
) -> tuple[Numbers, Numbers]:
    """Bias current, A, and number of stages.

    Args:
        analog: figures of the section of that name.
        bits: to half of whose least significant one it settles.
        load: F.
        noise_gain: of its feedback, at least 1.
        settle: time to settle, s.
    """
    half_bit = 2.0 ** (np.asarray(bits, float) + 1)
    g_m = np.log(half_bit) * noise_gain * load / settle
    stages = np.maximum(1.0, np.ceil(np.log(half_bit * noise_gain) / np.log(analog["stage_gain"])))
    return SLEWING * stages * g_m / analog["gm_over_i"], stages


def integrator(analog: Mapping[str, float], v_dd: float, clock: float, source: str, basis: str) -> Component:
    """One that integrates pulses of a clock on a capacitor much larger than its line: size is that capacitor, F."""

    def bias(bits: Numbers, size: Numbers) -> Numbers:
        return amplifier(analog, bits, size, 1.0, EDGE * clock)[0]

    def area(bits: Numbers, size: Numbers) -> Numbers:
        stages = amplifier(analog, bits, size, 1.0, EDGE * clock)[1]
        return stages * analog["stage_area"] + size / analog["capacitor_density"]

    return Component(
        "integrator", "a clock of integration", "resolution", "capacitance in F", source, basis,
        lambda b, n: bias(b, n) * v_dd * clock + n * v_dd**2, area,
        lambda b, n: clock * np.ones_like(b), lambda b, n: bias(b, n) * v_dd,
    )  # fmt: skip
