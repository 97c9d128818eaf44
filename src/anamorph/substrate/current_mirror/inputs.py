"""What may be driven into a chip: checks of input currents and of batch axes."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from anamorph.errors import BadInput, DoesNotFit


def checked_inputs(inputs: Any, n_in: int) -> Float[Array, "dies programs patterns n_in"]:
    """Inputs with all axes. Raises `BadInput` for another number of them, NaN, or a negative current."""
    currents = jnp.asarray(inputs, float)
    if not 2 <= currents.ndim <= 4 or currents.shape[-1] != n_in:
        raise BadInput(
            "inputs do not match the chip",
            expected=f"[dies, programs, patterns, {n_in}], leading axes optional",
            got=str(currents.shape),
            advice="Pad unused inputs with zeros.",
        )
    if not bool(jnp.isfinite(currents).all()):
        raise BadInput("NaN in data" if bool(jnp.isnan(currents).any()) else "infinity in data", where="inputs")
    if bool((currents < 0).any()):
        raise BadInput(
            "negative input current",
            where="inputs",
            expected="0 A or more",
            got=f"{float(currents.min()):.3g} A",
            advice="The first soma rectifies: shift or split the input.",
        )
    return currents.reshape((1,) * (4 - currents.ndim) + currents.shape)


def check_leading(n_dies: int, programs: tuple[int, ...], inputs: tuple[int, ...]) -> None:
    """Raises `DoesNotFit` where programs or inputs are not for so many dies and programs."""
    wanted = (n_dies, programs[1])
    for name, got in (("program", programs), ("inputs", inputs)):
        if any(g not in (1, w) for g, w in zip(got, wanted, strict=True)):
            raise DoesNotFit(
                f"the {name} has other leading axes than the dies and programs",
                where=f"run: {name}",
                expected=f"{wanted[0]} dies x {wanted[1]} programs (or 1)",
                got=f"{got[0]} x {got[1]}",
            )
