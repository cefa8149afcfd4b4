"""The simulated market of the studies on features: zero-intelligence flow on a book or in an auction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from attrs import define

from agents.background import ZeroIntelligence
from agents.flow import Investor
from marketsim.protocols import Context
from marketsim.result import Result
from marketsim.simulation import Simulation
from marketsim.types import Side, limit_order
from venues.clob import ContinuousBook
from venues.fba import BatchAuction

MARKET = "ACME"
VENUE = "venue"
DEPTH = 20
_OPENING_LEVELS = 20


class Flow(Protocol):
    """What a study's market says of its flow.

    Args:
        venue: "clob" or "fba"; the auction clears every `bucket_steps`.
        bucket_steps: steps of one bucket.
        price: around which the book opens, in ticks.
        traders: of zero intelligence, each with one order at a time.
        width: of their band around the mid, as a fraction of it.
        quantity: lots an order.
        limits, takers: orders of the traders, and market orders of investors, in a bucket on average.
    """

    @property
    def venue(self) -> str: ...
    @property
    def bucket_steps(self) -> int: ...
    @property
    def price(self) -> int: ...
    @property
    def traders(self) -> int: ...
    @property
    def width(self) -> float: ...
    @property
    def quantity(self) -> int: ...
    @property
    def limits(self) -> float: ...
    @property
    def takers(self) -> float: ...


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


def simulate(flow: Flow, seed: int, buckets: int, agents: Sequence[Any]) -> Result:
    """One run of `buckets` buckets of `flow` with `agents` besides; the flow draws the same whoever else trades."""
    clob = flow.venue == "clob"
    venue = ContinuousBook((MARKET,), depth=DEPTH) if clob else BatchAuction((MARKET,), flow.bucket_steps, depth=DEPTH)
    traders: list[Any] = [Opener(flow.price, flow.quantity)]
    traders += [
        ZeroIntelligence(
            f"trader-{number}",
            (MARKET,),
            quantity=flow.quantity,
            width=flow.width,
            arrival_rate=flow.limits / flow.traders,
        )
        for number in range(1, flow.traders + 1)
    ]
    traders.append(Investor("investor", MARKET, quantity=flow.quantity, arrival_rate=flow.takers))
    # A time unit is a bucket: rates are per bucket.
    simulation = Simulation(venues={VENUE: venue}, agents=[*traders, *agents], seed=seed, time_unit=flow.bucket_steps)
    return simulation.run(buckets * flow.bucket_steps)
