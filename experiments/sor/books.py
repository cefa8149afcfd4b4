"""The simulated market of a study: books of one stock, zero-intelligence flow around a fair value that is known.

Every order of the flow is drawn from its venue's own stream, so that all policies at one seed meet the same flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import Any

import numpy as np
from attrs import define, field

from agents.execution.outflow import OutflowRecord
from experiments.quotes.tape import Ladder, QuoteTape
from experiments.sor.config import Books, SorStudy
from marketsim.fairvalue import PriceTable
from marketsim.information import PoissonSignals
from marketsim.protocols import Context
from marketsim.result import Result
from marketsim.simulation import Simulation
from marketsim.streams import Streams
from marketsim.types import Levels, Side, Signal, limit_order, market_order
from venues.clob import ContinuousBook

MARKET = "stock"
TIME_UNIT = 1000


def venue_names(books: Books) -> tuple[str, ...]:
    """Of the simulated venues.

    >>> venue_names(Books(activity=(1.0, 0.5)))
    ('venue-1', 'venue-2')
    """
    return tuple(f"venue-{number}" for number in range(1, len(books.activity) + 1))


@define(eq=False)
class Flow:
    """Poisson arrivals at one venue: market orders, and limit orders at random distances of the fair value.

    Beyond so many resting orders the oldest is withdrawn. The flow is told the fair value often and without noise. All
    draws are made at every arrival.
    """

    agent_id: str
    venue: str
    books: Books
    arrival_rate: float
    role: str = "flow"
    _fair: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._fair = float(self.books.price)

    def observes(self, market: str, _tier: str, /) -> bool:
        return market == MARKET

    def decide(self, _ctx: Context, signal: Signal) -> None:
        self._fair = signal.value

    def start(self, ctx: Context) -> None:
        for _ in range(self.books.resting):
            self._send(ctx, may_take=False)

    def arrive(self, ctx: Context) -> None:
        self._send(ctx, may_take=True)

    def _send(self, ctx: Context, *, may_take: bool) -> None:
        books, rng = self.books, ctx.rng
        takes, side = rng.random() < books.market_share, Side.BUY if rng.random() < 0.5 else Side.SELL
        lots = max(1, round(books.size * (0.5 + rng.random())))
        away = rng.exponential(books.depth)
        if len(ctx.open_orders) > books.resting:
            ctx.cancel(next(iter(ctx.open_orders)))
        if may_take and takes:
            ctx.submit(market_order(MARKET, side, quantity=lots), venue=self.venue)
            return
        price = self._fair - side * away
        ticks = floor(price) if side > 0 else ceil(price)
        ctx.submit(limit_order(MARKET, side, quantity=lots, price=max(1, ticks)), venue=self.venue)


@define(eq=False)
class Watcher:
    """Writes down what every venue shows at every step, and how its bids empty until `start`; it never trades.

    Args:
        venues: names.
        start_step, horizon: of the decision and of the deadline.
        interval: steps between the looks at the bids, the last of them at `start`.
    """

    venues: tuple[str, ...]
    start_step: int
    horizon: int
    interval: int
    agent_id: str = "watcher"
    role: str = "watcher"
    rows: list[tuple[int, int, tuple[int, int], tuple[int, int]]] = field(factory=list, init=False)
    outflow: OutflowRecord = field(factory=OutflowRecord, init=False)

    def start(self, ctx: Context) -> None:
        for step in range(self.horizon + 1):
            ctx.wake_at(step)

    def wake(self, ctx: Context) -> None:
        states = [ctx.state(MARKET, venue=venue) for venue in self.venues]
        if ctx.now <= self.start_step and (self.start_step - ctx.now) % self.interval == 0:
            self.outflow.look([state.bids for state in states])
        for place, state in enumerate(states):
            self.rows.append((ctx.now, place, _first(state.bids), _first(state.asks)))

    def tape(self, name: str, *, step_ns: int, tick_size: float, lot_size: float) -> QuoteTape:
        """What it has seen, as a tape of quotes: one of each venue a step, time stamps in steps x `step_ns`."""
        times, places, bids, asks = (np.array(column, dtype=np.int64) for column in zip(*self.rows, strict=True))
        none = np.zeros(0, dtype=np.int64)
        return QuoteTape(
            name=name,
            publishers=self.venues,
            times=times * step_ns,
            publisher=places,
            bids=Ladder(prices=bids[:, :1], sizes=bids[:, 1:]),
            asks=Ladder(prices=asks[:, :1], sizes=asks[:, 1:]),
            trade_times=none,
            trade_publisher=none,
            trade_prices=none,
            trade_sizes=none,
            tick_size=tick_size,
            lot_size=lot_size,
        )


def _first(levels: Levels) -> tuple[int, int]:
    return levels[0] if levels else (0, 0)


def fair_value(study: SorStudy, seed: int) -> PriceTable:
    """The truth of one seed: a random walk in ticks, reflected nowhere, at least 1."""
    books, steps = study.books, study.books.lookback + study.horizon
    moves = Streams(seed).stream("world").standard_normal(steps) * books.volatility
    path = books.price + np.concatenate([[0.0], np.cumsum(moves)])
    return PriceTable("fair value", (MARKET,), np.maximum(path, 1.0)[None])


def simulate(study: SorStudy, seed: int, agents: Sequence[Any]) -> Result:
    """The market of one seed, with `agents` in it, to the deadline of a decision after `lookback` steps."""
    books, names = study.books, venue_names(study.books)
    flow = [
        Flow(f"flow-{name}", name, books, rate * TIME_UNIT) for name, rate in zip(names, books.activity, strict=True)
    ]
    simulation = Simulation(
        venues={name: ContinuousBook((MARKET,)) for name in names},
        agents=[*flow, *agents],
        fair_value=fair_value(study, seed),
        information=PoissonSignals(
            routine_rate=TIME_UNIT / 2, tail_rate=0.0, routine_sigma=0.0, tail_sigma=0.0, time_unit=TIME_UNIT
        ),
        seed=seed,
        time_unit=TIME_UNIT,
    )
    return simulation.run(books.lookback + study.horizon)
