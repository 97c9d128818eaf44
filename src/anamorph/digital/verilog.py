"""A netlist of gates as structural Verilog-2001: one module per kind of gate, one instance per gate.

Names are those of the buses and n2, n3, .. for nets; what a user's synthesis tool does with the modules of the gates
is its own affair (map them to the cells of a library, or keep them).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from anamorph.circuit.netlist import check_name
from anamorph.digital.gates import HIGH, KINDS, LOW, REGISTER, Netlist

_BODIES = {
    "inverter": "assign y = ~a;",
    "and2": "assign y = a & b;",
    "xor2": "assign y = a ^ b;",
    "half_adder": "assign {co, s} = a + b;",
    "full_adder": "assign {co, s} = a + b + c;",
    "register": "always @(posedge clk) q <= d;",
}


def verilog(netlist: Netlist) -> str:
    """The whole file: the kinds of gates that are used, then the netlist as a module of its name.

    Raises:
        BadInput: a name that Verilog would not take.
    """
    check_name(netlist.name, "netlist")
    for bus in (*netlist.inputs, *netlist.outputs):
        check_name(bus, f"{netlist.name}: bus")
    used = [KINDS[number] for number in sorted(set(netlist.kinds.tolist()))]
    lines = [f"// {netlist.name}: {len(netlist.kinds)} gates, {netlist.transistors} transistors"]
    for kind in used:
        clock = ["clk"] if kind.name == "register" else []
        ports = [
            *(f"input {pin}" for pin in (*clock, *kind.inputs)),
            *(f"output {_reg(kind.name)}{pin}" for pin in kind.outputs),
        ]
        lines.append(f"module {kind.name}({', '.join(ports)}); {_BODIES[kind.name]} endmodule")
    return "\n".join([*lines, *_top(netlist)]) + "\n"


def _reg(kind: str) -> str:
    return "reg " if kind == "register" else ""


def _top(netlist: Netlist) -> list[str]:
    clocked = netlist.registers.size > 0
    ports = ["input clk"] if clocked else []
    ports += [f"input [{len(nets) - 1}:0] {name}" for name, nets in netlist.inputs.items()]
    ports += [f"output [{len(nets) - 1}:0] {name}" for name, nets in netlist.outputs.items()]
    wire = {LOW: "1'b0", HIGH: "1'b1"}
    for name, nets in netlist.inputs.items():
        wire |= {net: f"{name}[{bit}]" for bit, net in enumerate(nets)}
    driven = sorted(int(net) for net in netlist.drives.ravel() if net >= 0)
    wire |= {net: f"n{net}" for net in driven}
    lines = [f"module {netlist.name}(", *(f"  {port}," for port in ports[:-1]), f"  {ports[-1]}", ");"]
    lines += [f"  wire n{net};" for net in driven]
    for gate, number in enumerate(netlist.kinds):
        kind = KINDS[number]
        nets = dict(zip(kind.inputs, netlist.reads[gate], strict=False))
        nets |= dict(zip(kind.outputs, netlist.drives[gate], strict=False))
        joined = [".clk(clk)"] if number == REGISTER else []
        joined += [f".{pin}({wire[int(net)]})" for pin, net in nets.items()]
        lines.append(f"  {kind.name} g{gate}({', '.join(joined)});")
    for name, nets in netlist.outputs.items():
        lines += [f"  assign {name}[{bit}] = {wire[net]};" for bit, net in enumerate(nets)]
    return [*lines, "endmodule"]


def write_verilog(netlist: Netlist, path: str | Path) -> Path:
    """Write `verilog(netlist)` to a file, whole or not at all. Returns its path."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(verilog(netlist))
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
