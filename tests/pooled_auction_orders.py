"""An auction with a pool called `mix`, orders to it, and what its reports say."""

from __future__ import annotations

from marketsim.types import Accepted, Fill, Order, OrderKind, Side, TimeInForce
from venues.pooled_auction import PooledAuction

BUY, SELL = Side.BUY, Side.SELL
IOC = TimeInForce.IOC


def limit(order_id, side, quantity, price, owner="ann", market="A", **more):
    return Order(market, side, quantity, price, order_id=order_id, owner=owner, venue="mix", **more)


def at_market(order_id, side, quantity, owner="bob", kind=OrderKind.MARKET, tif=IOC):
    return Order("A", side, quantity, None, kind, tif, order_id=order_id, owner=owner, venue="mix")


def auction(base=1000, quote=100_000, pi=10, **options):
    return PooledAuction(("A",), pi, base=base, quote=quote, **options)


def accepted(venue, now, *orders):
    for order in orders:
        assert venue.submit(order, now) == [Accepted(order.order_id, order.owner, "A", "mix", now, order.quantity)]


def fills(reports, owner=None):
    return [leg for leg in reports if type(leg) is Fill and owner in {None, leg.owner}]


def pool_trade(reports):
    legs = fills(reports, "pool:mix")
    assert len(legs) <= 1
    return -sum(leg.side * leg.quantity for leg in legs)


def look(venue, now):
    return venue.state("A"), venue.orders("A"), venue.reserves("A"), venue.next_clock(now)
