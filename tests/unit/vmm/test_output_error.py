"""How wrong designs are: the table of sources, and what a line's swing does to its precision."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from anamorph.errors import BadInput, OutOfDomain
from anamorph.vmm.behaviour import Vmm
from anamorph.vmm.design import CELLS, EXP, INS, LIN, Design
from anamorph.vmm.drain import line_bits, steepness
from anamorph.vmm.errors import effective_bits, output_error, sources_of
from anamorph.vmm.physics import figures, physics_of

NOR = Design(CELLS["2d_nor"], EXP, 6, 6, 6, 32, 8)


@pytest.fixture(scope="module")
def table() -> dict[str, float]:
    return output_error(NOR)


def test_every_source_has_a_row_and_all_together_are_their_root_of_squares(table) -> None:
    assert tuple(table) == (*sources_of(NOR), "all")
    assert all(value > 1e-6 for value in table.values())
    squares = math.sqrt(sum(value**2 for name, value in table.items() if name != "all"))
    # independent but for the common scale, and for rounding, which is not even when little else varies
    assert table["all"] == pytest.approx(squares, rel=0.15)


def test_rounding_errs_by_a_step_over_the_root_of_twelve(table) -> None:
    # 31 steps of either sign; 2048 outputs, a few of which are beyond the end
    assert table["resolution"] == pytest.approx(1 / 31 / math.sqrt(12), rel=0.1)
    assert effective_bits(table["resolution"]) == pytest.approx(math.log2(62), abs=0.15)
    assert effective_bits(0.0) == math.inf


def test_a_larger_error_of_cells_shows_where_it_should(table) -> None:
    worse = output_error(NOR, replace(physics_of(NOR), tuning=0.05))
    assert worse["tuning"] == pytest.approx(10 * table["tuning"], rel=0.02)
    assert worse["drift"] == table["drift"]


def test_precision_of_a_line_falls_by_a_bit_for_each_doubling_of_its_swing() -> None:
    physics = physics_of(NOR)
    bits = [line_bits(physics, swing) for swing in (0.05, 0.1, 0.2, 0.4)]
    # a S is up to 0.1: the next order is a twentieth of a bit
    np.testing.assert_allclose(np.diff(bits), -1, atol=0.05)
    assert line_bits(physics, 0.2) == pytest.approx(math.log2(4 / (steepness(physics) * 0.2)), abs=0.05)


def test_nor_cells_in_the_time_domain_have_six_bits_at_the_swing_of_their_design() -> None:
    # arXiv:1711.10673, abstract: barrier lowering limits the multiplier to about 6 bits
    assert line_bits(physics_of(NOR)) == pytest.approx(6, abs=0.25)
    assert line_bits(physics_of(replace(NOR, cell=CELLS["0t1r"]))) == math.inf


def test_what_bounds_a_swing() -> None:
    with pytest.raises(OutOfDomain, match="saturation"):
        replace(physics_of(NOR), swing=0.75)


@pytest.mark.parametrize("cell", CELLS.values(), ids=lambda c: c.name)
@pytest.mark.parametrize("encoding", [INS, LIN, EXP], ids=lambda e: e.name)
def test_figures_of_every_kind_are_plausible(cell, encoding) -> None:
    physics = physics_of(Design(cell, encoding, 4, 4, 4, 64, 64))
    assert physics.active == cell.active
    assert 1e-9 < physics.current < 1e-4 and 0 < physics.base < 0.2
    assert 1e-10 < physics.duration < 1e-6 and 1e-15 < physics.capacitor < 1e-10
    if not (encoding is INS and not cell.active):
        # all cells on move the capacitor by the swing
        moved = 64 * physics.current * physics.duration / physics.capacitor
        assert moved == pytest.approx(physics.swing, rel=1e-6)


def test_every_figure_of_a_card_says_where_it_comes_from() -> None:
    for memory in {cell.memory for cell in CELLS.values()}:
        for table in figures(memory).values():
            assert all(figure.source and figure.basis for figure in table.values())
    with pytest.raises(BadInput, match="no deviations of a memory"):
        figures("core")


def test_impossible_figures_are_refused() -> None:
    physics = physics_of(NOR)
    for name, value in (("current", 0.0), ("tuning", -0.1), ("age", math.nan), ("base", 1.0)):
        with pytest.raises(BadInput, match=name):
            replace(physics, **{name: value})
    assert Vmm(NOR).physics == physics
