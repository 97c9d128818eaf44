"""The stages of `anamorph.flow`, one file each: what they need, what they keep in the run folder."""
