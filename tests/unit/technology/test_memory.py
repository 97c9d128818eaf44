"""Memory cards: what they hold, and what is refused."""

from __future__ import annotations

import pytest

from anamorph.errors import BadInput
from anamorph.technology.figure_table import FIGURE_BASES
from anamorph.technology.memory import load_memory, memory_names
from anamorph.vmm.design import CELLS


def test_every_cell_has_its_memory():
    assert {cell.memory for cell in CELLS.values()} == set(memory_names())
    for cell in CELLS.values():
        assert ("active" if cell.active else "passive") in load_memory(cell.memory).figures


def test_published_geometry():
    assert load_memory("2d_nor").cell_area == pytest.approx(0.33e-12, rel=0.01)  # arXiv:1611.03379
    assert load_memory("3d_nand").planes == 64
    assert load_memory("1t1r").planes == 1


def test_every_figure_has_a_source_and_a_basis():
    for name in memory_names():
        for section in load_memory(name).figures.values():
            for figure in section.values():
                assert figure.source and figure.basis in FIGURE_BASES


def _changed(tmp_path, old: str, new: str):
    from importlib import resources

    text = (resources.files("anamorph.technology") / "memories" / "2d_nor.toml").read_text()
    assert old in text
    path = tmp_path / "card.toml"
    path.write_text(text.replace(old, new))
    return path


def test_a_card_of_ones_own_is_read(tmp_path):
    path = _changed(tmp_path, '"69 nA"', '"100 nA"')
    assert load_memory(path).value("active", "i_max") == pytest.approx(100e-9)
    assert load_memory(path).digest != load_memory("2d_nor").digest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"69 nA"', '"69 nF"', "wrong unit"),
        ('"69 nA"', '"69 A"', "out of range"),
        ("i_max =", "i_mx =", "unknown figure 'i_mx'; .*|Did you mean 'i_max'"),
        ('basis = "calibrated"', 'basis = "guessed"', "unknown basis 'guessed'"),
        ("[active]", "[activ]", "unknown key 'activ'"),
        ("[active]", "[active", "not a TOML file"),
    ],
)
def test_bad_cards_are_refused_by_name(tmp_path, old: str, new: str, said: str):
    with pytest.raises(BadInput, match=said):
        load_memory(_changed(tmp_path, old, new))


def test_unknown_memories_give_the_nearest():
    with pytest.raises(BadInput, match="Did you mean '2d_nor'"):
        load_memory("2d_nro")
    with pytest.raises(BadInput, match="no such memory card"):
        load_memory("missing.toml")
    with pytest.raises(BadInput, match="no \\[passive\\] cells"):
        load_memory("2d_nor").value("passive", "g_max")
