"""Shapes that a file computes: what is followed, and what is left alone as it could be of any size."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from anamorph.processor.workloads import onnx_fold
from anamorph.processor.workloads.onnx_fold import folded

node = helper.make_node


def whole(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def model(nodes: list[onnx.NodeProto], stored: dict[str, object], rank: int) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (3, 4, 5))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * rank)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in stored.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def sizes(made: onnx.ModelProto, name: str) -> list[int]:
    values = {value.name: value for value in (*made.graph.value_info, *made.graph.output)}
    return [dim.dim_value for dim in values[name].type.tensor_type.shape.dim]


def chain() -> onnx.ModelProto:
    """Flattened and unflattened by sizes taken from the tensor, once behind the other."""
    return model(
        [
            node("Shape", ["x"], ["s"]), node("Mod", ["s", "four"], ["m"]), node("Slice", ["m", "one", "three"], ["t"]),
            node("Add", ["t", "three"], ["u"]), node("Concat", ["u", "minus"], ["v"], axis=0),
            node("Reshape", ["x", "v"], ["r"]), node("Shape", ["r"], ["w"]), node("ReduceProd", ["w"], ["p"]),
            node("Reshape", ["r", "p"], ["y"]),
        ],
        {"four": whole(4), "one": whole(1), "three": whole(3), "minus": whole(-1)},
        1,
    )  # fmt: skip


def test_sizes_are_followed_through_arithmetic() -> None:
    done = folded(onnx, chain())
    # sizes modulo four are 3, 0, 1; three more than the last two: 3 x 4 with 5 left
    assert sizes(done, "r") == [3, 4, 5] and sizes(done, "y") == [60]
    assert [one.op_type for one in done.graph.node] == ["Reshape", "Reshape"]


def test_only_so_many_nodes_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_fold, "MOST", 2)
    assert len(folded(onnx, chain()).graph.node) == 7


@pytest.mark.parametrize(
    ("nodes", "stored"),
    [
        ([node("ConstantOfShape", ["n"], ["c"])], {"n": whole(2**20, 2**20)}),
        ([node("Expand", ["one", "n"], ["c"])], {"one": whole(1), "n": whole(2**40)}),
        (
            [node("Range", ["zero", "n", "step"], ["c"])],
            {"zero": whole(0)[0], "n": whole(2**40)[0], "step": whole(1)[0]},
        ),
    ],
    ids=["filled", "expanded", "counted"],
)
def test_what_could_be_of_any_size_is_not_computed(nodes: list[onnx.NodeProto], stored: dict[str, object]) -> None:
    done = folded(onnx, model([*nodes, node("Relu", ["x"], ["y"])], stored, 3))
    assert [one.op_type for one in done.graph.node] == [nodes[0].op_type, "Relu"]
