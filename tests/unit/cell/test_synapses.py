"""Synapse circuits: devices, ports and connections."""

from __future__ import annotations

import pytest

from anamorph.cell import synapse_dpi, synapse_transconductor, synapse_ulp
from anamorph.cell.synapse_compact import compact_front, compact_synapse
from anamorph.circuit.netlist import Cell


def sizes(cell: Cell) -> dict[str, tuple[int, int]]:
    return {name.rpartition(".")[2]: (round(fet.w * 1e9), round(fet.l * 1e9)) for name, fet in cell.fets()}


def test_compact_synapse_has_the_devices_of_table_two() -> None:
    assert sizes(compact_synapse(feedback=True)) == {
        "MPR": (500, 3000),
        "MNTrans": (135, 480),
        "MP1": (270, 60),
        "MP2_0": (324, 60),
        "MP3": (1840, 60),
    }
    assert set(sizes(compact_front())) == {"MPR", "MNTrans", "MP1"}


def test_one_front_serves_several_legs() -> None:
    cell = compact_synapse(((135, 60), (500, 120)))
    assert cell.ports == ("v_pre", "i_out_0", "i_out_1", "vdd")
    assert sizes(cell)["MP2_1"] == (500, 120)
    assert [fet.gate for name, fet in cell.fets() if name.startswith("MP2")] == ["v_mirror", "v_mirror"]


@pytest.mark.parametrize(
    ("cell", "count", "biases"),
    [
        (synapse_dpi.dpi_synapse(), 6, synapse_dpi.BIASES),
        (synapse_transconductor.transconductor_synapse(), 4, synapse_transconductor.BIASES),
        (synapse_ulp.ulp_synapse(), 6, synapse_ulp.BIASES),
    ],
)
def test_the_other_synapses(cell: Cell, count: int, biases: dict[str, float]) -> None:
    assert sum(1 for _ in cell.fets()) == count
    assert cell.ports == ("v_pre", "i_out", "vdd", *biases)
    assert all(0 <= bias <= 0.2 for bias in biases.values())
