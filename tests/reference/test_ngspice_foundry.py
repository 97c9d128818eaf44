"""ngspice runs the netlists for the user's own models: a 3-2 chip, with its bits wired and on sources.

Three sets of models: the square law, whose mirrors have a gain that is known; BSIM4 with its default card; and,
where it is at hand, the public 180 nm PDK gf180mcu, as models and as the subcircuits that wrap them.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from anamorph.circuit import ngspice
from anamorph.circuit.bit_sources import bits_as_sources
from anamorph.circuit.dialect import dialect
from anamorph.circuit.foundry import netlist
from anamorph.circuit.netlist import Cell, Instance, Resistor, VoltageSource
from anamorph.circuit.pdk import Include, Models
from anamorph.substrate.current_mirror.chip import READOUT_CODE, chip

pytestmark = pytest.mark.ngspice

CODES = np.array([[3, -2], [7, 1], [-1, 5]])
INPUTS = np.array([20e-9, 50e-9, 100e-9])
GF180 = "pdk/gf180mcu/gf180_3p3_typical.ngspice"


def drives(inputs: np.ndarray = INPUTS) -> dict[str, float]:
    return {"vdd": 1.8, "out_0": 0.35, "out_1": 0.35} | {f"i_in_{j}": float(i) for j, i in enumerate(inputs)}


def outputs(
    models: Models, library: Path, *, bits: str = "wired", inputs: np.ndarray = INPUTS, **options
) -> np.ndarray:
    """Currents into the two held outputs, A; the synapses of a readout deliver them."""
    cell, values = chip((CODES,), 3), drives(inputs)
    if bits == "sources":
        cell, values = bits_as_sources(cell, values)
    written = netlist(
        cell, dialect("ngspice"), models, values, includes=[Include(str(library))], saved=["out_0", "out_1"], **options
    )
    found = ngspice.run(written.text)
    return np.array([found[f"i({written.sources[f'out_{k}']})"][0] for k in range(2)])


def written(folder: Path, text: str) -> Path:
    # spaces, commas and brackets in a path are the user's good right
    path = folder / "my models, (v1) [tt]@27+.lib"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def gf180(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PDK, below one of the folders that ANAMORPH_DATA names."""
    folders = [Path(f) for f in os.environ.get("ANAMORPH_DATA", "").split(os.pathsep) if f]
    found = next((f / GF180 for f in folders if (f / GF180).is_file()), None)
    if found is None:
        pytest.skip(f"needs {GF180} below a folder that ANAMORPH_DATA names")
    return written(tmp_path_factory.mktemp("pdk"), f'.param sw_stat_mismatch=0\n.include "{found}"\n')


def test_square_law_mirrors_have_their_geometric_gain(tmp_path: Path) -> None:
    """A unit of 0.27/0.54 copies a soma of 2.7/0.45 with a gain of 1/12, both signs alike."""
    card = "level=1 kp=1e-4 lambda=0 gamma=0"
    library = written(tmp_path, f".model nmos nmos vto=0.4 {card}\n.model pmos pmos vto=-0.4 {card}\n")
    inputs = np.array([1e-9, 2e-9, 3e-9])
    expected = np.maximum(inputs @ CODES / 12, 0) * READOUT_CODE / 12
    assert (expected > 0).all()
    for bits in ("wired", "sources"):
        # switches of 10 kOhm drop some 10 uV of the 5 mV by which the mirrors are on: 0.4 % each, 1 % in two stages
        np.testing.assert_allclose(outputs(Models(), library, bits=bits, inputs=inputs), expected, rtol=0.02)


@pytest.fixture(scope="module")
def default_bsim4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every figure that of the model's own defaults; no process, but the equations of one."""
    text = "".join(f".model {kind}mos {kind}mos level=54 version=4.5\n" for kind in "np")
    return written(tmp_path_factory.mktemp("models"), text)


def _check_styles(models: Models, library: Path) -> None:
    wired = outputs(models, library)
    # the same bits on sources: the same circuit up to ngspice's own tolerance of 1e-6
    np.testing.assert_allclose(outputs(models, library, bits="sources"), wired, rtol=1e-6)
    # both outputs deliver, and two mirrors of 7 units at most do not amplify 170 nA tenfold
    assert ((wired > 1e-9) & (wired < 1e-6)).all()


def _check_manners(models: Models, library: Path) -> None:
    """Both ways to shift a threshold move the outputs alike, and by a lot."""
    count = sum(1 for _ in chip((CODES,), 3).fets())
    shifts = np.random.default_rng(0).normal(size=count) * 5e-3
    plain = outputs(models, library)
    moved = {manner: outputs(models, library, deviations=shifts, manner=manner) for manner in ("delvto", "gate")}
    change = moved["gate"] - plain
    assert (np.abs(change) > 0.2 * np.abs(plain)).all()
    # BSIM4's delvto also moves the depletion charge: a few percent of the change, not its sign
    np.testing.assert_allclose(moved["delvto"] - plain, change, rtol=0.1)


def test_bsim4_in_both_styles(default_bsim4: Path) -> None:
    _check_styles(Models(), default_bsim4)
    _check_manners(Models(), default_bsim4)


def test_gf180_in_both_styles(gf180: Path) -> None:
    models = Models("nmos_3p3", "pmos_3p3")
    _check_styles(models, gf180)
    _check_manners(models, gf180)


def test_gf180_subcircuits_are_the_same_transistors(gf180: Path) -> None:
    """The wrappers declare m and ignore it: with ``m=`` instead of several calls this would fail by a factor."""
    names = "nmos_3p3", "pmos_3p3"
    shifts = np.linspace(-5e-3, 5e-3, sum(1 for _ in chip((CODES,), 3).fets()))
    for deviations in (None, shifts):
        found = [
            outputs(Models(*names, subcircuits), gf180, deviations=deviations, manner="gate")
            for subcircuits in (False, True)
        ]
        # one device of m = 4 and four devices are the same equations, summed in another order
        np.testing.assert_allclose(found[1], found[0], rtol=1e-6)


def test_awkward_names_are_one_circuit() -> None:
    """Cells in cells with names that ngspice folds together or knows as its own: four times 300 kOhm in series."""
    low = Cell(
        "Low", ("GND", "time"), (Resistor("r", "GND", "TIME", 1e5), Resistor("R", "TIME", "time", 2e5)),
    )  # fmt: skip
    mid = Cell(
        "low_2", ("p", "P"), (
            Instance("a", low, {"GND": "p", "time": "gnd"}), Instance("A", low, {"GND": "gnd", "time": "P"}),
        ),
    )  # fmt: skip
    parts = [Instance("x", mid, {"p": "pi", "P": "e"}), Instance("X", mid, {"p": "e", "P": "0"})]
    cell = Cell("top", (), (VoltageSource("all", "pi"), *parts))
    found = netlist(cell, dialect("ngspice"), Models(), {"all": 1.5}, saved=["all"])
    (current,) = ngspice.run(found.text)[f"i({found.sources['all']})"]
    assert current == pytest.approx(-1.5 / 1.2e6, rel=1e-9)
