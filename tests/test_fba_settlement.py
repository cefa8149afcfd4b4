"""The batch auction when an event resolves: waiting orders go, and the market is closed."""

from __future__ import annotations

import pytest

from marketsim.errors import PastError
from marketsim.types import Cancelled, Fill, Reason, Rejected, Replace, Settle, VenueState
from tests.events import BUY, MARKETS, PAYOUT, SELL, order
from venues.fba import BatchAuction


def waiting(**options):
    """Four orders of "yes", two of which would trade at step 10, one of them for any price, and two of "no"."""
    venue = BatchAuction(MARKETS, 10, **options)
    for made in (
        order(1, SELL, 5, 600),
        order(2, BUY, 3, 500),
        order(3, BUY, 4),
        order(4, BUY, 2, 610, owner="bob"),
        order(5, BUY, 2, 300, market="no"),
        order(6, SELL, 2, 300, market="no"),
    ):
        venue.submit(made, 4)
    return venue


@pytest.mark.parametrize("published", ["open", "sealed"])
def test_settling_withdraws_every_waiting_order_and_leaves_the_other_market_alone(published):
    venue = waiting(published=published)
    reports = venue.submit(Settle("yes", 0), 6)
    assert sorted(reports) == [
        Cancelled(1, "ann", "yes", "event", 6, 5),
        Cancelled(2, "ann", "yes", "event", 6, 3),
        Cancelled(3, "ann", "yes", "event", 6, 4),
        Cancelled(4, "bob", "yes", "event", 6, 2),
    ]
    assert (venue.orders("yes"), venue.state("yes")[:5]) == ([], VenueState()[:5])
    assert venue.estimate_impact("yes", BUY, 5) == (0, 0)
    assert venue.next_clock(6) == 10
    assert [(leg.market, leg.quantity) for leg in venue.clock(10)] == [("no", 2), ("no", 2)]
    assert venue.next_clock(10) is None


@pytest.mark.parametrize("published", ["open", "sealed"])
@pytest.mark.parametrize("first", [order(1, SELL, 5, 600), order(1, BUY, 5)])
def test_a_settled_market_needs_no_clock(published, first):
    venue = BatchAuction(MARKETS, 10, published=published)
    venue.submit(first, 4)
    venue.submit(order(2, BUY, 5, 700), 4)
    assert venue.next_clock(4) == 10
    venue.submit(Settle("yes", PAYOUT), 5)
    assert venue.next_clock(5) is None
    assert venue.clock(10) == []


def test_a_settled_market_refuses_orders_replacements_and_a_second_settlement():
    venue = waiting()
    venue.submit(Settle("yes", PAYOUT), 6)
    replacing = Replace(5, order(7, BUY, 1, 300), "ann", "event")
    for message in (order(7, BUY, 1, 500), order(7, SELL, 1), replacing, Settle("yes", PAYOUT), Settle("yes", 0)):
        (report,) = venue.submit(message, 7)
        assert (type(report), report.reason) == (Rejected, Reason.CLOSED)
        assert "settled at 1000" in report.detail
    (report,) = venue.cancel(1, "ann", 7)
    assert report.reason is Reason.UNKNOWN_ORDER
    assert [each.order_id for each in venue.orders("no")] == [5, 6]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        *[(Settle("yes", bad), Reason.PRICE) for bad in (0.0, True, None, float("nan"), 2**80, -(2**80))],
        *[(Settle(bad, 0), Reason.MARKET) for bad in ("maybe", "", None, [])],
    ],
)
def test_a_settlement_that_is_refused_changes_nothing(message, reason):
    venue = waiting()
    before = [(venue.orders(market), venue.state(market)) for market in MARKETS]
    (report,) = venue.submit(message, 6)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 6)
    assert [(venue.orders(market), venue.state(market)) for market in MARKETS] == before


def test_a_clear_that_is_due_comes_before_the_settlement_of_its_step():
    venue = waiting()
    with pytest.raises(PastError):
        venue.submit(Settle("yes", PAYOUT), 10)
    assert {leg.market for leg in venue.clock(10) if type(leg) is Fill} == {"yes", "no"}
    left = [each.order_id for each in venue.orders("yes")]
    assert left
    assert [report.order_id for report in venue.submit(Settle("yes", PAYOUT), 10)] == left
    assert venue.state("yes").last_price is not None
