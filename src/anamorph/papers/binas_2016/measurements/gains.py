"""Solving a soma and one synapse for the gain of every weight."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from anamorph import technology
from anamorph.cell.current_mirror import soma, synapse
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Cell, CurrentSource, Instance, VoltageSource
from anamorph.circuit.operating_point import operating_point
from anamorph.papers.measure import Context, Findings, Measured
from anamorph.report.figures.style import colour, layout, log_axis
from anamorph.report.page import Figure
from anamorph.technology import Technology

#: Input currents of the soma, A: those of the transients and of the authors' accuracy simulations among them.
CURRENTS = np.array([1e-9, 2e-9, 5e-9, 15e-9, 45e-9, 100e-9, 200e-9, 300e-9])
CODES = np.array([1, 2, 3, 4, 5, 6, 7, -1, -7])
#: Currents at which claims are answered, A.
SCALE, MEAN = 100e-9, 15e-9
#: Potential of the node that the synapse feeds, V: a soma's input in mid range.
V_OUT = 0.35


def measure(context: Context) -> Findings:
    """Gains of the nominal circuit from 1 to 300 nA."""
    gain = gains(technology.load("cmos180"), CURRENTS, CODES)

    def at(current: float, code: int) -> float:
        return float(abs(gain[np.flatnonzero(CURRENTS == current)[0], np.flatnonzero(CODES == code)[0]]))

    ratios = np.abs(gain[:, CODES == -1] / gain[:, CODES == 1])[:, 0]
    sevenfold = np.abs(gain[:, CODES == 7] / gain[:, CODES == 1])[:, 0]
    unit = np.abs(gain[:, CODES == 1])[:, 0]
    over = "The range is that from 1 to 300 nA."
    return Findings(
        {
            "unit_weight": _of(at(SCALE, 1), unit, over),
            "negative_ratio": _of(at(SCALE, -1) / at(SCALE, 1), ratios, over),
            "binary_weights": _of(at(MEAN, 7) / at(MEAN, 1), sevenfold, over),
        },
        {"Section 3.1, weights": (_figure(gain),)},
    )


def _of(value: float, over_currents: np.ndarray, note: str) -> Measured:
    return Measured(value, float(over_currents.min()), float(over_currents.max()), note=note)


def gains(card: Technology, currents: Float[np.ndarray, " n"], codes: np.ndarray) -> Float[np.ndarray, "n codes"]:
    """Output over input current of a soma and one synapse, positive where the synapse sources.

    Args:
        card: the process.
        currents: into the soma, A.
        codes: settings of the synapse.

    Raises:
        NotConverged: an operating point was not found.
    """
    gates = {"v_p": "v_p", "v_n": "v_n", "vdd": "vdd"}
    bits = {"w_sign": "w_sign", "w_0": "w_0", "w_1": "w_1", "w_2": "w_2"}
    elements = (
        Instance("soma", soma(), {"i_in": "i_in", **gates}),
        Instance("synapse", synapse(), {"i_out": "out", **gates, **bits}),
        CurrentSource("i_in", "i_in"),
        *(VoltageSource(node, node) for node in ("vdd", "out", *bits)),
    )
    drives = {"vdd": card.v_dd, "out": V_OUT, "i_in": currents[:, None], "w_sign": np.where(codes < 0, card.v_dd, 0.0)}
    drives |= {f"w_{bit}": card.v_dd * (np.abs(codes) >> bit & 1) for bit in range(3)}
    circuit = compile_cell(Cell("gain", (), elements), card)
    solved = operating_point(circuit, {name: jnp.asarray(v) for name, v in drives.items()}).require_converged()
    return -np.asarray(solved.source_current("out")) / currents[:, None]


def _figure(gain: np.ndarray) -> Figure:
    plot = go.Figure(layout=layout("", "Gain over the unit's at the same current", height=400))
    plot.update_xaxes(log_axis("Input current (nA)"))
    unit = gain[:, CODES == 1]
    for index, code in enumerate(CODES):
        plot.add_trace(
            go.Scatter(
                name=f"{code:+d}",
                x=CURRENTS * 1e9,
                y=np.abs(gain[:, index]) / unit[:, 0],
                mode="lines+markers",
                line={"color": colour(index), "dash": "dash" if code < 0 else "solid"},
                hovertemplate=f"setting {code:+d}<br>%{{x:.3g}} nA<br>%{{y:.3f}} units<extra></extra>",
            )
        )
    return Figure(
        plot,
        "Magnitude of every setting's gain over that of +1 at the same current, without mismatch. Positive settings "
        "are binary; negative ones (dashed) are stronger, because a narrow nFET has a lower threshold, and less so as "
        "current grows.",
    )
