"""A package that is a verb: `anamorph.verify` holds verification, and `anamorph.verify(...)` does it."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any


def callable_package(package: str, function: str) -> None:
    """Let the imported `package` be called; `function` is ``"module:name"`` of what it does then.

    The function is imported at the first call, so importing the package stays light.
    """

    class Verb(types.ModuleType):
        def __call__(self, *arguments: Any, **options: Any) -> Any:
            module, _, name = function.partition(":")
            return getattr(importlib.import_module(module), name)(*arguments, **options)

    Verb.__doc__ = sys.modules[package].__doc__
    sys.modules[package].__class__ = Verb
