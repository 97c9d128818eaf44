"""`anamorph data`: what it lists, and what it says where nothing can be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from anamorph import cli
from anamorph.data import mnist


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch) -> Path:
    """An empty cache, and addresses at which nothing listens."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("ANAMORPH_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    files = tuple(replace(f, urls=("http://127.0.0.1:9/x",)) for f in mnist.FILES)
    monkeypatch.setattr(mnist, "FILES", files)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["data", *arguments])


def test_list_says_what_each_set_is_and_where(nowhere: Path, monkeypatch) -> None:
    listed = call("list").stdout
    assert "mnist14: handwritten digits, 196 of 28 x 28 pixels" in listed
    assert "  60000 + 10000 samples, 196 features, 10 classes; official split" in listed
    assert "  data.pixels: " in listed and "most_active or checkerboard or averaged (default most_active)" in listed
    assert "licence: CC BY-SA 4.0" in listed
    assert "not here: mnist/train-images-idx3-ubyte.gz, mnist/train-labels" in listed
    assert "not here: spoken_digits/recordings/*.wav (3000 files)" in listed
    assert listed.count("here: comes with the package") == 2
    (nowhere / "mine/tidigits").mkdir(parents=True)
    monkeypatch.setenv("ANAMORPH_DATA", str(nowhere / "mine"))
    assert f"here: {nowhere / 'mine/tidigits'}" in call("list").stdout


def test_fetch_names_what_to_put_where() -> None:
    found = call("fetch", "iris", "mnist14")
    assert found.exit_code == 2
    assert found.stdout == "iris: here: comes with the package\n"
    lines = found.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: mnist14: the data set is not here")
    assert "mnist/t10k-labels-idx1-ubyte.gz in one of" in lines[0]


def test_a_misspelt_name_stops_before_any_download() -> None:
    found = call("fetch", "mnist14", "iriss")
    assert found.exit_code == 2
    assert "Did you mean 'iris'?" in found.stderr and "the data set is not here" not in found.stderr
