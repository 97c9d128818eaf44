"""The order of a graph's nodes, where they form one chain."""

from __future__ import annotations

from collections import Counter
from typing import Any

from anamorph.errors import BadInput


def chain(graph: Any) -> list[tuple[str, Any]]:
    """Names and nodes from the one input to the one output.

    Raises:
        BadInput: edges to nowhere, several inputs or outputs, a branch, a loop, or a node that is not joined.
    """
    edges = [(str(a), str(b)) for a, b in graph.edges]
    for name in (end for edge in edges for end in edge):
        if name not in graph.nodes:
            raise BadInput("an edge to a node that is not there", where=f"node {name[:60]!r}")
    for counts, what in ((Counter(a for a, _ in edges), "feeds"), (Counter(b for _, b in edges), "is fed by")):
        for name, count in counts.items():
            if count > 1:
                raise BadInput(f"{what} {count} nodes", where=f"node {name[:60]!r}", expected="one chain of layers")
    first = _only(graph, "Input")
    _only(graph, "Output")
    after, order = dict(edges), [first]
    while order[-1] in after:
        order.append(after[order[-1]])
        if len(order) > len(graph.nodes):
            raise BadInput("a loop", where=f"node {order[-1][:60]!r}", expected="one chain of layers")
    for name in graph.nodes:
        if name not in order:
            raise BadInput("not joined to the input", where=f"node {name[:60]!r}", expected="one chain of layers")
    if type(graph.nodes[order[-1]]).__name__ != "Output":
        raise BadInput("the last node is no output", where=f"node {order[-1][:60]!r}", expected="Output")
    return [(name, graph.nodes[name]) for name in order]


def _only(graph: Any, kind: str) -> str:
    found = [str(name) for name, node in graph.nodes.items() if type(node).__name__ == kind]
    if len(found) != 1:
        raise BadInput(f"one node of type {kind} is needed", where="graph", expected="1",
                       got=f"{len(found)}: {', '.join(found)}"[:120])  # fmt: skip
    return found[0]
