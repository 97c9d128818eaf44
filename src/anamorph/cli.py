"""The command line: `anamorph run iris`. Each stage is a verb; an error is one message and an exit status."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from anamorph import cli_data, cli_mixed_signal, cli_processor, cli_vmm
from anamorph.cli_mixed_signal import run_ms_neuron
from anamorph.cli_netlist import netlist
from anamorph.cli_nir import nir
from anamorph.cli_presentation import presentation
from anamorph.cli_reproduce import reproduce
from anamorph.cli_spikes import spikes
from anamorph.cli_spiking import linearity, linearity_of, run_enn
from anamorph.errors import AnamorphError, BadInput, Interrupted


class _Messages(TyperGroup):
    """Turns every error that a user can meet into one line on stderr and its exit status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AnamorphError as error:
            failed: AnamorphError = error
        except KeyboardInterrupt:
            failed = Interrupted("interrupted")
        except OSError as error:
            failed = BadInput(f"{error.strerror or error}", where=error.filename and str(error.filename))
        typer.echo(f"error: {failed}", err=True)
        raise typer.Exit(failed.exit_status)


app = typer.Typer(
    cls=_Messages,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Measure an analog chip, train through the measurement, program it back, verify every transistor.",
)

app.add_typer(cli_data.app, name="data")
app.add_typer(cli_mixed_signal.app, name="neuron")
app.add_typer(cli_processor.app, name="processor")
app.add_typer(cli_vmm.app, name="vmm")

Subject = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="A built-in experiment, or a TOML file.")]
Started = Annotated[str, typer.Argument(metavar="RUN", help="A run folder, a built-in experiment, or a TOML file.")]
Out = Annotated[Path | None, typer.Option(help="Run folder; by default runs/NAME-NNN.", show_default=False)]
Seed = Annotated[int | None, typer.Option(help="Of all randomness.", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a value, as in --set chip.dies=20.", show_default=False),
]


def _version(asked: bool) -> bool:
    if asked:
        from anamorph import __version__

        typer.echo(f"anamorph {__version__}")
        raise typer.Exit()
    return asked


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(experiment: Subject, out: Out = None, seed: Seed = None, set_: Set = None) -> None:
    """Run the whole closed loop and write the report."""
    from anamorph.enn.experiment import is_spiking
    from anamorph.experiment import parse_replacements
    from anamorph.mixed_signal.experiment import is_mixed_signal

    for is_of_kind, go in ((is_spiking, run_enn), (is_mixed_signal, run_ms_neuron)):
        if is_of_kind(experiment):
            go(experiment, out, seed, parse_replacements(set_ or []))
            return
    _go(experiment, "report", out, seed, set_)


@app.command()
def characterise(
    run: Started,
    out: Out = None,
    seed: Seed = None,
    set_: Set = None,
    linear: Annotated[
        bool, typer.Option("--linearity", help="Of a spiking experiment: where its neurons are linear.")
    ] = False,
) -> None:
    """Fabricate, and measure as the bench of the experiment does."""
    if linear:
        from anamorph.experiment import parse_replacements

        linearity_of(run, parse_replacements(set_ or []))
        return
    _go(run, "characterise", out, seed, set_)


@app.command()
def train(run: Started, out: Out = None, seed: Seed = None, set_: Set = None) -> None:
    """Train through the measurement; and once without it."""
    _go(run, "train", out, seed, set_)


@app.command()
def program(run: Started, out: Out = None, seed: Seed = None, set_: Set = None) -> None:
    """Write the trained weights as settings, and the netlist."""
    _go(run, "program", out, seed, set_)


@app.command()
def verify(
    run: Started,
    out: Out = None,
    seed: Seed = None,
    set_: Set = None,
    spice: Annotated[bool, typer.Option("--spice", help="Compare the prototype with ngspice.")] = False,
) -> None:
    """Run the test samples through the programmed dies."""
    done = _go(run, "verify", out, seed, set_)
    if spice:
        from anamorph.cli_output import print_comparison
        from anamorph.stages.spice import compare_run

        found = compare_run(done.folder)
        print_comparison(found)
        if not found.agrees:
            raise typer.Exit(3)


@app.command()
def cost(run: Started, out: Out = None, seed: Seed = None, set_: Set = None) -> None:
    """What an inference takes in joules, seconds and square micrometres."""
    _go(run, "cost", out, seed, set_)


@app.command()
def report(run: Started, out: Out = None, seed: Seed = None, set_: Set = None) -> None:
    """Write the report (again)."""
    _go(run, "report", out, seed, set_)


@app.command(name="list")
def list_() -> None:
    """Name the experiments, substrates, technologies, memories and papers that can be used."""
    from anamorph.cli_output import print_names

    print_names()


@app.command()
def doctor() -> None:
    """Say what is installed, what is optional, and how to get it."""
    from anamorph.doctor import examine

    sys.stdout.write(examine())


app.command()(reproduce)
app.command()(netlist)
app.command()(presentation)
app.command()(linearity)
app.command()(nir)
app.command()(spikes)


def _go(subject: str, until: str, out: Path | None, seed: int | None, replace: list[str] | None) -> Any:
    from anamorph.cli_output import Progress, print_run
    from anamorph.experiment import load, parse_replacements
    from anamorph.stages.compilation import keep_compiled
    from anamorph.stages.drive import reopen
    from anamorph.stages.drive import run as drive

    keep_compiled()
    changed = parse_replacements(replace or [])
    reopened = until != "report" or out is None
    folder = Path(subject)
    with Progress() as progress:
        if reopened and folder.is_dir():
            if out is not None or seed is not None or changed:
                raise BadInput(
                    "a run folder holds its own experiment and seed", where=subject,
                    advice="Give the experiment's name or file to use --out, --seed or --set.",
                )  # fmt: skip
            done = reopen(folder, until, progress)
        else:
            if seed is not None:
                changed["seed"] = str(seed)
            done = drive(load(subject, changed), out, until=until, watch=progress)
    print_run(done, until)
    return done


def main() -> None:
    """Entry point of the `anamorph` command."""
    app()
