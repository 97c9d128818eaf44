r"""From volts squared at the output of a multiply-accumulate cell to the random part of a weight.

A branch k of a cell with unity gain answers ``(w_k / w_max) V_k``, and inputs reach the cell's full scale ``V_fs``:
with ``V_k = x_k V_fs`` the output is ``V_fs sum_k w_k x_k`` for weights in units of the largest. A noise voltage of
power ``v_n^2`` that a branch adds to it is what a weight of

    w_k + d_k,    sigma_d = sqrt(v_n^2) / V_fs

would have made of an input at full scale. Nothing is fitted. Of a smaller input it would have made less:
`anamorph.mixed_signal.network` has both readings.

`V_fs` is the scale of the cell's own tanh, ``2 n U_T``: the differential output of a pair saturates there, and
it is the next cell's input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import constants

from anamorph.errors import BadInput


def full_scale(slope_factor: float, temperature: float = 300.15) -> float:
    """Scale of the tanh of a differential pair in weak inversion, V: ``2 n k T / q``.

    Args:
        slope_factor: n of its transistors.
        temperature: K.
    """
    return 2 * slope_factor * constants.k * temperature / constants.e


def weight_noise(power: Float[np.ndarray, "..."] | float, full_scale_v: float) -> Any:
    """Standard deviation of a weight in units of the largest.

    Args:
        power: noise power that one branch adds at the output, integrated over the bandwidth, V^2.
        full_scale_v: see above, V.

    Raises:
        BadInput: a power below zero, a full scale that is not above.
    """
    if not full_scale_v > 0 or np.any(np.asarray(power) < 0):
        raise BadInput("no such noise", where="weight_noise", expected="a power from 0 V^2, a full scale above 0 V",
                       got=f"{power}, {full_scale_v} V")  # fmt: skip
    return np.sqrt(power) / full_scale_v
