"""The digital neuron: generated gate-level arithmetic, its simulation, its power, its Verilog."""
