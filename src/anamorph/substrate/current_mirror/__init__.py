"""Current-mirror networks: rectifying somas and signed mirror synapses."""

from anamorph.substrate.current_mirror.substrate import CurrentMirror

__all__ = ["CurrentMirror"]
