"""How a netlist is spelled: ngspice (and SPICE at large), and Spectre's own language.

A dialect knows syntax and nothing of circuits. Every name that it is given is already lower case, unique in its
scope apart from nothing but case, and begins with the letter of its kind (m x c r v i), which SPICE needs and
Spectre allows; so an element has the same name in both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from anamorph.circuit.spice import OPERATING_POINT_OPTIONS
from anamorph.circuit.spice_hierarchy import RESERVED
from anamorph.errors import BadInput, nearest

#: 27 degrees Celsius is what both simulators, and the cards, take for room temperature.
CELSIUS = 27


class Dialect(ABC):
    """One way to write a netlist.

    Attributes:
        name: what the user calls it.
        suffix: of a file.
        comment: what a line of comment begins with.
        reserved: names that mean something where a node's or a subcircuit's name may stand, lower case.
    """

    name: str
    suffix: str
    comment: str
    reserved: tuple[str, ...]

    @abstractmethod
    def head(self) -> list[str]:
        """What comes before everything but the title."""

    @abstractmethod
    def include(self, path: str, section: str) -> str:
        """Read a file, or one section of a library. Both texts have been checked."""

    @abstractmethod
    def begin(self, name: str, ports: Sequence[str], parameters: Sequence[str]) -> list[str]:
        """Begin a subcircuit; its parameters are zero unless a call says otherwise."""

    @abstractmethod
    def end(self, name: str) -> str:
        """End a subcircuit."""

    @abstractmethod
    def call(self, name: str, nodes: Sequence[str], master: str, parameters: Mapping[str, str]) -> str:
        """An instance of a subcircuit or of a transistor's model."""

    @abstractmethod
    def capacitor(self, name: str, nodes: Sequence[str], farad: str) -> str:
        """A linear capacitor."""

    @abstractmethod
    def resistor(self, name: str, nodes: Sequence[str], ohm: str) -> str:
        """A linear resistor."""

    @abstractmethod
    def voltage_source(self, name: str, nodes: Sequence[str], volt: str) -> str:
        """Holds the first node above the second."""

    @abstractmethod
    def current_source(self, name: str, nodes: Sequence[str], ampere: str) -> str:
        """Drives a current through itself from the first node to the second, and so into the second."""

    @abstractmethod
    def parameter(self, name: str, sign: int) -> str:
        """Value of a parameter of the subcircuit at hand, or its negative."""

    @abstractmethod
    def operating_point(self, saved: Sequence[str]) -> list[str]:
        """Options, the currents of voltage sources to keep, and the analysis."""

    @abstractmethod
    def transient(self, stop: str, step: str, saved: Sequence[str]) -> list[str]:
        """Options, the currents of voltage sources to keep, and a transient from discharged nodes."""

    def assignments(self, parameters: Mapping[str, str]) -> list[str]:
        """``name=value`` each."""
        return [f"{name}={value}" for name, value in parameters.items()]


class Ngspice(Dialect):
    """ngspice; any SPICE that reads ``{expressions}`` reads the circuit as well."""

    name, suffix, comment = "ngspice", ".cir", "*"
    reserved = RESERVED

    def head(self) -> list[str]:  # noqa: D102
        return [f".temp {CELSIUS}"]

    def include(self, path: str, section: str) -> str:  # noqa: D102
        return f'.lib "{path}" {section}' if section else f'.include "{path}"'

    def begin(self, name: str, ports: Sequence[str], parameters: Sequence[str]) -> list[str]:  # noqa: D102
        return [" ".join([".subckt", name, *ports, *(f"{p}=0" for p in parameters)])]

    def end(self, name: str) -> str:  # noqa: D102
        return f".ends {name}"

    def call(self, name: str, nodes: Sequence[str], master: str, parameters: Mapping[str, str]) -> str:  # noqa: D102
        return " ".join([name, *nodes, master, *self.assignments(parameters)])

    def capacitor(self, name: str, nodes: Sequence[str], farad: str) -> str:  # noqa: D102
        return " ".join([name, *nodes, farad])

    def resistor(self, name: str, nodes: Sequence[str], ohm: str) -> str:  # noqa: D102
        return " ".join([name, *nodes, ohm])

    def voltage_source(self, name: str, nodes: Sequence[str], volt: str) -> str:  # noqa: D102
        return " ".join([name, *nodes, "dc", volt])

    def current_source(self, name: str, nodes: Sequence[str], ampere: str) -> str:  # noqa: D102
        return " ".join([name, *nodes, "dc", ampere])

    def parameter(self, name: str, sign: int) -> str:  # noqa: D102
        return "{" + ("-" if sign < 0 else "") + name + "}"

    def operating_point(self, saved: Sequence[str]) -> list[str]:  # noqa: D102
        return [f".options {OPERATING_POINT_OPTIONS}", *(f".save i({name})" for name in saved), ".op", ".end"]

    def transient(self, stop: str, step: str, saved: Sequence[str]) -> list[str]:  # noqa: D102
        return [f".options {OPERATING_POINT_OPTIONS}", *(f".save i({name})" for name in saved),
                f".tran {step} {stop} 0 {step} uic", ".end"]  # fmt: skip


