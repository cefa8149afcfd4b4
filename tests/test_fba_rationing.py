"""The frequent batch auction, rules 6 and 7: who trades at the price, and self-trade prevention."""

from __future__ import annotations

import pytest

from marketsim.types import Accepted, Cancelled, Reason, Reduce, Rejected, Replace
from tests.fba_orders import BUY, SELL, accepted, at_market, filled, limit, price_of
from venues.fba import BatchAuction


@pytest.mark.parametrize(
    ("allocation", "shares"),
    [
        ("batch-pro-rata", {1: 6, 2: 2, 3: 2}),
        ("pro-rata", {1: 4, 2: 3, 3: 3}),
        ("time", {1: 6, 2: 4}),
    ],
)
def test_rule_6_rationing(allocation, shares):
    venue = BatchAuction(("A",), 10, allocation=allocation)
    accepted(venue, 0, limit(1, BUY, 6, 100))
    accepted(venue, 11, limit(2, BUY, 4, 100), limit(3, BUY, 4, 100))
    accepted(venue, 12, limit(9, SELL, 10, 100))
    reports = venue.clock(20)
    bought = {leg.order_id: leg.quantity for leg in reports if leg.side is BUY}
    assert bought == shares


def test_rule_6_a_batch_is_a_span_of_time_and_not_a_count_of_clears():
    # No clear happens between orders 1 and 2, yet they are of different batches.
    venue = BatchAuction(("A",), 10)
    accepted(venue, 9, limit(1, BUY, 4, 100))
    accepted(venue, 10, limit(2, BUY, 4, 100), limit(3, SELL, 4, 100))
    assert filled(venue.clock(20)) == {1: 4, 3: 4}


def test_rule_6_reduce_keeps_the_batch_and_replace_joins_the_current_one():
    venue = BatchAuction(("A",), 10)
    accepted(venue, 0, limit(1, BUY, 8, 100), limit(2, BUY, 4, 100))
    reduced = venue.submit(Reduce(1, 4, "ann", "fba"), 10)
    assert reduced == [Cancelled(1, "ann", "A", "fba", 10, 4, 4)]
    replaced = venue.submit(Replace(2, limit(5, BUY, 4, 100), "ann", "fba"), 10)
    assert replaced == [Cancelled(2, "ann", "A", "fba", 10, 4), Accepted(5, "ann", "A", "fba", 10, 4)]
    accepted(venue, 10, limit(3, BUY, 4, 100), limit(4, SELL, 6, 100))
    assert filled(venue.clock(20)) == {1: 4, 3: 1, 5: 1, 4: 6}


def test_rule_6_lots_are_dealt_on_the_grid_of_the_venue():
    venue = BatchAuction(("A",), 1, quantity_step=10)
    accepted(venue, 0, limit(1, BUY, 30, 100), limit(2, BUY, 30, 100), limit(3, SELL, 50, 100))
    assert filled(venue.clock(1)) == {1: 30, 2: 20, 3: 50}


def test_rule_6_without_price_priority_a_clear_can_leave_a_crossed_book_for_the_next():
    venue = BatchAuction(("A",), 10, price_rule="volume_midpoint", allocation="pro_rata_all")
    accepted(venue, 0, limit(1, BUY, 10, 120), limit(2, BUY, 10, 109), limit(3, SELL, 16, 90), limit(4, SELL, 5, 110))
    assert filled(venue.clock(10)) == {1: 8, 2: 8, 3: 16}
    assert venue.state("A")[:2] == (120, 110)
    assert venue.next_clock(10) == 20
    assert filled(venue.clock(20)) == {1: 2, 4: 2}
    assert venue.next_clock(20) is None


def test_rule_6_the_published_rule_dilutes_better_prices():
    venue = BatchAuction(("A",), 1, price_rule="volume_midpoint", allocation="pro_rata_all")
    accepted(venue, 0, limit(1, BUY, 2, 110), limit(2, BUY, 40, 101), limit(3, SELL, 21, 91))
    reports = venue.clock(1)
    # 21 lots at any price from 91 to 101; the bid at 110 gets no more of them than its share of the demand.
    assert price_of(reports) == 96
    assert filled(reports) == {1: 1, 2: 20, 3: 21}


def test_rule_7_self_trade_prevention_refuses_the_newest():
    venue = BatchAuction(("A", "B"), 1, self_trade="refuse-newest")
    accepted(venue, 0, limit(1, SELL, 5, 100))
    for order in (limit(2, BUY, 5, 100), limit(2, BUY, 5, 101), at_market(2, BUY, 5)):
        (report,) = venue.submit(order, 0)
        assert (type(report), report.reason) == (Rejected, Reason.SELF_TRADE)
    accepted(venue, 0, limit(2, BUY, 5, 99), limit(3, BUY, 5, 100, market="B"), limit(4, BUY, 1, 100, owner="bob"))
    # A replacement may take the place of the very order that it would have met.
    assert type(venue.submit(Replace(1, limit(5, BUY, 5, 101), "ann", "fba"), 0)[1]) is Accepted
    assert BatchAuction(("A",), 1).submit(limit(1, SELL, 5, 100), 0)
