"""What a frequent batch auction refuses, and that it changes nothing."""

from __future__ import annotations

from fractions import Fraction

import pytest

from marketsim.errors import ConfigError
from marketsim.types import Cancelled, Feed, Reason, Reduce, Rejected, Replace
from tests.fba_orders import BUY, FOK, MARKET, MTL, SELL, accepted, at_market, filled, limit, snapshot
from venues.fba import BatchAuction

NAN, INF = float("nan"), float("inf")
BAD_ORDERS = [
    *(({"quantity": bad}, Reason.QUANTITY) for bad in (0, -1, 1.0, NAN, INF, True, 2**80, None, "5")),
    *(({"price": bad}, Reason.PRICE) for bad in (0, -4, 100.0, NAN, INF, True, 2**80, None, "100")),
    *(({"order_id": bad}, Reason.ORDER_ID) for bad in (0, -1, True, 2**80, None, 1.0)),
    *(({"owner": bad}, Reason.OWNER) for bad in ("", None, 3)),
    *(({"market": bad}, Reason.MARKET) for bad in ("Z", "", None, [])),
    ({"quantity": 7}, Reason.OFF_GRID),
    ({"price": 101}, Reason.OFF_GRID),
    ({"order_id": 1}, Reason.DUPLICATE_ORDER),
    ({"tif": FOK}, Reason.KIND),
    ({"kind": MARKET}, Reason.KIND),
    ({"kind": MARKET, "price": None, "tif": FOK}, Reason.KIND),
    ({"kind": MTL, "price": None, "tif": FOK}, Reason.KIND),
    ({"post_only": 1}, Reason.KIND),
]


def busy_venue(published):
    venue = BatchAuction(("A", "B"), 10, price_step=2, quantity_step=5, published=published)
    accepted(venue, 0, limit(1, BUY, 10, 104), limit(2, SELL, 10, 110), limit(3, SELL, 5, 100))
    venue.clock(10)
    accepted(venue, 12, limit(4, BUY, 10, 110, owner="bob"), at_market(5, SELL, 5))
    return venue


@pytest.mark.parametrize("published", ["open", "sealed"])
@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize(("bad", "reason"), BAD_ORDERS)
def test_refused_orders_change_nothing(published, side, bad, reason):
    venue = busy_venue(published)
    before = snapshot(venue, 13)
    order = limit(50, side, 5, 104)._replace(**bad)
    (report,) = venue.submit(order, 13)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 13)
    (report,) = venue.submit(Replace(1, order, order.owner, "fba"), 13)
    assert type(report) is Rejected
    assert report.order_id is order.order_id
    assert snapshot(venue, 13) == before
    assert venue.clock(20) == busy_venue(published).clock(20)


@pytest.mark.parametrize("side", [1, -1, 0, None, "buy", NAN])
def test_a_side_is_a_side(side):
    venue = busy_venue("open")
    before = snapshot(venue, 13)
    (report,) = venue.submit(limit(50, side, 5, 104), 13)
    assert report.reason is Reason.SIDE
    assert snapshot(venue, 13) == before


@pytest.mark.parametrize("published", ["open", "sealed"])
@pytest.mark.parametrize(
    ("message", "reason"),
    [
        *((Reduce(1, bad, "ann"), Reason.QUANTITY) for bad in (0, -1, 1.0, NAN, INF, True, 2**80, None)),
        (Reduce(1, 3, "ann"), Reason.OFF_GRID),
        (Reduce(77, 5, "ann"), Reason.UNKNOWN_ORDER),
        (Reduce(True, 5, "ann"), Reason.ORDER_ID),
        (Reduce(1, 5, "bob"), Reason.NOT_OWNER),
        (Reduce(1, 5, ""), Reason.NOT_OWNER),
        (Replace(77, limit(50, BUY, 5, 104), "ann"), Reason.UNKNOWN_ORDER),
        (Replace(1, limit(50, BUY, 5, 104, owner="bob"), "bob"), Reason.NOT_OWNER),
        (Replace(1, limit(50, BUY, 5, 104, owner="bob"), "ann"), Reason.NOT_OWNER),
        (Replace(1, limit(1, BUY, 5, 104), "ann"), Reason.DUPLICATE_ORDER),
        (Replace(1, "order", "ann"), Reason.UNSUPPORTED),
        (Feed("A", 100, 1), Reason.UNSUPPORTED),
        ("order", Reason.UNSUPPORTED),
        (None, Reason.UNSUPPORTED),
    ],
)
def test_refused_messages_change_nothing(published, message, reason):
    venue = busy_venue(published)
    before = snapshot(venue, 13)
    (report,) = venue.submit(message, 13)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 13)
    assert snapshot(venue, 13) == before
    assert venue.clock(20) == busy_venue(published).clock(20)


@pytest.mark.parametrize(
    ("order_id", "owner", "reason"),
    [
        (77, "ann", Reason.UNKNOWN_ORDER),
        (3, "ann", Reason.UNKNOWN_ORDER),
        (1, "bob", Reason.NOT_OWNER),
        (1, None, Reason.NOT_OWNER),
        *((bad, "ann", Reason.ORDER_ID) for bad in (True, 1.0, NAN, None, -1, 0, 2**80, [1])),
    ],
)
def test_refused_cancels_change_nothing(order_id, owner, reason):
    venue = busy_venue("open")
    before = snapshot(venue, 13)
    (report,) = venue.cancel(order_id, owner, 13)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 13)
    assert snapshot(venue, 13) == before


@pytest.mark.parametrize(
    "arguments",
    [
        *({"pi": bad} for bad in (0, -1, 1.0, NAN, INF, True, 2**80, None)),
        *({"markets": bad} for bad in ((), ["A"], ("A", "A"), ("",), "A")),
        *({"k": bad} for bad in (-0.1, 1.1, NAN, INF, True, 2**80, None, Fraction(3, 2))),
        *({name: bad} for name in ("price_rule", "allocation", "published", "self_trade") for bad in ("best", None, 1)),
        *(
            {name: bad}
            for name in ("price_step", "quantity_step", "depth")
            for bad in (0, -1, 1.0, NAN, True, 2**80, None)
        ),
        *({"min_price": bad} for bad in (1.0, NAN, INF, True, 2**80)),
        *({"fee_ppm": bad} for bad in (-1, 1.0, NAN, INF, True, 2**80, None)),
        *({"reference": {"A": bad}} for bad in (0, -5, 1.0, NAN, INF, True, 2**80)),
        {"reference": {"Z": 5}},
        {"reference": 5},
        {"reference": {"A": 5}, "price_step": 2},
    ],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ConfigError):
        BatchAuction(**{"markets": ("A",), "pi": 10, **arguments})


def test_unknown_market_is_an_error():
    with pytest.raises(ConfigError, match="Z"):
        BatchAuction(("A",), 10).state("Z")


def test_post_only_orders_are_limits():
    venue = BatchAuction(("A",), 1)
    accepted(venue, 0, limit(1, BUY, 5, 100, post_only=True), limit(2, SELL, 5, 100, post_only=True))
    assert filled(venue.clock(1)) == {1: 5, 2: 5}


def test_reducing_all_that_is_left_withdraws_the_order():
    venue = BatchAuction(("A",), 1)
    accepted(venue, 0, limit(1, BUY, 5, 100))
    assert venue.submit(Reduce(1, 9, "ann", "fba"), 0) == [Cancelled(1, "ann", "A", "fba", 0, 5)]
    assert venue.orders("A") == []
    accepted(venue, 0, limit(1, BUY, 5, 100))
