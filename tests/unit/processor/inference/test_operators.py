"""Every operator that an imported network may have, beside onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from anamorph.processor.inference import Inference, open_model

#: A float32 sum of at most some hundred products differs by so much with the order of its terms.
ROUNDING = 2e-6
OPSET = 22
_random = np.random.default_rng(1)


def values(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return _random.uniform(low, high, shape).astype(np.float32)


def model(
    path: Path, op: str, inputs: dict[str, np.ndarray], stored: dict[str, np.ndarray], outputs: int = 1, **given: Any
) -> Path:
    """A file with one node, whose `stored` inputs follow the others."""
    names = [*inputs, *("" if value is None else name for name, value in stored.items())]
    node = helper.make_node(op, names, [f"y{i}" for i in range(outputs)], **given)
    kind = helper.np_dtype_to_tensor_dtype
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info(n, kind(v.dtype), v.shape) for n, v in inputs.items()],
        [helper.make_empty_tensor_value_info(f"y{i}") for i in range(outputs)],
        [numpy_helper.from_array(v, n) for n, v in stored.items() if v is not None],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    made = onnx.shape_inference.infer_shapes(made)  # onnxruntime wants types of outputs
    for value in made.graph.output:
        if not value.type.tensor_type.HasField("shape"):  # of the few operators whose shapes onnx does not infer
            value.CopyFrom(helper.make_tensor_value_info(value.name, TensorProto.FLOAT, inputs["x"].shape))
    path = path / "one.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def outside(path: Path, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    """What onnxruntime makes of a file, as it is written."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)  # pyright: ignore[reportReturnType]


