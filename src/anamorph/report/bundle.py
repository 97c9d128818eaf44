"""The plotting library as a report carries it: compressed, so that the file stays small enough to mail.

The plotly package ships plotly.js (4.8 MB). Compressed with gzip and written as base64 it takes 2 MB; the
page inflates it with the browser's own `DecompressionStream`. Nothing is loaded from a network.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
from dataclasses import dataclass

from plotly.offline import get_plotlyjs


@dataclass(frozen=True)
class Bundle:
    """plotly.js, ready to be embedded.

    Attributes:
        text: gzip stream of the UTF-8 source, base64.
        sha256: digest of the source, base64, as a content security policy names an allowed script.
    """

    text: str
    sha256: str


@functools.cache
def plotly_bundle() -> Bundle:
    """The plotly.js of the installed plotly package. The same version gives the same bytes."""
    source = get_plotlyjs().encode()
    # mtime=0: two reports of the same run are equal byte for byte.
    packed = gzip.compress(source, compresslevel=9, mtime=0)
    return Bundle(base64.b64encode(packed).decode("ascii"), script_digest(source))


def script_digest(source: bytes) -> str:
    """SHA-256 of a script, base64: the form used in ``script-src 'sha256-...'``."""
    return base64.b64encode(hashlib.sha256(source).digest()).decode("ascii")
