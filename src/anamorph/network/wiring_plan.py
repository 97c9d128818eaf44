"""How the layers of an experiment are joined, said before the sizes are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anamorph.errors import BadInput, nearest
from anamorph.network.convolution import Convolution, Pooling
from anamorph.network.wiring import Dense, Image, Wiring

KINDS = ("dense", "convolution", "pooling")


@dataclass(frozen=True)
class WiringPlan:
    """How two layers are joined, before it is known what lies before: a `[[network.wiring]]` of an experiment.

    Attributes:
        kind: of `KINDS`.
        kernel, stride, channels, shared: see `Convolution` and `Pooling`; a pooling's stride is its kernel
            unless given.
        positive: no negative weights.
    """

    kind: str = "dense"
    kernel: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None
    channels: int | None = None
    shared: bool = True
    positive: bool = False

    def after(self, n_in: int, n_out: int, image: Image | None, where: str) -> Wiring:
        """The wiring from a layer of `n_in` neurons, seen as `image`, to one of `n_out`.

        Raises:
            BadInput: no such kind, a figure missing, an image where there is none, neurons that differ in number.
        """
        if self.kind not in KINDS:
            raise BadInput(f"no wiring named {self.kind[:60]!r}", where=where, advice=nearest(self.kind, KINDS))
        if self.kind == "dense":
            return Dense(n_in, n_out, self.positive)
        image = image or _square(n_in, where)
        if int(np.prod(image)) != n_in:
            raise BadInput("the image has another size than the layer", where=where, expected=f"{n_in} neurons",
                           got=f"{image}, channels x height x width")  # fmt: skip
        if self.kernel is None or (self.kind == "convolution" and self.channels is None):
            raise BadInput(
                f"a {self.kind} needs a kernel" + ", and channels" * (self.kind == "convolution"), where=where
            )
        found: Wiring
        if self.kind == "pooling":
            found = Pooling(image, self.kernel, self.stride or self.kernel)
        else:
            found = Convolution(
                image, self.kernel, self.stride or (1, 1), self.channels or 1, self.shared, self.positive
            )
        if found.n_out != n_out:
            raise BadInput("the layer after has another size than the wiring gives it", where=where,
                           expected=f"{found.n_out} neurons, {found.image_out}", got=str(n_out))  # fmt: skip
        return found


def wirings(
    layers: Sequence[int], plans: Sequence[WiringPlan] | None = None, image: Image | None = None, where: str = "wiring"
) -> tuple[Wiring, ...]:
    """The wiring of every weight matrix; dense where nothing is said.

    Args:
        layers: neurons per layer, inputs first.
        plans: one per weight matrix.
        image: of the input layer; a single square one if left out.
        where: for messages.

    Raises:
        BadInput: another number of plans than of matrices, or what `WiringPlan.after` raises.
    """
    pairs = list(zip(layers, layers[1:], strict=False))
    plans = [WiringPlan()] * len(pairs) if plans is None else plans
    if len(plans) != len(pairs):
        raise BadInput("not one wiring per weight matrix", where=where, expected=str(len(pairs)), got=str(len(plans)))
    found: list[Wiring] = []
    for index, (plan, (n_in, n_out)) in enumerate(zip(plans, pairs, strict=True)):
        found.append(plan.after(n_in, n_out, image, f"{where}[{index}]"))
        image = found[-1].image_out
    return tuple(found)


def _square(n: int, where: str) -> Image:
    side = int(np.sqrt(n))
    if side * side != n:
        raise BadInput("the layer before is not a square image", where=where, got=f"{n} neurons",
                       advice="Say what it is: network.image = [channels, height, width].")  # fmt: skip
    return 1, side, side
