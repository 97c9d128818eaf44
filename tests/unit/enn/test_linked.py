"""Pages made later are linked from a run's report, once."""

from __future__ import annotations

from pathlib import Path

from anamorph.enn.linked import link_pages
from anamorph.run_folder import RunFolder


def test_pages_beside_a_report_are_linked_once(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        link_pages(folder)  # no report: nothing to link from
        assert not list(tmp_path.glob("*.html"))
        folder.write_text("report.html", '<nav>\n<a href="#a">A</a>\n</nav><p>spikes.html</p><nav></nav>')
        link_pages(folder)
        assert 'href="spikes.html"' not in (tmp_path / "report.html").read_text()
        folder.write_text("spikes.html", "page")
        for _ in range(2):
            link_pages(folder)
        text = (tmp_path / "report.html").read_text()
    assert text.count('href="spikes.html"') == 1 and "events.html" not in text
    assert text.index("spikes.html") < text.index("</nav>")
