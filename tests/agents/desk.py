"""A context without a market behind it: what it shows is set by hand, what it is sent is written down."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from marketsim.types import Cancelled, Expired, Fill, Liquidity, Order, Side, VenueState


@define
class Desk:
    """`states` by market is what the agent sees; its orders stay open until `end` or `fill`."""

    states: dict[str, VenueState] = field(factory=dict)
    rng: Any = None
    now: int = 0
    sent: list[Order] = field(factory=list)
    cancelled: list[int] = field(factory=list)
    open_orders: dict[int, Order] = field(factory=dict)
    held: dict[str, int] = field(factory=dict)

    def state(self, market):
        return self.states.get(market, VenueState())

    def estimate_impact(self, market, side, quantity):
        return self.state(market).estimate(side, quantity)

    def inventory(self, market):
        return self.held.get(market, 0)

    def submit(self, order):
        self.sent.append(order)
        self.open_orders[len(self.sent)] = order._replace(order_id=len(self.sent))
        return len(self.sent)

    def cancel(self, order_id):
        self.cancelled.append(order_id)

    def fill(self, order_id, price, quantity=None, fee=0):
        """Report of a fill, of all that is left or of `quantity` lots."""
        order = self.open_orders.pop(order_id)
        lots = order.quantity if quantity is None else quantity
        if lots < order.quantity:
            self.open_orders[order_id] = order._replace(quantity=order.quantity - lots)
        self.held[order.market] = self.inventory(order.market) + order.side * lots
        return fill(order.side, lots, price, fee=fee, order_id=order_id, market=order.market)

    def end(self, order_id, report=Cancelled):
        """Report that what is left of an order has lapsed."""
        order = self.open_orders.pop(order_id)
        left = (order.quantity, 0) if report is Cancelled else (order.quantity,)
        return (Cancelled if report is Cancelled else Expired)(order_id, "x", order.market, "v", self.now, *left)


def quote(bid, ask, lots=100):
    return VenueState(bid, ask, ((bid, lots),), ((ask, lots),))


def fill(side, lots, price, *, fee=0, order_id=1, market="A", time=0, liquidity=Liquidity.MAKER):
    money = lots * price + side * fee
    return Fill(1, order_id, "x", market, "v", time, Side(side), lots, price, money, fee, liquidity, None, None)
