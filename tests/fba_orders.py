"""Orders at a batch auction called `fba`, and what its reports say."""

from __future__ import annotations

from marketsim.types import Accepted, Fill, Order, OrderKind, Side, TimeInForce

BUY, SELL = Side.BUY, Side.SELL
MARKET, MTL = OrderKind.MARKET, OrderKind.MARKET_TO_LIMIT
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK


def limit(order_id, side, quantity, price, owner="ann", market="A", **more):
    return Order(market, side, quantity, price, order_id=order_id, owner=owner, venue="fba", **more)


def at_market(order_id, side, quantity, owner="ann", market="A", tif=IOC, kind=MARKET):
    return Order(market, side, quantity, None, kind, tif, order_id=order_id, owner=owner, venue="fba")


def accepted(venue, now, *orders):
    for order in orders:
        expected = Accepted(order.order_id, order.owner, order.market, "fba", now, order.quantity)
        assert venue.submit(order, now) == [expected]


def filled(reports):
    return {leg.order_id: leg.quantity for leg in reports if type(leg) is Fill}


def price_of(reports):
    (price,) = {leg.price for leg in reports if type(leg) is Fill}
    return price


def snapshot(venue, now):
    public = [(market, venue.state(market), venue.orders(market)) for market in venue.markets]
    return public, venue.next_clock(now)
