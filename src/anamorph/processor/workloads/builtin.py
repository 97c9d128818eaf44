"""Networks by name, or from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from anamorph.errors import BadInput, nearest
from anamorph.processor.workloads.image_classifiers import inception_v1, lenet5, mobilenet_v2, resnet_152
from anamorph.processor.workloads.language import bert_base, gnmt_1024
from anamorph.processor.workloads.network import Network

BUILTIN: dict[str, Callable[[], Network]] = {
    one.__name__: one for one in (gnmt_1024, resnet_152, inception_v1, mobilenet_v2, bert_base, lenet5)
}


def names() -> list[str]:
    """Names of the built-in networks."""
    return sorted(BUILTIN)


def load(subject: str, dimensions: Mapping[str, int] | None = None) -> Network:
    """A built-in network, or one from an ONNX file.

    Args:
        subject: a name, or the path of a file that ends in .onnx.
        dimensions: sizes for dimensions that a file leaves open, by their names.

    Raises:
        BadInput: no such network, or a file that cannot be used: see `onnx_import.from_onnx`.
    """
    if subject in BUILTIN:
        if dimensions:
            raise BadInput("a built-in network has no open dimensions", where=subject, got=", ".join(dimensions))
        return BUILTIN[subject]()
    if subject.lower().endswith(".onnx") or Path(subject).is_file():
        from anamorph.processor.workloads.onnx_import import from_onnx

        return from_onnx(Path(subject), dimensions or {})
    raise BadInput(
        f"no network '{subject[:80]}'", expected="a built-in name or a file FILE.onnx", advice=nearest(subject, BUILTIN)
    )
