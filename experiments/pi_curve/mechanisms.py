"""The venues of one run, by mechanism."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log
from typing import Any

from experiments.pi_curve.settings import VenueRules, World
from marketsim.registry import load

POOLS = ("constant-product", "lmsr")
"""Mechanisms in which a pool provides the liquidity; they take no limit orders."""

_Build = Callable[[int, VenueRules, World, Mapping[str, float]], dict[str, Any]]


def build_venues(
    mechanism: str, pi: int, rules: VenueRules, world: World, anchors: Mapping[str, float]
) -> dict[str, Any]:
    """Venues by name, that trade all markets between them.

    Args:
        mechanism: one of `MECHANISMS`.
        pi: batch interval in steps; concerns the batch auction only.
        anchors: opening price by market, ticks.
    """
    return MECHANISMS[mechanism](pi, rules, world, anchors)


def _book(pi: int, rules: VenueRules, world: World, anchors: Mapping[str, float]) -> dict[str, Any]:  # noqa: ARG001
    return {"clob": load("venues", rules.book)(tuple(anchors))}


def _auction(pi: int, rules: VenueRules, world: World, anchors: Mapping[str, float]) -> dict[str, Any]:  # noqa: ARG001
    venue = load("venues", "fba")(
        tuple(anchors), pi, price_rule=rules.price_rule, allocation=rules.allocation, published=rules.published
    )
    return {"fba": venue}


def _constant_product(pi: int, rules: VenueRules, world: World, anchors: Mapping[str, float]) -> dict[str, Any]:  # noqa: ARG001
    # A pool holds one pair of reserves, so every market has a pool of its own.
    build, base = load("venues", "constant-product"), _lots(rules.pool_reserve, world)
    return {
        f"constant-product@{market}": build((market,), base=base, quote=round(base * anchor))
        for market, anchor in anchors.items()
    }


def _hybrid(pi: int, rules: VenueRules, world: World, anchors: Mapping[str, float]) -> dict[str, Any]:  # noqa: ARG001
    base = _lots(rules.pool_reserve, world)
    quote = {market: round(base * anchor) for market, anchor in anchors.items()}
    lot = _lots(1.0, world)
    return {"hybrid": load("venues", "hybrid")(tuple(anchors), base=base, quote=quote, layer=rules.layer, lot=lot)}


def _scoring_rule(pi: int, rules: VenueRules, world: World, anchors: Mapping[str, float]) -> dict[str, Any]:  # noqa: ARG001
    # It opens at the prior, as every other venue: q_i = b log p_i up to a common constant.
    b, unit = _lots(rules.liquidity, world), round(world.level / world.tick_size)
    highest = max(anchors.values())
    opening = tuple(round(b * log(anchor / highest)) for anchor in anchors.values())
    return {"lmsr": load("venues", "lmsr")(tuple(anchors), b=b, unit=unit, opening=opening)}


def _lots(size: float, world: World) -> int:
    return max(1, round(size / world.lot_size))


MECHANISMS: dict[str, _Build] = {
    "clob": _book,
    "fba": _auction,
    "constant-product": _constant_product,
    "hybrid": _hybrid,
    "lmsr": _scoring_rule,
}
"""Venue builders by the name of the mechanism in a study's table."""
