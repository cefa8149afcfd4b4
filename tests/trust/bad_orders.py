"""A catalogue of bad messages for any venue: each with its name, and what is sent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from attrs import frozen

from marketsim.testing.profile import Profile
from marketsim.types import Burn, Feed, Mint, Order, OrderKind, Reduce, Replace, Settle, Side, TimeInForce

NAN, INF = math.nan, math.inf
GTC, IOC, FOK = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK
LIMIT, MARKET, TO_LIMIT = OrderKind.LIMIT, OrderKind.MARKET, OrderKind.MARKET_TO_LIMIT

NO_NUMBERS: list[Any] = [
    NAN, INF, -INF, True, False, 1.0, 1.5, -0.0, 1e300, "1", "", "ten", b"1", None, [1], (1,), {}, {"a": 1}, 1 + 0j,
    Decimal(1), Decimal("nan"), Fraction(1), np.float64(1.0), np.bool_(True), object(), int, 10**5000,
]  # fmt: skip
"""None of these is a whole number that a message may hold."""
COUNTS: list[Any] = [*NO_NUMBERS, 0, -1, -(2**53), 2**53 + 1, 2**63, 2**80, -(2**80)]
PRICES: list[Any] = [*NO_NUMBERS, 2**53 + 1, -(2**53) - 1, 2**63, 2**80, -(2**80)]
# Venues write a bad price of recorded data into the refusal, and Python writes no integer of five thousand digits.
_WRITABLE = [price for price in PRICES if type(price) is not int or price.bit_length() < 1000]
IDS: list[Any] = [0, -1, 2**63, 2**80, True, 1.0, NAN, INF, None, "1", b"1", [1], {}, Decimal(1), object()]
NAMES: list[Any] = ["", None, 5, 1.0, NAN, True, b"ann", ["ann"], ("ann",), {}, object()]
MARKETS: list[Any] = [*NAMES, "Z", "acme ", "ACME\0", "os.system"]
SIDES: list[Any] = [0, 2, -2, 1.0, -1.0, NAN, True, None, "BUY", "buy", b"1", [1], Side, object(), np.int64(1)]
KINDS: list[Any] = ["limit", "market", None, 1, True, [LIMIT], OrderKind, GTC]
LIVES: list[Any] = ["gtc", "ioc", None, 1, True, {}, TimeInForce, LIMIT]
FLAGS: list[Any] = [1, 0, "yes", "", None, 1.0, NAN, []]
NO_MESSAGES: list[Any] = [object(), None, 7, 1.5, "buy", b"buy", [], {}, ("ACME", 1), Order, Side.BUY, lambda: None]


@frozen
class Bad:
    """What is sent: a message to `submit`, or (order id, owner) to `cancel`."""

    name: str
    message: Any
    cancels: bool = False


def _changed(order: Order, field: str, values: list[Any]) -> Iterator[Bad]:
    for number, value in enumerate(values):
        shown = f"{type(value).__name__} {number}"
        yield Bad(f"{field}: {shown}", order._replace(**{field: value}))


def good_lots(profile: Profile) -> int:
    """A quantity that the venue trades: of a pool, a lot alone may be worth nothing."""
    return min(profile.size_max, 100) * profile.quantity_step


def common(profile: Profile, side: Side) -> list[Bad]:
    """What no venue takes: of a limit and of a market order at the venue's own price, one thing changed."""
    market = profile.markets[0]
    price, lots = profile.anchor[market], good_lots(profile)
    limit = Order(market, side, lots, price, order_id=900, owner="cat", venue="kit")
    plain = limit._replace(price=None, kind=MARKET, tif=IOC)
    found = [
        *_changed(plain, "quantity", COUNTS),
        *_changed(limit, "price", PRICES),
        *_changed(plain, "order_id", IDS),
        *_changed(plain, "owner", NAMES),
        *_changed(plain, "market", MARKETS),
        *_changed(plain, "side", [int(side), *SIDES]),
        *_changed(limit, "kind", KINDS),
        *_changed(plain, "tif", LIVES),
        *_changed(plain, "post_only", FLAGS),
        Bad("a market order with a price", plain._replace(price=price)),
        Bad("a market order that waits for ever", plain._replace(tif=GTC)),
        Bad("a market-to-limit order with a price", limit._replace(kind=TO_LIMIT)),
        Bad("a post-only market order", plain._replace(post_only=True)),
        Bad("a post-only order that does not rest", limit._replace(post_only=True, tif=IOC)),
        Bad("a post-only order in full or not at all", limit._replace(post_only=True, tif=FOK)),
        *(Bad(f"no message: {place}", message) for place, message in enumerate(NO_MESSAGES)),
        *(Bad(f"cancel of no order: {place}", (value, "ann"), True) for place, value in enumerate([*IDS, 901])),
        *(Bad(f"cancel by nobody: {place}", (901, value), True) for place, value in enumerate(NAMES)),
    ]
    for kind, bad in _other(market, side, price):
        if kind not in profile.messages:
            found.append(Bad(f"{kind.__name__}, which the venue does not declare", bad))
    return found


