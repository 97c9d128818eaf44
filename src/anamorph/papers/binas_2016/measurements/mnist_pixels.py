"""Training by the paper's own recipe on both readings of its 196 pixels."""

from __future__ import annotations

from anamorph.campaign import Axis, Point, run
from anamorph.papers.binas_2016.measurements._large import Large, mean_and_best
from anamorph.papers.measure import Context, Findings, Measured

#: The text's choice of pixels, and that of the authors' program (jbinas/adnn, datasets.py).
READINGS = ("most_active", "checkerboard")
#: Section 3.4, where the experiment `mnist14` goes past it: no distorted images, no deviations while training.
RECIPE = {
    "data.copies": "0", "training.epochs": "50", "training.learning_rate": "0.0065", "training.batch_size": "200",
    "training.mismatch": "0", "training.warmup": "0",
}  # fmt: skip
#: Initialisations of each reading, full and quick.
INITIALISATIONS, QUICK_INITIALISATIONS = 5, 1


def measure(context: Context) -> Findings:
    """Accuracy of the behavioural model without mismatch, by the choice of pixels."""
    claims: dict[str, Measured] = {}
    for reading in READINGS:
        large = Large.of(context, "mnist14", {**RECIPE, "data.pixels": reading})
        transfer = large.setup.substrate.assumed_transfer()

        def work(point: Point, large: Large = large, reading: str = reading) -> dict[str, float]:
            context.tell(f"pixels {reading}: network {point.index + 1}")
            trained = large.train(transfer, point.key())  # noqa: B023 - the campaign runs before the loop goes on
            return {"accuracy": large.model_accuracy(transfer, trained)}  # noqa: B023

        axis = Axis("initialisation", range(QUICK_INITIALISATIONS if context.quick else INITIALISATIONS))
        table = run(large.campaign(f"pixels_{reading}", axis), work, context.folder / reading, progress=False)
        name = f"mnist_{reading}"
        claims[f"{name}_mean"] = mean_and_best(table["accuracy"].values, name, large)[f"{name}_mean"]
    return Findings(claims)
