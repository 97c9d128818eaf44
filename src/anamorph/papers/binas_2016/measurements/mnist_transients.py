"""Transients of a 196-100-50-10 die from one test image to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from anamorph.papers.binas_2016.measurements._large import Large
from anamorph.papers.binas_2016.measurements._transients import CURRENTS, PRESENTATION, Decisions, decisions
from anamorph.papers.measure import Context, Findings, Measured
from anamorph.report import figures
from anamorph.report.page import Figure

#: Share of the images that have to be at their final output for an image rate to count.
ENOUGH = 0.99


def measure(context: Context) -> Findings:
    """Time to output, energy and power at both input currents."""
    large = Large.of(context, "mnist14")
    found = decisions(large, "mnist")
    slow, fast = found[CURRENTS[0]], found[CURRENTS[1]]
    operations = slow.found.operations
    claims = timing(slow, fast) | energies(slow, fast) | rates(slow, operations)
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
    """When outputs are final."""
    known = slow.times[np.isfinite(slow.times)]
    spread = float(known.std()) if known.size else None
    return {
        "time_to_output_15na": slow.mean(slow.found.time_to_output),
        "time_to_output_15na_spread": Measured(spread, n=known.size, note=slow.note),
        "output_within_15us": Measured(slow.share_within(PRESENTATION), n=slow.n),
        "time_to_output_45na": fast.mean(fast.found.time_to_output),
        "output_within_7us": Measured(fast.share_within(7e-6), n=fast.n),
    }


def energies(slow: Decisions, fast: Decisions) -> dict[str, Measured]:
    """Energies per operation."""
    operations = slow.found.operations
    stopped = [np.nanmean(d.found.energy_per_operation) for d in (slow, fast)]
    whole = slow.found.energy / operations
    efficiency = operations / float(np.nanmean(slow.found.energy))
    return {
        "energy_per_operation_15us": slow.mean(whole),
        "energy_per_operation_stopped": slow.mean(slow.found.energy_per_operation),
        "energy_ratio_of_currents": Measured(float(stopped[1] / stopped[0]), n=slow.n),
        "mnist_efficiency": Measured(efficiency, n=slow.n, note="Over 15 us at 15 nA."),
        "power": slow.mean(slow.found.power),
    }


def rates(slow: Decisions, operations: int) -> dict[str, Measured]:
    """How many images, and operations, a second at 15 nA."""
    needed = float(np.quantile(slow.times, ENOUGH, method="higher"))
    if not np.isfinite(needed):
        late = Measured(
            None, note=f"Only {100 * slow.share_within(PRESENTATION):.1f} % are at their final output after 15 us."
        )
        return {name: late for name in ("image_rate", "throughput", "throughput_as_printed")}
    rate = Measured(1 / needed, n=slow.n, note="The time after which 99 % are at their final output.")
    done = Measured(operations / needed, n=slow.n)
    return {"image_rate": rate, "throughput": done, "throughput_as_printed": done}
