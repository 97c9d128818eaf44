"""An ONNX file that can be run: its checked graph, and its weights beside it.

The graph is the one that `workloads` makes a network of, checked and without large tensors; the weights are read
apart, external data from the file's own folder only and no more of it than its tensor is large. A graph whose tensors
would not fit the memory, or whose sizes are not known before it runs, is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from anamorph.errors import BadInput
from anamorph.processor.workloads.network import Network
from anamorph.processor.workloads.onnx_file import inferred, package, parse, plain, tensors
from anamorph.processor.workloads.onnx_import import imported, refuse_unknown
from anamorph.processor.workloads.onnx_walk import Walk

#: Most bytes of all weights, and most values of all tensors of a run together.
WEIGHTS, VALUES = 2**32, 2**29
#: Operators mean what they are taken for from this version of ONNX's operators on.
OLDEST = 7


@dataclass(frozen=True)
class Model:
    """A graph and its weights.

    Attributes:
        path: of the file.
        network: what the processor makes of it.
        proto: its graph, in which weights are inputs.
        weights: values of its initializers.
        walk: names of operations, shapes of tensors, and which of them are constant.
    """

    path: Path
    network: Network
    proto: Any
    weights: dict[str, np.ndarray]
    walk: Walk

    @property
    def inputs(self) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """What differs from run to run: name -> shape and type."""
        kind = package().helper.tensor_dtype_to_np_dtype
        types = {value.name: value.type.tensor_type.elem_type for value in self.proto.graph.input}
        return {t.name: (t.shape, np.dtype(kind(types[t.name]))) for t in self.network.takes}


def open_model(path: Path | str, dimensions: Mapping[str, int] | None = None) -> Model:
    """The model of a file, ready to run.

    Args:
        path: of the file.
        dimensions: sizes for dimensions that the file leaves open, by their names.

    Raises:
        BadInput: what `from_onnx` refuses; external data that is not there or is cut short; too much to hold.
    """
    path = Path(path)
    parsed = parse(path, lambda graph: refuse_unknown(graph, path))
    weights = _weights(parsed, path)
    checked = inferred(parsed, path, dimensions or {})
    network, walk = imported(checked, path)
    version = next(o.version for o in checked.model.opset_import if o.domain in ("", "ai.onnx"))
    if version < OLDEST:
        raise BadInput("operators too old to run", where=str(path), expected=f"opset {OLDEST} or later",
                       got=str(version), advice="onnx.version_converter.convert_version")  # fmt: skip
    _check_sizes(checked.model.graph, walk, path)
    return Model(path, network, checked.model, weights, walk)


def _check_sizes(graph: Any, walk: Walk, path: Path) -> None:
    """All tensors known and together small enough: the evaluator holds every one of them."""
    total = 0
    for node in graph.node:
        for name in node.output:
            if name and name not in walk.shapes:
                raise BadInput(f"the size of '{plain(name)}' is not known before it runs", where=str(path))
            total += prod(walk.shapes[name]) if name else 0
    if total > VALUES:
        raise BadInput(
            "too large to run", where=str(path), expected=f"tensors of at most {VALUES:,} values together",
            got=f"{total:,}", advice="Run fewer inputs at a time: give the batch another --dimension.",
        )  # fmt: skip


def _weights(model: Any, path: Path) -> dict[str, np.ndarray]:
    """Values of the initializers."""
    onnx, found, total = package(), {}, 0
    external = onnx.TensorProto.EXTERNAL
    for tensor in model.graph.initializer:
        where = f"{path}: tensor '{plain(tensor.name)}'"
        outside = tensor.data_location == external
        found[tensor.name] = value = _external(onnx, tensor, path, where) if outside else _inside(onnx, tensor, where)
        total += value.nbytes
        if total > WEIGHTS:
            raise BadInput("too many weights to run", where=str(path), expected=f"at most {WEIGHTS >> 30} GiB")
    named = set(found)
    for tensor in tensors(model.graph):
        if tensor.data_location == external and tensor.name not in named:
            raise BadInput("external data of a node", where=f"{path}: tensor '{plain(tensor.name)}'",
                           expected="external data of initializers only")  # fmt: skip
    return found


def _inside(onnx: Any, tensor: Any, where: str) -> np.ndarray:
    try:
        return onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadInput("data that does not fit its shape or type", where=where) from None


def _external(onnx: Any, tensor: Any, path: Path, where: str) -> np.ndarray:
    """A tensor of a file in the model's folder, whose place was checked before; only as much as it is large."""
    entries = {e.key: e.value for e in tensor.external_data}
    try:
        kind = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
        offset, size = int(entries.get("offset") or 0), prod(tensor.dims)
        length = int(entries.get("length") or size * kind.itemsize)
    except (ValueError, KeyError, TypeError):
        raise BadInput("external data that cannot be understood", where=where) from None
    if offset < 0 or length != size * kind.itemsize or length > WEIGHTS or kind.kind not in "fiub":
        raise BadInput("external data that does not fit its shape", where=where,
                       expected=f"{size * kind.itemsize} bytes", got=f"{length} at {offset}")  # fmt: skip
    file = Path(os.path.realpath(path.parent)) / entries["location"]
    try:
        with file.open("rb") as stream:
            if not file.is_file():
                raise BadInput("external data that is no file", where=where)
            stream.seek(offset)
            content = stream.read(length)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "offset"
        raise BadInput(f"cannot read its external data ({reason})", where=where, got=f"'{plain(file.name)}'") from None
    if len(content) != length:
        raise BadInput("external data cut short", where=where, expected=f"{length} bytes at {offset}",
                       got=str(len(content)))  # fmt: skip
    return np.frombuffer(content, kind.newbyteorder("<")).astype(kind).reshape(tuple(tensor.dims))
