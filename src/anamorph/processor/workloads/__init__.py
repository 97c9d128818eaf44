"""Networks as the processor sees them: matrix products that go to memory cells, and the rest, with shapes and counts.

from anamorph.processor.workloads import load
network = load("resnet_152")          # or load("mine.onnx")
network.macs, network.weights, network.products[0].rows
"""

from anamorph.processor.workloads.builtin import load, names
from anamorph.processor.workloads.network import Network
from anamorph.processor.workloads.operations import Auxiliary, MatrixProduct, Operation, Tensor, Window

__all__ = ["Auxiliary", "MatrixProduct", "Network", "Operation", "Tensor", "Window", "load", "names"]
