"""Verify: accuracy and yield of programmed chips. Call it: see `anamorph.verify.verdict.verify`."""

from anamorph.verb import callable_package

callable_package(__name__, "anamorph.verify.verdict:verify")
