"""The position-state study: whether the path of a position says, beyond the market features, to keep it."""
