"""Transient characterisation of spiking cells: three answers, any cell by its ports, laws of circuits."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.lif import lif
from anamorph.cell.simplified_ml import simplified_ml
from anamorph.characterise.neuron import LEVELS, TOLERANCE, Neuron, characterise_neuron, mismatch
from anamorph.characterise.spiking import Activity
from anamorph.characterise.transients import Bench
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Capacitor, Cell, Element, Fet
from anamorph.device.mosfet import T_REFERENCE
from anamorph.errors import BadInput
from anamorph.technology import Technology

CURRENTS = np.array([1e-12, 50e-12, 1e-9, 5e-9])
#: Frequencies scatter by 0.03 % (steps of 3e-4 V), one in a few hundred by 0.1 %.
SCATTER = 2e-3


@pytest.fixture(scope="module")
def cmos55() -> Technology:
    return technology.load("cmos55")


def test_silent_spiking_stopped(cmos55: Technology) -> None:
    found = characterise_neuron(Neuron(simplified_ml()), cmos55, CURRENTS)
    curve = found.curve
    assert curve.state.tolist() == [[Activity.SILENT, Activity.SPIKING, Activity.SPIKING, Activity.STOPPED]]
    assert curve.converged.all()
    assert (curve.f_spike[0, [0, 3]] == 0).all()
    # what rests draws a constant power, what spikes does not
    assert curve.power_rms[0, 0] == pytest.approx(curve.power_mean[0, 0], rel=1e-9)
    assert curve.power_rms[0, 1] > 1.2 * curve.power_mean[0, 1] > 0
    assert 0 < found.idle_power[0] < curve.power_mean[0, 1]
    assert np.isnan(found.swing[0, [0, 3]]).all() and (found.swing[0, 1:3] > 0.1).all()
    assert (found.width[0, 1:3] * curve.f_spike[0, 1:3] < 1).all()


def test_a_stopped_neuron_is_told_from_a_silent_one_at_a_single_current(cmos55: Technology) -> None:
    found = characterise_neuron(Neuron(lif()), cmos55, np.array([2e-12, 5e-12]))
    assert (found.curve.state == Activity.SILENT).all()
    found = characterise_neuron(Neuron(lif()), cmos55, np.array([8e-9, 10e-9]))
    assert (found.curve.state == Activity.STOPPED).all() and found.curve.converged.all()


def test_samples_do_not_depend_on_their_neighbours(cmos55: Technology) -> None:
    neuron = Neuron(simplified_ml())
    shifts = mismatch(neuron, cmos55, jax.random.key(0), 7)
    together = characterise_neuron(neuron, cmos55, CURRENTS[1:3], shifts, lanes=16)
    alone = characterise_neuron(neuron, cmos55, CURRENTS[1:3], shifts[3:4])
    np.testing.assert_allclose(together.curve.f_spike[3:4], alone.curve.f_spike, rtol=1e-9)
    np.testing.assert_allclose(together.idle_power[3:4], alone.idle_power, rtol=1e-9)
    assert np.ptp(together.curve.f_spike[:, 0]) > 1e3


def test_twice_everything_spikes_as_often_at_twice_the_power(cmos55: Technology) -> None:
    """Two neurons on the same nodes are one with twice the devices, capacitances and currents."""

    def twice(element: Element) -> Element:
        if isinstance(element, Fet):
            return dataclasses.replace(element, m=2)
        assert isinstance(element, Capacitor)
        return dataclasses.replace(element, capacitance=2 * element.capacitance)

    one = simplified_ml()
    pair = Cell("pair", one.ports, tuple(twice(element) for element in one.elements))
    single = characterise_neuron(Neuron(one), cmos55, CURRENTS[1:3])
    double = characterise_neuron(Neuron(pair), cmos55, 2 * CURRENTS[1:3])
    np.testing.assert_allclose(double.curve.f_spike, single.curve.f_spike, rtol=1e-6)
    np.testing.assert_allclose(double.curve.power_mean, 2 * single.curve.power_mean, rtol=1e-6)
    np.testing.assert_allclose(double.curve.power_rms, 2 * single.curve.power_rms, rtol=1e-6)


def test_looking_at_every_fourth_spike_finds_the_same(cmos55: Technology) -> None:
    circuit, held = compile_cell(Neuron(simplified_ml()).bench(), cmos55), {"vdd": 0.2}
    one, four = (
        Bench(circuit, "vdd", "out", held, 0.2, T_REFERENCE, TOLERANCE, LEVELS, 16, 100, every)
        .run(np.array([0.0, 1e-10]), np.zeros((1, 6)))
        for every in (1, 4)
    )  # fmt: skip
    for name in ("frequency", "current_mean", "current_rms", "width"):
        np.testing.assert_allclose(getattr(four, name)[0, 1], getattr(one, name)[0, 1], rtol=SCATTER)
    assert four.steps[0, 1] > 2 * one.steps[0, 1]


def test_any_cell_by_the_names_of_its_ports(cmos55: Technology) -> None:
    """A user's neuron: other names, a reset transistor with its source on a bias of its own."""
    own = lif()
    rename = {"v_m": "soma", "out": "axon", "vdd": "vdd"}

    def renamed(fet: Fet) -> Fet:
        nodes = {k: rename.get(getattr(fet, k), getattr(fet, k)) for k in ("drain", "gate", "source")}
        return dataclasses.replace(fet, **nodes)

    elements = tuple(
        dataclasses.replace(renamed(e), source="low") if isinstance(e, Fet) and e.name == "MN3"
        else renamed(e) if isinstance(e, Fet)
        else dataclasses.replace(e, a=rename.get(e.a, e.a), b=rename.get(e.b, e.b))  # type: ignore[union-attr]
        for e in own.elements
    )  # fmt: skip
    cell = Cell("mine", ("soma", "axon", "vdd", "low"), elements)
    neuron = Neuron(cell, "soma", "axon", "vdd", {"low": 0.0})
    mine = characterise_neuron(neuron, cmos55, CURRENTS[1:3]).curve
    theirs = characterise_neuron(Neuron(own), cmos55, CURRENTS[1:3]).curve
    np.testing.assert_allclose(mine.f_spike, theirs.f_spike, rtol=SCATTER)
    np.testing.assert_allclose(mine.power_mean, theirs.power_mean, rtol=SCATTER)


