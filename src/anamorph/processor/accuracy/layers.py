"""The error of each layer on memory cells, for any network: on what passes in a file's network, or on random values.

Each product is done exactly and on blocks from the same inputs, and judged by

    rms(on blocks - exact) / rms(exact)

so errors of one layer do not hide in the next. A file is also run whole on chips, every layer taking what the one
before gave. The networks that are built in have no weights: theirs are normal, and inputs are rectified normals; a
layer is judged by 64 vectors and 64 columns, which are like the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from anamorph.errors import BadInput, nearest
from anamorph.processor.accuracy.samples import feeds_of
from anamorph.processor.accuracy.study import doubts, label, nothing_works, unable
from anamorph.processor.accuracy.tasks import TASKS
from anamorph.processor.design import Processor
from anamorph.processor.inference.cells import Calibrated, Cells, Rounded, calibrate, trimmed
from anamorph.processor.inference.digital import Digital
from anamorph.processor.inference.products import Exact, Products
from anamorph.processor.inference.ranges import Watch
from anamorph.processor.text import aligned
from anamorph.processor.workloads import load, names
from anamorph.versions import versions
from anamorph.vmm.sources import Errors

#: Vectors and columns that a layer is judged by.
VECTORS, COLUMNS = 64, 64


class Compared(Products):
    """Exact products, and beside them how far others are off.

    Args:
        others: by what they are called.

    Attributes:
        squares: product -> sums of squares, of the exact result and of each other's error.
    """

    def __init__(self, others: Mapping[str, Products]) -> None:
        self._others = others
        self.squares: dict[str, dict[str, float]] = {}

    def __call__(
        self, name: str, x: Float[np.ndarray, "groups vectors rows"], w: Float[np.ndarray, "groups rows columns"]
    ) -> Float[np.ndarray, "groups vectors columns"]:
        """The exact product."""
        exact = x @ w
        held = self.squares.setdefault(name, dict.fromkeys(["", *self._others], 0.0))
        held[""] += float(np.sum(np.square(exact, dtype=float)))
        for other, products in self._others.items():
            held[other] += float(np.sum(np.square(products(name, x, w) - exact, dtype=float)))
        return exact

    def errors(self) -> dict[str, dict[str, float]]:
        """Product -> relative rms error of each other."""
        return {
            name: {other: (square / max(held[""], 1e-300)) ** 0.5 for other, square in held.items() if other}
            for name, held in self.squares.items()
        }


def judge(
    subject: str, processors: Sequence[Processor], dies: int = 4, figures: tuple[tuple[str, float], ...] = (),
    seed: int = 0, inputs: Path | None = None, dimensions: Mapping[str, int] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Errors of every layer, and of a file's outputs, on each design.

    Args:
        subject: a built-in network or an ONNX file.
        processors: designs.
        dies: chips.
        figures: figures of the cells with other values.
        seed: of random values, chips and noise.
        inputs: of a file's network, an ``.npz`` with arrays by name, and 'labels' if there are; random without.
        dimensions: sizes for dimensions that a file leaves open.

    Raises:
        BadInput: no such network; inputs that do not fit; no design that can work.
    """
    if subject not in names() and not subject.lower().endswith(".onnx") and not Path(subject).is_file():
        raise BadInput(f"no task or network '{subject[:80]}'", expected=f"{', '.join(TASKS)}, a network or FILE.onnx",
                       advice=nearest(subject, [*TASKS, *names()]))  # fmt: skip
    refused = {label(p): why for p in processors if (why := unable(p))}
    working = [p for p in processors if label(p) not in refused]
    if not working:
        raise nothing_works(refused)
    if subject in names():
        if inputs is not None or dimensions:
            raise BadInput("a built-in network takes no inputs", where=subject)
        found = [_random(subject, p, dies, figures, seed) for p in working]
    else:
        found = _file(Path(subject), working, dies, figures, seed, inputs, dimensions or {})
    notes = [text for p in working for text in doubts(p)]
    return {"subject": subject, "designs": found, "refused": refused, "warnings": notes,
            "provenance": {"seed": seed, "versions": versions()}}  # fmt: skip


def _others(calibrated: Mapping[str, Calibrated], dies: int, seed: int) -> dict[str, Products]:
    chips = {f"chip {die}": Cells(calibrated, die=die, seed=seed) for die in range(dies)}
    return {"rounded": Rounded(calibrated), **chips}


def _ready(watch: Watch, processor: Processor, figures: Any, seed: int) -> dict[str, Calibrated]:
    return trimmed(calibrate(watch, processor, figures), watch, Errors(), seed)


