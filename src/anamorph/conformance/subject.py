"""What the checks share: a substrate under test, chips that hide what they are, and words for failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.transfer import Transfer
from anamorph.errors import AnamorphError
from anamorph.substrate.contract import Chip, Die, Program, Response, Shape, Substrate

#: An input current at which neurons work, A, unless the caller says otherwise.
FULL_SCALE = 100e-9
#: What the size of a batch may change of an output, relative to the largest output: the order of sums, and how many
#: steps an iteration takes after it has converged.
REDUCTION = 1e-6


@dataclass(frozen=True)
class Subject:
    """A substrate under test, and the current at which it works."""

    substrate: Substrate
    full_scale: float

    @property
    def matrices(self) -> list[tuple[int, int]]:
        """Size of every weight matrix."""
        return list(zip(self.substrate.shape, self.substrate.shape[1:], strict=False))

    def dies(self, count: int = 1) -> Die:
        """Fabricated from a fixed key."""
        return self.substrate.fabricate(jax.random.key(7), count)

    def random_program(self, *batch: int, seed: int = 0) -> Program:
        """Settings drawn from all that exist, half of the weights at zero so that signals get through."""
        draw = np.random.default_rng(seed)
        allowed, silent = self.substrate.allowed_settings(), self.setting_near(0.0)
        settings = [draw.choice(allowed, (*batch, *size)) for size in self.matrices]
        kept = [np.where(draw.random(s.shape) < 0.5, s, silent) for s in settings]
        for matrix in kept:  # one strong path, so that the first output is never silent
            matrix[..., 0, 0] = self.setting_near(np.inf)
        return Program(self.substrate.name, tuple(kept))

    def path_program(self) -> Program:
        """The first neurons of all layers joined by the largest weight, all else at zero."""
        settings = [np.full(size, self.setting_near(0.0)) for size in self.matrices]
        for matrix in settings:
            matrix[0, 0] = self.setting_near(np.inf)
        return Program(self.substrate.name, tuple(settings))

    def setting_near(self, weight: float) -> int:
        """Setting of the level nearest to a weight; the largest for infinity."""
        grid = self.substrate.weight_grid(self.substrate.assumed_transfer())
        levels = np.asarray(grid.levels)[0]
        index = levels.argmax() if np.isinf(weight) else np.abs(levels - weight).argmin()
        return int(grid.settings[index])

    def inputs(self, patterns: int = 3, seed: int = 1) -> np.ndarray:
        """Random currents up to full scale, A, ``[patterns, n_in]``."""
        draw = np.random.default_rng(seed)
        return self.full_scale * draw.uniform(0.2, 1.0, (patterns, self.substrate.shape[0]))

    def run(self, chip: Chip, program: Program, inputs: np.ndarray) -> Response:
        """`Chip.run` for plain arrays."""
        return chip.run(program, jnp.asarray(inputs))

    def measure(self, chip: Chip) -> Characterisation:
        """A short measurement from a fixed key."""
        bench = Bench(tuple(self.full_scale * np.array([0.3, 0.6, 1.0])), repeats=1)
        return self.substrate.measure(chip, bench, jax.random.key(5))

    def transfers(self) -> Iterator[tuple[str, Transfer]]:
        """What is assumed of a chip, and what two chips measure as."""
        yield "assumed", self.substrate.assumed_transfer()
        yield "measured", self.substrate.fit(self.measure(self.dies(2)))


class Stranger:
    """A chip with nothing but what a chip has: a shape, and `run`."""

    def __init__(self, die: Die) -> None:
        self._answer = die.run
        self._shape = die.shape

    @property
    def shape(self) -> Shape:
        """Neurons per layer."""
        return self._shape

    def run(self, program: Program, inputs: Any) -> Response:
        """What the die behind it answers, without a look inside."""
        return self._answer(program, inputs)._replace(neuron_currents=None)


class PoisonedDie(Die):
    """A die that answers as `real` does, and whose deviations are NaN to whoever reads them."""

    def __init__(self, real: Die) -> None:
        poison = jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), real.deviations)
        super().__init__(real.substrate, poison)
        object.__setattr__(self, "_answer", real.run)

    def run(self, program: Program, inputs: Any) -> Response:
        """As the real die."""
        return object.__getattribute__(self, "_answer")(program, inputs)


def refused(action: Callable[[], Any], what: str, *kinds: type[AnamorphError]) -> None:
    """Assert that `action` raises one of the package's own errors, with a message."""
    kinds = kinds or (AnamorphError,)
    try:
        action()
    except kinds as error:
        assert error.what, f"{what}: refused without a word"
        return
    except Exception as error:
        raise AssertionError(
            f"{what}: expected {' or '.join(k.__name__ for k in kinds)}, got {type(error).__name__}: {error}"
        ) from error
    raise AssertionError(f"{what} was accepted; expected {' or '.join(k.__name__ for k in kinds)}")


def _same_leaf(x: Any, y: Any) -> bool:
    if isinstance(x, np.ndarray | jax.Array):
        return np.array_equal(x, y)
    return type(x) is type(y)


def equal_leaves(a: Any, b: Any) -> bool:
    """Two pytrees of arrays alike to the last bit; of leaves that are no arrays, the kind alone counts."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return jax.tree.structure(a) == jax.tree.structure(b) and all(_same_leaf(x, y) for x, y in pairs)


def assert_close(found: Any, expected: Any, what: str) -> None:
    """Assert equality up to `REDUCTION` of the largest expected value; NaN equals NaN."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    scale = np.nanmax(np.abs(expected), initial=0.0)
    same = np.isclose(found, expected, rtol=0, atol=REDUCTION * scale, equal_nan=True)
    worst = np.nanmax(np.abs(found - expected), initial=0.0)
    assert same.all(), f"{what}: off by up to {worst:.3g} where the largest value is {scale:.3g}"
