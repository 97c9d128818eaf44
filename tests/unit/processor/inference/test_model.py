"""Whole files: run beside onnxruntime, and what is refused before it could run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from anamorph.errors import BadInput
from anamorph.processor.inference import Inference, open_model
from anamorph.processor.inference import model as limits

FLOAT = TensorProto.FLOAT
node = helper.make_node


def save(path: Path, nodes: list[Any], inputs: dict[str, tuple[Any, ...]], stored: dict[str, np.ndarray],
         outside: bool = False, opset: int = 20, rank: int = 2) -> Path:  # fmt: skip
    """A file that gives `y`; with `outside`, its weights in a file beside it, as torch writes them."""
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(n, FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info("y", FLOAT, [None] * rank)],
        [numpy_helper.from_array(v, n) for n, v in stored.items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    if outside:
        onnx.save(made, path, save_as_external_data=True, location="weights.bin", size_threshold=100)
    else:
        path.write_bytes(made.SerializeToString())
    return path


def images_and_words(folder: Path, outside: bool) -> Path:
    """A small classifier with branches, and a reshape to a size that the file computes from another tensor's."""
    random = np.random.default_rng(0)

    def of(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2], name="first"),
        node("BatchNormalization", ["c", "s", "t", "m", "v"], ["n"]),
        node("Relu", ["n"], ["r"]),
        node("Conv", ["r", "w2"], ["d"], group=4, pads=[1, 1, 1, 1], name="depthwise"),
        node("Add", ["r", "d"], ["a"]),
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["batch"], axis=0),
        node("Mod", ["batch", "seven"], ["same"]),
        node("Unsqueeze", ["same", "zeros"], ["one"]),
        node("Concat", ["one", "rest"], ["target"], axis=0),
        node("Reshape", ["a", "target"], ["f"]),
        node("MatMul", ["f", "w3"], ["h"], name="dense"),
        node("Sigmoid", ["h"], ["g"]),
        node("Gemm", ["g", "w4", "b4"], ["y"], transB=1, alpha=0.5, name="last"),
    ]
    stored = {
        "w1": of(4, 3, 3, 3), "b1": of(4), "s": of(4), "t": of(4), "m": of(4), "v": of(4) ** 2 + 0.5,
        "w2": of(4, 1, 3, 3), "w3": of(64, 9), "w4": of(5, 9), "b4": of(5),
        "zero": np.array(0, np.int64), "seven": np.array(7, np.int64), "zeros": np.array([0], np.int64),
        "rest": np.array([-1], np.int64),
    }  # fmt: skip
    return save(folder / "net.onnx", nodes, {"x": ("batch", 3, 8, 8)}, stored, outside)


@pytest.mark.parametrize("outside", [False, True], ids=["in the file", "beside it"])
def test_a_network_gives_what_onnxruntime_gives(outside: bool, tmp_path: Path) -> None:
    path = images_and_words(tmp_path, outside)
    x = np.random.default_rng(1).normal(size=(6, 3, 8, 8)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    expected = np.asarray(session.run(None, {"x": x})[0])
    model = open_model(path, {"batch": 6})
    assert [op.name for op in model.network.products] == ["first", "depthwise", "dense", "last"]
    found = Inference(model).run({"x": x})["y"]
    # sums of up to 64 float32 products in another order
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_inputs_are_checked_by_name_and_shape(tmp_path: Path) -> None:
    run = Inference(open_model(images_and_words(tmp_path, False), {"batch": 2})).run
    with pytest.raises(BadInput, match="no input 'x'.*got images"):
        run({"images": np.zeros((2, 3, 8, 8))})
    with pytest.raises(BadInput, match=r"another shape.*expected \(2, 3, 8, 8\); got \(1, 3, 8, 8\)"):
        run({"x": np.zeros((1, 3, 8, 8))})
    with pytest.raises(BadInput, match="no input is named 'z'"):
        run({"x": np.zeros((2, 3, 8, 8)), "z": np.zeros(1)})


def dense(folder: Path, **external: str) -> Path:
    """y = x w, with w's data where `external` says."""
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[4, 3], data_location=TensorProto.EXTERNAL)
    for key, value in external.items():
        tensor.external_data.add(key=key, value=value)
    graph = helper.make_graph(
        [node("MatMul", ["x", "w"], ["y"])], "g", [helper.make_tensor_value_info("x", FLOAT, (2, 4))],
        [helper.make_tensor_value_info("y", FLOAT, [None] * 2)], [tensor],
    )  # fmt: skip
    path = folder / "dense.onnx"
    path.write_bytes(helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 20)])
                     .SerializeToString())  # fmt: skip
    return path


def test_external_data_is_read_within_its_bounds_only(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"\1" * 16 + np.arange(12, dtype="<f4").tobytes())
    model = open_model(dense(tmp_path, location="w.bin", offset="16", length="48"))
    np.testing.assert_array_equal(model.weights["w"], np.arange(12).reshape(4, 3))
    with pytest.raises(BadInput, match="cut short.*expected 48 bytes at 32; got 32"):
        open_model(dense(tmp_path, location="w.bin", offset="32"))
    with pytest.raises(BadInput, match="does not fit its shape.*expected 48 bytes; got 64 at 0"):
        open_model(dense(tmp_path, location="w.bin", length="64"))
    with pytest.raises(BadInput, match="does not fit its shape"):
        open_model(dense(tmp_path, location="w.bin", offset="-8"))
    with pytest.raises(BadInput, match="cannot be understood"):
        open_model(dense(tmp_path, location="w.bin", offset="one"))
    with pytest.raises(BadInput, match="cannot read its external data"):
        open_model(dense(tmp_path, location="absent.bin"))
    with pytest.raises(BadInput, match="outside the file's folder"):
        open_model(dense(tmp_path, location="../w.bin"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match="cannot read its external data|no file"):
        open_model(dense(tmp_path, location="folder"))


def test_a_graph_that_would_not_fit_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {"n": np.array([1000, 1, 1], np.int64)}
    nodes = [node("Expand", ["x", "n"], ["big"]), node("ReduceSum", ["big"], ["y"], keepdims=0)]
    path = save(tmp_path / "big.onnx", nodes, {"x": (1000, 1000)}, stored, rank=0)
    with pytest.raises(BadInput, match="too large to run.*got 1,000,000,001"):
        open_model(path)
    with pytest.raises(BadInput, match="too old to run.*got 6"):
        open_model(save(tmp_path / "old.onnx", [node("Relu", ["x"], ["y"])], {"x": (2,)}, {}, opset=6, rank=1))
    monkeypatch.setattr(limits, "WEIGHTS", 40)
    with pytest.raises(BadInput, match="too many weights"):
        (tmp_path / "w.bin").write_bytes(bytes(48))
        open_model(save(tmp_path / "w.onnx", [node("MatMul", ["x", "w"], ["y"])], {"x": (2, 4)},
                        {"w": np.zeros((4, 3), np.float32)}))  # fmt: skip


def test_what_an_operator_cannot_do_is_said(tmp_path: Path) -> None:
    stored = {"w": np.ones((1, 16, 3), np.float32), "r": np.ones((1, 16, 4), np.float32),
              "n": np.array([5, 4], np.int32)}  # fmt: skip
    nodes = [node("LSTM", ["x", "w", "r", "", "n"], ["y"], hidden_size=4, name="net")]
    run = Inference(open_model(save(tmp_path / "l.onnx", nodes, {"x": (5, 2, 3)}, stored, rank=4))).run
    with pytest.raises(BadInput, match="net: sequences of different lengths"):
        run({"x": np.zeros((5, 2, 3))})
