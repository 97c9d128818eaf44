"""The conformance suite, on our substrates, on a stranger's, and on strangers that break one promise each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.fit import fit_rectifiers
from anamorph.characterise.source_monitor import source_monitor
from anamorph.characterise.transfer import Transfer
from anamorph.circuit.netlist import Cell, CurrentSource, Element, Resistor
from anamorph.cost.sheet import CostLine, CostSheet
from anamorph.errors import BadInput, DoesNotFit
from anamorph.substrate.contract import Chip, Die, Program, Response, Substrate, WeightGrid
from anamorph.substrate.current_mirror import CurrentMirror
from anamorph.substrate.ideal import Ideal
from anamorph.technology import Technology
from anamorph.testing import Check, check_substrate, substrate_checks

SHAPE = (3, 4, 2)
CHECKS = list(substrate_checks())


class Resistive(Substrate):
    """A stranger's substrate: pairs of resistors in three steps of either sign, and rectifying buffers."""

    name = "resistive"
    v_dd = 1.0
    has_netlist = True
    spread = 0.05
    unit = 0.4

    def __init__(self, shape: tuple[int, ...] = SHAPE) -> None:
        self.shape = shape

    def _sizes(self) -> list[tuple[int, int]]:
        return list(zip(self.shape, self.shape[1:], strict=False))

    def _draw(self, key: Any) -> list[jax.Array]:
        keys = jax.random.split(key, len(self._sizes()))
        return [self.spread * jax.random.normal(k, s) for k, s in zip(keys, self._sizes(), strict=True)]

    def fabricate(self, key: Any, n_dies: int = 1) -> Die:
        return Die(self, jax.vmap(lambda i: self._draw(jax.random.fold_in(key, i)))(jnp.arange(n_dies)))

    def nominal(self) -> Die:
        return Die(self, [jnp.zeros((1, *size)) for size in self._sizes()])

    def measure(self, chip: Chip, bench: Bench, key: Any) -> Characterisation:
        return source_monitor(chip, bench, key, 3, (-1, -2), self.name)

    def fit(self, characterisation: Characterisation) -> Transfer:
        return fit_rectifiers(characterisation, self.shape, 3)

    def assumed_transfer(self) -> Transfer:
        return Transfer.uniform(self.shape, 1.0, (0.0, 1e-6))

    def allowed_settings(self) -> np.ndarray:
        return np.arange(-3, 4)

    def weight_grid(self, transfer: Transfer) -> WeightGrid:
        steps = jnp.asarray(self.allowed_settings())
        strength = jnp.where(steps < 0, transfer.negative_unit[:, None], 1.0)
        return WeightGrid(self.unit * steps * strength, self.allowed_settings())

    def layer(self, transfer: Transfer, index: int, weights: Any, x: Any) -> Any:
        return transfer.activations[index].slope * jax.nn.relu(x if weights is None else x @ weights)

    def run(self, die: Die, program: Program, inputs: Any) -> Response:
        self.check_program(program)
        x = self.checked(jnp.asarray(inputs), die, program)
        for setting, deviation in zip(program.batched().settings, die.deviations, strict=True):
            x = jax.nn.relu(x @ (self.unit * setting * (1 + deviation[:, None])))
        return Response(x, x.sum(-1), jnp.ones(x.shape[:-1], bool))

    def checked(self, x: Any, die: Die, program: Program) -> Any:
        if not 2 <= x.ndim <= 4 or x.shape[-1] != self.shape[0]:
            raise BadInput("inputs of another shape", got=str(x.shape))
        if not bool(jnp.isfinite(x).all()) or bool((x < 0).any()):
            raise BadInput("inputs are currents, none negative")
        x = x.reshape((1,) * (4 - x.ndim) + x.shape)
        dies, programs = program.batched().batch
        wanted = (len(die), programs)
        if dies not in (1, len(die)) or any(n not in (1, w) for n, w in zip(x.shape, wanted, strict=False)):
            raise DoesNotFit("leading axes differ from the dies and programs")
        return jnp.broadcast_to(x, wanted + x.shape[2:])

    def netlist(self, program: Program) -> Cell:
        if program.batch:
            raise BadInput("one program at a time")
        elements: list[Element] = [CurrentSource(f"i_{j}", f"n_0_{j}") for j in range(self.shape[0])]
        for layer, setting in enumerate(program.settings):
            for (j, k), steps in np.ndenumerate(setting):
                if steps:
                    place = f"n_{layer}_{j}", f"n_{layer + 1}_{k}"
                    elements.append(Resistor(f"r_{layer}_{j}_{k}", *place, 1e6 / abs(steps)))
        nodes = sorted({node for element in elements for node in element.nodes})
        elements += [Resistor(f"load_{node}", node, "0", 1e6) for node in nodes]
        return Cell("resistive", (), tuple(elements))

    def cost(self, program: Program, response: Response) -> CostSheet:
        power = float(np.mean(response.supply_current)) * self.v_dd
        return CostSheet((CostLine("power", power, "W", 0.0, 2 * power, "assumed", "a resistor's current"),))


