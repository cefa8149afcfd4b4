"""Execution of a parent order over several venues that trade one market: the placement model, and agents."""
