"""`anamorph processor accuracy`: how well a network answers when its matrices are in memory cells."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from anamorph.errors import BadInput


def accuracy(
    subject: Annotated[
        str, typer.Argument(metavar="mnist|mnist_mlp|cifar10|NAME|FILE.onnx",
                            help="A task, or a network whose layers are judged one by one.")],
    memory: Annotated[list[str] | None, typer.Option(help="2d_nor, 1t1r, 3d_nand or a cell; may be repeated.")] = None,
    encoding: Annotated[str, typer.Option(help="ins, lin or exp; by default the memory's.", show_default=False)] = "",
    bits: Annotated[list[int] | None, typer.Option(min=1, max=16, help="Of all values; may be repeated.")] = None,
    dies: Annotated[int, typer.Option(min=1, max=1000, help="Chips.")] = 4,
    training: Annotated[
        list[str] | None, typer.Option(help="plain, rounding or cells; may be repeated; all by default.",
                                       show_default=False)] = None,
    test: Annotated[int | None, typer.Option(min=1, help="Test images at most.", show_default=False)] = None,
    train: Annotated[int | None, typer.Option(min=1, help="Training images at most.", show_default=False)] = None,
    epochs: Annotated[int | None, typer.Option(min=1, max=1000, help="In floating point.", show_default=False)] = None,
    figure: Annotated[
        list[str] | None, typer.Option(metavar="NAME=X", help="A figure of the cells with another value, SI units.",
                                       show_default=False)] = None,
    inputs: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Inputs of an ONNX file by name, and 'labels'.",
                                  show_default=False)] = None,
    dimension: Annotated[
        list[str] | None, typer.Option(metavar="NAME=N", help="Size of a dimension that an ONNX file leaves open.",
                                       show_default=False)] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1)] = 0,
    out: Annotated[Path | None, typer.Option(help="Run folder of a task.", show_default=False)] = None,
    to_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write it as JSON.", show_default=False)] = None,
) -> None:  # fmt: skip
    """Right answers of a trained network on chips, or the error of each layer of any network."""
    from anamorph.cli_arguments import sizes, write_json
    from anamorph.processor.accuracy.tasks import TASKS
    from anamorph.processor.design import Processor
    from anamorph.stages.compilation import keep_compiled

    keep_compiled()
    designs = tuple(
        Processor(memory=one, encoding=encoding, input_bits=n, weight_bits=n, output_bits=n)
        for one in memory or ["2d_nor"]
        for n in bits or [4]
    )
    if subject in TASKS:
        from anamorph.cli_output import Progress
        from anamorph.processor.accuracy.page import table
        from anamorph.processor.accuracy.run import run
        from anamorph.processor.accuracy.study import TRAININGS, Asked

        asked = Asked(subject, designs, tuple(training or TRAININGS), dies, train, test, epochs, figures(figure or []),
                      seed)  # fmt: skip
        with Progress({"study": "training and judging"}) as progress:
            progress("study")
            folder, found, result = run(asked, out, progress.tell)
            progress(None)
        sys.stdout.write(table(found))
        sys.stdout.write(f"report: {(folder / 'report.html').absolute()}\n")
    else:
        from anamorph.processor.accuracy.layers import judge, layer_table

        result = judge(subject, designs, dies, figures(figure or []), seed, inputs, sizes(dimension or []))
        sys.stdout.write(layer_table(result))
    if to_json is not None:
        write_json(to_json, result)


def figures(texts: list[str]) -> tuple[tuple[str, float], ...]:
    """NAME=X, each once, of the figures that cells have.

    Raises:
        BadInput: no such figure, or no number.
    """
    from anamorph.errors import nearest
    from anamorph.vmm.physics import Physics

    known, found = [name for name in Physics.__dataclass_fields__ if name != "active"], {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in known or name in found:
            raise BadInput(f"no such figure '{name[:80]}'", where="--figure", expected="NAME=X, each once",
                           advice=nearest(name, known))  # fmt: skip
        try:
            found[name] = float(value)
        except ValueError:
            raise BadInput("not a number", where=f"--figure {name}", got=f"'{value[:80]}'") from None
    return tuple(sorted(found.items()))
