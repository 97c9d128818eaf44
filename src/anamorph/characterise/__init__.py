"""Characterise: what a bench reads of chips. Call it: see `anamorph.stages.characterise.characterise`."""

from anamorph.verb import callable_package

callable_package(__name__, "anamorph.stages.characterise:characterise")
