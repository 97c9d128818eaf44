"""Checks of fabricated chips and of what they answer."""

from __future__ import annotations

import jax
import numpy as np

from anamorph.conformance.subject import Subject, assert_close, equal_leaves, refused
from anamorph.substrate.contract import Program, Response

#: What leaks through a path without input, relative to what it carries at full scale.
SILENCE = 0.01


def fabrication_follows_the_key(subject: Subject) -> None:
    """The same key gives the same dies; another key, and another die, other deviations."""
    make = subject.substrate.fabricate
    first = make(jax.random.key(0), 2)
    assert len(first) == 2, f"fabricate(key, 2) made {len(first)} dies"
    assert first.shape == tuple(subject.substrate.shape), f"a die of shape {first.shape}"
    again, other = make(jax.random.key(0), 2), make(jax.random.key(1), 2)
    assert equal_leaves(first.deviations, again.deviations), "the same key made different dies"
    if any(np.any(np.asarray(leaf) != 0) for leaf in jax.tree.leaves(first.deviations)):
        assert not equal_leaves(first.deviations, other.deviations), "another key made the same dies"
        assert not equal_leaves(first[0].deviations, first[1].deviations), "two dies of one key are alike"


def a_die_does_not_depend_on_how_many_there_are(subject: Subject) -> None:
    """Die i follows from the key and i alone, so a campaign may be split."""
    many, few = subject.dies(3), subject.dies(2)
    for i in range(2):
        assert equal_leaves(many[i].deviations, few[i].deviations), (
            f"die {i} of 3 is not die {i} of 2: derive each die's key with jax.random.fold_in(key, i)"
        )


def the_nominal_die_has_no_deviation(subject: Subject) -> None:
    """One die, every deviation zero."""
    nominal = subject.substrate.nominal()
    assert len(nominal) == 1, f"nominal() made {len(nominal)} dies"
    for leaf in jax.tree.leaves(nominal.deviations):
        assert not np.any(np.asarray(leaf)), "the nominal die deviates from what was drawn"
    expected, found = (jax.tree.structure(d.deviations) for d in (subject.dies(), nominal))
    assert expected == found, "the nominal die's deviations are arranged differently from a fabricated one's"


def responses_have_all_axes(subject: Subject) -> None:
    """Every array of a response has the axes dies, programs, patterns, and says where it converged."""
    dies, x = subject.dies(2), subject.inputs(3)
    for batch in ((), (2,), (2, 2)):
        programs = batch[-1] if batch else 1
        response = subject.run(dies, subject.random_program(*batch), x)
        _check_axes(subject, response, (2, programs, 3), f"a program of batch {batch}")
    each = np.broadcast_to(x, (2, 2, *x.shape))
    for axes in (3, 4):
        response = subject.run(dies, subject.random_program(2), each if axes == 4 else each[0])
        _check_axes(subject, response, (2, 2, 3), f"inputs with {axes} axes")


def _check_axes(subject: Subject, response: Response, axes: tuple[int, ...], what: str) -> None:
    layers = subject.substrate.shape
    expected = {
        "outputs": (response.outputs, (*axes, layers[-1])),
        "supply_current": (response.supply_current, axes),
        "converged": (response.converged, axes),
    }
    if response.neuron_currents is not None:
        assert len(response.neuron_currents) == len(layers), f"{what}: neuron_currents of other layers"
        for index, (found, n) in enumerate(zip(response.neuron_currents, layers, strict=True)):
            expected[f"neuron_currents[{index}]"] = (found, (*axes, n))
    for name, (found, shape) in expected.items():
        assert np.shape(found) == shape, f"{what}: {name} has shape {np.shape(found)}, expected {shape}"
    converged = np.asarray(response.converged)
    assert converged.dtype == bool, f"{what}: converged is {converged.dtype}, expected bool"
    finite = np.isfinite(np.asarray(response.outputs)).all(-1)
    assert (finite == converged).all(), f"{what}: outputs must be finite where converged, and NaN elsewhere"
    assert converged.any(), f"{what}: no answer at all at full scale ({subject.full_scale:g} A)"


