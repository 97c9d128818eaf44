"""What single synapses give, from their readings (`synapses.py`), beside the neurons' slopes and exponents."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np

from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.transfer import Transfer
from anamorph.errors import NotConverged

#: More failed readings than this, and the chip has not been measured.
FAILED = 0.1


def with_synapses(transfer: Transfer, characterisation: Characterisation, unit_weight: float) -> Transfer:
    """A transfer joined by what each synapse gives; the same where synapses were not read.

    A synapse's current is ``i = u' g (a x / u)^gamma`` with the slope a of its source, whose current is x, and the
    chip's exponent gamma of its sign. g is what the setting gives in units of a positive unit's mean. The units of
    current u are those in which training counts: full scale at the input layer, and from one layer to the next
    such that the mean g of a positive unit is 1, whose weight is `unit_weight`.

    A reading that failed leaves the mean of its setting.

    Args:
        transfer: slopes and exponents of the same chips.
        characterisation: with or without readings of synapses.
        unit_weight: weight of a positive unit in training.

    Raises:
        NotConverged: too many readings failed.
    """
    settings, matrices = characterisation.synapses()
    if not settings:
        return transfer
    steps = np.array(settings)
    unit = np.full(transfer.n_dies, float(characterisation.data["input_current"].values.max()))
    exponents = np.asarray(transfer.exponents)
    found = []
    for index, (current, source) in enumerate(matrices):
        slope = np.asarray(transfer.activations[index].slope)[:, None, :, None]
        gamma = np.where(steps > 0, exponents[:, :1], exponents[:, 1:])[:, :, None, None]
        good = np.isfinite(current) & (current > 0) & (source > 0)
        if good.mean() < 1 - FAILED:
            raise NotConverged(
                "most synapses gave no reading" if good.mean() < 0.5 else "too many synapses gave no reading",
                where=f"weight matrix {index}",
                expected=f"at most {100 * FAILED:.0f} % without",
                got=f"{100 * (1 - good.mean()):.1f} %",
            )
        received = np.where(good, slope * source / unit[:, None, None, None], 1.0)
        gain = np.where(good, current, np.nan) / received**gamma
        mean = np.nanmean(gain, axis=(2, 3))
        gain = np.where(np.isnan(gain), mean[:, :, None, None], gain)
        positive = mean[:, steps > 0].sum(1) / steps[steps > 0].sum()
        found.append(jnp.asarray(gain / positive[:, None, None, None]))
        unit = positive / unit_weight
    return dataclasses.replace(transfer, synapses=tuple(found), synapse_settings=tuple(settings))