def failed(substrate: Substrate) -> set[str]:
    names = set()
    for check in CHECKS:
        try:
            check(substrate)
        except AssertionError as error:
            assert check.name in str(error) and type(substrate).__name__ in str(error)
            names.add(check.name)
    return names


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_a_strangers_substrate_keeps_every_promise(check: Check):
    check(Resistive())


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_the_ideal_substrate_keeps_every_promise(check: Check):
    check(Ideal(SHAPE))


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_the_current_mirror_keeps_every_promise(cmos180: Technology, check: Check):
    check(CurrentMirror(cmos180, SHAPE))


def test_two_layers_are_enough():
    check_substrate(Resistive((3, 2)))


class SharesAKeyAmongItsDies(Resistive):
    def fabricate(self, key: Any, n_dies: int = 1) -> Die:
        return super().fabricate(jax.random.fold_in(key, n_dies), n_dies)


class ForgetsTheKey(Resistive):
    def fabricate(self, key: Any, n_dies: int = 1) -> Die:
        return super().fabricate(jax.random.key(0), n_dies)


class DrawsFromTheClock(Resistive):
    count: ClassVar[list[int]] = [0]

    def fabricate(self, key: Any, n_dies: int = 1) -> Die:
        self.count[0] += 1
        return super().fabricate(jax.random.fold_in(key, self.count[0]), n_dies)


class DeviatesByDesign(Resistive):
    def nominal(self) -> Die:
        return self.fabricate(jax.random.key(0))


class LosesTheSign(Resistive):
    def decode(self, program: Program, transfer: Transfer) -> tuple[np.ndarray, ...]:
        return tuple(np.abs(w) for w in super().decode(program, transfer))


class RoundsSilently(Resistive):
    def program(self, weights: tuple[Any, ...], transfer: Transfer) -> Program:
        levels = np.asarray(self.weight_grid(transfer).levels)
        near = [np.abs(np.asarray(w)[..., None] - levels[0]).argmin(-1) for w in weights]
        exact = len(levels) > 1  # one list of levels for each die: leave those alone
        return super().program(weights if exact else tuple(jnp.asarray(levels[0][i]) for i in near), transfer)


class CutsWhatDoesNotFit(Resistive):
    def program(self, weights: tuple[Any, ...], transfer: Transfer) -> Program:
        sizes = self._sizes()
        cut = tuple(w[..., :n, :m] for w, (n, m) in zip(weights, sizes, strict=False))
        return super().program(cut, transfer)


class TakesAnyProgram(Resistive):
    def check_program(self, program: Program) -> None:
        super().check_program(Program(self.name, program.settings))


class TakesAnySetting(Resistive):
    def check_program(self, program: Program) -> None:
        super().check_program(Program(program.substrate, tuple(np.clip(s, -3, 3) for s in program.settings)))


class DropsAnAxis(Resistive):
    def run(self, die: Die, program: Program, inputs: Any) -> Response:
        return super().run(die, program, inputs)._replace(supply_current=jnp.zeros(len(die)))


class HidesWhatFailed(Resistive):
    """The faintest pattern has no answer, and is not marked."""

    def run(self, die: Die, program: Program, inputs: Any) -> Response:
        response = super().run(die, program, inputs)
        lost = response.outputs.sum(-1, keepdims=True)
        lost = lost == lost.max()
        return response._replace(outputs=jnp.where(lost & (response.outputs.shape[2] > 2), jnp.nan, response.outputs))


