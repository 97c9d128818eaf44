"""The state that a transient begins in, as ngspice's ``.ic`` lines: of all nodes, transistors' inner ones included.

ngspice can also solve for that state from node voltages near it. For every node that is given one it then looks up all
nodes, in columns of its matrix that it walks from the top: for thousands of transistors that takes longer than the
transient. A state that is taken as it is costs nothing; should it be none of rest, the waveforms show it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from anamorph.circuit.netlist import GROUND
from anamorph.circuit.spice_hierarchy import Scope, Writer, finite, kind
from anamorph.circuit.spice_mosfet import inner_voltages, number
from anamorph.errors import BadInput, nearest


def initial_conditions(
    writer: Writer, scope: Scope, start: Mapping[str, float], deviations: Float[np.ndarray, " fets"]
) -> Iterator[str]:
    """A line for every node.

    Args:
        writer: which wrote the circuit.
        scope: of the circuit.
        start: voltage of every node that no source holds, by our names, V.
        deviations: threshold deviation of each transistor, V.

    Raises:
        BadInput: a node without a voltage, or a voltage without a node.
    """
    at = _voltages(writer, scope, start)
    yield from (f".ic v({node})={number(v)}" for node, v in at.items() if node != GROUND)
    alike = defaultdict(list)
    for index, placed in enumerate(scope.placed):
        alike[kind(placed.fet)].append(index)
    for members in alike.values():
        fet = scope.placed[members[0]].fet
        parameters = jax.tree.map(jnp.asarray, writer.technology.mosfet(fet))
        d, g, s, b = np.array([[at[node] for node in scope.placed[index].nodes] for index in members]).T
        inner = inner_voltages(fet, parameters, writer.temperature, d, g, s, b, deviations[members])
        for position, index in enumerate(members):
            name = scope.placed[index].name
            yield from (f".ic v({name}.{node})={number(v[position])}" for node, v in inner.items())


def _voltages(writer: Writer, scope: Scope, start: Mapping[str, float]) -> dict[str, float]:
    """Of every node by ngspice's name, V."""
    at = {GROUND: 0.0}
    for node, source in writer.held.items():
        drive = writer.drives[source]
        at[node] = float(np.interp(0.0, *drive)) if isinstance(drive, tuple) else float(drive)
    for name, voltage in start.items():
        if name not in scope.inner:
            raise BadInput(f"no node '{name}'", where="start", advice=nearest(name, scope.inner))
        at[scope.inner[name]] = finite(voltage, name)
    for ours, theirs in scope.inner.items():
        if theirs not in at:
            raise BadInput("a node without a voltage to begin at", where=ours, expected="one for every node")
    return at
