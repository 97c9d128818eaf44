"""Peripheral circuits of the inference processor: energy, area, latency and leakage by bits, size and node."""

from anamorph.processor.components.component import Component
from anamorph.processor.components.library import Library, library
from anamorph.processor.components.tuning import tuning

__all__ = ["Component", "Library", "library", "tuning"]
