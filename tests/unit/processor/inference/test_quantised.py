"""Quantised products beside onnxruntime's, and blocks of memory cells beside products written out by hand."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from anamorph.processor.design import Processor
from anamorph.processor.inference import Exact, Inference, open_model
from anamorph.processor.inference.blocks import blocks_for, rounded_only
from anamorph.processor.inference.cells import Calibrated, Cells, Rounded, calibrate, trimmed
from anamorph.processor.inference.digital import Digital, input_codes
from anamorph.processor.inference.ranges import Ranges, Watch, best_scale, ranges_of
from anamorph.vmm.sources import Errors

node = helper.make_node
Ready = tuple[np.ndarray, np.ndarray, Watch, dict[str, Calibrated]]


def of(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.normal(size=shape).astype(np.float32)


def classifier(path: Path) -> tuple[Path, np.ndarray]:
    """Conv, ReLU, depthwise Conv, flattening, Gemm; and images."""
    random = np.random.default_rng(3)
    stored = {"w1": of(random, 4, 3, 3, 3), "w2": of(random, 4, 1, 3, 3), "w3": of(random, 144, 5),
              "b3": of(random, 5)}  # fmt: skip
    nodes = [
        node("Conv", ["x", "w1"], ["c"], name="first"), node("Relu", ["c"], ["r"]),
        node("Conv", ["r", "w2"], ["d"], group=4, pads=[1, 1, 1, 1], name="depthwise"),
        node("Flatten", ["d"], ["f"]), node("Gemm", ["f", "w3", "b3"], ["y"], name="last"),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (20, 3, 8, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (20, 5))],
        [numpy_helper.from_array(v, k) for k, v in stored.items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    path.write_bytes(made.SerializeToString())
    return path, of(random, 20, 3, 8, 8)


def watched(path: Path, x: np.ndarray) -> tuple[Watch, np.ndarray]:
    watch = Watch(Exact())
    return watch, Inference(open_model(path), watch).run({"x": x})["y"]


def with_quantisers(path: Path, ranges: dict[str, Ranges], bits: int) -> Path:
    """The same file with ONNX's own quantisers around what comes into every product."""
    model = onnx.load(path)
    names, nodes, stored = {n.output[0]: n.name for n in model.graph.node}, [], list(model.graph.initializer)
    for one in model.graph.node:
        if (found := ranges.get(names[one.output[0]])) is not None:
            wide = TensorProto.INT8 if found.signed else TensorProto.UINT8
            most = 2 ** (bits - 1) - 1
            steps = {0: (found.inputs / (most if found.signed else 2**bits - 1), wide),
                     1: (found.weights[0] / most, TensorProto.INT8)}  # fmt: skip
            for i, (step, kind) in steps.items():
                s, z = f"{one.name}.{i}.s", f"{one.name}.{i}.z"
                stored.append(helper.make_tensor(s, TensorProto.FLOAT, [], [step]))
                stored.append(helper.make_tensor(z, kind, [], [0]))
                nodes.append(node("QuantizeLinear", [one.input[i], s, z], [f"{s}.q"]))
                nodes.append(node("DequantizeLinear", [f"{s}.q", s, z], [f"{s}.d"]))
                one.input[i] = f"{s}.d"
        nodes.append(one)
    graph = helper.make_graph(nodes, "g", model.graph.input, model.graph.output, stored)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    path = path.with_name("quantised.onnx")
    path.write_bytes(made.SerializeToString())
    return path


def test_the_digital_reference_at_eight_bits_gives_what_onnxruntime_gives(tmp_path: Path) -> None:
    path, x = classifier(tmp_path / "net.onnx")
    watch, exact = watched(path, x)
    ranges = {name: ranges_of(seen, watch.weights[name], 8, 8) for name, seen in watch.inputs.items()}
    # onnxruntime takes one scale for all groups
    ranges["depthwise"] = Ranges(ranges["depthwise"].inputs, False, np.full(4, ranges["depthwise"].weights.max()))
    assert [one.signed for one in ranges.values()] == [True, False, True]
    found = Inference(open_model(path), Digital(ranges, 8, 8)).run({"x": x})["y"]
    session = onnxruntime.InferenceSession(str(with_quantisers(path, ranges, 8)), providers=["CPUExecutionProvider"])
    expected = np.asarray(session.run(None, {"x": x})[0])
    # whole numbers are equal, so only the float32 sums of up to 144 scaled ones differ
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    assert 1e-4 < away(found, exact) < 0.03


