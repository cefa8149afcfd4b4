"""The checks every message passes before a venue acts on it."""

from __future__ import annotations

from typing import Any

from marketsim.errors import written
from marketsim.types import Order, OrderKind, Reason, Side, TimeInForce

QUANTITY_MAX = 2**53
PRICE_MAX = 2**53
ORDER_ID_MAX = 2**63 - 1

_MARKET, _LIMIT = OrderKind.MARKET, OrderKind.LIMIT
_FOK, _GTC = TimeInForce.FOK, TimeInForce.GTC

Refusal = tuple[Reason, str]


def _said(value: object) -> str:
    # Python refuses to write integers of thousands of digits.
    text = f"of {value.bit_length()} bits" if type(value) is int and value.bit_length() > 128 else written(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


def check_quantity(quantity: Any) -> Refusal | None:
    if type(quantity) is not int or not 0 < quantity <= QUANTITY_MAX:
        return Reason.QUANTITY, f"quantity: got {_said(quantity)}, wanted an int from 1 to 2**53"
    return None


def check_order_id(order_id: Any) -> Refusal | None:
    if type(order_id) is not int or not 0 < order_id <= ORDER_ID_MAX:
        return Reason.ORDER_ID, f"order_id: got {_said(order_id)}, wanted an int from 1 to 2**63 - 1"
    return None


def check_order(order: Order, markets: tuple[str, ...]) -> Refusal | None:
    """Why `order` cannot be taken by a venue that trades `markets`, or None.

    Checks types and bounds only; grids, duplicates and the venue's own rules are the venue's to judge.
    """
    market, side, quantity, price, kind, tif, post_only, order_id, owner, _ = order
    # The fast path is one compound test: every order of every venue passes here.
    if (
        type(quantity) is int
        and 0 < quantity <= QUANTITY_MAX
        and type(side) is Side
        and type(order_id) is int
        and 0 < order_id <= ORDER_ID_MAX
        and type(owner) is str
        and owner
        and type(market) is str
        and market in markets
        and type(tif) is TimeInForce
        and type(post_only) is bool
        and (
            (kind is _LIMIT and type(price) is int and -PRICE_MAX <= price <= PRICE_MAX)
            or (kind is not _LIMIT and type(kind) is OrderKind and price is None)
        )
        and not (post_only and (kind is not _LIMIT or tif is not _GTC))
        and not (kind is _MARKET and tif is _GTC)
    ):
        return None
    return _explain(order, markets)


def _explain(order: Order, markets: tuple[str, ...]) -> Refusal:
    if refusal := check_quantity(order.quantity) or check_order_id(order.order_id):
        return refusal
    if type(order.side) is not Side:
        return Reason.SIDE, f"side: got {_said(order.side)}, wanted Side.BUY or Side.SELL"
    if type(order.owner) is not str or not order.owner:
        return Reason.OWNER, f"owner: got {_said(order.owner)}, wanted a non-empty str"
    if type(order.market) is not str or order.market not in markets:
        return Reason.MARKET, f"market: got {_said(order.market)}, wanted one of {', '.join(markets)}"
    if order.kind is _LIMIT and (type(order.price) is not int or not -PRICE_MAX <= order.price <= PRICE_MAX):
        return Reason.PRICE, f"price: got {_said(order.price)}, wanted an int from -2**53 to 2**53"
    came = f"kind {_said(order.kind)}, price {_said(order.price)}, tif {_said(order.tif)}"
    came += f", post_only {_said(order.post_only)}"
    wanted = "a market order has no price and is IOC or FOK, a post-only order is a GTC limit"
    return Reason.KIND, f"got {came}; {wanted}"
