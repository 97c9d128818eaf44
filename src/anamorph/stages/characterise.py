"""Characterise and fit: what a bench reads of chips, and what training may know of them."""

from __future__ import annotations

from jaxtyping import PRNGKeyArray

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.transfer import Transfer
from anamorph.errors import BadInput
from anamorph.substrate.contract import Chip, Substrate
from anamorph.substrate.identity import mark

ARTEFACT = "characterisation.nc"


def characterise(substrate: Substrate, chip: Chip, bench: Bench, key: PRNGKeyArray) -> Characterisation:
    """Measure a chip, or several dies at once, as the bench can: through `Chip.run` alone."""
    return substrate.measure(chip, bench, key).with_mark(mark(chip))


def check_same(measured: Characterisation, chip: Chip) -> None:
    """Make sure that a chip about to be programmed is the one that was measured, where both can be told.

    Raises:
        BadInput: it is another one: its transistors deviate otherwise, and the program would be for nobody.
    """
    own = mark(chip)
    if measured.mark and own and measured.mark != own:
        raise BadInput(
            "a characterisation of another die than the one that is programmed", where=ARTEFACT,
            expected=f"dies {own}", got=f"dies {measured.mark}",
            advice="Measure these dies: remove the file, or start a new run with --out.",
        )  # fmt: skip


def fit(substrate: Substrate, characterisation: Characterisation) -> Transfer:
    """The differentiable characteristics that the measurement supports, one set per chip."""
    return substrate.fit(characterisation)
