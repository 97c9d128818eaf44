from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.characterise.bench import Bench
from anamorph.characterise.source_monitor import configure, plan, source_monitor
from anamorph.errors import BadInput
from anamorph.substrate.contract import Program, Response
from anamorph.substrate.ideal import Ideal

SHAPE = (4, 5, 3)
KEY = jax.random.key(2)
FULL = 7


@pytest.mark.parametrize("shape", [SHAPE, (3, 2), (2, 6, 4, 3)])
@pytest.mark.parametrize("repeats", [1, 3])
def test_every_neuron_is_measured_as_often_as_asked(shape: tuple[int, ...], repeats: int):
    slopes = [r for r in plan(shape, repeats, (-1,), KEY) if r.kind == "slope"]
    found = sorted((r.layer, r.neuron, r.repeat) for r in slopes)
    assert found == [(k, i, r) for k, n in enumerate(shape) for i in range(n) for r in range(repeats)]
    assert all(r.path[r.layer] == r.neuron for r in slopes)


def test_neurons_of_a_layer_share_their_sources_and_monitors():
    """So that what the rest of the path adds is the same for all of them."""
    for layer in range(3):
        for repeat in range(3):
            own = [r for r in plan(SHAPE, 3, (-1,), KEY) if (r.kind, r.layer, r.repeat) == ("slope", layer, repeat)]
            assert len({(*r.path[:layer], *r.path[layer + 1 :]) for r in own}) == 1


def test_repeats_go_through_other_neurons():
    readings = [r for r in plan(SHAPE, 3, (-1,), KEY) if (r.kind, r.layer, r.neuron) == ("slope", 1, 0)]
    assert len({r.path[0] for r in readings}) == len({r.path[2] for r in readings}) == 3


def test_another_key_chooses_other_paths():
    assert plan(SHAPE, 2, (-1,), KEY) == plan(SHAPE, 2, (-1,), KEY)
    assert plan(SHAPE, 2, (-1,), KEY) != plan(SHAPE, 2, (-1,), jax.random.key(3))


def test_a_negative_weight_is_compared_with_none():
    readings = [r for r in plan(SHAPE, 2, (-1, -2), KEY) if r.kind == "negative"]
    groups: dict[tuple, list[int]] = {}
    for r in readings:
        assert r.partner != r.path[r.layer - 1]
        groups.setdefault((r.layer, r.neuron, r.repeat, r.path, r.partner), []).append(r.setting)
    assert {r.layer for r in readings} == {1, 2}
    assert all(settings == [0, -1, -2] for settings in groups.values())


def test_one_neuron_alone_has_no_partner():
    assert not [r for r in plan((1, 1, 2), 2, (-1,), KEY) if r.kind == "negative"]


def reached(settings: list[np.ndarray], driven: np.ndarray) -> list[np.ndarray]:
    """Which neurons of each layer get anything."""
    active = [driven]
    for matrix in settings:
        active.append(((matrix != 0) & active[-1][:, None]).any(0))
    return active


def test_a_configuration_is_one_path_of_full_weights():
    readings = [r for r in plan(SHAPE, 2, (-1,), KEY) if r.kind == "slope"]
    matrices, driven, read = configure(SHAPE, readings, FULL)
    for c, reading in enumerate(readings):
        own = [m[c] for m in matrices]
        assert [np.count_nonzero(m) for m in own] == [1, 1]
        assert all(m[i, j] == FULL for m, i, j in zip(own, reading.path, reading.path[1:], strict=False))
        assert np.flatnonzero(driven[c]).tolist() == [reading.path[0]]
        assert [np.flatnonzero(a).tolist() for a in reached(own, driven[c])] == [[i] for i in reading.path]
        assert read[c] == reading.path[-1]


def test_a_partner_is_driven_and_feeds_the_measured_neuron():
    readings = [r for r in plan(SHAPE, 2, (-2,), KEY) if r.kind == "negative"]
    matrices, driven, read = configure(SHAPE, readings, FULL)
    for c, r in enumerate(readings):
        own = [m[c] for m in matrices]
        assert own[r.layer - 1][r.partner, r.neuron] == r.setting
        assert reached(own, driven[c])[r.layer - 1][r.partner]  # driven even while its weight is off
        assert sum(np.count_nonzero(m < 0) for m in own) == (r.setting != 0)
        assert own[r.layer - 1][r.path[r.layer - 1], r.neuron] == FULL
        assert read[c] == r.path[-1]


class Recorder:
    """A chip that notes what is done to it."""

    def __init__(self) -> None:
        self.die = Ideal(SHAPE).fabricate(KEY, 2)
        self.seen: list[tuple[Program, np.ndarray]] = []

    @property
    def shape(self) -> tuple[int, ...]:
        return SHAPE

    def run(self, program: Program, inputs: Any) -> Response:
        self.seen.append((program, np.asarray(inputs)))
        return self.die.run(program, inputs)


