"""Substrates by name. Each is one folder that answers the questions of `anamorph.substrate.contract`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anamorph.errors import BadInput, nearest

if TYPE_CHECKING:
    from anamorph.substrate.contract import Shape, Substrate
    from anamorph.technology import Technology


def names() -> list[str]:
    """Names of the substrates that come with the package."""
    return ["crossbar", "current_mirror", "differential_pair", "ideal", "spiking"]


def create(name: str, technology: Technology | None, shape: Shape, **options: Any) -> Substrate:
    """A substrate of the given shape.

    Args:
        name: one of `names`.
        technology: the process card; a substrate without circuits needs none.
        shape: neurons per layer, inputs first.
        options: of that substrate, such as ``n_bits``.

    Raises:
        BadInput: no such substrate, no card where one is needed, or a shape that it cannot have.
    """
    if name == "ideal":
        from anamorph.substrate.ideal import Ideal

        return Ideal(shape, **options)
    if name not in names():
        raise BadInput(f"no substrate named '{name}'", advice=nearest(name, names()))
    if technology is None:
        raise BadInput("a technology card is needed", where=f"substrate {name}")
    if name == "spiking":
        from anamorph.substrate.spiking.spiking import Spiking

        return Spiking(technology, shape, **options)
    if name == "crossbar":
        from anamorph.substrate.crossbar import Crossbar

        return Crossbar(technology, shape, **options)
    if name == "differential_pair":
        from anamorph.substrate.differential_pair.substrate import DifferentialPairs

        return DifferentialPairs(technology, shape, **options)
    from anamorph.substrate.current_mirror import CurrentMirror

    return CurrentMirror(technology, shape, **options)
