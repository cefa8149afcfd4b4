"""Value types that cross every seam: the messages of `marketsim.messages`, the reports on them, and public state.

Prices are integer ticks, quantities integer lots, money integer tick-lots and time an integer number of steps.
Messages, reports, signals and states are immutable named tuples made with `record`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, unique
from typing import Any, NamedTuple, TypeAlias

from marketsim.messages import (
    Burn,
    Feed,
    Message,
    Mint,
    Order,
    OrderKind,
    Reduce,
    Replace,
    Settle,
    Side,
    TimeInForce,
    limit_order,
    market_order,
    record,
    whole,
)

__all__ = [
    "Accepted", "Burn", "Cancelled", "Expired", "Feed", "Fill", "Levels", "Liquidity", "Message", "Mint", "Order",
    "OrderKind", "Reason", "Reduce", "Rejected", "Replace", "Report", "Settle", "Side", "Signal", "TimeInForce",
    "VenueState", "limit_order", "market_order", "record", "rejected", "trade", "unknown_order", "walk", "whole",
]  # fmt: skip

Levels: TypeAlias = tuple[tuple[int, int], ...]
"""Price levels best first, each (price in ticks, quantity in lots)."""


@unique
class Liquidity(Enum):
    """Whether a leg rested, took, met the other side in an auction, or is no trade at all (mint, burn, settlement).

    >>> buy = market_order("ACME", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="amm")
    >>> [(leg.owner, leg.liquidity.value) for leg in trade(buy, against="pool:amm", price=100, quantity=3, now=5)]
    [('ann', 'taker'), ('pool:amm', 'maker')]
    """

    MAKER = "maker"
    TAKER = "taker"
    AUCTION = "auction"
    TRANSFER = "transfer"


@unique
class Reason(Enum):
    """Why a message was refused. A refusal changes nothing.

    >>> from marketsim.testing import ReferenceBook
    >>> (refusal,) = ReferenceBook(("ACME",)).cancel(7, "ann", 0)
    >>> refusal.reason, refusal.reason.value
    (<Reason.UNKNOWN_ORDER: 'no live order with this id'>, 'no live order with this id')
    """

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
class Accepted(NamedTuple):
    """The venue holds the order: `quantity` lots of it rest, or wait for the next clear.

    >>> from marketsim.testing import ReferenceBook
    >>> bid = limit_order("ACME", Side.BUY, quantity=5, price=99)._replace(order_id=1, owner="ann", venue="book")
    >>> ReferenceBook(("ACME",)).submit(bid, 7)
    [Accepted(order_id=1, owner='ann', market='ACME', venue='book', time=7, quantity=5)]
    """

    order_id: int
    owner: str
    market: str
    venue: str
    time: int
    quantity: int


@record
class Rejected(NamedTuple):
    """The venue refused a message and changed nothing. `detail` says what came and what was wanted.

    >>> from marketsim.testing import PostedPrice
    >>> class Clumsy:
    ...     agent_id = "ann"
    ...     def start(self, ctx):
    ...         ctx.submit(market_order("ACME", Side.BUY, quantity=-5))
    ...     def report(self, ctx, report):
    ...         print(type(report).__name__, report.reason.name, report.detail)
    >>> result = Simulation(venues={"shop": PostedPrice(("ACME",))}, agents=[Clumsy()]).run(horizon=10)
    Rejected QUANTITY quantity: got int -5, wanted an int from 1 to 2**53
    """

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

    >>> buy = market_order("ACME", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="amm")
    >>> for leg in trade(buy, against="pool:amm", price=100, quantity=3, now=5, fee=2):
    ...     print(leg.owner, leg.side.name, leg.quantity, leg.price, leg.money, leg.fee)
    ann BUY 3 100 302 2
    pool:amm SELL 3 100 300 0
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
    """`quantity` lots were withdrawn; `remaining` lots of the order still rest (0 unless it was only reduced).

    >>> from marketsim.testing import ReferenceBook
    >>> book = ReferenceBook(("ACME",))
    >>> bid = limit_order("ACME", Side.BUY, quantity=5, price=99)._replace(order_id=1, owner="ann", venue="book")
    >>> reports = book.submit(bid, 7) + book.cancel(1, "ann", 9)
    >>> reports[1]
    Cancelled(order_id=1, owner='ann', market='ACME', venue='book', time=9, quantity=5, remaining=0)
    """

    order_id: int
    owner: str
    market: str
    venue: str
    time: int
    quantity: int
    remaining: int = 0


@record
class Expired(NamedTuple):
    """`quantity` lots lapsed unfilled (IOC, FOK and market orders).

    >>> from marketsim.testing import ReferenceBook
    >>> buy = market_order("ACME", Side.BUY, quantity=5)._replace(order_id=1, owner="ann", venue="book")
    >>> ReferenceBook(("ACME",)).submit(buy, 7)
    [Expired(order_id=1, owner='ann', market='ACME', venue='book', time=7, quantity=5)]
    """

    order_id: int
    owner: str
    market: str
    venue: str
    time: int
    quantity: int


Report: TypeAlias = Accepted | Rejected | Fill | Cancelled | Expired


@record
class Signal(NamedTuple):
    """An observation of the fair value.

    `value` is a price in ticks (float). For tiers "routine" and "tail", log(value) = log fair(time) + N(0, sigma);
    tier "public" is news of a jump and exact (sigma = 0).

    >>> signal = Signal("ACME", "routine", time=3, value=1000.0, sigma=0.01)
    >>> low, high = (signal.value * np.exp(z * signal.sigma) for z in (-1.96, 1.96))
    >>> f"19 times in 20 fair value lies between {low:.1f} and {high:.1f} ticks"
    '19 times in 20 fair value lies between 980.6 and 1019.8 ticks'
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

    >>> state = VenueState(best_bid=99, best_ask=101, bids=((99, 5),), asks=((101, 2), (102, 8)))
    >>> state.mid, state.estimate(Side.BUY, 3)
    (100.0, (3, 304))
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
    """(lots taken, money) of taking up to `quantity` lots from `levels`, best first.

    >>> walk(((101, 2), (102, 8)), 3), walk(((101, 2), (102, 8)), 50)
    ((3, 304), (10, 1018))
    """
    taken = money = 0
    for price, available in levels:
        take = min(available, quantity - taken)
        if take <= 0:
            break
        taken += take
        money += take * price
    return taken, money


