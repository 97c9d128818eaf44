"""`anamorph netlist RUN`: the trained chip for the user's own simulator."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from anamorph.errors import BadInput


def netlist(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    dialect: Annotated[str, typer.Option(help="ngspice or spectre.")] = "ngspice",
    bits: Annotated[
        str, typer.Option(help="wired to the rails, or sources, one for each bit of each synapse.")
    ] = "wired",
    models: Annotated[str, typer.Option(metavar="N,P", help="Names of the transistors in your PDK.")] = "nmos,pmos",
    subckt: Annotated[bool, typer.Option("--subckt", help="They are subcircuits (X), not models (M).")] = False,
    micrometres: Annotated[
        bool, typer.Option("--micrometres", help="Write lengths in um, for a PDK that sets scale=1u.")
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE[:SECTION]", help="A file of models to read; may be repeated.", show_default=False),
    ] = None,
    die: Annotated[str, typer.Option(metavar="N|none", help="Write the threshold deviations of this die.")] = "none",
    mismatch: Annotated[
        str | None,
        typer.Option(
            help="Deviations as delvto= (default), or as sources at the gates (default with --subckt).",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File; by default in RUN/netlist.", show_default=False)] = None,
) -> None:
    """Write the trained chip as a netlist for your simulator and your PDK."""
    from anamorph.circuit.dialect import dialect as dialect_named
    from anamorph.circuit.pdk import Models
    from anamorph.enn.experiment import is_spiking
    from anamorph.stages.user_netlist import Wish, write_user_netlist

    n, comma, p = models.partition(",")
    if not comma:
        raise BadInput(
            "two names are needed", where="--models", expected="N,P such as nmos,pmos", got=repr(models)[:80]
        )
    wish = Wish(
        dialect_named(dialect),
        bits,
        Models(n, p, subckt, 1e-6 if micrometres else 1.0),
        tuple(_include(text) for text in include or ()),
        _die(die),
        mismatch or ("gate" if subckt else "delvto"),
    )
    if is_spiking(str(run)):
        from anamorph.enn.netlist import write_spiking_netlist

        sys.stdout.write(f"netlist: {write_spiking_netlist(run, wish, out).absolute()}\n")
        return
    sys.stdout.write(f"netlist: {write_user_netlist(run, wish, out).absolute()}\n")


def _include(text: str):
    from anamorph.circuit.pdk import Include

    path, _, section = text.partition(":")
    return Include(path, section)


def _die(text: str) -> int | None:
    if text == "none":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadInput("not a die", where="--die", expected="a number from 0, or none", got=repr(text)[:80])
    return int(text)
