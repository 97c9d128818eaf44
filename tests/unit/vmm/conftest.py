"""One size for all tests of the behaviour, and code compiled once for all figures of a kind of multiplier."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.vmm.behaviour import Vmm, answer
from anamorph.vmm.design import CELLS, ENCODINGS, Design
from anamorph.vmm.dies import VmmDie
from anamorph.vmm.dies import nominal as nominal_die
from anamorph.vmm.sources import Errors

ROWS, COLUMNS, PATTERNS = 8, 4, 16
_compiled = functools.partial(jax.jit, static_argnums=0, static_argnames="exact")(answer)


def _multiplier(cell: str, encoding: str, errors: Errors | None = None, bits: int = 6, **figures: float) -> Vmm:
    design = Design(CELLS[cell], ENCODINGS[encoding], bits, bits, bits, ROWS, COLUMNS)
    made = Vmm(design, errors=Errors.none() if errors is None else errors)
    return replace(made, physics=replace(made.physics, **figures)) if figures else made


@pytest.fixture(scope="session")
def multiplier() -> Callable[..., Vmm]:
    """A small one: of a cell and an encoding by name, with errors, bits, and figures of its physics replaced."""
    return _multiplier


@pytest.fixture(scope="session")
def answers() -> Callable[..., np.ndarray]:
    """Outputs as of `Vmm.forward`: of a multiplier, weights, inputs, and if wanted a key and a die."""

    def of(
        made: Vmm, w: jax.Array, x: jax.Array, key: jax.Array | None = None, die: VmmDie | None = None
    ) -> np.ndarray:
        own = nominal_die(ROWS, COLUMNS) if die is None else die
        return np.asarray(_compiled(made.structure, made.magnitudes, own, w, x, key, exact=False))

    return of


@pytest.fixture(scope="session")
def data() -> tuple[jax.Array, jax.Array]:
    """Weights and inputs."""
    draw = np.random.default_rng(0)
    return jnp.asarray(draw.uniform(-1, 1, (ROWS, COLUMNS))), jnp.asarray(draw.uniform(0, 1, (PATTERNS, ROWS)))


@pytest.fixture(scope="session")
def die() -> VmmDie:
    """One die, without the axis of dies."""
    draw = np.random.default_rng(1)
    return jax.tree.map(lambda part: jnp.asarray(draw.standard_normal(part.shape)), nominal_die(ROWS, COLUMNS))
