from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anamorph.characterise.characterisation import COORDINATES, MAX_CSV_BYTES, Characterisation
from anamorph.errors import BadInput

ROWS = [
    ("slope", 0, 1, 0, -1, 2, -1, 0, 50e-9, 41e-9),
    ("slope", 1, 0, 0, 1, 0, -1, 0, 100e-9, 7.25e-8),
    ("negative", 1, 0, 1, 0, 1, 2, -2, 100e-9, 1.5e-9),
]
HEADER = ",".join((*COORDINATES, "output_current"))


def table(dies: int = 2) -> Characterisation:
    columns = {name: np.array([row[k] for row in ROWS]) for k, name in enumerate(COORDINATES)}
    output = np.array([row[-1] for row in ROWS]) * np.linspace(1, 1.3, dies)[:, None]
    output[0, 2] = np.nan
    return Characterisation.of(columns, output, np.isfinite(output))


def csv(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def line(row: tuple) -> str:
    return ",".join(str(field) for field in row)


def test_a_file_holds_everything(tmp_path: Path):
    measured = table()
    measured.save(tmp_path / "c.nc")
    back = Characterisation.load(tmp_path / "c.nc")
    assert back.n_dies == 2 and back.data.identical(measured.data)
    assert back.data["converged"].dtype == bool and not bool(back.data["converged"][0, 2])
    assert back.data["output_current"].attrs["units"] == "A"
    assert [p.name for p in tmp_path.iterdir()] == ["c.nc"]  # nothing half-written is left


def test_saving_again_replaces_the_file(tmp_path: Path):
    table(2).save(tmp_path / "c.nc")
    table(5).save(tmp_path / "c.nc")
    assert Characterisation.load(tmp_path / "c.nc").n_dies == 5


@pytest.mark.parametrize("kept", [0, 10, 0.3, 0.9])
def test_a_file_cut_short_is_refused(tmp_path: Path, kept: float):
    path = tmp_path / "c.nc"
    table(40).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else int(kept)])
    with pytest.raises(BadInput, match=r"c\.nc.*Measure again"):
        Characterisation.load(path)


def test_what_is_no_characterisation_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="no characterisation"):
        Characterisation.load(tmp_path / "absent.nc")
    table().data.drop_vars("partner").assign(converged=("reading", [1, 1, 1])).to_netcdf(
        tmp_path / "other.nc", engine="h5netcdf"
    )
    with pytest.raises(BadInput, match="no 'partner'"):
        Characterisation.load(tmp_path / "other.nc")


def test_a_benchs_table_is_read(tmp_path: Path):
    read = Characterisation.from_csv(csv(tmp_path / "b.csv", *map(line, ROWS)))
    assert read.n_dies == 1 and bool(read.data["converged"].all())
    np.testing.assert_array_equal(read.data["output_current"][0], [row[-1] for row in ROWS])
    for k, name in enumerate(COORDINATES):
        assert read.data[name].values.tolist() == [row[k] for row in ROWS], name
    read.save(tmp_path / "b.nc")
    assert Characterisation.load(tmp_path / "b.nc").data.identical(read.data)


def test_columns_may_come_in_any_order(tmp_path: Path):
    names = HEADER.split(",")[::-1]
    shuffled = csv(tmp_path / "b.csv", *(line(row[::-1]) for row in ROWS), header=",".join(names))
    straight = csv(tmp_path / "a.csv", *map(line, ROWS))
    assert Characterisation.from_csv(shuffled).data.identical(Characterisation.from_csv(straight).data)


def changed(column: str, value: str) -> str:
    fields = [str(field) for field in ROWS[0]]
    fields[HEADER.split(",").index(column)] = value
    return ",".join(fields)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("kind", "slop", "line 3: unknown kind; expected slope or negative; got 'slop'"),
        ("layer", "one", "line 3: bad layer; expected a whole number; got 'one'"),
        ("neuron", "1.5", "line 3: bad neuron"),
        ("input_current", "50 nA", "line 3: bad input_current; expected a number in A; got '50 nA'"),
        ("output_current", "nan", "line 3: output_current is not finite"),
        ("output_current", "-inf", "line 3: output_current is not finite"),
        ("output_current", "", "line 3: bad output_current"),
    ],
)
def test_a_bad_field_is_named(tmp_path: Path, column: str, value: str, message: str):
    path = csv(tmp_path / "b.csv", line(ROWS[0]), changed(column, value))
    with pytest.raises(BadInput, match=f"b.csv: {message}"):
        Characterisation.from_csv(path)


def test_a_bad_table_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="no such file"):
        Characterisation.from_csv(tmp_path / "absent.csv")
    with pytest.raises(BadInput, match="no readings"):
        Characterisation.from_csv(csv(tmp_path / "empty.csv"))
    with pytest.raises(BadInput, match="wrong columns.*partner.*got kind"):
        header = HEADER.replace(",partner", "")
        Characterisation.from_csv(csv(tmp_path / "few.csv", header=header))
    with pytest.raises(BadInput, match="wrong columns"):
        Characterisation.from_csv(csv(tmp_path / "more.csv", header=HEADER + ",remark"))
    with pytest.raises(BadInput, match="bad"):
        Characterisation.from_csv(csv(tmp_path / "cut.csv", line(ROWS[0]), line(ROWS[1])[:12]))
    (tmp_path / "nothing.csv").write_text("")
    with pytest.raises(BadInput, match="wrong columns"):
        Characterisation.from_csv(tmp_path / "nothing.csv")


def test_a_line_with_too_many_fields_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="line 2"):
        Characterisation.from_csv(csv(tmp_path / "b.csv", line(ROWS[0]) + ",7"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    path = tmp_path / "b.csv"
    path.write_bytes(b"\xff\xfe\x00kind")
    with pytest.raises(BadInput, match="b.csv"):
        Characterisation.from_csv(path)


def test_a_file_too_large_is_not_read(tmp_path: Path):
    path = tmp_path / "b.csv"
    with path.open("wb") as stream:
        stream.truncate(MAX_CSV_BYTES + 1)
    with pytest.raises(BadInput, match="too large"):
        Characterisation.from_csv(path)
