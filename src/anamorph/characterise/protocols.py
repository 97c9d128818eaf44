"""Ways to measure a chip, by name, and the fit that goes with what each reads."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, PRNGKeyArray

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.fit import fit_rectifiers
from anamorph.characterise.permutations import permutations
from anamorph.characterise.probed_fit import fit_probed
from anamorph.characterise.source_monitor import source_monitor
from anamorph.characterise.synapses import synapses
from anamorph.characterise.transfer import Transfer
from anamorph.errors import BadInput, nearest
from anamorph.substrate.contract import Chip, Shape


@runtime_checkable
class Measurement(Protocol):
    """The signature of a protocol; see `source_monitor`."""

    def __call__(
        self,
        chip: Chip,
        bench: Bench,
        key: PRNGKeyArray,
        full_setting: int,
        negative_settings: tuple[int, ...],
        substrate: str | None = None,
    ) -> Characterisation:
        """Measure a chip, or several dies at once."""
        ...


#: Through source and monitor neurons, as a packaged chip allows (Binas et al. 2016, section 1.2), and with a
#: probe at every neuron, as a simulation allows (section 3.3), there also synapse by synapse.
PROTOCOLS: dict[str, Measurement] = {
    "source_monitor": source_monitor,
    "permutations": permutations,
    "synapses": synapses,
}


def protocol(name: str) -> Measurement:
    """A protocol by its name. Raises `BadInput` for an unknown one."""
    if name not in PROTOCOLS:
        raise BadInput(f"no protocol '{name}'", where="bench: protocol", advice=nearest(name, list(PROTOCOLS)))
    return PROTOCOLS[name]


def fit_measured(
    characterisation: Characterisation,
    shape: Shape,
    full_setting: int,
    idle: tuple[Bool[np.ndarray, " _"], ...] | None = None,
) -> Transfer:
    """Rectifiers and the negative unit, by the fit that suits what was read.

    `idle` marks neurons per layer that feed nothing, which cannot be measured and need not be.
    """
    if characterisation.probed:
        return fit_probed(characterisation, shape, full_setting, idle)
    return fit_rectifiers(characterisation, shape, full_setting)
