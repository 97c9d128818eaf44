"""The ideal substrate: what the network would do on hardware without faults."""

from anamorph.substrate.ideal.ideal import Ideal

__all__ = ["Ideal"]