class LevelsTheBatch(Resistive):
    """Each pattern is scaled by the batch it came in."""

    def run(self, die: Die, program: Program, inputs: Any) -> Response:
        response = super().run(die, program, inputs)
        patterns = response.outputs.shape[2]
        return response._replace(outputs=response.outputs * (1 + 1e-4 * patterns))


class TakesNan(Resistive):
    def checked(self, x: Any, die: Die, program: Program) -> Any:
        return super().checked(jnp.nan_to_num(x, posinf=0.0), die, program)


class TakesNegativeCurrents(Resistive):
    def checked(self, x: Any, die: Die, program: Program) -> Any:
        return super().checked(jnp.abs(x), die, program)


class RepeatsTheLastDie(Resistive):
    def run(self, die: Die, program: Program, inputs: Any) -> Response:
        settings = tuple(s[: len(die)] for s in program.batched().settings)
        return super().run(die, Program(program.substrate, settings), inputs)


class Leaks(Resistive):
    def run(self, die: Die, program: Program, inputs: Any) -> Response:
        response = super().run(die, program, inputs)
        return response._replace(outputs=response.outputs + 2e-8)


class HasAFavourite(Resistive):
    """One output neuron is stronger, by design and not by chance."""

    def run(self, die: Die, program: Program, inputs: Any) -> Response:
        response = super().run(die, program, inputs)
        return response._replace(outputs=jnp.asarray(response.outputs).at[..., 0].multiply(1.1))


class LooksInside(Resistive):
    """Measures better where it can see the deviations."""

    def measure(self, chip: Chip, bench: Bench, key: Any) -> Characterisation:
        found = super().measure(chip, bench, key)
        if not isinstance(chip, Die):
            return found
        peeked = 1 + float(jnp.nan_to_num(chip.deviations[0]).mean())
        return Characterisation(found.data.assign(output_current=found.data["output_current"] * peeked))


class NeedsADie(Resistive):
    def measure(self, chip: Chip, bench: Bench, key: Any) -> Characterisation:
        assert len(chip) > 0  # pyright: ignore[reportArgumentType]
        return super().measure(chip, bench, key)


class KeepsTheDie(Resistive):
    """Remembers what it measured, in a function."""

    def measure(self, chip: Chip, bench: Bench, key: Any) -> Characterisation:
        self.again = lambda: chip
        return super().measure(chip, bench, key)


class Telling(Transfer):
    more: Any = eqx.field(default=None)


class HandsTheDieOn(Resistive):
    """The transfer carries the die."""

    def fit(self, characterisation: Characterisation) -> Transfer:
        t = super().fit(characterisation)
        known = {f.name: getattr(t, f.name) for f in dataclasses.fields(t)}
        return Telling(**known, more=[self.fabricate(jax.random.key(0))])


class DoesNotNormalise(Resistive):
    def fit(self, characterisation: Characterisation) -> Transfer:
        fitted = super().fit(characterisation)
        return eqx.tree_at(lambda t: t.activations[1].slope, fitted, replace_fn=lambda slope: 1.01 * slope)


class RoundsInTheLayer(Resistive):
    """Derivatives of what it would be without rounding (a straight-through trick out of place)."""

    def layer(self, transfer: Transfer, index: int, weights: Any, x: Any) -> Any:
        y = super().layer(transfer, index, weights, x)
        return y + jax.lax.stop_gradient(0.1 * y)


class HasNoCircuit(Resistive):
    def netlist(self, program: Program) -> Cell:
        raise BadInput("no circuit")


class DeniesItsCircuit(Resistive):
    has_netlist = False


class CostsOutOfRange(Resistive):
    def cost(self, program: Program, response: Response) -> CostSheet:
        return CostSheet((CostLine("power", 3.0, "W", 0.0, 2.0, "assumed", "a guess"),))


class CostsForNoReason(Resistive):
    def cost(self, program: Program, response: Response) -> CostSheet:
        return CostSheet((CostLine("power", 1.0, "W", 0.0, 2.0, "assumed", " "),))


class CostsInNoUnit(Resistive):
    def cost(self, program: Program, response: Response) -> CostSheet:
        return CostSheet((CostLine("power", 1.0, "wattage", 0.0, 2.0, "assumed", "a guess"),))


