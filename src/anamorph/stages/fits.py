"""Does an experiment hold together? Names that exist, sizes that chain, a network that the chip can carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anamorph.errors import BadInput, nearest

if TYPE_CHECKING:
    from anamorph.experiment import Experiment

#: Features, classes and samples of each task.
TASKS = {"iris": (4, 3, 150)}


def check_fits(experiment: Experiment, where: str) -> None:
    """Raises `BadInput` where parts of an experiment contradict each other or name what does not exist."""
    from anamorph import substrate

    for key, name, known in (
        ("substrate", experiment.substrate, substrate.names()),
        ("data.name", experiment.data.name, list(TASKS)),
    ):
        if name not in known:
            raise BadInput(f"no {key} named {name[:60]!r}", where=f"{where}: {key}", advice=nearest(name, known))
    _check_layers(experiment, where)
    samples = TASKS[experiment.data.name][2]
    if experiment.data.test > samples - 2:
        raise BadInput(
            "leaves nothing to train on",
            where=f"{where}: data.test",
            expected=f"1 to {samples - 2} of the {samples} samples of {experiment.data.name}",
            got=str(experiment.data.test),
        )


def _check_layers(experiment: Experiment, where: str) -> None:
    chip, network = experiment.chip.layers, experiment.network.layers
    features, classes, _ = TASKS[experiment.data.name]
    at = f"{where}: network.layers"
    if len(network) != len(chip):
        raise BadInput(
            "the network does not have the chip's number of layers",
            where=at,
            expected=f"{len(chip)} layers, as chip.layers = {list(chip)}",
            got=f"{len(network)} layers, {list(network)}",
        )
    for index, (wanted, available) in enumerate(zip(network, chip, strict=True)):
        if wanted > available:
            raise BadInput(
                "the network is larger than the chip",
                where=f"{at}[{index}]",
                expected=f"at most {available}, as chip.layers = {list(chip)}",
                got=str(wanted),
            )
    for index, wanted, of in ((0, features, "features"), (-1, classes, "classes")):
        if network[index] != wanted:
            raise BadInput(
                "layer sizes do not chain with the data",
                where=f"{at}[{index % len(network)}]",
                expected=f"{wanted}, as {experiment.data.name} has {wanted} {of}",
                got=str(network[index]),
            )
