"""Measure an analog chip, train through the measurement, program it back, verify it at transistor level."""

import jax

# Circuit equations span femtoamperes to milliamperes in one sum; float32 cannot hold Kirchhoff's current law.
# Training asks for float32 itself where it wants it.
jax.config.update("jax_enable_x64", True)

__version__ = "0.1.0"
