"""Files of ONNX: size-limited, checked and stripped of their weights before anything is made of them.

Weights are not needed to count them, and a hostile file lies in its tensors first: sizes that overflow, data that is
not there, paths to files elsewhere. So every tensor is checked here, and large ones are replaced by inputs of the same
shape; what remains is small, and is what `onnx.checker` and shape inference see.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from anamorph.errors import BadInput
from anamorph.processor.workloads.onnx_fold import folded

#: Largest file, bytes (protobuf itself ends at 2 GiB), most nodes and tensors, most values of one tensor.
LARGEST, OBJECTS, VALUES = 2**30, 100_000, 2**40
#: A constant of at most so many integers is kept, as it may be a shape.
KEPT = 1024
#: Names in messages are as long at most.
NAME = 80


def package() -> Any:
    """The package `onnx`.

    Raises:
        BadInput: not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.shape_inference
    except ImportError:
        raise BadInput("ONNX files need the package onnx", advice="pip install 'anamorph[onnx]'") from None
    return onnx


def plain(name: str | bytes) -> str:
    """A name from a file, for messages: short, and without characters that a terminal would obey."""
    name = name if isinstance(name, str) else bytes(name).decode("utf-8", "replace")
    text = "".join(c if c.isprintable() else "?" for c in name)
    return text if len(text) <= NAME else text[: NAME - 3] + "..."


@dataclass(frozen=True)
class Checked:
    """A model that may be looked at.

    Attributes:
        model: with all shapes that can be inferred, and without the values of large tensors.
        constants: names of its initializers, whether they are still there or stand among the inputs.
    """

    model: Any
    constants: frozenset[str]


def read(path: Path, dimensions: Mapping[str, int], refuse: Callable[[Any], None]) -> Checked:
    """The checked model of a file.

    Args:
        path: of the file.
        dimensions: sizes for named open dimensions of inputs.
        refuse: told the graph before anything is made of it; raises where it does not want it.

    Raises:
        BadInput: absent, too large, malformed, refers to data outside its folder, or leaves dimensions open.
    """
    return inferred(parse(path, refuse), path, dimensions)


def parse(path: Path, refuse: Callable[[Any], None]) -> Any:
    """The model of a file with its weights, of acceptable size and with tensors as large as they say; as of `read`."""
    onnx, where = package(), str(path)
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(_content(path))
    except (DecodeError, UnicodeDecodeError, ValueError):
        raise BadInput("not a readable file of ONNX", where=where) from None
    _check_size(model, where)
    _check_text(model.graph, where)
    for tensor in tensors(model.graph):
        _check_tensor(onnx, tensor, path)
    refuse(model.graph)
    return model


def inferred(model: Any, path: Path, dimensions: Mapping[str, int]) -> Checked:
    """A parsed model checked by ONNX itself, with shapes, without large tensors; `model` is changed. As of `read`."""
    onnx, where = package(), str(path)
    del model.training_info[:]
    constants = frozenset(tensor.name for tensor in model.graph.initializer)
    _strip(onnx, model.graph)
    _fix(model.graph, dimensions, constants, where)
    try:
        onnx.checker.check_model(model)
        model = folded(onnx, model)
        return Checked(model, constants | {tensor.name for tensor in model.graph.initializer})
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
        reason = " ".join(plain(line) for line in str(error).splitlines() if line.strip())
        raise BadInput(f"not a valid ONNX model: {reason[:300]}", where=where) from None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            if not path.is_file():
                raise BadInput("not a file", where=str(path))
            content = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise BadInput("no such file", where=str(path), expected="a file of ONNX") from None
    except OSError as error:
        raise BadInput(f"cannot read the file ({error.strerror})", where=str(path)) from None
    if len(content) > LARGEST:
        raise BadInput(
            "too large", where=str(path), expected=f"at most {LARGEST >> 20} MiB",
            advice="Save it with its weights as external data: they are not read.",
        )  # fmt: skip
    return content


def _check_size(model: Any, where: str) -> None:
    """Few enough objects, and none that would be expanded or run elsewhere."""
    graph = model.graph
    n = len(graph.node) + len(graph.initializer) + len(graph.sparse_initializer) + len(graph.value_info)
    if n > OBJECTS:
        raise BadInput("too many nodes and tensors", where=where, expected=f"at most {OBJECTS}", got=str(n))
    if not graph.node:
        raise BadInput("a graph without nodes", where=where)
    if graph.sparse_initializer:
        raise BadInput("sparse initializers", where=where, expected="dense ones")
    if model.functions:
        raise BadInput(
            "functions of its own", where=where, expected="operators of ONNX", got=plain(model.functions[0].name),
            advice="Inline them when exporting (onnx.inliner.inline_local_functions).",
        )  # fmt: skip


