"""Does an experiment hold together? Names that exist, sizes that chain, a network that the chip can carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anamorph.errors import BadInput, nearest

if TYPE_CHECKING:
    from anamorph.experiment_sections import Experiment


def check_fits(experiment: Experiment, where: str) -> None:
    """Raises `BadInput` where parts of an experiment contradict each other or name what does not exist."""
    from anamorph import substrate
    from anamorph.data import registry

    name, known = experiment.substrate, substrate.names()
    if name not in known:
        raise BadInput(f"no substrate named {name[:60]!r}", where=f"{where}: substrate", advice=nearest(name, known))
    data = experiment.data
    found = registry.get(data.name, f"{where}: data.name")
    _check_layers(experiment, where, (found.n_features, found.n_classes))
    registry.check(found, data.train, data.test, data.options, f"{where}: data")
    _check_wiring(experiment, where)
    _check_fine_tuning(experiment, where)


def _check_fine_tuning(experiment: Experiment, where: str) -> None:
    through, known = experiment.fine_tuning and experiment.fine_tuning.through, ("characteristics", "transistors")
    at = f"{where}: fine_tuning.through"
    if through not in (None, *known):
        raise BadInput(f"no training through '{through}'", where=at, advice=nearest(str(through), known))
    if through == "transistors" and experiment.substrate != "current_mirror":
        raise BadInput(
            "this substrate has no layers of transistors to train through", where=at, expected="characteristics",
            got=f"transistors, and substrate {experiment.substrate}",
        )  # fmt: skip


def _check_wiring(experiment: Experiment, where: str) -> None:
    experiment.network.wirings(f"{where}: network.wiring")
    made, known = experiment.chip.synapses, ("all", "wired")
    if made not in (None, *known):
        raise BadInput(f"no such synapses '{made}'", where=f"{where}: chip.synapses", advice=nearest(str(made), known))
    if made != "wired":
        return
    if experiment.substrate != "current_mirror":
        raise BadInput(
            "this substrate has all synapses", where=f"{where}: chip.synapses", expected="current_mirror, or all",
            got=experiment.substrate,
        )  # fmt: skip
    if experiment.chip.layers != experiment.network.layers:
        raise BadInput(
            "a chip wired for a network has its layers",
            where=f"{where}: chip.layers",
            expected=str(list(experiment.network.layers)),
            got=str(list(experiment.chip.layers)),
        )


def _check_layers(experiment: Experiment, where: str, sizes: tuple[int, int]) -> None:
    chip, network = experiment.chip.layers, experiment.network.layers
    features, classes = sizes
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
