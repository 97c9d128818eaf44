"""A model run on inputs, by ONNX's reference evaluator with products of one's own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anamorph.errors import BadInput
from anamorph.processor.inference.model import Model
from anamorph.processor.inference.products import Exact, Products
from anamorph.processor.workloads.onnx_file import plain


class Inference:
    """A model with a way to multiply.

    Args:
        model: what to run.
        products: multiplies vectors with its stored matrices; floating point by default.
    """

    def __init__(self, model: Model, products: Products | None = None) -> None:
        from onnx.reference import ReferenceEvaluator

        from anamorph.processor.inference.operators import Stored, operators

        self.model = model
        shared = Stored(products or Exact(), model.walk.names, model.walk.origin)
        try:
            self._evaluator = ReferenceEvaluator(model.proto, new_ops=operators(shared))
        except Exception as error:
            raise BadInput(f"cannot be run: {plain(str(error))}", where=str(model.path)) from None

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name.

        Args:
            inputs: by name; shapes and types are those of `Model.inputs`.

        Raises:
            BadInput: inputs that are missing, unknown or of another shape; what an operator cannot compute.
        """
        taken = {}
        for name, (shape, kind) in self.model.inputs.items():
            if name not in inputs:
                raise BadInput(f"no input '{plain(name)}'", where=str(self.model.path), got=", ".join(inputs))
            value = np.asarray(inputs[name])
            if value.shape != shape:
                raise BadInput("an input of another shape", where=f"{self.model.path}: '{plain(name)}'",
                               expected=str(shape), got=str(value.shape))  # fmt: skip
            taken[name] = value.astype(kind, copy=False)
        if unknown := set(inputs) - set(taken):
            raise BadInput(f"no input is named '{plain(min(unknown))}'", where=str(self.model.path),
                           expected=", ".join(taken))  # fmt: skip
        names = [value.name for value in self.model.proto.graph.output]
        try:
            with np.errstate(all="ignore"):
                found = self._evaluator.run(names, {**self.model.weights, **taken})
        except BadInput:
            raise
        except Exception as error:  # of any operator of the evaluator
            reason = f"{type(error).__name__}: {plain(str(error))}"
            raise BadInput(f"cannot be computed ({reason})", where=str(self.model.path)) from None
        return {name: np.asarray(value) for name, value in zip(names, found, strict=True)}