def _other(market: str, side: Side, price: int) -> list[tuple[type, Any]]:
    order = Order(market, side, 1, price, order_id=902, owner="ann", venue="kit")
    return [
        (Reduce, Reduce(1, 1, "ann", "kit")),
        (Replace, Replace(1, order, "ann", "kit")),
        (Feed, Feed(market, price, 1, "kit")),
        (Mint, Mint(market, 1000, order_id=903, owner="ann", venue="kit")),
        (Burn, Burn(market, 1000, order_id=903, owner="ann", venue="kit")),
        (Settle, Settle(market, price, "kit")),
    ]


def declared(profile: Profile, side: Side) -> list[Bad]:
    """Bad forms of the further messages that a venue declares."""
    market = profile.markets[0]
    anchor = profile.anchor[market]
    shapes: list[tuple[type, Any, dict[str, list[Any]]]] = [
        (Feed, Feed(market, anchor, 1, "kit"), {"price": _WRITABLE, "quantity": COUNTS, "market": MARKETS}),
        (Mint, Mint(market, 1000, order_id=903, owner="cat", venue="kit"), {"liquidity": COUNTS, "market": MARKETS}),
        (Burn, Burn(market, 1000, order_id=903, owner="cat", venue="kit"), {"liquidity": COUNTS, "market": MARKETS}),
        (Settle, Settle(market, anchor, "kit"), {"price": _WRITABLE, "market": MARKETS}),
    ]
    if side is Side.SELL:
        return []  # they have no side
    return [
        Bad(f"{kind.__name__}.{bad.name}", bad.message)
        for kind, message, fields in shapes
        if kind in profile.messages
        for field, values in fields.items()
        for bad in _changed(message, field, values)
    ]


def resting(profile: Profile, side: Side, mine: Order) -> list[Bad]:
    """What no venue with resting orders takes, where `mine` rests for "ann" on `side`."""
    order = mine._replace(order_id=902, quantity=profile.quantity_step)
    found = [
        Bad("the id of a live order", mine._replace(price=mine.price)),
        Bad("the id of another's live order", mine._replace(owner="bob")),
        Bad("cancel of another's order", (mine.order_id, "bob"), True),
    ]
    for place, name in enumerate(NAMES):
        found.append(Bad(f"cancel of an order by nobody: {place}", (mine.order_id, name), True))
    if Reduce in profile.messages:
        cut = Reduce(mine.order_id, profile.quantity_step, "ann", "kit")
        found += _changed(cut, "quantity", COUNTS)
        found += _changed(cut, "order_id", [*IDS, 901])
        found += _changed(cut, "owner", ["bob", *NAMES])
    if Replace in profile.messages:
        anew = Replace(mine.order_id, order, "ann", "kit")
        found += _changed(anew, "order_id", [*IDS, 901])
        found += [Bad("replacement of another's order", anew._replace(owner="bob", order=order._replace(owner="bob")))]
        for field, values in {"quantity": COUNTS, "price": PRICES, "side": SIDES, "market": MARKETS}.items():
            for bad in _changed(order, field, values):
                found.append(Bad(f"replacement with {bad.name}", anew._replace(order=bad.message)))
    return found
