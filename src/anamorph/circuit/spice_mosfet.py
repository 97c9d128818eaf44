"""The EKV transistor of `device/mosfet.py` as an ngspice subcircuit: the same equations, term by term.

Geometry and temperature are evaluated by Python, so ngspice sees plain numbers; a transistor's own threshold
deviation is the parameter `dv`. For an operating point the current is one expression of the terminal
voltages: inner nodes for q_f and q_r would halve the work of evaluating it, but ngspice looks up every pair
of a node that is given a start and any other node, which for 11,000 transistors took a minute or more. A
transient, whose charges need q_f and q_r as well, has them as two inner nodes (as volts).

Evaluating expressions and their derivatives, one by one and by every voltage in them, is nearly all that ngspice
does in a transient. So each function is written once, of a node or two; sums of voltages are nodes of their own,
which linear sources drive into a conductance of 1 S. A charge becomes a behavioural voltage source across a capacitor
of 1 fF, whose current is its rate of change by ngspice's own charge-conserving integration; controlled
sources pass its shares on to the terminals. What is linear is a capacitor.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from anamorph.circuit.netlist import Fet
from anamorph.device.mosfet import (
    JUNCTION_SMOOTH,
    T_REFERENCE,
    V_SMOOTH,
    MosfetParameters,
    Real,
    specific_current,
    thermal_voltage,
)

#: Of transistors that are alike.
Volts = Float[np.ndarray, "..."]
#: Charge that one volt stands for on the auxiliary nodes, C.
CHARGE_UNIT = 1e-15

#: softplus is exact up to an argument of 220 (11 V beyond pinch-off at 27 degC), above which exp() saturates
#: in ngspice, by itself and silently at 228. The form exact for any argument takes half as long again.
FUNCTIONS = (
    ".func softplus(u) {ln(1+exp(min(u,220)))}",
    f".func magnitude(x) {{x*x/(sqrt(x*x+{V_SMOOTH**2!r})+{V_SMOOTH!r})}}",
)
CHARGE_FUNCTIONS = (
    ".func spread(q) {sqrt(0.25+q*q)}",
    f".func rounded(x) {{0.5*(x+sqrt(x*x+{4 * JUNCTION_SMOOTH**2!r}))}}",
)


def number(value: Real) -> str:
    """A scalar as text that reads back as the same float."""
    return repr(float(value))


def transistor(name: str, fet: Fet, p: MosfetParameters, temperature: float, *, charges: bool) -> list[str]:
    """Lines of subcircuit `name` with terminals d g s b and parameter dv (V).

    Args:
        name: of the subcircuit; already safe.
        fet: for its polarity and the comment that says its size.
        p: its parameters (scalars).
        temperature: K.
        charges: write the terminal charges as well (for a transient), and inner nodes; see `inner_voltages`.
    """
    values = {
        "is": specific_current(p, temperature),
        "vt": p.v_t0 + p.v_t_slope * (temperature - T_REFERENCE),
        "n": p.slope_factor,
        "dibl": p.dibl,
        "clm": p.clm,
        "theta": p.mobility_reduction * p.slope_factor * float(thermal_voltage(temperature)),
        "h": 1 / (2 * float(thermal_voltage(temperature))),
    }
    sign = "" if fet.polarity == "n" else "-"
    lines = [
        f"* {fet.polarity}-channel, W {fet.w:.4g} m, L {fet.l:.4g} m, m {fet.m}",
        f".subckt {name} d g s b dv=0",
        "+ " + " ".join(f"{key}={number(value)}" for key, value in values.items()),
    ]
    if charges:
        lines += _reduced_currents(p, float(thermal_voltage(temperature)), fet.polarity)
        lines += _charges(p, float(thermal_voltage(temperature)), -1.0 if sign else 1.0)
        q_f, q_r, folded = "v(f)", "v(r)", "v(m)"
    else:
        v_d, v_g, v_s = (_bulk_referred(terminal, fet.polarity) for terminal in "dgs")
        # one name per brace: ngspice 39 pastes the sum {a+b} into a function without its parentheses
        folded = "magnitude(v(d,s))"
        pinch = f"(({v_g}-{{vt}}-{{dv}}+{{dibl}}*{folded})/{{n}})"
        q_f, q_r = (f"softplus(({pinch}-{v})*{{h}})" for v in (v_s, v_d))
    modulation = f"(1+{{clm}}*{folded})"
    reduction = f"(1+{{theta}}*({q_f}+{q_r}))"
    lines.append(f"Bi d s I={sign}{{is}}*({q_f}-{q_r})*({q_f}+{q_r})*{modulation}/{reduction}")
    return [*lines, ".ends"]


def _bulk_referred(terminal: str, polarity: str) -> str:
    return f"v({terminal},b)" if polarity == "n" else f"v(b,{terminal})"


def inner_voltages(
    fet: Fet, p: MosfetParameters, temperature: float, d: Volts, g: Volts, s: Volts, b: Volts, dv: Volts
) -> dict[str, Volts]:
    """What the inner nodes of a transient's subcircuit are at, V, from its terminals' voltages; see `transistor`.

    Args:
        fet: the transistor.
        p: its parameters (scalars).
        temperature: K.
        d: drain, V; likewise gate, source and bulk.
        g: gate.
        s: source.
        b: bulk.
        dv: threshold deviation, V.
    """
    sign, phi = (1.0 if fet.polarity == "n" else -1.0), float(p.junction_potential)
    u_t, n = float(thermal_voltage(temperature)), float(p.slope_factor)
    m = np.sqrt((d - s) ** 2 + V_SMOOTH**2) - V_SMOOTH
    v_t = float(p.v_t0) + float(p.v_t_slope) * (temperature - T_REFERENCE) + dv - float(p.dibl) * m
    u_f, u_r = (((sign * (g - b) - v_t) / n - sign * (v - b)) / (2 * u_t) for v in (s, d))
    f, r = np.logaddexp(0, u_f), np.logaddexp(0, u_r)
    x, y = np.sqrt(0.25 + f**2), np.sqrt(0.25 + r**2)
    t = (x * x + x * y + y * y) / (x + y)
    found = {"w": d - s, "m": m, "uf": u_f, "ur": u_r, "f": f, "r": r, "x": x, "y": y, "t": t}
    found["k"] = (x - y) * (2 - t / (x + y))
    for terminal, v in (("d", d), ("s", s)):
        h = 1 + sign * (v - b) / phi
        rounded = 0.5 * (h + np.sqrt(h**2 + 4 * JUNCTION_SMOOTH**2))
        found |= {f"h{terminal}": h, f"j{terminal}": rounded ** (1 - float(p.junction_grading))}
    return {node: v for node, v in found.items() if node[0] not in "hj" or _junction_capacitance(p, node[1])}


def _reduced_currents(p: MosfetParameters, u_t: float, polarity: str) -> list[str]:
    """Nodes f and r at q_f and q_r, from nodes at the arguments of `softplus`, and m at the magnitude of V_DS."""
    up = 1.0 if polarity == "n" else -1.0
    h, n = 1 / (2 * u_t), float(p.slope_factor)
    return [
        *_sum("w", "d s 1"),
        f"Bm m 0 V=sqrt(v(w)*v(w)+{V_SMOOTH**2!r})-{V_SMOOTH!r}",
        *_sum("uf", f"g b {number(up * h / n)}", f"b s {number(up * h)}", f"m 0 {number(h / n * float(p.dibl))}"),
        f"Iuf uf 0 dc {{(vt+dv)*{number(h / n)}}}",
        *_sum("ur", "uf 0 1", f"s d {number(up * h)}"),
        *(f"B{q} {q} 0 V=softplus(v(u{q}))" for q in "fr"),
    ]


def _sum(node: str, *terms: str) -> list[str]:
    """A node at a sum of voltages: of each term two nodes and a factor; into its own conductance, without noise."""
    driven = [f"G{node}{index} 0 {node} {term}" for index, term in enumerate(terms)]
    return [*driven, f"G{node} {node} 0 {node} 0 1"]


def _charges(p: MosfetParameters, u_t: float, up: float) -> list[str]:
    """Three charges against the bulk: on drain, gate and source.

    With s = x_f + x_r, t = s - x_f x_r / s, k = (x_f - x_r) (2 - t / s) and the gate's capacitance C the sums of
    `anamorph.device.mosfet.terminal_charges` are, but for constants, ``Q_D = -n C U_T (2/3 t - 2/15 k)``,
    ``Q_S = -n C U_T (2/3 t + 2/15 k)`` and ``Q_G = 4/3 C U_T t + C (n - 1) V_P``, to which overlaps and junctions add.
    """
    n, unit = float(p.slope_factor), float(p.c_gate) * u_t / CHARGE_UNIT
    bulk = float(p.c_gate) * (n - 1) / n
    both, apart = -up * n * unit * 2 / 3, up * n * unit * 2 / 15
    lines = ["Bx x 0 V=spread(v(f))", "By y 0 V=spread(v(r))"]
    lines += _charge("t", "(v(x)*v(x)+v(x)*v(y)+v(y)*v(y))/(v(x)+v(y))", {"d": both, "s": both, "g": up * unit * 4 / 3})
    lines += _charge("k", "(v(x)-v(y))*(2-v(t)/(v(x)+v(y)))", {"d": apart, "s": -apart})
    # V_P is linear but for the barrier that the drain lowers
    lines += [f"Cb g b {number(bulk)}", *_passed_on("m", {"g": up * bulk / CHARGE_UNIT * float(p.dibl)})]
    lines += [f"C{terminal} g {terminal} {number(p.c_overlap)}" for terminal in "ds" if float(p.c_overlap)]
    for terminal in "ds":
        if _junction_capacitance(p, terminal):
            lines += _junction(p, terminal, up)
    return lines


def _charge(node: str, expression: str, shares: dict[str, float]) -> list[str]:
    """A node at the value of `expression`, and what its change drives into terminals; see `_passed_on`."""
    return [f"B{node} {node} 0 V={expression}", *_passed_on(node, shares)]


def _passed_on(node: str, shares: dict[str, float]) -> list[str]:
    """Terminal charges of `shares` times `CHARGE_UNIT` for each volt of a node.

    Its capacitor's current flows on through 1 S, whose voltage sets the terminals' currents. It could be read off the
    source that holds the node, but for that ngspice looks through all behavioural sources, for every share.
    """
    lines = [f"C{node}0 {node} z{node} {CHARGE_UNIT!r}", f"Gz{node} z{node} 0 z{node} 0 1"]
    return lines + [f"G{node}{terminal} {terminal} b z{node} 0 {number(share)}" for terminal, share in shares.items()]


def _junction_capacitance(p: MosfetParameters, terminal: str) -> float:
    return float(p.c_junction_drain if terminal == "d" else p.c_junction_source)


def _junction(p: MosfetParameters, terminal: str, up: float) -> list[str]:
    phi, grading = float(p.junction_potential), 1 - float(p.junction_grading)
    scale, node = _junction_capacitance(p, terminal) * phi / grading / CHARGE_UNIT, f"h{terminal}"
    lines = [*_sum(node, f"{terminal} b {number(up / phi)}"), f"I{node} 0 {node} dc 1"]
    return lines + _charge(f"j{terminal}", f"rounded(v({node}))^{number(grading)}", {terminal: up * scale})
