"""`anamorph processor network`: what it prints and writes, and which sizes it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from anamorph import cli


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["processor", "network", *arguments])


def test_layers_and_totals(tmp_path: Path) -> None:
    done = call("lenet5", "--json", str(tmp_path / "net.json"))
    assert done.exit_code == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["C3", "150", "16", "1", "100", "1", "1,500", "150,000"] in lines
    assert ["pooling", "2", "6,304", "44"] in lines
    assert "weights: 60,570 in 5 products (and 226 biases; 60,840 parameters in all)" in done.stdout
    assert "MACs per inference: 326,520 with stored weights, 0 between activations" in done.stdout
    written = json.loads((tmp_path / "net.json").read_text())
    assert (written["macs"], written["weights"], len(written["operations"])) == (326_520, 60_570, 14)
    third = next(op for op in written["operations"] if op["name"] == "C3")
    assert (third["cells"], third["weights"], third["window"]["kernel"]) == (2400, 1500, [5, 5])
    assert list(tmp_path.iterdir()) == [tmp_path / "net.json"]


def test_bad_names_and_sizes() -> None:
    done = call("lenet")
    assert done.exit_code == 2 and "Did you mean 'lenet5'?" in done.stderr
    for size in ("batch", "batch=", "batch=0", "=3", "batch=-1", "batch=9999999999"):
        done = call("net.onnx", "--dimension", size)
        assert done.exit_code == 2 and "--dimension: not a size" in done.stderr


def test_an_onnx_file_by_its_name(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, numpy_helper

    def value(name: str, *shape: int | str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    stored = numpy_helper.from_array(np.zeros((8, 3), np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="dense" * 20)]
    graph = helper.make_graph(nodes, "g", [value("x", "batch", 8)], [value("y", "batch", 3)], [stored])
    path = tmp_path / "mine.onnx"
    path.write_bytes(helper.make_model(graph, ir_version=8).SerializeToString())
    done = call(str(path))
    assert done.exit_code == 2 and "--dimension batch=1" in done.stderr
    done = call(str(path), "--dimension", "batch=2")
    assert done.exit_code == 0 and done.stdout.startswith("mine: ONNX file mine.onnx")
    assert max(map(len, done.stdout.splitlines())) < 120 and "..." in done.stdout
    assert "MACs per inference: 48 with stored weights" in done.stdout


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    done = call("net.onnx")
    assert done.exit_code == 2 and "pip install 'anamorph[onnx]'" in done.stderr
