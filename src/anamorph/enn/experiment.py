"""An experiment with a spiking network: one TOML file whose ``kind`` is ``"spiking"``.

anamorph run enn
anamorph run enn --set neuron=my-neuron.csv --set x_min=0.2
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from anamorph import toml_file
from anamorph.experiment_types import Name, Number, Quantity, Title
from anamorph.refusals import translate

#: Built-in ones.
NAMES = ("enn", "enn_inhibitory")
_SHARE, _SPREAD = Quantity("", 0.0, 1.0), Quantity("", 0.0, 0.5)


class SpikingExperiment(BaseModel):
    """Everything that a run depends on; see ``enn.toml`` for what each key means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["spiking"]
    name: Name
    title: Title = ""
    seed: StrictInt = Field(0, ge=0, le=2**32 - 1)
    neuron: StrictStr
    synapse: StrictStr
    technology: StrictStr = "cmos55"
    inhibitory: StrictBool = False
    x_min: Number = Field(0.0, ge=0, le=0.9)
    through: Literal["curve", "logistic"] = "curve"
    epochs: StrictInt = Field(60, ge=1, le=100_000)
    learning_rate: Number = Field(0.02, gt=0, le=10)
    batch_size: StrictInt = Field(100, ge=1, le=60_000)
    focus: Number = Field(0.0, ge=0, le=1)
    starts: StrictInt = Field(1, ge=1, le=100)
    over_range: Number = Field(1.0, ge=0, le=1e6)
    stop_at: Number = Field(1.0, gt=0, le=1)
    weight_spread: Annotated[float, BeforeValidator(_SPREAD), _SPREAD] = 0.01
    dies: StrictInt = Field(1000, ge=1, le=1_000_000)
    mismatch_dies: StrictInt = Field(200, ge=1, le=1_000_000)
    neuron_samples: StrictInt = Field(100, ge=0, le=100_000)
    mirror_scale: Number = Field(1.0, ge=1, le=1000)
    neuron_scale: Number = Field(1.0, ge=1, le=1000)
    tuned_dies: StrictInt = Field(4, ge=0, le=10_000)
    tune_epochs: StrictInt = Field(15, ge=1, le=1000)
    accuracy_min: Annotated[float, BeforeValidator(_SHARE), _SHARE] = 0.85
    train: StrictInt | None = Field(None, ge=1, le=60_000)
    test: StrictInt | None = Field(None, ge=1, le=10_000)
    validation: StrictInt = Field(0, ge=0, le=30_000)

    def text(self) -> str:
        """The whole experiment as TOML, defaults included; it reads back as an equal one."""
        found = {}
        for key, field in type(self).model_fields.items():
            value = getattr(self, key)
            quantity = next((m for m in field.metadata if isinstance(m, Quantity)), None)
            if value is not None:
                found[key] = value if quantity is None else quantity.text(value)
        return toml_file.write(found)


def is_spiking(name_or_path: str) -> bool:
    """Whether an experiment's name, file or run folder is of this kind; what cannot be read is not."""
    if name_or_path in NAMES:
        return True
    path = Path(name_or_path)
    path = path / "experiment.toml" if path.is_dir() else path
    try:
        return path.suffix == ".toml" and tomllib.loads(path.read_text("utf-8")).get("kind") == "spiking"
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False


def load(name_or_path: str, replace: Mapping[str, str] | None = None) -> SpikingExperiment:
    """A built-in experiment by name, or a user's by path, with values replaced.

    Raises:
        BadInput: no such experiment; unknown, missing or illegal keys and values.
    """
    where = name_or_path
    if where in NAMES:
        content = (resources.files("anamorph.enn") / f"{where}.toml").read_bytes()
    else:
        content = toml_file.read(Path(where), "experiment")
    tables = toml_file.parse(content, where)
    for key, text in (replace or {}).items():
        tables[key] = toml_file.value(text)
    try:
        return SpikingExperiment.model_validate(tables)
    except ValidationError as errors:
        raise translate(errors.errors(), where, SpikingExperiment) from None
