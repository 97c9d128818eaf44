"""The choice of a transient."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.substrate.contract import Program
from anamorph.substrate.current_mirror.dynamics_solver import choose
from anamorph.substrate.current_mirror.substrate import CurrentMirror
from anamorph.technology import Technology


@pytest.mark.parametrize(("outputs", "chosen"), [(10, "general"), (11, "cascade")])
def test_auto_goes_by_the_number_of_synapses(cmos180: Technology, outputs: int, chosen: str) -> None:
    assert choose(CurrentMirror(cmos180, (100, outputs)), "auto") == chosen


def test_unknown_solver_is_named(cmos180: Technology) -> None:
    substrate = CurrentMirror(cmos180, (2, 2))
    program = Program(substrate.name, (np.eye(2, dtype=int),))
    with pytest.raises(BadInput, match="cascade"):
        substrate.dynamics(substrate.fabricate(jax.random.key(0)), program, np.ones((1, 2)), solver="cascad")
