"""Text with a unit to an SI float, and back. Used at the edges only: cards, experiments, CLI, reports.

Inside the package every physical number is a plain float in SI units.
"""

from __future__ import annotations

import functools
import math
import re

import pint

from anamorph.errors import BadInput

#: SI prefixes used when a number is shown, largest first.
_PREFIXES = [
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "u"),
    (1e-9, "n"),
    (1e-12, "p"),
    (1e-15, "f"),
    (1e-18, "a"),
]


#: Longer text is not a quantity.
MAX_TEXT = 64
# pint evaluates arithmetic, and "9**9**9**9 V" would never end: let one number and plain powers of units through
_FACTOR = r"(?:[A-Za-zµμΩ°%]+(?:(?:\^|\*\*)-?[0-9]{1,2}|[²³])?|1)"
_QUANTITY = re.compile(
    r"\s*(?P<number>[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]{1,3})?|\.[0-9]+(?:[eE][+-]?[0-9]{1,3})?|nan|inf))"
    rf"\s*(?P<unit>(?:{_FACTOR}(?:\s*[*/]\s*{_FACTOR})*)?)\s*"
)


@functools.cache
def _registry() -> pint.UnitRegistry:
    registry = pint.UnitRegistry(cache_folder=None, autoconvert_offset_to_baseunit=True)
    registry.define("square = []")
    registry.define("operation = [] = Op")  # one multiply-accumulate: "7.97 TOp/J" is a pure count per joule
    return registry


def parse(text: object, unit: str, *, where: str) -> float:
    """The SI value of `text`, which must carry a unit of the same dimension as `unit`.

    Args:
        text: whatever a file held, for example ``"325 nA"`` or ``"27 degC"``. A bare number is accepted
            only where `unit` is ``""`` (dimensionless), so that no one has to guess what 325 means.
        unit: the expected SI unit, for example ``"A"``; ``""`` for a pure number (``"5 %"`` is one).
        where: file and key, for the message.

    Raises:
        BadInput: not a number with a unit, the wrong dimension, or not finite.
    """
    expected = f"a quantity in {unit}" if unit else "a pure number"
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise BadInput("not a quantity", where=where, expected=expected, got=repr(text))
    if isinstance(text, (int, float)):
        if unit:
            raise BadInput(
                "a number without its unit",
                where=where,
                expected=expected,
                got=repr(text),
                advice=f'Write it as text, for example "{text} {unit}".',
            )
        value = float(text) if abs(text) < 1e308 else math.inf  # a file's integer may be of any length
    else:
        value = _parse_text(text, unit, where, expected)
    if not math.isfinite(value):
        raise BadInput("not a finite number", where=where, expected=expected, got=repr(text))
    return value


def _parse_text(text: str, unit: str, where: str, expected: str) -> float:
    match = _QUANTITY.fullmatch(text) if len(text) <= MAX_TEXT else None
    if match is None:
        shown = text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 3]}..."
        raise BadInput("not a quantity", where=where, expected=expected, got=repr(shown))
    number, written = float(match["number"]), match["unit"].replace("%", "percent")
    registry = _registry()
    try:
        return float(registry.Quantity(number, written or "dimensionless").to(unit or "dimensionless").m)
    except pint.DimensionalityError:
        raise BadInput("wrong unit", where=where, expected=expected, got=repr(text)) from None
    except (pint.errors.PintError, AttributeError, ValueError, TypeError) as error:
        raise BadInput("unknown unit", where=where, expected=expected, got=f"{text!r} ({error})") from None


def factor(unit: str, *, where: str) -> float:
    """SI value of one `unit`: 1e-6 for ``"us"``, 0.01 for ``"%"``, 1e12 for ``"TOp/J"``, 1 for ``""``.

    Raises:
        BadInput: no such unit.
    """
    if not unit:
        return 1.0
    if not isinstance(unit, str) or len(unit) > MAX_TEXT or not _QUANTITY.fullmatch(f"1 {unit}"):
        raise BadInput("not a unit", where=where, got=repr(unit)[:MAX_TEXT])
    try:
        one = _registry().Quantity(1.0, unit.replace("%", "percent")).to_base_units().m
    except (pint.errors.PintError, AttributeError, ValueError, TypeError) as error:
        raise BadInput("unknown unit", where=where, got=f"{unit!r} ({error})") from None
    return float(f"{float(one):.15g}")  # without the rounding of the conversion


#: Whole numbers without a unit are written out below this.
COUNT = 1e9


def show(value: float, unit: str, digits: int = 3) -> str:
    """`value` with an engineering prefix: ``show(3.25e-7, "A")`` is ``"325 nA"``."""
    if not math.isfinite(value):
        return f"{value} {unit}".strip()
    if unit == "%":
        return f"{100 * value:.{digits}g} %"
    if not unit:
        whole = float(value).is_integer() and abs(value) < COUNT  # a count is not rounded
        return f"{value:,.0f}" if whole else f"{value:.{digits}g}"
    if value == 0:
        return f"0 {unit}"
    if unit in ("degC", "m^2", "m²"):
        return _show_area(value, digits) if unit != "degC" else f"{value:.{digits}g} °C"
    if unit.endswith(("^2", "²")):  # a prefix would be squared as well: 1e-6 V^2 is no uV^2
        return f"{value:.{digits}g} {unit}"
    scale, prefix = next(((s, p) for s, p in _PREFIXES if abs(value) >= s * 0.9995), _PREFIXES[-1])
    return f"{value / scale:.{digits}g} {prefix}{unit}"


def _show_area(value: float, digits: int) -> str:
    scaled, unit = (value * 1e12, "µm²") if value < 1e-7 else (value * 1e6, "mm²")
    return f"{float(f'{scaled:.{digits}g}'):,.10g} {unit}"  # rounded, and never in powers of ten
