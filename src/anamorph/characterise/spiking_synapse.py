"""Transient characterisation of a synapse that a neuron drives: mean output current against f_spike, ripple, power.

As in Soupizet et al. 2023, section IV.B.2, the excitation current of the neuron is swept; neuron and synapse are one
circuit, and every combination of current and mismatch sample a transient of its own (`transients.py`), until period and
charge of the output are steady. The output is held at a potential. What the filter still ripples is in the current's
RMS:  ripple = sqrt(rms^2 - mean^2) / mean.

A filter behind a neuron settles over hundreds of spikes. Whether it has is judged between spikes `EVERY` apart, so that
the change per look stands out from the noise of the time steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from anamorph.characterise.neuron import DRIVE, LEVELS, SUPPLY, TOLERANCE, Neuron
from anamorph.characterise.spiking import Grid, Points, SynapseCurve
from anamorph.characterise.transients import LANES, Bench, Found
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Cell, CurrentSource, Instance, VoltageSource
from anamorph.circuit.oscillation import RESTING, SETTLED
from anamorph.device.mosfet import T_REFERENCE
from anamorph.errors import BadInput, nearest
from anamorph.technology import Technology

#: Spikes between two looks, and spikes after which a sample is given up.
EVERY, MAX_SPIKES = 16, 1600
#: Node into which the synapse delivers, and its own supply.
METER, OWN_SUPPLY = "meter", "vdd_synapse"


@dataclass(frozen=True)
class Synapse:
    """A cell that turns spikes into a current, and what its ports are for.

    Attributes:
        cell: the circuit.
        input: port that receives spikes.
        output: port that delivers the current.
        supply: port of the supply.
        biases: potential of every other port, V.

    Raises:
        BadInput: no such port, or a port without a purpose or with two.
    """

    cell: Cell
    input: str = "v_pre"
    output: str = "i_out"
    supply: str = "vdd"
    biases: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where, given = f"synapse {self.cell.name}", (self.input, self.output, self.supply, *self.biases)
        for port in given:
            if port not in self.cell.ports:
                raise BadInput(f"no port '{port}'", where=where, advice=nearest(port, self.cell.ports))
        if sorted(given) != sorted(self.cell.ports):
            got = ", ".join(self.cell.ports)
            raise BadInput("ports without a purpose, or with two", where=where, expected=", ".join(given), got=got)

    def bench(self, neuron: Neuron) -> Cell:
        """A neuron that drives the synapse, which delivers into a held node; each has a supply of its own."""
        inside = {neuron.input: neuron.input, neuron.output: neuron.output, neuron.supply: neuron.supply}
        ports = {self.input: neuron.output, self.output: METER, self.supply: OWN_SUPPLY}
        elements = (
            Instance("neuron", neuron.cell, inside | {port: f"neuron_{port}" for port in neuron.biases}),
            Instance("synapse", self.cell, ports | {port: f"synapse_{port}" for port in self.biases}),
            CurrentSource(DRIVE, neuron.input),
            VoltageSource(SUPPLY, neuron.supply),
            VoltageSource("v_meter", METER),
            VoltageSource("v_own", OWN_SUPPLY),
            *(VoltageSource(f"v_neuron_{port}", f"neuron_{port}") for port in neuron.biases),
            *(VoltageSource(f"v_synapse_{port}", f"synapse_{port}") for port in self.biases),
        )
        return Cell(f"bench_of_{self.cell.name}", (), elements)

    def held(self, neuron: Neuron, supply: float, v_out: float) -> dict[str, float]:
        """Potentials of the bench's held nodes, V."""
        own = {f"synapse_{port}": value for port, value in self.biases.items()}
        theirs = {f"neuron_{port}": value for port, value in neuron.biases.items()}
        return {neuron.supply: supply, OWN_SUPPLY: supply, METER: v_out} | own | theirs


