"""Networks of mixed-signal multiply-accumulate neurons: what a circuit's noise and coarse weights do to an answer."""
