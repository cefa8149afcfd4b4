"""A plugin at fault is named with the call, the time and the seed, and what had been traded by then stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from operator import setitem
from typing import Any

import pytest
from attrs import define, field

from marketsim.errors import ConfigError, PluginError
from marketsim.fairvalue import GuardedFairValue
from marketsim.registration import HOOKS
from marketsim.simulation import Simulation
from marketsim.types import Rejected, Report, Side, limit_order
from tests.trust.odd_plugins import CASES, MARKET, SEED, Fault, market
from tests.trust.worlds import HORIZON
from venues.clob import ContinuousBook


def raises(error: BaseException) -> Callable[..., Any]:
    def fault(*_: Any) -> Any:
        raise error

    return fault


def without_end(*given: Any) -> Any:
    return without_end(*given)


class Unwritable(Exception):
    """Raises when it is asked for words."""

    def __repr__(self) -> str:
        raise ValueError("no words")

    __str__ = __repr__


def generates(*_: Any) -> Any:
    yield


def runs_again(fault: Fault, *_: Any) -> None:
    if fault.simulation is not None:
        fault.simulation.run(HORIZON)


def spoils(fault: Fault, *given: Any) -> None:
    """Writes to all that it was given and that others see or the run depends on."""
    for thing in given:
        for name, write in writes(thing):
            fault.tried.append(name)
            try:
                write()
            except (TypeError, AttributeError):
                continue
            fault.spoilt.append(name)
    raise TypeError("it has tried all")


def writes(thing: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    if hasattr(thing, "open_orders"):
        yield "open_orders", lambda: setitem(thing.open_orders, 1, "mine")
        yield "now", lambda: setattr(thing, "now", 0)
    for name in getattr(thing, "_fields", ()):
        yield name, lambda name=name: setattr(thing, name, "mine")
    if type(thing) is GuardedFairValue:
        yield "clock", lambda: setattr(thing, "_clock", lambda: HORIZON)


FAULTS: dict[str, Callable[..., Any]] = {
    "raises": raises(KeyError("oops")),
    "raises an error of the engine's own": raises(ConfigError("oops")),
    "raises the end of an iteration": raises(StopIteration()),
    "exits": raises(SystemExit(3)),
    "runs out of memory": raises(MemoryError()),
    "calls itself without end": without_end,
    "raises what cannot be written": raises(Unwritable()),
    "answers with an object": lambda *_: object(),
    "answers with what cannot be written": lambda *_: Unwritable(),
    "answers with a list of what cannot be written": lambda *_: [Unwritable()],
    "is a generator": generates,
    "runs the simulation again": runs_again,
    "changes what it was given": spoils,
}
ANSWERS = [what for what in FAULTS if what.startswith("answers with") or what == "is a generator"]
LAX = {(call, what) for call in ("observes", "take", "post", "learn") for what in ANSWERS}
"""No faults: any answer is true or false, or nobody asks for one."""
GIVEN_NOTHING = {
    "observes", "review_interval", "cancel", "state", "estimate_impact", "clock", "next_clock", "next_time", "at",
    "source",
}  # fmt: skip
"""Calls that get nothing but names and numbers, and the truth in an object of the user's own."""


@cache
def sound() -> list[dict[str, Any]]:
    """The fill log where nothing is at fault."""
    simulation = market("", "", Fault(raises(KeyError())))
    simulation.run(HORIZON)
    return legs(simulation)


def legs(simulation: Simulation) -> list[dict[str, Any]]:
    # As text, because a mid that is nan equals nothing.
    return simulation.exchange.fills.frame().astype({"mid_before": str, "mid_after": str}).to_dict("records")


NAMES = {
    "agent": "agent 'odd' (Odd.{call}) at time",
    "venue": "venue 'kit' (OddBook.{call}) at time",
    "source": "source OddSource.{call} at time",
    "fair value": "source SignalSource.emit at time",  # who asked; and then the fair value
    "information": "information OddInformation.{call} at time",
    "capital": "agent 'budgeted' (Budgeted.",  # who asked
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
    with pytest.raises(PluginError) as caught:
        simulation.run(HORIZON)
    message = str(caught.value)
    assert NAMES[kind].format(call=call) in message, message
    assert f" at time {simulation.now}, seed {SEED}: " in message, message
    assert kind != "fair value" or "fair value OddTruth.at('ACME', " in message, message
    assert fault.spoilt == []
    assert bool(fault.tried) is (what == "changes what it was given" and call not in GIVEN_NOTHING)
    the_log_stands(simulation, fault)
    assert (len(legs(simulation)) > 20) is (call not in {"start", "observes", "source"})


def the_log_stands(simulation: Simulation, fault: Fault) -> None:
    """It holds everything up to the call at fault and nothing of it, and the accounts are what it adds up to."""
    kept = legs(simulation)
    before = [leg for leg in sound() if leg["time"] < simulation.now]
    assert len(before) <= len(kept) == fault.legs
    assert kept == sound()[: len(kept)]
    cash, lots = Counter[str](), Counter[tuple[str, str]]()
    for leg in kept:
        cash[leg["owner"]] -= leg["side"] * leg["money"]
        lots[leg["owner"], leg["market"]] += leg["side"] * leg["quantity"]
    ledger = simulation.exchange.ledger
    held = {(owner, name): n for owner, markets in ledger.inventory.items() for name, n in markets.items()}
    assert (Counter(ledger.cash), Counter(held)) == (cash, lots)  # what a Counter lacks is 0


@define
class Sender:
    """Sends an order with one field that cannot be written."""

    name: str
    agent_id: str = "sender"
    told: list[Report] = field(factory=list)

    def start(self, ctx: Any) -> None:
        ctx.submit(limit_order(MARKET, Side.BUY, quantity=1, price=100)._replace(**{self.name: Unwritable()}))

    def report(self, _ctx: Any, report: Report) -> None:
        self.told.append(report)


@pytest.mark.parametrize("name", ["side", "quantity", "price", "kind", "tif", "post_only"])
def test_an_order_that_cannot_be_written_is_refused(name: str):
    sender = Sender(name)
    result = Simulation(venues={"book": ContinuousBook((MARKET,))}, agents=[sender], seed=SEED).run(HORIZON)
    assert [type(report) for report in sender.told] == [Rejected]
    assert "cannot be written" in sender.told[0].detail
    assert len(result.orders.frame()) == 1


def test_there_are_ten_faults_for_every_call():
    assert len(FAULTS) >= 10
    assert {call for kind, call in CASES if kind == "agent"} == {*HOOKS, "observes", "review_interval"}
