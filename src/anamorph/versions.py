"""Which versions of which packages a number comes from."""

from __future__ import annotations

import platform
from importlib import metadata

#: Packages whose version can change a number.
PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "scikit-learn", "optax", "equinox")


def versions() -> dict[str, str]:
    """Of this package, of Python, and of the packages that can change a number."""
    import anamorph

    return {
        "anamorph": anamorph.__version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in PACKAGES},
    }
