"""Value types that cross every seam: sides, messages, reports and public state.

Prices are integer ticks, quantities integer lots, money integer tick-lots and time an integer number of steps.

Messages and reports are immutable named tuples, not attrs classes: a `Fill` has fourteen fields, and building the
frozen attrs form of it costs five times as much as the named tuple, which would dominate the matching itself. `record`
gives them the one thing a tuple lacks, equality that respects the type.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import Enum, IntEnum, unique
from operator import index
from typing import Any, NamedTuple, TypeAlias, TypeVar

Levels: TypeAlias = tuple[tuple[int, int], ...]
"""Price levels best first, each (price in ticks, quantity in lots)."""

_R = TypeVar("_R", bound="type[Any]")


def record(cls: _R) -> _R:
    """Make a named tuple compare equal only to its own type, so that `Cancelled(...) != Expired(...)`."""

    def equal(self: tuple[Any, ...], other: object) -> bool:
        return type(self) is type(other) and tuple.__eq__(self, other)

    cls.__eq__ = equal  # type: ignore[assignment]
    cls.__ne__ = lambda self, other: not equal(self, other)  # type: ignore[assignment,misc]
    cls.__hash__ = tuple.__hash__  # type: ignore[assignment]
    return cls


@unique
class Side(IntEnum):
    """Side of an order or of one leg of a fill; the value is the sign of the inventory change."""

    BUY = 1
    SELL = -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


@unique
class OrderKind(Enum):
    """What bounds the price: a limit, nothing, or the first clear (`MARKET_TO_LIMIT`)."""

    LIMIT = "limit"
    MARKET = "market"
    MARKET_TO_LIMIT = "market-to-limit"


@unique
class TimeInForce(Enum):
    """How long an order lives: until cancelled, for one match, or for one match completely or not at all."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


@unique
class Liquidity(Enum):
    """Whether a leg rested, took, met the other side in an auction, or is no trade at all (mint, burn, settlement)."""

    MAKER = "maker"
    TAKER = "taker"
    AUCTION = "auction"
    TRANSFER = "transfer"


@unique
class Reason(Enum):
    """Why a message was refused. A refusal changes nothing."""

    QUANTITY = "quantity is not a whole number of lots within bounds"
    PRICE = "price is not a whole number of ticks within bounds"
    OFF_GRID = "price or quantity is off the venue's grid"
    SIDE = "side is neither BUY nor SELL"
    KIND = "order kind, time in force and price do not go together"
    MARKET = "the venue does not trade this market"
    OWNER = "owner is not a non-empty string"
    ORDER_ID = "order id is not a whole number within bounds"
    DUPLICATE_ORDER = "an order with this id is live"
    UNKNOWN_ORDER = "no live order with this id"
    NOT_OWNER = "the order belongs to another account"
    POST_ONLY = "a post-only order would have traded at once"
    SELF_TRADE = "the order would have traded with its own account"
    NO_LIQUIDITY = "there is nothing to trade against"
    UNSUPPORTED = "the venue does not take this message"
    CLOSED = "the market is closed"


@record
class Order(NamedTuple):
    """An order. `order_id`, `owner` and `venue` are stamped by the kernel when an agent submits it."""

    market: str
    side: Side
    quantity: int
    price: int | None = None
    kind: OrderKind = OrderKind.LIMIT
    tif: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    order_id: int = 0
    owner: str = ""
    venue: str = ""

    def accepts(self, price: int) -> bool:
        """Whether this order may trade at `price` (ticks)."""
        if self.price is None:
            return True
        return price <= self.price if self.side > 0 else price >= self.price


@record
class Reduce(NamedTuple):
    """Take `quantity` lots off a resting order, which keeps its place in the queue."""

    order_id: int
    quantity: int
    owner: str = ""
    venue: str = ""


