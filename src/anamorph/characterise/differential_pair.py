"""What a bench would find at a differential-pair neuron: transconductance and bandwidth against weight, noise, power.

Everything comes from the simulated cell with all its transistors, at its operating points. Signals are differential:
the input ``v_p - v_n`` of the first synapse, the output ``out_p - out_n``. Arrays are ``[bias, code]``; a bias is the
tail current of every synapse, half of which flows through either branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from anamorph.cell.differential_pair import DifferentialPair, bench
from anamorph.cell.pair_sizing import sized
from anamorph.circuit.compile import Circuit, compile_cell
from anamorph.circuit.noise import OutputNoise, integrate, output_noise, rectangular
from anamorph.circuit.operating_point import operating_point
from anamorph.circuit.small_signal import Linear, bandwidth, impedances, linearise, transfer
from anamorph.errors import BadInput
from anamorph.technology import Technology

OUTPUT = {"out_p": 1.0, "out_n": -1.0}
#: One volt between the inputs of the first synapse.
INPUT = {"v_p0": 0.5, "v_n0": -0.5}
#: DC level of the gates, as a share of the supply (assumed).
COMMON_MODE = 0.5
#: Points per decade of the frequencies at which noise is found.
NOISE_GRID = 20

Table = Float[np.ndarray, "bias code"]


@dataclass(frozen=True)
class PairCharacteristics:
    """Characteristics of a neuron, ``[bias, code]`` but for `bias` and `code` themselves.

    Attributes:
        bias: tail current of every synapse, A.
        code: weight of the first synapse; all others have the full weight.
        gm: differential transconductance of the first synapse: current into either output per volt between the inputs
            (into both with opposite signs), S.
        gain: of the first synapse in the middle of its band.
        bandwidth: -3 dB frequency of the output: of the impedance between its two nodes, Hz.
        bandwidth_gain: -3 dB frequency of the gain, Hz; NaN where what leaks through gate-drain capacitances, whatever
            the code, is larger than that, as it is at the smallest codes of many bits.
        noise_thermal: noise power at the output over all frequencies above `f_low`, V².
        noise_flicker: likewise.
        noise_rectangular: by the paper's first-order rectangular approximation, V².
        power: of one synapse, both branches: V_DD times the supply's current over the number of synapses, W.
        f_low: lowest frequency that counts as noise, Hz.
    """

    bias: Float[np.ndarray, " bias"]
    code: Int[np.ndarray, " code"]
    gm: Table
    gain: Table
    bandwidth: Table
    bandwidth_gain: Table
    noise_thermal: Table
    noise_flicker: Table
    noise_rectangular: Table
    power: Table
    f_low: float

    @property
    def noise(self) -> Table:
        """Noise power at the output, V²."""
        return self.noise_thermal + self.noise_flicker

    @property
    def energy_per_mac(self) -> Table:
        """Power over bandwidth: energy of one synapse in one period of its highest frequency, J."""
        return self.power / self.bandwidth


def drives(
    design: DifferentialPair,
    technology: Technology,
    bias: float,
    code: np.ndarray | int,
    v_in: np.ndarray | float = 0.0,
) -> dict[str, np.ndarray]:
    """Values of the bench's sources for a tail current (A), and codes and inputs (V) of the first synapse.

    Raises:
        BadInput: a code that does not exist.
    """
    code = np.asarray(code)
    if not np.issubdtype(code.dtype, np.integer) or (code < 0).any() or (code > design.full_code).any():
        raise BadInput("not a weight", where="code", expected=f"integers from 0 to {design.full_code}", got=f"{code}")
    v_dd = technology.v_dd
    common = COMMON_MODE * v_dd
    found = {"I_bias": bias, "V_vdd": v_dd, "V_v_cm": common}
    if design.n_synapses > 1:
        found["V_vdd_bias"] = v_dd
    for k in range(design.n_synapses):
        weight = code if k == 0 else np.asarray(design.full_code)
        for bit in range(design.n_bits):
            on = (weight >> bit & 1).astype(float)
            found |= {f"V_w{k}_{bit}": v_dd * on, f"V_wn{k}_{bit}": v_dd * (1 - on)}
        half = 0.5 * np.asarray(v_in) if k == 0 else 0.0
        found |= {f"V_v_p{k}": common + half, f"V_v_n{k}": common - half}
    return {name: np.asarray(value, float) for name, value in found.items()}


def default_codes(design: DifferentialPair) -> Int[np.ndarray, " code"]:
    """All codes of few bits; of many, those around which bits carry, and some between."""
    if design.n_bits <= 4:
        return np.arange(1, design.full_code + 1)
    carries = [c for bit in range(1, design.n_bits) for c in (2**bit - 1, 2**bit)]
    return np.unique([1, *carries, *np.linspace(1, design.full_code, 9).astype(int)])


def characterise_pair(
    design: DifferentialPair,
    technology: Technology,
    bias: Sequence[float] | Float[np.ndarray, " bias"],
    code: Int[np.ndarray, " code"] | None = None,
    deviations: Float[np.ndarray, " fets"] | None = None,
    *,
    size_for_bias: bool = True,
    f_low: float = 1.0,
    charges: bool = True,
) -> PairCharacteristics:
    """Characterise a neuron at tail currents and codes.

    Args:
        design: sizes of the neuron.
        technology: its process.
        bias: tail currents, A.
        code: weights of the first synapse, none of them zero; `default_codes` if left out.
        deviations: threshold deviations in the order of ``bench(design).fets()``, V.
        size_for_bias: make load and tail for each bias (`sized`); False keeps the design's own throughout.
        f_low: lowest frequency that counts as noise, Hz.
        charges: False leaves out the transistors' own capacitances, see `linearise`.

    Raises:
        BadInput: a code that does not exist, or is zero, which has no bandwidth.
        NotConverged: an operating point was not found.
        OutOfDomain: a bias for which there is no size.
    """
    currents = np.asarray(bias, float)
    codes = default_codes(design) if code is None else np.asarray(code)
    if (codes == 0).any():
        raise BadInput("a weight of zero has no bandwidth", where="code", expected="1 or more")
    rows = []
    for current in currents.tolist():
        made = sized(technology, current, design) if size_for_bias else design
        circuit = compile_cell(bench(made), technology)
        given = drives(made, technology, current, codes)
        linear = linearise(circuit, given, deviations, charges=charges)
        rows.append(_row(linear, made, technology.v_dd, f_low))
    tables = (np.stack(column) for column in zip(*rows, strict=True))
    return PairCharacteristics(currents, codes, *tables, f_low=f_low)


def _row(linear: Linear, design: DifferentialPair, v_dd: float, f_low: float) -> tuple[np.ndarray, ...]:
    corner = 1 / (2 * np.pi * design.r_bias * design.c_in)
    middle = 30 * corner
    f_3db = bandwidth(linear, None, OUTPUT, middle)
    middle = float(np.sqrt(middle * f_3db.min()))  # the middle of the band in logarithms
    gain = np.abs(transfer(linear, INPUT, OUTPUT, np.array([middle])))[..., 0]
    nodes = [linear.circuit.node(node) for node in OUTPUT]
    z = np.abs(impedances(linear, OUTPUT, np.array([middle]))[..., 0, nodes] @ [1.0, -1.0])
    noise = _noise(linear, f_low, middle, f_3db)
    thermal, flicker = integrate(noise, f_low, float(noise.frequency[-1]))
    approximate = sum(rectangular(noise, middle, f_low, f_3db))
    power = v_dd * np.asarray(linear.solution.source_current("V_vdd")) / design.n_synapses
    of_gain = bandwidth(linear, INPUT, OUTPUT, middle)
    of_gain = np.where(of_gain < 2 * f_3db, of_gain, np.nan)
    return 2 * gain / z, gain, f_3db, of_gain, thermal, flicker, np.asarray(approximate), power


def _noise(linear: Linear, f_low: float, middle: float, f_3db: np.ndarray) -> OutputNoise:
    """On a grid that holds the band's middle and goes four decades beyond the highest corner."""
    top = 1e4 * float(f_3db.max())
    grid = np.geomspace(f_low, top, int(NOISE_GRID * np.log10(top / f_low)) + 2)
    return output_noise(linear, OUTPUT, np.unique(np.concatenate([grid, [middle]])))


