r"""One linearly implicit time step of a small circuit in charge form, third order, without iterations.

    d/dt q + I(v) = 0,    0 = q - Q(v)

RODAS3 (A. Sandu et al., "Benchmarking stiff ODE solvers for atmospheric chemistry problems II: Rosenbrock
solvers", Atmospheric Environment 31, 1997, table 2): four stages, three evaluations, one factorisation of

    C(v) + h/2 G(v),

L-stable and stiffly accurate, so that a node with next to no capacitance follows its algebraic equation. Circuits
in charge form suit it: the matrix in front of the derivative is constant, as Rosenbrock methods want it
(M. Günther and P. Rentrop, "Multirate ROW methods and latency of electric circuits", Appl. Numer. Math. 13, 1993).
Charges are unknowns of their own and are conserved; voltages follow them within the method's error.

A neuron's voltages move over 0.2 V, and a step that errs by 0.1 mV errs by 0.3 % in a current. For such tolerances
a second-order method needs about twice the steps.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from anamorph.circuit.dense import Given, Lanes, Nodes, Point, Slopes, Wiring, evaluate, factorise, substitute

GAMMA = 0.5
#: Coefficients of the transformed stages: a (where a stage stands), c (its memory). Stage 2 stands where stage 1 does.
A3, A4 = (2.0, 0.0), (2.0, 0.0, 1.0)
C2, C3, C4 = (4.0,), (1.0, -1.0), (1.0, -1.0, -8.0 / 3.0)
#: Weights of the derivative by time in the four stages, where drives change; the last two stand at the step's end.
DRIFTS = (0.5, 1.5, 0.0, 0.0)


class Stage(NamedTuple):
    """What a stage adds: to voltages, V, to the nodes' charges, C, and to what the supply has conducted, C."""

    v: Nodes
    q: Nodes
    supplied: Lanes


class Step(NamedTuple):
    """The end of a step, and its error in volts."""

    v: Nodes
    q: Nodes
    supplied: Lanes
    error: Lanes


def step(
    wiring: Wiring, given: Given, h: Lanes, v: Nodes, q: Nodes, point: Point, slopes: Slopes, later: Given | None = None
) -> Step:
    """One step of length `h` from `v`, `q`.

    Args:
        wiring: connections.
        given: drives, deviations, temperature.
        h: s.
        v: node voltages, V.
        q: charges of the unknown nodes, C; close to ``point.charge``.
        point: currents and charges at `v`.
        slopes: their derivatives at `v`.
        later: drives at the end of the step, where they change; within the step their effect is taken for a straight
            line, so steps should be no longer than what bends the drives.
    """
    n = wiring.n_unknowns
    ahead = given if later is None else later
    turned = None if later is None else evaluate(wiring, later, v)  # what the drives alone do in this step
    scaled = GAMMA * h
    factors = factorise(
        [[slopes.capacitance[r][c] + scaled * slopes.conductance[r][c] for c in range(n)] for r in range(n)]
    )

    def stage(number: int, at: Point, q_at: Nodes, weights: tuple[float, ...], before: list[Stage]) -> Stage:
        """(C + h gamma G) U_v = h gamma (-I + sum c U_q / h) + q - Q, with the drives' part in I and Q."""
        memory_q, memory_s = jnp.zeros_like(q), jnp.zeros_like(h)
        for weight, earlier in zip(weights, before, strict=True):
            memory_q, memory_s = memory_q + weight * earlier.q, memory_s + weight * earlier.supplied
        current, gap, drift = at.current, q_at - at.charge[:n], DRIFTS[number]
        if turned is not None and drift:
            current = current + drift * (turned.current - point.current)
            gap = gap - drift * (turned.charge - point.charge)[:n]
        right = gap - scaled * current[:n] + GAMMA * memory_q
        u = substitute(factors, [right[r] for r in range(n)])
        u_q = jnp.stack([sum(slopes.capacitance[r][c] * u[c] for c in range(n)) - gap[r] for r in range(n)])
        slope = sum(slopes.conductance[n][c] * u[c] for c in range(n))
        return Stage(jnp.stack(u), u_q, scaled * (current[n] + slope) + GAMMA * memory_s)

    def moved(weights: tuple[float, ...], stages: list[Stage]) -> tuple[Nodes, Nodes]:
        pairs = [(w, s) for w, s in zip(weights, stages, strict=True) if w]
        return v + sum(w * s.v for w, s in pairs), q + sum(w * s.q for w, s in pairs)

    first = stage(0, point, q, (), [])
    second = stage(1, point, q, C2, [first])
    v_3, q_3 = moved(A3, [first, second])
    third = stage(2, evaluate(wiring, ahead, v_3), q_3, C3, [first, second])
    v_4, q_4 = moved(A4, [first, second, third])
    fourth = stage(3, evaluate(wiring, ahead, v_4), q_4, C4, [first, second, third])
    supplied = 2 * first.supplied + third.supplied + fourth.supplied
    error = jnp.max(jnp.abs(fourth.v), axis=0)
    return Step(v_4 + fourth.v, q_4 + fourth.q, supplied, error)
