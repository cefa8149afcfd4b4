"""Liquidity providers: one that quotes around a belief, one that quotes around public news."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, exp, floor, log

from attrs import define, field

from agents.belief import ScalarBelief
from marketsim.checks import delay, integer, kind, mapping_of, name, number
from marketsim.protocols import Context, Delay
from marketsim.types import Fill, Levels, Report, Side, Signal, limit_order


@define
class MarketMaker:
    """Quotes both sides around its belief, stale by its observation delay, and re-quotes at every review.

    At a review it cancels its quotes and posts new ones at belief x (1 -+ half_spread), held inside the opposite best
    price so that they never cross. It may carry inventory worth up to its budget; a side that would go beyond is not
    quoted. Quotes themselves cost nothing.

    Args:
        beliefs: by market, in log ticks.
        assumed_precision: of every signal, in 1 / log price^2.
        quantity: lots a side.
        budget: tick-lots of net inventory, per market.
        half_spread: as a fraction of the price.
    """

    agent_id: str = field(validator=name)
    beliefs: Mapping[str, ScalarBelief] = field(validator=mapping_of(kind(ScalarBelief)))
    assumed_precision: float = field(validator=number(above=0.0))
    quantity: int = field(validator=integer(1))
    budget: int = field(validator=integer(0))
    half_spread: float = field(default=0.0005, validator=number(0.0, 0.5))
    review_interval: int = field(default=500, validator=integer(1))
    observation_delay: int = field(default=50, validator=integer(0))
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="lp", validator=name)

    def observes(self, market: str, tier: str) -> bool:
        return market in self.beliefs and tier != "public"

    def decide(self, ctx: Context, signal: Signal) -> None:  # noqa: ARG002 - it only learns; it quotes at reviews
        self.beliefs[signal.market].observe(log(signal.value), self.assumed_precision, signal.time)

    def review(self, ctx: Context) -> None:
        for market, belief in self.beliefs.items():
            self._quote(ctx, market, exp(belief.mean))

    def _quote(self, ctx: Context, market: str, centre: float) -> None:
        state = ctx.state(market)
        bid = floor(centre * (1 - self.half_spread))
        ask = ceil(centre * (1 + self.half_spread))
        best_ask = _best_of_others(ctx, market, Side.SELL, state.asks)
        best_bid = _best_of_others(ctx, market, Side.BUY, state.bids)
        if best_ask is not None:
            bid = min(bid, best_ask - 1)
        if best_bid is not None:
            ask = max(ask, best_bid + 1)
        cancel_quotes(ctx, market)
        held = ctx.inventory(market)
        if (held + self.quantity) * centre <= self.budget:
            ctx.submit(limit_order(market, Side.BUY, quantity=self.quantity, price=bid))
        if (held - self.quantity) * centre >= -self.budget:
            ctx.submit(limit_order(market, Side.SELL, quantity=self.quantity, price=ask))


@define
class NewsMaker:
    """Quotes both sides around the last public news, and again whenever it was hit.

    The liquidity provider of Budish, Cramton and Shim (QJE 2015) with a reaction delay: between a jump and its
    `observation_delay` later, its quotes are stale.

    Args:
        centre: ticks, the public value at the start.
        half_spread: ticks.
        quantity: lots a side.
    """

    agent_id: str = field(validator=name)
    market: str = field(validator=name)
    centre: float = field(validator=number(above=0.0))
    half_spread: float = field(validator=number(0.0))
    quantity: int = field(default=1, validator=integer(1))
    observation_delay: int = field(default=50, validator=integer(0))
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="lp", validator=name)

    def observes(self, market: str, tier: str) -> bool:
        return market == self.market and tier == "public"

    def start(self, ctx: Context) -> None:
        self._quote(ctx)

    def decide(self, ctx: Context, signal: Signal) -> None:
        self.centre = signal.value
        self._quote(ctx)

    def report(self, ctx: Context, report: Report) -> None:
        if isinstance(report, Fill):
            self._quote(ctx)

    def _quote(self, ctx: Context) -> None:
        cancel_quotes(ctx, self.market)
        bid, ask = floor(self.centre - self.half_spread), ceil(self.centre + self.half_spread)
        ctx.submit(limit_order(self.market, Side.BUY, quantity=self.quantity, price=bid))
        ctx.submit(limit_order(self.market, Side.SELL, quantity=self.quantity, price=ask))


def cancel_quotes(ctx: Context, market: str) -> None:
    """Ask for every open order of the agent in `market` to be withdrawn."""
    for order_id, order in list(ctx.open_orders.items()):
        if order.market == market:
            ctx.cancel(order_id)


def _best_of_others(ctx: Context, market: str, side: Side, levels: Levels) -> int | None:
    own: dict[int, int] = {}
    for order in ctx.open_orders.values():
        if order.market == market and order.side is side and order.price is not None:
            own[order.price] = own.get(order.price, 0) + order.quantity
    return next((price for price, quantity in levels if quantity > own.get(price, 0)), None)
