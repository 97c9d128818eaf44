"""Weights and multiply-accumulates of the three networks, counted."""

from __future__ import annotations

from anamorph.papers.measure import Context, Findings, Measured
from anamorph.processor.workloads import load


def measure(context: Context) -> Findings:
    """Of the built-in networks, which are made from their papers' tables."""
    resnet, inception, gnmt = (load(name) for name in ("resnet_152", "inception_v1", "gnmt_1024"))
    counts = {
        "resnet_parameters": resnet.parameters / 1e6,
        "resnet_macs": resnet.macs / 1e9,
        "inception_parameters": inception.parameters / 1e6,
        "inception_macs": inception.macs / 1e9,
        "gnmt_weights": gnmt.weights / 1e6,
        "gnmt_macs": gnmt.macs / 1e9,
    }
    return Findings({name: Measured(count, basis="counted") for name, count in counts.items()})
