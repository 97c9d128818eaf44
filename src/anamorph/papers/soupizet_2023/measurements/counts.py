"""Counting neurons and synapses of the network."""

from __future__ import annotations

from anamorph.network.spiking import mnist_structure
from anamorph.papers.measure import Context, Findings, Measured


def measure(context: Context) -> Findings:
    """From the wirings of its layers."""
    found = mnist_structure()
    return Findings(
        {
            "neurons": Measured(float(found.n_neurons), basis="counted"),
            "synapses": Measured(float(found.n_synapses), basis="counted"),
        }
    )
