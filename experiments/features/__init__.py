"""Features and labels of minute data: order-flow imbalance, market features, splits; from files or from a run."""
