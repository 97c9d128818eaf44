"""What a netlist has to know of the user's PDK: names of the transistors, and the files that hold their models.

Both are text from outside that ends up in a simulator's input, where a quote or a line break would begin a command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from anamorph.circuit.netlist import check_name
from anamorph.errors import BadInput

#: Of a path: no quotes, no comment marks, no expansion, no line break of any alphabet.
_PATH = re.compile(r"[\w ./+,@=~%()\[\]-]{1,1000}\Z")


@dataclass(frozen=True)
class Models:
    """What the user's PDK calls its transistors.

    Attributes:
        n: model of n-channel transistors.
        p: model of p-channel transistors.
        subcircuits: they are subcircuits (SPICE's X) and not models (M); their terminals are d g s b in this order.
        unit: m; lengths are written in it, areas in its square. 1e-6 where the PDK scales by a micrometre.
    """

    n: str = "nmos"
    p: str = "pmos"
    subcircuits: bool = False
    unit: float = 1.0

    def __post_init__(self) -> None:
        for name in (self.n, self.p):
            check_name(name, "transistor model")
        if self.n.lower() == self.p.lower():
            raise BadInput("one model for both polarities", where="transistor model", got=self.n)


@dataclass(frozen=True)
class Include:
    """A file of models, and its section where it is a library of several.

    Raises:
        BadInput: a path that is not plain text, or a section that is not a name.
    """

    path: str
    section: str = ""

    def __post_init__(self) -> None:
        if not _PATH.match(self.path) or "//" in self.path or self.path != self.path.strip():
            raise BadInput(
                "not a usable path", where="include",
                expected="letters, digits, spaces and ./+,@=~%()[]-_, no // and no space at either end",
                got=repr(self.path)[:120],
            )  # fmt: skip
        if self.section:
            check_name(self.section, "include: section")
