"""Monte Carlo inference of an MNIST network under the noise of its multiplications, beside PyTorch and aihwkit.

Same network, same weights, same noise (of every branch, fresh for every multiplication), same machine, one after the
other, in processor seconds, which other work on the machine does not change. Peers run in an environment of their own:
`make bench-peers` makes it, ``ANAMORPH_PEERS`` names another one's interpreter. Without it only our own figure is told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np

from anamorph.errors import BadInput
from anamorph.mixed_signal.monte_carlo import fresh_noise
from anamorph.mixed_signal.network import MacNetwork, Weights
from anamorph.mixed_signal.study import images_of, network_of
from anamorph.mixed_signal.train import Training, train

ROOT = Path(__file__).parent
IMAGES, DRAWS, SIGMA = 1000, 10, 0.1
REPEATS = 2


def measure() -> dict[str, float]:
    """Processor seconds per image and draw, and wrong answers: ``ours``, and of each peer that is here."""
    network = network_of("mnist_cnn")
    x, labels, weights = problem(network)

    def run() -> float:
        return float(fresh_noise(network, weights, x, labels, np.array([SIGMA]), DRAWS, jax.random.key(1),
                                 of_branches=True).mean[0])  # fmt: skip

    error, times = run(), []
    for _ in range(REPEATS):
        began = time.process_time()
        run()
        times.append(time.process_time() - began)
    found = {"ours": min(times) / (DRAWS * len(x)), "ours_error": error}
    for name, one in peers(network, weights, x, labels).items():
        found |= {name: one["seconds"], f"{name}_error": one["error"]}
    return found


def problem(network: MacNetwork) -> tuple[np.ndarray, np.ndarray, tuple[Weights, ...]]:
    """Test images and a network of 3 bits that was trained on them briefly; noise in place of MNIST where it is not."""
    try:
        data = images_of("mnist_cnn", 10_000, IMAGES)
        x_train, y_train, x, labels = data.x_train, data.y_train, data.x_test, data.y_test
    except BadInput:
        draw = np.random.default_rng(0)
        x_train, x = draw.uniform(size=(2000, 784)), draw.uniform(size=(IMAGES, 784))
        y_train, labels = draw.integers(10, size=2000), draw.integers(10, size=IMAGES)
    fitted = train(network, x_train, y_train, Training(epochs=1, n_bits=3), jax.random.key(0))
    return x, labels, fitted.weights


def peers(
    network: MacNetwork, weights: tuple[Weights, ...], x: np.ndarray, labels: np.ndarray
) -> dict[str, dict[str, float]]:
    """What the peers' environment measures; nothing where there is none."""
    python = interpreter()
    if python is None:
        return {}
    arrays = {"images": x.reshape(-1, 28, 28)[:, None].astype(np.float32), "labels": labels, "draws": DRAWS,
              "sigma": SIGMA, "gains": np.exp([float(w.gain) for w in weights])}  # fmt: skip
    for i, (layer, own) in enumerate(zip(network.neurons, weights, strict=True)):
        taps = np.asarray(own.synapses).reshape(*layer.kernel, layer.image[2], -1).transpose(3, 2, 0, 1)
        arrays |= {f"weight_{i}": taps if layer.image_out[0] > 1 else taps.reshape(len(taps), -1)}
        arrays |= {f"bias_{i}": np.asarray(own.bias)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        np.savez(path, **arrays)
        done = subprocess.run([python, ROOT / "peers" / "torch_networks.py", path], capture_output=True, text=True)
    if done.returncode:  # an environment without PyTorch, for one
        sys.stderr.write(f"peers: {done.stderr.strip().splitlines()[-1:]}\n")
        return {}
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: found[name] for name in ("plain", "aihwkit") if name in found}


def interpreter() -> str | None:
    """Of the peers' environment; None where there is none."""
    given = os.environ.get("ANAMORPH_PEERS", "")
    made = ROOT.parent / ".venv-peers" / "bin" / "python"
    return given or (str(made) if made.is_file() else None)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
