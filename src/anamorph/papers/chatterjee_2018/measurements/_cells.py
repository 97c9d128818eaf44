"""The cells that the ledger measures."""

from __future__ import annotations

#: 100 pA through either branch: tail current, A.
TAIL = 200e-12
