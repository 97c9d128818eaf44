"""What the values of an experiment may be: quantities with units, names, titles, numbers."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, StrictInt, StrictStr
from pydantic.functional_validators import BeforeValidator
from pydantic_core import PydanticCustomError

from anamorph import units
from anamorph.errors import BadInput

#: A title longer than this is not one.
MAX_TITLE = 120
#: What a name may be: it becomes part of a folder's name.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


class Quantity:
    """Annotation of a figure: text with a unit becomes an SI float within a legal range."""

    def __init__(self, unit: str, low: float, high: float) -> None:
        self.unit, self.low, self.high = unit, low, high

    def __call__(self, text: Any) -> float:
        """Raises a pydantic error that carries the parts of an `AnamorphError`."""
        try:
            # 15 digits: 95 % is 0.95, without the rounding of the conversion
            value = float(f"{units.parse(text, self.unit, where=''):.15g}")
        except BadInput as error:
            raise _refusal(error.what, error.expected, error.got, error.advice) from None
        if not self.low <= value <= self.high:
            limits = " to ".join(units.show(limit, self.unit) for limit in (self.low, self.high))
            raise _refusal("out of range", limits, repr(text))
        return value

    def text(self, value: float) -> str:
        """The shortest text with a prefix that reads back as exactly `value`."""
        for digits in range(3, 18):
            shown = units.show(value, self.unit, digits)
            if self(shown) == value:
                return shown
        return f"{value!r} {self.unit}".strip()


def _refusal(what: str, expected: str | None = None, got: str | None = None, advice: str | None = None) -> Exception:
    context: dict[str, Any] = {"what": what, "expected": expected, "got": got, "advice": advice}
    return PydanticCustomError("refused", "{what}", context)


def printable(text: Any) -> Any:
    """Raises a pydantic error for a text that is long or has control characters."""
    if isinstance(text, str) and not (text.isprintable() and len(text) <= MAX_TITLE):
        expected = f"one line of at most {MAX_TITLE} printable characters"
        raise _refusal("not a title", expected, repr(text[:MAX_TITLE]))
    return text


def _plain_name(text: Any) -> Any:
    if isinstance(text, str) and not NAME.fullmatch(text):
        raise _refusal("not a usable name", "letters, digits, '_' and '-', 63 at most", repr(text[:MAX_TITLE]))
    return text


_CURRENT = Quantity("A", 1e-12, 1e-5)
_DURATION = Quantity("s", 1e-8, 1.0)
_NOISE = Quantity("", 0.0, 0.5)
_FRACTION = Quantity("", 0.0, 1.0)
_CONFIDENCE = Quantity("", 0.5, 0.9999)
Current = Annotated[float, BeforeValidator(_CURRENT), _CURRENT]
Duration = Annotated[float, BeforeValidator(_DURATION), _DURATION]
Noise = Annotated[float, BeforeValidator(_NOISE), _NOISE]
Fraction = Annotated[float, BeforeValidator(_FRACTION), _FRACTION]
Confidence = Annotated[float, BeforeValidator(_CONFIDENCE), _CONFIDENCE]
Name = Annotated[StrictStr, BeforeValidator(_plain_name)]
Title = Annotated[StrictStr, BeforeValidator(printable)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Neurons = Annotated[StrictInt, Field(ge=1, le=10_000)]
Window = tuple[Neurons, Neurons]
