"""What pydantic found wrong, said as this package says it: file, key path, what was expected, what came."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from anamorph.errors import BadInput, nearest

#: What pydantic's kinds of error expect.
EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "a table of keys",
    "too_short": "at least {min_length} items",
    "too_long": "at most {max_length} items",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}


def translate(errors: list[Any], where: str, model: type[BaseModel]) -> BadInput:
    """The first of a validation's errors.

    Args:
        errors: ``ValidationError.errors()``.
        where: the file.
        model: what was validated, for the names that a misspelt one is compared with.
    """
    # a misspelt key is both unknown and missing: say the first, which names the cure
    error = min(errors, key=lambda e: e["type"] != "extra_forbidden")
    path = [str(part) if isinstance(part, str) else f"[{part}]" for part in error["loc"]]
    key = ".".join(path).replace(".[", "[")
    at, kind, context = f"{where}: {key}", error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        known = _section(model, path[:-1]).model_fields
        return BadInput(f"unknown key {path[-1][:60]!r}", where=at, advice=nearest(path[-1], known))
    if kind == "missing":
        return BadInput("missing", where=at, expected=f"a value for {path[-1]!r}")
    if kind == "refused":
        return BadInput(where=at, **context)
    expected = EXPECTED[kind].format(**context) if kind in EXPECTED else str(error["msg"])
    return BadInput("not a legal value", where=at, expected=expected, got=repr(error["input"])[:80])


def _section(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    for part in path:
        inner = model.model_fields[part].annotation
        model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else model
    return model
