"""Process cards."""

from anamorph.technology.card import Figure, Param, Technology, builtin_names, load

__all__ = ["Figure", "Param", "Technology", "builtin_names", "load"]
