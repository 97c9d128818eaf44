"""`anamorph processor run` and `anamorph processor sweep`: a network on one processor, and on many."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from anamorph.cli_arguments import block_size, memory_bytes, sizes, write_json
from anamorph.errors import Interrupted

Subject = Annotated[str, typer.Argument(metavar="NAME|FILE.onnx", help="A built-in network, or an ONNX file.")]
Memory = Annotated[str, typer.Option(help="2d_nor, 1t1r, 3d_nand; or a kind of cell.")]
Encoding = Annotated[str, typer.Option(help="Of inputs: ins, lin, exp; by default the memory's.", show_default=False)]
Bits = Annotated[int, typer.Option(help="Of inputs, weights and outputs.")]
WeightBits = Annotated[int | None, typer.Option(help="Of weights, if others.", show_default=False)]
OutputBits = Annotated[int | None, typer.Option(help="Of outputs, if others.", show_default=False)]
Block = Annotated[str, typer.Option(metavar="ROWSxCOLUMNS", help="Weights of a block.")]
Stack = Annotated[int, typer.Option(help="Blocks that share bit lines and neurons.")]
Accumulation = Annotated[str, typer.Option(help="Of parts of a matrix in a stack: analog or digital.")]
Copies = Annotated[int, typer.Option(help="Of the layer with most vectors; others in proportion.")]
Pipelined = Annotated[bool, typer.Option("--pipelined", help="Every layer works on an inference of its own.")]
Blocks = Annotated[int | None, typer.Option(help="On the chip; by default what the network needs.", show_default=False)]
Edram = Annotated[str | None, typer.Option(metavar="SIZE", help="Memory, as 512kB; by default what the network needs.",
                                           show_default=False)]  # fmt: skip
Bus = Annotated[int, typer.Option(help="Bits of the bus between memory and blocks.")]
Aux = Annotated[int, typer.Option(help="Lanes of the auxiliary unit.")]
Node = Annotated[str, typer.Option(help="Of logic and periphery.")]
Dimension = Annotated[list[str] | None, typer.Option(metavar="NAME=N", help="Size of an open dimension of a file.",
                                                     show_default=False)]  # fmt: skip
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Write result and page to this folder.",
                                          show_default=False)]  # fmt: skip
ToJson = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all numbers to this file.",
                                             show_default=False)]  # fmt: skip


def run(
    subject: Subject, memory: Memory = "2d_nor", encoding: Encoding = "", bits: Bits = 4,
    weight_bits: WeightBits = None, output_bits: OutputBits = None, block: Block = "256x256", stack: Stack = 4,
    accumulation: Accumulation = "analog", copies: Copies = 1, pipelined: Pipelined = False, blocks: Blocks = None,
    edram: Edram = None, bus: Bus = 256, aux: Aux = 64, node: Node = "55 nm", dimension: Dimension = None,
    out: Out = None, to_json: ToJson = None,
) -> None:  # fmt: skip
    """Schedule a network on a processor of memory-cell multipliers: time, energy, area, layer by layer."""
    from anamorph.processor.design import Processor
    from anamorph.processor.run import run as go
    from anamorph.processor.run import text, write

    rows, columns = block_size(block)
    one = Processor(
        memory, encoding, bits, weight_bits or bits, output_bits or bits, rows, columns, stack, accumulation, copies,
        pipelined, blocks, memory_bytes(edram), bus, aux, node,
    )  # fmt: skip
    done = go(subject, one, sizes(dimension or []))
    sys.stdout.write(text(done))
    if to_json is not None:
        write_json(to_json, done.result)
    if out is not None:
        sys.stdout.write(f"report: {write(done, out).absolute()}\n")


def sweep(
    subject: Subject,
    vary: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=A,B,...|LOW:HIGH", show_default=False,
                     help="Values of a parameter of the processor (block and bits set all of theirs); LOW:HIGH "
                     "doubles. May be repeated; by default memory, block, stack, copies and bus_bits."),
    ] = None,
    memory: Memory = "2d_nor", encoding: Encoding = "", bits: Bits = 4, block: Block = "256x256", stack: Stack = 4,
    accumulation: Accumulation = "analog", copies: Copies = 1, pipelined: Pipelined = False, bus: Bus = 256,
    aux: Aux = 64, node: Node = "55 nm",
    points: Annotated[int | None, typer.Option(min=1, help="So many of all combinations, drawn at random.",
                                               show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Of that draw.")] = 0,
    dimension: Dimension = None, out: Out = None, to_json: ToJson = None,
) -> None:  # fmt: skip
    """Evaluate a network on many processors; those that no other beats in energy, throughput and area efficiency."""
    from anamorph.processor import sweep_page
    from anamorph.processor.design import Processor
    from anamorph.processor.grid import DEFAULT, Grid, parse_values
    from anamorph.processor.layers import plan
    from anamorph.processor.sweep import sweep as go
    from anamorph.processor.workloads import load

    rows, columns = block_size(block)
    base = Processor(memory, encoding, bits, bits, bits, rows, columns, stack, accumulation, copies, pipelined,
                     None, None, bus, aux, node)  # fmt: skip
    values = parse_values(vary) if vary else {name: tuple(v) for name, v in DEFAULT.items()}
    grid = Grid(base, values)
    layers = plan(load(subject, sizes(dimension or [])))
    with _Bar(min(points or len(grid), len(grid))) as bar:
        found = go(layers, grid, points, seed, bar)
    sys.stdout.write(sweep_page.text(found))
    if to_json is not None:
        write_json(to_json, sweep_page.as_json(found))
    if out is not None:
        sys.stdout.write(f"report: {sweep_page.write(found, out).absolute()}\n")
    if not found.complete:
        done = f"{len(found.number):,} of {found.asked:,} designs"
        raise Interrupted(f"stopped after {done}", advice="What they gave is above.")


class _Bar:
    """A progress bar on stderr, where there is a terminal."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self._progress = Progress(console=console, disable=not console.is_terminal, transient=True)
        self._task = self._progress.add_task("designs", total=total)

    def __call__(self, done: int, of: int) -> None:
        self._progress.update(self._task, completed=done, total=of)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
