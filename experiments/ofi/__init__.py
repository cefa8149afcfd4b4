"""The order-flow imbalance study: whether imbalance features predict returns better than market features alone."""
