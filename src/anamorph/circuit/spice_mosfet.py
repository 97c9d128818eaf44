"""The EKV transistor of `device/mosfet.py` as an ngspice subcircuit: the same equations, term by term.

Geometry and temperature are evaluated by Python, so ngspice sees plain numbers; a transistor's own threshold
deviation is the parameter `dv`. For an operating point the current is one expression of the terminal
voltages: inner nodes for q_f and q_r would halve the work of evaluating it, but ngspice looks up every pair
of a node that is given a start and any other node, which for 11,000 transistors took a minute or more. A
transient, whose charges need q_f and q_r as well, has them as two inner nodes (as volts).

A charge Q(v) becomes a behavioural voltage source of Q / 1 fC volts across a capacitor of 1 fF, whose
current is dQ/dt by ngspice's own charge-conserving integration; a current-controlled source passes it on
to the terminal.
"""

from __future__ import annotations

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
    ".func part(a,b) {(3*a*a*a+6*a*a*b+4*a*b*b+2*b*b*b)*(4/15)/((a+b)*(a+b))-0.5}",
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
        charges: write the terminal charges as well (for a transient).
    """
    u_t = float(thermal_voltage(temperature))
    values = {
        "is": specific_current(p, temperature),
        "vt": p.v_t0 + p.v_t_slope * (temperature - T_REFERENCE),
        "n": p.slope_factor,
        "dibl": p.dibl,
        "clm": p.clm,
        "theta": p.mobility_reduction * p.slope_factor * u_t,
        "h": 1 / (2 * u_t),
    }
    v_d, v_g, v_s = (_bulk_referred(terminal, fet.polarity) for terminal in "dgs")
    # one name per brace: ngspice 39 pastes the sum {a+b} into a function without its parentheses
    pinch = f"(({v_g}-{{vt}}-{{dv}}+{{dibl}}*magnitude(v(d,s)))/{{n}})"
    sign = "" if fet.polarity == "n" else "-"
    lines = [
        f"* {fet.polarity}-channel, W {fet.w:.4g} m, L {fet.l:.4g} m, m {fet.m}",
        f".subckt {name} d g s b dv=0",
        "+ " + " ".join(f"{key}={number(value)}" for key, value in values.items()),
    ]
    q_f, q_r = (f"softplus(({pinch}-{v})*{{h}})" for v in (v_s, v_d))
    if charges:
        lines += [f"Bf f 0 V={q_f}", f"Br r 0 V={q_r}"]
        lines += _charges(p, u_t, pinch, (v_d, v_g, v_s), sign)
        q_f, q_r = "v(f)", "v(r)"
    modulation = "(1+{clm}*magnitude(v(d,s)))"
    reduction = f"(1+{{theta}}*({q_f}+{q_r}))"
    lines.append(f"Bi d s I={sign}{{is}}*({q_f}-{q_r})*({q_f}+{q_r})*{modulation}/{reduction}")
    return [*lines, ".ends"]


def _bulk_referred(terminal: str, polarity: str) -> str:
    return f"v({terminal},b)" if polarity == "n" else f"v(b,{terminal})"


def _charges(p: MosfetParameters, u_t: float, pinch: str, voltages: tuple[str, str, str], sign: str) -> list[str]:
    """Three charges against the bulk: on drain, gate and source."""
    v_d, v_g, v_s = voltages
    n, unit = float(p.slope_factor), float(p.c_gate) * u_t / CHARGE_UNIT
    overlap = number(float(p.c_overlap) / CHARGE_UNIT)
    q_d, q_s = (f"(-{number(n)}*part({x}))" for x in ("v(y),v(x)", "v(x),v(y)"))
    bulk = f"({number(-(n - 1) / u_t)}*{pinch}-{number((n - 1) / n)}*({q_d}+{q_s}))"
    over_d, over_s = f"{overlap}*({v_g}-{v_d})", f"{overlap}*({v_g}-{v_s})"
    expressions = {
        "d": f"{number(unit)}*{q_d}-{over_d}" + _junction(p, float(p.c_junction_drain), v_d),
        "g": f"{number(-unit)}*({q_d}+{q_s}+{bulk})+{over_d}+{over_s}",
        "s": f"{number(unit)}*{q_s}-{over_s}" + _junction(p, float(p.c_junction_source), v_s),
    }
    lines = ["Bx x 0 V=spread(v(f))", "By y 0 V=spread(v(r))"]
    for terminal, expression in expressions.items():
        aux = f"q{terminal}"
        lines += [
            f"B{aux} {aux} 0 V={sign}({expression})",
            f"C{aux} {aux} 0 {CHARGE_UNIT!r}",
            # the current that charges the capacitor comes out of the source's + terminal: i(B) is minus dQ/dt
            f"F{aux} {terminal} b B{aux} -1",
        ]
    return lines


def _junction(p: MosfetParameters, c_zero: float, reverse: str) -> str:
    if c_zero == 0:
        return ""
    phi, grading = float(p.junction_potential), 1 - float(p.junction_grading)
    at_zero = (0.5 * (1 + (1 + 4 * JUNCTION_SMOOTH**2) ** 0.5)) ** grading
    scale = c_zero * phi / grading / CHARGE_UNIT
    bias = f"rounded(1+{reverse}/{number(phi)})"
    return f"+{number(scale)}*({bias}^{number(grading)}-{number(at_zero)})"
