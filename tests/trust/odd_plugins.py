"""One plugin of each kind that does its work until one of its calls turns bad, and a run with all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

from agents.capital import Capital
from agents.edge import EdgeTrading
from marketsim.information import PoissonSignals
from marketsim.registration import HOOKS
from marketsim.simulation import Simulation
from marketsim.testing.profile import NAME
from marketsim.types import Order, Reduce, Replace, Report, Side, market_order
from tests.trust.registered import profile_of
from tests.trust.worlds import Trader
from venues.clob import ContinuousBook

SEED, LATE = 17, 40
"""Faults begin at time `LATE`, when there has been some trading."""
MARKET = "ACME"


class Fault:
    """What a plugin does in place of its work; `simulation` is the run that it is in.

    `legs` is how many legs were logged when it was first called; `tried` and `spoilt` are what it tried to write to,
    and what let it.
    """

    def __init__(self, what: Callable[..., Any]) -> None:
        self.what = what
        self.simulation: Simulation | None = None
        self.legs: int | None = None
        self.tried: list[str] = []
        self.spoilt: list[str] = []

    def __call__(self, *given: Any) -> Any:
        if self.legs is None and self.simulation is not None:
            self.legs = len(self.simulation.exchange.fills)
        return self.what(self, *given)


@define(eq=False)
class Odd:
    """An agent with every hook, one of which turns bad."""

    hook: str
    fault: Fault
    agent_id: str = "odd"
    arrival_rate: float = 100.0
    late: bool = False

    @property
    def review_interval(self) -> Any:
        return self.fault() if self.hook == "review_interval" and self.late else 10

    def observes(self, market: str, tier: str) -> Any:
        return self.fault(market, tier) if self.hook == "observes" else True

    def start(self, ctx: Any) -> Any:
        ctx.wake_at(LATE + 1)
        return self.fault(ctx) if self.hook == "start" else None

    def review(self, ctx: Any) -> Any:
        self.late = ctx.now >= LATE
        ctx.submit(market_order(MARKET, Side.BUY, quantity=1))
        ctx.estimate_impact(MARKET, Side.BUY, 1)
        return self._late("review", ctx)

    def decide(self, ctx: Any, signal: Any) -> Any:
        return self._late("decide", ctx, signal)

    def arrive(self, ctx: Any) -> Any:
        return self._late("arrive", ctx)

    def wake(self, ctx: Any) -> Any:
        return self._late("wake", ctx)

    def report(self, ctx: Any, report: Any) -> Any:
        return self._late("report", ctx, report)

    def _late(self, hook: str, ctx: Any, *given: Any) -> Any:
        return self.fault(ctx, *given) if hook == self.hook and ctx.now >= LATE else None


@define(eq=False)
class OddBook:
    """A book one of whose calls turns bad."""

    call: str
    fault: Fault
    book: ContinuousBook = field(factory=lambda: ContinuousBook((MARKET, "BOLT")))
    now: int = 0
    messages: tuple[type, ...] = (Order, Reduce, Replace)

    @property
    def markets(self) -> tuple[str, ...]:
        return self.book.markets

    def submit(self, message: Any, now: int, /) -> Any:
        self.now = now
        return self._asked("submit", message, now)

    def cancel(self, order_id: int, owner: str, now: int, /) -> Any:
        self.now = now
        return self._asked("cancel", order_id, owner, now)

    def state(self, market: str, /) -> Any:
        return self._asked("state", market)

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> Any:
        return self._asked("estimate_impact", market, side, quantity)

    def clock(self, now: int, /) -> Any:
        self.now = now
        return self._asked("clock", now)

    def next_clock(self, now: int, /) -> Any:
        answer = self._asked("next_clock", now)
        return (now // 10 + 1) * 10 if answer is None else answer

    def _asked(self, call: str, *given: Any) -> Any:
        return self.fault(*given) if call == self.call and self.now >= LATE else getattr(self.book, call)(*given)


@define(eq=False)
class OddSource:
    """Recorded orders, one of whose calls turns bad."""

    call: str
    fault: Fault
    time: int = 0

    def next_time(self) -> Any:
        self.time += 5
        return self.fault() if self.call == "next_time" and self.time >= LATE else self.time

    def emit(self, truth: Any, /) -> Any:
        if self.call == "emit" and self.time >= LATE:
            return self.fault(truth)
        return [Order(MARKET, Side.SELL, 1, 104, owner="recorded")]


@define(eq=False)
class OddTruth:
    """A fair value that turns bad."""

    call: str
    fault: Fault
    markets: tuple[str, ...] = (MARKET,)

    def at(self, market: str, time: int, /) -> Any:
        return self.fault(market, time) if time >= LATE and self.call == "at" else 100.0


@define(eq=False)
class OddInformation:
    """An information process that is at fault, or none."""

    call: str
    fault: Fault

    def source(self, *given: Any) -> Any:
        return self.fault(*given) if self.call else PoissonSignals(routine_rate=100.0).source(*given)


@define(eq=False)
class OddCapital:
    """A capital rule one of whose calls turns bad."""

    call: str
    fault: Fault
    capital: Capital = field(factory=lambda: Capital(10**9))

    def take(self, *given: Any) -> Any:
        return self._asked("take", *given)

    def post(self, *given: Any) -> Any:
        return self._asked("post", *given)

    def learn(self, *given: Any) -> Any:
        return self._asked("learn", *given)

    def _asked(self, call: str, ctx: Any, *given: Any) -> Any:
        bad = call == self.call and ctx.now >= LATE
        return self.fault(ctx, *given) if bad else getattr(self.capital, call)(ctx, *given)


@define(eq=False)
class Budgeted:
    """An agent that trades under a capital rule: takes at odd times, posts at even ones."""

    trading: EdgeTrading
    agent_id: str = "budgeted"
    review_interval: int = 1

    def review(self, ctx: Any) -> None:
        edge = 2.0 if ctx.now % 2 else 0.01
        self.trading.trade(ctx, MARKET, edge - self.trading.edge(ctx, MARKET, 0.0))

    def report(self, ctx: Any, report: Report) -> None:
        self.trading.capital.learn(ctx, report)


CALLS = {
    "agent": [*HOOKS, "observes", "review_interval"],
    "venue": ["submit", "cancel", "state", "estimate_impact", "clock", "next_clock"],
    "source": ["next_time", "emit"],
    "fair value": ["at"],
    "information": ["source"],
    "capital": ["take", "post", "learn"],
}
CASES = [(kind, call) for kind, calls in CALLS.items() for call in calls]


def market(kind: str, call: str, fault: Fault) -> Simulation:
    """A run in which only the plugin of this kind, and of it only this call, is at fault."""

    def at(this: str) -> str:
        return call if this == kind else ""

    profile = profile_of("clob")
    return Simulation(
        venues={NAME: OddBook(at("venue"), fault)},
        agents=[
            Odd(at("agent"), fault),
            Budgeted(EdgeTrading(OddCapital(at("capital"), fault), quantity=1)),
            *(Trader(f"trader {n}", profile, n) for n in (2, 3, 5)),
        ],
        sources=[OddSource(at("source"), fault)],
        fair_value=OddTruth(at("fair value"), fault),
        information=OddInformation(at("information"), fault),
        seed=SEED,
    )
