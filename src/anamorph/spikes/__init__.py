"""A network of spiking neurons at circuit level: its netlist, its transient, and what its spikes answer."""
