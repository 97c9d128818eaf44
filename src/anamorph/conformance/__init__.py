"""The checks behind `anamorph.testing`, by what they ask: chips, programs, transfers."""
