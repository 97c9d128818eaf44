"""The EKV transistor of `device/mosfet.py` as an ngspice subcircuit: the same equations, term by term.

Geometry and temperature are evaluated by Python, so ngspice sees plain numbers; a transistor's own threshold
deviation is the parameter `dv`. For an operating point the current is one expression of the terminal
voltages: inner nodes for q_f and q_r would halve the work of evaluating it, but ngspice looks up every pair
of a node that is given a start and any other node, which for 11,000 transistors took a minute or more. A
transient, whose charges need q_f and q_r as well, has them as two inner nodes (as volts).

Charges are sums of a few functions of the voltages, each written once, since evaluating expressions and their
derivatives is nearly all that ngspice does. A function becomes a behavioural voltage source across a capacitor of
1 fF, whose current is its rate of change by ngspice's own charge-conserving integration; current-controlled
sources pass its shares on to the terminals. What is linear is a capacitor.
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
    fold = "magnitude(v(d,s))"
    folded = "v(m)" if charges else fold
    pinch = f"(({v_g}-{{vt}}-{{dv}}+{{dibl}}*{folded})/{{n}})"
    sign = "" if fet.polarity == "n" else "-"
    lines = [
        f"* {fet.polarity}-channel, W {fet.w:.4g} m, L {fet.l:.4g} m, m {fet.m}",
        f".subckt {name} d g s b dv=0",
        "+ " + " ".join(f"{key}={number(value)}" for key, value in values.items()),
    ]
    q_f, q_r = (f"softplus(({pinch}-{v})*{{h}})" for v in (v_s, v_d))
    if charges:
        lines += [f"Bm m 0 V={fold}", f"Bf f 0 V={q_f}", f"Br r 0 V={q_r}"]
        lines += _charges(p, u_t, (v_d, v_s), sign)
        q_f, q_r = "v(f)", "v(r)"
    modulation = f"(1+{{clm}}*{folded})"
    reduction = f"(1+{{theta}}*({q_f}+{q_r}))"
    lines.append(f"Bi d s I={sign}{{is}}*({q_f}-{q_r})*({q_f}+{q_r})*{modulation}/{reduction}")
    return [*lines, ".ends"]


def _bulk_referred(terminal: str, polarity: str) -> str:
    return f"v({terminal},b)" if polarity == "n" else f"v(b,{terminal})"


def _charges(p: MosfetParameters, u_t: float, voltages: tuple[str, str], sign: str) -> list[str]:
    """Three charges against the bulk: on drain, gate and source.

    With p = part(x_r, x_f), q = part(x_f, x_r) and the gate's capacitance C they are ``Q_D = -n C U_T p``,
    ``Q_S = -n C U_T q`` and ``Q_G = C U_T (p + q) + C (n - 1) V_P``, to which overlaps and junctions add.
    """
    n, unit, up = float(p.slope_factor), float(p.c_gate) * u_t / CHARGE_UNIT, -1.0 if sign else 1.0
    bulk = float(p.c_gate) * (n - 1) / n
    lines = ["Bx x 0 V=spread(v(f))", "By y 0 V=spread(v(r))"]
    lines += _charge("p", "part(v(y),v(x))", {"d": -up * n * unit, "g": up * unit})
    lines += _charge("q", "part(v(x),v(y))", {"s": -up * n * unit, "g": up * unit})
    # V_P is linear but for the barrier that the drain lowers
    lines += [f"Cb g b {number(bulk)}", *_passed_on("m", {"g": up * bulk / CHARGE_UNIT * float(p.dibl)})]
    lines += [f"C{terminal} g {terminal} {number(p.c_overlap)}" for terminal in "ds" if float(p.c_overlap)]
    for terminal, reverse in zip("ds", voltages, strict=True):
        area = p.c_junction_drain if terminal == "d" else p.c_junction_source
        if float(area):
            lines += _junction(p, terminal, float(area), reverse, up)
    return lines


def _charge(node: str, expression: str, shares: dict[str, float]) -> list[str]:
    """A node at the value of `expression`, and what its change drives into terminals; see `_passed_on`."""
    return [f"B{node} {node} 0 V={expression}", *_passed_on(node, shares)]


def _passed_on(node: str, shares: dict[str, float]) -> list[str]:
    """Terminal charges of `shares` times `CHARGE_UNIT` for each volt of a node that the source ``B{node}`` holds."""
    lines = [f"C{node}0 {node} 0 {CHARGE_UNIT!r}"]
    # the current that charges the capacitor comes out of the source's + terminal: i(B) is minus dQ/dt
    return lines + [f"F{node}{terminal} {terminal} b B{node} {number(-share)}" for terminal, share in shares.items()]


def _junction(p: MosfetParameters, terminal: str, c_zero: float, reverse: str, up: float) -> list[str]:
    phi, grading = float(p.junction_potential), 1 - float(p.junction_grading)
    scale = c_zero * phi / grading / CHARGE_UNIT
    return _charge(f"j{terminal}", f"rounded(1+{reverse}/{number(phi)})^{number(grading)}", {terminal: up * scale})
