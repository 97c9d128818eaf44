"""Run a campaign: compute what is missing, keep every shard as soon as it is done, show how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from anamorph.campaign.plan import Campaign, Point, shards
from anamorph.campaign.rows import Rows, row, stack
from anamorph.campaign.scheduler import Scheduler, Serial
from anamorph.campaign.store import Store, claim
from anamorph.errors import BadInput, DoesNotFit, Interrupted, NotConverged, OutOfDomain
from anamorph.run_folder import RunFolder

#: What a point's work can fail with and be a result: the chip, not the caller, is why.
RECORDED = (NotConverged, OutOfDomain, DoesNotFit)
#: From a point to its named results.
Work = Callable[[Point], Mapping[str, Any]]


def run(
    campaign: Campaign,
    work: Work,
    folder: str | Path,
    scheduler: Scheduler | None = None,
    *,
    shard_size: int = 1,
    progress: bool = True,
) -> xr.Dataset:
    """Compute the points of a campaign that its folder does not hold yet, and give the table of all of them.

    Stopped in any way and called again, it gives the same table as if it had never been stopped; so it does with
    another scheduler or another size of shards, as long as `work` depends on its point alone.

    A point whose work raises `NotConverged`, `OutOfDomain` or `DoesNotFit` is a row of NaN with the reason in
    ``failed``, and is not tried again. Anything else that `work` raises stops the campaign, because it is a mistake
    of the caller; what is done is kept.

    Args:
        campaign: the plan.
        work: named numbers or arrays of one point, of the same names, types and shapes for every point. Several
            schedulers call it from several threads.
        folder: a new or empty folder, or that of the same plan.
        scheduler: who computes; `Serial` if left out.
        shard_size: points per file, which is also what a kill loses at most per worker. One suits points of
            seconds; take more where points are quick.
        progress: show a bar on stderr.

    Returns:
        Named results with the campaign's axes as dimensions, and ``failed``, a text, empty where there are values.

    Raises:
        BadInput: a folder of another plan or with a broken file, a bad size, results that do not match.
        NotConverged: every single point failed.
        Interrupted: Ctrl-C. What is done is kept; the same call goes on from there.
    """
    path = Path(folder)
    _check(campaign, work, shard_size)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot make the campaign's folder ({error})", where=repr(str(path))[1:-1]) from None
    with RunFolder(path) as held:
        try:
            store = claim(campaign, held)
            _advance(store, held, work, scheduler or Serial(), shard_size, progress)
        except KeyboardInterrupt:
            raise Interrupted(
                "interrupted; what is done is kept", where=str(path), advice="The same call goes on from there."
            ) from None
    found = store.dataset()
    if store.n_failed == len(campaign):
        first = str(found["failed"].values.flat[0])
        raise NotConverged("every point failed", where=f"campaign '{campaign.name}'", got=first)
    return found


def compute(campaign: Campaign, work: Work, shard: range) -> Rows:
    """The results of one shard. A top-level function, so that a scheduler can send it elsewhere."""
    rows, failed = [], []
    for point in (Point(campaign, index) for index in shard):
        try:
            rows.append(row(work(point), point))
            failed.append("")
        except RECORDED as error:
            rows.append(None)
            failed.append(f"{type(error).__name__}: {error}")
        except Exception as error:
            error.add_note(f"at {point} of campaign '{campaign.name}'")
            raise
    return stack(rows, failed, campaign, shard.start)


def _check(campaign: Campaign, work: Work, shard_size: int) -> None:
    if not callable(work):
        raise BadInput("work is not a function", where=f"campaign '{campaign.name}'", got=type(work).__name__)
    shards((), shard_size)  # before a folder is made


def _advance(
    store: Store, folder: RunFolder, work: Work, scheduler: Scheduler, shard_size: int, progress: bool
) -> None:
    campaign, missing = store.campaign, store.missing()
    results = scheduler.map(partial(compute, campaign, work), shards(missing, shard_size))
    with _bar(progress) as bar, closing(results):
        task = bar.add_task(_said(store), total=len(campaign), completed=len(campaign) - len(missing))
        for shard, rows in results:
            store.add(shard, rows, folder)
            bar.update(task, advance=len(shard), description=_said(store))


def _said(store: Store) -> str:
    name = store.campaign.name
    return escape(f"{name}, {store.n_failed} failed" if store.n_failed else name)


def _bar(shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("points"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
        disable=not shown,
    )
