"""Answers of the wrong kind: the run says whose they are, or the kit where to look at every call costs too much."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from attrs import define, field

from marketsim.errors import PluginError
from marketsim.fairvalue import GuardedFairValue
from marketsim.simulation import Simulation
from marketsim.testing import ReferenceBook, check_fair_value, venue_checks
from marketsim.testing.failures import CheckFailure
from marketsim.types import Side, Signal, VenueState
from tests.trust.odd_plugins import LATE, MARKET, SEED, Fault, market
from tests.trust.worlds import HORIZON

HUGE = 10**5000
NO_TICKS: list[Any] = ["99", 99.0, math.nan, True, np.int64(99), HUGE, -HUGE, object()]


def each(values: list[Any]) -> list[Any]:
    # Pytest would write the value into the name, and there are values that cannot be written.
    return [pytest.param(value, id=f"{type(value).__name__} {place}") for place, value in enumerate(values)]


BAD_STATES = {
    **{f"bid: {place}": VenueState(best_bid=value) for place, value in enumerate(NO_TICKS)},
    **{f"ask: {place}": VenueState(best_ask=value) for place, value in enumerate(NO_TICKS)},
    **{f"last: {place}": VenueState(last_price=value) for place, value in enumerate(NO_TICKS)},
    "text for levels": VenueState(99, bids="abc"),  # type: ignore[arg-type]
    "no levels at all": VenueState(99, bids=None),  # type: ignore[arg-type]
    "a list of levels": VenueState(None, 99, asks=[(99, 1)]),  # type: ignore[arg-type]
}
BAD_LEVELS: dict[str, Any] = {
    "text": ("ab",),
    "one number": (99,),
    "three numbers": ((99, 1, 1),),
    "a fraction": ((99, 1.0),),
    "no lots": ((99, 0),),
    "worst first": ((98, 1), (99, 1)),
    "twice": ((99, 1), (99, 1)),
    "not the best price": ((98, 1),),
}
LEFT_TO_THE_KIT = {
    **{f"levels: {what}": VenueState(99, bids=levels) for what, levels in BAD_LEVELS.items()},
    "crossed": VenueState(100, 99, ((100, 1),), ((99, 1),)),
    "locked": VenueState(99, 99, ((99, 1),), ((99, 1),)),
}


@pytest.mark.parametrize("what", BAD_STATES)
def test_a_bad_state_names_the_venue(what: str):
    simulation = market("venue", "state", Fault(lambda *_: BAD_STATES[what]))
    with pytest.raises(
        PluginError, match=rf"^venue 'kit' \(OddBook.state\) at time {LATE}, seed {SEED}: wanted a Venue"
    ):
        simulation.run(HORIZON)


@define
class Shows:
    """A sound book that shows a bad state once it is to hold more than one order."""

    bad: VenueState
    book: ReferenceBook = field(factory=lambda: ReferenceBook((MARKET,)))
    sent: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.book, name)

    def submit(self, message: Any, now: int, /) -> Any:
        self.sent += 1
        return self.book.submit(message, now)

    def state(self, market: str, /) -> VenueState:
        return self.bad if self.sent > 1 else self.book.state(market)


@pytest.mark.parametrize("what", [*BAD_STATES, *LEFT_TO_THE_KIT])
def test_the_kit_finds_a_bad_state(what: str):
    bad = {**BAD_STATES, **LEFT_TO_THE_KIT}[what]
    wanted = "never-crossed" if what in {"crossed", "locked"} else "states"
    (check,) = [each for each in venue_checks() if each.name == wanted]
    with pytest.raises(CheckFailure) as caught:
        check(lambda: Shows(bad))
    assert caught.value.check == wanted


@define
class Asks:
    """Asks what an order would cost at a state of some steps ago."""

    agent_id: str = "asks"
    review_interval: int = 10
    market_data_delay: int = 7

    def review(self, ctx: Any) -> None:
        ctx.estimate_impact(MARKET, Side.BUY, 1)


@pytest.mark.parametrize(
    "state",
    [
        VenueState(asks=("ab",)),  # type: ignore[arg-type]
        VenueState(impact=lambda *_: 1 // 0),
        VenueState(impact=lambda *_: (1, 1.5)),  # type: ignore[return-value,arg-type]
    ],
    ids=["levels", "raises", "fraction"],
)
def test_what_a_past_state_says_of_costs_names_the_venue(state: VenueState):
    venue = Shows(state, sent=2)
    with pytest.raises(PluginError, match=rf"venue 'book' \(Shows.state\) at time 10, seed {SEED}: "):
        Simulation(venues={"book": venue}, agents=[Asks()], seed=SEED).run(HORIZON)


NO_PRICES: list[Any] = [math.nan, math.inf, -math.inf, True, np.bool_(True), 1j, 10**400, HUGE, "100", None, object()]


@pytest.mark.parametrize("price", each(NO_PRICES))
def test_a_price_that_is_no_number_names_the_fair_value_and_who_asked(price: Any):
    simulation = market("fair value", "at", Fault(lambda *_: price))
    with pytest.raises(PluginError) as caught:
        simulation.run(HORIZON)
    who = f"source SignalSource.emit at time {simulation.now}, seed {SEED}: PluginError: fair value OddTruth.at("
    assert str(caught.value).startswith(who)
    assert re.search(r"answered .*, wanted a finite number of ticks$", str(caught.value))


@define
class Constant:
    """A fair value that never changes its mind."""

    price: Any
    markets: tuple[str, ...] = (MARKET,)

    def at(self, _market: str, _time: int, /) -> Any:
        return self.price


@pytest.mark.parametrize("price", each([*NO_PRICES, -1.0]))
def test_the_kit_finds_a_price_that_is_no_number(price: Any):
    report = check_fair_value(lambda: Constant(price), horizon=9, questions=2)
    assert "prices" in [failure.check for failure in report.failures]


@define
class Paths:
    """A fair value that answers for many times at once."""

    answer: Any
    markets: tuple[str, ...] = (MARKET,)

    def values(self, _market: str, _times: Any, /) -> Any:
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [[1.0, 2.0], np.ones(3), np.array([1.0, np.nan]), np.array([1.0, np.inf]), np.array([1j, 1]), np.array(["1", "2"]),
     np.array([True, False]), np.array([1, None]), None, 5],
)  # fmt: skip
def test_prices_that_are_no_numbers_name_the_fair_value(answer: Any):
    with pytest.raises(PluginError, match=r"^fair value Paths.values\('ACME', \[3, 4\]\): "):
        GuardedFairValue(Paths(answer), lambda: 9).values(MARKET, [3, 4])  # type: ignore[arg-type]


SOUND = Signal(MARKET, "tail", LATE, 100.0, 0.0)


@pytest.mark.parametrize("name", Signal._fields)
@pytest.mark.parametrize("value", each([["x"], None, math.nan, object(), HUGE, True]))
def test_a_signal_of_the_wrong_kind_names_the_source(name: str, value: Any):
    bad = SOUND._replace(**{name: value})
    simulation = market("source", "emit", Fault(lambda *_: [SOUND, bad]))
    if (name, value) == ("time", HUGE):
        simulation.run(HORIZON)  # an int it is, and nobody acts at the time that a signal says
        return
    with pytest.raises(PluginError, match=rf"^source OddSource.emit at time {LATE}, seed {SEED}: emitted "):
        simulation.run(HORIZON)


@pytest.mark.parametrize("time", each([34, -1, 2**80, HUGE, 50.0, math.nan, "50", True, object()]))
def test_a_next_time_that_is_none_names_the_source(time: Any):
    simulation = market("source", "next_time", Fault(lambda *_: time))
    with pytest.raises(PluginError, match=rf"^source OddSource.next_time at time \d+, seed {SEED}: PastError: "):
        simulation.run(HORIZON)


@pytest.mark.parametrize("interval", each([0, -5, 2**80, HUGE, 5.0, math.nan, "5", True, None]))
def test_a_review_interval_that_turns_bad_names_the_agent(interval: Any):
    simulation = market("agent", "review_interval", Fault(lambda *_: interval))
    with pytest.raises(PluginError, match=rf"^agent 'odd' \(Odd.review_interval\) at time {LATE}, seed {SEED}: "):
        simulation.run(HORIZON)
