"""Recorded quotes as a venue: what is taken is gone until the tape changes it, and nothing leaks from later."""

from __future__ import annotations

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim import (
    Accepted,
    Cancelled,
    Expired,
    Feed,
    Fill,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Side,
    Simulation,
    TimeInForce,
    limit_order,
    market_order,
)
from marketsim.errors import ConfigError
from marketsim.testing import check_venue
from marketsim.types import Liquidity
from tests.quote_replay_orders import ASKS, BIDS, MODELS, buy, filled, kinds, venue_with
from venues.quote_replay import Quote, QuoteReplayVenue


class ToldByTrades:
    """A replay venue for the kit, which writes `Feed` but not `Quote`: two of three trades become quotes."""

    def __init__(self, **options):
        markets = ("ACME", "BOLT")
        self.inner = QuoteReplayVenue(markets, opening=dict.fromkeys(markets, (BIDS, ASKS)), **options)
        self.messages = tuple(kind for kind in self.inner.messages if kind is not Quote)
        for name in ("cancel", "state", "estimate_impact", "clock", "next_clock", "markets", "claims"):
            setattr(self, name, getattr(self.inner, name))

    def submit(self, message, now, /):
        if type(message) is Feed and message.quantity % 3:
            price, lots = message.price, message.quantity
            bids, asks = ((price - 1, lots), (price - 2, 5)), ((price + lots % 4, lots),)
            message = Quote(message.market, bids, asks, message.venue)
        return self.inner.submit(message, now)


@pytest.mark.parametrize("queue", MODELS)
def test_the_kit_with_quotes_and_trades_mixed(queue):
    removals = "traded" if queue == "none" else "cancelled"
    report = check_venue(lambda: ToldByTrades(queue=queue, removals=removals), examples=4, steps=40)
    report.raise_failures()
    assert "not tried" not in str(report)


# Rule 1: the tape


def test_rule_1_quotes_are_what_is_shown():
    venue = venue_with()
    state = venue.state("A")
    assert (state.bids, state.asks, state.last_price) == (BIDS, ASKS, None)
    assert venue.submit(Quote("A", ((97, 5),), (), "v"), 1) == []
    assert (venue.state("A").bids, venue.state("A").asks) == (((97, 5),), ())
    assert venue.submit(Quote("A", None, ((98, 1),), "v"), 1) == []
    assert (venue.state("A").bids, venue.state("A").asks) == (((97, 5),), ((98, 1),))
    assert venue.submit(Feed("A", 98, 4, "v"), 2) == []
    assert (venue.state("A").last_price, venue.state("A").asks) == (98, ((98, 1),))


BAD_QUOTES = [
    ({"market": "Z"}, Reason.MARKET),
    ({"market": None}, Reason.MARKET),
    ({"bids": ((101, 5),)}, Reason.PRICE),
    ({"bids": ((102, 5),)}, Reason.PRICE),
    ({"bids": ((97, 5), (98, 5))}, Reason.PRICE),
    ({"bids": ((97, 5), (97, 5))}, Reason.PRICE),
    ({"asks": ((104, 5), (103, 5))}, Reason.PRICE),
    ({"asks": ((99, 5),), "bids": None}, Reason.PRICE),
    ({"bids": ((97, 0),)}, Reason.QUANTITY),
    ({"bids": ((97, -3),)}, Reason.QUANTITY),
    ({"bids": ((97.0, 3),)}, Reason.QUANTITY),
    ({"bids": ((97, True),)}, Reason.QUANTITY),
    ({"bids": [(97, 3)]}, Reason.QUANTITY),
    ({"bids": ((2**60, 3),)}, Reason.QUANTITY),
]


@pytest.mark.parametrize(("change", "reason"), BAD_QUOTES, ids=str)
def test_bad_quotes_change_nothing(change, reason):
    venue = venue_with()
    before = venue.state("A")
    reports = venue.submit(Quote("A", BIDS, ASKS, "v")._replace(**change), 1)
    assert kinds(reports) == [Rejected]
    assert reports[0].reason is reason
    assert venue.state("A") == before


@pytest.mark.parametrize("change", [{"market": "Z"}, {"price": 1.5}, {"quantity": 0}], ids=str)
def test_bad_trades_are_refused(change):
    assert kinds(venue_with().submit(Feed("A", 99, 1, "v")._replace(**change), 1)) == [Rejected]