def _random(subject: str, processor: Processor, dies: int, figures: Any, seed: int) -> dict[str, Any]:
    """A built-in network's layers, each size once."""
    random, sizes = np.random.default_rng(seed), {}
    for op in load(subject).products:
        sizes.setdefault((op.rows, min(op.columns, COLUMNS)), []).append(op)
    watch, given = Watch(Exact()), {}
    for (rows, columns), ops in sizes.items():
        w = random.normal(0, (2 / rows) ** 0.5, (1, rows, columns)).astype(np.float32)
        x = np.maximum(random.normal(size=(1, VECTORS, rows)), 0).astype(np.float32)
        given[ops[0].name] = x, w
        watch(ops[0].name, x, w)
    calibrated = _ready(watch, processor, figures, seed)
    compared = Compared(_others(calibrated, dies, seed))
    for name, (x, w) in given.items():
        compared(name, x, w)
    layers = _layers(compared, calibrated)
    for layer, ops in zip(layers, sizes.values(), strict=True):
        layer |= {"columns": ops[0].columns, "like it": len(ops), "macs": sum(op.macs for op in ops)}
    return _design(processor) | {"values": "random", "layers": layers}


def _file(
    path: Path, processors: Sequence[Processor], dies: int, figures: Any, seed: int, inputs: Path | None,
    dimensions: Mapping[str, int],
) -> list[dict[str, Any]]:  # fmt: skip
    """A file's layers on what passes in it, and its outputs."""
    from anamorph.processor.inference import Inference, open_model

    model = open_model(path, dimensions)
    if not model.network.products:
        raise BadInput("a network without stored matrices", where=str(path))
    feeds, labels = feeds_of(model, inputs, seed)
    watch, found = Watch(Exact()), []
    exact = _outputs(Inference(model, watch), feeds)
    owners = {op.name: op.weights_of or op.name for op in model.network.products}
    for processor in processors:
        calibrated = _ready(watch, processor, figures, seed)
        compared = Compared(_others(calibrated, dies, seed))
        for feed in feeds[:2]:
            Inference(model, compared).run(feed)
        ranges = {name: one.ranges for name, one in calibrated.items()}
        bits = (processor.input_bits, processor.weight_bits)
        whole: dict[str, Products] = {"digital": Digital(ranges, *bits), "rounded": Rounded(calibrated)}
        whole |= {f"chip {n}": Cells(calibrated, die=n, seed=seed, owners=owners) for n in range(dies)}
        outputs = {name: _outputs(Inference(model, products), feeds) for name, products in whole.items()}
        found.append(
            _design(processor) | {
                "values": "random" if inputs is None else "given",
                "layers": _layers(compared, calibrated),
                "outputs": {name: _against(exact, one, labels) for name, one in outputs.items()},
                "floating point": _against(exact, exact, labels),
            }
        )  # fmt: skip
    return found


def _outputs(run: Any, feeds: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
    """The first output of all feeds."""
    return np.concatenate([np.atleast_1d(next(iter(run.run(feed).values()))) for feed in feeds])


def _against(exact: np.ndarray, found: np.ndarray, labels: np.ndarray | None) -> dict[str, float]:
    """Relative rms error; which is largest along the last axis, where there is more than one; right answers."""
    exact, found = exact.astype(float), found.astype(float)
    square = float(np.mean(exact**2))
    entries = {"error": float(np.mean((found - exact) ** 2) / max(square, 1e-300)) ** 0.5}
    if exact.ndim > 1 and exact.shape[-1] > 1:
        chosen = found.argmax(axis=-1)
        entries["same class"] = float(np.mean(chosen == exact.argmax(axis=-1)))
        if labels is not None and labels.shape == chosen.shape:
            entries["right"] = float(np.mean(chosen == labels))
    return entries


def _design(processor: Processor) -> dict[str, Any]:
    return {"memory": processor.memory, "encoding": processor.encoding, "bits": processor.weight_bits}


def _layers(compared: Compared, calibrated: Mapping[str, Calibrated]) -> list[dict[str, Any]]:
    rows = []
    for name, errors in compared.errors().items():
        one = calibrated[name]
        chips = [error for other, error in errors.items() if other.startswith("chip")]
        rows.append({
            "name": name, "rows": one.blocks.rows, "columns": one.blocks.columns, "groups": one.blocks.groups,
            "blocks": one.blocks.count, "signed": one.blocks.signed, "rounded": errors["rounded"], "chips": chips,
        })  # fmt: skip
    return rows


def layer_table(result: Mapping[str, Any]) -> str:
    """For a terminal."""
    lines: list[str] = []
    for design in result["designs"]:
        lines += [f"{design['memory']}, {design['encoding']}, {design['bits']} bits, {design['values']} inputs", ""]
        rows = [("layer", "rows", "columns", "groups", "layers like it", "error rounded", "on chips, mean", "worst")]
        for layer in design["layers"]:
            chips = layer["chips"]
            rows.append((
                layer["name"], f"{layer['rows']:,}", f"{layer['columns']:,}", f"{layer['groups']:,}",
                str(layer.get("like it", 1)), f"{100 * layer['rounded']:.2f} %",
                f"{100 * sum(chips) / len(chips):.2f} %", f"{100 * max(chips):.2f} %",
            ))  # fmt: skip
        lines += aligned(rows)
        for name, one in design.get("outputs", {}).items():
            lines.append(f"outputs, {name}: " + ", ".join(f"{k} {100 * v:.2f} %" for k, v in one.items()))
        lines.append("")
    lines += [f"cannot work: {name}: {reason}" for name, reason in result["refused"].items()]
    lines += [f"note: {text}" for text in result["warnings"]]
    return "\n".join(line.rstrip() for line in lines) + "\n"
