"""An experiment with a mixed-signal neuron: one TOML file whose ``kind`` is ``"mixed_signal"``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from anamorph import toml_file
from anamorph.experiment_types import Name, Number, Quantity, Title
from anamorph.refusals import translate

#: Built-in ones.
NAMES = ("ms_neuron",)
_POWER = Quantity("V^2", 0.0, 1.0)
Power = Annotated[float, BeforeValidator(_POWER), _POWER]
Bits = Annotated[StrictInt, Field(ge=1, le=16)]


class MixedSignalExperiment(BaseModel):
    """Everything that a run depends on; see ``ms_neuron.toml`` for what each key means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["mixed_signal"]
    name: Name
    title: Title = ""
    seed: StrictInt = Field(0, ge=0, le=2**32 - 1)
    technology: StrictStr = "cmos65"
    n_bits: tuple[Bits, ...] = Field((3, 8, 16), min_length=1, max_length=8)
    networks: tuple[Literal["mnist_fcn", "mnist_cnn", "cifar_cnn"], ...] = Field(("mnist_cnn",), max_length=3)
    epochs: StrictInt = Field(6, ge=1, le=1000)
    cifar_epochs: StrictInt = Field(30, ge=1, le=1000)
    noise_epochs: StrictInt = Field(3, ge=0, le=1000)
    learning_rate: Number = Field(0.01, gt=0, le=1)
    batch_size: StrictInt = Field(100, ge=1, le=10_000)
    train: StrictInt | None = Field(None, ge=1, le=60_000)
    test: StrictInt | None = Field(None, ge=1, le=10_000)
    noise_powers: tuple[Power, ...] = Field(min_length=1, max_length=100)
    training_noise: Power = 3e-4
    draws: StrictInt = Field(10, ge=1, le=10_000)

    def trained_from(self) -> dict[str, object]:
        """What the trained weights depend on, and what is then asked of them not."""
        judged = {"name", "title", "networks", "n_bits", "test", "noise_powers", "draws"}
        found = {key: getattr(self, key) for key in type(self).model_fields if key not in judged}
        return {**found, "most_bits": max(self.n_bits)}

    def text(self) -> str:
        """The whole experiment as TOML, defaults included; it reads back as an equal one."""
        found = {}
        for key in type(self).model_fields:
            value = getattr(self, key)
            if key == "noise_powers":
                value = [_POWER.text(power) for power in value]
            elif key == "training_noise":
                value = _POWER.text(value)
            if value is not None:
                found[key] = list(value) if isinstance(value, tuple) else value
        return toml_file.write(found)


def is_mixed_signal(name_or_path: str) -> bool:
    """Whether an experiment's name, file or run folder is of this kind; what cannot be read is not."""
    if name_or_path in NAMES:
        return True
    path = Path(name_or_path)
    path = path / "experiment.toml" if path.is_dir() else path
    try:
        return path.suffix == ".toml" and tomllib.loads(path.read_text("utf-8")).get("kind") == "mixed_signal"
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False


def load(name_or_path: str, replace: Mapping[str, str] | None = None) -> MixedSignalExperiment:
    """A built-in experiment by name, or a user's by path, with values replaced.

    Raises:
        BadInput: no such experiment; unknown, missing or illegal keys and values.
    """
    if name_or_path in NAMES:
        content = (resources.files("anamorph.mixed_signal") / f"{name_or_path}.toml").read_bytes()
    else:
        content = toml_file.read(Path(name_or_path), "experiment")
    tables = toml_file.parse(content, name_or_path)
    tables.update({key: toml_file.value(text) for key, text in (replace or {}).items()})
    try:
        return MixedSignalExperiment.model_validate(tables)
    except ValidationError as errors:
        raise translate(errors.errors(), name_or_path, MixedSignalExperiment) from None
