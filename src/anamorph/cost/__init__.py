"""Cost: what an inference takes. Call it: see `anamorph.stages.cost.cost`."""

from anamorph.verb import callable_package

callable_package(__name__, "anamorph.stages.cost:cost")
