"""The kit on venues that say that their markets share nothing: which it holds to it, and what it sees."""

from __future__ import annotations

import pytest

from marketsim.testing import Cancel, CheckFailure, ReferenceBook, Step, check_venue, replay_venue, venue_checks
from marketsim.testing.planted_others import OnePoolForAll
from marketsim.types import Order, OrderKind, Reduce, Replace, Side, TimeInForce, VenueState
from tests.kit.venues_under_test import TWO, VENUES
from venues.clob import ContinuousBook
from venues.fba import BatchAuction
from venues.lmsr import LMSR

CHECK = "separate-markets"
BID = Order("A", Side.BUY, 5, 99, order_id=1, owner="ann")
OTHER = Order("B", Side.BUY, 5, 99, order_id=2, owner="bob")
NEW = BID._replace(quantity=4, order_id=3)
BUY = Order("A", Side.BUY, 100, None, OrderKind.MARKET, TimeInForce.IOC, order_id=3, owner="cat")


def outcome(factory):
    check = next(check for check in venue_checks() if check.name == CHECK)
    return check(factory, examples=2, steps=30)


@pytest.mark.parametrize("name", VENUES)
def test_the_check_applies_to_those_that_declare_it(name):
    declared = name.startswith(("clob", "fba"))
    assert outcome(VENUES[name]).status == ("passed" if declared else "not applicable")


class _Undeclared(ContinuousBook):
    separate_markets = False


class _Truthy(ContinuousBook):
    separate_markets = 1  # the engine asks for True itself


@pytest.mark.parametrize(
    "factory", [lambda: ContinuousBook(("A",)), lambda: _Undeclared(TWO), lambda: _Truthy(TWO)],
    ids=["one market", "undeclared", "not a bool"],
)  # fmt: skip
def test_where_the_engine_asks_every_market_the_check_is_not_applicable(factory):
    found = outcome(factory)
    assert (found.status, found.reason) == ("not applicable", "one market, or no separate_markets = True")


class _SeparateOutcomes(LMSR):
    separate_markets = True


def test_a_market_maker_of_coupled_outcomes_cannot_declare_it():
    report = check_venue(lambda: _SeparateOutcomes(("yes", "no"), b=1000, unit=1000), examples=2, steps=20)
    assert {failure.check: len(failure.program) for failure in report.failures} == {CHECK: 1}


def test_a_change_of_depth_alone_is_seen():
    # At 100.5 ticks, and far from any other whole one.
    def factory():
        return OnePoolForAll(TWO, quote=100_500_000)

    one, other = factory(), factory()
    one.submit(BUY, 0)
    assert one.state("B")[:5] == other.state("B")[:5]
    with pytest.raises(CheckFailure, match="to stay as it was"):
        replay_venue(factory, CHECK, [Step(0, BUY)])


class _HidesB(ReferenceBook):
    """Shows nothing of market B after its third message."""

    separate_markets = True
    calls = 0

    def submit(self, message, now):
        self.calls += 1
        return super().submit(message, now)

    def cancel(self, order_id, owner, now):
        self.calls += 1
        return super().cancel(order_id, owner, now)

    def state(self, market):
        return VenueState() if self.calls >= 3 and market == "B" else super().state(market)


@pytest.mark.parametrize(
    "message",
    [NEW, Cancel(1, "ann"), Cancel(1, "bob"), Reduce(1, 2, "ann"), Replace(1, NEW, "ann"), Replace(9, NEW, "ann")],
    ids=["order", "cancel", "refused cancel", "reduce", "replace", "refused replace"],
)
def test_every_message_that_the_promise_is_about_is_judged(message):
    program = [Step(0, BID), Step(0, OTHER), Step(1, message)]
    replay_venue(lambda: _HidesB(TWO), CHECK, program[:2])
    with pytest.raises(CheckFailure, match="B, which no report on"):
        replay_venue(lambda: _HidesB(TWO), CHECK, program)


@pytest.mark.parametrize(
    ("factory", "last"),
    [
        pytest.param(lambda: ContinuousBook(TWO), Replace(1, NEW._replace(market="B"), "ann"), id="both are named"),
        pytest.param(lambda: BatchAuction(TWO, 10), Replace(1, NEW._replace(market="B"), "ann"), id="in an auction"),
        pytest.param(lambda: _HidesB(TWO), OTHER._replace(order_id=3), id="the market of the order"),
    ],
)
def test_what_reports_name_may_change(factory, last):
    replay_venue(factory, CHECK, [Step(0, BID), Step(0, OTHER), Step(1, last), Step(40, None)])
