"""The inference processor built of memory-cell multipliers (Bavandpour et al. 2019)."""
