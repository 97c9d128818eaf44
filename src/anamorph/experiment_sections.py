"""What an experiment holds: every key with its unit and legal range, declared once; pydantic checks them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr
from pydantic.functional_validators import BeforeValidator

from anamorph import toml_file
from anamorph.experiment_types import (
    Confidence,
    Current,
    Duration,
    Fraction,
    Name,
    Neurons,
    Noise,
    Number,
    Quantity,
    Title,
    Window,
    printable,
)
from anamorph.network.settings import TrainingSettings

if TYPE_CHECKING:
    from anamorph.network.wiring import Wiring

_DEFAULT = TrainingSettings()


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChipSection(_Section):
    """What is fabricated: neurons per layer, magnitude bits of a weight, number of dies, and which synapses.

    ``synapses = "wired"`` makes those alone that the network's wiring has, in place of one for every pair.
    `mismatch` makes every transistor deviate so many times as much as the card says: a worse process.
    """

    layers: tuple[Neurons, ...] = Field(min_length=2, max_length=16)
    bits: StrictInt = Field(3, ge=1, le=7)
    dies: StrictInt = Field(100, ge=1, le=100_000)
    synapses: StrictStr | None = None
    mismatch: Number | None = Field(None, gt=0, le=10)


class WiringSection(_Section):
    """How a layer feeds the next; see `anamorph.network.wiring_plan.WiringPlan`."""

    kind: StrictStr
    kernel: Window | None = None
    stride: Window | None = None
    channels: Neurons | None = None
    shared: StrictBool = True
    positive: StrictBool = False


class NetworkSection(_Section):
    """What is trained: neurons per layer; at most the chip's.

    With a list `wiring`, one entry per weight matrix, layers may be images (`image`: channels, height and width of
    the first one; a square without it).
    """

    layers: tuple[Neurons, ...] = Field(min_length=2, max_length=16)
    image: tuple[Neurons, Neurons, Neurons] | None = None
    wiring: tuple[WiringSection, ...] | None = Field(None, min_length=1, max_length=15)

    def wirings(self, where: str = "network.wiring") -> tuple[Wiring, ...]:
        """How each layer feeds the next. Raises `BadInput` where sizes do not chain."""
        from anamorph.network.wiring_plan import WiringPlan, wirings

        plans = None if self.wiring is None else [WiringPlan(**entry.model_dump()) for entry in self.wiring]
        return wirings(self.layers, plans, self.image, where)


class DataSection(_Section):
    """The task, how many of its samples train and test, the input current of a full-scale feature, and its options.

    Without `train` and `test` all samples are used. Which data set has which option: `anamorph data list`.
    """

    name: Name
    train: StrictInt | None = Field(None, ge=1, le=1_000_000)
    test: StrictInt | None = Field(None, ge=1, le=1_000_000)
    input_max: Current = 325e-9
    pixels: StrictStr | None = None
    mean: Number | None = Field(None, gt=0, le=1)
    copies: StrictInt | None = Field(None, ge=0, le=50)
    padding: StrictStr | None = None
    inverted: StrictBool | None = None
    stretch: tuple[Number, ...] | None = Field(None, min_length=1, max_length=32)

    @property
    def options(self) -> dict[str, Any]:
        """What is said about the preparation of the data."""
        common = {"name", "train", "test", "input_max"}
        return {k: v for k in type(self).model_fields if k not in common and (v := getattr(self, k)) is not None}


class BenchSection(_Section):
    """How a chip is measured; see `anamorph.characterise.bench.Bench`."""

    currents: tuple[Current, ...] = Field(min_length=1, max_length=1000)
    repeats: StrictInt = Field(5, ge=1, le=1000)
    read_noise: Noise = 0.005
    protocol: StrictStr = "source_monitor"
    setting: StrictInt | None = Field(None, ge=1, le=127)


class TrainingSection(_Section):
    """Hyper-parameters; see `anamorph.network.settings.TrainingSettings`."""

    epochs: StrictInt = Field(_DEFAULT.epochs, ge=1, le=1_000_000)
    learning_rate: Number = Field(_DEFAULT.learning_rate, gt=0, le=10)
    l1_negative: Number = Field(_DEFAULT.l1_negative, ge=0, le=10)
    target: Number = Field(_DEFAULT.target, gt=0, le=1000)
    init: Number = Field(_DEFAULT.init, gt=0, le=100)
    init_bias: Number = Field(_DEFAULT.init_bias, ge=0, le=1)
    restarts: StrictInt = Field(_DEFAULT.restarts, ge=1, le=1000)
    batch_size: StrictInt | None = Field(None, ge=1, le=1_000_000)
    mismatch: Number = Field(_DEFAULT.mismatch, ge=0, le=10)
    warmup: Number = Field(_DEFAULT.warmup, ge=0, le=0.9)


class FineTuningSection(_Section):
    """How a chip's own network is trained on from the common one; on so many of the training samples, or on all.

    ``through = "transistors"`` computes every layer by the transistors of its cells, with what was measured of the
    chip; "characteristics", the default, by what was fitted to it.
    """

    epochs: StrictInt = Field(1, ge=1, le=1_000_000)
    learning_rate: Number = Field(1e-3, gt=0, le=10)
    samples: StrictInt | None = Field(None, ge=1, le=10_000_000)
    through: StrictStr | None = None


class VerifySection(_Section):
    """From which accuracy on a die is good, and the confidence of the intervals."""

    accuracy_min: Fraction = 0.9
    confidence: Confidence = 0.95


class TransientSection(_Section):
    """How long each of how many patterns is presented when energy and latency are simulated; with 0 they are not."""

    patterns: StrictInt = Field(6, ge=0, le=10_000)
    presentation: Duration = 15e-6


class Experiment(_Section):
    """Everything that a run depends on."""

    name: Name
    title: Title = ""
    seed: StrictInt = Field(0, ge=0, le=2**32 - 1)
    substrate: StrictStr
    technology: Annotated[StrictStr, BeforeValidator(printable)] = "cmos180"
    chip: ChipSection
    network: NetworkSection
    data: DataSection
    bench: BenchSection
    training: TrainingSection = Field(default_factory=lambda: TrainingSection.model_validate({}))
    fine_tuning: FineTuningSection | None = None
    verify: VerifySection = Field(default_factory=lambda: VerifySection.model_validate({}))
    transient: TransientSection = Field(default_factory=lambda: TransientSection.model_validate({}))

    def text(self) -> str:
        """The whole experiment as TOML, defaults included, with units; it reads back as an equal one."""
        return toml_file.write(_tables(self))

    @property
    def digest(self) -> str:
        """SHA-256 of `text`."""
        return hashlib.sha256(self.text().encode()).hexdigest()


def _tables(section: BaseModel) -> dict[str, Any]:
    found = ((key, getattr(section, key), field) for key, field in type(section).model_fields.items())
    return {key: _plain(value, field) for key, value, field in found if value is not None}


def _plain(value: Any, field: Any) -> Any:
    if isinstance(value, BaseModel):
        return _tables(value)
    if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        return [_tables(item) for item in value]
    if isinstance(value, tuple):  # a quantity if its items are
        of_items = [m for item in get_args(field.annotation) for m in getattr(item, "__metadata__", ())]
        quantity = next((m for m in of_items if isinstance(m, Quantity)), None)
        return [v if quantity is None else quantity.text(v) for v in value]
    quantity = next((m for m in field.metadata if isinstance(m, Quantity)), None)
    return value if quantity is None else quantity.text(value)