def a_batch_is_its_loop(subject: Subject) -> None:
    """Dies, programs and patterns solved together answer as they do alone."""
    dies, x = subject.dies(2), subject.inputs(3)
    program = subject.random_program(2, 2)
    together = subject.run(dies, program, x)
    for d in range(2):
        for p in range(2):
            own = Program(program.substrate, tuple(s[d, p] for s in program.settings))
            alone = subject.run(dies[d], own, x)
            for name in ("outputs", "supply_current"):
                what = f"{name} of die {d}, program {p}, alone and in a batch"
                assert_close(getattr(together, name)[d, p], getattr(alone, name)[0, 0], what)
    shared = subject.random_program()
    whole = subject.run(dies, shared, x)
    for b in range(len(x)):
        single = subject.run(dies, shared, x[b : b + 1])
        assert_close(single.outputs[:, :, 0], whole.outputs[:, :, b], f"pattern {b}, alone and in a batch")
    each = np.array([1.0, 0.5])[:, None, None, None] * x
    found = subject.run(dies, shared, each).outputs
    for d in range(2):
        alone = subject.run(dies[d], shared, each[d, 0])
        assert_close(found[d], alone.outputs[0], f"die {d} with inputs of its own")


def bad_inputs_are_refused(subject: Subject) -> None:
    """NaN, infinite and negative currents, and inputs for another number of neurons."""
    die, program, x = subject.dies(), subject.path_program(), subject.inputs(2)
    for value, what in ((np.nan, "NaN"), (np.inf, "an infinite current"), (-1e-9, "a negative current")):
        wrong = x.copy()
        wrong[-1, -1] = value
        refused(lambda wrong=wrong: subject.run(die, program, wrong), f"run: {what} among the inputs")
    wider = np.concatenate([x, x[:, :1]], axis=1)
    refused(lambda: subject.run(die, program, wider), "run: inputs for one neuron too many")
    refused(lambda: subject.run(die, program, x[:, :-1]), "run: inputs for one neuron too few")
    refused(lambda: subject.run(die, program, x[0]), "run: inputs without an axis of patterns")


def leading_axes_that_do_not_match_are_refused(subject: Subject) -> None:
    """Programs or inputs for another number of dies or programs, which must not be cut or repeated silently."""
    dies, x = subject.dies(2), subject.inputs(2)
    three = subject.random_program(3, 1)
    refused(lambda: subject.run(dies, three, x), "run: programs for 3 dies on 2")
    for leading, what in (((3, 1), "3 dies on 2"), ((1, 3), "3 programs with 2")):
        wrong = np.broadcast_to(x, (*leading, *x.shape))
        refused(lambda wrong=wrong: subject.run(dies, subject.random_program(2), wrong), f"run: inputs for {what}")


def no_input_gives_no_output(subject: Subject) -> None:
    """Without input, an output is silent next to what the same path carries at full scale."""
    x = np.zeros((2, subject.substrate.shape[0]))
    x[1, 0] = subject.full_scale
    response = subject.run(subject.substrate.nominal(), subject.path_program(), x)
    assert np.asarray(response.converged).all(), "no answer for one path at zero and at full scale"
    silent, loud = np.abs(np.asarray(response.outputs)[0, 0, :, 0])
    assert loud > 0, f"a path of largest weights carries nothing at {subject.full_scale:g} A"
    assert silent <= SILENCE * loud, f"without input {silent:.3g} A come out; at full scale {loud:.3g} A"


def permuting_neurons_permutes_results(subject: Subject) -> None:
    """Neurons of the nominal die are alike: programs and inputs moved to other neurons move the results."""
    die, program, x = subject.substrate.nominal(), subject.random_program(), subject.inputs(3)
    orders = [np.roll(np.arange(n), 1) for n in subject.substrate.shape]
    pairs = zip(program.settings, orders, orders[1:], strict=False)
    moved = Program(program.substrate, tuple(s[np.ix_(a, b)] for s, a, b in pairs))
    before, after = subject.run(die, program, x), subject.run(die, moved, x[:, orders[0]])
    assert_close(after.outputs, np.asarray(before.outputs)[..., orders[-1]], "outputs after permuting neurons")
    if before.neuron_currents is not None and after.neuron_currents is not None:
        for layer, order in enumerate(orders):
            expected = np.asarray(before.neuron_currents[layer])[..., order]
            what = f"currents of layer {layer} after permuting neurons"
            assert_close(after.neuron_currents[layer], expected, what)
