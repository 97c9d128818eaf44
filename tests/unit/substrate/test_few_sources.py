"""A bench's programs, solved exactly, against the tables that all other programs go through."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.substrate.contract import Program, Response
from anamorph.substrate.current_mirror import CurrentMirror, few_sources
from anamorph.substrate.current_mirror.few_sources import suits
from anamorph.technology import Technology

SHAPE = (32, 32, 3)
CURRENTS = np.array([[20e-9], [200e-9]]) * np.ones(32)
INPUTS = jnp.asarray(CURRENTS)


@pytest.fixture(scope="module")
def chip(cmos180: Technology) -> CurrentMirror:
    return CurrentMirror(cmos180, SHAPE)


def _program(second: int) -> Program:
    """Three configurations: every neuron with one strong source, and a second one at `second`."""
    rng = np.random.default_rng(1)
    matrices = []
    for n_in, n_out in zip(SHAPE, SHAPE[1:], strict=False):
        matrix = np.zeros((3, n_in, n_out), int)
        for p in range(3):
            for k in range(n_out):
                first, other = rng.choice(n_in, 2, replace=False)
                matrix[p, first, k], matrix[p, other, k] = 6, second
        matrices.append(matrix)
    return Program("current_mirror", tuple(matrices))


def _both(chip: CurrentMirror, program: Program) -> tuple[Response, Response]:
    die = chip.fabricate(jax.random.key(4), 2)
    assert suits(program.batched(), CURRENTS[None, None])
    return chip.run(die, program, INPUTS), chip._run_tables(die, program.batched(), CURRENTS[None, None])


@pytest.mark.parametrize("second", [3, -1])
def test_exact_synapses_and_tables_agree(chip: CurrentMirror, second: int):
    few, tables = _both(chip, _program(second))
    assert np.asarray(few.converged).all()
    for found, wanted in zip(few.neuron_currents or (), tables.neuron_currents or (), strict=True):
        # tables leave out 1e-4 of a synapse's current; a negative one makes what remains smaller than its parts
        np.testing.assert_allclose(found, wanted, rtol=1e-3 if second > 0 else 4e-3)
    np.testing.assert_allclose(few.outputs, tables.outputs, rtol=4e-3)
    np.testing.assert_allclose(few.supply_current, tables.supply_current, rtol=1e-3)


def _fed(response: Response) -> np.ndarray:
    """Currents into the second layer in configuration 1, ``[dies, patterns, n]``."""
    assert response.neuron_currents is not None
    return np.asarray(response.neuron_currents[1])[:, 1]


def test_a_neuron_that_is_shut_off_is_solved_with_all_its_synapses(
    chip: CurrentMirror, monkeypatch: pytest.MonkeyPatch
):
    program = _program(1)
    first = program.settings[0].copy()
    first[1, :, 5] = 0
    first[1, 0, 5], first[1, 1, 5] = 1, -7
    shut = Program("current_mirror", (first, program.settings[1]))
    few, tables = _both(chip, shut)
    found, wanted = _fed(few), _fed(tables)
    assert found[..., 5].max() < 1e-9 and np.asarray(few.converged).all()
    np.testing.assert_allclose(found[..., 5], wanted[..., 5], rtol=1e-6)
    np.testing.assert_allclose(found, wanted, rtol=1e-3)
    np.testing.assert_allclose(few.supply_current, tables.supply_current, rtol=1e-3)
    # too many of them go through tables altogether
    monkeypatch.setattr(few_sources, "MOST_SHUT", 0)
    again = chip.run(chip.fabricate(jax.random.key(4), 2), shut, INPUTS)
    np.testing.assert_array_equal(_fed(again), wanted)


def test_programs_with_many_sources_or_silent_inputs_are_not_of_this_kind():
    batch = _program(3).batched()
    assert not suits(batch, 0 * CURRENTS[None, None])
    dense = Program("current_mirror", tuple(np.ones_like(s) for s in batch.settings))
    assert not suits(dense, CURRENTS[None, None])
    single = Program("current_mirror", tuple(s[:, :1] for s in batch.settings))
    assert not suits(single, CURRENTS[None, None])
