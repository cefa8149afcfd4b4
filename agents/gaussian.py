"""Informed traders with a scalar Gaussian belief per market: the naive one and the tail-aware one."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, exp, floor, log

from attrs import define, field

from agents.belief import ScalarBelief
from agents.capital import Capital, take
from marketsim.checks import delay, flag, integer, kind, mapping_of, name, number, optional
from marketsim.protocols import Context, Delay
from marketsim.types import Report, Side, Signal, limit_order


@define
class GaussianTrader:
    """Trades when its belief and the market's mid disagree.

    On every signal it updates the belief of that market and considers it; on every review it considers all markets.
    It takes liquidity when |edge| / log(ask / bid) is at least `take_ratio`, and else posts a limit order half a
    spread from the mid in the direction of the edge, which reaches just to the opposite best price.

    Args:
        beliefs: by market, in log ticks.
        assumed_precision: of every signal (naive), or None: each signal's own, 1 / sigma^2 (tail-aware).
        quantity: lots of a full-size order.
        capital: what trading uses up.
        threshold: least |edge| in log price.
        market_orders_only: for venues that take no limit orders.
    """

    agent_id: str = field(validator=name)
    beliefs: Mapping[str, ScalarBelief] = field(validator=mapping_of(kind(ScalarBelief)))
    capital: Capital = field(validator=kind(Capital))
    quantity: int = field(validator=integer(1))
    assumed_precision: float | None = field(default=None, validator=optional(number(above=0.0)))
    threshold: float = field(default=0.0035, validator=number(0.0))
    take_ratio: float = field(default=2.0, validator=number(0.0))
    market_orders_only: bool = field(default=False, validator=flag)
    review_interval: int = field(default=5000, validator=integer(1))
    observation_delay: int = field(default=0, validator=integer(0))
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="informed", validator=name)

    def observes(self, market: str, tier: str) -> bool:
        return market in self.beliefs and tier != "public"

    def decide(self, ctx: Context, signal: Signal) -> None:
        precision = signal.sigma**-2 if self.assumed_precision is None else self.assumed_precision
        self.beliefs[signal.market].observe(log(signal.value), precision, signal.time)
        self._consider(ctx, signal.market)

    def review(self, ctx: Context) -> None:
        for market in self.beliefs:
            self._consider(ctx, market)

    def report(self, ctx: Context, report: Report) -> None:
        self.capital.learn(ctx, report)

    def _consider(self, ctx: Context, market: str) -> None:
        state = ctx.state(market)
        bid, ask = state.best_bid, state.best_ask
        if bid is None or ask is None or not 0 < bid < ask:
            return
        mid = (bid + ask) / 2
        edge = self.beliefs[market].mean - log(mid)
        if abs(edge) < self.threshold:
            return
        side = Side.BUY if edge > 0 else Side.SELL
        spread = log(ask / bid)
        if self.market_orders_only or abs(edge) / spread >= self.take_ratio:
            take(ctx, self.capital, market, side, self.quantity)
        else:
            self._post(ctx, market, side, mid * exp(side * spread / 2))

    def _post(self, ctx: Context, market: str, side: Side, target: float) -> None:
        # Rounded towards the other side: what was meant to reach the opposite best still does on the grid.
        price = ceil(target) if side > 0 else floor(target)
        quantity, money = self.capital.largest(self.quantity, lambda lots: lots * price)
        if quantity:
            self.capital.reserve(ctx.submit(limit_order(market, side, quantity=quantity, price=price)), money)
