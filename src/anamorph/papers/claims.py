"""The claims of a paper: what it says, where, how near we must come, and which measurement answers it.

``claims.toml`` begins with ``title``, ``authors``, ``year`` and ``identifier`` and holds one ``[[claim]]`` per figure,
and the paper's tables (`tables.py`).
Keys are declared once, in `_ClaimTable`; a value is text with its unit, and becomes an SI float here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError

from anamorph import papers, toml_file, units
from anamorph.errors import BadInput, nearest
from anamorph.papers.tables import PaperTable
from anamorph.papers.tables import parse as parse_table
from anamorph.refusals import translate

#: How the paper came to its figure: "derived" is arithmetic of ours on its figures, "stated" a choice of its authors.
Basis = Literal["measured", "simulated", "derived", "stated"]
#: An inequality in the paper: "under 0.1 pJ", "over 99 %".
Bound = Literal["at most", "at least"]
#: Which way a figure may leave the tolerance without loss.
Better = Literal["higher", "lower"]
#: What an id may be: it names a key in files.
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
#: Longer text belongs in the documentation.
MAX_TEXT = 600

_Text = Annotated[StrictStr, Field(min_length=1, max_length=MAX_TEXT)]
_Figure = StrictStr | StrictInt | StrictFloat


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _PaperTable(_Table):
    title: _Text
    authors: _Text
    year: StrictInt = Field(ge=1900, le=2100)
    identifier: _Text
    claim: list[dict[str, Any]] = Field(min_length=1)
    table: list[dict[str, Any]] = Field(default_factory=list)


class _ClaimTable(_Table):
    id: _Text
    source: _Text
    quantity: _Text
    value: _Figure
    unit: StrictStr = ""
    spread: _Figure | None = None
    tolerance: _Figure | None = None
    tolerance_reason: _Text | None = None
    better: Better | None = None
    bound: Bound | None = None
    basis: Basis
    measure: _Text | None = None
    comparable: StrictBool = True
    why: _Text | None = None
    note: StrictStr = Field("", max_length=MAX_TEXT)


@dataclass(frozen=True)
class Claim:
    """One quantitative claim.

    Attributes:
        id: its name in files.
        source: figure, table or section.
        quantity: what is claimed, in words.
        text: the value as the paper has it.
        value: SI; a share of 1 where the unit is ``%``.
        unit: of the paper, in which ledgers show it.
        scale: SI value of one `unit`.
        spread: standard deviation in the paper, SI, or None.
        tolerance: how far off still agrees, SI, and `tolerance_reason`, why. Zero where not comparable.
        better: in which direction leaving the tolerance is no loss; None where neither is.
        bound: the claim is an inequality.
        basis: how the paper came to it.
        measure: name of the measurement that answers it.
        comparable: False where ours is another quantity; `why` says so.
        note: what a reader must know, such as an assumption where the paper is silent.
    """

    id: str
    source: str
    quantity: str
    text: str
    value: float
    unit: str
    scale: float
    spread: float | None
    tolerance: float
    tolerance_reason: str
    better: Better | None
    bound: Bound | None
    basis: Basis
    measure: str | None
    comparable: bool
    why: str
    note: str


@dataclass(frozen=True)
class Paper:
    """A paper with its claims, in the file's order, and those of its tables that are shown as tables."""

    name: str
    title: str
    authors: str
    year: int
    identifier: str
    claims: tuple[Claim, ...]
    tables: tuple[PaperTable, ...] = ()

    @property
    def measurements(self) -> tuple[str, ...]:
        """Names of the measurements that the claims ask for, in order of first appearance."""
        return tuple(dict.fromkeys(claim.measure for claim in self.claims if claim.measure))


def load(name: str) -> Paper:
    """The ledger that comes with the package.

    Raises:
        BadInput: no such paper, or a file that `from_tables` refuses.
    """
    papers.check(name)
    where = f"{name}/claims.toml"
    content = (resources.files("anamorph.papers") / name / "claims.toml").read_bytes()
    return from_tables(toml_file.parse(content, where), name, where)


