"""A multiply-accumulate in the mixed-signal neuron beside one in logic: power, energy, noise, area, crossings.

The analog neuron is biased for its frequency: at each, the tail current with which its output's -3 dB bandwidth *is*
that frequency, one multiply-accumulate per period. The digital one is a generated multiplier (or
multiplier-accumulator) fed with random operands, clocked once per multiply-accumulate. What brings operands to
either, and takes results away, is left out of both, as in Chatterjee et al. 2018; FIFOs and power gating of the logic
are an option.

Noise and energy of the analog neuron are one trade: both go with the output's capacitance C, noise as kT/C and energy
as C. A noise budget sets C, and `break_even_noise` says at which noise the analog neuron would take what the digital
one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from anamorph.cell.differential_pair import DifferentialPair, neuron, standard
from anamorph.cell.pair_sizing import sized
from anamorph.characterise.differential_pair import characterise_pair
from anamorph.digital.accumulator import mac
from anamorph.digital.logic_simulation import simulate
from anamorph.digital.power import LogicPower, logic_power
from anamorph.digital.power_gating import gated_power
from anamorph.digital.wallace import multiplier
from anamorph.errors import BadInput, DoesNotFit
from anamorph.technology import Technology

#: Tail currents at which the analog neuron is simulated, A; between them powers of each other are interpolated.
BIASES = tuple(10.0**k for k in range(-11, -5))
#: Capacitance per area of coupling and load capacitors, F/m² (assumed: metal-oxide-metal in 65 nm, 1 to 2 fF/um²).
CAPACITOR_DENSITY = 1.5e-3
#: Random operands: cycles and lanes.
CYCLES, LANES = 20, 64

Curve = Float[np.ndarray, " frequencies"]


@dataclass(frozen=True)
class Comparison:
    """Both neurons over frequency, ``[frequencies]``. NaN where a neuron does not get that far.

    Attributes:
        frequency: multiply-accumulates per second and synapse, Hz.
        bias: tail current of the analog synapse, A; the lowest simulated one where less would do.
        analog_power: of one synapse, both branches, W.
        analog_energy: per multiply-accumulate, J.
        analog_noise: at the output, differential, over all frequencies, V².
        digital_dynamic: power of switching, clock and FIFOs included, W.
        digital_leakage: W.
        digital_energy: per multiply-accumulate, J.
        ratio: digital over analog energy.
        crossings: frequencies at which the two take the same energy, Hz.
        break_even_noise: thermal noise at which the analog neuron would take as much, by a larger load, V².
        analog_area: of the neuron over its synapses, capacitors included, m²; assumed spacing and density.
        digital_area: placed, m².
        analog_transistors: of the neuron.
        digital_transistors: of the logic.
        design: sizes of the analog neuron (load and tail are made for each bias).
        logic: figures of the digital one.
    """

    frequency: Curve
    bias: Curve
    analog_power: Curve
    analog_energy: Curve
    analog_noise: Curve
    digital_dynamic: Curve
    digital_leakage: Curve
    digital_energy: Curve
    ratio: Curve
    crossings: tuple[float, ...]
    break_even_noise: Curve
    analog_area: float
    digital_area: float
    analog_transistors: int
    digital_transistors: int
    design: DifferentialPair
    logic: LogicPower

    @property
    def digital_power(self) -> Curve:
        """Total power of the logic, W."""
        return self.digital_dynamic + self.digital_leakage


def compare(
    technology: Technology,
    n_bits: int,
    frequency: Sequence[float] | Curve,
    *,
    n_synapses: int = 1,
    noise_max: float | None = None,
    accumulate: bool = False,
    fifo_depth: int = 0,
    design: DifferentialPair | None = None,
    biases: Sequence[float] = BIASES,
    seed: int = 0,
) -> Comparison:
    """Compare both neurons at `n_bits` over frequencies.

    Args:
        technology: a card with logic, such as ``cmos65``.
        n_bits: of weights, and of the digital neuron's inputs.
        frequency: multiply-accumulates per second and synapse, Hz.
        n_synapses: that share an analog load; room for their sum in the digital accumulator.
        noise_max: noise at the analog output that must not be exceeded, V²; sets the load capacitor.
        accumulate: the digital neuron is multiplier, adder and registers, and not the multiplier alone.
        fifo_depth: words of FIFOs around power-gated logic; none for logic that is always on.
        design: of the analog neuron, if not the standard one of that many bits and synapses.
        biases: tail currents at which it is simulated, A, rising.
        seed: of the operands.

    Raises:
        BadInput: a card without logic, frequencies or a noise that are not positive, biases that do not rise.
        DoesNotFit: flicker noise alone exceeds `noise_max`.
        NotConverged: an operating point was not found.
    """
    f = np.asarray(frequency, float)
    if f.ndim != 1 or not f.size or not (np.isfinite(f) & (f > 0)).all():
        raise BadInput("not frequencies", where="frequency", expected="positive, in Hz", got=f"{frequency}")
    if len(biases) < 2 or (np.diff(biases) <= 0).any():
        raise BadInput("biases do not rise", where="biases", expected="two or more", got=f"{list(biases)}")
    logic = digital_neuron(technology, n_bits, n_synapses, accumulate=accumulate, seed=seed)
    base = design or standard(n_bits, n_synapses)
    if noise_max is not None:
        base = quiet(base, technology, noise_max)
    analog = _analog(base, technology, biases, f)
    dynamic, leakage = _digital(logic, technology, f, fifo_depth, 2 * n_bits)
    analog_energy, digital_energy = analog["power"] / f, (dynamic + leakage) / f
    ratio = digital_energy / analog_energy
    middle = sized(technology, float(np.sqrt(biases[0] * biases[-1])), base)
    return Comparison(
        frequency=f, bias=analog["bias"], analog_power=analog["power"], analog_energy=analog_energy,
        analog_noise=analog["noise"], digital_dynamic=dynamic, digital_leakage=leakage, digital_energy=digital_energy,
        ratio=ratio, crossings=crossings(f, ratio), break_even_noise=analog["thermal"] / ratio,
        analog_area=analog_area(middle, technology), digital_area=logic.area,
        analog_transistors=sum(1 for _ in neuron(middle).fets()), digital_transistors=logic.transistors,
        design=base, logic=logic,
    )  # fmt: skip


def quiet(design: DifferentialPair, technology: Technology, noise_max: float) -> DifferentialPair:
    """`design` with the load capacitor that `noise_max` (V²) asks for; its own if that is enough.

    Only thermal noise goes with 1/C. Flicker noise does not, and what it takes of the budget is left for larger
    transistors.

    Raises:
        BadInput: not a noise power.
        DoesNotFit: flicker noise leaves nothing of the budget.
    """
    if not 0 < noise_max < np.inf:
        raise BadInput("not a noise power", where="noise_max", expected="above zero, in V^2", got=f"{noise_max:g}")
    middle = float(np.sqrt(BIASES[0] * BIASES[-1]))
    for _ in range(5):  # thermal noise is nearly proportional to 1/C: later steps only tidy up
        found = characterise_pair(design, technology, [middle], np.array([design.full_code]))
        thermal, flicker = float(found.noise_thermal[0, 0]), float(found.noise_flicker[0, 0])
        if thermal + flicker <= noise_max * 1.001:
            break
        if flicker > 0.9 * noise_max:
            raise DoesNotFit(
                "no capacitor is large enough: flicker noise takes the budget",
                where="noise_max", expected=f"above {flicker / 0.9:.2g} V^2", got=f"{noise_max:.2g} V^2",
                advice="Make the transistors larger (design.unit, design.load).",
            )  # fmt: skip
        farad = float(found.gm[0, 0] / found.gain[0, 0] / (2 * np.pi * found.bandwidth[0, 0]))
        design = replace(design, c_load=design.c_load + farad * (thermal / (noise_max - flicker) - 1))
    return design


def _analog(
    design: DifferentialPair, technology: Technology, biases: Sequence[float], frequency: Curve
) -> dict[str, Curve]:
    """Bias, power and noise at frequencies, between simulated biases along powers of the frequency."""
    found = characterise_pair(design, technology, list(biases), np.array([design.full_code]))
    reach = found.bandwidth[:, 0]
    x, grid = np.log(frequency), np.log(reach)

    def at(values: np.ndarray) -> np.ndarray:
        # slower than the lowest bias needs nothing else; faster than the highest is not had
        return np.where(frequency <= reach[-1], np.exp(np.interp(x, grid, np.log(values))), np.nan)

    wanted = {
        "bias": found.bias,
        "power": found.power[:, 0],
        "noise": found.noise[:, 0],
        "thermal": found.noise_thermal[:, 0],
    }
    return {name: at(values) for name, values in wanted.items()}


def digital_neuron(
    technology: Technology, n_bits: int, n_synapses: int = 1, *, accumulate: bool = False, seed: int = 0
) -> LogicPower:
    """Power of a generated multiplier (or multiplier-accumulator) at uniformly random operands, glitches included."""
    a, b = np.random.default_rng(seed).integers(0, 2**n_bits, (2, CYCLES, LANES))
    if not accumulate:
        return logic_power(simulate(multiplier(n_bits), {"a": a, "b": b}, unit_delay=True), technology)
    keep = np.broadcast_to((np.arange(CYCLES) % n_synapses != 0).astype(int)[:, None], a.shape)
    circuit = mac(n_bits, n_synapses, operand_registers=True)
    return logic_power(simulate(circuit, {"a": a, "b": b, "keep": keep}, unit_delay=True), technology)


def _digital(
    logic: LogicPower, technology: Technology, frequency: Curve, depth: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Dynamic power and leakage; NaN beyond the longest path."""
    slow = np.minimum(frequency, logic.f_max)
    if depth:
        parts = gated_power(logic, technology, slow, depth=depth, width=width)
        dynamic = parts.switching + parts.wake
        leakage = parts.leakage + parts.fifo  # nearly all of a FIFO's power is leakage
    else:
        dynamic, leakage = (logic.dynamic_energy + logic.clock_energy) * slow, np.full_like(slow, logic.leakage)
    late = frequency > logic.f_max
    return np.where(late, np.nan, dynamic), np.where(late, np.nan, leakage)


def crossings(frequency: Curve, ratio: Curve) -> tuple[float, ...]:
    """Frequencies at which a ratio passes one, between points along powers of the frequency."""
    good = np.isfinite(ratio)
    x, y = np.log(frequency[good]), np.log(ratio[good])
    order = np.argsort(x)
    x, y = x[order], y[order]
    passed = np.flatnonzero((y[:-1] > 0) != (y[1:] > 0))
    return tuple(float(np.exp(x[k] - y[k] * (x[k + 1] - x[k]) / (y[k + 1] - y[k]))) for k in passed)


def analog_area(design: DifferentialPair, technology: Technology) -> float:
    """Area per synapse: transistors with their spacing, and capacitors, m²."""
    fets = sum(technology.fet_area(fet) for _, fet in neuron(design).fets())
    farad = 2 * design.c_load + 2 * design.n_synapses * design.c_in
    return (fets + farad / CAPACITOR_DENSITY) / design.n_synapses
