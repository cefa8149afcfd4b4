"""A catalogue of bad messages for any venue: each with its name, what is sent, and why it must be refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from attrs import frozen

from marketsim.testing.profile import Profile
from marketsim.types import Burn, Feed, Mint, Order, OrderKind, Reason, Reduce, Replace, Settle, Side, TimeInForce
from venues.quote_replay import Quote

NAN, INF = math.nan, math.inf
GTC, IOC, FOK = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK
LIMIT, MARKET, TO_LIMIT = OrderKind.LIMIT, OrderKind.MARKET, OrderKind.MARKET_TO_LIMIT


class Wordless:
    """Raises when it is asked for words."""

    def __repr__(self) -> str:
        raise ValueError("no words")


NO_NUMBERS: list[Any] = [
    NAN, INF, -INF, True, False, 1.0, 1.5, -0.0, 1e300, "1", "", "ten", b"1", None, [1], (1,), {}, {"a": 1}, 1 + 0j,
    Decimal(1), Decimal("nan"), Fraction(1), np.float64(1.0), np.bool_(True), np.array([1, 2]), object(), Wordless(),
    int, 10**5000, -(10**5000),
]  # fmt: skip
"""None of these is a whole number that a message may hold."""
COUNTS: list[Any] = [*NO_NUMBERS, 0, -1, -(2**53), 2**53 + 1, 2**63, 2**80, -(2**80)]
PRICES: list[Any] = [*NO_NUMBERS, 2**53 + 1, -(2**53) - 1, 2**63, 2**80, -(2**80)]
IDS: list[Any] = [0, -1, 2**63, 2**80, 10**5000, True, 1.0, NAN, INF, None, "1", b"1", [1], {}, Decimal(1), object()]
NAMES: list[Any] = [
    "", None, 5, 1.0, NAN, True, b"ann", ["ann"], ("ann",), {}, object(), Wordless(), 10**5000,
]  # fmt: skip
MARKETS: list[Any] = [*NAMES, np.array(["ACME", "BOLT"]), "Z", "acme ", "ACME\0", "os.system"]
SIDES: list[Any] = [0, 2, -2, 1.0, -1.0, NAN, True, None, "BUY", "buy", b"1", [1], Side, object(), np.int64(1)]
LEVELS: list[Any] = [
    "abc", 7, (5,), ((99,),), ((99, 1, 1),), ([99, 1],), [(99, 1)], ("ab",), Wordless(), (Wordless(),),
    *(((price, 1),) for price in PRICES), *(((99, lots),) for lots in COUNTS),
]  # fmt: skip
KINDS: list[Any] = ["limit", "market", None, 1, True, [LIMIT], OrderKind, GTC]
LIVES: list[Any] = ["gtc", "ioc", None, 1, True, {}, TimeInForce, LIMIT]
FLAGS: list[Any] = [1, 0, "yes", "", None, 1.0, NAN, []]
NO_MESSAGES: list[Any] = [object(), None, 7, 1.5, "buy", b"buy", [], {}, ("ACME", 1), Order, Side.BUY, lambda: None]


@frozen
class Bad:
    """What is sent: a message to `submit`, or (order id, owner) to `cancel`; and the reason of the refusal."""

    name: str
    message: Any
    reason: Reason
    cancels: bool = False


def _changed(message: Any, field: str, values: list[Any], reason: Reason) -> Iterator[Bad]:
    for number, value in enumerate(values):
        shown = f"{type(value).__name__} {number}"
        yield Bad(f"{type(message).__name__}.{field}: {shown}", message._replace(**{field: value}), reason)


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
        *_changed(plain, "quantity", COUNTS, Reason.QUANTITY),
        *_changed(limit, "price", PRICES, Reason.PRICE),
        *_changed(plain, "order_id", IDS, Reason.ORDER_ID),
        *_changed(plain, "owner", NAMES, Reason.OWNER),
        *_changed(plain, "market", MARKETS, Reason.MARKET),
        *_changed(plain, "side", [int(side), *SIDES], Reason.SIDE),
        *_changed(limit, "kind", KINDS, Reason.KIND),
        *_changed(plain, "tif", LIVES, Reason.KIND),
        *_changed(plain, "post_only", FLAGS, Reason.KIND),
        Bad("a market order with a price", plain._replace(price=price), Reason.KIND),
        Bad("a market order that waits for ever", plain._replace(tif=GTC), Reason.KIND),
        Bad("a market-to-limit order with a price", limit._replace(kind=TO_LIMIT), Reason.KIND),
        Bad("a post-only market order", plain._replace(post_only=True), Reason.KIND),
        Bad("a post-only order that does not rest", limit._replace(post_only=True, tif=IOC), Reason.KIND),
        Bad("a post-only order in full or not at all", limit._replace(post_only=True, tif=FOK), Reason.KIND),
        *(Bad(f"no message: {place}", message, Reason.UNSUPPORTED) for place, message in enumerate(NO_MESSAGES)),
        *_cancels("no order", [(value, "ann") for value in IDS], Reason.ORDER_ID),
        *_cancels("an unknown order", [(901, value) for value in ["ann", *NAMES]], Reason.UNKNOWN_ORDER),
    ]
    for kind, bad in _other(market, side, price):
        if kind not in profile.messages:
            found.append(Bad(f"{kind.__name__}, which the venue does not declare", bad, Reason.UNSUPPORTED))
    return found


def _cancels(what: str, sent: list[tuple[Any, Any]], reason: Reason) -> list[Bad]:
    return [Bad(f"cancel of {what}: {place}", message, reason, cancels=True) for place, message in enumerate(sent)]


def _other(market: str, side: Side, price: int) -> list[tuple[type, Any]]:
    order = Order(market, side, 1, price, order_id=902, owner="ann", venue="kit")
    return [
        (Reduce, Reduce(1, 1, "ann", "kit")),
        (Replace, Replace(1, order, "ann", "kit")),
        (Feed, Feed(market, price, 1, "kit")),
        (Quote, Quote(market, ((price, 1),), (), "kit")),
        (Mint, Mint(market, 1000, order_id=903, owner="ann", venue="kit")),
        (Burn, Burn(market, 1000, order_id=903, owner="ann", venue="kit")),
        (Settle, Settle(market, price, "kit")),
    ]


def declared(profile: Profile, side: Side) -> list[Bad]:
    """Bad forms of the further messages that a venue declares."""
    market = profile.markets[0]
    anchor = profile.anchor[market]
    counts, markets, prices = (COUNTS, Reason.QUANTITY), (MARKETS, Reason.MARKET), (PRICES, Reason.PRICE)
    levels = {"bids": (LEVELS, Reason.QUANTITY), "asks": (LEVELS, Reason.QUANTITY)}
    # Where all liquidity covers all prices, a range is refused whatever it is.
    ends = [value for value in PRICES if value is not None], Reason.PRICE if profile.spacing > 1 else Reason.UNSUPPORTED
    shares = {"liquidity": counts, "market": markets, "owner": (NAMES, Reason.OWNER), "lower": ends, "upper": ends}
    shapes: list[tuple[Any, dict[str, tuple[list[Any], Reason]]]] = [
        (Feed(market, anchor, 1, "kit"), {"price": prices, "quantity": counts, "market": markets}),
        (Quote(market, None, None, "kit"), {"market": markets, **levels}),
        (Mint(market, 1000, order_id=903, owner="cat", venue="kit"), shares),
        (Burn(market, 1000, order_id=903, owner="cat", venue="kit"), shares),
        (Settle(market, anchor, "kit"), {"price": prices, "market": markets}),
    ]
    if side is Side.SELL:
        return []  # they have no side
    found = [
        bad
        for message, fields in shapes
        if type(message) in profile.messages
        for field, (values, reason) in fields.items()
        for bad in _changed(message, field, values, reason)
    ]
    if Quote in profile.messages:
        for name, bids, asks in (("worst first", ((98, 1), (99, 1)), ()), ("crossed", ((99, 1),), ((99, 1),))):
            found.append(Bad(f"quotes that are {name}", Quote(market, bids, asks, "kit"), Reason.PRICE))
    return found


def resting(profile: Profile, side: Side, mine: Order) -> list[Bad]:
    """What no venue with resting orders takes, where `mine` rests for "ann" on `side`."""
    order = mine._replace(order_id=902, quantity=profile.quantity_step)
    found = [
        Bad("the id of a live order", mine._replace(price=mine.price), Reason.DUPLICATE_ORDER),
        Bad("the id of another's live order", mine._replace(owner="bob"), Reason.DUPLICATE_ORDER),
        *_cancels("another's order", [(mine.order_id, name) for name in ["bob", *NAMES]], Reason.NOT_OWNER),
    ]
    if Reduce in profile.messages:
        cut = Reduce(mine.order_id, profile.quantity_step, "ann", "kit")
        found += _changed(cut, "quantity", COUNTS, Reason.QUANTITY)
        found += _changed(cut, "order_id", IDS, Reason.ORDER_ID)
        found += _changed(cut, "order_id", [901], Reason.UNKNOWN_ORDER)
        found += _changed(cut, "owner", ["bob", *NAMES], Reason.NOT_OWNER)
    if Replace in profile.messages:
        anew = Replace(mine.order_id, order, "ann", "kit")
        found += _changed(anew, "order_id", IDS, Reason.ORDER_ID)
        found += _changed(anew, "order_id", [901], Reason.UNKNOWN_ORDER)
        found += _changed(anew, "order", NO_MESSAGES, Reason.UNSUPPORTED)
        others = anew._replace(owner="bob", order=order._replace(owner="bob"))
        found += [Bad("replacement of another's order", others, Reason.NOT_OWNER)]
        for bad in [
            *_changed(order, "quantity", COUNTS, Reason.QUANTITY),
            *_changed(order, "price", PRICES, Reason.PRICE),
            *_changed(order, "side", SIDES, Reason.SIDE),
            *_changed(order, "market", MARKETS, Reason.MARKET),
        ]:
            found.append(Bad(f"replacement with {bad.name}", anew._replace(order=bad.message), bad.reason))
    return found
