"""Layers as columns of numbers, ``[layers, 1]``, so that a formula holds for all layers and all designs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from anamorph.processor.layers import Layer, Plan, merged

Column = Int[np.ndarray, "layers 1"]
#: Kinds of elementary operations that cost something, in the order of the columns of `operations`.
COUNTED = (
    "pooling", "addition", "elementwise product", "vector product", "activation", "normalisation", "softmax",
    "reduction", "selection", "quantisation",
)  # fmt: skip


@dataclass(frozen=True)
class Products:
    """Products with stored matrices; the names are those of `layers.Product`.

    Attributes:
        times: how many layers of the network this row stands for.
        stored: 1 where its matrices are stored for it, 0 where it uses another layer's cells.
        family: the most vectors per step of any layer with the same cells.
        room: the most vectors per line of any layer with the same cells.
        given: values written per inference.
        operations: elementary operations of functions behind it, ``[layers, kinds]``.
    """

    times: Column
    rows: Column
    columns: Column
    groups: Column
    steps: Column
    lines: Column
    line: Column
    first: Column
    slide: Column
    fill: Column
    given: Column
    stored: Column
    family: Column
    room: Column
    loop: Int[np.ndarray, " layers"]
    operations: Int[np.ndarray, "layers kinds"]


@dataclass(frozen=True)
class Passes:
    """Passes of the auxiliary unit; the names are those of `layers.Layer`."""

    times: Column
    steps: Column
    taken: Column
    given: Column
    loop: Int[np.ndarray, " passes"]
    operations: Int[np.ndarray, "passes kinds"]


@dataclass(frozen=True)
class Columns:
    """A network's layers as columns, and what counts once for all of it.

    Attributes:
        products: with stored matrices.
        passes: of the auxiliary unit.
        order: where each product (index from 0) and each pass (from -1 down) stands among the layers.
        macs: with stored weights, per inference.
        vector_macs: of two activations.
        weights: that exist, shared ones once.
        peak: values that memory must hold, one layer at a time.
        peak_pipelined: the same with every layer at work on an inference of its own.
        depth: windows of the pipeline from input to output.
    """

    products: Products
    passes: Passes
    order: tuple[int, ...]
    macs: int
    vector_macs: int
    weights: int
    peak: int
    peak_pipelined: int
    depth: int


def columns_of(plan: Plan, *, merge: bool = False, pipelined: bool = False) -> Columns:
    """Columns of a plan.

    Args:
        plan: layers.
        merge: layers with equal numbers become one row, which is faster for many designs.
        pipelined: every layer has cells of its own, also where the network shares them.
    """
    from anamorph.processor.liveness import peak_values, pipeline_levels

    layers, times = merged(plan) if merge else (plan.layers, (1,) * len(plan.layers))
    owners = {id(one): i for i, one in enumerate(plan.layers)}
    families: dict[int, list[Layer]] = {}
    for i, one in enumerate(plan.layers):
        if one.product is not None:
            families.setdefault(i if pipelined else one.product.owner, []).append(one)
    products = [(one, n) for one, n in zip(layers, times, strict=True) if one.product is not None]
    passes = [(one, n) for one, n in zip(layers, times, strict=True) if one.product is None]
    numbers: dict[str, list[int]] = {name: [] for name in Products.__dataclass_fields__}
    for one, n in products:
        p = one.product
        assert p is not None
        index = owners[id(one)]
        family = [f.product for f in families[index if pipelined else p.owner] if f.product is not None]
        row = {
            "times": n, "given": one.given, "stored": int(pipelined or p.owner == index), "loop": one.loop,
            "family": max(f.vectors for f in family), "room": max(f.line for f in family),
        }  # fmt: skip
        for name in ("rows", "columns", "groups", "steps", "lines", "line", "first", "slide", "fill"):
            row[name] = getattr(p, name)
        for name, value in row.items():
            numbers[name].append(value)
    k, a = iter(range(len(products))), iter(range(len(passes)))
    order = tuple(next(k) if one.product is not None else -1 - next(a) for one in layers)
    vector = sum(one.operations.get("vector product", 0) for one in plan.layers)
    levels = pipeline_levels(plan)
    return Columns(
        Products(**{name: _column(values) for name, values in numbers.items() if name not in ("loop", "operations")},
                 loop=np.array(numbers["loop"], np.int64), operations=_operations([one for one, _ in products])),
        Passes(
            times=_column([n for _, n in passes]), loop=np.array([one.loop for one, _ in passes], np.int64),
            operations=_operations([one for one, _ in passes]),
            **{name: _column([getattr(one, name) for one, _ in passes]) for name in ("steps", "taken", "given")},
        ),
        order, sum(one.product.macs for one in plan.layers if one.product), vector,
        sum(one.product.weights for one in plan.layers if one.product), peak_values(plan, None),
        peak_values(plan, levels), max(levels) + 1,
    )  # fmt: skip


def _column(values: Sequence[int]) -> np.ndarray:
    return np.array(values, np.int64).reshape(-1, 1)


def _operations(layers: Sequence[Layer]) -> np.ndarray:
    rows = [[one.operations.get(kind, 0) for kind in COUNTED] for one in layers]
    return np.array(rows, np.int64).reshape(len(layers), len(COUNTED))
