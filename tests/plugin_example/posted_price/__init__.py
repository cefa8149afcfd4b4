"""A venue and an agent that marketsim finds by name."""
