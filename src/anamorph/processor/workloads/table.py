"""A network as text: a line per matrix product, what is left to the auxiliary unit, and totals."""

from __future__ import annotations

from anamorph.processor.workloads.network import Network
from anamorph.processor.workloads.operations import MatrixProduct

_WIDEST = 44


def table(network: Network) -> str:
    """Lines for a terminal or a file."""
    lines = [f"{network.name}: {network.source}", ""]
    lines += _aligned([("layer", "rows", "columns", "groups", "vectors", "steps", "weights", "MACs", "")]
                      + [_row(op) for op in network.products])  # fmt: skip
    kinds: dict[str, list[int]] = {}
    for op in network.auxiliaries:
        count = kinds.setdefault(op.kind, [0, 0, 0])
        for i, n in enumerate((1, op.operations, op.parameters)):
            count[i] += n
    if kinds:
        rows = [("auxiliary", "count", "operations", "parameters")]
        lines += ["", *_aligned(rows + [(kind, *(f"{n:,}" for n in count)) for kind, count in sorted(kinds.items())])]
    largest = network.largest_tensor
    lines += [
        "",
        f"weights: {network.weights:,} in {len(network.products)} products (and {network.biases:,} biases; "
        f"{network.parameters:,} parameters in all)",
        f"MACs per inference: {network.macs:,} with stored weights, {network.vector_macs:,} between activations",
        f"activations: {network.activations:,}; the largest tensor has {largest.size:,}",
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _row(op: MatrixProduct) -> tuple[str, ...]:
    name = op.name if len(op.name) <= _WIDEST else f"{op.name[: _WIDEST // 2 - 2]}...{op.name[-_WIDEST // 2 + 1 :]}"
    numbers = (op.rows, op.columns, op.groups, op.vectors, op.steps, op.weights, op.macs)
    return (name, *(f"{n:,}" for n in numbers), f"cells of {op.weights_of}" if op.weights_of else "")


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Columns of equal width: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(t.ljust(w) if i == 0 else t.rjust(w) for i, (t, w) in enumerate(zip(row, widths, strict=True)))
            for row in rows]  # fmt: skip