def measure(chip: Any, bench: Bench, key: Any = KEY):
    return source_monitor(chip, bench, key, FULL, (-1, -2), "ideal")


def test_only_inputs_are_driven_and_only_outputs_are_read():
    chip = Recorder()
    bench = Bench((1e-8, 5e-8), repeats=2, read_noise=0.0)
    data = measure(chip, bench).data
    assert data.sizes == {"die": 2, "reading": data.sizes["reading"]}
    assert set(data["input_current"].values) == {1e-8, 5e-8}
    for program, inputs in chip.seen:
        assert inputs.shape[-1] == SHAPE[0]
        assert set(np.unique(inputs)) == {0.0, 1e-8, 5e-8}
        assert ((inputs > 0).sum(-1) <= 2).all()
        assert set(np.unique(np.concatenate([s.ravel() for s in program.settings]))) <= {0, FULL, -1, -2}
    # an ideal path of two full weights amplifies by 1.75^2, whichever way it goes
    slopes = data.isel(reading=np.flatnonzero(data["kind"].values == "slope"))
    expected = np.broadcast_to(1.75**2 * slopes["input_current"].values, slopes["output_current"].shape)
    np.testing.assert_allclose(slopes["output_current"], expected, rtol=1e-12)


def test_a_hidden_output_is_not_looked_at():
    """Outputs that are not read may be anything."""

    class Shouting(Recorder):
        def run(self, program: Program, inputs: Any) -> Response:
            response = super().run(program, inputs)
            quiet = response.outputs == 0
            return response._replace(outputs=jnp.where(quiet, 1.0, response.outputs), neuron_currents=None)

    bench = Bench((1e-8,), repeats=1, read_noise=0.0)
    slopes = [measure(chip(), bench).data for chip in (Recorder, Shouting)]
    kept = [d.isel(reading=np.flatnonzero(d["kind"].values == "slope")) for d in slopes]
    assert kept[0].identical(kept[1])


def test_reading_noise_is_what_the_bench_says():
    currents = tuple(np.linspace(1e-8, 3e-7, 40))
    quiet = measure(Recorder(), Bench(currents, repeats=3, read_noise=0.0)).data
    noisy = measure(Recorder(), Bench(currents, repeats=3, read_noise=0.02)).data
    assert quiet.drop_vars("output_current").identical(noisy.drop_vars("output_current"))
    heard = quiet["output_current"].values > 0
    ratio = noisy["output_current"].values[heard] / quiet["output_current"].values[heard] - 1
    # several thousand readings: four standard errors of a standard deviation and of a mean
    assert ratio.std() == pytest.approx(0.02, rel=4 / np.sqrt(2 * ratio.size))
    assert abs(ratio.mean()) < 4 * 0.02 / np.sqrt(ratio.size)


def test_the_noise_of_a_die_does_not_depend_on_how_many_there_are():
    bench = Bench((1e-8, 2e-8), repeats=1, read_noise=0.02)
    both = measure(Ideal(SHAPE).fabricate(KEY, 2), bench).data
    first = measure(Ideal(SHAPE).fabricate(KEY, 1), bench).data
    # the last digit depends on how many dies' sums are done at once
    np.testing.assert_allclose(both["output_current"][:1], first["output_current"], rtol=1e-14)
    assert not np.array_equal(both["output_current"][0], both["output_current"][1])


def test_a_reading_without_an_answer_is_marked():
    class Failing(Recorder):
        def run(self, program: Program, inputs: Any) -> Response:
            r = super().run(program, inputs)
            lost = jnp.zeros(r.converged.shape, bool).at[1, 0, 0].set(True)
            return r._replace(outputs=jnp.where(lost[..., None], jnp.nan, r.outputs), converged=~lost)

    data = measure(Failing(), Bench((1e-8, 2e-8), repeats=1)).data
    assert np.argwhere(~data["converged"].values).tolist() == [[1, 0]]
    assert np.argwhere(np.isnan(data["output_current"].values)).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"currents": ()}, "bench currents"),
        ({"currents": (1e-9, 0.0)}, "positive, finite"),
        ({"currents": (1e-9, float("nan"))}, "positive, finite"),
        ({"currents": (1e-9,), "repeats": 0}, "repeats; expected 1 or more; got 0"),
        ({"currents": (1e-9,), "read_noise": 1.0}, "read noise"),
        ({"currents": (1e-9,), "read_noise": -0.1}, "read noise"),
    ],
)
def test_an_impossible_bench_is_refused(arguments: dict[str, Any], message: str):
    with pytest.raises(BadInput, match=message):
        Bench(**arguments)
