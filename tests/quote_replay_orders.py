"""A venue of recorded quotes, orders to it, and what its reports say."""

from __future__ import annotations

from marketsim import Fill, Order, OrderKind, Side, TimeInForce
from venues.quote_replay import QuoteReplayVenue

BIDS, ASKS = ((99, 50), (98, 70)), ((101, 30), (102, 40))
MODELS = ("displayed", "proportional", "none")


def venue_with(bids=BIDS, asks=ASKS, **options) -> QuoteReplayVenue:
    return QuoteReplayVenue(("A",), opening={"A": (bids, asks)}, **options)


def buy(order_id: int, quantity: int, price: int | None = None, tif=TimeInForce.GTC, **changes) -> Order:
    kind = OrderKind.MARKET if price is None else OrderKind.LIMIT
    tif = TimeInForce.IOC if price is None and tif is TimeInForce.GTC else tif
    return Order("A", Side.BUY, quantity, price, kind, tif, order_id=order_id, owner="ann", venue="v", **changes)


def filled(reports, owner: str = "ann") -> list[tuple[int, int]]:
    return [(r.price, r.quantity) for r in reports if type(r) is Fill and r.owner == owner]


def kinds(reports) -> list[type]:
    return [type(report) for report in reports]
