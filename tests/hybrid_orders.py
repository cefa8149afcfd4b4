"""Orders and random streams at a hybrid called `mix`, what its reports say, and whether it stands uncrossed."""

from __future__ import annotations

from marketsim.types import Burn, Fill, Mint, Order, OrderKind, Reduce, Rejected, Replace, Side, TimeInForce
from venues.hybrid import Hybrid
from venues.layers import PoolDepth

BUY, SELL = Side.BUY, Side.SELL
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK
RULES = ("allow", "cancel-taker", "cancel-maker", "cancel-both", "decrement")


def limit(order_id, side, quantity, price, owner="ann", market="A", **more):
    return Order(market, side, quantity, price, order_id=order_id, owner=owner, venue="mix", **more)


def at_market(order_id, side, quantity, owner="bob", market="A", tif=IOC, kind=OrderKind.MARKET):
    return Order(market, side, quantity, None, kind, tif, order_id=order_id, owner=owner, venue="mix")


def pooled(base=1000, quote=100_000, **options):
    return Hybrid(("A",), base=base, quote=quote, **options)


def laddered(**options):
    return Hybrid(("A",), base=1, quote=1000, layer="ladder", **options)


def legs_of(reports, owner):
    return [(leg.quantity, leg.price) for leg in reports if type(leg) is Fill and leg.owner == owner]


def cost(reports, order_id):
    return sum(leg.money for leg in reports if type(leg) is Fill and leg.order_id == order_id)


def filled(reports, order_id):
    return sum(leg.quantity for leg in reports if type(leg) is Fill and leg.order_id == order_id)


def reason(reports):
    (report,) = reports
    assert type(report) is Rejected
    return report.reason


def look(venue, now=0):
    reserves = venue.reserves("A") if venue.reserves else None
    return venue.state("A"), venue.orders("A"), reserves, venue.next_clock(now)


def uncrossed(venue, market="A"):
    state = venue.state(market)
    if None not in (state.best_bid, state.best_ask):
        assert state.best_bid < state.best_ask, state
    if venue.layer == "pool":
        base, quote = venue.reserves(market)
        pool = PoolDepth(base, quote, venue.pool_fee_ppm, 1, venue.quantity_step)
        for order in venue.orders(market):
            # The next step of lots, to the tick-lot: not one resting order could trade with the pool within its limit.
            step, price = venue.quantity_step, order.price
            if order.side is BUY and base > step:
                assert pool.money(BUY, step) > price * step, (order, base, quote)
            if order.side is SELL:
                assert pool.money(SELL, step) < price * step, (order, base, quote)


# Random streams


def random_message(rng, venue, order_id, live):
    price, lots = rng.randint(90, 110), rng.randint(1, 30)
    side, owner = rng.choice(list(Side)), rng.choice(["ann", "bob", "cat"])
    draw = rng.random()
    if draw < 0.08:
        kind = rng.choice([Mint, Burn])
        return kind("A", rng.choice([1, 3, 50, 2000]), order_id=order_id, owner=owner, venue="mix")
    if draw < 0.16 and live:
        old = rng.choice(live)
        return Reduce(old.order_id, lots, old.owner, "mix")
    if draw < 0.24 and live:
        old = rng.choice(live)
        return Replace(old.order_id, limit(order_id, side, lots, price, old.owner), old.owner, "mix")
    if draw < 0.4:
        return at_market(order_id, side, lots * 2, owner, tif=rng.choice([IOC, FOK]))
    if draw < 0.45:
        return at_market(order_id, side, lots, owner, tif=TimeInForce.GTC, kind=OrderKind.MARKET_TO_LIMIT)
    tif = rng.choice([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, IOC, FOK])
    return limit(order_id, side, lots, price, owner, tif=tif, post_only=tif is TimeInForce.GTC and rng.random() < 0.2)


def accounted(message, reports):
    order = message.order if type(message) is Replace else message
    if type(order) is Order and type(reports[0]) is not Rejected:
        assert sum(each.quantity for each in reports if each.order_id == order.order_id) == order.quantity
        assert all(order.accepts(leg.price) for leg in reports if type(leg) is Fill and leg.order_id == order.order_id)
