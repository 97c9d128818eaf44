"""Networks of mixed-signal neurons: differential pairs whose weights are shares of their input transistors."""
