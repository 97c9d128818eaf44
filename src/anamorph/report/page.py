"""A report: one HTML file with interactive plots that opens without a network.

`Page` says what a report contains, `write_report` writes it. The template is ``template.html`` with
``page.css`` and ``page.js`` placed inside. Text from users is escaped by the template, data by
`_script_json`, and a content security policy allows the page's own two scripts only, so that no text in a
report can become code.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.graph_objects import Figure as Plot

from anamorph.errors import BadInput
from anamorph.report.bundle import Bundle, plotly_bundle, script_digest
from anamorph.report.rows import flatten, headline, metric_rows


@dataclass(frozen=True)
class Figure:
    """A plot and what is seen in it.

    Attributes:
        plot: a plotly figure. Colours of paper, text and axes are set by the page, for light and dark.
        caption: plain text, one to three sentences.
        wide: takes the page's whole width; otherwise two figures stand side by side.
    """

    plot: Plot
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under column names. Cells are shown as they are, so numbers come as text with their unit.

    Attributes:
        columns: headings.
        rows: cells.
        caption: above the table.
        notes: one per row, across all columns below it; empty for none.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.notes and len(self.notes) != len(self.rows):
            raise BadInput("notes do not match the rows", where=f"report table '{self.caption or self.columns}'",
                           expected=str(len(self.rows)), got=str(len(self.notes)))  # fmt: skip
        for index, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise BadInput(
                    "a row does not match the columns",
                    where=f"report table '{self.caption or self.columns}', row {index + 1}",
                    expected=f"{len(self.columns)} cells",
                    got=str(len(row)),
                )


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes:
        title: heading.
        text: plain text; an empty line starts a new paragraph.
        figures: in reading order.
        table: shown below the figures.
    """

    title: str
    text: str = ""
    figures: tuple[Figure, ...] = ()
    table: Table | None = None

    @property
    def placed(self) -> tuple[tuple[Figure, bool], ...]:
        """Each figure, and whether it takes the whole width: as asked, or because it has no neighbour."""
        found: list[tuple[Figure, bool]] = []
        for index, figure in enumerate(self.figures):
            second = bool(found) and not found[-1][1] and len(_trailing_narrow(found)) % 2 == 1
            last = index + 1 == len(self.figures) or self.figures[index + 1].wide
            found.append((figure, figure.wide or (last and not second)))
        return tuple(found)

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """`text`, one entry per paragraph."""
        return tuple(part.strip() for part in self.text.split("\n\n") if part.strip())


def _trailing_narrow(placed: list[tuple[Figure, bool]]) -> list[Figure]:
    """The figures of half width since the last one of full width."""
    return [f for f, _ in itertools.takewhile(lambda item: not item[1], reversed(placed))]


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        title: of the page and of the browser's tab.
        summary: one paragraph: what was asked and what came out.
        metrics: as in ``result.json``: name to ``{"value", "unit", "low", "high", "basis", "n"}``.
        sections: in reading order.
        warnings: shown before everything else.
        provenance: what the numbers came from: versions, seed, hashes. May be nested.
        headline: names of the metrics shown large, at most four; the others are in the table only.
    """

    title: str
    summary: str = ""
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    warnings: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    headline: tuple[str, ...] = ()


def write_report(path: Path, page: Page) -> None:
    """Write `page` to `path`, whole or not at all: to a temporary name first, then renamed.

    Raises:
        BadInput: the folder does not exist, or a metric is malformed.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise BadInput("the folder of the report does not exist", where=str(path))
    content = render(page).encode()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def render(page: Page) -> str:
    """The HTML text of `page`.

    Raises:
        BadInput: a metric is malformed or a headline names none.
    """
    plots = [figure.plot for section in page.sections for figure in section.figures]
    bundle = plotly_bundle() if plots else Bundle("", "")
    style, script = _asset("page.css"), _asset("page.js")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_asset("template.html")).render(
        page=page,
        rows=metric_rows(page.metrics),
        headline=headline(page.metrics, page.headline),
        provenance=flatten(page.provenance),
        plots=[_script_json(plot) for plot in plots],
        bundle=bundle,
        policy=_policy(script, bundle),
        style=Markup(style),
        script=Markup(script),
    )


def _policy(script: str, bundle: Bundle) -> str:
    """Content security policy: nothing from outside, and no script but the page's own and plotly.js."""
    digests = [script_digest(script.encode()), bundle.sha256]
    scripts = " ".join(f"'sha256-{digest}'" for digest in digests if digest)
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _script_json(plot: Plot) -> Markup:
    """A plot as JSON that may stand in a script element: it holds no ``<``, so it cannot end the element."""
    # to_json packs arrays as typed base64 and writes NaN as null; dumped again, its form depends on no
    # optional JSON library.
    text = json.dumps(json.loads(str(plot.to_json())), separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _asset(name: str) -> str:
    return resources.files("anamorph.report").joinpath(name).read_text(encoding="utf-8")
