"""What a reproduction found: a paper's claims beside ours, as the terminal, the JSON file and the page need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from anamorph.papers.claims import Paper
from anamorph.papers.ledger import Row
from anamorph.papers.measure import Findings

#: The page, in the folder of a reproduction.
PAGE = "ledger.html"


@dataclass(frozen=True)
class Reproduction:
    """A paper's claims beside ours.

    Attributes:
        paper: the claims.
        rows: one per claim, in the paper's order.
        findings: what each measurement returned.
        failures: why a measurement returned nothing, by its name.
        folder: where everything is.
        quick: whether measurements did less.
        seed: of all randomness.
    """

    paper: Paper
    rows: tuple[Row, ...]
    findings: Mapping[str, Findings] = field(repr=False)
    failures: Mapping[str, str]
    folder: Path
    quick: bool
    seed: int

    @property
    def page(self) -> Path:
        """The HTML page."""
        return self.folder / PAGE
