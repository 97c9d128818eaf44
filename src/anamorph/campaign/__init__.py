"""Many computations of one kind: dies, draws, corners and initialisations, in shards that survive a kill.

    from anamorph.campaign import Axis, Campaign, Threads, run
    campaign = Campaign("lot", seed=1, axes=(Axis("die", range(100)), Axis("initialisation", range(10))))
    table = run(campaign, work, "runs/lot", Threads())  # the same line goes on after a kill

`work` gets a `Point` and returns named arrays; `run` returns an `xarray.Dataset` with the axes as dimensions.
"""

from anamorph.campaign.drive import run
from anamorph.campaign.plan import Axis, Campaign, Point
from anamorph.campaign.scheduler import Scheduler, Serial, Threads
from anamorph.campaign.store import read

__all__ = ["Axis", "Campaign", "Point", "Scheduler", "Serial", "Threads", "read", "run"]
