"""One small market for every registered venue, whose logs hold nothing but integers and names."""

from __future__ import annotations

from math import isnan
from typing import Any

from attrs import define, field

from marketsim.columns import Table
from marketsim.protocols import Context
from marketsim.result import Result
from marketsim.simulation import Simulation
from marketsim.streams import Streams
from marketsim.testing.profile import NAME, Profile, order_of
from marketsim.types import Feed, Reduce, Replace, Side
from tests.trust.registered import fresh, profile_of

HORIZON = 160


@define(eq=False)
class Trader:
    """Orders of every form that the venue takes, at reviews and at Poisson times; cancels and changes some."""

    agent_id: str
    profile: Profile
    review_interval: int
    order_latency: int = 0
    report_latency: int = 0
    arrival_rate: float = 60.0

    def review(self, ctx: Context) -> None:
        rng, profile = ctx.rng, self.profile
        own = list(ctx.open_orders)
        if own and rng.integers(3) == 0:
            self._amend(ctx, own[int(rng.integers(len(own)))])
            return
        market = profile.markets[int(rng.integers(len(profile.markets)))]
        form = profile.forms[int(rng.integers(len(profile.forms)))]
        side = Side.BUY if rng.integers(2) else Side.SELL
        price = profile.anchor[market] + int(rng.integers(-5, 6)) * profile.price_step
        lots = int(rng.integers(1, min(profile.size_max, 100) + 1)) * profile.quantity_step
        ctx.submit(order_of(form, market, side, lots, price, 0, ""), venue=NAME)

    arrive = review

    def _amend(self, ctx: Context, order_id: int) -> None:
        lots, choice = int(ctx.rng.integers(1, 5)) * self.profile.quantity_step, ctx.rng.integers(3)
        if choice == 0 and Reduce in self.profile.messages:
            ctx.reduce(order_id, quantity=lots)
        elif choice == 1 and Replace in self.profile.messages:
            ctx.replace(order_id, quantity=lots)
        else:
            ctx.cancel(order_id)


@define(eq=False)
class Idle:
    """Looks at everything, draws, wakes, and never trades."""

    agent_id: str = "idle"
    review_interval: int = 3
    arrival_rate: float = 200.0
    market_data_delay: int = 2
    profile: Profile = field(kw_only=True)

    def start(self, ctx: Context) -> None:
        ctx.wake_at(ctx.now + 1)

    def wake(self, ctx: Context) -> None:
        ctx.wake_at(ctx.now + int(ctx.rng.integers(1, 9)))

    def review(self, ctx: Context) -> None:
        ctx.rng.random(3)
        for market in self.profile.markets:
            ctx.state(market)
            ctx.estimate_impact(market, Side.BUY, self.profile.quantity_step)

    arrive = review


@define(eq=False)
class Tape:
    """Recorded trades of the first market, for a venue that replays them."""

    trades: list[tuple[int, int, int]]
    market: str
    place: int = 0

    @classmethod
    def draw(cls, seed: int, profile: Profile) -> Tape:
        """A random walk of prices every few steps."""
        rng, price, time, trades = Streams(seed).stream("tape"), profile.anchor[profile.markets[0]], 0, []
        while time < HORIZON * profile.stride:
            time, price = time + int(rng.integers(1, 6)), max(2, price + int(rng.integers(-2, 3)))
            trades.append((time, price, int(rng.integers(1, 30))))
        return cls(trades, profile.markets[0])

    def next_time(self) -> int | None:
        return self.trades[self.place][0] if self.place < len(self.trades) else None

    def emit(self, _truth: Any, /) -> list[Feed]:
        self.place += 1
        _, price, lots = self.trades[self.place - 1]
        return [Feed(self.market, price, lots, NAME)]


def run(
    name: str, seed: int, *, idle_at: int | None = None, tape: Tape | None = None, horizon: int = HORIZON
) -> Result:
    """One run of the venue `name` among four traders.

    Args:
        idle_at: place in the list at which an agent that never trades stands; None: there is none.
        tape: in place of the one that is drawn, where the venue replays one.
        horizon: in tenths of a batch where the venue has batches, else in steps.
    """
    profile = profile_of(name)
    traders: list[Any] = [
        Trader(f"trader {number}", profile, interval, number % 3, number % 2)
        for number, interval in enumerate((2, 3, 5, 7))
    ]
    if idle_at is not None:
        traders.insert(idle_at, Idle(profile=profile))
    sources = [tape or Tape.draw(seed, profile)] if Feed in profile.messages else []
    simulation = Simulation(venues={NAME: fresh(name)}, agents=traders, sources=sources, seed=seed)
    return simulation.run(horizon * profile.stride)


def rows(log: Table) -> list[str]:
    """A log, a line per row: prices in whole ticks, "-" where there is none; without the mids of a fill log."""
    columns = log.columns()
    kept = [columns[name].tolist() for name in columns if not name.startswith("mid_")]
    return [" ".join(map(_text, row)) for row in zip(*kept, strict=True)]


def _text(value: Any) -> str:
    if type(value) is not float:
        return str(value)
    if isnan(value):
        return "-"
    if not value.is_integer():
        raise ValueError(f"price of a log: got {value!r}, wanted whole ticks")
    return str(int(value))


def digests(result: Result) -> tuple[str, str, str]:
    """Of fills, orders and quotes."""
    return result.fills.digest(), result.orders.digest(), result.quotes.digest()