def _check_text(graph: Any, where: str) -> None:
    """Names are text: protobuf hands over as bytes what is no UTF-8."""
    named = [value.name for value in (*graph.input, *graph.output, *graph.initializer)]
    for node in graph.node:
        named += [node.name, node.op_type, node.domain, *node.input, *node.output, *(a.name for a in node.attribute)]
    for value in graph.input:
        named += [dim.dim_param for dim in value.type.tensor_type.shape.dim]
    if not all(isinstance(name, str) for name in named):
        raise BadInput("a name that is not UTF-8 text", where=where)


def tensors(graph: Any) -> Iterator[Any]:
    """Every tensor of a graph and of the graphs in its nodes (protobuf bounds how deep those go)."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from tensors(inner)


def _check_tensor(onnx: Any, tensor: Any, path: Path) -> None:
    """As many values as its shape says, and no data from elsewhere."""
    where, size = f"{path}: tensor '{plain(tensor.name)}'", 1
    for n in tensor.dims:
        if n < 0:
            raise BadInput("a negative size", where=where, got=str(n))
        size *= n
        if size > VALUES:
            raise BadInput("too large", where=where, expected=f"at most {VALUES} values")
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        _check_external(tensor, path, where)
        return
    if tensor.HasField("raw_data") and tensor.data_type in _BYTES:
        expected = size * _BYTES[tensor.data_type]
        if len(tensor.raw_data) != expected:
            raise BadInput("data that does not fit its shape", where=where, expected=f"{expected} bytes",
                           got=str(len(tensor.raw_data)))  # fmt: skip


#: Bytes per value by TensorProto.DataType; types of less than a byte are left to the checker.
_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 14: 8, 15: 16, 16: 2}


def _check_external(tensor: Any, path: Path, where: str) -> None:
    """A path within the file's own folder; it is not read, and need not be there."""
    location = next((e.value for e in tensor.external_data if e.key == "location"), "")
    named = PurePosixPath(location)
    folder = Path(os.path.realpath(path.parent))
    inside = location and "\0" not in location and "\\" not in location and not named.is_absolute()
    if not inside or ".." in named.parts or not Path(os.path.realpath(folder / named)).is_relative_to(folder):
        raise BadInput(
            "external data outside the file's folder", where=where, expected="a relative path within it",
            got=f"'{plain(location)}'",
        )  # fmt: skip


def _strip(onnx: Any, graph: Any) -> None:
    """Put an input in the place of every initializer but short lists of integers, which may be shapes."""
    integers = (onnx.TensorProto.INT64, onnx.TensorProto.INT32)
    already = {value.name for value in graph.input}
    kept, external = [], onnx.TensorProto.EXTERNAL
    for tensor in graph.initializer:
        small = len(tensor.dims) <= 1 and sum(tensor.dims) <= KEPT and tensor.data_location != external
        if tensor.data_type in integers and small:
            kept.append(onnx.TensorProto.FromString(tensor.SerializeToString()))
            continue
        if tensor.name not in already:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _fix(graph: Any, dimensions: Mapping[str, int], constants: frozenset[str], where: str) -> None:
    """Give open dimensions of inputs the sizes that were asked for; refuse those that stay open, all at once."""
    unused, open_ = dict(dimensions), []
    for value in graph.input:
        if value.name in constants:
            continue
        if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
            raise BadInput("an input without a shape", where=f"{where}: '{plain(value.name)}'")
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.HasField("dim_value") and dim.dim_value > 0:
                continue
            name = dim.dim_param or f"{value.name}.{axis}"
            if name in dimensions:
                unused.pop(name, None)
                dim.dim_value = dimensions[name]
            else:
                open_.append((f"dimension {axis} of input '{plain(value.name)}'", plain(name)))
    if open_:
        raise BadInput(
            f"open shapes: {', '.join(what for what, _ in open_[:10])}", where=where, expected="sizes",
            advice="Give " + " ".join(f"--dimension {n}=1" for n in dict.fromkeys(n for _, n in open_[:10]))
            + " (with the size that you want), or export with fixed shapes.",
        )  # fmt: skip
    if unused:
        raise BadInput(f"no open dimension '{plain(next(iter(unused)))}'", where=where)
    del graph.value_info[:]  # they may hold the open sizes; inference gives them anew
