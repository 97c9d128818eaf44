"""What is installed, what is optional, and how to get it."""

from __future__ import annotations

import importlib.util
import os
import platform
from importlib import metadata

from anamorph.circuit import ngspice

REQUIRED = (
    "jax", "equinox", "optax", "jaxtyping", "numpy", "scipy", "scikit-learn", "xarray", "h5netcdf",
    "pydantic", "pint", "typer", "rich", "plotly", "jinja2",
)  # fmt: skip
#: Extra -> module that shows whether it is there, and what it is for.
EXTRAS = {
    "dev": ("pytest", "tests, linter and type checker"),
    "nir": ("nir", "spiking networks in the neuromorphic intermediate representation: anamorph nir"),
    "onnx": ("onnx", "networks from PyTorch, Keras and others: anamorph processor network FILE.onnx"),
}


def examine() -> str:
    """A report in plain text, one line per finding: ``ok``, ``missing`` (needed) or ``optional``."""
    import anamorph

    lines = [
        _line("ok", "anamorph", anamorph.__version__),
        _line("ok", "python", f"{platform.python_version()} on {platform.platform()}"),
        *(_package(name) for name in REQUIRED),
        _devices(),
        _ngspice(),
        *(_extra(name, module, use) for name, (module, use) in EXTRAS.items()),
        _cache(),
    ]
    return "\n".join(lines) + "\n"


def _line(state: str, name: str, text: str) -> str:
    return f"{state:<9} {name:<13} {text}"


def _package(name: str) -> str:
    try:
        return _line("ok", name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return _line("missing", name, f"needed: pip install {name}")


def _devices() -> str:
    import jax

    return _line("ok", "devices", ", ".join(f"{d.platform} ({d.device_kind})" for d in jax.devices()))


def _ngspice() -> str:
    version = ngspice.available()
    use = "a second opinion: anamorph verify --spice"
    if version is None:
        return _line("optional", "ngspice", f"not installed; {use}. {ngspice.ADVICE}")
    if float(version) < ngspice.OLDEST:
        return _line("optional", "ngspice", f"{version} is older than {ngspice.OLDEST}; {use}. {ngspice.ADVICE}")
    return _line("ok", "ngspice", f"{version} ({use})")


def _extra(name: str, module: str, use: str) -> str:
    if importlib.util.find_spec(module) is not None:
        return _line("ok", f"[{name}]", use)
    return _line("optional", f"[{name}]", f"not installed; {use}: pip install 'anamorph[{name}]'")


def _cache() -> str:
    from anamorph.cache import cache_root

    folder = cache_root()
    parent = next(p for p in (folder, *folder.parents) if p.exists())
    if os.access(parent, os.W_OK):
        return _line("ok", "cache", f"compiled circuits and tables are kept in {folder}")
    return _line("optional", "cache", f"{parent} cannot be written, so every run compiles anew: set XDG_CACHE_HOME")
