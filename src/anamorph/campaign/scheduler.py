"""Who computes the shards of a campaign: the one small interface between a plan and the machines.

A scheduler is given a function, the shards and nothing else, and hands back results in any order. It draws no
random number, writes no file and decides nothing, so the results cannot depend on it.

For machines other than this one a scheduler has to send the function: `run` passes a `functools.partial` of a
top-level function, a `Campaign` (plain values) and the user's `work`, so it travels if `work` is a top-level function
too. A Dask scheduler is then `client.map` and `distributed.as_completed`; results come back as arrays, and one process
writes all files. What is read from files is never unpickled.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from anamorph.errors import BadInput

#: Indices of the points that are computed together.
Shard = range
Result = TypeVar("Result")


@runtime_checkable
class Scheduler(Protocol):
    """Computes shards somewhere."""

    def map(
        self, work: Callable[[Shard], Result], shards: Sequence[Shard]
    ) -> Generator[tuple[Shard, Result], None, None]:
        """Yield every shard once with its result, in any order, each as soon as it is there.

        What `work` raises is raised here. Closing the generator stops what has not begun.
        """
        ...


@dataclass(frozen=True)
class Serial:
    """One shard after the other, in this thread."""

    def map(
        self, work: Callable[[Shard], Result], shards: Sequence[Shard]
    ) -> Generator[tuple[Shard, Result], None, None]:
        """See `Scheduler.map`."""
        for shard in shards:
            yield shard, work(shard)


@dataclass(frozen=True)
class Threads:
    """Several shards at a time in threads of this process.

    Compiled code runs outside Python's lock, and threads share what one of them has compiled; processes would each
    compile it again. For the same reason the first shard is computed alone.

    Attributes:
        n: how many threads; all cores if left out.

    Raises:
        BadInput: `n` is not positive.
    """

    n: int | None = None

    def __post_init__(self) -> None:
        if self.n is not None and self.n < 1:
            raise BadInput("not a number of threads", expected="1 or more", got=str(self.n))

    def map(
        self, work: Callable[[Shard], Result], shards: Sequence[Shard]
    ) -> Generator[tuple[Shard, Result], None, None]:
        """See `Scheduler.map`. On the way out it waits for the shards at work: a thread cannot be stopped."""
        for shard in shards[:1]:
            yield shard, work(shard)
        with ThreadPoolExecutor(self.n or os.cpu_count() or 1) as pool:
            at_work: dict[Future[Any], Shard] = {pool.submit(work, shard): shard for shard in shards[1:]}
            try:
                for done in as_completed(at_work):
                    # forget the result once it is handed on: a long campaign would hold everything twice
                    yield at_work.pop(done), done.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
