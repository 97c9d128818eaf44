"""The inference processor built of memory-cell multipliers (Bavandpour et al. 2019): so far what it is to run."""
