"""The venue of one run, by mechanism."""

from __future__ import annotations

from typing import Any

from experiments.config import VenueRules
from marketsim.registry import load


def build_venue(mechanism: str, markets: tuple[str, ...], pi: int, rules: VenueRules) -> Any:
    """One venue for all markets; `pi` (steps) concerns the batch auction only."""
    if mechanism == "fba":
        return load("venues", "fba")(
            markets, pi, price_rule=rules.price_rule, allocation=rules.allocation, published=rules.published
        )
    return load("venues", mechanism)(markets)
