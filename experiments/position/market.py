"""The simulated market of a study: zero-intelligence flow, agents that hold positions, and trends planted or none."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from agents.recorder import BookRecorder
from experiments.features.simulated import MARKET, simulate
from experiments.position.config import Market
from marketsim.protocols import Context
from marketsim.result import Result
from marketsim.types import Side, market_order

RECORDER = "recorder"
_OPENS, _ADDS = 0.1, 0.02
"""Chance a look that a holder opens a position, and that it adds to one."""


@define(eq=False)
class Holder:
    """Opens a position on a side drawn at random, adds to it now and then, and closes it after `hold` looks."""

    agent_id: str
    quantity: int
    hold: int
    review_interval: int
    role: str = "holder"
    _left: int = field(default=0, init=False)

    def review(self, ctx: Context) -> None:
        held = ctx.inventory(MARKET)
        # Both draws at every look, so that a fill that never came moves no later draw.
        chance, side = ctx.rng.random(), Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
        if not held:
            if chance < _OPENS:
                self._left = self.hold
                ctx.submit(market_order(MARKET, side, quantity=self.quantity))
            return
        own = Side.BUY if held > 0 else Side.SELL
        self._left -= 1
        if self._left <= 0:
            ctx.submit(market_order(MARKET, Side(-own), quantity=abs(held)))
        elif chance < _ADDS:
            ctx.submit(market_order(MARKET, own, quantity=self.quantity))


@define(eq=False)
class Trend:
    """The planted effect: takes on one side, drawn at random, for `run` looks, then draws again."""

    quantity: int
    run: int
    review_interval: int
    agent_id: str = "trend"
    role: str = "trend"
    _left: int = field(default=0, init=False)
    _side: Side = field(default=Side.BUY, init=False)

    def review(self, ctx: Context) -> None:
        if not self._left:
            self._left = self.run
            self._side = Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
        self._left -= 1
        ctx.submit(market_order(MARKET, self._side, quantity=self.quantity))


def run_market(market: Market, seed: int) -> tuple[Result, BookRecorder]:
    """One run of the market, and who recorded its book."""
    # Five looks a bucket: the last is a fifth of it before the bar closes, so the book is never newer than the bar.
    recorder = BookRecorder(RECORDER, (MARKET,), review_interval=max(1, market.bucket_steps // 5))
    agents: list[Any] = [
        Holder(f"holder-{number}", 1, market.hold, market.bucket_steps) for number in range(1, market.holders + 1)
    ]
    if market.effect:
        agents.append(Trend(market.effect, market.run, market.bucket_steps))
    return simulate(market, seed, market.buckets, [*agents, recorder]), recorder
