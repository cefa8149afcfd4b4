"""Edges of the venues that replay a tape: refusals, orders for just what there is, prices at their bounds."""

from __future__ import annotations

import pytest

from marketsim.types import Expired, Feed, Fill, Reason, Reduce, Rejected, Side, TimeInForce, limit_order, market_order
from tests.quote_replay_orders import buy, filled, kinds, venue_with
from venues.quote_replay import Quote, QuoteReplayVenue
from venues.replay import ReplayVenue


def test_a_refusal_before_the_first_trade_names_the_order_its_owner_and_the_time():
    order = market_order("A", Side.BUY, quantity=3)._replace(order_id=4, owner="ann", venue="tape")
    (refusal,) = ReplayVenue(("A",)).submit(order, 7)
    assert refusal == Rejected(4, Reason.NO_LIQUIDITY, "ann", "A", "tape", 7, refusal.detail)


def test_an_order_that_would_rest_is_told_what_to_send():
    order = limit_order("A", Side.BUY, quantity=3, price=9)._replace(order_id=4, owner="ann", venue="tape")
    (refusal,) = ReplayVenue(("A",)).submit(order, 7)
    assert (refusal.reason, refusal.time) == (Reason.UNSUPPORTED, 7)
    assert "IOC or FOK" in refusal.detail


def test_an_order_for_all_or_nothing_gets_just_what_there_is():
    tape = ReplayVenue(("A",))
    tape.submit(Feed("A", 100, 3), 0)
    order = market_order("A", Side.BUY, quantity=3, tif=TimeInForce.FOK)
    order = order._replace(order_id=4, owner="ann", venue="tape")
    assert kinds(tape.submit(order._replace(quantity=4), 1)) == [Expired]
    assert kinds(tape.submit(order, 1)) == [Fill, Fill]
    quotes = venue_with(asks=((101, 30), (102, 40)))
    assert kinds(quotes.submit(buy(1, 31, 101, TimeInForce.FOK), 0)) == [Expired]
    assert filled(quotes.submit(buy(2, 30, 101, TimeInForce.FOK), 0)) == [(101, 30)]


@pytest.mark.parametrize("kind", [ReplayVenue, QuoteReplayVenue])
@pytest.mark.parametrize("bound", [2**53, -(2**53)])
def test_a_recorded_price_may_stand_at_the_bound_of_prices_and_not_beyond(kind, bound):
    venue = kind(("A",))
    assert venue.submit(Feed("A", bound, 1), 0) == []
    assert venue.state("A").last_price == bound
    (refusal,) = venue.submit(Feed("A", bound + (1 if bound > 0 else -1), 1), 0)
    assert refusal.reason is Reason.PRICE


def test_sides_may_be_told_empty_and_one_at_a_time():
    venue = venue_with()
    assert venue.submit(Quote("A", bids=(), asks=()), 1) == []
    assert venue.state("A")[:4] == (None, None, (), ())
    # An empty side has no orders, so that nobody is ahead of the first.
    venue.submit(buy(1, 4, 99), 2)
    assert venue.ahead(1) == 0
    assert venue.submit(Quote("A", bids=((98, 1),), asks=None), 3) == []
    assert venue.submit(Quote("A", bids=None, asks=((101, 2),)), 4) == []
    assert venue.state("A")[:2] == (98, 101)


def test_a_fill_by_a_quote_states_the_mids_around_that_quote():
    venue = venue_with(bids=((99, 5),), asks=((101, 8),))
    venue.submit(buy(1, 4, 100), 0)
    legs = venue.submit(Quote("A", bids=None, asks=((100, 8),)), 1)
    assert filled(legs) == [(100, 4)]
    assert {(leg.mid_before, leg.mid_after) for leg in legs} == {(100.0, 99.5)}


def test_an_order_reduced_by_all_of_its_lots_is_live_no_more():
    venue = venue_with()
    venue.submit(buy(1, 4, 99), 0)
    (report,) = venue.submit(Reduce(1, 4, "ann", "v"), 1)
    assert (report.quantity, report.remaining) == (4, 0)
    (refusal,) = venue.cancel(1, "ann", 2)
    assert refusal.reason is Reason.UNKNOWN_ORDER
