"""Spikes of a network that was shown images, whichever simulator they come from, and what is read of them.

    of(image, neuron)        t_1 < t_2 < ..               spikes of one neuron, s
    counts, rates            spikes, spikes a second
    answers(moments)         who leads after so long
    decide()                 when somebody first led, and from when on the final answer led

Two ways to read an output: "count" is how many spikes it has made, which any counter can tell and which ties often;
"interval" is (n - 1) / (t_n - t_1), spikes a second between the first and the last one, which a clock beside the
counter tells far sooner, since the outputs of a network differ by per cents. Both change only when an output spikes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from anamorph.errors import BadInput, nearest

READOUTS = ("count", "interval")
#: The answer where several outputs lead together, or none has spiked.
UNDECIDED = -1


class Decisions(NamedTuple):
    """When the answer was there, of each image.

    Attributes:
        answer: after the whole time; `UNDECIDED` where several outputs lead.
        first: moment at which one output first led, whichever, s; NaN where none ever did.
        stable: moment from which on `answer` led without interruption, s; NaN where undecided.
    """

    answer: Int[np.ndarray, " images"]
    first: Float[np.ndarray, " images"]
    stable: Float[np.ndarray, " images"]


@dataclass(frozen=True)
class SpikeRecord:
    """Spike times of every neuron for every image, and the energy that went by.

    Attributes:
        layers: neurons of each layer; inputs are currents and have none. Neurons are numbered through the layers.
        duration: how long each image was shown, s.
        times: all spikes, image by image and in it neuron by neuron, in the order of time, s.
        starts: where the spikes of neuron ``n`` of image ``p`` begin in `times`, at ``p neurons + n``; one more entry
            for the end.
        clock: moments at which `energy` is known, increasing, s.
        energy: by name of what uses it, from the beginning to each moment of `clock`, J.
        source: what simulated it.

    Raises:
        BadInput: arrays that do not fit each other, spikes out of order or outside of the time shown.
    """

    layers: tuple[int, ...]
    duration: float
    times: Float[np.ndarray, " spikes"]
    starts: Int[np.ndarray, " bounds"]
    clock: Float[np.ndarray, " moments"] = field(default_factory=lambda: np.zeros(0))
    energy: Mapping[str, Float[np.ndarray, "images moments"]] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        where, starts, times = "spike record", self.starts, self.times
        if not self.layers or min(self.layers) < 1 or (len(starts) - 1) % self.n_neurons:
            raise BadInput(
                "starts do not fit the layers", where=where, expected=f"a multiple of {self.layers}, and one"
            )
        if starts[0] != 0 or starts[-1] != len(times) or (np.diff(starts) < 0).any():
            raise BadInput("starts do not divide the spikes", where=where, expected=f"from 0 up to {len(times)}")
        if not np.isfinite(times).all() or (times < 0).any() or (times > self.duration).any():
            raise BadInput("a spike outside of the time shown", where=where, expected=f"0 to {self.duration:g} s")
        inside = np.ones(max(len(times) - 1, 0), bool)
        inside[starts[1:-1][(starts[1:-1] > 0) & (starts[1:-1] < len(times))] - 1] = False
        if (np.diff(times)[inside] < 0).any():
            raise BadInput("spikes of a neuron out of order", where=where)
        for name, found in self.energy.items():
            if found.shape != (self.n_images, len(self.clock)):
                raise BadInput("not at the moments of the clock", where=f"{where}: energy of {name[:40]}",
                               expected=f"{(self.n_images, len(self.clock))}", got=f"{found.shape}")  # fmt: skip

    @classmethod
    def of_events(
        cls,
        layers: tuple[int, ...],
        n_images: int,
        duration: float,
        image: Int[np.ndarray, " spikes"],
        neuron: Int[np.ndarray, " spikes"],
        time: Float[np.ndarray, " spikes"],
        clock: Float[np.ndarray, " moments"] | None = None,
        energy: Mapping[str, Float[np.ndarray, "images moments"]] | None = None,
        source: str = "",
    ) -> SpikeRecord:
        """The record of spikes in any order: for each the image, the neuron (numbered through the layers) and the time.

        Raises:
            BadInput: an image or neuron that is not there, and what the constructor refuses.
        """
        total = sum(layers)
        for name, index, end in (("image", image, n_images), ("neuron", neuron, total)):
            if len(index) and not (0 <= index.min() and index.max() < end):
                raise BadInput(f"no such {name}", where="spike record", expected=f"0 to {end - 1}")
        row = np.asarray(image, np.int64) * total + neuron
        order = np.lexsort((time, row))
        starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n_images * total))])
        return cls(
            layers, duration, np.asarray(time, float)[order], starts, np.zeros(0) if clock is None else clock,
            energy or {}, source,
        )  # fmt: skip

    @classmethod
    def joined(cls, records: Sequence[SpikeRecord]) -> SpikeRecord:
        """The images of several records, one after the other; layers, duration and clock are the first one's.

        Raises:
            BadInput: records of other networks, durations or clocks.
        """
        first, starts = records[0], [np.zeros(1, np.int64)]
        for one in records:
            if (one.layers, one.duration) != (first.layers, first.duration) or len(one.clock) != len(first.clock):
                expected = f"{first.layers}, {first.duration:g} s, {len(first.clock)} moments"
                raise BadInput("records that do not belong together", where="spike record", expected=expected)
            starts.append(one.starts[1:] + starts[-1][-1])
        return cls(
            first.layers, first.duration, np.concatenate([one.times for one in records]), np.concatenate(starts),
            first.clock, {name: np.concatenate([one.energy[name] for one in records]) for name in first.energy},
            first.source,
        )  # fmt: skip

    @property
    def n_neurons(self) -> int:
        """Of all layers."""
        return sum(self.layers)

    @property
    def n_images(self) -> int:
        """Shown."""
        return (len(self.starts) - 1) // self.n_neurons

    def of(self, image: int, neuron: int) -> Float[np.ndarray, " _"]:
        """Spike times of one neuron, s."""
        row = image * self.n_neurons + neuron
        return self.times[self.starts[row] : self.starts[row + 1]]

    def raster(self, image: int) -> tuple[Float[np.ndarray, " spikes"], Int[np.ndarray, " spikes"]]:
        """Times of all spikes of one image, in order, and whose they are."""
        low = image * self.n_neurons
        bounds = self.starts[low : low + self.n_neurons + 1]
        times = self.times[bounds[0] : bounds[-1]]
        whose = np.repeat(np.arange(self.n_neurons), np.diff(bounds))
        order = np.argsort(times, kind="stable")
        return times[order], whose[order]

    def counts(self, begin: float = 0.0, end: float | None = None) -> Int[np.ndarray, "images neurons"]:
        """Spikes from `begin` to `end`, both included; to the end of the time shown if left out."""
        within = (self.times >= begin) & (self.times <= (self.duration if end is None else end))
        before = np.concatenate([[0], np.cumsum(within)])
        return np.diff(before[self.starts]).reshape(self.n_images, self.n_neurons)

    def rates(self, begin: float = 0.0) -> Float[np.ndarray, "images neurons"]:
        """Spikes a second from `begin` on, Hz: uncertain by one spike over that time.

        Raises:
            BadInput: `begin` leaves no time.
        """
        if not 0 <= begin < self.duration:
            raise BadInput("no time to count in", where="rates", expected=f"0 to below {self.duration:g} s",
                           got=f"{begin:g}")  # fmt: skip
        return self.counts(begin) / (self.duration - begin)

    def answers(
        self, moments: Float[np.ndarray, " moments"], readout: str = "count", begin: float = 0.0
    ) -> Int[np.ndarray, "images moments"]:
        """The output that leads at each moment; `UNDECIDED` where several do.

        Args:
            moments: since the image was shown, s.
            readout: one of `READOUTS`.
            begin: spikes before it do not count, s.

        Raises:
            BadInput: no such readout.
        """
        found = np.full((self.n_images, len(moments)), UNDECIDED)
        for image in range(self.n_images):
            times, leaders = self._leaders(image, readout, begin)
            place = np.searchsorted(times, moments, side="right")
            found[image] = np.concatenate([[UNDECIDED], leaders])[place]
        return found

    def decide(self, readout: str = "count", begin: float = 0.0) -> Decisions:
        """The answer of each image and when it was there.

        Raises:
            BadInput: no such readout.
        """
        rows = [self._decision(*self._leaders(image, readout, begin)) for image in range(self.n_images)]
        answer, first, stable = zip(*rows, strict=True)
        return Decisions(np.array(answer), np.array(first), np.array(stable))

    def energy_at(self, moments: Float[np.ndarray, " images"]) -> Float[np.ndarray, " images"]:
        """All energy up to a moment of each image's own, J; NaN where the moment is NaN or no energy is known."""
        if not self.energy or not len(self.clock):
            return np.full(self.n_images, np.nan)
        total = np.sum(list(self.energy.values()), axis=0)
        clock, total = np.concatenate([[0.0], self.clock]), np.pad(total, ((0, 0), (1, 0)))
        return np.array([np.interp(t, clock, e) if np.isfinite(t) else np.nan
                         for t, e in zip(moments, total, strict=True)])  # fmt: skip

    def _leaders(self, image: int, readout: str, begin: float) -> tuple[np.ndarray, np.ndarray]:
        """Times of the outputs' spikes of one image, and who leads after each."""
        if readout not in READOUTS:
            raise BadInput(f"no readout named {readout[:40]!r}", where="readout", advice=nearest(readout, READOUTS))
        outputs = self.layers[-1]
        trains = [self.of(image, self.n_neurons - outputs + n) for n in range(outputs)]
        trains = [train[train >= begin] for train in trains]
        values = np.concatenate([_values(train, readout) for train in trains])
        times = np.concatenate(trains)
        whose = np.repeat(np.arange(outputs), [len(train) for train in trains])
        order = np.argsort(times, kind="stable")
        times, whose, values = times[order], whose[order], values[order]
        # what each output reads after each spike: its own latest value
        latest = np.zeros((len(times), outputs), int)
        latest[np.arange(len(times)), whose] = np.arange(1, len(times) + 1)
        latest = np.maximum.accumulate(latest, axis=0)
        read = np.concatenate([[0.0], values])[latest]
        best = read.max(axis=1, initial=0.0)
        led = ((read == best[:, None]).sum(axis=1) == 1) & (best > 0)
        leaders = np.where(led, read.argmax(axis=1), UNDECIDED)
        # of spikes at one moment only the last tells who leads
        last = np.append(np.diff(times) > 0, True)[: len(times)]
        return times[last], leaders[last]

    @staticmethod
    def _decision(times: np.ndarray, leaders: np.ndarray) -> tuple[int, float, float]:
        led = np.flatnonzero(leaders != UNDECIDED)
        if not len(led):
            return UNDECIDED, np.nan, np.nan
        answer, first = int(leaders[-1]), float(times[led[0]])
        if answer == UNDECIDED:
            return answer, first, np.nan
        other = np.flatnonzero(leaders != answer)
        return answer, first, float(times[other[-1] + 1 if len(other) else 0])


def _values(train: Float[np.ndarray, " spikes"], readout: str) -> Float[np.ndarray, " spikes"]:
    """What an output reads after each of its spikes."""
    n = np.arange(1, len(train) + 1)
    if readout == "count" or not len(train):
        return n.astype(float)
    return (n - 1) / np.maximum(train - train[0], np.finfo(float).tiny)
