"""Operators with a stored matrix: Conv, Gemm, MatMul; and MatMul and Attention of two activations.

A matrix is stored when it is the same for every inference: an initializer, a Constant, or computed from such alone.
"""

from __future__ import annotations

import math

from anamorph.processor.workloads.onnx_walk import Node, Unsupported
from anamorph.processor.workloads.operations import Auxiliary, MatrixProduct, Tensor, Window


def convolution(node: Node) -> None:
    """Conv: kernels unrolled into columns; one vector per output position and image; groups beside each other."""
    if not node.constant(1):
        raise Unsupported("its kernels are not constant")
    if node.has(2) and not node.constant(2):
        raise Unsupported("its biases are not constant")
    groups, (columns, channels, *kernel), given = node.attribute("group", 1), node.shape(1), node.given
    axes = len(kernel)
    if channels * groups != node.shape(0)[1] or columns % groups:
        raise Unsupported(f"kernels {node.shape(1)} in {groups} groups do not fit an input {node.shape(0)}")
    pads = tuple(node.attribute("pads", (0,) * 2 * axes))
    if (padding := node.attribute("auto_pad", "NOTSET")) not in ("NOTSET", "VALID"):
        pads = _same(node, padding, tuple(kernel))
    window = Window(tuple(kernel), _axes(node, "strides", axes), pads, _axes(node, "dilations", axes))
    product = MatrixProduct(
        node.walk.name(node), node.takes, node.gives, channels * math.prod(kernel), columns // groups,
        given[0] * math.prod(given[2:]), groups, biases=columns if node.has(2) else 0, window=window,
    )  # fmt: skip
    node.walk.add(node.walk.shared(product, node.key(1), node.key(2)))


def _axes(node: Node, name: str, axes: int) -> tuple[int, ...]:
    return tuple(node.attribute(name, (1,) * axes))


def _same(node: Node, how: str, kernel: tuple[int, ...]) -> tuple[int, ...]:
    """Padding that keeps the size; an odd one more at the end for SAME_UPPER, at the start for SAME_LOWER."""
    strides, dilations = _axes(node, "strides", len(kernel)), _axes(node, "dilations", len(kernel))
    starts, ends = [], []
    for n, m, k, s, d in zip(node.shape(0)[2:], node.given[2:], kernel, strides, dilations, strict=True):
        total = max((m - 1) * s + d * (k - 1) + 1 - n, 0)
        less, more = total // 2, total - total // 2
        starts.append(less if how == "SAME_UPPER" else more)
        ends.append(more if how == "SAME_UPPER" else less)
    return (*starts, *ends)


def gemm(node: Node) -> None:
    """Gemm: A B + C with either stored; a C that is stored is biases, another one an addition."""
    transposed = (node.attribute("transA", 0), node.attribute("transB", 0))
    a, b = (s[::-1] if t else s for s, t in zip((node.shape(0), node.shape(1)), transposed, strict=True))
    _product(node, (1, *a), (1, *b), transposed)


def matmul(node: Node) -> None:
    """MatMul with a stored side is a product; stacks of stored matrices are groups; without one, vector products."""
    a, b = node.shape(0), node.shape(1)
    if len(a) == 1 and len(b) == 1:
        a, b = (1, *a), (*b, 1)
    elif len(a) == 1:
        a = (1, *a)
    elif len(b) == 1:
        b = (*b, 1)
    _product(node, a, b, (0, 0))


def _product(node: Node, a: tuple[int, ...], b: tuple[int, ...], transposed: tuple[int, int]) -> None:
    """A (..., m, k) times B (..., k, n)."""
    walk, name = node.walk, node.walk.name(node)
    stack = math.prod(_broadcast(a[:-2], b[:-2]))
    m, k, n = a[-2], a[-1], b[-1]
    added = node.has(2)
    first = added and not node.constant(2)
    gives = (Tensor(f"{name}.product", node.given),) if first else node.gives
    takes = tuple(t for t in node.takes if not first or t.name in node.inputs[:2])
    if not node.constant(0) and not node.constant(1):
        walk.add(Auxiliary(name, "vector product", takes, gives, stack * m * k * n, detail=node.kind))
    else:
        stored = 1 if node.constant(1) else 0
        columns, vectors = (n, m) if stored else (m, n)
        groups = math.prod((b if stored else a)[:-2])
        biases = math.prod(node.shape(2)) if added and not first else 0
        product = MatrixProduct(name, takes, gives, k, columns, vectors * (stack // groups), groups, biases=biases)
        # a matrix is not its transpose: cells that are driven from their rows are not driven from their columns
        side = f"{stored}{transposed[stored]}"
        walk.add(walk.shared(product, node.key(stored), side, node.key(2) if biases else ""))
    if first:
        c = node.tensor(node.inputs[2])
        walk.add(Auxiliary(f"{name}.add", "addition", (*gives, c), node.gives, math.prod(node.given), detail="Gemm"))


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> list[int]:
    n = max(len(a), len(b))
    return [max(x, y) for x, y in zip((1,) * (n - len(a)) + a, (1,) * (n - len(b)) + b, strict=True)]


def attention(node: Node) -> None:
    """Attention: two vector products around a softmax; `Y = softmax(Q K^T) V`."""
    if any(node.has(i) for i in (4, 5)):
        raise Unsupported("keys or values of earlier calls")
    if any(node.outputs[1:]):
        raise Unsupported("more than one output")
    name, keys = node.walk.name(node), node.shape(1)[-2]
    scores = math.prod(node.shape(0)) * keys
    heads = node.attribute("q_num_heads", 0) if len(node.shape(0)) == 3 else node.shape(0)[1]
    if heads < 1:
        raise Unsupported("no number of heads")
    shape = (node.shape(0)[0], heads, node.shape(0)[-2], keys)
    raw, soft = Tensor(f"{name}.scores", shape), Tensor(f"{name}.softmax", shape)
    value = node.tensor(node.inputs[2])
    before = tuple(t for t in node.takes if t.name in (*node.inputs[:2], *node.inputs[3:]))
    node.walk.add(
        Auxiliary(raw.name, "vector product", before, (raw,), scores, detail=node.kind),
        Auxiliary(soft.name, "softmax", (raw,), (soft,), raw.size, detail=node.kind),
        Auxiliary(name, "vector product", (soft, value), node.gives, math.prod(node.given) * keys, detail=node.kind),
    )
