"""Errors layer by layer, of a file and of a built-in network, and what a file's network is run on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from anamorph.cli_processor_accuracy import figures
from anamorph.errors import BadInput
from anamorph.processor.accuracy.layers import Compared, judge, layer_table
from anamorph.processor.accuracy.samples import feeds_of
from anamorph.processor.design import Processor
from anamorph.processor.inference import Exact, Products, open_model


class Doubled(Products):
    """Twice the product."""

    def __call__(self, name: str, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        return 2 * (x @ w)


def dense(path: Path, rows: int = 12) -> Path:
    """y = softmax(x w) of two vectors at a time."""
    w = np.random.default_rng(0).normal(size=(rows, 4)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["s"], name="dense"), helper.make_node("Softmax", ["s"], ["y"], axis=-1),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, rows))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (2, 4))], [numpy_helper.from_array(w, "w")],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    path.write_bytes(made.SerializeToString())
    return path


def test_errors_are_of_each_product_alone() -> None:
    random = np.random.default_rng(0)
    compared = Compared({"itself": Exact(), "twice": Doubled()})
    x, w = random.normal(size=(1, 5, 3)), random.normal(size=(1, 3, 2))
    for _ in range(2):
        np.testing.assert_array_equal(compared("a", x, w), x @ w)
    assert compared.errors() == {"a": {"itself": 0.0, "twice": pytest.approx(1.0)}}


def test_a_file_is_judged_layer_by_layer_and_whole(tmp_path: Path) -> None:
    path, random = dense(tmp_path / "net.onnx"), np.random.default_rng(1)
    model = open_model(path)
    x = random.normal(size=(9, 12)).astype(np.float32)
    right = (x @ model.weights["w"]).argmax(axis=1)
    np.savez(tmp_path / "in.npz", x=x, labels=right)
    design = Processor("2d_nor", input_bits=5, weight_bits=5, output_bits=6)
    result = judge(str(path), (design, Processor("3d_nand", "ins")), dies=1, inputs=tmp_path / "in.npz")
    (found,) = result["designs"]
    assert list(result["refused"]) == ["3d_nand ins 4 bits"]
    (layer,) = found["layers"]
    assert (layer["rows"], layer["columns"], layer["signed"]) == (12, 4, True)
    assert 0.005 < layer["rounded"] < layer["chips"][0] < 0.2
    assert found["floating point"] == {"error": 0.0, "same class": 1.0, "right": 1.0}
    assert found["outputs"]["digital"]["right"] >= 0.75 and 0 < found["outputs"]["chip 0"]["error"] < 0.2
    text = layer_table(result)
    assert "dense" in text and "outputs, chip 0" in text and "cannot work: 3d_nand ins 4 bits" in text


@pytest.mark.slow
def test_a_built_in_network_is_judged_on_random_values() -> None:
    result = judge("lenet5", (Processor("2d_nor"),), dies=1)
    layers = {layer["name"]: layer for layer in result["designs"][0]["layers"]}
    assert layers["C3"]["rows"] == 150 and layers["C3"]["columns"] == 16
    assert all(0.01 < layer["rounded"] < 0.4 and 0.01 < layer["chips"][0] < 0.6 for layer in layers.values())


def test_inputs_of_a_file_are_checked(tmp_path: Path) -> None:
    model = open_model(dense(tmp_path / "net.onnx"))
    drawn, labels = feeds_of(model, None, 0)
    assert len(drawn) == 8 and drawn[0]["x"].shape == (2, 12) and labels is None
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 11), np.float32))
    with pytest.raises(BadInput, match=r"does not fit.*expected \(2, 12\).*got \(3, 11\)"):
        feeds_of(model, tmp_path / "x.npz", 0)
    np.savez(tmp_path / "x.npz", z=np.zeros(3))
    with pytest.raises(BadInput, match="an input is missing.*got z"):
        feeds_of(model, tmp_path / "x.npz", 0)
    (tmp_path / "x.npz").write_bytes(b"PK")
    with pytest.raises(BadInput, match="not a readable .npz"):
        feeds_of(model, tmp_path / "x.npz", 0)
    with pytest.raises(BadInput, match="no such file"):
        feeds_of(model, tmp_path / "absent.npz", 0)
    with pytest.raises(BadInput, match="takes no inputs"):
        judge("lenet5", (Processor("2d_nor"),), 1, inputs=tmp_path / "x.npz")


def test_a_misspelt_network_is_told_the_nearest() -> None:
    with pytest.raises(BadInput, match="no task or network 'resnet152'.*resnet_152"):
        judge("resnet152", (Processor("2d_nor"),))


def test_figures_of_cells_are_read_by_name() -> None:
    assert figures(["tuning=0.05", "age=1e8"]) == (("age", 1e8), ("tuning", 0.05))
    for text, said in (("tunning=1", "no such figure 'tunning'.*tuning"), ("tuning=much", "not a number")):
        with pytest.raises(BadInput, match=said):
            figures([text])
