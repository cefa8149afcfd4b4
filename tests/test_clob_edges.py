"""The queue of a price level stays quick to search, whatever left it before; what a settled market says."""

from __future__ import annotations

import pytest

from marketsim.errors import ConfigError
from marketsim.types import Fill, Order, OrderKind, Reason, Settle, Side, TimeInForce
from venues.clob import ContinuousBook
from venues.fba import BatchAuction

ORDERS = 1500


def buy_one(order_id):
    return Order("A", Side.BUY, 1, None, OrderKind.MARKET, TimeInForce.IOC, order_id=order_id, owner="bob", venue="v")


def within(holes, orders):
    return holes * holes <= 32 * orders + 64 * 64


@pytest.mark.parametrize("self_trade", ["allow", "cancel-maker"])
@pytest.mark.parametrize("cancels", [0, 2])
def test_holes_are_counted_and_the_queue_is_made_anew_just_when_there_are_too_many(self_trade, cancels):
    """A walk over the holes costs their number, making anew the number of orders: the bound balances the two."""
    book = ContinuousBook(("A",), self_trade=self_trade)
    for order_id in range(1, ORDERS + 1):
        book.submit(Order("A", Side.SELL, 1, 100, order_id=order_id, owner="ann", venue="v"), 0)
    level, gone, made_anew = book._live[1], 0, 0
    while gone < ORDERS - 3:
        for _ in range(cancels):
            gone, holes = gone + 1, level.holes
            book.cancel(gone, "ann", 1)
            assert level.holes == holes + 1
        gone, holes, queue = gone + 1, level.holes, level.queue
        taken = [leg.order_id for leg in book.submit(buy_one(10_000 + gone), 1) if type(leg) is Fill]
        assert taken == [10_000 + gone, gone]
        left = ORDERS - gone
        if level.queue is queue:
            assert level.holes == holes + 1
            # With self-trades allowed the holes that are counted are those after the trade, else those before it.
            assert holes <= 64 or within(holes + (self_trade == "allow"), left + (self_trade != "allow"))
        else:
            made_anew += 1
            assert not within(holes + (self_trade == "allow"), left + (self_trade != "allow"))
            assert level.holes == (self_trade != "allow")
    assert made_anew > 3


@pytest.mark.parametrize("venue", [ContinuousBook(("A",)), BatchAuction(("A",), 10)])
def test_a_settled_market_says_at_which_price(venue):
    venue.submit(Settle("A", 55), 7)
    (refusal,) = venue.submit(Order("A", Side.BUY, 1, 100, order_id=1, owner="bob", venue="v"), 8)
    assert "settled at 55" in refusal.detail


@pytest.mark.parametrize(
    ("steps", "price", "quantity"), [((5, 1), 101, 5), ((1, 5), 101, 4), ((2, 2), 101, 2), ((2, 2), 100, 3)]
)
def test_the_short_way_of_plain_orders_does_not_lead_around_the_grid(steps, price, quantity):
    book = ContinuousBook(("A",), price_step=steps[0], quantity_step=steps[1])
    (report,) = book.submit(Order("A", Side.BUY, quantity, price, order_id=1, owner="bob", venue="v"), 0)
    assert report.reason is Reason.OFF_GRID
    assert book.orders("A") == []


@pytest.mark.parametrize(("maker", "taker"), [(300, 0), (0, 300), (1, 1), (-200, 300)])
def test_fees_are_paid_also_where_one_side_has_none(maker, taker):
    book = ContinuousBook(("A",), maker_fee_ppm=maker, taker_fee_ppm=taker)
    book.submit(Order("A", Side.SELL, 1000, 1000, order_id=1, owner="ann", venue="v"), 0)
    legs = book.submit(Order("A", Side.BUY, 1000, 1000, order_id=2, owner="bob", venue="v"), 1)
    assert {leg.owner: leg.fee for leg in legs if type(leg) is Fill} == {"ann": maker, "bob": taker}


@pytest.mark.parametrize("market", [["A"], 5, "B"])
def test_what_is_no_market_is_named(market):
    with pytest.raises(ConfigError, match="wanted one of A"):
        ContinuousBook(("A",)).state(market)
