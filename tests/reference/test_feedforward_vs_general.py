"""The feedforward solver against the general one: every neuron of whole chips, mismatch on every transistor.

The general solver takes the chip's flat netlist and knows nothing of layers or tables. What it leaves is 3e-8 of a
current (its last step); what the feedforward solver adds is stated with each test.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.circuit.compile import compile_cell
from anamorph.circuit.operating_point import CURRENT_TOLERANCE, operating_point
from anamorph.substrate.contract import Die, Program, Response
from anamorph.substrate.current_mirror import CurrentMirror
from anamorph.technology import Technology

#: The promise for refined solutions, on every neuron.
PROMISE = 1e-4
#: Below it a neuron is shut off: its current is the balance of leakages, and no output changes by it.
OFF = 1e-12


@dataclass(frozen=True)
class Judged:
    """One programmed die, solved by the general solver: currents per layer ``[patterns, n]`` and the supply's, A."""

    substrate: CurrentMirror
    die: Die
    program: Program
    inputs: np.ndarray
    neurons: list[np.ndarray]
    outputs: np.ndarray
    supply: np.ndarray

    def run(self, refine: int) -> Response:
        """By the feedforward solver."""
        fast = CurrentMirror(self.substrate.technology, self.substrate.shape, refine=refine)
        response = fast.run(self.die, self.program, jnp.asarray(self.inputs))
        assert np.asarray(response.converged).all()
        return response

    def errors(self, response: Response) -> tuple[np.ndarray, np.ndarray]:
        """Relative error of every neuron's and every output's current, and the current (A)."""
        assert response.neuron_currents is not None
        found = [np.asarray(c)[0, 0].ravel() for c in (*response.neuron_currents, response.outputs)]
        expected = np.concatenate([c.ravel() for c in (*self.neurons, self.outputs)])
        # an input of zero is a current of zero: nothing below the solvers' own tolerance is compared
        scale = np.maximum(np.abs(expected), CURRENT_TOLERANCE)
        return np.abs(np.concatenate(found) - expected) / scale, np.abs(expected)


def judged(technology: Technology, shape: tuple[int, ...], seed: int, patterns: int) -> Judged:
    substrate = CurrentMirror(technology, shape)
    die = substrate.fabricate(jax.random.key(seed), 1)
    draw = np.random.default_rng(seed)
    settings = tuple(draw.integers(-4, 8, size) for size in zip(shape, shape[1:], strict=False))
    program = Program(substrate.name, settings)
    inputs = draw.uniform(0, 325e-9, (patterns, shape[0])) * (draw.random((patterns, shape[0])) < 0.8)
    circuit = compile_cell(substrate.netlist(program), technology)
    drives = substrate.netlist_drives(inputs)
    solved = operating_point(circuit, drives, substrate.netlist_deviations(die)[0]).require_converged()
    outputs = np.stack([-np.asarray(solved.source_current(f"out_{k}")) for k in range(shape[-1])], axis=-1)
    neurons = substrate.netlist_currents(solved.voltage, die)
    return Judged(substrate, die, program, inputs, neurons, outputs, np.asarray(solved.source_current("vdd")))


@pytest.fixture(scope="module")
def small(cmos180: Technology) -> Judged:
    return judged(cmos180, (7, 7, 7), 3, 16)


@pytest.fixture(scope="module")
def large(cmos180: Technology) -> Judged:
    return judged(cmos180, (20, 10, 5), 3, 4)


@pytest.mark.parametrize("case", ["small", "large"])
def test_refined_currents_agree_on_every_neuron(case: str, request: pytest.FixtureRequest):
    chip: Judged = request.getfixturevalue(case)
    response = chip.run(refine=2)
    errors, currents = chip.errors(response)
    assert (currents > 1e-9).sum() > 0.3 * currents.size  # the comparison is not one of silent neurons
    # each sweep leaves the product of the tables' errors: (2e-2)^2 and less
    assert errors.max() < PROMISE, f"{errors.max():.2g} at {currents[errors.argmax()]:.2g} A"
    np.testing.assert_allclose(np.asarray(response.supply_current)[0, 0], chip.supply, rtol=0.01)


def test_unrefined_currents_are_as_accurate_as_stated(small: Judged):
    response = small.run(refine=0)
    errors, currents = small.errors(response)
    on = currents > 1e-9
    # truncation of the spaces is below 1e-4 of any synapse's current: typical of a sum of them
    assert np.median(errors[on]) < 1e-4
    # a sum in which positive and negative synapses all but cancel magnifies it a hundredfold
    assert errors[on].max() < 1e-2
    # below 0.1 nA synapses run out of headroom, and the tables are good to about 1e-2
    faint = (currents > OFF) & ~on
    assert faint.any() and errors[faint].max() < 0.1
    np.testing.assert_allclose(np.asarray(response.supply_current)[0, 0], small.supply, rtol=0.01)


def test_the_comparison_can_fail(small: Judged):
    """Ten millivolts on one of 1,300 transistors are seen."""
    soma = small.die.deviations["soma"]
    moved = {**small.die.deviations, "soma": [soma[0].at[0, 0, 2].add(0.01), *soma[1:]]}
    response = small.substrate.run(Die(small.substrate, moved), small.program, jnp.asarray(small.inputs))
    errors, _ = small.errors(response)
    assert np.sort(errors)[-10:].min() > 0.05
