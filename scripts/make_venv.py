"""Make a virtual environment with pip, also where Debian's python3-venv is not installed.

    python3 scripts/make_venv.py FOLDER

Debian and Ubuntu keep `ensurepip` in a package of its own, so `python3 -m venv` fails on a fresh machine.
pip's wheel can install itself: take it from the package index that pip would use, and check its SHA-256.
"""

import hashlib
import html.parser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import venv
from pathlib import Path

INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple")


class Links(html.parser.HTMLParser):
    """The addresses of a page of a package index."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "a" and attributes.get("href") and "data-yanked" not in attributes:
            self.found.append(str(attributes["href"]))


def pip_wheel(folder: Path) -> Path:
    """Download the newest pip that says it runs everywhere; returns the wheel."""
    page = f"{INDEX.rstrip('/')}/pip/"
    links = Links()
    with urllib.request.urlopen(page, timeout=60) as answer:
        links.feed(answer.read().decode())
    wheels = {}
    for link in links.found:
        address, _, digest = urllib.parse.urljoin(page, link).partition("#sha256=")
        match = re.search(r"/(pip-(\d+(?:\.\d+)*)-py3-none-any\.whl)$", address)
        if match and digest:
            wheels[tuple(int(n) for n in match[2].split("."))] = (match[1], address, digest)
    if not wheels:
        raise OSError(f"no pip on {page}")
    name, address, digest = wheels[max(wheels)]
    with urllib.request.urlopen(address, timeout=60) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != digest:
        raise OSError(f"{address} does not have the SHA-256 that the index gives")
    path = folder / name
    path.write_bytes(content)
    return path


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  (whatever Python the user has runs this)
        print(f"anamorph needs Python 3.11 or newer; this is {sys.version.split()[0]}.", file=sys.stderr)
        print("Name another one: make PYTHON=/path/to/python3", file=sys.stderr)
        return 2
    target = Path(sys.argv[1])
    try:
        if importlib.util.find_spec("ensurepip"):
            venv.create(target, with_pip=True, clear=True)
            return 0
        venv.create(target, with_pip=False, clear=True)
        with tempfile.TemporaryDirectory() as folder:
            wheel = pip_wheel(Path(folder))
            python = target / "bin" / "python"
            subprocess.run([python, f"{wheel}/pip", "install", "--quiet", wheel], check=True)
    except (OSError, urllib.error.URLError, subprocess.CalledProcessError) as error:
        shutil.rmtree(target, ignore_errors=True)  # half an environment would pass for a whole one
        print(f"Could not make a virtual environment in {target}: {error}", file=sys.stderr)
        print("On Debian or Ubuntu: sudo apt-get install python3-venv, then run make again.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