def inl_dnl(gm: Float[np.ndarray, " codes"]) -> tuple[Float[np.ndarray, " codes"], Float[np.ndarray, " steps"]]:
    """Integral and differential nonlinearity of values at successive codes, in steps of the line through the ends.

    Raises:
        BadInput: fewer than two values.
    """
    values = np.asarray(gm, float)
    if values.ndim != 1 or len(values) < 2:
        raise BadInput("no line through these", where="gm", expected="two values or more", got=str(values.shape))
    step = (values[-1] - values[0]) / (len(values) - 1)
    return (values - values[0]) / step - np.arange(len(values)), np.diff(values) / step - 1


def large_signal(
    design: DifferentialPair,
    technology: Technology,
    bias: float,
    v_in: Float[np.ndarray, " inputs"],
    code: int | None = None,
    deviations: Float[np.ndarray, " fets"] | None = None,
    *,
    size_for_bias: bool = True,
) -> Float[np.ndarray, " inputs"]:
    """Differential output for differential inputs of the first synapse, V, at DC with the coupling bridged.

    Raises:
        BadInput: a code that does not exist.
        NotConverged: an operating point was not found.
    """
    made = sized(technology, bias, design) if size_for_bias else design
    circuit: Circuit = compile_cell(bench(made, coupled=False), technology)
    weight = made.full_code if code is None else code
    given = drives(made, technology, bias, weight, np.asarray(v_in, float))
    solution = operating_point(circuit, given, deviations).require_converged()
    return np.asarray(solution.voltage("out_p") - solution.voltage("out_n"))


def linear_range(design: DifferentialPair, technology: Technology, bias: float, *, drop_db: float = 1.0) -> float:
    """Largest differential input, V, at which the output is still within `drop_db` of the small-signal gain times it.

    Raises:
        BadInput: a drop that is none, or that is not reached.
        NotConverged: an operating point was not found.
    """
    v_in = np.concatenate([[1e-3], np.geomspace(0.01, 0.8 * technology.v_dd, 15)])
    chord = large_signal(design, technology, bias, v_in) / v_in
    fallen = -20 * np.log10(chord / chord[0])
    beyond = np.flatnonzero(fallen >= drop_db)
    if drop_db <= 0 or not beyond.size:
        raise BadInput("not a drop of this neuron's gain", where="drop_db", expected="above 0 dB", got=f"{drop_db} dB")
    k = beyond[0]
    return float(np.interp(drop_db, fallen[k - 1 : k + 1], v_in[k - 1 : k + 1]))
