"""The simulated market of a study: zero-intelligence flow on a book or an auction, with a planted effect or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from agents.background import ZeroIntelligence
from agents.flow import Investor
from experiments.ofi.config import Market
from marketsim.protocols import Context
from marketsim.result import Result
from marketsim.simulation import Simulation
from marketsim.types import Side, limit_order, market_order
from venues.clob import ContinuousBook
from venues.fba import BatchAuction

MARKET = "ACME"
VENUE = "venue"
DEPTH = 20
_OPENING_LEVELS = 20


@define(eq=False)
class Opener:
    """Fills the book once, one order a tick on both sides, so that the first traders find a mid."""

    price: int
    quantity: int
    agent_id: str = "opener"
    role: str = "opener"

    def start(self, ctx: Context) -> None:
        for side in Side:
            for level in range(1, _OPENING_LEVELS + 1):
                ctx.submit(limit_order(MARKET, side, quantity=self.quantity, price=self.price - side * level))


@define(eq=False)
class Worker:
    """The planted effect: shows its interest behind the best price for a while, and only then takes; see `Market`."""

    quantity: int
    behind: int
    looks: int
    review_interval: int
    agent_id: str = "worker"
    role: str = "worker"
    _look: int = field(default=0, init=False)
    _side: Side = field(default=Side.BUY, init=False)

    def review(self, ctx: Context) -> None:
        phase, place = divmod(self._look, self.looks)
        self._look = (self._look + 1) % (2 * self.looks)
        if phase == 0:
            if place == 0:
                self._side = Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
            self._show(ctx)
            return
        if place == 0:
            for order_id in list(ctx.open_orders):
                ctx.cancel(order_id)
        ctx.submit(market_order(MARKET, self._side, quantity=self.quantity))

    def _show(self, ctx: Context) -> None:
        state = ctx.state(MARKET)
        best = state.best_bid if self._side is Side.BUY else state.best_ask
        if best is not None:
            price = max(1, best - self._side * self.behind)
            ctx.submit(limit_order(MARKET, self._side, quantity=self.quantity, price=price))


def simulate(market: Market, seed: int, buckets: int, agents: Sequence[Any]) -> Result:
    """One run of `buckets` buckets with `agents` besides; the flow draws the same whoever else trades."""
    clob = market.venue == "clob"
    venue = (
        ContinuousBook((MARKET,), depth=DEPTH) if clob else BatchAuction((MARKET,), market.bucket_steps, depth=DEPTH)
    )
    flow: list[Any] = [Opener(market.price, market.quantity)]
    flow += [
        ZeroIntelligence(
            f"trader-{number}",
            (MARKET,),
            quantity=market.quantity,
            width=market.width,
            arrival_rate=market.limits / market.traders,
        )
        for number in range(1, market.traders + 1)
    ]
    flow.append(Investor("investor", MARKET, quantity=market.quantity, arrival_rate=market.takers))
    if market.effect:
        flow.append(Worker(market.effect, market.behind, market.looks, market.bucket_steps))
    # A time unit is a bucket: rates are per bucket.
    simulation = Simulation(venues={VENUE: venue}, agents=[*flow, *agents], seed=seed, time_unit=market.bucket_steps)
    return simulation.run(buckets * market.bucket_steps)
