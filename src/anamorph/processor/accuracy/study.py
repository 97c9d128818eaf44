"""A task's network on memory cells: right answers by memory, bits, training and chip.

Trained three ways: in floating point; from there on through blocks that round; and from there on through memory cells,
another chip at every step. Each is judged in floating point, on blocks that only round, and on chips.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from anamorph.errors import AnamorphError, BadInput
from anamorph.mixed_signal.network import MacNetwork, Weights
from anamorph.mixed_signal.study import Images
from anamorph.mixed_signal.train import Training, train
from anamorph.processor.accuracy.rectified import answers
from anamorph.processor.accuracy.tasks import Task, task
from anamorph.processor.accuracy.training import Floating, in_blocks
from anamorph.processor.design import Processor
from anamorph.processor.inference.cells import Calibrated, Cells, Rounded, calibrate, trimmed
from anamorph.processor.inference.products import Exact, Products
from anamorph.processor.inference.ranges import Watch
from anamorph.provenance import named_key
from anamorph.vmm.behaviour import Vmm
from anamorph.vmm.refusal import refusal
from anamorph.vmm.sources import Errors

Arrays = dict[str, np.ndarray]
Keep = Callable[[str, Callable[[], Arrays]], Arrays]
#: Ways to train, and what they are for people.
TRAININGS = {"plain": "in floating point", "rounding": "through rounding", "cells": "through cells"}
#: Images of a calibration.
CALIBRATION = 500
BATCH, RATE, FURTHER_RATE = 100, 0.01, 0.002


@dataclass(frozen=True)
class Asked:
    """What is studied.

    Attributes:
        subject: one of `TASKS`.
        processors: designs.
        trainings: of `TRAININGS`.
        dies: chips; with none, blocks only round.
        train, test: images; all there are by default.
        epochs: in floating point; the task's by default.
        figures: figures of the cells with other values than the cards', name and value.
        seed: of weights, chips and noise.
    """

    subject: str
    processors: tuple[Processor, ...]
    trainings: tuple[str, ...] = tuple(TRAININGS)
    dies: int = 4
    train: int | None = None
    test: int | None = None
    epochs: int | None = None
    figures: tuple[tuple[str, float], ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Case:
    """One training on one design; shares of right answers.

    Attributes:
        memory, encoding, bits: of the design.
        training: of `TRAININGS`.
        floating: in floating point.
        rounded: on blocks that only round.
        dies: on each chip.
    """

    memory: str
    encoding: str
    bits: int
    training: str
    floating: float
    rounded: float
    dies: tuple[float, ...]


@dataclass(frozen=True)
class Found:
    """All cases.

    Attributes:
        title: of the task.
        macs: of an image.
        weights: of the network.
        tested: images.
        floating: right answers of the network as trained in floating point.
        cases: by design and training.
        refused: designs that cannot work, with the reason.
        warnings: of the data, and of designs beyond what their cells are good for.
    """

    title: str
    macs: int
    weights: int
    tested: int
    floating: float
    cases: tuple[Case, ...]
    refused: dict[str, str]
    warnings: tuple[str, ...]


def study(asked: Asked, keep: Keep, tell: Callable[[str], None] = lambda part: None) -> Found:
    """Train and judge.

    Args:
        asked: what.
        keep: ``keep(name, make)`` gives the arrays that were made under this name before, or makes them.
        tell: shows a reader who waits what is being done.

    Raises:
        BadInput: no such task or training, data that is not here, no design that can work.
    """
    what, network = task(asked.subject), task(asked.subject).network()
    data = what.images(asked.train, asked.test)
    plain = _weights(keep("float", lambda: _flat(_floating(asked, what, network, data, tell))))
    floating = _right(network, plain, Exact(), data)
    cases, refused, notes = [], {}, list(data.warnings)
    for processor in asked.processors:
        if reason := unable(processor):
            refused[label(processor)] = reason
            continue
        notes += doubts(processor)
        cases += _design(asked, what, network, data, plain, processor, keep, tell)
    if not cases:
        raise BadInput(
            "no design that can work", where="accuracy", got="; ".join(f"{k}: {v}" for k, v in refused.items())
        )
    return Found(what.title, network.macs, sum(w.synapses.size for w in plain), len(data.y_test), floating,
                 tuple(cases), refused, tuple(notes))  # fmt: skip


def label(processor: Processor) -> str:
    """A design in a few words."""
    return f"{processor.memory} {processor.encoding} {processor.weight_bits} bits"


def unable(processor: Processor) -> str | None:
    """Why a design has no behaviour at all; None where it has one."""
    try:
        Vmm(processor.multiplier())
    except AnamorphError as error:
        return str(error)
    return None


def doubts(processor: Processor) -> list[str]:
    """What is said against a design that works, but not as precisely as its bits promise."""
    reason = refusal(processor.multiplier())
    return [f"{label(processor)}: {reason}"] if reason else []


def nothing_works(refused: Mapping[str, str]) -> BadInput:
    """No design is left."""
    return BadInput("no design that can work", where="accuracy", got="; ".join(f"{k}: {v}" for k, v in refused.items()))


def _design(
    asked: Asked, what: Task, network: MacNetwork, data: Images, plain: tuple[Weights, ...], processor: Processor,
    keep: Keep, tell: Callable[[str], None],
) -> list[Case]:  # fmt: skip
    """One design, all trainings: each later one begins where rounding was learnt."""
    name, cases, begin = label(processor), [], plain
    for training in asked.trainings:
        if training not in TRAININGS:
            raise BadInput(f"no such training '{training}'", expected=", ".join(TRAININGS))
        weights = plain
        if training != "plain":
            tell(f"{name}: training {TRAININGS[training]}")
            errors = Errors() if training == "cells" else None
            made = (asked, what, network, data, begin, processor, errors)
            stage = f"{name} {training}".replace(" ", "-")
            weights = _weights(keep(stage, lambda made=made: _flat(_further(*made))))
            begin = weights if training == "rounding" else begin
        tell(f"{name}, trained {TRAININGS[training]}: chips")
        judged = (asked, network, data, weights, processor)
        stage = f"{name} {training} judged".replace(" ", "-")
        kept = keep(stage, lambda judged=judged: _judged(*judged))
        shares = (float(kept["floating"]), float(kept["rounded"]), tuple(map(float, kept["dies"])))
        cases.append(Case(processor.memory, processor.encoding, processor.weight_bits, training, *shares))
    return cases


def _floating(
    asked: Asked, what: Task, network: MacNetwork, data: Images, tell: Callable[[str], None]
) -> tuple[Weights, ...]:
    settings = Training(asked.epochs or what.epochs, BATCH, RATE, distort=what.distort)

    def say(epoch: int, loss: float) -> None:
        tell(f"floating point: epoch {epoch + 1} of {settings.epochs}, loss {loss:.3g}")

    key = named_key(asked.seed, asked.subject)
    return train(network, data.x_train, data.y_train, settings, key, say, through=Floating(network)).stored


def _calibrated(
    asked: Asked, network: MacNetwork, weights: tuple[Weights, ...], data: Images, processor: Processor, cells: bool
) -> dict[str, Calibrated]:
    watch = Watch(Exact())
    answers(network, weights, watch, data.x_train[:CALIBRATION])
    found = calibrate(watch, processor, asked.figures)
    return trimmed(found, watch, Errors(), asked.seed) if cells else found


def _further(
    asked: Asked, what: Task, network: MacNetwork, data: Images, begin: tuple[Weights, ...], processor: Processor,
    errors: Errors | None,
) -> tuple[Weights, ...]:  # fmt: skip
    """Training on, through rounding or through cells."""
    calibrated = _calibrated(asked, network, begin, data, processor, errors is not None)
    through, numbers = in_blocks(network, calibrated, errors, asked.seed)
    settings = Training(what.further, BATCH, FURTHER_RATE, distort=what.distort)
    key = named_key(asked.seed, f"{asked.subject} {label(processor)} {errors is None}")
    return train(network, data.x_train, data.y_train, settings, key, None, begin, through, numbers).stored


def _judged(
    asked: Asked, network: MacNetwork, data: Images, weights: tuple[Weights, ...], processor: Processor
) -> Arrays:
    calibrated = _calibrated(asked, network, weights, data, processor, asked.dies > 0)
    dies = [_right(network, weights, Cells(calibrated, die=die, seed=asked.seed), data) for die in range(asked.dies)]
    return {
        "floating": np.array(_right(network, weights, Exact(), data)),
        "rounded": np.array(_right(network, weights, Rounded(calibrated), data)),
        "dies": np.array(dies),
    }


def _right(network: MacNetwork, weights: tuple[Weights, ...], products: Products, data: Images) -> float:
    return float(np.mean(answers(network, weights, products, data.x_test).argmax(axis=1) == data.y_test))


def _flat(weights: tuple[Weights, ...]) -> Arrays:
    return {f"{part}_{i}": np.asarray(getattr(w, part)) for i, w in enumerate(weights) for part in Weights._fields}


def _weights(arrays: Mapping[str, Any]) -> tuple[Weights, ...]:
    count = len(arrays) // len(Weights._fields)
    return tuple(
        Weights(*(jnp.asarray(arrays[f"{part}_{i}"], jnp.float32) for part in Weights._fields)) for i in range(count)
    )
