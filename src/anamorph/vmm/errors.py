"""How wrong a design's answers are, source by source."""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.vmm.behaviour import Structure, Vmm, answer
from anamorph.vmm.design import Design
from anamorph.vmm.dies import VmmDie, shapes
from anamorph.vmm.magnitudes import Magnitudes, magnitudes
from anamorph.vmm.physics import Physics
from anamorph.vmm.sources import SOURCES, Errors, sources_of

__all__ = ["SOURCES", "Errors", "effective_bits", "output_error", "sources_of"]


def output_error(
    design: Design,
    physics: Physics | None = None,
    *,
    key: PRNGKeyArray | None = None,
    patterns: int = 64,
    dies: int = 4,
    full_scale: float | None = None,
) -> dict[str, float]:
    """Relative rms error of the outputs: of every source that the design has, alone, then of ``"all"`` together.

    Random weights and inputs, evenly distributed over their ranges and rounded to their bits; the error is against the
    exact product of the same, after the one scale for all columns that fits best (a converter's reference is set to
    it), as a share of the converter's full scale (`Vmm.span`). Losses in passive cells' wires are those of
    `cells.kept`'s estimate. Every kind of source is computed at once: one compilation per size.

    Args:
        design: what multiplies.
        physics: figures; the card's if left out.
        key: of data and dies; a fixed one if left out.
        patterns: input vectors per die.
        dies: draws of all deviations, each with weights of its own.
        full_scale: of the converters, as of `Vmm`.
    """
    vmm = Vmm(design, physics) if physics is not None else Vmm(design)
    if full_scale is not None:
        vmm = Vmm(design, vmm.physics, full_scale=full_scale)
    names = sources_of(design)
    sets = [Errors.only(name) for name in names] + [Errors()]
    each = [magnitudes(design, vmm.physics, errors) for errors in sets]
    stacked = jax.tree.map(lambda *numbers: jnp.asarray(numbers, float), *each)
    draw = np.random.default_rng(np.asarray(jax.random.key_data(jax.random.key(0) if key is None else key)).ravel())
    own = VmmDie(*(jnp.asarray(draw.standard_normal((dies, *shape))) for shape in shapes(design.rows, design.columns)))
    w = jnp.asarray(draw.uniform(-1, 1, (dies, design.rows, design.columns)))
    x = jnp.asarray(draw.uniform(0, 1, (dies, patterns, design.rows)))
    of_noise = jax.random.key(int(draw.integers(2**31)))
    found, wanted = np.asarray(_answers(vmm.structure, stacked, own, w, x, of_noise)), np.asarray(vmm.reference(w, x))
    rms = [_after_scale(one, wanted) / vmm.span for one in found]
    return dict(zip((*names, "all"), rms, strict=True))


@functools.partial(jax.jit, static_argnums=0)
def _answers(vmm: Structure, each: Magnitudes, die: VmmDie, w: Array, x: Array, key: PRNGKeyArray) -> Array:
    """Of every set of errors, ``[sets, dies, patterns, columns]``; drawn outside, as draws take long to compile."""

    def one(m: Magnitudes, number: Array) -> Array:
        own = jax.tree.map(lambda part: part[number], die)
        return answer(vmm, m, own, w[number], x[number], jax.random.fold_in(key, number), exact=False)

    return jax.lax.map(lambda m: jax.lax.map(functools.partial(one, m), jnp.arange(len(w))), each)


def _after_scale(found: Float[np.ndarray, "..."], wanted: Float[np.ndarray, "..."]) -> float:
    """Root mean square of what is left of the difference after the scale that fits best."""
    power = float(np.vdot(found, found))
    scale = float(np.vdot(found, wanted)) / power if power else 0.0
    return float(np.sqrt(np.mean((scale * found - wanted) ** 2)))


def effective_bits(relative_rms: float) -> float:
    """Bits of a uniform rounding of -1..1 with this rms error, as a share of 1; infinite for none."""
    return math.log2(2 / (math.sqrt(12) * relative_rms)) if relative_rms > 0 else math.inf
