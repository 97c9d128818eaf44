"""A die's deviations reach training through its measurement, and in no other way."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from anamorph.characterise.bench import Bench
from anamorph.characterise.transfer import Transfer
from anamorph.conformance.transfers import reachable
from anamorph.data.iris import iris
from anamorph.errors import BadInput
from anamorph.network.settings import TrainingSettings
from anamorph.network.train import Trained, train
from anamorph.substrate.contract import Die, Substrate
from anamorph.substrate.current_mirror import CurrentMirror
from anamorph.technology import Technology

SHAPE = (4, 7, 3)
TASK = iris(jax.random.key(1))
SHORT = TrainingSettings(epochs=20, restarts=1)
BENCH = Bench(currents=(50e-9, 150e-9, 300e-9), repeats=1)


@pytest.fixture(scope="module")
def chip(cmos180: Technology) -> CurrentMirror:
    return CurrentMirror(cmos180, SHAPE)


def _measured(chip: CurrentMirror, seed: int) -> tuple[Die, Transfer]:
    die = chip.fabricate(jax.random.key(seed), 1)
    return die, chip.fit(chip.measure(die, BENCH, jax.random.key(0)))


@pytest.fixture(scope="module")
def measured(chip: CurrentMirror) -> tuple[Die, Transfer]:
    return _measured(chip, 3)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """As for a user: without the type checks of the tests, which would refuse first and say less."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def _train(chip: Substrate, transfer: Transfer) -> Trained:
    return train(chip, transfer, TASK, SHAPE, SHORT, jax.random.key(2))


def _same(a: Trained, b: Trained) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.weights, b.weights, strict=True))


def test_a_die_poisoned_after_its_measurement_trains_the_same(chip: CurrentMirror):
    die, transfer = _measured(chip, 4)
    before = _train(chip, transfer)
    object.__setattr__(die, "deviations", jax.tree.map(lambda a: a * jnp.nan, die.deviations))
    after = _train(chip, transfer)
    assert _same(before, after)
    np.testing.assert_array_equal(before.loss, after.loss)


def test_another_dies_measurement_trains_otherwise(chip: CurrentMirror, measured: tuple[Die, Transfer]):
    """The measurement does carry what distinguishes dies: the test above could fail."""
    _, other = _measured(chip, 5)
    assert not np.array_equal(_train(chip, measured[1]).loss, _train(chip, other).loss)


def test_training_asks_a_substrate_nothing_of_dies(
    chip: CurrentMirror, measured: tuple[Die, Transfer], monkeypatch: pytest.MonkeyPatch
):
    expected = _train(chip, measured[1])

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("training asked for a die")

    for name in ("fabricate", "nominal", "measure", "run", "netlist_deviations"):
        monkeypatch.setattr(CurrentMirror, name, refuse)
    monkeypatch.setattr(Die, "__init__", refuse)
    # a substrate of its own, so that nothing compiled before is used again
    assert _same(_train(CurrentMirror(chip.technology, SHAPE), measured[1]), expected)


def test_nothing_keeps_a_die_alive_but_its_owner(chip: CurrentMirror):
    """Once its owner lets go, the die and its deviations are gone: transfer and network hold neither."""
    die, transfer = _measured(chip, 6)
    trained = _train(chip, transfer)
    gone = [weakref.ref(thing) for thing in (die, *jax.tree.leaves(die.deviations))]
    del die
    gc.collect()
    assert [ref() is None for ref in gone] == [True] * len(gone)
    assert trained.layers == SHAPE and transfer.n_dies == 1


def test_no_path_leads_from_what_training_takes_to_a_die(chip: CurrentMirror, measured: tuple[Die, Transfer]):
    die, transfer = measured
    hidden = jax.tree.leaves(die.deviations)
    given = {"substrate": chip, "transfer": transfer, "task": TASK, "settings": SHORT}
    for where, value in reachable(given, "train"):
        assert not isinstance(value, Die), where
        assert not any(value is leaf for leaf in hidden), where


def test_the_search_finds_a_die_wherever_it_hides(measured: tuple[Die, Transfer]):
    die, _ = measured

    class Slotted:
        __slots__ = ("inner",)

    slotted = Slotted()
    slotted.inner = {"deep": [lambda: die]}  # pyright: ignore[reportAttributeAccessIssue]
    places = [where for where, value in reachable(("x", slotted), "root") if value is die]
    assert places == ["root[1].inner['deep'][0].<closure>"]


def test_numbers_of_the_transfer_are_none_of_the_dies(measured: tuple[Die, Transfer]):
    die, transfer = measured
    hidden = np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(die.deviations)])
    seen = np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(transfer)])
    assert not np.isin(seen[seen != 0], hidden).any()


def test_a_die_in_the_transfers_place_is_refused(unchecked: None, chip: CurrentMirror, measured: tuple[Die, Transfer]):
    die: Any = measured[0]
    with pytest.raises(BadInput, match=r"expected Transfer; got Die.*measure it, fit"):
        _train(chip, die)
