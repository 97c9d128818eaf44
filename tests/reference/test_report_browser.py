"""A report in a real browser: every plot draws, nothing logs an error, nothing is asked of a network."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from anamorph.report import figures
from anamorph.report.page import Page, Section, write_report

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=20000"
).split()

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no chromium or chromium-browser on PATH: the report was not opened in a browser"
)


def _open(path: Path, folder: Path, *options: str) -> str:
    """The document as it is after its scripts ran."""
    assert BROWSER is not None
    command = [
        BROWSER,
        *QUIET,
        *options,
        f"--user-data-dir={folder / 'profile'}",
        "--dump-dom",
        path.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def _root(document: str, name: str) -> str | None:
    """A data attribute of the root element."""
    root = re.search(r"<html[^>]*>", document)
    assert root is not None
    value = re.search(rf'data-{name}="([^"]*)"', root[0])
    return unescape(value[1]) if value else None


def _page() -> Page:
    random = np.random.default_rng(1)
    current, labels = np.linspace(0, 325e-9, 20), np.repeat(np.arange(3), 10)
    names = ("setosa", "<b>versi</b>color", "virginica")
    slope = [1 + 0.16 * random.normal(size=7) for _ in range(3)]
    outputs = random.gamma(2.0, 5e-9, (30, 3))
    outputs[np.arange(30), labels] += 60e-9
    weights = [random.integers(-7, 8, shape) * 0.25 for shape in ((4, 7), (7, 3))]
    ours = 10.0 ** random.uniform(-12, -6, 40)
    time = np.linspace(0, 30e-6, 200)
    rise = np.outer(random.gamma(1.0, 5e-8, 12), 1 - np.exp(-time / 3e-6))
    decided = figures.Decided("15 nA", random.normal(8.5e-6, 2e-6, 50), random.normal(6e-14, 1e-14, 50))
    course = figures.Course("15 nA", time[1:], np.outer(random.normal(8e-9, 1e-9, 50), time[1:]))
    large = [random.normal(size=shape) for shape in ((30, 20), (20, 10))]
    return Page(
        "Iris </script><script>console.error('injected')</script>",
        sections=(
            Section(
                "Chip",
                figures=(
                    figures.slopes(slope, [0.02 * np.ones(7)] * 3, (1, 2)),
                    figures.single_neuron(current, 1.1 * current, 1.08),
                    figures.spice_agreement(ours, ours * (1 + 1e-5), [str(i) for i in range(40)]),
                ),
            ),
            Section(
                "Network",
                figures=(
                    figures.network_diagram(weights, (7, 7, 7), output_names=names),
                    figures.barycentric(outputs, labels, names),
                    figures.transient(time, np.outer([2e-8, 1e-7, 5e-8], 1 - np.exp(-time / 3e-6)), names, 1.5e-5),
                ),
            ),
            Section(
                "Decisions",
                figures=(
                    figures.activity(time, [rise], rise[:3], names, 6e-6),
                    figures.time_against_power([decided], 25_000),
                    figures.energy_against_run_time([course]),
                    figures.energy_histogram([decided]),
                    figures.network_diagram(large, (30, 20, 10), output_names=names),
                ),
            ),
            Section(
                "Dies",
                figures=(
                    figures.accuracy_histogram(random.uniform(0.9, 1, 50), random.uniform(0.3, 1, 50), 0.9),
                    figures.yield_bars(
                        ("with", "without"),
                        np.array([0.9, 0.2]),
                        np.array([0.8, 0.1]),
                        np.array([0.95, 0.3]),
                        50,
                    ),
                ),
            ),
        ),
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """The file, written once."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, _page())
    return path


@pytest.fixture(scope="module")
def document(report, tmp_path_factory) -> str:
    """The file as the browser made it."""
    return _open(report, tmp_path_factory.mktemp("browser"))


def test_every_plot_draws_and_nothing_logs_an_error(document) -> None:
    assert json.loads(_root(document, "errors") or "null") == []
    assert _root(document, "plots") == "13"
    # 13 plots, and each has drawn its data: bars, lines or points, or the two pictures of a large network
    assert document.count('class="main-svg"') >= 13
    assert len(re.findall(r'class="(?:scatterlayer|barlayer) mlayer"><g class="trace', document)) >= 12
    assert len(re.findall(r'class="hm"', document)) == 2


def test_user_names_are_text_in_plots(document) -> None:
    assert "&lt;b&gt;versi&lt;/b&gt;color" in document


def test_no_button_sends_the_data_away(document) -> None:
    buttons = set(re.findall(r'data-title="([^"]*)"', document))
    assert "Download plot" in buttons
    assert not [title for title in buttons if re.search("share|cloud|edit|upload", title, re.IGNORECASE)]


def test_scales_can_be_chosen(document) -> None:
    # single_neuron, transient and energy_against_run_time
    assert document.count(">linear</button>") == document.count(">log</button>") == 3


def test_small_enough_to_mail(report) -> None:
    assert report.stat().st_size < 3e6


def test_dark_setting_is_followed(report, tmp_path) -> None:
    document = _open(report, tmp_path, "--blink-settings=preferredColorScheme=0")
    assert json.loads(_root(document, "errors") or "null") == []
    # the ink of page.js for dark paper, as the browser writes it
    assert "fill: rgb(228, 232, 237)" in document


@pytest.mark.parametrize("missing", ["DecompressionStream", "a plot's data"])
def test_a_failure_is_said_in_the_page_and_recorded(report, tmp_path, missing) -> None:
    text = report.read_text()
    if missing == "DecompressionStream":
        # a browser from before 2020, played by hiding what it lacks from the page's own script
        broken = text.replace("typeof DecompressionStream ===", "typeof NotThere ===")
        drawn, message = "0", "This browser cannot inflate the plotting library"
    else:
        broken = text.replace('id="plot-2">{', 'id="plot-2">{{')
        drawn, message = "12", "This plot could not be drawn"
    assert broken != text
    # the policy names the script's digest; an altered script needs the policy taken out
    broken = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", broken)
    path = tmp_path / "broken.html"
    path.write_text(broken)
    document = _open(path, tmp_path)
    assert _root(document, "plots") == drawn
    assert len(json.loads(_root(document, "errors") or "[]")) == 1
    assert f'<p class="note">{message}' in document


def test_an_altered_script_does_not_run(report, tmp_path) -> None:
    path = tmp_path / "altered.html"
    path.write_text(report.read_text().replace('"use strict";', '"use strict"; /* altered */', 1))
    document = _open(path, tmp_path)
    assert _root(document, "plots") is None