def test_ports_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadInput, match="no port 'v_n'.*Did you mean 'v_m'"):
        Neuron(lif(), "v_n")
    with pytest.raises(BadInput, match="one port for two purposes"):
        Neuron(lif(), supply="out")
    with pytest.raises(BadInput, match="a port without a purpose; got out"):
        Neuron(lif(), output="v_m")


def test_what_cannot_be_measured_is_refused(cmos55: Technology) -> None:
    neuron = Neuron(lif())
    with pytest.raises(BadInput, match="not positive and increasing"):
        characterise_neuron(neuron, cmos55, np.array([1e-12, 1e-12]))
    with pytest.raises(BadInput, match="not deviations of this neuron"):
        characterise_neuron(neuron, cmos55, CURRENTS, np.zeros((2, 4)))
    with pytest.raises(BadInput, match="no levels of a spike"):
        characterise_neuron(neuron, cmos55, CURRENTS, levels=(0.6, 0.5))


def test_deviations_follow_the_area_law(cmos55: Technology) -> None:
    drawn = mismatch(Neuron(lif()), cmos55, jax.random.key(1), 4000)
    # 2.8 mV um / sqrt(0.135 um 0.065 um); the s.d. of 4000 draws is known to 1.1 %
    np.testing.assert_allclose(drawn.std(0), 2.8e-3 / np.sqrt(0.135 * 0.065), rtol=0.05)
