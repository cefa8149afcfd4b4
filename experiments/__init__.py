"""Studies: configured, swept over seeds, measured and reported."""

__marketsim__ = "0.1.0"
