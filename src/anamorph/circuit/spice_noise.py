"""A noise analysis as an ngspice deck: a transient's transistors, with noise sources that ngspice itself sets.

Behavioural sources have no noise. A resistor has: its voltage, 4kTR wide, drives a behavioural current from drain to
source whose factor is the square root of the transistor's noise density, written as an expression of the terminal
voltages. At the operating point ngspice linearises that product, and so evaluates the density from voltages that it
found. Flicker noise comes the same way from a resistor with a flicker coefficient and a current through it. ngspice's
own resistors keep their own noise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from anamorph.circuit.netlist import Cell, Fet
from anamorph.circuit.spice import OPERATING_POINT_OPTIONS
from anamorph.circuit.spice_hierarchy import RESERVED, Names, Scope, Writer, kind
from anamorph.circuit.spice_mosfet import CHARGE_FUNCTIONS, FUNCTIONS, number
from anamorph.device.mosfet import ELEMENTARY_CHARGE, T_REFERENCE, MosfetParameters, specific_current, thermal_voltage
from anamorph.technology import Technology

#: ngspice's Boltzmann constant times its 27 degC (300.15 K) is ours to 1e-6: it uses 1.38064852e-23 J/K.
KT = 1.380649e-23 * T_REFERENCE
#: Resistor whose thermal noise is the unit of white noise, ohm.
R_WHITE = 1e6
#: Unit of flicker noise: K_F I^A_F / f through R with I = 1 A, R = 1 ohm; its thermal noise is 1e-20 of that at 1 Hz.
FLICKER_UNIT = 1.0


def noise_lines(fet: Fet, p: MosfetParameters) -> list[str]:
    """Lines that add its noise to a transistor's subcircuit for a transient, which has the nodes f, r and m."""
    u_t = float(thermal_voltage(T_REFERENCE))
    n, theta = float(p.slope_factor), float(p.mobility_reduction * p.slope_factor) * u_t
    specific = float(specific_current(p, T_REFERENCE))
    white = 4 * ELEMENTARY_CHARGE * u_t * specific / (2 * u_t) / (4 * KT * R_WHITE)
    f, r = "v(f)", "v(r)"
    a, b = f"({f}*{f}/(spread({f})+0.5))", f"({r}*{r}/(spread({r})+0.5))"
    charge = f"({a}+{b}+(4/3)*({a}*{a}+{a}*{b}+{b}*{b}))/(spread({f})+spread({r}))"
    reduction = f"(1+{number(theta)}*({f}+{r}))"
    # d q/d V_G = (1 - e^-q)/(2 n U_T)
    up, down = f"(1-exp(-{f}))", f"(1-exp(-{r}))"
    modulation = f"(1+{number(p.clm)}*v(m))"
    slope = (
        f"(2*({f}*{up}-{r}*{down})/{reduction}"
        f"-({f}-{r})*({f}+{r})*{number(theta)}*({up}+{down})/({reduction}*{reduction}))"
    )
    transconductance = f"{number(specific / (2 * n * u_t))}*{modulation}*{slope}"
    pink = math.sqrt(float(p.flicker) / FLICKER_UNIT)
    return [
        f"Rnw nw 0 {number(R_WHITE)}",
        f"Bnw d s I=v(nw)*sqrt({number(white)}*{charge}/{reduction})",
        "Inq 0 nq 1",
        "Rnq nq 0 pinkresistor 1",
        f"Bnq d s I=(v(nq)-1)*{number(pink)}*{transconductance}",
    ]


#: The resistor that makes flicker noise; its noise must not depend on a drawn width or length.
PINK_MODEL = f".model pinkresistor r(kf={FLICKER_UNIT!r} af=1 ef=1 wf=0 lf=0)"


def noise_deck(
    cell: Cell,
    technology: Technology,
    drives: Mapping[str, float],
    deviations: Float[np.ndarray, " fets"],
    *,
    driven: str,
    output: tuple[str, str],
    decades: tuple[float, float, int],
    start: Mapping[str, float],
) -> str:
    """Deck of a noise analysis of `cell` at 27 degC; `anamorph.circuit.ngspice.run` finds ``onoise_spectrum`` with it.

    Args:
        cell: the circuit; its sources are inside it.
        technology: its process.
        drives: value of every source.
        deviations: threshold deviation of each transistor, V.
        driven: voltage source that counts as the input.
        output: nodes whose difference is the output.
        decades: first and last frequency, Hz, and points per decade.
        start: node voltages to start the operating point from.

    Raises:
        BadInput: a source without a value; no such node.
    """
    writer = Writer(technology, T_REFERENCE, drives, charges=True)
    scope = Scope("", Names(RESERVED), iter([number(shift) for shift in deviations]), {})
    scope.name_nodes(cell, {})
    elements = writer.body(cell, scope)
    known = {
        writer.transistors[key]: (fet, jax.tree.map(jnp.asarray, technology.mosfet(fet)))
        for _, fet in cell.fets()
        if (key := kind(fet)) in writer.transistors
    }
    library = _with_noise(writer.library, known)
    source = writer.sources[driven]
    elements = [f"{line} ac 1" if line.lower().startswith(f"{source} ") else line for line in elements]
    plus, minus = (scope.inner[node] for node in output)
    low, high, points = decades
    lines = [
        "* noise analysis", *FUNCTIONS, *CHARGE_FUNCTIONS, PINK_MODEL, *library, *elements,
        *(f".nodeset v({scope.inner[node]})={number(v)}" for node, v in start.items()),
        f".options {OPERATING_POINT_OPTIONS} temp=27 tnom=27",
        f".noise v({plus},{minus}) {source} dec {points} {number(low)} {number(high)}",
        ".end",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _with_noise(library: Sequence[str], known: Mapping[str, tuple[Fet, MosfetParameters]]) -> list[str]:
    """Subcircuits with the noise of the transistors among them."""
    lines: list[str] = []
    current = ""
    for line in library:
        start = re.match(r"\.subckt (\S+)", line)
        current = start.group(1) if start else current
        if line.strip() == ".ends" and current in known:
            lines += noise_lines(*known[current])
        lines.append(line)
    return lines
