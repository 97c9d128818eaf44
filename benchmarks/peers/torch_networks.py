"""A network of multiply-accumulate neurons under noise in other people's code: aihwkit's torch tile, and plain PyTorch.

    python torch_networks.py PROBLEM.npz

Runs in an environment of its own (`make bench-peers`), without anamorph. The problem holds images, labels, weights,
gains, the standard deviation of a branch's noise and the number of draws. Prints one JSON object: for each peer the
processor seconds per image and draw, and the share of wrong answers.

aihwkit's inference tile in PyTorch (`TorchInferenceTile`) needs none of the package's compiled module but to be
imported. Where that module is not built, an empty one takes its place.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import importlib.util
import json
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

REPEATS = 2
#: Images of one batch: both are as fast at 250 as at 1,000.
BATCH = 250


class _Nothing(types.ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def import_aihwkit() -> bool:
    """Whether the compiled module is the package's own.

    Raises:
        ImportError: no aihwkit here.
    """
    if importlib.util.find_spec("aihwkit") is None:
        raise ImportError("aihwkit is not installed")
    try:
        importlib.import_module("aihwkit.simulator.rpu_base")
    except ImportError:
        empty = types.ModuleType("aihwkit.simulator.rpu_base")
        for name in ("tiles", "devices", "cuda"):
            setattr(empty, name, _Nothing(name))
        empty.cuda.is_compiled = lambda: False
        sys.modules["aihwkit.simulator.rpu_base"] = empty
        return False
    return True


class Plain(nn.Module):
    """One layer in plain PyTorch: a convolution or matrix product, and noise of all its branches."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, noise: float) -> None:
        super().__init__()
        self.weight, self.bias, self.noise = weight, bias, noise

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        convolve = self.weight.ndim == 4
        y = nn.functional.conv2d(x, self.weight, self.bias) if convolve else x @ self.weight.T + self.bias
        return y + self.noise * torch.randn_like(y)


def analog(weight: torch.Tensor, bias: torch.Tensor, noise: float) -> nn.Module:
    """The same as a layer of aihwkit's tiles, with all other effects of its periphery switched off."""
    from aihwkit.nn import AnalogConv2d, AnalogLinear
    from aihwkit.simulator.configs import TorchInferenceRPUConfig
    from aihwkit.simulator.parameters.enums import BoundManagementType, NoiseManagementType

    config = TorchInferenceRPUConfig()
    config.mapping.max_input_size = config.mapping.max_output_size = 0
    forward = config.forward
    forward.inp_res = forward.out_res = forward.inp_bound = forward.out_bound = -1.0
    forward.noise_management, forward.bound_management = NoiseManagementType.NONE, BoundManagementType.NONE
    forward.out_noise = noise
    if weight.ndim == 4:
        layer = AnalogConv2d(weight.shape[1], weight.shape[0], tuple(weight.shape[2:]), rpu_config=config)
    else:
        layer = AnalogLinear(weight.shape[1], weight.shape[0], rpu_config=config)
    layer.set_weights(weight.reshape(len(weight), -1), bias)
    return layer.eval()


class Network(nn.Module):
    """Convolutions with averages over two by two behind each, and a dense layer."""

    def __init__(self, problem: dict[str, np.ndarray], make: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.gains, layers = problem["gains"].tolist(), []
        for i in range(len(self.gains)):
            weight = torch.tensor(problem[f"weight_{i}"])
            noise = float(problem["sigma"]) * (weight[0].numel() + 1) ** 0.5  # the bias is a branch too
            layers.append(make(weight, torch.tensor(problem[f"bias_{i}"]), noise))
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for gain, layer in zip(self.gains[:-1], self.layers, strict=False):
            x = nn.functional.avg_pool2d(torch.tanh(gain * layer(x)), 2)
        return self.layers[-1](x.flatten(1))


def measured(network: nn.Module, problem: dict[str, np.ndarray]) -> dict[str, float]:
    """Fewest processor seconds per image and draw of a few runs after a first, and the share of wrong answers."""
    images, labels = torch.tensor(problem["images"]), torch.tensor(problem["labels"])
    draws, times, wrong = int(problem["draws"]), [], 0
    for _ in range(REPEATS + 1):
        wrong, began = 0, time.process_time()
        for _ in range(draws):
            for low in range(0, len(images), BATCH):
                found = network(images[low : low + BATCH]).argmax(1)
                wrong += int((found != labels[low : low + BATCH]).sum())
        times.append(time.process_time() - began)
    count = draws * len(images)
    return {"seconds": min(times[1:]) / count, "error": wrong / count}


def main() -> None:
    """Both peers, or the one that is here."""
    with np.load(sys.argv[1], allow_pickle=False) as held:
        problem = dict(held)
    torch.manual_seed(0)
    torch.set_num_threads(1)  # threads that wait for each other spin, which would count
    found: dict[str, Any] = {"torch": torch.__version__}
    with torch.inference_mode():
        found["plain"] = measured(Network(problem, Plain), problem)
        try:
            found["compiled"] = import_aihwkit()
            found["aihwkit"] = measured(Network(problem, analog), problem)
        except ImportError as error:
            found["missing"] = str(error)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
