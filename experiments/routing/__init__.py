"""The Ising router on recorded trades: data, agents and the study."""
