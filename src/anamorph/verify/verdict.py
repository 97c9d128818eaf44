"""Does a programmed chip do the task? Accuracy per die, and yield with its confidence interval.

Nothing is dropped: a sample without a converged answer is counted on its own and counts as wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from anamorph.data import checks
from anamorph.errors import BadInput, DoesNotFit
from anamorph.network.forward import decide
from anamorph.substrate.contract import Chip, Program, Response
from anamorph.verify.interval import wilson


@dataclass(frozen=True)
class Above:
    """Currents into neurons behind the first layer above those at which they were measured.

    Attributes:
        count: so many, over all dies and samples.
        samples: in so many samples, over all dies.
        largest: of all currents into those neurons, A; 0 where the chip cannot be probed inside.
    """

    count: int = 0
    samples: int = 0
    largest: float = 0.0

    @classmethod
    def of(cls, response: Response, limits: Sequence[float]) -> Above:
        """Count what a chip with one program answered.

        Args:
            response: of the chip.
            limits: the largest current at which the neurons of each layer were measured, A.
        """
        layers = list(zip(response.neuron_currents or (), limits, strict=False))[1:]
        if not layers:
            return cls()
        above = [np.asarray(currents)[:, 0] > limit * (1 + 1e-9) for currents, limit in layers]  # NaN is not
        samples = np.any([layer.any(-1) for layer in above], axis=0)
        largest = max(float(np.max(np.nan_to_num(np.asarray(currents)))) for currents, _ in layers)
        return cls(sum(int(layer.sum()) for layer in above), int(samples.sum()), largest)


@dataclass(frozen=True)
class Verdict:
    """How well programmed chips do.

    Attributes:
        accuracy: fraction of the samples that come out right, ``[dies]``.
        predictions: class per sample, -1 where a chip decided nothing, ``[dies, patterns]``.
        outputs: output currents, A, ``[dies, patterns, n_classes]``; NaN where not converged.
        unconverged: samples without an answer, over all dies. They count as wrong.
        accuracy_min: the accuracy from which on a die passes.
        n_passed: dies that reach it.
        yield_low: lower end of the Wilson interval of the yield.
        yield_high: upper end.
        confidence: of that interval.
        above: currents above the `limits` that were given.
    """

    accuracy: Float[np.ndarray, " dies"]
    predictions: Int[np.ndarray, "dies patterns"] = field(repr=False)
    outputs: Float[np.ndarray, "dies patterns n_classes"] = field(repr=False)
    unconverged: int
    accuracy_min: float
    n_passed: int
    yield_low: float
    yield_high: float
    confidence: float
    above: Above = Above()

    @property
    def n_dies(self) -> int:
        """Dies judged."""
        return len(self.accuracy)

    @property
    def yield_value(self) -> float:
        """Fraction of the dies that pass."""
        return self.n_passed / self.n_dies


def verify(
    chip: Chip,
    program: Program,
    inputs: ArrayLike,
    labels: ArrayLike,
    n_classes: int,
    accuracy_min: float,
    confidence: float = 0.95,
    limits: Sequence[float] = (),
) -> Verdict:
    """Run labelled samples through programmed chips and judge the answers.

    Args:
        chip: one chip or many; only its `run` is used.
        program: one program per chip, or one for all.
        inputs: input currents, A, ``[patterns, n_in]``, into the first inputs; the others get none.
        labels: class index of each sample, ``[patterns]``.
        n_classes: the first outputs of the chip, of which the largest is the answer.
        accuracy_min: the accuracy from which on a die passes, 0 to 1.
        confidence: of the yield's interval.
        limits: the largest current at which the neurons of each layer were measured, A; larger ones are counted.

    Raises:
        BadInput: NaN or negative inputs, labels that name no class, several programs per chip.
        DoesNotFit: more inputs or classes than the chip has.
    """
    currents = _check_inputs(inputs, chip.shape, n_classes)
    wanted = checks.labels(labels, len(currents), n_classes, "verify: labels")
    if not 0 <= accuracy_min <= 1:
        raise BadInput("not an accuracy", where="accuracy_min", expected="0 to 1", got=str(accuracy_min))
    response = chip.run(program, jnp.asarray(currents))
    outputs, converged = _answers(response, n_classes)
    predictions = np.where(converged, decide(outputs), -1)
    n_right = np.sum(predictions == wanted, axis=-1)
    # Counts are compared, so that 27 right of 30 reach an accuracy of 0.9 whatever 0.9 rounds to.
    n_passed = int(np.sum(n_right >= accuracy_min * len(wanted) - 1e-9))
    low, high = wilson(n_passed, len(n_right), confidence)
    return Verdict(
        accuracy=n_right / len(wanted),
        predictions=predictions,
        outputs=outputs,
        unconverged=int(np.sum(~converged)),
        accuracy_min=float(accuracy_min),
        n_passed=n_passed,
        yield_low=low,
        yield_high=high,
        confidence=confidence,
        above=Above.of(response, limits),
    )


def _check_inputs(inputs: ArrayLike, shape: tuple[int, ...], n_classes: int) -> np.ndarray:
    """Input currents padded with zeros to the chip's inputs, ``[patterns, shape[0]]``."""
    currents = np.asarray(inputs, dtype=np.float64)
    if currents.ndim != 2 or 0 in currents.shape:
        raise BadInput(
            "inputs are not a matrix",
            where="verify: inputs",
            expected="[patterns, n_in]",
            got=f"shape {currents.shape}",
        )
    if not np.isfinite(currents).all() or currents.min() < 0:
        raise BadInput(
            "an input is not a current that a chip takes",
            where="verify: inputs",
            expected="finite currents in A, none negative",
            got=f"{currents.min():.4g} (smallest), {np.sum(~np.isfinite(currents))} not finite",
        )
    for name, wanted, available in (
        ("inputs", currents.shape[1], shape[0]),
        ("classes", n_classes, shape[-1]),
    ):
        if wanted > available:
            raise DoesNotFit(
                f"the chip has too few neurons for the {name}",
                where="verify",
                expected=f"at most {available}",
                got=str(wanted),
            )
    return np.pad(currents, ((0, 0), (0, shape[0] - currents.shape[1])))


def _answers(response: Response, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Outputs ``[dies, patterns, n_classes]``, NaN where not converged, and which converged."""
    outputs, converged = np.asarray(response.outputs), np.asarray(response.converged)
    if outputs.shape[1] != 1:
        raise BadInput(
            "verify judges one program per chip",
            where="program",
            expected="1 program",
            got=f"{outputs.shape[1]} programs",
        )
    converged = converged[:, 0]
    outputs = np.where(converged[..., None], outputs[:, 0, :, :n_classes], np.nan)
    return outputs, converged
