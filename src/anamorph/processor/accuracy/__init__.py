"""How well a trained network still answers when its matrices are in memory cells."""
