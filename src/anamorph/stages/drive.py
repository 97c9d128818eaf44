"""Drive a run: find its folder, go through the stages, time them, and stop where asked or interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anamorph.errors import BadInput, Interrupted
from anamorph.experiment import Experiment, load
from anamorph.run_folder import EXPERIMENT, REPORT, RESULT, TIMINGS, RunFolder, open_for

if TYPE_CHECKING:
    from anamorph.stages.setup import Setup

#: In the order of the flow.
STAGES = ("fabricate", "characterise", "fit", "train", "program", "verify", "cost", "report")
#: Told the name of each stage as it begins, and None at the end.
Watch = Callable[[str | None], None]


@dataclass(frozen=True)
class Run:
    """A run that got as far as it was asked to.

    Attributes:
        folder: where everything is.
        experiment: what was asked.
        result: content of ``result.json``; empty where the run stopped before its end.
    """

    folder: Path
    experiment: Experiment
    result: Mapping[str, Any] = field(repr=False)

    @property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]:
        """Name -> value, unit, low, high, basis, n."""
        return self.result.get("metrics", {})

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / REPORT


def run(
    experiment: Experiment | str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    *,
    replace: Mapping[str, str] | None = None,
    until: str = STAGES[-1],
    watch: Watch | None = None,
) -> Run:
    """The closed loop: fabricate, measure, train through the measurement, program, verify, cost, report.

    Args:
        experiment: a built-in name, a TOML file, or an `Experiment`.
        out: run folder; by default the newest incomplete one of this experiment in ``runs/``, or a new one.
        seed: of all randomness; the experiment's own if left out.
        replace: values of the experiment to replace, by dotted key.
        until: last stage to run.
        watch: told the name of each stage as it begins, and None at the end.

    Raises:
        BadInput: an experiment that makes no sense, a folder that is taken.
        NotConverged: a chip that cannot be measured.
        Interrupted: Ctrl-C. What is done is kept; the same call goes on from there.
    """
    changed = dict(replace or {}) | ({} if seed is None else {"seed": str(seed)})
    if isinstance(experiment, Experiment):
        if changed:
            raise BadInput("an Experiment is complete", where="run: seed, replace", advice="Load it with these values.")
        chosen = experiment
    else:
        chosen = load(experiment, changed)
    target = Path(out) if out is not None else None
    setup = _prepare(chosen, watch)  # what is wrong with the experiment is said before a folder is made
    with open_for(chosen.name, chosen.text(), target, complete=until != STAGES[-1]) as folder:
        return advance(setup, folder, until, watch)


def reopen(path: Path, until: str = STAGES[-1], watch: Watch | None = None) -> Run:
    """Go on with the run of a folder; of a complete one, only the report is made again.

    Raises:
        BadInput: no run folder.
    """
    if not (path / EXPERIMENT).is_file():
        raise BadInput("not a run folder", where=str(path), expected=f"a folder that holds {EXPERIMENT}")
    chosen = load(path / EXPERIMENT)
    setup = _prepare(chosen, watch)
    with open_for(chosen.name, chosen.text(), path, complete=True) as folder:
        return advance(setup, folder, until, watch)


def _prepare(chosen: Experiment, watch: Watch | None) -> Setup:
    from anamorph.data.registry import fetch
    from anamorph.stages.setup import Setup

    fetch(chosen.data.name)  # with a progress bar of its own, before that of the stages
    if watch is not None:
        watch("prepare")
    return Setup.of(chosen)


def advance(setup: Setup, folder: RunFolder, until: str, watch: Watch | None = None) -> Run:
    """Run the missing stages up to `until` in a folder that is held."""
    if until not in STAGES:
        raise BadInput(f"no stage '{until}'", expected=", ".join(STAGES))
    tell = watch or (lambda stage: None)
    seconds: dict[str, float] = {}
    try:
        _go(setup, folder, until, tell, seconds)
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; what is done is kept",
            where=str(folder.path),
            advice="The same command goes on from there.",
        ) from None
    tell(None)
    earlier = folder.read_json(TIMINGS) if folder.has(TIMINGS) else {}
    # a stage that found its artefact took no time worth keeping
    folder.write_json(TIMINGS, {**seconds, **earlier} if isinstance(earlier, dict) else seconds)
    return Run(folder.path, setup.experiment, folder.read_json(RESULT) if folder.has(RESULT) else {})


def _go(setup: Setup, folder: RunFolder, until: str, tell: Watch, seconds: dict[str, float]) -> None:
    from anamorph.flow import closed_loop

    current, begun = "prepare", time.perf_counter()
    for stage in closed_loop(setup, folder):
        now = time.perf_counter()
        seconds[current] = round(now - begun, 3)
        if current == until:
            return
        current, begun = stage, now
        tell(stage)
    seconds[current] = round(time.perf_counter() - begun, 3)
