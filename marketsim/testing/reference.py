"""Small venues written to be read: examples of a venue, and what the planted bugs are planted in.

Everything is a list and a sort; nothing is fast.
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, field

from marketsim import checks
from marketsim.gateway import Refusal, check_order, check_quantity
from marketsim.types import (
    Accepted,
    Cancelled,
    Expired,
    Fill,
    Levels,
    Liquidity,
    Order,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Report,
    Side,
    TimeInForce,
    VenueState,
    rejected,
    trade,
    unknown_order,
    walk,
)


@define(eq=False)
class Resting:
    """An order that waits, and the lots left of it.

    >>> book = ReferenceBook(("A",))
    >>> bid = limit_order("A", Side.BUY, quantity=5, price=99)._replace(order_id=1, owner="ann")
    >>> reports = book.submit(bid, 0) + book.submit(Reduce(1, 2, owner="ann"), 3)
    >>> [(item.order.quantity, item.left) for item in book.resting]
    [(5, 3)]
    """

    order: Order
    left: int


@define(eq=False)
class PostedPrice:
    """Buys and sells any quantity at one price: the shortest venue there is.

    Args:
        markets: names.
        price: ticks.
        house: the account that takes the other side.

    >>> venue = PostedPrice(("A",), price=100)
    >>> buy = limit_order("A", Side.BUY, quantity=3, price=101)._replace(order_id=1, owner="ann")
    >>> [(leg.owner, leg.price, leg.money) for leg in venue.submit(buy, 0)]
    [('ann', 100, 300), ('house', 100, 300)]
    """

    markets: tuple[str, ...] = field(validator=checks.names)
    price: int = field(default=100, validator=checks.integer())
    house: str = field(default="house", validator=checks.name)

    def submit(self, order: Any, now: int, /) -> list[Report]:
        """Trade all of it, or refuse it for its limit."""
        if not order.accepts(self.price):
            return rejected(order, Reason.PRICE)
        return trade(order, against=self.house, price=self.price, quantity=order.quantity, now=now)

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:  # noqa: ARG002
        """Nothing ever rests."""
        return unknown_order(order_id)

    def state(self, market: str, /) -> VenueState:  # noqa: ARG002
        """The price, on both sides."""
        return VenueState(best_bid=self.price, best_ask=self.price)

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:  # noqa: ARG002
        """All of it, at the price."""
        return quantity, quantity * self.price

    def clock(self, now: int, /) -> list[Report]:  # noqa: ARG002
        """Nothing."""
        return []

    def next_clock(self, now: int, /) -> int | None:  # noqa: ARG002
        """Never."""
        return None


@define(eq=False)
class ReferenceBook:
    """A continuous book: best price first, then first come, first served, at the resting order's price.

    Args:
        markets: names.
        fee_ppm: millionths of price x quantity that the taker pays, rounded up.

    >>> book = ReferenceBook(("A",), fee_ppm=1000)
    >>> ask = limit_order("A", Side.SELL, quantity=5, price=101)._replace(order_id=1, owner="ann")
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=2, owner="bob")
    >>> reports = book.submit(ask, 0) + book.submit(buy, 1)
    >>> [(leg.owner, leg.price, leg.money, leg.fee) for leg in reports[1:]], book.state("A").asks
    ([('bob', 101, 304, 1), ('ann', 101, 303, 0)], ((101, 2),))
    """

    messages: ClassVar[tuple[type, ...]] = (Order, Reduce, Replace)
    claims: ClassVar[tuple[str, ...]] = (
        "price-time", "never-crossed", "open-book", "price-shift", "size-scale", "side-mirror", "self-checking",
    )  # fmt: skip

    markets: tuple[str, ...] = field(validator=checks.names)
    fee_ppm: int = field(default=1000, kw_only=True, validator=checks.integer(0, 10**6))
    resting: list[Resting] = field(init=False, factory=list)
    matches: int = field(init=False, default=0)

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take an order, or a change to one."""
        if type(message) is Order:
            refusal = self.refusal(message)
            return rejected(message, *refusal[:1], now=now) if refusal else self.enter(message, now)
        if type(message) is Reduce:
            refusal = check_quantity(message.quantity) or self.not_own(message.order_id, message.owner)
            if refusal:
                return rejected(message, refusal[0], now=now)
            return self.reduce(self.found(message.order_id), message.quantity, now)
        if type(message) is Replace:
            return self.replace(message, now)
        return rejected(message, Reason.UNSUPPORTED, now=now)

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """Withdraw what is left of an order."""
        if refusal := self.not_own(order_id, owner):
            return [Rejected(order_id, refusal[0], owner, time=now)]
        found = self.found(order_id)
        return self.reduce(found, found.left, now)

    def state(self, market: str, /) -> VenueState:
        """Every level of the book."""
        bids, asks = self.levels(market, Side.BUY), self.levels(market, Side.SELL)
        return VenueState(bids[0][0] if bids else None, asks[0][0] if asks else None, bids, asks)

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """A walk through the levels."""
        return walk(self.levels(market, side.opposite), quantity)

    def clock(self, now: int, /) -> list[Report]:  # noqa: ARG002
        """Nothing."""
        return []

    def next_clock(self, now: int, /) -> int | None:  # noqa: ARG002
        """Never."""
        return None

    def refusal(self, order: Order) -> Refusal | None:
        """Why an order cannot be taken."""
        if refusal := check_order(order, self.markets):
            return refusal
        if self.is_live(order.order_id):
            return Reason.DUPLICATE_ORDER, ""
        if order.kind is OrderKind.MARKET_TO_LIMIT:
            return Reason.KIND, ""
        if order.post_only and self.facing(order):
            return Reason.POST_ONLY, ""
        return None

    def not_own(self, order_id: Any, owner: Any) -> Refusal | None:
        """Why `owner` cannot change an order."""
        if type(order_id) is not int or not self.is_live(order_id):
            return Reason.UNKNOWN_ORDER, ""
        return None if self.found(order_id).order.owner == owner else (Reason.NOT_OWNER, "")

    def is_live(self, order_id: int) -> bool:
        """Whether an order rests."""
        return any(item.order.order_id == order_id for item in self.resting)

    def found(self, order_id: int) -> Resting:
        """A resting order by its id."""
        return next(item for item in self.resting if item.order.order_id == order_id)

    def queue(self, market: str, side: Side) -> list[Resting]:
        """Resting orders of one side, in the sequence in which they trade: `resting` is in that of arrival."""
        own = [item for item in self.resting if item.order.market == market and item.order.side is side]
        return sorted(own, key=lambda item: -side * (item.order.price or 0))

    def facing(self, order: Order) -> list[Resting]:
        """Resting orders that `order` may trade with, in that sequence."""
        queue = self.queue(order.market, order.side.opposite)
        return [item for item in queue if order.accepts(item.order.price or 0)]

    def levels(self, market: str, side: Side) -> Levels:
        """Lots by price, best first."""
        lots: dict[int, int] = {}
        for item in self.queue(market, side):
            price = item.order.price or 0
            lots[price] = lots.get(price, 0) + item.left
        return tuple(lots.items())

    def enter(self, order: Order, now: int) -> list[Report]:
        """Trade, then rest or expire."""
        reports: list[Report] = []
        facing, left = self.facing(order), order.quantity
        enough = sum(item.left for item in facing) >= left
        if order.tif is not TimeInForce.FOK or enough:
            hits: list[tuple[Resting, int]] = []
            for item in facing:
                if not left:
                    break
                lots = self.lots(item, left)
                hits.append((item, lots))
                left -= lots
            reports += self.deal(order, hits, left if order.tif is TimeInForce.GTC else 0, now)
        elif order.tif is TimeInForce.FOK:
            left = order.quantity
        if left:
            kind = Accepted if order.tif is TimeInForce.GTC else Expired
            reports.append(kind(order.order_id, order.owner, order.market, order.venue, now, left))
        return reports

    def lots(self, item: Resting, left: int) -> int:
        """Lots that an order with `left` lots takes of a resting one."""
        return min(item.left, left)

    def deal(self, order: Order, hits: list[tuple[Resting, int]], rests: int, now: int) -> list[Report]:
        """Take the lots off the resting orders, put the rest of the new one into the book, and write the legs."""
        before = self.state(order.market).mid
        for item, lots in hits:
            item.left -= lots
        self.resting = [item for item in self.resting if item.left > 0]
        if rests:
            self.resting.append(Resting(order, rests))
        mids = before, self.state(order.market).mid
        reports: list[Report] = []
        for item, lots in hits:
            self.matches += 1
            reports += self.legs(order, item.order, lots, now, mids)
        return reports

    def legs(
        self, order: Order, maker: Order, lots: int, now: int, mids: tuple[float | None, float | None]
    ) -> list[Report]:
        """Both legs of one match."""
        price = maker.price or 0
        value = price * lots
        fee = -(-abs(value) * self.fee_ppm // 10**6)
        return [
            Fill(
                self.matches, leg.order_id, leg.owner, leg.market, leg.venue, now, leg.side, lots, price,
                value + leg.side * cost, cost, liquidity, *mids,
            )
            for leg, cost, liquidity in ((order, fee, Liquidity.TAKER), (maker, 0, Liquidity.MAKER))
        ]  # fmt: skip

    def reduce(self, item: Resting, quantity: int, now: int) -> list[Report]:
        """Take lots off a resting order, which keeps its place."""
        lots = min(quantity, item.left)
        item.left -= lots
        self.resting = [other for other in self.resting if other.left > 0]
        order = item.order
        return [Cancelled(order.order_id, order.owner, order.market, order.venue, now, lots, item.left)]

    def replace(self, message: Replace, now: int) -> list[Report]:
        """Cancel one order and enter another, or refuse both."""
        order = message.order
        if type(order) is not Order:
            return rejected(message, Reason.UNSUPPORTED, now=now)
        refusal = self.not_own(message.order_id, message.owner)
        refusal = refusal or (None if order.owner == message.owner else (Reason.NOT_OWNER, ""))
        if refusal := refusal or self.refusal(order):
            return rejected(order, refusal[0], now=now)
        before = self.state(order.market).mid
        withdrawn = self.cancel(message.order_id, message.owner, now)
        entered = self.enter(order, now)
        return withdrawn + [
            report._replace(mid_before=before) if type(report) is Fill else report for report in entered
        ]


@define(eq=False)
class ReferencePool:
    """A pool of lots and money whose product never falls; every rounding is in its favour, and there is no fee.

    Args:
        markets: the one name.
        base: opening lots.
        quote: opening tick-lots.

    >>> pool = ReferencePool(("A",), base=1000, quote=100_000)
    >>> buy = market_order("A", Side.BUY, quantity=10)._replace(order_id=1, owner="ann", venue="amm")
    >>> [(leg.owner, leg.money) for leg in pool.submit(buy, 0)], pool.reserves("A")
    ([('ann', 1011), ('pool:amm', 1011)], (990, 101011))
    """

    messages: ClassVar[tuple[type, ...]] = (Order,)

    markets: tuple[str, ...] = field(validator=checks.names)
    base: int = field(default=10**6, validator=checks.integer(1))
    quote: int = field(default=10**8, validator=checks.integer(1))
    matches: int = field(init=False, default=0)

    def submit(self, order: Any, now: int, /) -> list[Report]:
        """Trade all of a market order, or refuse it."""
        if order.kind is not OrderKind.MARKET:
            return rejected(order, Reason.UNSUPPORTED, now=now)
        lots, money = self.estimate_impact(order.market, order.side, order.quantity)
        if not lots:
            return rejected(order, Reason.NO_LIQUIDITY, now=now)
        self.base -= order.side * lots
        self.quote += order.side * money
        self.matches += 1
        price, account = money // lots, f"pool:{order.venue}"
        return trade(
            order, against=account, price=price, quantity=lots, now=now, money=money, match_id=self.matches
        )  # fmt: skip

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """Nothing ever rests."""
        return unknown_order(order_id, owner, now=now)

    def state(self, market: str, /) -> VenueState:  # noqa: ARG002
        """The marginal price, rounded down and up."""
        return VenueState(self.quote // self.base, -(-self.quote // self.base))

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:  # noqa: ARG002
        """(lots, money), (0, 0) where there is too little."""
        if side is Side.BUY:
            return (quantity, -(-self.quote * quantity // (self.base - quantity))) if quantity < self.base else (0, 0)
        money = self.quote * quantity // (self.base + quantity)
        return (quantity, money) if money else (0, 0)

    def reserves(self, market: str, /) -> tuple[int, int]:  # noqa: ARG002
        """(lots, tick-lots)."""
        return self.base, self.quote

    def clock(self, now: int, /) -> list[Report]:  # noqa: ARG002
        """Nothing."""
        return []

    def next_clock(self, now: int, /) -> int | None:  # noqa: ARG002
        """Never."""
        return None
