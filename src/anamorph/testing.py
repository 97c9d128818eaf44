"""Does a substrate keep the contract? One check per promise, for ours and for a stranger's.

    from anamorph.testing import check_substrate
    check_substrate(MySubstrate((3, 4, 2)))

or, with every check a test of its own::

    @pytest.mark.parametrize("check", substrate_checks(), ids=str)
    def test_contract(check):
        check(MySubstrate((3, 4, 2)))

The checks know `anamorph.substrate.contract` and nothing else: no substrate's name, no circuit. A small shape keeps
them quick; at least three layers and two neurons in each let them see the most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from anamorph.conformance import chips, programs, transfers
from anamorph.conformance.subject import FULL_SCALE, Subject
from anamorph.substrate.contract import Substrate

#: In the order in which a new substrate is best mended: what comes first, the rest stands on.
_CHECKS: tuple[Callable[[Subject], None], ...] = (
    chips.fabrication_follows_the_key,
    chips.a_die_does_not_depend_on_how_many_there_are,
    chips.the_nominal_die_has_no_deviation,
    programs.every_weight_survives_programming,
    programs.weights_between_levels_are_refused,
    programs.networks_larger_than_the_chip_are_refused,
    programs.other_substrates_programs_are_refused,
    programs.settings_that_do_not_exist_are_refused,
    chips.responses_have_all_axes,
    chips.a_batch_is_its_loop,
    chips.bad_inputs_are_refused,
    chips.leading_axes_that_do_not_match_are_refused,
    chips.no_input_gives_no_output,
    chips.permuting_neurons_permutes_results,
    transfers.measuring_needs_run_alone,
    transfers.measuring_does_not_read_the_deviations,
    transfers.no_die_is_within_reach_of_training,
    transfers.fits_are_finite_and_normalised,
    transfers.layers_are_differentiable,
    programs.the_netlist_compiles_or_is_declared_absent,
    programs.cost_lines_are_complete,
)


@dataclass(frozen=True)
class Check:
    """One promise of the contract, callable with a substrate."""

    name: str
    function: Callable[[Subject], None]

    def __call__(self, substrate: Substrate, full_scale: float = FULL_SCALE) -> None:
        """Check it.

        Args:
            substrate: any implementation of the contract.
            full_scale: an input current at which its neurons work, A.

        Raises:
            AssertionError: the promise is broken; the message says how.
        """
        kind = type(substrate).__name__
        try:
            self.function(Subject(substrate, full_scale))
        except AssertionError as error:
            raise AssertionError(f"{kind} fails '{self}': {error}") from error
        except Exception as error:
            raise AssertionError(f"{kind} fails '{self}': {type(error).__name__}: {error}") from error

    def __str__(self) -> str:
        return self.name


def substrate_checks() -> Iterator[Check]:
    """Every check, in order."""
    for function in _CHECKS:
        yield Check(function.__name__, function)


def check_substrate(substrate: Substrate, full_scale: float = FULL_SCALE) -> None:
    """Run every check of the contract on `substrate`.

    Args:
        substrate: any implementation of `anamorph.substrate.contract.Substrate`.
        full_scale: an input current at which its neurons work, A.

    Raises:
        AssertionError: with the name of every check that failed and why.
    """
    failures = []
    for check in substrate_checks():
        try:
            check(substrate, full_scale)
        except AssertionError as error:
            failures.append(str(error))
    if failures:
        raise AssertionError("\n".join(failures))
