"""Recurrent operators of ONNX: LSTM, GRU and RNN, one product of [x, h] per direction where the gates allow it."""

from __future__ import annotations

from anamorph.processor.workloads.build import cell
from anamorph.processor.workloads.onnx_walk import Node, Unsupported
from anamorph.processor.workloads.operations import Auxiliary, MatrixProduct, Tensor

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrent(node: Node) -> None:
    """A layer over (steps, batch, inputs), or (batch, steps, inputs) where `layout` is 1.

    Biases are those of input and state together, as they are added. The candidate of a GRU needs another product: of
    [x, r h], after the gates of its step; or, with `linear_before_reset`, of x and of h apart.
    """
    if not (node.constant(1) and node.constant(2)) or (node.has(3) and not node.constant(3)):
        raise Unsupported("its weights are not constant")
    if node.has(7):
        raise Unsupported("peepholes")
    directions, _, inputs = node.shape(1)
    hidden = node.shape(2)[-1]
    if node.shape(1)[1] != _GATES[node.kind] * hidden or inputs != node.shape(0)[2]:
        raise Unsupported(f"weights {node.shape(1)} and {node.shape(2)} do not fit an input {node.shape(0)}")
    steps, batch = node.shape(0)[:2] if node.attribute("layout", 0) == 0 else node.shape(0)[1::-1]
    name = node.walk.name(node)
    states = []
    for direction in range(directions):
        here = name if directions == 1 else f"{name}.{('forward', 'backward')[direction]}"
        state = Tensor(f"{here}.state", (steps, batch, hidden))
        _direction(node, here, state, inputs, hidden, steps, batch, direction)
        states.append(state)
    # each direction writes its states where they belong, and the last ones are among them
    node.walk.add(Auxiliary(f"{name}.outputs", "rearrangement", tuple(states), node.gives, 0, detail=node.kind))


def _direction(
    node: Node, name: str, state: Tensor, inputs: int, hidden: int, steps: int, batch: int, direction: int
) -> None:
    """One direction: its products and what is done with the gates."""
    n, walk = _GATES[node.kind], node.walk
    gates = Tensor(f"{name}.gates", (steps, batch, n * hidden))
    weights = [node.key(i) for i in (1, 2, 3)]

    def product(part: str, rows: int, columns: int, fed_back: int, takes: tuple[Tensor, ...]) -> MatrixProduct:
        biased = node.has(3) and not part.endswith(".state")
        made = MatrixProduct(
            part, takes, (Tensor(part, (steps, batch, columns)),), rows, columns, steps * batch,
            steps=steps if fed_back else 1, fed_back=fed_back, biases=columns if biased else 0,
        )  # fmt: skip
        return walk.shared(made, f"{part[len(name) :]}|{direction}", *weights)

    takes = node.takes
    if node.kind != "GRU":
        walk.add(product(gates.name, inputs + hidden, n * hidden, hidden, takes))
    else:
        both = product(f"{name}.update_reset", inputs + hidden, 2 * hidden, hidden, takes)
        if node.attribute("linear_before_reset", 0):
            parts = (
                product(f"{name}.candidate", inputs, hidden, 0, takes),
                product(f"{name}.candidate.state", hidden, hidden, hidden, ()),
            )
        else:
            parts = (product(f"{name}.candidate", inputs + hidden, hidden, hidden, (*takes, *both.gives)),)
        given = tuple(t for part in (both, *parts) for t in part.gives)
        walk.add(both, *parts)
        walk.add(Auxiliary(gates.name, "rearrangement", given, (gates,), 0, steps=steps, detail=node.kind))
    walk.add(*cell(name, gates, state, hidden * steps * batch, steps, node.kind))