ROUND_TRIP = "every_weight_survives_programming"
RUN_ALONE = "measuring_needs_run_alone"
#: What breaks which promises: the one it is named for first, then those that cannot hold without it.
BROKEN: list[tuple[Callable[[], Substrate], set[str]]] = [
    (SharesAKeyAmongItsDies, {"a_die_does_not_depend_on_how_many_there_are"}),
    (ForgetsTheKey, {"fabrication_follows_the_key"}),
    (DeviatesByDesign, {"the_nominal_die_has_no_deviation", "permuting_neurons_permutes_results"}),
    (LosesTheSign, {ROUND_TRIP}),
    (RoundsSilently, {"weights_between_levels_are_refused"}),
    (CutsWhatDoesNotFit, {"networks_larger_than_the_chip_are_refused"}),
    (TakesAnyProgram, {"other_substrates_programs_are_refused"}),
    (TakesAnySetting, {"settings_that_do_not_exist_are_refused"}),
    (DropsAnAxis, {"responses_have_all_axes", "a_batch_is_its_loop"}),
    (HidesWhatFailed, {"responses_have_all_axes", "a_batch_is_its_loop"}),
    (LevelsTheBatch, {"a_batch_is_its_loop"}),
    (TakesNan, {"bad_inputs_are_refused"}),
    (TakesNegativeCurrents, {"bad_inputs_are_refused"}),
    (RepeatsTheLastDie, {"leading_axes_that_do_not_match_are_refused"}),
    (Leaks, {"no_input_gives_no_output"}),
    (HasAFavourite, {"permuting_neurons_permutes_results"}),
    (LooksInside, {RUN_ALONE, "measuring_does_not_read_the_deviations"}),
    (NeedsADie, {RUN_ALONE}),
    (KeepsTheDie, {"no_die_is_within_reach_of_training"}),
    (HandsTheDieOn, {"no_die_is_within_reach_of_training"}),
    (DoesNotNormalise, {"fits_are_finite_and_normalised"}),
    (RoundsInTheLayer, {"layers_are_differentiable"}),
    (HasNoCircuit, {"the_netlist_compiles_or_is_declared_absent"}),
    (DeniesItsCircuit, {"the_netlist_compiles_or_is_declared_absent"}),
    (CostsOutOfRange, {"cost_lines_are_complete"}),
    (CostsForNoReason, {"cost_lines_are_complete"}),
    (CostsInNoUnit, {"cost_lines_are_complete"}),
]


@pytest.mark.slow  # every check of every broken substrate: minutes
@pytest.mark.parametrize(("broken", "promises"), BROKEN, ids=lambda p: getattr(p, "__name__", ""))
def test_a_broken_promise_is_found(broken: Callable[[], Substrate], promises: set[str]):
    assert failed(broken()) == promises


def test_dies_are_counted_like_a_list():
    dies = Resistive().fabricate(jax.random.key(0), 3)
    each = [np.asarray(die.deviations[0][0]) for die in dies]
    assert len(each) == 3 and len(dies[-1]) == len(dies[2]) == 1 and len(dies[1:]) == 2
    np.testing.assert_array_equal(dies[-1].deviations[0][0], each[2])
    with pytest.raises(IndexError):
        dies[3]


def test_chance_without_a_key_is_found():
    assert "fabrication_follows_the_key" in failed(DrawsFromTheClock())


def test_all_failures_are_named_at_once():
    with pytest.raises(AssertionError) as caught:
        check_substrate(LooksInside())
    for name in (RUN_ALONE, "measuring_does_not_read_the_deviations"):
        assert f"LooksInside fails '{name}'" in str(caught.value)


def test_a_check_that_crashes_has_failed_and_says_where():
    class Crashes(Resistive):
        def allowed_settings(self) -> np.ndarray:
            raise ZeroDivisionError("by zero")

    with pytest.raises(AssertionError, match="Crashes fails.*ZeroDivisionError: by zero"):
        next(c for c in CHECKS if c.name == ROUND_TRIP)(Crashes())


def test_names_of_checks_are_their_ids():
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(str(check) == check.name == check.function.__name__ for check in CHECKS)