@record
class Replace(NamedTuple):
    """Cancel `order_id` and submit `order` in its stead, as one step; refused whole when the old one is not live."""

    order_id: int
    order: Order
    owner: str = ""
    venue: str = ""


@record
class Feed(NamedTuple):
    """One recorded trade, told to a replay venue: (market, price in ticks, quantity in lots)."""

    market: str
    price: int
    quantity: int
    venue: str = ""


@record
class Mint(NamedTuple):
    """Add `liquidity` shares to a pool for the amounts it asks; over the range [lower, upper) where it has ranges.

    The report is a pair of matches with `Liquidity.TRANSFER` and order id 0: the owner gives base lots to the pool for
    no money, and buys `liquidity` lots of the pool's share market for the quote amount.
    """

    market: str
    liquidity: int
    lower: int | None = None
    upper: int | None = None
    order_id: int = 0
    owner: str = ""
    venue: str = ""


@record
class Burn(NamedTuple):
    """Take `liquidity` own shares out of a pool, with their part of the reserves and fees; the mirror of `Mint`."""

    market: str
    liquidity: int
    lower: int | None = None
    upper: int | None = None
    order_id: int = 0
    owner: str = ""
    venue: str = ""


@record
class Settle(NamedTuple):
    """The market's event has resolved at `price` ticks a lot: resting orders lapse, and the market closes.

    The exchange then pays every holder out of the others' accounts, which is zero-sum as inventory is.
    """

    market: str
    price: int
    venue: str = ""


@record
class Accepted(NamedTuple):
    """The venue holds the order: `quantity` lots of it rest, or wait for the next clear."""

    order_id: int
    owner: str
    market: str
    venue: str
    time: int
    quantity: int


@record
class Rejected(NamedTuple):
    """The venue refused a message and changed nothing. `detail` says what came and what was wanted."""

    order_id: int
    reason: Reason
    owner: str = ""
    market: str = ""
    venue: str = ""
    time: int = -1
    detail: str = ""


@record
class Fill(NamedTuple):
    """One leg of a trade.

    `money` (tick-lots) is exactly what the ledger moves: a buyer pays it, a seller receives it, with `fee` included
    (a buyer's money is price x quantity + fee on a book). `mid_before` and `mid_after` are the venue's mid in ticks
    around the event that made the fill, None where a side was empty. Legs that share a `match_id` belong to one trade;
    `order_id` is 0 on the leg of an account that trades without an order, such as a pool.
    """

    match_id: int
    order_id: int
    owner: str
    market: str
    venue: str
    time: int
    side: Side
    quantity: int
    price: int
    money: int
    fee: int
    liquidity: Liquidity
    mid_before: float | None
    mid_after: float | None


@record
class Cancelled(NamedTuple):
    """`quantity` lots were withdrawn; `remaining` lots of the order still rest (0 unless it was only reduced)."""

    order_id: int
    owner: str
    market: str
    venue: str
    time: int
    quantity: int
    remaining: int = 0


@record
class Expired(NamedTuple):
    """`quantity` lots lapsed unfilled (IOC, FOK and market orders)."""

    order_id: int
    owner: str
    market: str
    venue: str
    time: int
    quantity: int


Report: TypeAlias = Accepted | Rejected | Fill | Cancelled | Expired
Message: TypeAlias = Order | Reduce | Replace | Feed | Mint | Burn | Settle | Hashable
"""What `Venue.submit` may be given: the built-in messages, or any value type that the venue declares."""


@record
class Signal(NamedTuple):
    """An observation of the fair value.

    `value` is a price in ticks (float). For tiers "routine" and "tail", log(value) = log fair(time) + N(0, sigma);
    tier "public" is news of a jump and exact (sigma = 0).
    """

    market: str
    tier: str
    time: int
    value: float
    sigma: float