def rejected(message: Any, reason: Reason, *, now: int = -1, detail: str = "") -> list[Report]:
    """The one-report answer to a refused message.

    >>> buy = market_order("ACME", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> rejected(buy, Reason.CLOSED, now=9)[0][:6]
    (1, <Reason.CLOSED: 'the market is closed'>, 'ann', 'ACME', 'shop', 9)
    """
    said = {name: getattr(message, name, "") for name in ("owner", "market", "venue")}
    return [Rejected(getattr(message, "order_id", 0), reason, **said, time=now, detail=detail)]


def unknown_order(order_id: int, owner: str = "", *, now: int = -1) -> list[Report]:
    """The answer to a cancel of an order that is not live.

    >>> unknown_order(7, "ann", now=9)[0].reason.name
    'UNKNOWN_ORDER'
    """
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

    >>> buy = market_order("ACME", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="amm")
    >>> legs = trade(buy, against="pool:amm", price=100, quantity=3, now=5, money=301)
    >>> [(leg.match_id, leg.order_id, leg.owner, leg.money) for leg in legs]
    [(1, 1, 'ann', 301), (1, 0, 'pool:amm', 301)]
    """
    market, side, order_id, owner, venue = order.market, order.side, order.order_id, order.owner, order.venue
    value = price * quantity if money is None else money
    match = order_id if match_id is None else match_id
    paid, taker, maker = value + side * fee, Liquidity.TAKER, Liquidity.MAKER
    return [
        Fill(match, order_id, owner, market, venue, now, side, quantity, price, paid, fee, taker, *mids),
        Fill(match, 0, against, market, venue, now, side.opposite, quantity, price, value, 0, maker, *mids),
    ]
