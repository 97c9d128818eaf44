"""ngspice as judge of single transistors, of the soma and synapse, and of charges.

Both simulators solve the same equations; what separates them is where they stop. ngspice's last step is
below 1e-6 of each voltage, 2 uV at most, which is 5e-5 of a subthreshold current (n U_T = 37 mV); Newton's
quadratic convergence makes it far less. The package promises 1e-3 above 10 pA.
"""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from anamorph.cell.current_mirror import SOMA_L, SOMA_W, UNIT_L, UNIT_W, soma, synapse
from anamorph.circuit import ngspice, spice_hierarchy
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Capacitor, Cell, CurrentSource, Fet, Instance, Resistor, VoltageSource
from anamorph.circuit.operating_point import operating_point
from anamorph.circuit.spice import deck
from anamorph.device.mosfet import MosfetParameters, Terminals, drain_current, terminal_charges
from anamorph.errors import NotConverged
from anamorph.technology import Technology

pytestmark = pytest.mark.ngspice

#: Where ngspice stops; see above.
STOP = 1e-4


def bench() -> Cell:
    """A soma and one synapse, with everything driven."""
    ports = {"v_p": "v_p", "v_n": "v_n", "vdd": "vdd"}
    bits = {"w_sign": "w_sign", "w_0": "w_0", "w_1": "w_1", "w_2": "w_2"}
    return Cell(
        "bench",
        (),
        (
            Instance("soma", soma(), {"i_in": "i_in", **ports}),
            Instance("syn", synapse(), {"i_out": "out", **ports, **bits}),
            CurrentSource("i_in", "i_in"),
            *(VoltageSource(node, node) for node in ("vdd", "out", *bits)),
        ),
    )


def stacked(technology: Technology, fets: list[Fet]) -> MosfetParameters:
    """Parameters of several transistors, one array each."""
    columns = zip(*(technology.mosfet(fet) for fet in fets), strict=True)
    return MosfetParameters(*(jnp.array(column) for column in columns))


@pytest.mark.parametrize("temperature", [253.15, 300.15, 358.15])
@pytest.mark.parametrize("polarity", ["n", "p"])
def test_transistors_in_all_regions(cmos180: Technology, polarity: str, temperature: float) -> None:
    """Every combination of gate, drain and source voltage, each with its own device and deviation."""
    grids = np.meshgrid(np.linspace(-0.2, 2.0, 9), np.linspace(0, 1.8, 6), [0.0, 0.05, 0.9], indexing="ij")
    gate, drain, source = (grid.ravel() for grid in grids)
    sign = 1.0 if polarity == "n" else -1.0
    sizes = [(SOMA_W, SOMA_L, 1), (UNIT_W, UNIT_L, 4)]
    fets = [Fet(f"m{k}", polarity, f"d{k}", f"g{k}", f"s{k}", "0", *sizes[k % 2]) for k in range(gate.size)]
    sources = [VoltageSource(node, node) for fet in fets for node in fet.nodes[:3]]
    drives = {
        node: float(sign * v)
        for fet, *voltages in zip(fets, drain, gate, source, strict=True)
        for node, v in zip(fet.nodes[:3], voltages, strict=True)
    }
    shifts = np.random.default_rng(5).normal(size=gate.size) * 0.01
    cell = Cell("grid", (), (*fets, *sources))
    found = ngspice.operating_points(cell, cmos180, drives, shifts, temperature=temperature)
    theirs = sign * np.array([found.source_current(fet.drain) for fet in fets])
    terminals = Terminals(jnp.asarray(drain), jnp.asarray(gate), jnp.asarray(source))
    parameters = stacked(cmos180, fets)
    ours = np.asarray(drain_current(parameters, terminals, jnp.asarray(shifts), temperature))
    assert 1e-4 < ours.max() and np.abs(ours[ours != 0]).min() < 1e-20  # all regions were visited
    # the promise is 1e-4; one formula in float64 twice gives 1e-8. Below 1e-20 A, 1 + exp(-37) has rounded
    np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-22)


