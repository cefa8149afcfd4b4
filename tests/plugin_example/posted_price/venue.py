"""A venue that buys and sells any quantity at one price."""

from attrs import define
from marketsim import Reason, VenueState, rejected, trade, unknown_order


@define
class PostedPrice:
    """Trades every order at once, at `price`, with the account `house`."""

    markets: tuple[str, ...]
    price: int
    house: str = "house"

    def submit(self, order, now):
        if not order.accepts(self.price):
            return rejected(order, Reason.PRICE, now=now)
        return trade(order, against=self.house, price=self.price, quantity=order.quantity, now=now)

    def cancel(self, order_id, owner, now):
        return unknown_order(order_id, owner, now=now)

    def state(self, market):
        return VenueState(best_bid=self.price, best_ask=self.price)

    def estimate_impact(self, market, side, quantity):
        return quantity, quantity * self.price

    def clock(self, now):
        return []

    def next_clock(self, now):
        return None


def example():
    """One that is ready to trade."""
    return PostedPrice(("ACME",), 100)