def test_scales_have_the_least_squared_error() -> None:
    values = np.random.default_rng(0).normal(size=5000)
    for levels in (1.0, 7.0, 127.0):

        def error(scale: float, levels: float = levels) -> float:
            rounded = np.rint(np.clip(values / scale, -1, 1) * levels) / levels * scale
            return float(np.mean((rounded - values) ** 2))

        found = best_scale(values, levels)
        assert error(found) <= min(error(found * f) for f in (0.8, 0.9, 1.1, 1.2)) + 1e-12
    assert best_scale(values, 1.0) < best_scale(values, 7.0) < best_scale(values, 127.0) <= np.abs(values).max()
    assert best_scale(np.zeros(3), 7.0) == 1


def test_codes_have_the_levels_of_their_bits() -> None:
    x = np.linspace(-1.5, 1.5, 301).astype(np.float32)
    codes, step = input_codes(x, Ranges(1.0, True, np.ones(1)), 3)
    assert set(codes) == {-4, -3, -2, -1, 0, 1, 2, 3} and step == pytest.approx(1 / 3)
    codes, step = input_codes(x, Ranges(1.0, False, np.ones(1)), 2)
    assert set(codes) == {0, 1, 2, 3} and step == pytest.approx(1 / 3)


@pytest.mark.parametrize("signed", [False, True])
def test_a_cut_matrix_gives_the_sum_of_its_digitised_blocks(signed: bool) -> None:
    random = np.random.default_rng(5)
    processor = Processor("2d_nor", input_bits=3, weight_bits=4, output_bits=5, block_rows=4, block_columns=3, stack=1)
    w, x = random.uniform(-1, 1, (2, 10, 7)), random.uniform(-1 if signed else 0, 1, (2, 6, 10))
    blocks = blocks_for(processor, w.shape, signed=signed)
    assert (blocks.down, blocks.across, blocks.count) == (3, 3, 18)
    found = np.asarray(jax.jit(rounded_only, static_argnums=0)(blocks, jnp.asarray(w), jnp.asarray(x), 1.3))
    stored, expected = np.rint(w * 7) / 7, np.zeros((2, 6, 7))
    for sign in (1, -1)[: 1 + signed]:
        taken = np.rint(np.maximum(sign * x, 0) * 7) / 7
        for start in (0, 4, 8):
            part = taken[..., start : start + 4] @ stored[:, start : start + 4]
            expected += sign * np.clip(np.floor(part / 1.3 * 15 + 0.5), -15, 15) / 15 * 1.3
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.fixture(scope="module")
def ready() -> Ready:
    """Inputs of either sign, two groups of matrices one and a half blocks high, and their calibration."""
    random = np.random.default_rng(6)
    x, w = of(random, 2, 40, 24), of(random, 2, 24, 4)
    watch = Watch(Exact())
    watch("one", x, w)
    processor = Processor("2d_nor", input_bits=6, weight_bits=6, output_bits=8, block_rows=16, stack=1)
    return x, w, watch, calibrate(watch, processor)


def away(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.sqrt(np.mean((found - exact) ** 2) / np.mean(exact**2)))


def test_blocks_without_errors_give_what_rounding_gives(ready: Ready) -> None:
    x, w, watch, calibrated = ready
    rounded = Rounded(calibrated)("one", x, w)
    assert 0.005 < away(rounded, x @ w) < 0.1
    found = Cells(trimmed(calibrated, watch, Errors.none()), Errors.only("resolution"))("one", x, w)
    # float32 sums in another order may fall on the other side of a step, which is 1/127 of a block's full scale
    assert np.mean(np.abs(found - rounded) > 1e-4 * np.abs(found).max()) < 0.05


def test_chips_differ_and_are_themselves_again(ready: Ready) -> None:
    x, w, watch, calibrated = ready
    fitted = trimmed(calibrated, watch, Errors())
    chips = [Cells(fitted, die=die)("one", x, w) for die in (0, 1, 0)]
    np.testing.assert_array_equal(chips[0], chips[2])
    assert not np.allclose(chips[0], chips[1]) and all(0.005 < away(chip, x @ w) < 0.3 for chip in chips)
    assert 0.8 < fitted["one"].scale < 1.2
