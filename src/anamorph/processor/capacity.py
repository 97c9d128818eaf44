"""What to say of a network that is larger than the chip: how many chips, or which memory would do."""

from __future__ import annotations

import math
from dataclasses import replace

from anamorph.errors import BadInput, DoesNotFit
from anamorph.processor.arrays import columns_of
from anamorph.processor.design import MEMORIES, Processor
from anamorph.processor.designs import designs_of
from anamorph.processor.evaluate import Evaluation, evaluate
from anamorph.processor.layers import Plan
from anamorph.processor.stack import Costs
from anamorph.vmm.refusal import refusal


def require(plan: Plan, processor: Processor, found: Evaluation, costs: Costs | None = None) -> None:
    """Check that a processor can exist and holds a network.

    Raises:
        BadInput: its multipliers cannot work: why.
        DoesNotFit: too few blocks (how many chips it would take, and which memories would do on the same area), or too
            little memory.
    """
    reason = refusal(processor.multiplier())
    if reason is not None:
        raise BadInput(f"blocks of {processor.memory} with {processor.encoding} inputs cannot work: {reason}",
                       where="processor", advice=_others(plan, processor))  # fmt: skip
    needed, there = int(found.place.needed[0]), int(found.place.stacks[0])
    name = plan.network.name
    if needed > there:
        others = roomy(plan, processor, float(found.chip_area[0]), costs)
        instead = f"; on the same area it would fit with {', '.join(others)}" if others else ""
        raise DoesNotFit(
            f"{name} is larger than the chip", where="processor", expected=f"{needed * processor.stack} blocks",
            got=f"{there * processor.stack}",
            advice=f"It takes {math.ceil(needed / there)} such chips{instead}.",
        )  # fmt: skip
    if found.held_bits[0] > found.memory_bits[0]:
        raise DoesNotFit(
            f"the activations of {name} are larger than the memory", where="processor",
            expected=f"{math.ceil(found.held_bits[0] / 8)} bytes", got=str(processor.edram_bytes),
        )  # fmt: skip


def on(plan: Plan, processor: Processor, costs: Costs | None = None) -> Evaluation:
    """A network on one processor."""
    return evaluate(columns_of(plan, pipelined=processor.pipelined), designs_of([processor]), costs)


def memories(plan: Plan, processor: Processor, costs: Costs | None = None) -> dict[str, Evaluation | str]:
    """The network on as small a processor of each memory as holds it, or why that memory cannot work."""
    found: dict[str, Evaluation | str] = {}
    for name, (_, encoding) in MEMORIES.items():
        other = replace(processor, memory=name, encoding=encoding, blocks=None, edram_bytes=None)
        reason = refusal(other.multiplier())
        found[name] = reason if reason is not None else on(plan, other, costs)
    return found


def roomy(plan: Plan, processor: Processor, area: float, costs: Costs | None = None) -> list[str]:
    """Memories of which a chip of no more than `area`, in m², would hold the network, with the area that they take."""
    fits = {
        name: float(one.chip_area[0])
        for name, one in memories(plan, processor, costs).items()
        if not isinstance(one, str) and float(one.chip_area[0]) <= area and name != processor.memory
    }
    return [f"{name} ({1e6 * size:.3g} mm²)" for name, size in sorted(fits.items(), key=lambda item: item[1])]


def _others(plan: Plan, processor: Processor) -> str:
    works = [name for name, one in memories(plan, processor).items() if not isinstance(one, str)]
    return f"With these bits and sizes {', '.join(works)} would work." if works else ""