@pytest.mark.parametrize("seed", [0, 1])
def test_soma_and_synapse(cmos180: Technology, seed: int) -> None:
    """Six weights from 1 to 300 nA, each with a threshold deviation of its own on every transistor."""
    cell = bench()
    circuit = compile_cell(cell, cmos180)
    amperes, weights = [1e-9, 15e-9, 45e-9, 100e-9, 300e-9], [1, 2, 4, 7, -1, -7]
    currents, codes = np.repeat(amperes, 6).reshape(5, 6), np.tile(weights, (5, 1))
    shifts = np.random.default_rng(seed).normal(size=(*codes.shape, len(circuit.fets)))
    shifts *= circuit.threshold_sigma
    drives = {"vdd": np.full(codes.shape, 1.8), "out": np.full(codes.shape, 0.35), "i_in": currents}
    drives |= {f"w_{bit}": 1.8 * (abs(codes) // 2**bit % 2) for bit in range(3)}
    drives |= {"w_sign": np.where(codes < 0, 1.8, 0.0)}
    ours = operating_point(circuit, {k: jnp.asarray(v) for k, v in drives.items()}, jnp.asarray(shifts))
    assert np.all(ours.converged)
    theirs = ngspice.operating_points(cell, cmos180, drives, shifts, start=ours.voltages, processes=2)
    out = np.asarray(ours.source_current("out"))
    assert np.all(np.sign(out) == -np.sign(codes))  # a positive weight delivers into the held node
    np.testing.assert_allclose(theirs.source_current("out"), out, rtol=STOP)
    for node in circuit.unknowns:
        np.testing.assert_allclose(theirs.voltage(node), ours.voltage(node), atol=2e-6)


def test_without_a_start_the_answer_is_the_same(cmos180: Technology) -> None:
    """No conductance of ngspice's gmin stepping is left in its answer."""
    cell = bench()
    circuit = compile_cell(cell, cmos180)
    drives = {"vdd": 1.8, "out": 0.35, "i_in": 1e-12, "w_sign": 1.8, "w_0": 0.0, "w_1": 0.0, "w_2": 1.8}
    ours = operating_point(circuit, {k: jnp.asarray(v) for k, v in drives.items()})
    theirs = ngspice.operating_points(cell, cmos180, drives)
    for node in circuit.unknowns:
        np.testing.assert_allclose(theirs.voltage(node), ours.voltage(node), atol=2e-6)


@pytest.mark.parametrize("largest", [0, 1, 500])
def test_hierarchy_and_awkward_names(cmos180: Technology, monkeypatch: pytest.MonkeyPatch, largest: int) -> None:
    """Cells in cells, kept or expanded; names that ngspice folds together or takes for its own."""
    monkeypatch.setattr(spice_hierarchy, "MAX_PARAMETERS", largest)
    size = 1e-6, 1e-6
    low = Cell(
        "Low",
        ("GND", "dv0"),
        (
            Resistor("r", "GND", "time", 1e5),
            Resistor("R", "time", "TIME", 2e5),
            Resistor("s", "TIME", "dv0", 3e5),
            Fet("M", "n", "GND", "time", "dv0", "0", *size),
        ),
    )
    mid = Cell(
        "mid",
        ("p", "q"),
        (
            Instance("a", low, {"GND": "p", "dv0": "gnd"}),
            Instance("A", low, {"GND": "gnd", "dv0": "q"}),
            Fet("m", "n", "p", "gnd", "q", "0", *size),
        ),
    )
    cell = Cell(
        "top",
        (),
        (
            VoltageSource("all", "pi"),
            Instance("x", mid, {"p": "pi", "q": "e"}),
            Instance("X", mid, {"p": "e", "q": "0"}),
        ),
    )
    circuit = compile_cell(cell, cmos180)
    shifts = np.linspace(-0.1, 0.1, len(circuit.fets))
    ours = operating_point(circuit, {"all": jnp.asarray(1.5)}, jnp.asarray(shifts))
    theirs = ngspice.operating_points(cell, cmos180, {"all": 1.5}, shifts)
    assert set(theirs.voltages) == {*circuit.unknowns, *circuit.held}
    for node in circuit.unknowns:
        np.testing.assert_allclose(theirs.voltage(node), ours.voltage(node), atol=2e-6)
    np.testing.assert_allclose(theirs.source_current("all"), ours.source_current("all"), rtol=STOP)


def test_no_operating_point_is_not_an_answer() -> None:
    """A current into a capacitor: ngspice 39 exits with status 0 and the voltage after 10 us."""
    with pytest.raises(NotConverged, match="short transient"):
        ngspice.run("* t\nI1 0 a 1p\nC1 a 0 1f\n.save v(a)\n.op\n.end\n")


def test_a_title_runs_no_command(cmos180: Technology, tmp_path: Path) -> None:
    """With the line breaks left in, the same text does create the file."""
    mark = tmp_path / "mark"
    title = f"x\n.control\nshell touch {mark}\n.endc"
    cell = Cell("c", (), (VoltageSource("s", "a"), Resistor("r", "a", "0", 1e3)))
    text = deck(cell, cmos180, {"s": 1.0}, title=title).text
    assert ngspice.run(text)["i(vs)"] == pytest.approx(-1e-3)
    assert not mark.exists()
    ngspice.run(f"* {title}\n" + text)
    assert mark.exists()


def test_a_deck_it_cannot_read() -> None:
    with pytest.raises(Exception, match="unknown subckt"):
        ngspice.run("* t\nX1 a b nosuch\n.op\n.end\n")


LOADS = {"i_in": 20e-15, "v_p": 5e-15, "v_n": 4e-15}
TIMES, CURRENTS = [0.0, 20e-9, 21e-9, 1.2e-6, 1.21e-6], [1e-9, 1e-9, 100e-9, 100e-9, 5e-9]


def _soma_waveforms(technology: Technology, shifts: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Node voltages of a loaded soma by scipy, from the device's equations and the soma's own five rows."""
    nodes = {name: k for k, name in enumerate([*LOADS, "vdd", "0"])}
    fets = [fet for _, fet in soma().fets()]
    d, g, s, b = jnp.array([[nodes[node] for node in fet.nodes] for fet in fets]).T
    p = stacked(technology, fets)
    load = jnp.array(list(LOADS.values()))

    def currents_and_charges(v: jax.Array) -> tuple[jax.Array, jax.Array]:
        volts = jnp.concatenate([v, jnp.array([1.8, 0.0])])
        terminals = Terminals(*(p.polarity * (volts[k] - volts[b]) for k in (d, g, s)))
        current = p.polarity * drain_current(p, terminals, jnp.asarray(shifts))
        q = Terminals(*(p.polarity * x for x in terminal_charges(p, terminals, jnp.asarray(shifts))))
        leaving = jnp.zeros(5).at[d].add(current).at[s].add(-current)
        charge = jnp.zeros(5).at[:3].add(load * (v - jnp.array([0.0, 1.8, 0.0])))
        charge = charge.at[d].add(q.drain).at[g].add(q.gate).at[s].add(q.source)
        return leaving[:3], charge[:3]

    @jax.jit
    def slope(t: float, v: jax.Array) -> jax.Array:
        leaving, _ = currents_and_charges(v)
        capacitance = jax.jacobian(lambda v: currents_and_charges(v)[1])(v)
        drive = jnp.interp(t, jnp.array(TIMES), jnp.array(CURRENTS))
        return jnp.linalg.solve(capacitance, jnp.array([1.0, 0.0, 0.0]) * drive - leaving)

    jacobian = jax.jit(jax.jacobian(slope, 1))
    v = jnp.array([0.2, 1.6, 0.2])
    for _ in range(60):  # the operating point at time zero, by Newton on the slope
        step = jnp.linalg.solve(jacobian(0.0, v), slope(0.0, v))
        v = v - step * jnp.minimum(1.0, 0.05 / jnp.abs(step).max())
    waves = np.empty((times.size, 3))
    for begin, end in zip(TIMES, [*TIMES[1:], times[-1]], strict=True):
        inside = (times >= begin) & (times <= end)
        piece = solve_ivp(
            lambda t, y: np.asarray(slope(t, jnp.asarray(y))), (begin, end), np.asarray(v),
            jac=lambda t, y: np.asarray(jacobian(t, jnp.asarray(y))),
            method="LSODA", rtol=1e-8, atol=1e-10, dense_output=True,
        )  # fmt: skip
        assert piece.success and piece.sol is not None
        waves[inside] = piece.sol(times[inside]).T
        v = piece.y[:, -1]
    return waves


def test_transient_of_a_soma(cmos180: Technology) -> None:
    """A current step charges a soma, falls again; every waveform against an independent integration."""
    elements = (
        Instance("s", soma(), {"i_in": "i_in", "v_p": "v_p", "v_n": "v_n", "vdd": "vdd"}),
        Capacitor("c_in", "i_in", "0", LOADS["i_in"]),
        Capacitor("c_p", "v_p", "vdd", LOADS["v_p"]),
        Capacitor("c_n", "v_n", "0", LOADS["v_n"]),
        CurrentSource("drive", "i_in"),
        VoltageSource("vdd", "vdd"),
    )
    shifts = np.random.default_rng(3).normal(size=5) * 0.01
    found = ngspice.transient(
        Cell("one", (), elements),
        cmos180,
        {"drive": (TIMES, CURRENTS), "vdd": 1.8},
        3e-6,
        shifts,
        max_step=5e-9,
    )
    # both integrators count kinks among their steps; rounding may put one a digit beyond the end of a piece
    ours = _soma_waveforms(cmos180, shifts, np.minimum(found.time, 3e-6))
    for k, node in enumerate(LOADS):
        assert np.ptp(ours[:, k]) > 0.15
        # the trapezoidal rule at reltol 1e-6 and 5 ns: 0.05 mV was measured, and halves with reltol
        np.testing.assert_allclose(found.voltage(node), ours[:, k], atol=1e-4)
    # the charge that the supply delivers by its current is what its capacitors and transistors took
    assert found.source_current("vdd").shape == found.time.shape
    assert np.all(found.source_current("vdd")[found.time < 20e-9] > 0)
