"""The simulated market of a study: zero-intelligence flow, with an effect planted in its deeper levels or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from experiments.features.simulated import MARKET, simulate
from experiments.ofi.config import Market
from marketsim.protocols import Context
from marketsim.result import Result
from marketsim.types import Side, limit_order, market_order


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


def run_market(market: Market, seed: int, buckets: int, agents: Sequence[Any]) -> Result:
    """One run of `buckets` buckets with `agents` besides, who move nobody's draws."""
    workers = [Worker(market.effect, market.behind, market.looks, market.bucket_steps)] if market.effect else []
    return simulate(market, seed, buckets, [*workers, *agents])
