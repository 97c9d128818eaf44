"""Figs. 3 and 4 of Binas et al. 2016 from transients, and what a shown neuron's activity is."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from anamorph.papers.binas_2016.measurements import mnist_transients
from anamorph.papers.binas_2016.measurements._transients import Decisions, hidden_currents
from anamorph.papers.measure import LEFT_OUT
from anamorph.substrate.current_mirror import CurrentMirror
from anamorph.substrate.current_mirror.dynamics import RUN_TIMES, Dynamics, Waveform
from anamorph.substrate.current_mirror.soma_dynamics import SomaFets
from anamorph.technology import Technology

PATTERNS, STEPS = 6, 8


def _decisions(current: float) -> Decisions:
    rng = np.random.default_rng(0)
    time = 8e-6 * 15e-9 / current * rng.uniform(0.5, 1.5, PATTERNS)
    time[0] = np.nan
    power = np.full(PATTERNS, 200e-6 * current / 15e-9)
    energy_by = power[:, None] * np.linspace(0, 15e-6, RUN_TIMES + 1)[1:]
    steps = np.linspace(0, 15e-6, STEPS)
    wave = Waveform(steps, np.ones((STEPS, 10)) * 1e-8, np.full((STEPS, 5), 0.3), ("a", "b", "c", "d", "e"))
    found = Dynamics(
        15e-6, 25_100, time, energy_by[:, -1], power * time, power, energy_by, np.zeros(PATTERNS, int),
        np.ones(PATTERNS, bool), np.isfinite(time), wave,
    )  # fmt: skip
    return Decisions(found, PATTERNS, current, 1, (np.ones((3, STEPS)) * 1e-8, np.ones((2, STEPS)) * 1e-8))


def test_the_figures_of_the_paper_are_redrawn() -> None:
    slow, fast = (_decisions(current) for current in (15e-9, 45e-9))
    places = mnist_transients.redrawn(slow, fast, tuple("0123456789"))
    assert list(places) == ["Figure 3", "Figure 4a", "Figure 4b", "Figure 4c"]
    assert "hidden layers of 3-2 neurons" in places["Figure 3"][0].caption
    (scatter,) = places["Figure 4a"]
    assert {t.name for t in scatter.plot.select_traces() if t.name} == {"15 nA", "45 nA"}  # pyright: ignore[reportAttributeAccessIssue]
    assert "2 patterns whose class never differed, or that did not reach it" in scatter.caption


def test_late_samples_are_told_by_their_width() -> None:
    found = replace(_decisions(15e-9), active=np.array([90, 60, 70, 70, 80, 70]))  # the first has no time to output
    assert found.slow_ones(15e-6).startswith("The 1 later ones have 90 active inputs (median), the others 70:")
    assert _decisions(15e-9).slow_ones(15e-6) == "" and found.slow_ones(0.0) == ""


def test_a_quick_measurement_says_no_shares_of_few_samples() -> None:
    slow, fast = (_decisions(current) for current in (15e-9, 45e-9))
    claims = mnist_transients.timing(slow, fast) | mnist_transients.rates(slow, fast, slow.found.operations)
    few = {name for name, found in claims.items() if found.basis == LEFT_OUT}
    assert few == {"output_within_15us", "output_within_7us", "image_rate", "throughput", "throughput_as_printed"}
    assert all("Not measured by --quick" in claims[name].note and claims[name].value is None for name in few)


def test_where_too_few_are_in_time_the_larger_current_tells_a_rate() -> None:
    slow, fast = (replace(_decisions(current), n=200) for current in (15e-9, 45e-9))
    in_time = replace(fast, found=replace(fast.found, time_to_output=np.full(PATTERNS, 4e-6)))
    (rate,) = {mnist_transients.rates(slow, in_time, 25_100)[name] for name in ("image_rate", "throughput")}
    assert rate.value is None and "Only 83.3 % are" in rate.note
    assert rate.note.endswith("At 45 nA 99 % are after 4.0 us: 250 kHz and 6.28 GOp/s at 600 uW.")
    assert "45 nA" not in mnist_transients.rates(slow, fast, 25_100)["image_rate"].note
    some = _decisions(15e-9)
    same = replace(some, found=replace(some.found, time_to_output=np.array([0.0, 0.0, 6e-6, 8e-6, 6e-6, 8e-6])))
    said = mnist_transients.timing(same, same)["time_to_output_15na"]
    assert said.value is not None and abs(said.value - 28e-6 / 6) < 1e-12
    assert said.note.endswith(
        "2 whose class never differed from the one before count as 0; without them 7.0 +- 1.0 us."
    )
    assert "left out" in some.mean(some.found.time_to_output).note
    assert "left out" not in some.mean(some.found.power).note


def test_a_hidden_neurons_activity_is_what_its_own_diode_takes(cmos180: Technology) -> None:
    substrate = CurrentMirror(cmos180, (2, 3, 2, 2))
    die = substrate.fabricate(jax.random.key(0))
    voltages = np.random.default_rng(0).uniform(0.2, 0.5, (4, 5))
    found = hidden_currents(substrate, die, voltages)
    assert [rows.shape for rows in found] == [(3, 4), (2, 4)]
    for layer, columns, rows in ((1, slice(0, 3), found[0]), (2, slice(3, 5), found[1])):
        somas = SomaFets.of(cmos180, np.asarray(die.deviations["soma"][layer])[0])
        v = jnp.asarray(voltages[:, columns])
        np.testing.assert_allclose(rows.T, -np.asarray(somas.flows(jnp.stack([v, v, v])))[0], rtol=1e-9)
