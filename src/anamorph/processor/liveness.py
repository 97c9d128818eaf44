"""Which tensors memory holds at one time, in values.

A tensor is held from the begin of the first layer that writes it to the end of the last that reads it; inputs from the
beginning, outputs to the end of the inference; parameters of the auxiliary unit always. Within a loop all of a tensor
is held until the loop's last step.
"""

from __future__ import annotations

from anamorph.processor.layers import Plan


def pipeline_levels(plan: Plan) -> list[int]:
    """The window of the pipeline in which each layer works: one after the latest of those that it reads from.

    A loop is one stage: its layers work in the same window.
    """
    stages = stages_of(plan)
    of = {i: stage for stage, members in enumerate(stages) for i in members}
    giver = {t: of[i] for i, layer in enumerate(plan.layers) for t in layer.gives}
    level = [0] * len(stages)
    for stage, members in enumerate(stages):
        before = {giver[t] for i in members for t in plan.layers[i].reads if t in giver} - {stage}
        level[stage] = max((level[b] + 1 for b in before), default=0)
    return [level[of[i]] for i in range(len(plan.layers))]


def stages_of(plan: Plan) -> list[list[int]]:
    """Indices of the layers of each stage: a loop, or a layer alone."""
    stages: list[list[int]] = []
    for i, layer in enumerate(plan.layers):
        if layer.loop >= 0 and stages and plan.layers[stages[-1][-1]].loop == layer.loop:
            stages[-1].append(i)
        else:
            stages.append([i])
    return stages


def lifetimes(plan: Plan) -> list[tuple[int, int]]:
    """First and last stage during which each tensor is held."""
    stages = stages_of(plan)
    of = {i: stage for stage, members in enumerate(stages) for i in members}
    begin = [0] * len(plan.tensors)
    end = [0] * len(plan.tensors)
    for i, layer in enumerate(plan.layers):
        for t in layer.gives:
            begin[t] = end[t] = of[i]
        for t in layer.reads:
            end[t] = of[i]
    for t in plan.outputs:
        end[t] = len(stages) - 1
    return list(zip(begin, end, strict=True))


def peak_values(plan: Plan, levels: list[int] | None) -> int:
    """The most values held at once: one layer at a time, or, with `levels`, in a full pipeline.

    In a pipeline a tensor that is held for n windows is there n times, for n inferences.
    """
    if levels is None:
        change_at = [0] * (len(stages_of(plan)) + 1)
        for tensor, (begin, end) in zip(plan.tensors, lifetimes(plan), strict=True):
            change_at[begin] += tensor.size
            change_at[end + 1] -= tensor.size
        peak = total = 0
        for change in change_at:
            total += change
            peak = max(peak, total)
        return peak + plan.resident
    spans = pipeline_lifetimes(plan, levels)
    held = [t.size * (last - first + 1) for t, (first, last) in zip(plan.tensors, spans, strict=True)]
    return plan.resident + sum(held)


def pipeline_lifetimes(plan: Plan, levels: list[int]) -> list[tuple[int, int]]:
    """First and last window of the pipeline in which each tensor is held; outputs to the end of their own window."""
    first, last = [0] * len(plan.tensors), [0] * len(plan.tensors)
    for i, layer in enumerate(plan.layers):
        for t in layer.gives:
            first[t] = last[t] = levels[i]
    for i, layer in enumerate(plan.layers):
        for t in layer.reads:
            last[t] = max(last[t], levels[i])
    return list(zip(first, last, strict=True))
