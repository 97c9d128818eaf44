"""Make a virtual environment with pip, also where Debian's python3-venv is not installed.

    python3 scripts/make_venv.py FOLDER

Debian and Ubuntu keep `ensurepip` in a package of its own, so `python3 -m venv` fails on a fresh machine. pip's
wheel is a Debian package too, and can install itself: apt fetches and authenticates it, no rights are needed.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path


def pip_wheel(folder: Path) -> Path:
    """Fetch and unpack the distribution's own pip wheel below `folder`."""
    subprocess.run(["apt-get", "download", "-qq", "python3-pip-whl"], cwd=folder, check=True)
    for package in folder.glob("python3-pip-whl_*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    wheels = sorted((folder / "usr/share/python-wheels").glob("pip-*.whl"))
    if not wheels:
        raise OSError("the package python3-pip-whl holds no pip")
    return wheels[-1]


def main() -> int:
    """Exit status 0, or 2 with a message that says what to do."""
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
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(target, ignore_errors=True)  # half an environment would pass for a whole one
        print(f"Could not make a virtual environment in {target}: {error}", file=sys.stderr)
        print("On Debian or Ubuntu: sudo apt-get install python3-venv, then run make again.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
