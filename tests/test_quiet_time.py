"""A quiet step costs nothing: the work of a run is that of its events."""

from __future__ import annotations

import pytest
from attrs import define, field

from marketsim import Side, Simulation, limit_order
from marketsim.fairvalue import ConstantFairValue
from venues.clob import ContinuousBook
from venues.fba import BatchAuction


@define
class Hundred:
    """Sends a hundred orders in the first thousand steps, half of which trade."""

    agent_id: str = "hundred"
    sent: int = 0
    woken: list = field(factory=list)

    def start(self, ctx):
        ctx.wake_at(5)

    def wake(self, ctx):
        side = Side.BUY if self.sent % 2 else Side.SELL
        ctx.submit(limit_order("A", side, quantity=1, price=100 + self.sent // 50))
        self.sent += 1
        if self.sent < 100:
            ctx.wake_at(ctx.now + 9)


def run(venue, horizon: int):
    agent = Hundred()
    fair = ConstantFairValue({"A": 100.0})
    return Simulation(venues={"v": venue}, agents=[agent], fair_value=fair).run(horizon), agent


@pytest.mark.parametrize(
    "make", [lambda: ContinuousBook(("A",)), lambda: BatchAuction(("A",), 10)], ids=["clob", "fba"]
)
def test_a_million_quiet_steps_run_no_events(make):
    short, agent = run(make(), 1_000)
    long, other = run(make(), 1_000_000)
    assert agent.sent == other.sent == 100
    assert len(short.fills) == 100
    assert long.events == short.events < 500
    assert long.fills.digest() == short.fills.digest()
