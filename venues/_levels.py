"""The price levels of one market: two ladders of queues, which know nothing of messages and reports."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import islice

from attrs import define, field

from marketsim.gateway import PRICE_MAX
from marketsim.types import Levels, Order, VenueState

# Keys of a ladder: any limit reaches every level, none reaches an empty ladder.
ANY_PRICE = -PRICE_MAX - 1
EMPTY = -PRICE_MAX - 2


@define(eq=False)
class Level:
    """The orders at one price. A level without orders does not exist."""

    ladder: Ladder
    key: int
    quantity: int
    # Orders by id. A dict keeps the order of arrival, also under a new value, and deletes in O(1).
    queue: dict[int, Order]
    # Lots that matches took off the first order. Nothing is taken off a later one, so that orders stay as they came.
    taken: int = 0
    # A dict finds its first key by walking over the holes that deletions left: they are counted, and closed in time.
    holes: int = 0

    def remove(self, order_id: int) -> int:
        """Delete an order; the lots that were left of it."""
        queue = self.queue
        quantity = queue[order_id].quantity
        if self.taken and next(iter(queue)) == order_id:
            quantity -= self.taken
            self.taken = 0
        del queue[order_id]
        if queue:
            self.quantity -= quantity
            self.holes += 1
        else:
            self.ladder.close(self.key)
        return quantity

    def left(self, order_id: int) -> int:
        """Lots left of an order."""
        quantity = self.queue[order_id].quantity
        return quantity - self.taken if self.taken and next(iter(self.queue)) == order_id else quantity

    def shrink(self, order_id: int, quantity: int) -> None:
        """Take `quantity` lots, fewer than there are, off an order."""
        order = self.queue[order_id]
        self.queue[order_id] = order._replace(quantity=order.quantity - quantity)
        self.quantity -= quantity

    def orders(self) -> Iterator[Order]:
        """The orders, first come first; `quantity` is what is left."""
        taken = self.taken
        for order in self.queue.values():
            yield order._replace(quantity=order.quantity - taken) if taken else order
            taken = 0

    def close_holes(self) -> None:
        """Make the first order of the queue quick to find again."""
        # Every look for it costs up to `holes` steps, closing them one copy of the queue: a step is worth 1/32 of a
        # copied order, so that closing at the square root of 32 x orders keeps both small.
        if self.holes * self.holes > 32 * len(self.queue) + 64 * 64:
            self.queue = dict(self.queue)
            self.holes = 0


@define(eq=False)
class Ladder:
    """One side of a book. Keys are prices of bids and negated prices of asks, so that the best key is the highest."""

    sign: int
    levels: dict[int, Level] = field(factory=dict)
    # Ascending. The best key is the last, so that levels come and go where little has to be moved.
    keys: list[int] = field(factory=list)
    best: int = EMPTY
    # The levels that are published, None after a change: whoever changes a ladder says so here.
    shown: Levels | None = None

    def open(self, key: int, order: Order, taken: int = 0) -> Level:
        """Add a level with its first order, off which `taken` lots are gone."""
        level = self.levels[key] = Level(self, key, order.quantity - taken, {order.order_id: order}, taken)
        insort(self.keys, key)
        self.best = self.keys[-1]
        return level

    def close(self, key: int) -> None:
        """Delete a level with what is in it."""
        keys = self.keys
        del self.levels[key], keys[bisect_left(keys, key)]
        self.best = keys[-1] if keys else EMPTY

    def best_without(self, order_id: int) -> int:
        """The best key if `order_id` were not there."""
        if self.best == EMPTY or list(islice(self.levels[self.best].queue, 2)) != [order_id]:
            return self.best
        return self.keys[-2] if len(self.keys) > 1 else EMPTY

    def best_first(self) -> Iterator[Level]:
        """The levels in the order in which they would trade."""
        return map(self.levels.__getitem__, reversed(self.keys))

    def priced(self) -> Iterator[tuple[int, int]]:
        """(price, quantity) of each level, best first."""
        sign = self.sign
        return ((sign * level.key, level.quantity) for level in self.best_first())

    def publish(self, depth: int) -> Levels:
        """The best `depth` levels, made anew only after a change."""
        if self.shown is None:
            sign, levels = self.sign, self.levels
            self.shown = tuple([(sign * key, levels[key].quantity) for key in self.keys[: -depth - 1 : -1]])
        return self.shown

    def orders(self) -> Iterator[Order]:
        """The orders in the order in which they would trade; `quantity` is what is left."""
        return (order for level in self.best_first() for order in level.orders())


@define(eq=False)
class Book:
    """Both ladders of one market, its last trade price, and the public state while it still holds."""

    bids: Ladder = field(factory=lambda: Ladder(1))
    asks: Ladder = field(factory=lambda: Ladder(-1))
    last_price: int | None = None
    public: VenueState | None = None

    def mid(self) -> float | None:
        """Midpoint of the best prices in ticks, None while a side is empty."""
        bid, ask = self.bids.best, self.asks.best
        return None if bid == EMPTY or ask == EMPTY else (bid - ask) / 2  # noqa: PLR1714 `in` builds a tuple

    def publish(self, depth: int) -> VenueState:
        """The public state, made anew only after a change."""
        if self.public is None or self.bids.shown is None or self.asks.shown is None:
            bids, asks = self.bids.publish(depth), self.asks.publish(depth)
            best_bid, best_ask = bids[0][0] if bids else None, asks[0][0] if asks else None
            self.public = VenueState(best_bid, best_ask, bids, asks, self.last_price)
        return self.public
