"""Pages that are made after a run's report: a link to each in the report's navigation."""

from __future__ import annotations

from anamorph.run_folder import REPORT, RunFolder

#: Files beside a report, and what a link to each says.
PAGES = {"spikes.html": "As spikes", "events.html": "Event by event"}
#: Where a page's navigation ends.
_END = "</nav>"


def link_pages(folder: RunFolder) -> None:
    """Links from the report of a run to those of `PAGES` that are beside it, once; nothing where no report is yet."""
    if not folder.has(REPORT):
        return
    before, end, after = (folder.path / REPORT).read_text("utf-8").partition(_END)
    links = [f'<a href="{page}">{title}</a>\n' for page, title in PAGES.items() if folder.has(page)]
    missing = "".join(line for line in links if line not in before)
    if end and missing:
        folder.write_text(REPORT, f"{before}{missing}{end}{after}")
