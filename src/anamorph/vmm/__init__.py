"""Memory-cell multipliers of a vector and a matrix: what one is, what it costs, and how wrong its answers are."""
