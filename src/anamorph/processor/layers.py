"""A network as the processor works through it: what is folded away is gone, what the neurons do is with its product.

- Batch normalisation right after a product is a factor on its weights and an offset on its sums: folded, it costs
  nothing. Functions of a value right after an operation are done on the way to memory, and not as a pass of their own.
- Mere changes of shape (`rearrangement` of 0 operations) move nothing: who reads the new tensor reads the old one.
- A convolution slides over lines of its output. The first vector of a line brings a whole window from memory, each
  further one only the columns of the window that are new (Bavandpour et al. 2019, Fig. 2b); the others move along the
  chain of buffers.
- Neighbouring operations with as many steps are a loop: step by step through all of them, as feedback may come
  from any of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from anamorph.errors import BadInput
from anamorph.processor.workloads.network import Network
from anamorph.processor.workloads.operations import Auxiliary, MatrixProduct, Operation, Tensor

#: Done on the way to memory: one value in, one value out.
UNARY = ("activation", "quantisation")
FOLDED = ("batch", "BatchNormalization")


@dataclass(frozen=True)
class Product:
    """A product with stored matrices, per inference.

    Attributes:
        rows, columns, groups: of its matrices.
        steps: that must follow one another.
        lines: of vectors, in each step.
        line: vectors in a line.
        first: values that the first vector of a line needs, of all groups.
        slide: values that each further vector needs.
        macs: with weights that exist.
        weights: that exist; 0 for a product that uses another's cells.
        owner: index of the layer whose cells it uses: its own, or that of an earlier one.
    """

    rows: int
    columns: int
    groups: int
    steps: int
    lines: int
    line: int
    first: int
    slide: int
    macs: int
    weights: int
    owner: int

    @property
    def vectors(self) -> int:
        """Input vectors of a step."""
        return self.lines * self.line

    @property
    def fill(self) -> int:
        """Shifts of the buffer chain until the first window of a line is in place."""
        return math.ceil(self.first / self.slide)


@dataclass(frozen=True)
class Layer:
    """What is done in one pass: a product with the functions behind it, or a pass of the auxiliary unit.

    Attributes:
        name: of its first operation.
        product: None for a pass of the auxiliary unit.
        reads: indices of the stored tensors that it takes, each once.
        gives: indices of those that it gives.
        taken: values read by a pass of the auxiliary unit.
        given: values written.
        operations: kind -> elementary operations per inference, functions on the way included.
        steps: that must follow one another.
        loop: its loop's number, or -1.
        holds: names of all operations in it.
    """

    name: str
    product: Product | None
    reads: tuple[int, ...]
    gives: tuple[int, ...]
    taken: int
    given: int
    operations: dict[str, int]
    steps: int
    loop: int
    holds: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Layers in an order in which they can be done, and the tensors that memory holds between them.

    Attributes:
        network: where they are from.
        layers: in order.
        tensors: that are stored; the network's inputs are the first ones.
        inputs: how many those are.
        outputs: indices of tensors that no layer takes.
        resident: values that stay in memory: parameters of the auxiliary unit.
        outside: parameters of look-up tables, which are not on the chip.
    """

    network: Network
    layers: tuple[Layer, ...]
    tensors: tuple[Tensor, ...]
    inputs: int
    outputs: tuple[int, ...]
    resident: int
    outside: int


def plan(network: Network) -> Plan:
    """The layers of a network.

    Raises:
        BadInput: no product with stored weights, so that there is nothing for memory cells to do.
    """
    if not network.products:
        raise BadInput("no product with stored weights", where=network.name, advice="There is nothing to map.")
    tensors: list[Tensor] = list(network.takes)
    roots: dict[str, tuple[int, ...]] = {t.name: (i,) for i, t in enumerate(tensors)}
    layers: list[Layer] = []
    index: dict[str, int] = {}
    counted = [0, 0]
    for chain, loop in _looped(_chains(network)):
        head, last = chain[0], chain[-1]
        if isinstance(head, Auxiliary) and head.kind == "rearrangement" and head.operations == 0 and len(chain) == 1:
            seen = tuple(dict.fromkeys(r for t in head.takes for r in roots[t.name]))
            roots |= {t.name: seen for t in head.gives}
            continue
        given = tuple(range(len(tensors), len(tensors) + len(last.gives)))
        tensors += last.gives
        roots |= {t.name: (i,) for i, t in zip(given, last.gives, strict=True)}
        index[head.name] = len(layers)
        for op in chain:
            if isinstance(op, Auxiliary) and not _is_folded(op, chain):
                counted[op.kind == "embedding lookup"] += op.parameters
        reads = tuple(dict.fromkeys(r for t in head.takes for r in roots[t.name]))
        layers.append(_layer(chain, reads, given, index, loop))
    taken = {r for layer in layers for r in layer.reads}
    outputs = tuple(i for i in range(len(tensors)) if i not in taken and i >= len(network.takes))
    return Plan(network, tuple(layers), tuple(tensors), len(network.takes), outputs, counted[0], counted[1])


