from __future__ import annotations

import pytest

from anamorph.cost.sheet import CostLine, CostSheet
from anamorph.errors import BadInput

POWER = CostLine("power", 2e-6, "W", 1e-6, 3e-6, "simulated", "supply", 5)
AREA = CostLine("area", 1e-9, "m^2", 1e-10, 2e-9, "assumed", "netlist")
SHEET = CostSheet((POWER, AREA))


def test_lines_are_found_by_their_quantity():
    assert SHEET.line("area") is AREA and SHEET.line("power") is POWER


def test_a_misspelt_quantity_is_answered_with_the_nearest():
    with pytest.raises(BadInput, match="no cost line 'pwer'. Did you mean 'power'?"):
        SHEET.line("pwer")
    with pytest.raises(BadInput, match="Known: area, power"):
        SHEET.line("colour")


def test_metrics_are_what_a_result_holds():
    metrics = SHEET.metrics()
    assert list(metrics) == ["power", "area"]
    assert metrics["power"] == {"value": 2e-6, "unit": "W", "low": 1e-6, "high": 3e-6, "basis": "simulated", "n": 5}
    assert metrics["area"]["n"] == 1
