"""One market of a batch auction: the orders that wait for its next clear, and what the public sees of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Final, NamedTuple

from attrs import define, field
from sortedcontainers import SortedDict

from marketsim.gateway import PRICE_MAX
from marketsim.types import Fill, Levels, Liquidity, Order, Report, Side, VenueState
from venues.clearing import Claim, Entry, ration

PPM: Final = 1_000_000

# Calling a NamedTuple class runs a Python function that calls this one.
_new = tuple.__new__


@define(eq=False)
class Waiting:
    """An order that waits: `price` is its limit (None: none yet), `left` in lots, `arrival` counts orders."""

    order: Order
    price: int | None
    left: int
    batch: int
    arrival: int


@define(eq=False)
class _Level:
    price: int | None
    quantity: int = 0
    # By order id, in the order of arrival.
    orders: dict[int, Waiting] = field(factory=dict)


class Dealt(NamedTuple):
    """What one side got at a clear: its orders, the lots of each, and the ids of those that are filled.

    Lists side by side: of a hundred thousand pairs the garbage collector would look at every one, again and again.
    """

    orders: list[Order]
    lots: list[int]
    filled: list[int]


# The key of orders without a limit, before every other.
_UNPRICED: Final = -PRICE_MAX - 1


@define(eq=False)
class Ladder:
    """The waiting orders of one side. Keys are prices of asks and negated prices of bids: the best comes first."""

    side: Side
    levels: SortedDict = field(factory=SortedDict)
    # How many levels were published and which, None after a change: most messages change one side only.
    shown: tuple[int, Levels] | None = None

    def key(self, price: int | None) -> int:
        return _UNPRICED if price is None else -self.side * price

    def add(self, waiting: Waiting) -> None:
        self.shown = None
        key = self.key(waiting.price)
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = _Level(waiting.price)
        level.quantity += waiting.left
        level.orders[waiting.order.order_id] = waiting

    def take(self, waiting: Waiting, quantity: int) -> None:
        """Take `quantity` lots off an order, and the order off the ladder when none are left."""
        self.shown = None
        key = self.key(waiting.price)
        level = self.levels[key]
        level.quantity -= quantity
        waiting.left -= quantity
        if waiting.left == 0:
            del level.orders[waiting.order.order_id]
            if not level.orders:
                del self.levels[key]

    def deal(self, price: int, volume: int, *, rule: str, step: int) -> Dealt:
        """Take `volume` lots off the orders that accept `price`, as `ration` says."""
        orders, lots, filled = dealt = Dealt([], [], [])
        self.shown = None
        left, levels = volume, self.levels
        if rule == "pro_rata_all":
            waiting = list(self.reaching(price))
        else:
            # Under every other rule a better price comes first. Levels that fit go whole, so that of all orders only
            # those of the marginal level are weighed, and taken off one by one.
            last = self.key(price)
            for key in list(levels):
                best = levels[key]
                if best.quantity > left or key > last:
                    break
                levels.popitem(0)
                left -= best.quantity
                orders += [each.order for each in best.orders.values()]
                lots += [each.left for each in best.orders.values()]
                filled += best.orders
            waiting = list(levels.peekitem(0)[1].orders.values()) if left and levels else []
        claims = [Claim(each.price, each.left, each.batch, each.order.order_id) for each in waiting]
        for each, share in zip(waiting, ration(self.side, price, left, claims, rule=rule, step=step), strict=True):
            if share:
                orders.append(each.order)
                lots.append(share)
                self.take(each, share)
                if each.left == 0:
                    filled.append(each.order.order_id)
        return dealt

    def unpriced(self) -> list[Waiting]:
        level = self.levels.get(_UNPRICED)
        return list(level.orders.values()) if level else []

    def published(self, depth: int) -> Levels:
        """The best `depth` levels of limit orders, made anew only after a change."""
        if self.shown is None or self.shown[0] != depth:
            levels = self.levels
            first = 1 if _UNPRICED in levels else 0
            # By key: a view of the values costs twice as much.
            best = [levels[key] for key in islice(levels, first, first + depth)]
            self.shown = depth, tuple([(level.price, level.quantity) for level in best])
        return self.shown[1]

    def best(self) -> int | None:
        """The best limit in ticks."""
        for key in self.levels:
            if key != _UNPRICED:
                price: int = -self.side * key
                return price
        return None

    def entries(self) -> Iterator[Entry]:
        return ((level.price, level.quantity) for level in self.levels.values())

    def reaching(self, price: int | None) -> Iterator[Waiting]:
        """Orders that accept `price` (None: all), best first, those of one level in the order of arrival."""
        for key, level in self.levels.items():
            if price is not None and key > self.key(price):
                break
            yield from level.orders.values()

    def set_limit(self, waiting: Waiting, price: int) -> None:
        """Make an unpriced order a limit, placed by when it arrived."""
        left = waiting.left
        self.take(waiting, left)
        waiting.price, waiting.left = price, left
        self.add(waiting)
        level = self.levels[self.key(price)]
        level.orders = dict(sorted(level.orders.items(), key=lambda item: item[1].arrival))


@define(eq=False)
class CallMarket:
    """Waiting bids and asks, the reference price, and the last state that was published."""

    reference: int | None
    bids: Ladder = field(factory=lambda: Ladder(Side.BUY))
    asks: Ladder = field(factory=lambda: Ladder(Side.SELL))
    last_price: int | None = None
    # Orders that live for one clear.
    lapsing: dict[int, Waiting] = field(factory=dict)
    public: VenueState | None = None
    # Sealed only: the book has changed since it was published.
    unpublished: bool = False
    due: bool = False

    def ladder(self, side: Side) -> Ladder:
        return self.bids if side is Side.BUY else self.asks

    def mid(self) -> float | None:
        bid, ask = self.bids.best(), self.asks.best()
        return None if bid is None or ask is None else (bid + ask) / 2

    def trades(self) -> bool:
        if not self.bids.levels or not self.asks.levels:
            return False
        bid, ask = self.bids.best(), self.asks.best()
        if bid is not None and ask is not None and bid >= ask:
            return True
        if _UNPRICED not in self.bids.levels and _UNPRICED not in self.asks.levels:
            return False
        return bid is not None or ask is not None or self.reference is not None


def legs_of(
    sides: list[Dealt], price: int, now: int, match_id: int, mids: tuple[float | None, float | None], fee_ppm: int
) -> list[Report]:
    """A fill for every order that got something, in the order of `sides`; the fee is rounded up, whatever the sign."""
    (mid_before, mid_after), liquidity = mids, Liquidity.AUCTION
    legs: list[Report] = []
    for order, lots in chain.from_iterable(zip(own.orders, own.lots, strict=True) for own in sides):
        market, side, _, _, _, _, _, order_id, owner, venue = order
        money, fee = price * lots, 0
        if fee_ppm:
            fee = -(-abs(money) * fee_ppm // PPM)
            money += side * fee
        legs.append(_new(Fill, (
            match_id, order_id, owner, market, venue, now, side, lots, price, money, fee,
            liquidity, mid_before, mid_after,
        )))  # fmt: skip
    return legs
