"""Imported networks run: as floating point says, with quantised products, or through memory cells.

from anamorph.processor.inference import open_model, Inference
answers = Inference(open_model("mine.onnx")).run({"x": images})
"""

from anamorph.processor.inference.model import Model, open_model
from anamorph.processor.inference.products import Exact, Products
from anamorph.processor.inference.runner import Inference

__all__ = ["Exact", "Inference", "Model", "Products", "open_model"]
