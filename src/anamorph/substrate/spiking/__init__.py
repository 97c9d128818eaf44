"""Networks of spiking neurons: weights as geometries of mirrors."""
