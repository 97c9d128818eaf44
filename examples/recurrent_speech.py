"""A gated recurrent unit with signed 3-bit weights on spoken digits, through the measured slopes of several dies.

    python examples/recurrent_speech.py            # minutes on two cores
    python examples/recurrent_speech.py --quick    # less than a minute, and a worse network

A recording is a sequence of 11 frames of 12 cepstral coefficients. One network is trained through the nominal
characteristics; each die is then measured and goes on from it. Everything is behavioural: see
`anamorph.network.recurrent` for what is measured and what is assumed.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

import anamorph
from anamorph.characterise.bench import Bench
from anamorph.characterise.transfer import Transfer
from anamorph.data.registry import load_task
from anamorph.data.speech import N_COEFFICIENTS, N_SLICES
from anamorph.network.forward import decide
from anamorph.network.model import answers
from anamorph.network.recurrent import GatedRecurrent
from anamorph.network.settings import TrainingSettings
from anamorph.network.train import train
from anamorph.substrate import create
from anamorph.technology import load

#: Input current of a value of 1, A; readings at a twenty-fourth of it and upwards.
FULL_SCALE = 120e-9
BENCH = Bench((5e-9, 15e-9, 45e-9, FULL_SCALE), repeats=10, protocol="permutations", setting=5)
SETTINGS = TrainingSettings(
    epochs=60,
    learning_rate=0.01,
    target=1.5,
    init=5.0,
    init_bias=0.0,
    restarts=2,
    batch_size=100,
    mismatch=0.5,
    warmup=0.1,
)


def main() -> None:
    """Train, measure, fine-tune, and print accuracies on the official test recordings."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--dies", type=int, default=4)
    options.add_argument("--state", type=int, default=40, help="neurons of the state")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--quick", action="store_true", help="few recordings and epochs")
    given = options.parse_args()
    settings = replace(SETTINGS, epochs=2, restarts=1) if given.quick else SETTINGS
    tune = replace(settings, epochs=1 if given.quick else 5, learning_rate=0.001, restarts=1, mismatch=0.0, warmup=0.0)
    keys = dict(
        zip(("data", "train", "dies", "bench", "tune"), jax.random.split(jax.random.key(given.seed), 5), strict=True)
    )

    task = load_task(
        "spoken_digits", keys["data"], 300 if given.quick else None, mean=0.15, inverted=True, stretch=(0.9, 1.0, 1.1)
    )
    model = GatedRecurrent(N_SLICES, N_COEFFICIENTS, given.state, task.n_classes)
    chip = create("current_mirror", load("cmos180"), model.layers, n_bits=3, exists=[model.wiring.exists])
    print(f"{model.wiring.n_synapses} synapses; {len(task.x_train)} training, {len(task.x_test)} test sequences")

    nominal = chip.assumed_transfer()
    common = train(chip, nominal, task, model.layers, settings, keys["train"], model=model)

    def accuracy(transfer: Transfer, weights: tuple) -> np.ndarray:
        found = decide(answers(model, chip, transfer, weights, jnp.asarray(task.x_test)))
        return np.mean(found == task.y_test, axis=-1)

    print(f"one network, nominal characteristics: {accuracy(nominal, common.weights)[0]:.1%}")

    dies = anamorph.fabricate(chip, keys["dies"], given.dies)
    measured = anamorph.fit(chip, anamorph.characterise(chip, dies, BENCH, keys["bench"]))
    written = chip.decode(chip.program(common.weights, nominal), measured)
    before = accuracy(measured, tuple(jnp.asarray(w.reshape(-1, *w.shape[-2:])) for w in written))
    own = train(chip, measured, task, model.layers, tune, keys["tune"], start=common, model=model)
    after = accuracy(measured, own.weights)
    for die, (one, other) in enumerate(zip(before, after, strict=True)):
        print(f"die {die}, measured slopes: {one:.1%} with that network, {other:.1%} after training on through them")
    print(f"mean: {before.mean():.1%} and {after.mean():.1%}")


if __name__ == "__main__":
    main()
