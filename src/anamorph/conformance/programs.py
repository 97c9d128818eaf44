"""Checks of programs: weights to settings and back, the netlist, the cost."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np

from anamorph import technology, units
from anamorph.circuit.compile import compile_cell
from anamorph.conformance.subject import Subject, refused
from anamorph.errors import BadInput, DoesNotFit, OutOfDomain
from anamorph.substrate.contract import Program
from anamorph.technology import Technology
from anamorph.technology.card import BASES

#: Decoding looks a level up; nothing is computed, so what comes back is what was written.
EXACT = 1e-12


def every_weight_survives_programming(subject: Subject) -> None:
    """``decode(program(w)) == w`` for every level of every chip, in every matrix."""
    substrate = subject.substrate
    for source, transfer in subject.transfers():
        grid = substrate.weight_grid(transfer)
        levels, settings = np.asarray(grid.levels), np.asarray(grid.settings)
        assert levels.shape == (transfer.n_dies, len(settings)), f"{source}: levels of shape {levels.shape}"
        assert (np.diff(levels, axis=1) > 0).all(), f"{source}: levels are not sorted"
        allowed = np.asarray(substrate.allowed_settings())
        assert set(settings.tolist()) == set(allowed.tolist()), f"{source}: the grid is not the allowed settings"
        smallest = min(a * b for a, b in subject.matrices)
        for low in range(0, len(settings), smallest):
            index = (low + np.arange(smallest)) % len(settings)
            weights = tuple(jnp.asarray(_spread(levels[:, index], size)) for size in subject.matrices)
            decoded = substrate.decode(substrate.program(weights, transfer), transfer)
            for matrix, (back, w) in enumerate(zip(decoded, weights, strict=True)):
                error = np.abs(np.asarray(back).reshape(w.shape) - np.asarray(w)).max()
                assert error <= EXACT * np.abs(levels).max(), (
                    f"{source}: weights of matrix {matrix} come back changed by {error:.3g}"
                )


def _spread(levels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Fill a matrix of every die with its levels, over and over."""
    filled = levels[:, np.arange(size[0] * size[1]) % levels.shape[1]]
    return filled.reshape(len(levels), *size)


def weights_between_levels_are_refused(subject: Subject) -> None:
    """A weight that the chip cannot hold must not be rounded silently."""
    transfer = subject.substrate.assumed_transfer()
    levels = np.asarray(subject.substrate.weight_grid(transfer).levels)[0]
    for weight, what in ((levels[:2].mean(), "between two levels"), (2 * levels[-1], "above the largest level")):
        weights = [np.full(size, levels[0]) for size in subject.matrices]
        weights[-1][-1, -1] = weight
        given = tuple(jnp.asarray(w) for w in weights)
        refused(lambda given=given: subject.substrate.program(given, transfer), f"program: a weight {what}", DoesNotFit)


def networks_larger_than_the_chip_are_refused(subject: Subject) -> None:
    """A row too many, a column too many, a layer too many."""
    transfer, substrate = subject.substrate.assumed_transfer(), subject.substrate
    level = np.asarray(substrate.weight_grid(transfer).levels)[0, -1]
    sizes = subject.matrices
    larger = {
        "an input too many": [(sizes[0][0] + 1, sizes[0][1]), *sizes[1:]],
        "an output too many": [*sizes[:-1], (sizes[-1][0], sizes[-1][1] + 1)],
        "a layer too many": [*sizes, (sizes[-1][1], 1)],
    }
    for what, wrong in larger.items():
        weights = tuple(jnp.full(size, level) for size in wrong)
        refused(lambda weights=weights: substrate.program(weights, transfer), f"program: {what}", DoesNotFit)


def other_substrates_programs_are_refused(subject: Subject) -> None:
    """Settings mean nothing on other hardware."""
    foreign = replace(subject.path_program(), substrate=f"not_{subject.substrate.name}")
    die, x, transfer = subject.dies(), subject.inputs(), subject.substrate.assumed_transfer()
    refused(lambda: subject.run(die, foreign, x), "run: another substrate's program", BadInput)
    refused(lambda: subject.substrate.decode(foreign, transfer), "decode: another substrate's program", BadInput)
    smaller = tuple(s[..., :1] if i == len(subject.matrices) - 1 else s for i, s in enumerate(foreign.settings))
    if smaller[-1].shape != foreign.settings[-1].shape:
        other = Program(subject.substrate.name, smaller)
        refused(lambda: subject.run(die, other, x), "run: a program of another shape")


def settings_that_do_not_exist_are_refused(subject: Subject) -> None:
    """A setting beyond the largest or the smallest."""
    allowed = np.asarray(subject.substrate.allowed_settings())
    die, x = subject.dies(), subject.inputs()
    for setting in (allowed.max() + 1, allowed.min() - 1):
        settings = [s.copy() for s in subject.path_program().settings]
        settings[0][0, 0] = setting
        wrong = Program(subject.substrate.name, tuple(settings))
        refused(lambda wrong=wrong: subject.run(die, wrong, x), f"run: setting {setting}", BadInput)


def the_netlist_compiles_or_is_declared_absent(subject: Subject) -> None:
    """The circuit compiles, or the substrate says ``has_netlist = False`` and refuses."""
    substrate, program = subject.substrate, subject.path_program()
    if not getattr(substrate, "has_netlist", True):
        refused(lambda: substrate.netlist(program), "netlist of a substrate that declares none", BadInput)
        return
    own = getattr(substrate, "technology", None)
    card = own if isinstance(own, Technology) else technology.load("cmos180")
    try:
        circuit = compile_cell(substrate.netlist(program), card)
    except (BadInput, OutOfDomain) as error:
        raise AssertionError(
            f"the netlist does not compile ({error}); a substrate without a circuit declares has_netlist = False"
        ) from error
    assert circuit.unknowns, "the netlist has nothing to solve"
    batch = subject.random_program(2)
    refused(lambda: substrate.netlist(batch), "netlist: a batch of programs", BadInput)


def cost_lines_are_complete(subject: Subject) -> None:
    """Every line has a value within its range, a unit, a basis and a source."""
    program = subject.path_program()
    response = subject.run(subject.dies(), program, subject.inputs())
    lines = subject.substrate.cost(program, response).lines
    assert lines, "a cost sheet without lines"
    names = [line.quantity for line in lines]
    assert len(set(names)) == len(names), f"a quantity occurs twice: {sorted(names)}"
    for line in lines:
        figures = (line.low, line.value, line.high)
        assert np.isfinite(figures).all(), f"{line.quantity}: {figures} are not all finite"
        assert line.low <= line.value <= line.high, f"{line.quantity}: {line.value} outside {line.low} to {line.high}"
        assert line.basis in BASES, f"{line.quantity}: basis {line.basis!r}, expected one of {BASES}"
        assert line.source.strip(), f"{line.quantity}: no source"
        units.parse(f"1 {line.unit}" if line.unit else 1.0, line.unit, where=f"cost line {line.quantity}")
