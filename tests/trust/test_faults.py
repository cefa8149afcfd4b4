"""A plugin at fault is named with the call, the time and the seed, and what had been traded by then stands."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from attrs import define, field

from marketsim.errors import ConfigError, PastError, PluginError
from marketsim.information import PoissonSignals
from marketsim.registration import HOOKS
from marketsim.simulation import Simulation
from marketsim.testing.profile import NAME
from marketsim.types import Order, Reduce, Replace, Side, market_order
from tests.trust.registered import profile_of
from tests.trust.worlds import HORIZON, Trader
from venues.clob import ContinuousBook

SEED, LATE = 17, 40
"""Faults begin at time `LATE`, when there has been some trading."""
MARKET = "ACME"


class Fault:
    """What a plugin does in place of its work; `simulation` is the run that it is in."""

    def __init__(self, what: Callable[..., Any]) -> None:
        self.what = what
        self.simulation: Simulation | None = None

    def __call__(self, *given: Any) -> Any:
        return self.what(self, *given)


def raises(error: BaseException) -> Callable[..., Any]:
    def fault(*_: Any) -> Any:
        raise error

    return fault


def without_end(*given: Any) -> Any:
    return without_end(*given)


def generates(*_: Any) -> Any:
    yield


def runs_again(fault: Fault, *_: Any) -> None:
    if fault.simulation is not None:
        fault.simulation.run(HORIZON)


def spoils(_: Fault, *given: Any) -> None:
    """Changes the first thing of what it was given that can be seen to matter."""
    for thing in given:
        if hasattr(thing, "open_orders"):
            thing.open_orders[1] = "mine"
        if hasattr(thing, "_fields"):
            thing.market = "mine"
    raise TypeError("nothing to spoil")


FAULTS: dict[str, Callable[..., Any]] = {
    "raises": raises(KeyError("oops")),
    "raises an error of the engine's own": raises(ConfigError("oops")),
    "raises the end of an iteration": raises(StopIteration()),
    "exits": raises(SystemExit(3)),
    "runs out of memory": raises(MemoryError()),
    "calls itself without end": without_end,
    "answers with an object": lambda *_: object(),
    "is a generator": generates,
    "runs the simulation again": runs_again,
    "changes what it was given": spoils,
}
LAX = {("observes", "answers with an object"), ("observes", "is a generator")}
"""No faults: any answer is true or false."""


@define(eq=False)
class Odd:
    """An agent with every hook, one of which turns bad."""

    hook: str
    fault: Fault
    agent_id: str = "odd"
    review_interval: int = 10
    arrival_rate: float = 100.0

    def observes(self, market: str, tier: str) -> Any:
        return self.fault(market, tier) if self.hook == "observes" else True

    def start(self, ctx: Any) -> Any:
        ctx.wake_at(LATE + 1)
        return self.fault(ctx) if self.hook == "start" else None

    def review(self, ctx: Any) -> Any:
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


CALLS = {
    "agent": [*HOOKS, "observes"],
    "venue": ["submit", "cancel", "state", "estimate_impact", "clock", "next_clock"],
    "source": ["next_time", "emit"],
    "fair value": ["at"],
}
CASES = [(kind, call) for kind, calls in CALLS.items() for call in calls]


def market(kind: str, call: str, fault: Fault) -> Simulation:
    """A run in which only the plugin of this kind, and of it only this call, is at fault."""

    def at(this: str) -> str:
        return call if this == kind else ""

    profile = profile_of("clob")
    return Simulation(
        venues={NAME: OddBook(at("venue"), fault)},
        agents=[Odd(at("agent"), fault), *(Trader(f"trader {n}", profile, n) for n in (2, 3, 5))],
        sources=[OddSource(at("source"), fault)],
        fair_value=OddTruth(at("fair value"), fault),
        information=PoissonSignals(routine_rate=100.0),
        seed=SEED,
    )


@cache
def sound(kind: str) -> list[str]:
    """The fill log where nothing is at fault."""
    simulation = market(kind, "", Fault(raises(KeyError())))
    simulation.run(HORIZON)
    return legs(simulation)


def legs(simulation: Simulation) -> list[str]:
    columns = simulation.exchange.fills.columns()
    return [repr(leg) for leg in zip(*columns.values(), strict=True)]


NAMES = {
    "agent": "agent 'odd' (Odd.",
    "venue": "venue 'kit' (OddBook.",
    "source": "OddSource",
    "fair value": "source SignalSource.emit",  # who asked
}


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize(("kind", "call"), CASES)
def test_a_plugin_at_fault_is_named_and_the_log_stands(kind: str, call: str, what: str):
    fault = Fault(FAULTS[what])
    simulation = market(kind, call, fault)
    fault.simulation = simulation
    if (call, what) in LAX:
        simulation.run(HORIZON)
        return
    with pytest.raises((PluginError, PastError)) as caught:
        simulation.run(HORIZON)
    message = str(caught.value)
    assert NAMES[kind] in message, message
    # A source's next time is judged where it is scheduled, which knows of no seed.
    if not isinstance(caught.value, PastError):
        assert f"seed {SEED}" in message, message
        assert "at time " in message, message
        assert call in message or kind == "fair value", message
    simulation.exchange.ledger.check()
    kept = legs(simulation)
    assert kept == sound(kind)[: len(kept)]
    assert (len(kept) > 20) is (call not in {"start", "observes"})


def test_there_are_ten_faults_for_every_call():
    assert len(FAULTS) >= 10
    assert {call for kind, call in CASES if kind == "agent"} == {*HOOKS, "observes"}
