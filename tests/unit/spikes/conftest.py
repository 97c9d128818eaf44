"""A spiking network small enough to be solved as one circuit: three inputs, two neurons, two outputs."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.simplified_ml import simplified_ml
from anamorph.cell.synapse_compact import compact_front
from anamorph.characterise.neuron import Neuron
from anamorph.network.spiking import Structure
from anamorph.network.wiring import Dense
from anamorph.spikes.parts import FrontEnd, Sizes, SpikingCircuit


@pytest.fixture(scope="session")
def cmos55() -> technology.Technology:
    return technology.load("cmos55")


@pytest.fixture(scope="session")
def small() -> SpikingCircuit:
    """Legs of several sizes, one synapse and one bias without."""
    nm = 1e-9
    first = Sizes(nm * np.array([[160, 135], [0, 200], [135, 150.0]]), nm * np.array([[85, 90], [0, 85], [75, 100.0]]))
    second = Sizes(nm * np.array([[600, 324], [324, 500.0]]), np.full((2, 2), 60 * nm))
    biases = (Sizes(nm * np.array([0, 135.0]), nm * np.array([0, 140.0])), Sizes(np.zeros(2), np.zeros(2)))
    structure = Structure((Dense(3, 2, True), Dense(2, 2, True)), (True, False))
    front = FrontEnd(compact_front())
    return SpikingCircuit(structure, Neuron(simplified_ml()), front, (first, second), biases, (135 * nm, 60 * nm), 1e-9)
