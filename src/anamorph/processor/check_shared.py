"""What tasks share: stacks, bus and auxiliary unit, memory, and the order in which tensors are given and taken.

Inferences follow one another by a period; in a pipeline several are at work at once. Everything is therefore looked at
around a circle of one period, onto which the tasks of one inference are wound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from anamorph.processor.schedule import Schedule, Task

#: Rounding of times added up, and of shares of a resource that are exactly used up.
ROUNDING = 1e-9


def shared_faults(schedule: Schedule) -> Iterator[str]:
    """Tasks at one time have stacks of their own, and bus and auxiliary unit have time for all of them."""
    slack = ROUNDING * schedule.latency
    for a, b in _neighbours(schedule.tasks, schedule.period, slack):
        if a.uses is None or b.uses is None:
            continue
        stacks = schedule.tiles.stack
        both = np.intersect1d(stacks[a.uses.tile], stacks[b.uses.tile])
        if len(both):
            names = (schedule.plan.layers[t.layer].name for t in (a, b))
            yield f"{' and '.join(names)} use stack {both[0]} at one time"
    for what in ("bus", "unit"):
        rates = [(t.start, t.end, getattr(t, what) / (t.end - t.start)) for t in schedule.tasks]
        most = wound(rates, schedule.period, slack)
        if most > 1 + ROUNDING * len(rates):
            yield f"{'the bus' if what == 'bus' else 'the auxiliary unit'} is needed {most:.3g} times at one time"


def _neighbours(tasks: Iterable[Task], period: float, slack: float) -> Iterator[tuple[Task, Task]]:
    """Pairs of tasks that overlap on the circle, each once; a task longer than a period overlaps itself."""
    pieces = sorted((piece for task in tasks for piece in _pieces(task, period, slack)), key=lambda p: p[0])
    open_: list[tuple[float, float, Task]] = []
    seen: set[tuple[int, int]] = set()
    for begin, end, task in pieces:
        open_ = [p for p in open_ if p[1] > begin + slack]
        for _, _, other in open_:
            key = (min(id(task), id(other)), max(id(task), id(other)))
            if key not in seen:
                seen.add(key)
                yield other, task
        open_.append((begin, end, task))


def _pieces(task: Task, period: float, slack: float) -> Iterator[tuple[float, float, Task]]:
    """A task's time wound onto the circle."""
    for begin, end in _wind(task.start, task.end, period, slack):
        yield begin, end, task


def _wind(start: float, end: float, period: float, slack: float) -> Iterator[tuple[float, float]]:
    laps = np.floor((start + slack) / period)
    begin, length = start - laps * period, end - start
    while length > slack:
        span = min(length, period - begin)
        if span > slack:
            yield begin, begin + span
        length -= span
        begin = 0.0


def wound(intervals: Iterable[tuple[float, float, float]], period: float, slack: float) -> float:
    """The largest sum of the third entries over the intervals that hold one point of the circle."""
    events: list[tuple[float, float]] = []
    for start, end, amount in intervals:
        for begin, stop in _wind(start, end, period, slack):
            # what ends a rounding after another begins does not overlap it
            events += [(begin, amount), (stop - slack, -amount)]
    at = np.array(events).reshape(-1, 2)
    at = at[np.lexsort((at[:, 1], at[:, 0]))]
    return float(at[:, 1].cumsum().max(initial=0.0))


def memory_faults(schedule: Schedule) -> Iterator[str]:
    """Tensors that are held at one time fit the memory."""
    plan, slack = schedule.plan, ROUNDING * schedule.latency
    begin = [0.0 if i < plan.inputs else np.inf for i in range(len(plan.tensors))]
    end = [0.0] * len(plan.tensors)
    for task in schedule.tasks:
        layer = plan.layers[task.layer]
        for t in layer.gives:
            begin[t], end[t] = min(begin[t], task.start), max(end[t], task.end)
        for t in layer.reads:
            end[t] = max(end[t], task.end)
    if not schedule.processor.pipelined:
        for t in plan.outputs:
            end[t] = schedule.latency
    held = [(b, e, float(t.size)) for t, b, e in zip(plan.tensors, begin, end, strict=True) if e > b]
    values = wound(held, schedule.period, slack) + plan.resident
    bits = values * schedule.processor.value_bits
    if bits > schedule.chip.memory_bits:
        yield f"memory holds {bits / 8:.6g} bytes of {schedule.chip.memory_bits / 8:.6g}"


def order_faults(schedule: Schedule) -> Iterator[str]:
    """No task begins before what it takes is there; in a loop, before all of the step before is done."""
    plan, slack = schedule.plan, ROUNDING * schedule.latency
    giver = {t: i for i, layer in enumerate(plan.layers) for t in layer.gives}
    by_step = {(t.layer, t.step): t for t in schedule.tasks}
    last_end = {i: max(by_step[i, s].end for s in range(layer.steps)) for i, layer in enumerate(plan.layers)}
    loops: dict[int, list[int]] = {}
    for i, layer in enumerate(plan.layers):
        if layer.loop >= 0:
            loops.setdefault(layer.loop, []).append(i)
    for task in schedule.tasks:
        layer = plan.layers[task.layer]
        for i in {giver[t] for t in layer.reads if t in giver}:
            inside = layer.loop >= 0 and plan.layers[i].loop == layer.loop
            ready = by_step[i, task.step].end if inside else last_end[i]
            if task.start < ready - slack:
                yield f"{layer.name} begins before {plan.layers[i].name} has ended"
        if layer.loop >= 0 and task.step:
            ready = max(by_step[i, task.step - 1].end for i in loops[layer.loop])
            if task.start < ready - slack:
                yield f"{layer.name} begins step {task.step + 1} before the step before has ended"
