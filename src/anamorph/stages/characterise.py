"""Characterise and fit: what a bench reads of chips, and what training may know of them."""

from __future__ import annotations

from jaxtyping import PRNGKeyArray

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.transfer import Transfer
from anamorph.substrate.contract import Chip, Substrate

ARTEFACT = "characterisation.nc"


def characterise(substrate: Substrate, chip: Chip, bench: Bench, key: PRNGKeyArray) -> Characterisation:
    """Measure a chip, or several dies at once, as the bench can: through `Chip.run` alone."""
    return substrate.measure(chip, bench, key)


def fit(substrate: Substrate, characterisation: Characterisation) -> Transfer:
    """The differentiable characteristics that the measurement supports, one set per chip."""
    return substrate.fit(characterisation)
