"""`anamorph vmm compare`: every combination once, with its figures or with why it cannot work; bad input by name."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from anamorph.cli import app
from anamorph.errors import BadInput
from anamorph.vmm.compare import compare, parse_bits, parse_sizes, table
from anamorph.vmm.cost import block_cost
from anamorph.vmm.design import CELLS, ENCODINGS

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def points():
    return compare(
        sizes=[(64, 64), (200, 200)], errors=lambda design: {"noise": 0.01, "resolution": 0.015, "all": 0.02}
    )


def test_every_combination_is_there_once(points):
    names = [(p.design.cell.name, p.design.encoding.name, p.design.rows) for p in points]
    assert len(set(names)) == len(names) == 2 * len(CELLS) * len(ENCODINGS)
    assert all((p.cost is None) == (p.refused is not None) for p in points)


def test_numbers_are_those_of_the_cost(points):
    point = next(p for p in points if p.name == "3d_nand EXP" and p.design.rows == 200)
    record, cost = point.as_json(), block_cost(point.design)
    assert record["energy_per_operation"] == pytest.approx(float(cost.total_energy) / 80_000)
    assert record["area_per_weight"] == pytest.approx(float(cost.total_area) / 40_000 / 64)
    assert sum(record["area_by_part"].values()) == pytest.approx(record["area"])
    assert record["throughput"] == pytest.approx(80_000 / record["interval"])


def test_the_table_has_a_line_per_design_and_the_reasons(points):
    text = table(points)
    assert text.count("cannot work: ") == sum(p.refused is not None for p in points)
    for point in points:
        assert point.name in text
    assert "64 x 64, 4-bit inputs" in text and "2 %" in text and "noise 1 %" in text


def test_the_command_writes_page_and_numbers(tmp_path):
    page, numbers = tmp_path / "c.html", tmp_path / "c.json"
    asked = ["vmm", "compare", "--cell", "2d_nor", "--cell", "3d_nand", "--bits", "4,5,4", "--size", "32x16"]
    done = RUNNER.invoke(app, [*asked, "--page", str(page), "--json", str(numbers)])
    assert done.exit_code == 0, done.output
    found = json.loads(numbers.read_text())
    assert [r["cell"] for r in found] == ["2d_nor"] * 3 + ["3d_nand"] * 3
    assert all(r["rows"] == 32 and r["columns"] == 16 and r["weight_bits"] == 5 for r in found)
    assert found[3]["refused"] and "time" not in found[3]
    assert "cannot work" in page.read_text() or "What cannot work" in page.read_text()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--cell", "2d_nro"], "Did you mean '2d_nor'"),
        (["--encoding", "lim"], "Did you mean 'lin'"),
        (["--bits", "four"], "not bits"),
        (["--bits", "4,4"], "not bits"),
        (["--bits", "40"], "out of range"),
        (["--size", "0"], "size out of range"),
        (["--size", "12x13x14"], "not a size"),
        (["--size", "-5"], "not a size"),
        (["--memory", "missing.toml"], "no such memory card"),
        (["--json", "/nowhere/at/all.json"], "cannot be written"),
    ],
)
def test_bad_input_is_refused_by_name(asked: list[str], said: str):
    done = RUNNER.invoke(app, ["vmm", "compare", *asked])
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_texts():
    assert parse_sizes(["200", "500x300"]) == [(200, 200), (500, 300)]
    assert parse_bits(["4", "4,5,6"]) == [(4, 4, 4), (4, 5, 6)]
    with pytest.raises(BadInput, match="too many points"):
        compare(sizes=[(n, n) for n in range(1, 2000)])
