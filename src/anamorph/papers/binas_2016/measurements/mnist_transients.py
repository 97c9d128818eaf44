"""Transients of a 196-100-50-10 die from one test image to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from anamorph.papers.binas_2016.measurements._large import Large
from anamorph.papers.binas_2016.measurements._transients import CURRENTS, PRESENTATION, Decisions, decisions
from anamorph.papers.measure import Context, Findings, Measured, left_out
from anamorph.report import figures
from anamorph.report.page import Figure

#: Share of the images that have to be at their final output for an image rate to count, and images that tell it.
ENOUGH, FEWEST = 0.99, 100


def measure(context: Context) -> Findings:
    """Time to output, energy and power at both input currents."""
    large = Large.of(context, "mnist14")
    found = decisions(large, "mnist")
    slow, fast = found[CURRENTS[0]], found[CURRENTS[1]]
    operations = slow.found.operations
    claims = timing(slow, fast) | energies(slow, fast) | rates(slow, fast, operations)
    return Findings(claims, redrawn(slow, fast, large.setup.task.class_names))


def redrawn(slow: Decisions, fast: Decisions, class_names: tuple[str, ...]) -> dict[str, tuple[Figure, ...]]:
    """Figs. 3 and 4 from these transients."""
    wave, both = slow.activity(class_names), (slow, fast)
    size = "-".join(str(len(rows)) for rows in slow.hidden)
    caption = (
        f"{wave.caption} One die with a mismatched threshold on every transistor, hidden layers of {size} neurons, "
        f"mean input {slow.name}; the paper shows a 196-50-10 network."
    )
    pairs = [d.decided for d in both]
    return {
        "Figure 3": (replace(wave, caption=caption),),
        "Figure 4a": (figures.time_against_power(pairs, slow.found.operations),),
        "Figure 4b": (figures.energy_against_run_time([d.course for d in both]),),
        "Figure 4c": (figures.energy_histogram(pairs),),
    }


def timing(slow: Decisions, fast: Decisions) -> dict[str, Measured]:
    """When outputs are final. Shares of one in a hundred need hundreds of samples."""
    known = slow.times[np.isfinite(slow.times)]
    spread = float(known.std()) if known.size else None
    return {
        "time_to_output_15na": slow.mean(slow.found.time_to_output, _unchanged(slow)),
        "time_to_output_15na_spread": Measured(spread, n=known.size, note=slow.note),
        "output_within_15us": _share(slow, PRESENTATION),
        "time_to_output_45na": fast.mean(fast.found.time_to_output, _unchanged(fast)),
        "output_within_7us": _share(fast, 7e-6),
    }


def _unchanged(found: Decisions) -> str:
    """For a note: samples whose class is that of the one before have their output from the start."""
    known = found.times[np.isfinite(found.times)]
    others = known[known > 0]
    if len(others) == len(known) or not len(others):
        return ""
    return (
        f"{len(known) - len(others)} whose class never differed from the one before count as 0; without them "
        f"{1e6 * others.mean():.1f} +- {1e6 * others.std():.1f} us."
    )


def _share(found: Decisions, limit: float) -> Measured:
    """Of the samples that are at their final output in time, with what is known of the late ones."""
    if found.n < FEWEST:
        return left_out(f"a share of 99 % cannot be told from {found.n} samples")
    return Measured(found.share_within(limit), n=found.n, note=f"One die. {found.slow_ones(limit)}".strip())


def energies(slow: Decisions, fast: Decisions) -> dict[str, Measured]:
    """Energies per operation."""
    operations = slow.found.operations
    stopped = [np.nanmean(d.found.energy_per_operation) for d in (slow, fast)]
    whole = slow.found.energy / operations
    efficiency = operations / float(np.nanmean(slow.found.energy))
    return {
        "energy_per_operation_15us": slow.mean(whole),
        "energy_per_operation_stopped": slow.mean(slow.found.energy_per_operation),
        "energy_ratio_of_currents": Measured(float(stopped[1] / stopped[0]), n=slow.n, note=slow.note),
        "mnist_efficiency": Measured(efficiency, n=slow.n, note=f"Over 15 us at 15 nA. {slow.counted}"),
        "power": slow.mean(slow.found.power),
    }


def rates(slow: Decisions, fast: Decisions, operations: int) -> dict[str, Measured]:
    """How many images, and operations, a second at 15 nA; where too few are in time, a note has those at 45 nA."""
    if slow.n < FEWEST:
        few = left_out(f"the time of 99 % cannot be told from {slow.n} samples")
        return {name: few for name in ("image_rate", "throughput", "throughput_as_printed")}
    needed, sooner = (float(np.quantile(d.times, ENOUGH, method="higher")) for d in (slow, fast))
    if not np.isfinite(needed):
        said = f"Only {100 * slow.share_within(PRESENTATION):.1f} % are at their final output after 15 us."
        if np.isfinite(sooner):
            power = 1e6 * float(np.nanmean(fast.found.power))
            said += (
                f" At 45 nA 99 % are after {1e6 * sooner:.1f} us: {1e-3 / sooner:.0f} kHz and "
                f"{1e-9 * operations / sooner:.2f} GOp/s at {power:.0f} uW."
            )
        late = Measured(None, note=said)
        return {name: late for name in ("image_rate", "throughput", "throughput_as_printed")}
    rate = Measured(1 / needed, n=slow.n, note="The time after which 99 % are at their final output.")
    done = Measured(operations / needed, n=slow.n)
    return {"image_rate": rate, "throughput": done, "throughput_as_printed": done}
