"""How long an input has to be presented: a law fitted to transients, and what it saves.

Binas et al. 2016 (section 2) propose it and leave it open: a chip that shows every input for as long as the slowest one
needs wastes energy on the others. `law` predicts the time from what is known of an input, `policies` says what
stopping at the predicted time, or scaling the input's current, is worth; `anamorph.stages.presentation` measures both
on a run.
"""