@pytest.mark.parametrize(
    "arguments",
    [{"queue": "best"}, {"removals": "lost"}, {"opening": {"A": (((9, 1),), ((8, 1),))}}, {"opening": {"Z": ((), ())}}],
    ids=str,
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ConfigError, match=f"QuoteReplayVenue.{next(iter(arguments))}"):
        QuoteReplayVenue(("A",), **arguments)


# Rule 2: taking


def test_rule_2_displayed_sizes_are_taken_best_first_at_their_prices():
    venue = venue_with()
    assert venue.estimate_impact("A", Side.BUY, 50) == (50, 30 * 101 + 20 * 102)
    reports = venue.submit(buy(1, 50), 3)
    assert filled(reports) == [(101, 30), (102, 20)]
    assert filled(reports, "tape:v") == [(101, 30), (102, 20)]
    assert [r.liquidity for r in reports] == [Liquidity.TAKER, Liquidity.MAKER] * 2
    assert {(r.mid_before, r.mid_after) for r in reports} == {(100.0, 100.5)}
    assert venue.state("A").asks == ((102, 20),)
    rest = venue.submit(buy(2, 50), 3)
    assert (filled(rest), rest[-1].quantity, type(rest[-1])) == ([(102, 20)], 30, Expired)


def test_rule_2_what_was_taken_is_gone_until_the_tape_changes_that_level():
    venue = venue_with()
    venue.submit(buy(1, 35), 1)
    venue.submit(Quote("A", ((99, 51),), ASKS, "v"), 2)
    assert venue.state("A").asks == ((102, 35),)  # the same sizes shown again are not new ones
    venue.submit(Quote("A", BIDS, ((101, 31), (102, 40)), "v"), 3)
    assert venue.state("A").asks == ((101, 31), (102, 35))
    venue.submit(Quote("A", BIDS, ((101, 31),), "v"), 4)
    venue.submit(Quote("A", BIDS, ((101, 31), (102, 40)), "v"), 5)
    assert venue.state("A").asks == ((101, 31), (102, 40))


sizes = st.integers(1, 5)
book = st.tuples(st.integers(95, 105), st.integers(1, 2), sizes, sizes)  # bid, spread, bid size, ask size
tape_step = st.tuples(book, st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 12)), max_size=3))


@given(steps=st.lists(tape_step, min_size=1, max_size=25))
@settings(max_examples=80, deadline=None)
def test_no_more_is_taken_than_was_displayed_and_refreshed(steps):
    venue = QuoteReplayVenue(("A",))
    shown: dict[Side, dict[int, int]] = {side: {} for side in Side}
    offered: dict[tuple[Side, int], int] = {}
    taken: dict[tuple[Side, int], int] = {}
    order_id = 0
    for now, ((bid, spread, bid_size, ask_size), orders) in enumerate(steps):
        levels = {Side.SELL: {bid: bid_size}, Side.BUY: {bid + spread: ask_size}}
        venue.submit(Quote("A", ((bid, bid_size),), ((bid + spread, ask_size),), "v"), now)
        for side, new in levels.items():
            for price, lots in new.items():
                if shown[side].get(price) != lots:
                    offered[side, price] = offered.get((side, price), 0) + lots
            shown[side] = new
        for side, lots in orders:
            order_id += 1
            for report in venue.submit(buy(order_id, lots)._replace(side=side), now):
                if type(report) is Fill and report.owner == "ann":
                    taken[side, report.price] = taken.get((side, report.price), 0) + report.quantity
    for level, lots in taken.items():
        assert lots <= offered[level]


# Rule 3: lifetimes


def test_rule_3_lifetimes():
    reports = venue_with().submit(buy(1, 50, 101), 1)
    assert (filled(reports), kinds(reports)[-1], reports[-1].quantity) == ([(101, 30)], Accepted, 20)
    assert kinds(venue_with().submit(buy(1, 50, 101, TimeInForce.IOC), 1)) == [Fill, Fill, Expired]
    assert kinds(venue_with().submit(buy(1, 31, 101, TimeInForce.FOK), 1)) == [Expired]
    assert kinds(venue_with().submit(buy(1, 31, 102, TimeInForce.FOK), 1)) == [Fill] * 4
    assert venue_with().submit(buy(1, 1, 101, post_only=True), 1)[0].reason is Reason.POST_ONLY
    assert kinds(venue_with().submit(buy(1, 1, 100, post_only=True), 1)) == [Accepted]
    to_limit = buy(1, 1)._replace(kind=OrderKind.MARKET_TO_LIMIT, tif=TimeInForce.GTC)
    assert venue_with().submit(to_limit, 1)[0].reason is Reason.UNSUPPORTED


