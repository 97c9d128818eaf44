"""What every test shares: the card, the compilation cache, and the rule about outside judges."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from pathlib import Path

import hypothesis
import jax
import pytest

import anamorph  # noqa: F401  (switches float64 on before any array is made)
from anamorph import technology

ROOT = Path(__file__).parent.parent

#: Marker: (what it needs on the path, the variable that turns a skip into a failure).
JUDGES = {
    "ngspice": (("ngspice",), "ANAMORPH_REQUIRE_NGSPICE"),
    "browser": (("chromium", "chromium-browser", "google-chrome"), "ANAMORPH_REQUIRE_BROWSER"),
}

# compiling takes longer than running: keep what XLA made, however quick it was to make
jax.config.update("jax_compilation_cache_dir", str(ROOT / ".cache" / "jax"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

# the first call compiles, so a deadline would measure the compiler
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


def _required(variable: str) -> bool:
    return os.environ.get(variable, "") not in ("", "0")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, (programs, variable) in JUDGES.items():
        if item.get_closest_marker(marker) is None or any(shutil.which(p) for p in programs):
            continue
        missing = f"needs {programs[0]} on the path, and it is not installed"
        if _required(variable):
            pytest.fail(f"{missing} ({variable} is set)", pytrace=False)
        pytest.skip(missing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a judge is required, a test of it that skips itself for any reason has failed."""
    report = yield
    for marker, (_, variable) in JUDGES.items():
        if report.skipped and not hasattr(report, "wasxfail") and _required(variable):
            if item.get_closest_marker(marker) is not None:
                report.outcome = "failed"
                report.longrepr = f"skipped, although {variable} is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def cmos180() -> technology.Technology:
    return technology.load("cmos180")