@dataclass(frozen=True)
class SynapseMeasurement:
    """What a transient characterisation found, at each excitation current of the neuron; the first is zero.

    Attributes:
        i_ex: excitation of the neuron, A.
        f_spike: of the neuron with the synapse as its load, Hz.
        i_out: mean current out of the synapse, A.
        ripple: RMS of what varies of it, over its mean.
        power: mean power of the synapse's own supply, W.
        converged: whether current and power had settled.
        v_dd: supply, V.
        v_out: potential of the output, V.
        temperature: K.
        source: what was measured.
    """

    i_ex: Points
    f_spike: Grid
    i_out: Grid
    ripple: Grid
    power: Grid
    converged: Bool[np.ndarray, "samples points"]
    v_dd: float
    v_out: float
    temperature: float
    source: str

    @property
    def energy_per_spike(self) -> Grid:
        """Mean power over f_spike, J; NaN without spikes."""
        return np.divide(self.power, self.f_spike, out=np.full(self.power.shape, np.nan), where=self.f_spike > 0)

    @property
    def curve(self) -> SynapseCurve:
        """Against the first sample's f_spike: idle first, then as long as the rate rises with the excitation.

        Raises:
            BadInput: less than two rates.
        """
        rate = np.where(self.converged.all(axis=0), self.f_spike[0], -1.0)
        rate[0] = 0.0
        kept = np.flatnonzero(rate > np.concatenate([[-1.0], np.maximum.accumulate(rate)[:-1]]))
        if len(kept) < 3:
            raise BadInput("the neuron spikes at less than two of these currents", where=self.source)
        return SynapseCurve(
            rate[kept], self.i_out[:, kept], self.power[:, kept], self.converged[:, kept], self.v_dd,
            self.temperature, self.source,
        )  # fmt: skip


def characterise_synapse(
    synapse: Synapse,
    neuron: Neuron,
    technology: Technology,
    i_ex: Points,
    deviations: Float[np.ndarray, "samples fets"] | None = None,
    *,
    v_out: float | None = None,
    v_dd: float | None = None,
    temperature: float = T_REFERENCE,
    tolerance: float = TOLERANCE,
    power: bool = True,
) -> SynapseMeasurement:
    """Current and power of a synapse while a neuron without mismatch drives it.

    Args:
        synapse: the circuit and its ports.
        neuron: what drives it.
        technology: the process of both.
        i_ex: excitation currents of the neuron, positive and increasing, A.
        deviations: threshold deviation of every transistor of the synapse, V; one sample without any if left out.
        v_out: potential at which the output is held, V; half the supply if left out.
        v_dd: supply, V; the process's own if left out.
        temperature: K.
        tolerance: local error of a time step, V.
        power: measure the supply's power too, which takes a second run of all transients; NaN otherwise.

    Raises:
        BadInput: currents that do not increase, or deviations that do not fit.
    """
    if i_ex.ndim != 1 or not len(i_ex) or not np.isfinite(i_ex).all() or i_ex[0] <= 0 or (np.diff(i_ex) <= 0).any():
        raise BadInput("currents are not positive and increasing", where=f"synapse {synapse.cell.name}: i_ex")
    shifts = _shifts(synapse, neuron, deviations)
    circuit = compile_cell(synapse.bench(neuron), technology)
    supply = technology.v_dd if v_dd is None else v_dd
    out = 0.5 * supply if v_out is None else v_out
    currents = np.concatenate([[0.0], i_ex])

    def watched(node: str) -> Found:
        held = synapse.held(neuron, supply, out)
        bench = Bench(
            circuit, node, neuron.output, held, supply, temperature, tolerance, LEVELS, LANES, MAX_SPIKES, EVERY
        )
        return bench.run(currents, shifts)

    at_output = watched(METER)
    at_supply = watched(OWN_SUPPLY) if power else None
    return SynapseMeasurement(
        i_ex=currents, f_spike=at_output.frequency, i_out=-at_output.current_mean, ripple=_ripple(at_output),
        power=np.full(shifts.shape[:1] + currents.shape, np.nan)
        if at_supply is None else supply * at_supply.current_mean,
        converged=_steady(at_output) & (True if at_supply is None else _steady(at_supply)),
        v_dd=supply, v_out=out, temperature=temperature,
        source=f"transients of {synapse.cell.name} behind {neuron.cell.name} in {technology.name}",
    )  # fmt: skip


def _shifts(synapse: Synapse, neuron: Neuron, deviations: np.ndarray | None) -> Float[np.ndarray, "samples fets"]:
    """Those of the bench: the neuron's transistors come first, and do not deviate."""
    own, before = (len(list(cell.fets())) for cell in (synapse.cell, neuron.cell))
    given = np.zeros((1, own)) if deviations is None else np.asarray(deviations, float)
    if given.ndim != 2 or given.shape[1] != own or not np.isfinite(given).all():
        expected = f"finite numbers, [samples, {own}]"
        where = f"synapse {synapse.cell.name}"
        raise BadInput("not deviations of this synapse", where=where, expected=expected, got=f"{given.shape}")
    return np.concatenate([np.zeros((len(given), before)), given], axis=1)


def _steady(found: Found) -> np.ndarray:
    return (found.status == SETTLED) | ((found.status == RESTING) & found.stable)


def _ripple(found: Found) -> Grid:
    square, mean = found.current_rms**2, found.current_mean
    varying = np.sqrt(np.maximum(square - mean**2, 0.0))
    return np.divide(varying, np.abs(mean), out=np.full(mean.shape, np.nan), where=mean != 0)