def from_tables(tables: Mapping[str, Any], name: str, where: str) -> Paper:
    """Check parsed TOML tables; `where` is the file for the messages.

    Raises:
        BadInput: unknown or missing keys, a value without its unit, a claim without its tolerance or reason, one
            that is not comparable without saying why, an id given twice, a table that names no claim.
    """
    try:
        head = _PaperTable.model_validate(tables)
    except ValidationError as errors:
        raise translate(errors.errors(), where, _PaperTable) from None
    claims = tuple(_claim(table, index, where) for index, table in enumerate(head.claim))
    seen: set[str] = set()
    for claim in claims:
        if claim.id in seen:
            raise BadInput("a claim's id is given twice", where=where, got=claim.id)
        seen.add(claim.id)
    shown = tuple(parse_table(table, seen, f"{where}: table {i + 1}") for i, table in enumerate(head.table))
    return Paper(name, head.title, head.authors, head.year, head.identifier, claims, shown)


def _claim(table: Mapping[str, Any], index: int, where: str) -> Claim:
    named = table.get("id")
    at = f"{where}: claim {named if isinstance(named, str) else index + 1}"
    try:
        t = _ClaimTable.model_validate(table)
    except ValidationError as errors:
        raise _refused(errors, at) from None
    if not IDENTIFIER.fullmatch(t.id):
        raise BadInput("not a usable id", where=at, expected="small letters, digits and '_'", got=repr(t.id[:63]))
    _check_sense(t, at)
    scale = units.factor(t.unit, where=f"{at}.unit")

    def si(key: str) -> float | None:
        text = getattr(t, key)
        if text is None:
            return None
        written = units.parse(text, t.unit.replace("%", "percent"), where=f"{at}.{key}")
        return float(f"{written * scale:.15g}")

    value, spread, tolerance = si("value"), si("spread"), si("tolerance")
    assert value is not None  # a required key
    for key, size in (("spread", spread), ("tolerance", tolerance)):
        if size is not None and size < 0:
            raise BadInput("out of range", where=f"{at}.{key}", expected="zero or more", got=str(getattr(t, key)))
    return Claim(
        t.id, t.source, t.quantity, _written(t), value, t.unit, scale, spread, tolerance or 0.0,
        t.tolerance_reason or "", t.better, t.bound, t.basis, t.measure, t.comparable, t.why or "", t.note,
    )  # fmt: skip


def _refused(errors: ValidationError, at: str) -> BadInput:
    for error in errors.errors():
        key, choices = error["loc"][0], {"basis": Basis, "bound": Bound, "better": Better}
        if error["type"] == "literal_error" and key in choices:
            known = get_args(choices[str(key)])
            return BadInput(
                "not a legal value", where=f"{at}.{key}", got=repr(error["input"])[:80],
                advice=nearest(str(error["input"]), known),
            )  # fmt: skip
    return translate(errors.errors(), at, _ClaimTable)


def _check_sense(t: _ClaimTable, at: str) -> None:
    """What the keys must be together."""
    if not t.comparable:
        if not t.why:
            raise BadInput("not comparable, and no reason", where=at, expected="a value for 'why'")
        return
    needed = (
        ["measure"] + ([] if t.bound else ["tolerance"]) + (["tolerance_reason"] if t.tolerance is not None else [])
    )
    for key in needed:
        if getattr(t, key) is None:
            raise BadInput("missing", where=at, expected=f"a value for '{key}'")
    if t.bound and t.better:
        raise BadInput("a bound has its direction already", where=f"{at}.better", advice="Leave 'better' out.")


def _written(t: _ClaimTable) -> str:
    """The value as the paper writes it: ``97.6 ± 0.1 %``, ``at most 0.1 pJ/Op``, ``25,000``."""
    text = f"{t.value:,}" if isinstance(t.value, int) else str(t.value)
    if t.spread is not None:
        number, spread = text.removesuffix(t.unit).strip(), str(t.spread).removesuffix(t.unit).strip()
        text = f"{number} ± {spread} {t.unit}".strip()
    return f"{t.bound} {text}" if t.bound else text
