"""A uniform-price batch auction written to be read."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, field

from marketsim import checks
from marketsim.gateway import Refusal, check_order
from marketsim.testing.reference import Resting
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
    Report,
    Side,
    TimeInForce,
    VenueState,
    rejected,
    walk,
)

_FAR = 2**60


@define(eq=False)
class ReferenceAuction:
    """Orders wait for the next multiple of `pi`; all that trade in a clear do so at one market-clearing price.

    The price is the midpoint of the prices at which no limit strictly better stays unfilled, rounded down; orders at
    it share by size with the largest remainder. Market and IOC orders live for one clear.

    Args:
        markets: names.
        pi: steps between clears.

    >>> auction = ReferenceAuction(("A",), pi=10)
    >>> bid = limit_order("A", Side.BUY, quantity=3, price=102)._replace(order_id=1, owner="ann")
    >>> ask = limit_order("A", Side.SELL, quantity=5, price=99)._replace(order_id=2, owner="bob")
    >>> waiting = auction.submit(bid, 4) + auction.submit(ask, 7)
    >>> auction.next_clock(7), [(leg.owner, leg.price, leg.quantity) for leg in auction.clock(10)]
    (10, [('ann', 99, 3), ('bob', 99, 3)])
    """

    messages: ClassVar[tuple[type, ...]] = (Order, Reduce)
    claims: ClassVar[tuple[str, ...]] = (
        "open-book", "uniform-price", "market-clearing", "pro-rata", "price-shift", "size-scale", "side-mirror",
        "self-checking",
    )  # fmt: skip

    markets: tuple[str, ...] = field(validator=checks.names)
    pi: int = field(default=10, validator=checks.integer(1))
    waiting: list[Resting] = field(init=False, factory=list)
    due: int | None = field(init=False, default=None)
    matches: int = field(init=False, default=0)

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Put an order into the batch, or take lots off one."""
        if type(message) is Reduce:
            refusal = self.not_own(message.order_id, message.owner)
            if refusal or type(message.quantity) is not int or message.quantity < 1:
                return rejected(message, refusal[0] if refusal else Reason.QUANTITY, now=now)
            return self.take_off(self.found(message.order_id), message.quantity, now)
        if type(message) is not Order:
            return rejected(message, Reason.UNSUPPORTED, now=now)
        if refusal := self.refusal(message):
            return rejected(message, refusal[0], now=now)
        self.waiting.append(Resting(message, message.quantity))
        self.plan(now)
        order = message
        return [Accepted(order.order_id, order.owner, order.market, order.venue, now, order.quantity)]

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """Withdraw what is left of an order."""
        if refusal := self.not_own(order_id, owner):
            return [Rejected(order_id, refusal[0], owner, time=now)]
        found = self.found(order_id)
        return self.take_off(found, found.left, now)

    def state(self, market: str, /) -> VenueState:
        """The waiting limit orders, crossed or not."""
        bids, asks = self.levels(market, Side.BUY), self.levels(market, Side.SELL)
        return VenueState(bids[0][0] if bids else None, asks[0][0] if asks else None, bids, asks)

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots, money) at the price of a clear of the published levels with this order."""
        own = [(side * _FAR, quantity)]
        bids = [*(own if side is Side.BUY else ()), *self.levels(market, Side.BUY)]
        asks = [*(own if side is Side.SELL else ()), *self.levels(market, Side.SELL)]
        price = self.price(bids, asks)
        if price is None:
            return 0, 0
        levels = self.levels(market, side.opposite)
        lots = walk(tuple(level for level in levels if side * (level[0] - price) <= 0), quantity)[0]
        return lots, lots * price

    def clock(self, now: int, /) -> list[Report]:
        """Clear every market, if a clear is due."""
        if now != self.due:
            return []
        reports = [report for market in self.markets for report in self.clear(market, now)]
        self.plan(now)
        return reports

    def next_clock(self, now: int, /) -> int | None:  # noqa: ARG002
        """The next multiple of `pi` while something would trade or lapse."""
        return self.due

    def refusal(self, order: Order) -> Refusal | None:
        """Why an order cannot be taken."""
        if refusal := check_order(order, self.markets):
            return refusal
        if any(item.order.order_id == order.order_id for item in self.waiting):
            return Reason.DUPLICATE_ORDER, ""
        if order.tif is TimeInForce.FOK or order.kind is OrderKind.MARKET_TO_LIMIT:
            return Reason.KIND, ""
        return None

    def not_own(self, order_id: Any, owner: Any) -> Refusal | None:
        """Why `owner` cannot change an order."""
        if type(order_id) is not int or all(item.order.order_id != order_id for item in self.waiting):
            return Reason.UNKNOWN_ORDER, ""
        return None if self.found(order_id).order.owner == owner else (Reason.NOT_OWNER, "")

    def found(self, order_id: int) -> Resting:
        """A waiting order by its id."""
        return next(item for item in self.waiting if item.order.order_id == order_id)

    def take_off(self, item: Resting, quantity: int, now: int) -> list[Report]:
        """Withdraw lots."""
        lots = min(quantity, item.left)
        item.left -= lots
        self.waiting = [other for other in self.waiting if other.left > 0]
        self.plan(now)
        order = item.order
        return [Cancelled(order.order_id, order.owner, order.market, order.venue, now, lots, item.left)]

    def levels(self, market: str, side: Side) -> Levels:
        """Lots of limit orders by price, best first."""
        lots: dict[int, int] = {}
        for item in self.waiting:
            order = item.order
            if order.market == market and order.side is side and order.price is not None:
                lots[order.price] = lots.get(order.price, 0) + item.left
        return tuple(sorted(lots.items(), key=lambda level: -side * level[0]))

    def sided(self, market: str, side: Side) -> list[tuple[int, int]]:
        """(limit, lots) of waiting orders, best first; a market order's limit is as good as any."""
        own = [item for item in self.waiting if item.order.market == market and item.order.side is side]
        return sorted(((self.limit(item.order), item.left) for item in own), key=lambda level: -side * level[0])

    def limit(self, order: Order) -> int:
        """The worst price that an order takes."""
        return order.side * _FAR if order.price is None else order.price

    def plan(self, now: int) -> None:
        """Name the next clear, while one would do something."""
        needed = any(item.order.tif is TimeInForce.IOC for item in self.waiting) or any(
            self.price(self.sided(market, Side.BUY), self.sided(market, Side.SELL)) for market in self.markets
        )
        self.due = (now // self.pi + 1) * self.pi if needed else None

    def price(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> int | None:
        """The midpoint of the market-clearing prices; None where nothing trades."""
        interval = self.interval(bids, asks)
        if interval is None:
            return None
        low, high = interval
        if low <= -_FAR or high >= _FAR:
            finite = [end for end in interval if abs(end) < _FAR]
            return finite[0] if finite else None
        return (low + high) // 2

    def interval(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> tuple[int, int] | None:
        """Lowest and highest price at which no limit strictly better stays unfilled (Walras)."""
        buys, sells = [list(level) for level in bids], [list(level) for level in asks]
        last: tuple[int, int] | None = None
        while buys and sells and buys[0][0] >= sells[0][0]:
            last = sells[0][0], buys[0][0]
            lots = min(buys[0][1], sells[0][1])
            for side in (buys, sells):
                side[0][1] -= lots
                if not side[0][1]:
                    side.pop(0)
        if last is None:
            return None
        # Market orders that find nobody bind no price; the best limit behind them does.
        low = max([last[0], *(limit for limit, _ in buys if limit < _FAR)])
        high = min([last[1], *(limit for limit, _ in sells if limit > -_FAR)])
        return low, high

    def clear(self, market: str, now: int) -> list[Report]:
        """Trade at one price, then let the market orders lapse."""
        bids, asks = self.sided(market, Side.BUY), self.sided(market, Side.SELL)
        price = self.price(bids, asks)
        reports: list[Report] = []
        if price is not None:
            self.matches += 1
            demand = sum(lots for limit, lots in bids if limit >= price)
            supply = sum(lots for limit, lots in asks if limit <= price)
            for side in Side:
                reports += self.fills(market, side, price, min(demand, supply), now)
        return reports + self.lapse(market, now)

    def fills(self, market: str, side: Side, price: int, volume: int, now: int) -> list[Report]:
        """The legs of one side."""
        reports: list[Report] = []
        for item, lots in self.shares(market, side, price, volume):
            if lots:
                item.left -= lots
                order = item.order
                reports.append(
                    Fill(
                        self.matches, order.order_id, order.owner, market, order.venue, now, side, lots, price,
                        lots * price, 0, Liquidity.AUCTION, None, None,
                    )
                )  # fmt: skip
        self.waiting = [item for item in self.waiting if item.left > 0]
        return reports

    def shares(self, market: str, side: Side, price: int, volume: int) -> list[tuple[Resting, int]]:
        """Better orders first, each limit in full while there is volume; the last one by size."""
        own = [item for item in self.waiting if item.order.market == market and item.order.side is side]
        shares: list[tuple[Resting, int]] = []
        limits = sorted({self.limit(item.order): True for item in own}, key=lambda limit: -side * limit)
        for limit in limits:
            level = [item for item in own if self.limit(item.order) == limit]
            lots = min(volume, sum(item.left for item in level))
            if side * (limit - price) < 0 or not lots:
                break
            volume -= lots
            shares += self.ration(sorted(level, key=lambda item: item.order.order_id), lots)
        return shares

    def ration(self, margin: list[Resting], left: int) -> list[tuple[Resting, int]]:
        """Whole lots by size, odd ones to the largest remainders, ties to the lower order id."""
        asked = sum(item.left for item in margin)
        if not asked:
            return []
        lots = {item.order.order_id: left * item.left // asked for item in margin}
        odd = left - sum(lots.values())
        by_remainder = sorted(margin, key=lambda item: (-(left * item.left % asked), item.order.order_id))
        for item in by_remainder[:odd]:
            lots[item.order.order_id] += 1
        return [(item, lots[item.order.order_id]) for item in margin]

    def lapse(self, market: str, now: int) -> list[Report]:
        """Expire what lives for one clear."""
        late = [item for item in self.waiting if item.order.market == market and item.order.tif is TimeInForce.IOC]
        self.waiting = [item for item in self.waiting if item not in late]
        return [
            Expired(item.order.order_id, item.order.owner, market, item.order.venue, now, item.left) for item in late
        ]
