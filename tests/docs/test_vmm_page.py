"""docs/vmm.md: its commands exist, and the figures that it quotes are those of the model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anamorph.cli import app
from anamorph.technology.memory import load_memory
from anamorph.vmm.cost import block_cost
from anamorph.vmm.design import Design, cell, encoding

PAGE = (Path(__file__).parents[2] / "docs" / "vmm.md").read_text()


def _cost(name: str, coded: str, bits: int, size: int):
    return block_cost(Design(cell(name), encoding(coded), bits, bits, bits, size, size))


def test_its_commands_are_understood():
    """All but the files that they write and the simulation of dies."""
    for line in re.findall(r"^    anamorph (vmm compare[^#\n]*)", PAGE, re.MULTILINE):
        asked = [word for word in re.sub(r"--(page|json) \S+|--error", "", line).split() if word]
        assert CliRunner().invoke(app, asked).exit_code == 0, line


@pytest.mark.parametrize(
    ("name", "coded", "bits", "size", "energy", "weight"),
    [
        ("1t1r_active", "exp", 4, 200, "0.86 fJ/Op", None),
        ("3d_nand", "exp", 5, 200, "9.3 fJ/Op", None),
        ("3d_nand", "lin", 4, 500, "8.8 fJ/Op", "0.027 um^2/byte"),
    ],
)
def test_quoted_multipliers(name: str, coded: str, bits: int, size: int, energy: str, weight: str | None):
    cost = _cost(name, coded, bits, size)
    assert energy in PAGE
    assert float(energy.split()[0]) == pytest.approx(float(cost.energy_per_operation) * 1e15, rel=0.01)
    if weight:
        assert weight in PAGE
        assert float(weight.split()[0]) == pytest.approx(float(cost.area_per_weight) * 1e12 * 8 / bits, rel=0.02)


def test_quoted_orderings():
    three = [_cost(*case, 4, 200) for case in (("3d_nand", "exp"), ("1t1r_active", "lin"), ("2d_nor", "ins"))]
    areas = [float(f"{float(c.area_per_weight) * 1e12:.1g}" if i < 2 else f"{float(c.area_per_weight) * 1e12:.2g}")
             for i, c in enumerate(three)]  # fmt: skip
    assert areas == [0.05, 0.6, 2.2] and "0.05, 0.6, 2.2 um^2 per weight" in PAGE
    energies = [round(float(c.energy_per_operation) * 1e15, 1) for c in (three[1], three[2], three[0])]
    assert energies == [0.8, 1.2, 6.5] and "0.8, 1.2, 6.5 fJ/Op" in PAGE
    assert "9 ns, beside 24 and 32" in PAGE
    assert [round(float(c.time) * 1e9) for c in (three[2], three[1], three[0])] == [9, 24, 32]


def test_the_fitted_figures_are_those_on_the_cards_and_no_others_claim_it():
    fitted = {
        (name, key): figure.value
        for name in ("2d_nor", "1t1r", "0t1r", "3d_nand")
        for section in load_memory(name).figures.values()
        for key, figure in section.items()
        if figure.basis == "calibrated"
    }
    assert set(fitted) == {("2d_nor", "i_max"), ("3d_nand", "i_max"), ("2d_nor", "dibl"), ("1t1r", "dibl")}
    for text, value in (("69 nA", fitted["2d_nor", "i_max"]), ("116 nA", fitted["3d_nand", "i_max"])):
        assert text in PAGE and float(text.split()[0]) == pytest.approx(value * 1e9)
    for text, value in (("8 mV/V", fitted["2d_nor", "dibl"]), ("10.5 mV/V", fitted["1t1r", "dibl"])):
        assert text in PAGE and float(text.split()[0]) == pytest.approx(value * 1e3)
