"""Programmed dies as the tables that solvers need: every soma's curves and every synapse's coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np

from anamorph.substrate.contract import Die, Program, Shape
from anamorph.substrate.current_mirror.chip import readout_code
from anamorph.substrate.current_mirror.run import DieTables, Somas
from anamorph.substrate.current_mirror.soma_curves import SomaCurves
from anamorph.substrate.current_mirror.stage import Stage
from anamorph.substrate.current_mirror.tables import Matrix, tabulate


@dataclass(frozen=True)
class Programmed:
    """Several dies, solved once for all patterns; see `Programmed.of`."""

    stage: Stage
    shape: Shape
    deviations: list[np.ndarray]
    curves: list[SomaCurves]
    matrices: list[Matrix]
    outlet: Matrix

    @classmethod
    def of(cls, stage: Stage, die: Die, batch: Program) -> Programmed:
        """Solve the cells of dies under a program with both batch axes."""
        deviations = jax.tree.map(np.asarray, die.deviations)
        flat = np.concatenate([d.reshape(-1, d.shape[-1]) for d in deviations["soma"]])
        curves = stage.curves(flat)
        layers = _split(curves, [len(die) * n for n in die.shape])
        matrices = [
            tabulate(stage, c, d, s) for c, d, s in zip(layers, deviations["synapse"], batch.settings, strict=False)
        ]
        diagonal = np.full((1, 1, die.shape[-1], 1), readout_code(stage.n_bits))
        outlet = tabulate(stage, layers[-1], deviations["readout"][0][:, :, None], diagonal)
        return cls(stage, die.shape, deviations["soma"], layers, matrices, outlet)

    def tables(self, d: int) -> DieTables:
        """Of die `d`."""
        somas = [
            Somas.of(c, dev[d], slice(d * n, (d + 1) * n), self.stage.input_fet)
            for c, dev, n in zip(self.curves, self.deviations, self.shape, strict=True)
        ]
        matrices = tuple(m.of_die(d) for m in self.matrices)
        return DieTables(self.stage.regions, tuple(somas), matrices, self.outlet.of_die(d))

    def solved(self, d: int) -> bool:
        """Every synapse of die `d` has a solution."""
        return all(bool(m.converged[d]) for m in (*self.matrices, self.outlet))


def _split(curves: SomaCurves, sizes: list[int]) -> list[SomaCurves]:
    edges = np.cumsum([0, *sizes])
    return [
        SomaCurves(
            curves.axis, *(a[low:high] for a in (curves.drive_p, curves.drive_n, curves.supply, curves.converged))
        )
        for low, high in zip(edges, edges[1:], strict=False)
    ]
