"""Operators of ONNX that the auxiliary unit does: what kind each is, and how much of it an inference takes."""

from __future__ import annotations

import math
from collections.abc import Callable

from anamorph.processor.workloads.onnx_walk import Node, Unsupported

#: Operators with one elementary operation per value that they give.
PER_OUTPUT = {
    "activation": (
        "Abs Acos Asin Atan Ceil Celu Clip Cos Elu Erf Exp Floor Gelu HardSigmoid HardSwish LeakyRelu Log Mish Neg "
        "PRelu Pow Reciprocal Relu Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt Swish Tanh ThresholdedRelu"
    ),
    "selection": "And Equal Greater GreaterOrEqual Less LessOrEqual Not Or Where Xor",
    "softmax": "Hardmax LogSoftmax Softmax",
    "quantisation": "DequantizeLinear QuantizeLinear",
    "rearrangement": "DepthToSpace Expand GatherElements GatherND Pad Slice SpaceToDepth Tile Transpose Trilu",
}  # fmt: skip
#: Operators with one per value that they take.
PER_INPUT = {
    "reduction": (
        "ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd "
        "ReduceSum ReduceSumSquare TopK"
    ),
    "pooling": "GlobalAveragePool GlobalLpPool GlobalMaxPool",
}  # fmt: skip
#: Operators that combine values one by one: an operation per value given and per input but the first.
COMBINE = {"addition": "Add Mean Sub Sum", "elementwise product": "Div Mod Mul", "selection": "Max Min"}
#: Operators that move nothing: each part may be written or read where it belongs.
FREE = "Cast CastLike Concat Dropout Flatten Identity Reshape Split Squeeze Unsqueeze"
NORMALISATIONS = (
    "BatchNormalization GroupNormalization InstanceNormalization LRN LayerNormalization LpNormalization "
    "MeanVarianceNormalization RMSNormalization"
)

Rule = Callable[[Node], None]


def _per_output(kind: str) -> Rule:
    return lambda node: node.walk.add(node.auxiliary(kind, math.prod(node.given), _parameters(node, kind)))


def _per_input(kind: str) -> Rule:
    return lambda node: node.walk.add(node.auxiliary(kind, math.prod(node.shape(0))))


def _combine(kind: str) -> Rule:
    def rule(node: Node) -> None:
        times = max(len([name for name in node.inputs if name]) - 1, 0)
        node.walk.add(node.auxiliary(kind, times * math.prod(node.given), node.parameters))

    return rule


def _parameters(node: Node, kind: str) -> int:
    """Slopes and the like are stored; constant shapes, axes and fills of a rearrangement are not."""
    return 0 if kind == "rearrangement" else node.parameters


def _free(node: Node) -> None:
    node.walk.add(node.auxiliary("rearrangement", 0))


def _pool(node: Node) -> None:
    kernel = math.prod(node.attribute("kernel_shape", (1,)))
    node.walk.add(node.auxiliary("pooling", math.prod(node.given) * kernel))


def _normalise(node: Node) -> None:
    if node.attribute("training_mode", 0):
        raise Unsupported("it was exported in training mode")
    # mean and variance of a batch normalisation are folded into its scale and offset
    stored = sum(math.prod(node.shape(i)) for i in (1, 2) if node.constant(i))
    node.walk.add(node.auxiliary("normalisation", math.prod(node.given), stored))


def _gather(node: Node) -> None:
    table = node.constant(0)
    kind = "embedding lookup" if table else "rearrangement"
    node.walk.add(node.auxiliary(kind, math.prod(node.given), math.prod(node.shape(0)) if table else 0))


def rules() -> dict[str, Rule]:
    """Operator -> what it becomes."""
    found: dict[str, Rule] = {}
    for table, make in ((PER_OUTPUT, _per_output), (PER_INPUT, _per_input), (COMBINE, _combine)):
        for kind, operators in table.items():
            found |= dict.fromkeys(operators.split(), make(kind))
    found |= dict.fromkeys(FREE.split(), _free)
    found |= dict.fromkeys(("MaxPool", "AveragePool", "LpPool"), _pool)
    found |= dict.fromkeys(NORMALISATIONS.split(), _normalise)
    found["Gather"] = _gather
    return found
