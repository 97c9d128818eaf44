"""ONNX files: what their operators become, against products written out by hand, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from anamorph.errors import BadInput
from anamorph.processor.workloads import Network, load
from anamorph.processor.workloads.onnx_import import from_onnx

FLOAT = TensorProto.FLOAT


def weights(name: str, *shape: int) -> TensorProto:
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def integers(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def write(
    folder: Path,
    nodes: list[Any],
    inputs: dict[str, tuple[Any, ...]],
    outputs: dict[str, int],
    constants: list[TensorProto] = [],  # noqa: B006
    opset: int = 17,
) -> Path:
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(n, FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, FLOAT, [None] * rank) for n, rank in outputs.items()], constants,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def kinds(network: Network) -> list[str]:
    return [op.kind for op in network.operations]


def test_lenet_of_a_file_is_the_built_in_one_with_all_pairs(tmp_path: Path) -> None:
    node = helper.make_node
    path = write(
        tmp_path,
        [
            node("Conv", ["x", "w1", "b1"], ["c1"], name="C1"),
            node("Tanh", ["c1"], ["t1"]),
            node("AveragePool", ["t1"], ["s2"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Conv", ["s2", "w3", "b3"], ["c3"], name="C3"),
            node("AveragePool", ["c3"], ["s4"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Conv", ["s4", "w5"], ["c5"], name="C5"),
            node("Flatten", ["c5"], ["f"]),
            node("Gemm", ["f", "w6", "b6"], ["f6"], name="F6", transB=1),
            node("Gemm", ["f6", "w7"], ["y"], name="output"),
        ],
        {"x": (1, 1, 32, 32)},
        {"y": 2},
        [weights("w1", 6, 1, 5, 5), weights("b1", 6), weights("w3", 16, 6, 5, 5), weights("b3", 16),
         weights("w5", 120, 16, 5, 5), weights("w6", 84, 120), weights("b6", 84), weights("w7", 84, 10)],
    )  # fmt: skip
    found, ours = load(str(path)), load("lenet5")
    mine = [(op.name, op.rows, op.columns, op.vectors) for op in found.products]
    assert mine == [(op.name, op.rows, op.columns, op.vectors) for op in ours.products]
    assert found.weights - ours.weights == (96 - 60) * 25
    assert [op.operations for op in found.auxiliaries] == [6 * 28 * 28, 4 * 6 * 14 * 14, 4 * 16 * 5 * 5, 0]
    assert found.biases == 6 + 16 + 84


def test_convolutions_with_groups_strides_dilations_and_same_padding(tmp_path: Path) -> None:
    node = helper.make_node
    path = write(
        tmp_path,
        [
            node("Conv", ["x", "w"], ["a"], group=4, dilations=[2, 2], pads=[2, 2, 2, 2]),
            node("Conv", ["a", "v"], ["b"], group=8, auto_pad="SAME_LOWER", strides=[2, 2]),
        ],
        {"x": (3, 8, 9, 9)},
        {"b": 4},
        [weights("w", 12, 2, 3, 3), weights("v", 8, 1, 2, 2)],
    )
    with pytest.raises(BadInput, match=r"kernels \(8, 1, 2, 2\) in 8 groups do not fit an input \(3, 12, 9, 9\)"):
        from_onnx(path)
    path = write(
        tmp_path,
        [
            node("Conv", ["x", "w"], ["a"], group=4, dilations=[2, 2], pads=[2, 2, 2, 2]),
            node("Conv", ["a", "v"], ["b"], group=8, auto_pad="SAME_LOWER", strides=[2, 2]),
        ],
        {"x": (3, 8, 9, 9)},
        {"b": 4},
        [weights("w", 8, 2, 3, 3), weights("v", 8, 1, 2, 2)],
    )
    first, second = from_onnx(path).products
    assert (first.rows, first.columns, first.groups, first.vectors) == (18, 2, 4, 3 * 81)
    assert first.macs == 3 * 81 * 8 * 2 * 9
    assert first.window is not None and second.window is not None
    assert (first.window.dilation, first.window.padding) == ((2, 2), (2, 2, 2, 2))
    assert (second.rows, second.columns, second.groups, second.vectors) == (4, 1, 8, 3 * 25)
    assert second.is_depthwise and second.window.padding == (1, 1, 0, 0)


def test_matmul_by_which_side_is_stored(tmp_path: Path) -> None:
    node = helper.make_node
    path = write(
        tmp_path,
        [
            node("MatMul", ["x", "w"], ["right"], name="right"),
            node("MatMul", ["v", "right"], ["left"], name="left"),
            node("MatMul", ["x", "u"], ["stack"], name="stack"),
            node("MatMul", ["left", "stack"], ["both"], name="both"),
        ],
        {"x": (2, 5, 8)},
        {"both": 3},
        [weights("w", 8, 6), weights("v", 3, 5), weights("u", 2, 8, 6), weights("unused", 9)],
    )
    with pytest.raises(BadInput, match="not a valid ONNX model"):  # 3 x 6 times 5 x 6
        from_onnx(path)
    path = write(
        tmp_path,
        [
            node("MatMul", ["x", "w"], ["right"], name="right"),
            node("MatMul", ["v", "right"], ["left"], name="left"),
            node("MatMul", ["x", "u"], ["stack"], name="stack"),
            node("Transpose", ["stack"], ["turned"], perm=[0, 2, 1]),
            node("MatMul", ["left", "turned"], ["both"], name="both"),
        ],
        {"x": (2, 5, 8)},
        {"both": 3},
        [weights("w", 8, 6), weights("v", 3, 5), weights("u", 2, 8, 6)],
    )
    found = from_onnx(path)
    sizes = {op.name: (op.rows, op.columns, op.groups, op.vectors) for op in found.products}
    assert sizes == {"right": (8, 6, 1, 10), "left": (5, 3, 1, 12), "stack": (8, 6, 2, 5)}
    assert found.vector_macs == 2 * 3 * 6 * 5 and kinds(found)[-1] == "vector product"


def test_gemm_with_a_dynamic_addend(tmp_path: Path) -> None:
    nodes = [helper.make_node("Gemm", ["x", "w", "c"], ["y"], name="g")]
    found = from_onnx(write(tmp_path, nodes, {"x": (2, 8), "c": (2, 3)}, {"y": 2}, [weights("w", 8, 3)]))
    assert kinds(found) == ["matrix product", "addition"]
    assert found.products[0].macs == 48 and found.auxiliaries[0].operations == 6


def recurrent(folder: Path, kind: str, gates: int, directions: int = 1, **attributes: Any) -> Network:
    nodes = [helper.make_node(kind, ["x", "w", "r", "b"], ["y", "h"], name="net", hidden_size=4, **attributes)]
    sizes = {"w": (gates * 4, 3), "r": (gates * 4, 4), "b": (gates * 8,)}
    stored = [weights(name, directions, *size) for name, size in sizes.items()]
    return from_onnx(write(folder, nodes, {"x": (7, 2, 3)}, {"y": 4, "h": 3}, stored))


def test_recurrent_layers(tmp_path: Path) -> None:
    for direction in recurrent(tmp_path, "LSTM", 4, 2, direction="bidirectional").products:
        sizes = (direction.rows, direction.columns, direction.vectors, direction.steps, direction.fed_back)
        assert sizes == (7, 16, 14, 7, 4)
    # W, R and the summed biases of ONNX: 2 x (16 x 3 + 16 x 4) weights
    assert recurrent(tmp_path, "LSTM", 4, 2, direction="bidirectional").weights == 224
    (plain,) = recurrent(tmp_path, "RNN", 1).products
    assert (plain.rows, plain.columns, plain.steps) == (7, 4, 7)
    for before_reset, products in ((0, 2), (1, 3)):
        gru = recurrent(tmp_path, "GRU", 3, linear_before_reset=before_reset)
        assert len(gru.products) == products and gru.weights == 3 * 4 * 3 + 3 * 4 * 4
        assert gru.macs == 14 * gru.weights


def test_attention_as_an_operator_is_two_vector_products(tmp_path: Path) -> None:
    if onnx.defs.onnx_opset_version() < 23:
        pytest.skip("this onnx has no Attention")
    nodes = [helper.make_node("Attention", ["q", "k", "v"], ["y"], q_num_heads=2, kv_num_heads=2)]
    inputs = {"q": (1, 5, 8), "k": (1, 6, 8), "v": (1, 6, 4)}
    found = from_onnx(write(tmp_path, nodes, inputs, {"y": 3}, opset=23))
    assert kinds(found) == ["vector product", "softmax", "vector product"]
    assert found.vector_macs == 5 * 6 * 8 + 5 * 6 * 4


def test_what_follows_from_constants_costs_nothing_and_shared_cells_count_once(tmp_path: Path) -> None:
    node = helper.make_node
    nodes = [
        node("Transpose", ["w"], ["t"], perm=[1, 0]),
        node("MatMul", ["x", "t"], ["a"], name="first"),
        node("MatMul", ["a", "t"], ["b"], name="again"),
        node("MatMul", ["b", "w"], ["c"], name="turned"),
        node("Shape", ["c"], ["s"]),
        node("Reshape", ["c", "s"], ["d"]),
        node("Mul", ["d", "scale"], ["e"]),
        node("Gather", ["table", "e64"], ["g"], name="lookup"),
        node("Cast", ["e"], ["e64"], to=TensorProto.INT64),
    ]
    nodes[-1], nodes[-2] = nodes[-2], nodes[-1]
    stored = [weights("w", 4, 4), weights("scale", 4), weights("table", 9, 5)]
    found = from_onnx(write(tmp_path, nodes, {"x": (2, 4)}, {"g": 3}, stored))
    by_name = {op.name: op.weights_of for op in found.products}
    assert by_name == {"first": None, "again": "first", "turned": None}
    assert found.weights == 32 and found.macs == 3 * 32
    assert [op.kind for op in found.auxiliaries] == [
        "rearrangement", "elementwise product", "rearrangement", "embedding lookup"
    ]  # fmt: skip
    assert found.parameters == 32 + 4 + 45


def test_open_dimensions_are_named_and_can_be_fixed(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    path = write(tmp_path, nodes, {"x": ("batch", "words", 8)}, {"y": 3}, [weights("w", 8, 3)])
    with pytest.raises(BadInput, match="dimension 0 of input 'x'.*--dimension batch=1 --dimension words=1"):
        from_onnx(path)
    with pytest.raises(BadInput, match="no open dimension 'word'"):
        from_onnx(path, {"batch": 2, "words": 5, "word": 3})
    assert from_onnx(path, {"batch": 2, "words": 5}).products[0].vectors == 10


def test_operators_that_cannot_be_carried_are_listed_at_once(tmp_path: Path) -> None:
    node = helper.make_node
    nodes = [
        node("NonZero", ["x"], ["a"], name="find"),
        node("Relu", ["x"], ["r"]),
        node("Mine", ["r"], ["b"], name="own\x1b[31m", domain="my.domain"),
        node("Det", ["b"], ["c"]),
    ]
    with pytest.raises(BadInput) as refused:
        from_onnx(write(tmp_path, nodes, {"x": (3, 3)}, {"c": 0}))
    assert "NonZero ('find'), my.domain.Mine ('own?[31m'), Det ('c')" in str(refused.value)


def test_kernels_that_are_not_stored_are_refused_with_the_reason(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name="filter")]
    with pytest.raises(BadInput, match=r"Conv \('filter'\): its kernels are not constant"):
        from_onnx(write(tmp_path, nodes, {"x": (1, 1, 5, 5), "w": (1, 1, 3, 3)}, {"y": 4}))


def simple(folder: Path, tensor: TensorProto) -> Path:
    return write(folder, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (2, 4)}, {"y": 2}, [tensor])


def external(location: str) -> TensorProto:
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[4, 3], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def test_external_data_stays_in_its_folder_and_is_not_read(tmp_path: Path) -> None:
    assert from_onnx(simple(tmp_path, external("weights.bin"))).weights == 12
    (tmp_path / "away").symlink_to("/etc")
    for outside in ("/etc/passwd", "../w.bin", "a/../../w.bin", "away/passwd", "", "a\\..\\b"):
        with pytest.raises(BadInput, match="external data outside the file's folder"):
            from_onnx(simple(tmp_path, external(outside)))


def test_lying_tensors_are_refused(tmp_path: Path) -> None:
    short = TensorProto(name="w", data_type=FLOAT, dims=[4, 3], raw_data=b"1234")
    with pytest.raises(BadInput, match="data that does not fit its shape; expected 48 bytes; got 4"):
        from_onnx(simple(tmp_path, short))
    with pytest.raises(BadInput, match="tensor 'w': too large"):
        from_onnx(simple(tmp_path, TensorProto(name="w", data_type=FLOAT, dims=[2**40, 2**40])))
    with pytest.raises(BadInput, match="a negative size"):
        from_onnx(simple(tmp_path, TensorProto(name="w", data_type=FLOAT, dims=[-4, 3])))


def test_malformed_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.onnx"
    with pytest.raises(BadInput, match="no such file"):
        from_onnx(path)
    path.write_bytes(b"\xff\xfe not protobuf")
    with pytest.raises(BadInput, match="not a readable file of ONNX"):
        from_onnx(path)
    path.write_bytes(b"")
    with pytest.raises(BadInput, match="a graph without nodes"):
        from_onnx(path)
    from anamorph.processor.workloads import onnx_file

    good = simple(tmp_path, weights("w", 4, 3))
    content = good.read_bytes()
    for cut in range(1, len(content), 7):  # any truncation is refused or read, and nothing else
        good.write_bytes(content[:cut])
        with pytest.raises(BadInput):
            from_onnx(good)
    monkeypatch.setattr(onnx_file, "LARGEST", 10)
    good.write_bytes(content)
    with pytest.raises(BadInput, match="too large"):
        from_onnx(good)


def test_names_are_text_and_made_different(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", [f"t{i}"], [f"t{i + 1}"], name="same") for i in range(4)]
    nodes[2].name = "same~2"
    path = write(tmp_path, nodes, {"t0": (2, 4)}, {"t4": 2})
    assert [op.name for op in from_onnx(path).operations] == ["same", "same~2", "same~2~2", "same~3"]
    path.write_bytes(path.read_bytes().replace(b"t1", b"\xfft"))
    with pytest.raises(BadInput, match="not UTF-8"):
        from_onnx(path)


def test_a_batch_normalisation_in_training_mode_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("BatchNormalization", ["x", "s", "o", "m", "v"], ["y", "n", "w"], name="bn", training_mode=1)
    ]
    stored = [weights(name, 3) for name in "somv"]
    with pytest.raises(BadInput, match="training mode"):
        from_onnx(write(tmp_path, nodes, {"x": (1, 3, 4, 4)}, {"y": 4}, stored))
    nodes = [helper.make_node("BatchNormalization", ["x", "s", "o", "m", "v"], ["y"])]
    assert from_onnx(write(tmp_path, nodes, {"x": (1, 3, 4, 4)}, {"y": 4}, stored)).parameters == 6


def test_every_rule_names_an_operator_of_onnx() -> None:
    from anamorph.processor.workloads.onnx_import import CONSTANTS, RULES

    known = {schema.name for schema in onnx.defs.get_all_schemas()}
    newer = {"Attention", "RMSNormalization", "Swish"}  # opset 23 and 24: absent from older packages
    assert {*RULES, *CONSTANTS} - known <= newer
