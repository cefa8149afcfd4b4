"""What agents and sources send to a venue: orders, changes to them, and the messages of pools, tapes and settlements.

Prices are integer ticks, quantities integer lots, money integer tick-lots and time an integer number of steps.
Everything here is imported from `marketsim.types`, with the reports that venues answer.

Messages and reports are immutable named tuples, not attrs classes: a `Fill` has fourteen fields, and building the
frozen attrs form of it costs five times as much as the named tuple, which would dominate the matching itself. `record`
gives them the one thing a tuple lacks, equality that respects the type.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum, IntEnum, unique
from operator import index
from typing import Any, NamedTuple, TypeAlias, TypeVar

_R = TypeVar("_R", bound="type[Any]")


def record(cls: _R) -> _R:
    """Make a named tuple compare equal only to its own type, so that `Cancelled(...) != Expired(...)`.

    >>> tuple(Mint("ACME", 5)) == tuple(Burn("ACME", 5)), Mint("ACME", 5) == Burn("ACME", 5)
    (True, False)
    """

    def equal(self: tuple[Any, ...], other: object) -> bool:
        return type(self) is type(other) and tuple.__eq__(self, other)

    cls.__eq__ = equal  # type: ignore[assignment]
    cls.__ne__ = lambda self, other: not equal(self, other)  # type: ignore[assignment,misc]
    cls.__hash__ = tuple.__hash__  # type: ignore[assignment]
    return cls


@unique
class Side(IntEnum):
    """Side of an order or of one leg of a fill; the value is the sign of the inventory change.

    >>> Side.SELL * 5, Side.SELL.opposite.name  # lots
    (-5, 'BUY')
    """

    BUY = 1
    SELL = -1

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


@unique
class OrderKind(Enum):
    """What bounds the price: a limit, nothing, or the first clear (`MARKET_TO_LIMIT`).

    >>> limit_order("ACME", Side.BUY, quantity=5, price=99).kind
    <OrderKind.LIMIT: 'limit'>
    >>> Order("ACME", Side.BUY, quantity=5, kind=OrderKind.MARKET_TO_LIMIT).accepts(10**6)
    True
    """

    LIMIT = "limit"
    MARKET = "market"
    MARKET_TO_LIMIT = "market-to-limit"


@unique
class TimeInForce(Enum):
    """How long an order lives: until cancelled, for one match, or for one match completely or not at all.

    >>> from marketsim.testing import ReferenceBook
    >>> bid = limit_order("ACME", Side.BUY, quantity=5, price=99, tif=TimeInForce.IOC)
    >>> ReferenceBook(("ACME",)).submit(bid._replace(order_id=1, owner="ann", venue="book"), 0)
    [Expired(order_id=1, owner='ann', market='ACME', venue='book', time=0, quantity=5)]
    """

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


@record
class Order(NamedTuple):
    """An order. `order_id`, `owner` and `venue` are stamped by the kernel when an agent submits it.

    Attributes:
        market: what is traded.
        side: BUY or SELL.
        quantity: lots.
        price: the limit in ticks; None without one.
        kind: what bounds the price.
        tif: how long the order lives.
        post_only: refused where it would trade at once.

    >>> offer = Order("ACME", Side.SELL, quantity=10, price=101)
    >>> offer.accepts(100), offer.accepts(101), offer.tif
    (False, True, <TimeInForce.GTC: 'gtc'>)
    """

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
    """Take `quantity` lots off a resting order, which keeps its place in the queue.

    >>> from marketsim.testing import ReferenceBook
    >>> book = ReferenceBook(("ACME",))
    >>> bid = limit_order("ACME", Side.BUY, quantity=5, price=99)._replace(order_id=1, owner="ann")
    >>> reports = book.submit(bid, 0) + book.submit(Reduce(1, quantity=2, owner="ann"), 3)
    >>> [(type(report).__name__, report.quantity) for report in reports], book.state("ACME").bids
    ([('Accepted', 5), ('Cancelled', 2)], ((99, 3),))
    """

    order_id: int
    quantity: int
    owner: str = ""
    venue: str = ""


@record
class Replace(NamedTuple):
    """Cancel `order_id` and submit `order` in its stead, as one step; refused whole when the old one is not live.

    >>> from marketsim.testing import ReferenceBook
    >>> book = ReferenceBook(("ACME",))
    >>> bid = limit_order("ACME", Side.BUY, quantity=5, price=99)._replace(order_id=1, owner="ann")
    >>> better = bid._replace(order_id=2, price=100)
    >>> reports = book.submit(bid, 0) + book.submit(Replace(1, better, owner="ann"), 3)
    >>> [type(report).__name__ for report in reports], book.state("ACME").bids
    (['Accepted', 'Cancelled', 'Accepted'], ((100, 5),))
    """

    order_id: int
    order: Order
    owner: str = ""
    venue: str = ""


@record
class Feed(NamedTuple):
    """One recorded trade, told to a replay venue: (market, price in ticks, quantity in lots).

    >>> from venues.replay import ReplayVenue
    >>> venue = ReplayVenue(("BTC",))
    >>> reports = venue.submit(Feed("BTC", price=60_000, quantity=3), 0)
    >>> venue.state("BTC").last_price, venue.estimate_impact("BTC", Side.BUY, 5)
    (60000, (3, 180000))
    """

    market: str
    price: int
    quantity: int
    venue: str = ""


@record
class Mint(NamedTuple):
    """Add `liquidity` shares to a pool for the amounts it asks; over the range [lower, upper) where it has ranges.

    The report is a pair of matches with `Liquidity.TRANSFER` and order id 0: the owner gives base lots to the pool for
    no money, and buys `liquidity` lots of the pool's share market for the quote amount.

    >>> from venues.constant_product import ConstantProduct
    >>> pool = ConstantProduct(("ACME",), 1_000, 100_000)
    >>> for leg in pool.submit(Mint("ACME", liquidity=1_000, owner="ann", venue="amm"), 0):
    ...     print(leg.owner, leg.side.name, leg.quantity, leg.market, leg.money)
    ann SELL 100 ACME 0
    pool:amm BUY 100 ACME 0
    ann BUY 1000 ACME/shares 10000
    pool:amm SELL 1000 ACME/shares 10000
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
    """Take `liquidity` own shares out of a pool, with their part of the reserves and fees; the mirror of `Mint`.

    >>> from venues.constant_product import ConstantProduct
    >>> pool = ConstantProduct(("ACME",), 1_000, 100_000)
    >>> minted = pool.submit(Mint("ACME", liquidity=1_000, owner="ann", venue="amm"), 0)
    >>> burned = pool.submit(Burn("ACME", liquidity=1_000, owner="ann", venue="amm"), 5)
    >>> [(leg.side.name, leg.quantity, leg.money) for leg in burned if leg.owner == "ann"]
    [('BUY', 100, 0), ('SELL', 1000, 10000)]
    """

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

    >>> from venues.clob import ContinuousBook
    >>> book = ContinuousBook(("yes",))
    >>> bid = limit_order("yes", Side.BUY, quantity=5, price=600)._replace(order_id=1, owner="ann", venue="book")
    >>> reports = book.submit(bid, 0) + book.submit(Settle("yes", price=1_000, venue="book"), 9)
    >>> [type(report).__name__ for report in reports + book.submit(bid, 10)]
    ['Accepted', 'Cancelled', 'Rejected']
    """

    market: str
    price: int
    venue: str = ""


Message: TypeAlias = Order | Reduce | Replace | Feed | Mint | Burn | Settle | Hashable
"""What `Venue.submit` may be given: the built-in messages, or any value type that the venue declares."""


def whole(value: object) -> Any:
    """NumPy integers as int; everything else as it came, for the gateway to judge.

    >>> whole(np.int64(5)), whole(5.0), whole("5")
    (5, 5.0, '5')
    """
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
    """An order to trade `quantity` lots at whatever price there is; the rest expires.

    >>> order = market_order("ACME", Side.SELL, quantity=10)
    >>> order.price, order.tif, order.accepts(1)
    (None, <TimeInForce.IOC: 'ioc'>, True)
    """
    return Order(market, side, whole(quantity), None, OrderKind.MARKET, tif)
