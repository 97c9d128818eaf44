"""Where a result comes from: what was asked, with which card, by which versions. No dates: results repeat."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from anamorph.versions import versions

if TYPE_CHECKING:
    import jax

    from anamorph.experiment_sections import Experiment
    from anamorph.technology import Technology


def provenance(experiment: Experiment, technology: Technology | None) -> dict[str, Any]:
    """Digests, seed and versions, as ``result.json`` holds them."""
    card = {"name": technology.name, "sha256": technology.digest} if technology else {}
    return {
        "experiment": {"name": experiment.name, "sha256": experiment.digest},
        "technology": card,
        "seed": experiment.seed,
        "versions": versions(),
    }


def named_key(seed: int, name: str) -> jax.Array:
    """The random key of one stage: it depends on the seed and the stage's name, not on the other stages."""
    import jax

    word = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return jax.random.fold_in(jax.random.key(seed), word)