# Rules 5 to 8


def test_rule_5_quotes_that_reach_a_limit_trade_with_it():
    venue = venue_with()
    venue.submit(buy(1, 10, 99), 0)
    reports = venue.submit(Quote("A", ((97, 9),), ((98, 4), (99, 3), (100, 9)), "v"), 1)
    assert sum(lots for _, lots in filled(reports)) == 7
    assert {price for price, _ in filled(reports)} == {99}
    assert venue.state("A").asks == ((100, 9),)
    assert filled(venue.submit(Quote("A", ((97, 9),), ((98, 4), (99, 3), (100, 9)), "v"), 2)) == []
    assert filled(venue.submit(Quote("A", ((97, 9),), ((98, 5),), "v"), 3)) == [(99, 3)]


def test_rule_6_what_leaves_the_best_price_was_traded_where_the_tape_has_no_trades():
    venue = venue_with(removals="traded")
    venue.submit(buy(1, 10, 99), 0)
    venue.submit(buy(2, 10, 98), 0)
    assert venue.submit(Quote("A", ((99, 10), (98, 10)), ASKS, "v"), 1) == []
    assert (venue.ahead(1), venue.ahead(2)) == (10, 10)  # below the best price it was cancelled
    assert venue.submit(Quote("A", ((99, 14),), ASKS, "v"), 2) == []
    assert filled(venue.submit(Quote("A", ((98, 14),), ASKS, "v"), 3)) == [(99, 4)]


def test_rule_7_reduce_keeps_the_place_and_replace_gives_a_new_one():
    venue = venue_with()
    venue.submit(buy(1, 10, 99), 0)
    venue.submit(Feed("A", 99, 50, "v"), 0)
    assert (venue.submit(Reduce(1, 4, "ann", "v"), 1)[0].remaining, venue.ahead(1)) == (6, 0)
    reports = venue.submit(Replace(1, buy(2, 6, 98), "ann", "v"), 2)
    assert (kinds(reports), venue.ahead(2)) == ([Cancelled, Accepted], 70)
    refused = venue.submit(Replace(2, buy(3, 6, 101, post_only=True), "ann", "v"), 3)
    assert (refused[0].reason, venue.ahead(2)) == (Reason.POST_ONLY, 70)
    assert venue.cancel(2, "bob", 3)[0].reason is Reason.NOT_OWNER
    assert kinds(venue.cancel(2, "ann", 3)) == [Cancelled]
    assert venue.cancel(2, "ann", 3)[0].reason is Reason.UNKNOWN_ORDER


@define
class Tape:
    events: list
    name: str = "v"

    def next_time(self):
        return self.events[0][0] if self.events else None

    def emit(self, truth=None, /):
        return [self.events.pop(0)[1]]


@define
class Trader:
    agent_id: str = "ann"
    seen: list = field(factory=list)

    def start(self, ctx):
        ctx.wake_at(2)

    def wake(self, ctx):
        ctx.submit(market_order("A", Side.BUY, quantity=35))
        ctx.submit(limit_order("A", Side.BUY, quantity=10, price=99))

    def report(self, ctx, report):
        self.seen.append((report.time, type(report), report.quantity))


def test_rule_8_a_run_is_conserved_against_the_account_of_the_tape():
    events = [(0, Quote("A", BIDS, ASKS)), (3, Feed("A", 99, 57)), (4, Quote("A", ((98, 9),), ((99, 9),)))]
    trader = Trader()
    result = Simulation(venues={"v": QuoteReplayVenue(("A",))}, agents=[trader], sources=[Tape(events)]).run(10)
    money = 30 * 101 + 5 * 102 + 10 * 99
    assert result.ledger.cash == {"ann": -money, "tape:v": money}
    assert result.ledger.inventory == {"ann": {"A": 45}, "tape:v": {"A": -45}}
    assert trader.seen == [(2, Fill, 30), (2, Fill, 5), (2, Accepted, 10), (3, Fill, 7), (4, Fill, 3)]
