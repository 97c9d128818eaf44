"""Put aihwkit into this interpreter's environment: `make bench-peers`.

    python install_aihwkit.py aihwkit           # pip builds it, which takes a BLAS with headers and many minutes
    python install_aihwkit.py aihwkit-1.2.0/    # an unpacked source: its Python part alone, as it lies there

The torch tile, which is all that is compared with, is in the Python part.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path


def main() -> int:
    """Exit status of pip, or 0."""
    wanted = sys.argv[1]
    source = Path(wanted).resolve() / "src"
    if source.is_dir():
        path = Path(sysconfig.get_path("purelib")) / "aihwkit_source.pth"
        path.write_text(f"{source}\n")
        return 0
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.run([*pip, "--no-deps", wanted]).returncode


if __name__ == "__main__":
    sys.exit(main())