class Spectre(Dialect):
    """Spectre's own language. No Spectre was at hand: its form is checked, and nothing has run it."""

    name, suffix, comment = "spectre", ".scs", "//"
    #: Its statements, masters and built-in parameters, and the names of the two statements below.
    reserved = (
        *RESERVED, *"""
        altergroup analogmodel capacitor checklimit correlate dc ddt dcop else end endlibrary ends endsection export
        for freq function global gmin ground ic if include inductor info inline isource lang library local m march
        mismatch model node nodeset noise nport options param_limits parameters paramset paramtest plot print process
        protect real resistor return save scale scalem section set shell simulator spectre spice statistics subckt
        sweep terminal tnom to tolerances tran truncate unprotect vary vsource
        """.split(),
    )  # fmt: skip

    def head(self) -> list[str]:  # noqa: D102
        return ["simulator lang=spectre", "global 0"]

    def include(self, path: str, section: str) -> str:  # noqa: D102
        return f'include "{path}"' + (f" section={section}" if section else "")

    def begin(self, name: str, ports: Sequence[str], parameters: Sequence[str]) -> list[str]:  # noqa: D102
        values = [" ".join(["parameters", *(f"{p}=0" for p in parameters)])] if parameters else []
        return [f"subckt {name} ({' '.join(ports)})", *values]

    def end(self, name: str) -> str:  # noqa: D102
        return f"ends {name}"

    def call(self, name: str, nodes: Sequence[str], master: str, parameters: Mapping[str, str]) -> str:  # noqa: D102
        return " ".join([name, f"({' '.join(nodes)})", master, *self.assignments(parameters)])

    def capacitor(self, name: str, nodes: Sequence[str], farad: str) -> str:  # noqa: D102
        return self.call(name, nodes, "capacitor", {"c": farad})

    def resistor(self, name: str, nodes: Sequence[str], ohm: str) -> str:  # noqa: D102
        return self.call(name, nodes, "resistor", {"r": ohm})

    def voltage_source(self, name: str, nodes: Sequence[str], volt: str) -> str:  # noqa: D102
        return self.call(name, nodes, "vsource", {"dc": volt})

    def current_source(self, name: str, nodes: Sequence[str], ampere: str) -> str:  # noqa: D102
        return self.call(name, nodes, "isource", {"dc": ampere})

    def parameter(self, name: str, sign: int) -> str:  # noqa: D102
        return f"(-{name})" if sign < 0 else name

    def operating_point(self, saved: Sequence[str]) -> list[str]:  # noqa: D102
        options = f"tolerances options temp={CELSIUS} reltol=1e-6 vabstol=1e-9 iabstol=1e-15 gmin=1e-15"
        return [options, *(f"save {name}:p" for name in saved), "dcop dc"]

    def transient(self, stop: str, step: str, saved: Sequence[str]) -> list[str]:  # noqa: D102
        options = f"tolerances options temp={CELSIUS} reltol=1e-5 vabstol=1e-9 iabstol=1e-15 gmin=1e-15"
        return [options, *(f"save {name}:p" for name in saved), f"spikes tran stop={stop} maxstep={step} skipdc=yes"]


#: By the name that the user gives.
DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (Ngspice(), Spectre())}


def dialect(name: str) -> Dialect:
    """A dialect by its name.

    Raises:
        BadInput: no such dialect.
    """
    if name not in DIALECTS:
        raise BadInput(f"no netlist dialect '{name}'", advice=nearest(name, DIALECTS))
    return DIALECTS[name]
