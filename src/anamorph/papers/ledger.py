"""Paper beside ours: a claim and what we measured become a row with a status.

agree           within the claim's tolerance; of an inequality: it holds
better, worse   outside it, in the good or in the bad direction; where neither is good, worse
missed          no figure of ours: not measured by this version, failed, or not converged
left out        a quick ledger has no figure, and the full one does
not comparable  the claim says why; our figure, if there is one, is shown beside it
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from anamorph.papers import measure
from anamorph.papers.claims import Claim
from anamorph.papers.measure import Measured

STATUSES = ("agree", "better", "worse", "missed", "left out", "not comparable")
AGREE, BETTER, WORSE, MISSED, LEFT_OUT, NOT_COMPARABLE = STATUSES
#: Why a claim is missed whose measurement does not exist.
NOT_MEASURED = "Not measured by this version."
#: Digits in which figures are written: float64 without the rounding of a change of units.
DIGITS = 12


@dataclass(frozen=True)
class Row:
    """One line of a ledger, as scripts read it: numbers are in `unit`, the paper's own.

    Attributes:
        id: of the claim.
        source: figure, table or section.
        quantity: in words.
        paper: the paper's figure.
        here: ours, or None.
        unit: of the three numbers; a share is in ``%``.
        tolerance: how far off still agrees.
        status: one of `STATUSES`.
        note: how ours came about, why it is missing, or why it cannot be compared.
    """

    id: str
    source: str
    quantity: str
    paper: float
    here: float | None
    unit: str
    tolerance: float
    status: str
    note: str

    def json(self) -> dict[str, Any]:
        """As ``--json`` writes it."""
        return asdict(self)


def compare(claim: Claim, measured: Measured | None, failure: str = "") -> Row:
    """The row of one claim.

    Args:
        claim: what the paper says.
        measured: what came out here; None where nothing did.
        failure: why nothing did.
    """
    here = None if measured is None or measured.value is None or not math.isfinite(measured.value) else measured.value
    if here is None and measured is not None:
        failure = failure or measured.note or "Did not converge."
    return Row(
        claim.id, claim.source, claim.quantity, _in_unit(claim.value, claim),
        None if here is None else _in_unit(here, claim), claim.unit, _in_unit(claim.tolerance, claim),
        _status(claim, measured, here), _note(claim, measured, failure if here is None else ""),
    )  # fmt: skip


def _status(claim: Claim, measured: Measured | None, here: float | None) -> str:
    found = status_of(claim, here)
    return LEFT_OUT if found == MISSED and measured is not None and measured.basis == measure.LEFT_OUT else found


def status_of(claim: Claim, here: float | None) -> str:
    """See the module's docstring; `here` in SI, None or NaN where there is no figure."""
    if not claim.comparable:
        return NOT_COMPARABLE
    if here is None or not math.isfinite(here):
        return MISSED
    # a difference of two rounded decimals may exceed the tolerance by the rounding of float64
    above, reach = here - claim.value, claim.tolerance + 1e-9 * abs(claim.value)
    if claim.bound is not None:
        holds = above <= reach if claim.bound == "at most" else above >= -reach
        return AGREE if holds else WORSE
    if abs(above) <= reach:
        return AGREE
    good = {"higher": above > 0, "lower": above < 0}
    return BETTER if claim.better is not None and good[claim.better] else WORSE


def count(rows: tuple[Row, ...]) -> str:
    """How many rows have each status: ``"28 claims: 9 agree, 1 worse"``."""
    found = Counter(row.status for row in rows)
    parts = ", ".join(f"{found[status]} {status}" for status in STATUSES if found[status])
    return f"{len(rows)} claims: {parts}"


def figure_text(value: float | None, unit: str) -> str:
    """A row's number as people read it: ``"97.62 %"``, ``"277,990"``; a dash for none."""
    if value is None:
        return "–"
    number = f"{value:,.0f}" if value == round(value) and abs(value) >= 1000 else f"{value:.4g}"
    return printed(f"{number} {unit}".strip())


def printed(text: str) -> str:
    """A quantity as it is printed: ``um^2``, as claims are written, is ``µm²``."""
    return text.replace("um^2", "µm²").replace("mm^2", "mm²")


def _in_unit(value: float, claim: Claim) -> float:
    return float(f"{value / claim.scale:.{DIGITS}g}")


def _note(claim: Claim, measured: Measured | None, failure: str) -> str:
    parts = []
    if not claim.comparable:
        parts.append(claim.why)
    if failure:
        parts.append(failure)
    elif measured is not None:
        parts += [_how(claim, measured), measured.note]
    return " ".join(part.strip() for part in (*parts, claim.note) if part.strip())


def _how(claim: Claim, measured: Measured) -> str:
    """Basis, number of samples and interval: ``Simulated, n = 500, 8.1 to 8.9 us.``."""
    parts = [measured.basis.capitalize()]
    if measured.n is not None:
        parts.append(f"n = {measured.n:,}")
    if measured.low is not None and measured.high is not None:
        low, high = (figure_text(_in_unit(v, claim), "") for v in (measured.low, measured.high))
        parts.append(f"{low} to {high} {claim.unit}".strip())
    return f"{', '.join(parts)}."
