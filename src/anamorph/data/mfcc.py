"""Mel-frequency cepstral coefficients of a recording, time slice by time slice.

    E_b = sum_f H_b(f) |FFT(w x)|^2          energy in mel band b; w is a Hann window
    L_b = 10 log10 E_b                       no less than 80 dB below the recording's largest
    c_k = sum_b s_k L_b cos(pi k (b + 1/2) / B)      orthonormal DCT-II, s_k = sqrt(2 / B) for k > 0

with triangular bands H_b whose edges are equidistant in mel = 2595 log10(1 + f / 700 Hz), each of unit area
(S. Davis, P. Mermelstein 1980; the bands as in librosa 0.11 with
``htk=True``, with which this agrees within 3e-7 dB on a hundred spoken digits: the rounding of its float32 bands).
Slices are centred on multiples of the skip, and the recording is silent before its begin and after its end.

Written here, because a library that does it takes longer to import (librosa: 13 s, 500 MB with what it needs)
than these forty lines take to compute 13,500 recordings.
"""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float
from scipy import fft, signal

#: Mel bands between 0 Hz and the highest frequency.
N_BANDS = 40
#: Quieter than this below the loudest is not distinguished, dB.
RANGE = 80.0
#: An energy that counts as none, of samples from -1 to 1.
_NOTHING = 1e-10


def mfcc(
    recording: Float[np.ndarray, " samples"],
    sample_rate: int,
    window: float,
    skip: float,
    f_max: float,
    n_coefficients: int = 12,
    n_slices: int | None = None,
) -> Float[np.ndarray, "slices {n_coefficients}"]:
    """Coefficients 1 to `n_coefficients` of each slice; coefficient 0, the loudness, is left out.

    Args:
        recording: samples from -1 to 1.
        sample_rate: Hz.
        window: length of a slice, s.
        skip: from the middle of one slice to the next, s.
        f_max: upper edge of the highest band, Hz.
        n_coefficients: at most `N_BANDS` - 1.
        n_slices: how many at most, the first; all without it.
    """
    length, hop = round(window * sample_rate), skip * sample_rate
    n_fft = 1 << (length - 1).bit_length()
    count = 1 + int(len(recording) // hop)
    count = count if n_slices is None else min(count, n_slices)
    begins = np.round(np.arange(count) * hop).astype(int)
    quiet = np.pad(recording, (length - length // 2, length))
    slices = quiet[begins[:, None] + np.arange(length)] * signal.get_window("hann", length)
    spectrum = np.asarray(fft.rfft(slices, n_fft))
    energies = np.abs(spectrum) ** 2 @ _bands(n_fft, sample_rate, f_max).T
    loudness = 10 * np.log10(np.maximum(energies, _NOTHING))
    loudness = np.maximum(loudness, loudness.max() - RANGE)
    return np.asarray(fft.dct(loudness, type=2, norm="ortho"))[:, 1 : n_coefficients + 1]


@functools.lru_cache(maxsize=8)
def _bands(n_fft: int, sample_rate: int, f_max: float) -> Float[np.ndarray, "bands frequencies"]:
    """Triangles of unit area over the frequencies of an FFT."""
    mels = np.linspace(0.0, 2595 * np.log10(1 + f_max / 700), N_BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    f = fft.rfftfreq(n_fft, 1 / sample_rate)
    rising, falling = (f - low) / (middle - low), (high - f) / (high - middle)
    return np.maximum(0.0, np.minimum(rising, falling)) * (2 / (high - low))
