"""An experiment: one TOML file with units in its values that says everything a run depends on.

    experiment = load("iris")                       # a built-in one, or a path to a .toml file
    experiment = load("iris", {"chip.dies": "20"})  # with a value replaced

Keys are declared once, below, with unit and legal range; pydantic checks them. Whatever is wrong becomes a
`BadInput` that names the file and the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError
from pydantic.functional_validators import BeforeValidator

from anamorph import toml_file
from anamorph.errors import BadInput, nearest
from anamorph.experiment_types import (
    MAX_TITLE,
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
from anamorph.refusals import translate

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


def builtin_names() -> list[str]:
    """Names of the experiments that come with the package."""
    folder = resources.files("anamorph.experiments")
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))


def load(name_or_path: str | Path, replace: Mapping[str, str] | None = None) -> Experiment:
    """A built-in experiment by name, or a user's by path (``.toml``), with values replaced.

    Args:
        name_or_path: ``"iris"`` or ``"my/experiment.toml"``.
        replace: new values by dotted key, as TOML or as plain text: ``{"chip.dies": "20"}``.

    Raises:
        BadInput: no such experiment; unknown, missing or illegal keys and values; sizes that do not chain.
    """
    where = str(name_or_path)
    if where.endswith(".toml"):
        path = Path(name_or_path)
        tables = toml_file.parse(toml_file.read(path, "experiment"), where)
        card = tables.get("technology")
        if isinstance(card, str) and card.endswith(".toml") and "\0" not in card:
            tables["technology"] = str((path.parent / card).resolve())  # a card beside the experiment
    elif where in builtin_names():
        tables = toml_file.parse((resources.files("anamorph.experiments") / f"{where}.toml").read_bytes(), where)
    else:
        advice = f"{nearest(where, builtin_names())} A file's name ends in .toml."
        raise BadInput(f"no experiment named {where[:MAX_TITLE]!r}", advice=advice)
    for key, text in (replace or {}).items():
        _replace(tables, key, text)
    return from_tables(tables, where)


def parse_replacements(texts: Sequence[str]) -> dict[str, str]:
    """``["chip.dies=20"]`` as `load` takes them. Raises `BadInput` where there is no ``=``."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise BadInput("not a replacement", where=f"--set {text}", expected="key=value, as in chip.dies=20")
        found[key.strip()] = value.strip()
    return found


def _replace(tables: dict[str, Any], key: str, text: str) -> None:
    *path, last = key.split(".")
    if not last or not all(path) or len(path) > 1:
        raise BadInput("not a key", where=f"--set {key}", expected="key=value or section.key=value")
    for part in path:
        tables = tables.setdefault(part, {})
        if not isinstance(tables, dict):
            raise BadInput(f"'{part}' has no keys of its own", where=f"--set {key}")
    try:
        tables[last] = toml_file.parse(f"value = {text}".encode(), "")["value"] if "\n" not in text else text
    except BadInput:
        tables[last] = text  # a bare word: names and quantities need no quotes on a command line


def from_tables(tables: Mapping[str, Any], where: str) -> Experiment:
    """Check parsed TOML tables. Raises as `load`; `where` is the file for the messages."""
    from anamorph.stages.fits import check_fits

    try:
        experiment = Experiment.model_validate(tables)
    except ValidationError as errors:
        raise translate(errors.errors(), where, Experiment) from None
    check_fits(experiment, where)
    return experiment
