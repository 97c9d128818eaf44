"""The page on accuracy: its code runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

PAGE = Path(__file__).parents[2] / "docs" / "processor-accuracy.md"


def test_the_code_of_the_page_runs_a_file(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    w = np.arange(6, dtype=np.float32).reshape(3, 2)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["image", "w"], ["y"])], "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ("batch", 3))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])], [numpy_helper.from_array(w, "w")],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    (tmp_path / "net.onnx").write_bytes(made.SerializeToString())
    images = np.ones((4, 3), np.float32)
    found = names["answers"](tmp_path / "net.onnx", images)  # pyright: ignore[reportCallIssue]
    np.testing.assert_array_equal(found["y"], images @ w)