def compare(path: Path, inputs: dict[str, np.ndarray]) -> None:
    expected, found = outside(path, inputs), Inference(open_model(path)).run(inputs)
    for one, other in zip(expected, found.values(), strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        if one.dtype.kind == "f":
            np.testing.assert_allclose(other, one, rtol=ROUNDING, atol=ROUNDING * np.abs(one).max(initial=1e-3))
        else:
            np.testing.assert_array_equal(other, one)


X = values(2, 6, 9, 9)
FUNCTIONS = {
    "Abs": {}, "Atan": {}, "Ceil": {}, "Celu": {"alpha": 0.7}, "Cos": {}, "Elu": {"alpha": 0.5}, "Erf": {}, "Exp": {},
    "Floor": {}, "Gelu": {}, "HardSigmoid": {"alpha": 0.3}, "HardSwish": {}, "LeakyRelu": {"alpha": 0.2}, "Mish": {},
    "Neg": {}, "Reciprocal": {}, "Relu": {}, "Round": {}, "Selu": {}, "Sigmoid": {}, "Sign": {}, "Sin": {},
    "Softplus": {}, "Softsign": {}, "Tanh": {}, "ThresholdedRelu": {"alpha": 0.4}, "Softmax": {"axis": 1},
    "LogSoftmax": {"axis": -1}, "Hardmax": {"axis": 1}, "GlobalAveragePool": {}, "GlobalMaxPool": {},
    "Transpose": {"perm": [0, 2, 3, 1]}, "Flatten": {"axis": 2}, "Identity": {},
    "ArgMax": {"axis": 1}, "ArgMin": {"axis": 2, "keepdims": 0}, "LRN": {"size": 3, "alpha": 0.3},
    "LpNormalization": {"axis": 1}, "Cast": {"to": TensorProto.INT32},
    "Dropout": {},
}  # fmt: skip


@pytest.mark.parametrize("op", sorted(FUNCTIONS))
def test_a_function_of_one_tensor(op: str, tmp_path: Path) -> None:
    compare(model(tmp_path, op, {"x": X}, {}, **FUNCTIONS[op]), {"x": X})


def integers(*given: int) -> np.ndarray:
    return np.array(given, np.int64)


WITH_STORED: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "Add": ("Add", {"b": values(6, 1, 1)}, {}),
    "BatchNormalization": ("BatchNormalization", {"s": values(6), "b": values(6), "m": values(6),
                                                  "v": values(6, low=0.1)}, {"epsilon": 1e-3}),
    "Clip": ("Clip", {"low": values()[()] * 0 - 1, "high": np.float32(0.5)}, {}),
    "DepthToSpace": ("Reshape", {"s": integers(2, 54, 9)}, {}),
    "Div": ("Div", {"b": values(9, low=0.5)}, {}),
    "Equal": ("Greater", {"b": values(9)}, {}),
    "Expand": ("Expand", {"s": integers(3, 1, 1, 1, 9)}, {}),
    "Gather": ("Gather", {"i": integers(4, -1, 0)}, {"axis": 1}),
    "GroupNormalization": ("GroupNormalization", {"s": values(6), "b": values(6)}, {"num_groups": 3}),
    "InstanceNormalization": ("InstanceNormalization", {"s": values(6), "b": values(6)}, {}),
    "LayerNormalization": ("LayerNormalization", {"s": values(9), "b": values(9)}, {"axis": -1}),
    "Max": ("Max", {"b": values(9), "c": values(9, 1)}, {}),
    "Mod": ("Mod", {"b": values(9, low=0.5)}, {"fmod": 1}),
    "PRelu": ("PRelu", {"b": values(6, 1, 1)}, {}),
    "Pad": ("Pad", {"p": integers(0, 0, 1, 2, 0, 0, 2, 1), "v": np.float32(0.3)}, {}),
    "Pad reflect": ("Pad", {"p": integers(0, 0, 1, 2, 0, 0, 2, 1)}, {"mode": "reflect"}),
    "Pow": ("Pow", {"b": np.float32(2)}, {}),
    "QuantizeLinear": ("QuantizeLinear", {"s": np.float32(0.013), "z": np.int8(3)}, {}),
    "ReduceMean": ("ReduceMean", {"a": integers(2, 3)}, {"keepdims": 0}),
    "ReduceL2": ("ReduceL2", {"a": integers(1)}, {}),
    "ReduceLogSumExp": ("ReduceLogSumExp", {"a": integers(-1)}, {}),
    "ReduceMax": ("ReduceMax", {"a": integers(-1)}, {}),
    "ReduceSumSquare": ("ReduceSumSquare", {"a": integers(0, 1)}, {}),
    "Slice": ("Slice", {"a": integers(1, 8), "b": integers(5, 0), "x": integers(1, 2), "s": integers(2, -3)}, {}),
    "Squeeze": ("Unsqueeze", {"a": integers(0, 3)}, {}),
    "Tile": ("Tile", {"r": integers(1, 2, 1, 3)}, {}),
    "Trilu": ("Trilu", {"k": np.int64(1)}, {"upper": 0}),
    "Conv": ("Conv", {"w": values(4, 6, 3, 3), "b": values(4)}, {"strides": [2, 1], "pads": [1, 0, 2, 1]}),
    "Conv in groups": ("Conv", {"w": values(9, 2, 3, 2)}, {"group": 3, "dilations": [2, 3]}),
    "Conv depthwise": ("Conv", {"w": values(6, 1, 3, 3)}, {"group": 6, "auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    "Conv one kernel": ("Conv", {"w": values(1, 6, 9, 9), "b": values(1)}, {"auto_pad": "VALID"}),
    "MatMul": ("MatMul", {"w": values(9, 5)}, {}),
    "MatMul of a stack": ("MatMul", {"w": values(6, 9, 5)}, {}),
    "MatMul of a deeper stack": ("MatMul", {"w": values(3, 1, 6, 9, 5)}, {}),
    "MatMul with a vector": ("MatMul", {"w": values(9)}, {}),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(WITH_STORED))
def test_an_operator_with_stored_inputs(case: str, tmp_path: Path) -> None:
    op, stored, given = WITH_STORED[case]
    stored = {name if name != "x" else "axes": np.asarray(value) for name, value in stored.items()}
    compare(model(tmp_path, op, {"x": X}, stored, **given), {"x": X})


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "LpPool"])
@pytest.mark.parametrize(
    "given",
    [
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [1, 0, 1, 1]},
        {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"kernel_shape": [2, 3], "strides": [2, 2], "ceil_mode": 1, "pads": [0, 1, 0, 1]},
        {"kernel_shape": [3, 3], "dilations": [2, 1], "strides": [1, 2]},
    ],
    ids=["plain", "padded", "same", "ceil", "dilated"],
)
def test_poolings(op: str, given: dict[str, Any], tmp_path: Path) -> None:
    compare(model(tmp_path, op, {"x": X}, {}, **given), {"x": X})
    if op == "AveragePool":
        compare(model(tmp_path, op, {"x": X}, {}, count_include_pad=1, **given), {"x": X})
    if op == "MaxPool" and "auto_pad" not in given:
        for order in (0, 1):
            compare(model(tmp_path, op, {"x": X}, {}, outputs=2, storage_order=order, **given), {"x": X})


