"""Trading mechanisms behind the one venue interface."""

__marketsim__ = "0.1.0"
