"""Synthesis of a spiking network from characterised neurons: curve, training, many dies, mirrors, area and power."""