@record
class VenueState(NamedTuple):
    """What the public sees of one market of one venue: best prices, published levels, the last trade price.

    A venue whose depth is not a list of levels (a pool) gives `impact`, a pure function (side, quantity) ->
    (quantity available, money) of this very state, so that a delayed observer can still estimate its cost.
    """

    best_bid: int | None = None
    best_ask: int | None = None
    bids: Levels = ()
    asks: Levels = ()
    last_price: int | None = None
    impact: Callable[[Side, int], tuple[int, int]] | None = None

    @property
    def mid(self) -> float | None:
        """Midpoint of the best prices in ticks, None while a side is empty."""
        if self.best_bid is None or self.best_ask is None:
            return None
        return (self.best_bid + self.best_ask) / 2

    def estimate(self, side: Side, quantity: int) -> tuple[int, int]:
        """(lots available, money for them) for a market order of `quantity` lots against this state."""
        if self.impact is not None:
            return self.impact(side, quantity)
        return walk(self.asks if side > 0 else self.bids, quantity)


def walk(levels: Levels, quantity: int) -> tuple[int, int]:
    """(lots taken, money) of taking up to `quantity` lots from `levels`, best first."""
    taken = money = 0
    for price, available in levels:
        take = min(available, quantity - taken)
        if take <= 0:
            break
        taken += take
        money += take * price
    return taken, money


def whole(value: object) -> Any:
    """NumPy integers as int; everything else as it came, for the gateway to judge."""
    if type(value) is int or isinstance(value, (bool, float)):
        return value
    try:
        return index(value)  # type: ignore[arg-type]
    except TypeError:
        return value


def limit_order(
    market: str,
    side: Side,
    *,
    quantity: int,
    price: int,
    tif: TimeInForce = TimeInForce.GTC,
    post_only: bool = False,
) -> Order:
    """An order to trade `quantity` lots at `price` ticks or better.

    >>> limit_order("ACME", Side.BUY, quantity=10, price=99).accepts(100)
    False
    """
    return Order(market, side, whole(quantity), whole(price), OrderKind.LIMIT, tif, post_only)


def market_order(market: str, side: Side, *, quantity: int, tif: TimeInForce = TimeInForce.IOC) -> Order:
    """An order to trade `quantity` lots at whatever price there is; the rest expires."""
    return Order(market, side, whole(quantity), None, OrderKind.MARKET, tif)


def rejected(message: Any, reason: Reason, *, now: int = -1, detail: str = "") -> list[Report]:
    """The one-report answer to a refused message."""
    said = {name: getattr(message, name, "") for name in ("owner", "market", "venue")}
    return [Rejected(getattr(message, "order_id", 0), reason, **said, time=now, detail=detail)]


def unknown_order(order_id: int, owner: str = "", *, now: int = -1) -> list[Report]:
    """The answer to a cancel of an order that is not live."""
    return [Rejected(order_id, Reason.UNKNOWN_ORDER, owner, time=now)]


def trade(
    order: Order,
    *,
    against: str,
    price: int,
    quantity: int,
    now: int,
    money: int | None = None,
    fee: int = 0,
    match_id: int | None = None,
    mids: tuple[float | None, float | None] = (None, None),
) -> list[Report]:
    """Both legs of `order` trading `quantity` lots with the account `against`, which has no order of its own.

    Args:
        price: ticks.
        money: exact tick-lots before the fee, where that is not price x quantity.
        fee: tick-lots charged to the order's owner on top.
        match_id: unique per venue; the order's id where the venue trades every order at most once.
        mids: the venue's mid before and after.
    """
    market, side, order_id, owner, venue = order.market, order.side, order.order_id, order.owner, order.venue
    value = price * quantity if money is None else money
    match = order_id if match_id is None else match_id
    paid, taker, maker = value + side * fee, Liquidity.TAKER, Liquidity.MAKER
    return [
        Fill(match, order_id, owner, market, venue, now, side, quantity, price, paid, fee, taker, *mids),
        Fill(match, 0, against, market, venue, now, side.opposite, quantity, price, value, 0, maker, *mids),
    ]
