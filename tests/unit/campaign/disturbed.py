"""A program that runs a campaign in a child process and kills it, for `test_kill.py`.

It imports once and forks for every attempt, so that dozens of kills take seconds.

    disturbed.py moments FOLDER SEED   kill at random moments, begin again, until one attempt gets through
    disturbed.py steps FOLDER          for every file operation: kill just before it, then go on undisturbed
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anamorph.campaign import Axis, Campaign, Point, Serial, Threads, run
from anamorph.errors import NotConverged

LONG = Campaign("disturbed", 7, (Axis("die", range(40)), Axis("corner", ("tt", "ss", "ff"))))
SHORT = Campaign("stepped", 7, (Axis("die", range(4)),))
#: Calls into the operating system, or into the buffer before it.
OPERATIONS = ("mkdir", "flush", "fsync", "replace", "unlink")


def work(point: Point) -> Mapping[str, Any]:
    """A few milliseconds of numbers; one corner of one die fails."""
    time.sleep(0.002)
    if point["die"] == 3 and point.values.get("corner", "ss") == "ss":
        raise NotConverged("no operating point", where=str(point))
    offset = np.random.default_rng(point.entropy("die")).normal(size=(2, 3))
    noise = np.random.default_rng(point.entropy()).normal(size=(2, 3))
    return {"slope": offset + 0.1 * noise, "passed": bool(noise[0, 0] > 0)}


def _child(job: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            job()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def _killed(child: int) -> bool:
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if status:
        raise SystemExit(f"an attempt ended with status {status}")
    return False


def moments(folder: str, seed: int) -> dict[str, int]:
    """Counts of kills, and of those that found some of the work done and some not."""
    draw, kills, halfway = random.Random(seed), 0, 0
    while True:
        scheduler, size = draw.choice((Serial(), Threads(3))), draw.randint(1, 4)
        child = _child(lambda s=scheduler, n=size: run(LONG, work, folder, s, shard_size=n, progress=False))
        # longer and longer, so that a slow machine gets through as well
        time.sleep(draw.uniform(0, 0.05 * 1.1**kills))
        os.kill(child, signal.SIGKILL)
        if not _killed(child):
            return {"kills": kills, "halfway": halfway}
        kills += 1
        halfway += any(name.startswith("points-") for name in os.listdir(folder)) if os.path.isdir(folder) else 0


def steps(folder: str) -> dict[str, int]:
    """Kill before the first, second, ... file operation, each in a folder of its own; how many there are."""
    step = 0
    while True:
        step += 1
        target = Path(folder) / str(step)

        def die_at_step(target: Path = target, left: int = step) -> None:
            def watch(_: object, event: str, called: Any) -> None:
                nonlocal left
                if event == "c_call" and called.__name__ in OPERATIONS:
                    left -= 1
                    if left == 0:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.setprofile(watch)
            run(SHORT, work, target, shard_size=2, progress=False)
            sys.setprofile(None)

        if not _killed(_child(die_at_step)):
            return {"steps": step - 1}
        run(SHORT, work, target, shard_size=2, progress=False)


if __name__ == "__main__":
    mode, path, *rest = sys.argv[1:]
    print(json.dumps(moments(path, int(rest[0])) if mode == "moments" else steps(path)))
