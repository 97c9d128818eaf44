"""Shapes that a file computes: small integers that follow from other shapes are computed, so that inference sees them.

Exporters write `Reshape(x, Concat(Slice(Shape(y)), ...))` where the target is the same for every inference; ONNX's own
inference follows only some of these chains. Here every node whose inputs are short constants, or known shapes, is
evaluated by ONNX's reference evaluator and stands as a constant from then on. What is evaluated is of `FOLDED`, takes
and gives at most `LONGEST` values, and so costs nothing, whatever the file says.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: Operators that shapes are computed with.
FOLDED = frozenset(
    "Abs Add And Cast Ceil Concat Constant ConstantOfShape Div Equal Expand Floor Gather Greater GreaterOrEqual "
    "Identity Less LessOrEqual Max Min Mod Mul Neg Not Or Range ReduceMax ReduceMin ReduceProd ReduceSum Reshape Shape "
    "Size Slice Sqrt Squeeze Sub Transpose Unsqueeze Where".split()
)  # fmt: skip
#: Values of a constant that is computed, and of what it is computed from.
LONGEST = 1024
#: Values of a tensor whose shape is asked for.
VALUES = 2**40
#: Inference and computing take turns so often at most: each turn follows one more reshaped tensor's shape.
TURNS = 50
#: Nodes that are computed at most; each takes a fraction of a millisecond.
MOST = 20_000


def folded(onnx: Any, model: Any) -> Any:
    """The model with shapes inferred, and with short constants in place of what computed them.

    Raises:
        Whatever `onnx.shape_inference.infer_shapes` does with `strict_mode`.
    """
    left = MOST
    for _ in range(TURNS):
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        done = _fold(onnx, model, left)
        if not done:
            break
        left -= done
        # what inference could not tell it wrote down as unknown, and would believe from then on
        del model.graph.value_info[:]
    return model


def _fold(onnx: Any, model: Any, most: int) -> int:
    """Replace what can be computed now, `most` nodes at most; how many were."""
    graph, opsets = model.graph, {o.domain: o.version for o in model.opset_import}
    shapes = _shapes(graph)
    known = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    given = {value.name for value in graph.output}
    found: dict[str, np.ndarray] = {}
    kept = []
    for node in graph.node:
        skip = len(found) >= most or given & set(node.output)
        value = None if skip else _value(onnx, node, known, shapes, opsets)
        if value is None:
            kept.append(node)
        else:
            known[node.output[0]] = value
            if node.op_type != "Constant":
                found[node.output[0]] = value
            else:
                kept.append(node)
    if found:
        kept = [type(node).FromString(node.SerializeToString()) for node in kept]
        del graph.node[:]
        graph.node.extend(kept)
        graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in found.items())
    return len(found)


def _shapes(graph: Any) -> dict[str, tuple[int, ...]]:
    """Of every tensor whose sizes are all known."""
    found = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        if value.type.HasField("tensor_type") and kind.HasField("shape"):
            if all(dim.HasField("dim_value") and dim.dim_value >= 0 for dim in kind.shape.dim):
                found[value.name] = tuple(dim.dim_value for dim in kind.shape.dim)
    return found


def _value(
    onnx: Any, node: Any, known: dict[str, np.ndarray], shapes: dict[str, tuple[int, ...]], opsets: dict[str, int]
) -> np.ndarray | None:
    """What a node gives, if that is a short constant."""
    if node.domain not in ("", "ai.onnx") or node.op_type not in FOLDED or len(node.output) != 1:
        return None
    if node.op_type in ("Shape", "Size"):
        if math.prod(shapes.get(node.input[0], (VALUES,))) >= VALUES:
            return None
        # a stand-in of that shape without memory
        inputs = {str(node.input[0]): np.broadcast_to(np.float32(0), shapes[node.input[0]])}
    elif any(name and name not in known for name in node.input):
        return None
    else:
        inputs = {str(name): known[name] for name in node.input if name}
        if sum(value.size for value in inputs.values()) > LONGEST:
            return None
    if not _short(str(node.op_type), [inputs.get(name) for name in node.input]):
        return None
    inside = onnx.helper.make_graph(
        [node], "one", [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in inputs],
        [onnx.helper.make_value_info(node.output[0], onnx.TypeProto())],
    )  # fmt: skip
    from onnx.reference import ReferenceEvaluator

    try:
        with np.errstate(all="ignore"):
            (found,) = ReferenceEvaluator(inside, opsets=opsets).run(None, inputs)
    except Exception:  # malformed; what is wrong is said where the node itself is looked at
        return None
    value = np.asarray(found)
    return value if value.size <= LONGEST and value.dtype.kind in "iub" else None


def _short(kind: str, inputs: list[np.ndarray | None]) -> bool:
    """Whether a node that makes tensors of any size makes a short one."""
    try:
        if kind in ("ConstantOfShape", "Expand"):
            shape = inputs[-1]
            return shape is not None and math.prod(max(int(n), 1) for n in shape.ravel()) <= LONGEST
        if kind == "Range":
            start, limit, delta = (float(np.asarray(one).ravel()[0]) for one in inputs if one is not None)
            return abs(limit - start) <= LONGEST * abs(delta)
    except (IndexError, ValueError, TypeError, OverflowError):
        return False
    return True
