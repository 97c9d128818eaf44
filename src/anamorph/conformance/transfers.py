"""Checks of what training may know: measurement, fit, the differentiable layer."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from anamorph.characterise.transfer import Transfer
from anamorph.conformance.subject import PoisonedDie, Stranger, Subject, equal_leaves
from anamorph.substrate.contract import Chip, Die

#: Step of a central difference; the error is its square from curvature and 1e-16 / step from rounding.
STEP = 1e-6
#: What both leave of a derivative, with a margin for sums.
DERIVATIVE = 1e-6


def measuring_needs_run_alone(subject: Subject) -> None:
    """A chip that has nothing but `shape` and `run` measures as the die behind it."""
    die = subject.dies(2)
    stranger = Stranger(die)
    assert isinstance(stranger, Chip)
    _same(subject, stranger, die, "a chip with nothing but shape and run")


def measuring_does_not_read_the_deviations(subject: Subject) -> None:
    """With every deviation a NaN and the same answers, the same measurement."""
    die = subject.dies(2)
    _same(subject, PoisonedDie(die), die, "a die whose deviations are NaN, though it answers alike")


def _same(subject: Subject, chip: Chip, die: Die, what: str) -> None:
    expected, found = subject.measure(die), subject.measure(chip)
    assert found.data.identical(expected.data), f"{what} measures differently: measure may use Chip.run alone"
    fits = [subject.substrate.fit(c) for c in (expected, found)]
    assert equal_leaves(*fits), f"{what} is fitted differently"


def no_die_is_within_reach_of_training(subject: Subject) -> None:
    """Neither the measurement, nor the transfer, nor the substrate after it leads to a die."""
    die = subject.dies(2)
    measured = subject.measure(die)
    transfer = subject.substrate.fit(measured)
    assumed = subject.substrate.assumed_transfer()
    reached = {"characterisation": measured, "transfer": transfer, "assumed transfer": assumed}
    for name, root in (reached | {"substrate": subject.substrate}).items():
        for where, value in reachable(root, name):
            assert not isinstance(value, Die), f"{where} is a die: training could read its deviations"
            assert not any(value is leaf for leaf in jax.tree.leaves(die.deviations)), f"{where} is a die's deviations"


def reachable(root: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every object that attributes, containers, closures and partial functions lead to, and the way there."""
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [(name, root)]
    kept = []  # an object that dies would leave its id to another
    while stack:
        where, value = stack.pop()
        if id(value) in seen or isinstance(value, (type, ModuleType, str, bytes, int, float)):
            continue
        seen.add(id(value))
        kept.append(value)
        yield where, value
        stack += [(f"{where}{step}", inner) for step, inner in _inside(value)]


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"[{key!r}]", inner
        return
    if isinstance(value, (list, tuple, set, frozenset)):
        yield from ((f"[{i}]", inner) for i, inner in enumerate(value))
        return
    if isinstance(value, (jax.Array, np.ndarray)):
        return
    if isinstance(value, functools.partial):
        yield from ((f".{part}", getattr(value, part)) for part in ("func", "args", "keywords"))
    if dataclasses.is_dataclass(value):
        yield from ((f".{f.name}", getattr(value, f.name, None)) for f in dataclasses.fields(value))
    own = getattr(value, "__dict__", None)
    if isinstance(own, dict):
        yield from ((f".{name}", inner) for name, inner in own.items())
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            yield f".{slot}", getattr(value, slot, None)
    bound = getattr(value, "__self__", None)
    if bound is not None:
        yield ".__self__", bound
    for cell in getattr(value, "__closure__", None) or ():
        yield ".<closure>", cell.cell_contents


def fits_are_finite_and_normalised(subject: Subject) -> None:
    """One transfer per measured chip, one slope per neuron, finite, with a mean of 1 over each layer."""
    for source, transfer in subject.transfers():
        dies = 2 if source == "measured" else 1
        assert transfer.n_dies == dies, f"{source}: {transfer.n_dies} chips, expected {dies}"
        assert transfer.source == source, f"{source}: its source says {transfer.source!r}"
        ratio = np.asarray(transfer.negative_unit)
        assert np.isfinite(ratio).all() and (ratio > 0).all(), f"{source}: negative unit {ratio}"
        layers = subject.substrate.shape
        assert len(transfer.activations) == len(layers), f"{source}: {len(transfer.activations)} layers"
        for layer, (activation, n) in enumerate(zip(transfer.activations, layers, strict=True)):
            slope = np.asarray(activation.slope)
            assert slope.shape == (dies, n), f"{source}: layer {layer} has slopes of shape {slope.shape}"
            assert np.isfinite(slope).all() and (slope > 0).all(), f"{source}: slopes of layer {layer}: {slope}"
            mean = slope.mean(axis=1)
            # a mean of n quotients in float64
            assert np.allclose(mean, 1, rtol=1e-12), f"{source}: slopes of layer {layer} have mean {mean}, not 1"


def layers_are_differentiable(subject: Subject) -> None:
    """`layer` is a function that jax differentiates, and its derivatives are those of its values."""
    substrate = subject.substrate
    transfer: Transfer = jax.tree.map(lambda leaf: leaf[0], substrate.assumed_transfer())
    keys = jax.random.split(jax.random.key(3), 4)
    for index in range(len(substrate.shape)):
        n_in = substrate.shape[max(index - 1, 0)]
        x = jax.random.uniform(keys[0], (4, n_in), minval=0.1)
        w = jax.random.uniform(keys[1], (n_in, substrate.shape[index]), minval=0.1)
        given = (x,) if index == 0 else (x, w)

        def total(x: jax.Array, w: jax.Array | None = None, *, index: int = index) -> jax.Array:
            y = substrate.layer(transfer, index, w, x)
            assert y.shape == (4, substrate.shape[index]), f"layer {index} answers with shape {y.shape}"
            return jnp.sum(y**2)

        slopes = jax.grad(total, argnums=tuple(range(len(given))))(*given)
        for name, at, slope in zip(("inputs", "weights"), range(len(given)), slopes, strict=False):
            direction = jax.random.normal(keys[2 + at], given[at].shape)
            ends = [list(given), list(given)]
            ends[0][at], ends[1][at] = given[at] + STEP * direction, given[at] - STEP * direction
            difference = (total(*ends[0]) - total(*ends[1])) / (2 * STEP)
            exact = jnp.vdot(slope, direction)
            scale = float(jnp.linalg.norm(slope) * jnp.linalg.norm(direction))
            assert scale > 0, f"layer {index}: the derivative by its {name} is zero everywhere"
            assert abs(exact - difference) <= DERIVATIVE * scale, (
                f"layer {index}: derivative by its {name} is {exact:.6g}; its values change by {difference:.6g}"
            )