def _layer(
    chain: list[Operation], reads: tuple[int, ...], gives: tuple[int, ...], index: dict[str, int], loop: int
) -> Layer:
    head, last = chain[0], chain[-1]
    done: dict[str, int] = {}
    for op in chain:
        if isinstance(op, Auxiliary) and not _is_folded(op, chain):
            done[op.kind] = done.get(op.kind, 0) + op.operations
    product = _product(head, index) if isinstance(head, MatrixProduct) else None
    # indices of a look-up come from outside with the table's rows
    lookup = isinstance(head, Auxiliary) and head.kind == "embedding lookup"
    taken = 0 if product or lookup else sum(t.size for t in head.takes)
    return Layer(
        head.name, product, reads, gives, taken, sum(t.size for t in last.gives), done, head.steps, loop,
        tuple(op.name for op in chain),
    )  # fmt: skip


def _product(op: MatrixProduct, index: dict[str, int]) -> Product:
    vectors = op.vectors // op.steps
    line, first, slide = vectors, op.rows * op.groups, op.rows * op.groups
    if op.window is not None and op.steps == 1 and op.gives:
        width = op.gives[0].shape[-1]
        if width > 0 and vectors % width == 0:
            kernel, stride = op.window.kernel[-1], op.window.stride[-1]
            line, slide = width, first // kernel * min(stride, kernel)
    owner = index[op.weights_of] if op.weights_of is not None else index[op.name]
    return Product(
        op.rows, op.columns, op.groups, op.steps, vectors // line, line, first, slide, op.macs,
        op.weights if op.weights_of is None else 0, owner,
    )  # fmt: skip


def _is_folded(op: Operation, chain: Sequence[Operation]) -> bool:
    return (
        isinstance(op, Auxiliary) and op.kind == "normalisation" and op.detail in FOLDED
        and isinstance(chain[0], MatrixProduct)
    )  # fmt: skip


def _chains(network: Network) -> Iterator[list[Operation]]:
    """Operations that are one layer: those behind an operation that nobody else reads, in the network's order."""
    readers: dict[str, list[Operation]] = {}
    for op in network.operations:
        for tensor in op.takes:
            readers.setdefault(tensor.name, []).append(op)
    taken: set[str] = set()
    for op in network.operations:
        if op.name in taken:
            continue
        chain = [op]
        while (follower := _follower(chain, readers)) is not None:
            chain.append(follower)
            taken.add(follower.name)
        yield chain


def _follower(chain: list[Operation], readers: dict[str, list[Operation]]) -> Auxiliary | None:
    last = chain[-1]
    if isinstance(chain[0], Auxiliary) and chain[0].kind == "rearrangement":
        return None
    if len(last.gives) != 1 or len(found := readers.get(last.gives[0].name, [])) != 1:
        return None
    (op,) = found
    if not isinstance(op, Auxiliary) or op.takes != last.gives or op.steps != last.steps:
        return None
    folded = op.kind == "normalisation" and op.detail in FOLDED and isinstance(last, MatrixProduct)
    return op if op.kind in UNARY or folded else None


def _looped(chains: Iterator[list[Operation]]) -> Iterator[tuple[list[Operation], int]]:
    """Each chain with the number of its loop; -1 outside loops. Changes of shape do not end a loop of their steps."""
    loop, steps = -1, 1
    for chain in chains:
        if chain[0].steps != steps:
            steps = chain[0].steps
            loop += steps > 1
        yield chain, loop if steps > 1 else -1


def merged(plan_: Plan) -> tuple[tuple[Layer, ...], tuple[int, ...]]:
    """Layers that differ in name and place only, once each, and how often each is there.

    For counts over many designs; owners and tensors of what is left are those of its first.
    """
    found: dict[object, list[int]] = {}
    for i, layer in enumerate(plan_.layers):
        product = layer.product
        shared = product is not None and (product.owner != i or _is_shared(plan_, i))
        kept = replace(product, owner=-1) if product is not None and not shared else i if shared else None
        key = (kept, layer.taken, layer.given, tuple(sorted(layer.operations.items())), layer.steps, layer.loop)
        found.setdefault(key, []).append(i)
    return tuple(plan_.layers[v[0]] for v in found.values()), tuple(len(v) for v in found.values())


def _is_shared(plan_: Plan, index: int) -> bool:
    return any(one.product is not None and one.product.owner == index for one in plan_.layers[index + 1 :])