def test_products_of_either_side_and_their_scales(tmp_path: Path) -> None:
    x = values(4, 5)
    for given in ({}, {"transB": 1}, {"alpha": 0.3, "beta": 2.0}):
        w = values(3, 5) if "transB" in given else values(5, 3)
        compare(model(tmp_path, "Gemm", {"x": x}, {"w": w, "b": values(3)}, 1, **given), {"x": x})
        compare(model(tmp_path, "Gemm", {"x": x}, {"w": w}, 1, **given), {"x": x})
    both = {"x": x, "w": values(4, 3)}
    compare(model(tmp_path, "Gemm", both, {"c": values(5, 3)}, transA=1), both)
    left = {"x": values(2, 5, 3)}  # a stored matrix from the left
    made = onnx.load(model(tmp_path, "MatMul", left, {"w": values(3, 5)}))
    made.graph.node[0].input[:] = ["w", "x"]
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("y0", TensorProto.FLOAT, (2, 3, 3)))
    (tmp_path / "left.onnx").write_bytes(made.SerializeToString())
    compare(tmp_path / "left.onnx", left)


RECURRENT: dict[str, tuple[str, dict[str, Any]]] = {
    "LSTM": ("LSTM", {}),
    "LSTM both ways": ("LSTM", {"direction": "bidirectional"}),
    "LSTM backward": ("LSTM", {"direction": "reverse", "clip": 0.4}),
    "LSTM of other functions": ("LSTM", {"activations": ["HardSigmoid", "Softsign", "Relu"],
                                         "activation_alpha": [0.3], "activation_beta": [0.4]}),
    "GRU": ("GRU", {}),
    "GRU linear before reset": ("GRU", {"linear_before_reset": 1, "direction": "bidirectional"}),
    "RNN": ("RNN", {"direction": "bidirectional", "activations": ["Tanh", "Relu"]}),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(RECURRENT))
@pytest.mark.parametrize("states", [False, True], ids=["from zero", "from states"])
def test_recurrent_layers(case: str, states: bool, tmp_path: Path) -> None:
    op, given = RECURRENT[case]
    steps, batch, inputs, hidden, gates = 5, 2, 3, 4, {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    ways = 2 if given.get("direction") == "bidirectional" else 1
    x = values(steps, batch, inputs)
    stored: dict[str, Any] = {"w": values(ways, gates * hidden, inputs), "r": values(ways, gates * hidden, hidden),
                              "b": values(ways, 2 * gates * hidden)}  # fmt: skip
    if states:
        stored |= {"n": None, "h": values(ways, batch, hidden)}
        stored |= {"c": values(ways, batch, hidden)} if op == "LSTM" else {}
    outputs = 3 if op == "LSTM" else 2
    compare(model(tmp_path, op, {"x": x}, stored, outputs, hidden_size=hidden, **given), {"x": x})
