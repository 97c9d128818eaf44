r"""Writing cells: target currents, and pulses with a reading after each until a cell is near enough.

A pulse changes the logarithm of a cell's current. Its size is chosen from the last reading: what is missing, within
what one pulse can do,

    wanted = clip(0.7 |ln(target / reading)|, step_min, step_max)
    change = wanted e^c (1 + s z)

with c the cell's own response (normal, once per cell) and z normal, new for every pulse. That is the behaviour that
staircases of pulses with growing or shrinking amplitude have in common, for injection and tunnelling as for filaments;
the figures are assumed (`anamorph.vmm.physics.RESPONSE`). A writing is done when a reading, itself noisy, is within the
tolerance. Cells of one row are written at once, as their output lines are apart; the row waits for its slowest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from anamorph.errors import BadInput
from anamorph.technology.memory import load_memory
from anamorph.vmm.behaviour import Vmm
from anamorph.vmm.cells import targets
from anamorph.vmm.physics import figures

#: Share of what is missing that a pulse is meant to make up: less than all, as a cell may respond more than others.
CAUTION = 0.7


@dataclass(frozen=True)
class Written:
    """What writing of cells came to.

    Attributes:
        pulses: of every cell.
        current: reached, in units of the target's.
        done: whether its last reading was within the tolerance.
    """

    pulses: Int[np.ndarray, "*cells"] = field(repr=False)
    current: Float[np.ndarray, "*cells"] = field(repr=False)
    done: np.ndarray = field(repr=False)

    @property
    def error(self) -> float:
        """Rms of the relative error."""
        return float(np.sqrt(np.mean((self.current - 1) ** 2)))


@dataclass(frozen=True)
class WritePlan:
    """Targets of all cells, and what writing them takes.

    Attributes:
        currents: of the cells of plus and minus lines, A, ``[lines, rows, columns]``.
        conductances: the same at small voltages, S; None for cells that are current sources.
        tolerance: relative, within which a reading is accepted.
        pulses: expected per cell.
        error: expected rms relative error of a cell's current.
        failed: expected share of cells that are not within the tolerance after all pulses allowed.
        time: s for all cells, row by row.
        energy: J for all cells: pulses and readings, the share of rows that wait left out.
    """

    currents: Float[np.ndarray, "lines rows columns"] = field(repr=False)
    conductances: Float[np.ndarray, "lines rows columns"] | None = field(repr=False)
    tolerance: float
    pulses: float
    error: float
    failed: float
    time: float
    energy: float


def write_verify(
    start: Float[Array | np.ndarray, "*cells"],
    response: Mapping[str, float],
    tolerance: float,
    key: PRNGKeyArray,
    max_pulses: int = 200,
) -> Written:
    """Write cells.

    Args:
        start: current of every cell before, in units of its target's.
        response: figures of `anamorph.vmm.physics.RESPONSE`.
        tolerance: relative, of a reading.
        key: of cells, pulses and readings.
        max_pulses: after which a cell is left as it is.

    Raises:
        BadInput: a tolerance that is not above zero, or a start that is not.
    """
    log = np.array(start, float)
    if not 0 < tolerance < 1:
        raise BadInput("not a tolerance", where="write-verify", expected="between 0 and 1", got=f"{tolerance}")
    if not (log > 0).all():
        raise BadInput("cells without current have no logarithm to change", where="write-verify: start",
                       expected="above 0", got=f"{log.min():g}")  # fmt: skip
    log = np.log(log)
    draw = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
    own = np.exp(response["cell_spread"] * draw.standard_normal(log.shape))
    pulses, done = np.zeros(log.shape, int), np.zeros(log.shape, bool)
    for number in range(max_pulses + 1):
        reading = log + response["read_noise"] * draw.standard_normal(log.shape)
        done |= np.abs(np.expm1(reading)) <= tolerance
        if done.all() or number == max_pulses:
            break
        size = np.clip(CAUTION * np.abs(reading), response["step_min"], response["step_max"])
        noise = 1 + response["pulse_spread"] * draw.standard_normal(log.shape)
        log = np.where(done, log, log - np.sign(reading) * size * own * noise)
        pulses += ~done
    return Written(pulses, np.exp(log), done)


def program(
    vmm: Vmm,
    weights: Float[Array | np.ndarray, "rows columns"],
    key: PRNGKeyArray,
    tolerance: float | None = None,
    max_pulses: int = 200,
) -> WritePlan:
    """Targets for weights in -1..1, rounded to the design's bits, and the plan that reaches them.

    Args:
        vmm: of the design.
        weights: what to write.
        key: of the simulated writing that the expectations are of.
        tolerance: relative; if left out, the error of tuning that `Vmm.run` reckons with, for even errors within it.
        max_pulses: per cell.

    Raises:
        BadInput: weights of another size or outside -1..1.
    """
    w, design, physics = jnp.asarray(weights, float), vmm.design, vmm.physics
    if w.shape != (design.rows, design.columns) or not bool((jnp.abs(w) <= 1 + 1e-6).all()):
        raise BadInput("weights do not fit", where="write plan", expected=f"{(design.rows, design.columns)} in -1..1",
                       got=str(w.shape))  # fmt: skip
    relative = np.asarray(targets(vmm.quantise_weights(w), physics.base))
    response = {k: f.value for k, f in figures(design.cell.memory)["response"].items()}
    allowed = float(np.clip(np.sqrt(3) * physics.tuning, 1e-4, 0.5)) if tolerance is None else tolerance
    # cells come from erasure or forming: at their largest current
    found = write_verify(1 / relative, response, allowed, key, max_pulses)
    card = load_memory(design.cell.memory).values("write")
    rows = found.pulses.max(axis=(0, 2))
    each = card["t_pulse"] + card["t_verify"]
    energy = found.pulses.sum() * card["v_write"] * card["i_write"] * card["t_pulse"]
    reading = (found.pulses + 1).sum() * physics.current * card["t_verify"] * (1.0 if physics.active else physics.read)
    return WritePlan(
        currents=physics.current * relative,
        conductances=None if physics.active else physics.current / physics.read * relative,
        tolerance=allowed, pulses=float(found.pulses.mean()), error=found.error, failed=float(np.mean(~found.done)),
        time=float((rows * each + card["t_verify"]).sum()), energy=float(energy + reading),
    )  # fmt: skip
