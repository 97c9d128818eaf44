"""Measure an analog chip, train through the measurement, program it back, verify it at transistor level.

    import anamorph
    done = anamorph.run("iris", out="runs/first")
    print(done.metrics["accuracy"]["value"], done.report)

The public functions are `run` and one verb per stage: `fabricate`, `characterise`, `fit`, `train`, `program`,
`verify`, `cost`. They are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import jax

if TYPE_CHECKING:
    from anamorph.experiment import Experiment as Experiment
    from anamorph.experiment import load as load
    from anamorph.network.train import train as train
    from anamorph.stages.characterise import characterise as characterise
    from anamorph.stages.characterise import fit as fit
    from anamorph.stages.cost import cost as cost
    from anamorph.stages.drive import Run as Run
    from anamorph.stages.drive import run as run
    from anamorph.stages.fabricate import fabricate as fabricate
    from anamorph.stages.program import program as program
    from anamorph.verify.verdict import verify as verify

# Circuit equations span femtoamperes to milliamperes in one sum; float32 cannot hold Kirchhoff's current law.
# Training asks for float32 itself where it wants it.
jax.config.update("jax_enable_x64", True)

__version__ = "0.1.0"

#: Where each public function lives.
_PUBLIC = {
    "Experiment": "anamorph.experiment",
    "load": "anamorph.experiment",
    "Run": "anamorph.stages.drive",
    "run": "anamorph.stages.drive",
    "fabricate": "anamorph.stages.fabricate",
    "fit": "anamorph.stages.characterise",
    "train": "anamorph.network.train",
    "program": "anamorph.stages.program",
}
#: Packages that are verbs as well: `anamorph.verify(...)` calls the function that the package is about.
_VERBS = ("characterise", "verify", "cost")

__all__ = [
    "__version__",
    "Experiment",
    "Run",
    "load",
    "run",
    "fabricate",
    "characterise",
    "fit",
    "train",
    "program",
    "verify",
    "cost",
]


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        return importlib.import_module(f"anamorph.{name}")
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'anamorph' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
