"""One side of a replayed book: what the tape shows, what was taken of it, and who waits in its queues."""

from __future__ import annotations

from typing import Protocol

from attrs import define, field, frozen

from marketsim.types import Levels, Order

Hits = list[tuple[int, int]]  # (price in ticks, lots) of each level that an order takes from


class QueueModel(Protocol):
    """How many recorded lots stand before a resting order, where the tape shows a size but no queue."""

    def joins(self, shown: int | None, /) -> int | None:
        """Lots ahead of an order that arrives at a price where the tape shows `shown` lots; None: it does not say."""
        ...

    def cancelled(self, ahead: int, lots: int, shown: int, /) -> int:
        """Lots ahead after `lots` of the `shown` were cancelled, `ahead` of which stood before the order."""
        ...


@frozen
class DisplayedQueue:
    """All that is displayed on arrival is ahead, and whoever cancels stood ahead too: the quickest queue."""

    def joins(self, shown: int | None, /) -> int | None:
        return shown

    def cancelled(self, ahead: int, lots: int, shown: int, /) -> int:  # noqa: ARG002 every model has this form
        return max(0, ahead - lots)


@frozen
class ProportionalQueue:
    """All that is displayed on arrival is ahead; cancels fall evenly on all of the queue, fractions of a lot behind."""

    def joins(self, shown: int | None, /) -> int | None:
        return shown

    def cancelled(self, ahead: int, lots: int, shown: int, /) -> int:
        return ahead - lots * ahead // shown if shown else 0


@frozen
class NoQueue:
    """Nothing is ahead: every trade at the price reaches the order. An upper bound of what it could have filled."""

    def joins(self, shown: int | None, /) -> int | None:  # noqa: ARG002 every model has this form
        return 0

    def cancelled(self, ahead: int, lots: int, shown: int, /) -> int:  # noqa: ARG002 every model has this form
        return ahead


QUEUES: dict[str, QueueModel] = {
    "displayed": DisplayedQueue(),
    "proportional": ProportionalQueue(),
    "none": NoQueue(),
}
"""Queue models by name."""


@define(eq=False)
class Resting:
    """A live order: lots left of it, and recorded lots ahead of it (None: the tape has not shown its price yet)."""

    order: Order
    price: int
    left: int
    ahead: int | None


@define(eq=False)
class QuoteSide:
    """Bids (`sign` 1) or asks (`sign` -1).

    `shown` are the tape's sizes by price, best first, None before it told any; `taken` is what agents took of them,
    `printed` what trades took that the sizes do not show yet; `resting` are agents' orders, best price first.
    """

    sign: int
    shown: dict[int, int] | None = None
    taken: dict[int, int] = field(factory=dict)
    printed: dict[int, int] = field(factory=dict)
    resting: list[Resting] = field(factory=list)

    @property
    def best(self) -> int | None:
        """The tape's best price."""
        return next(iter(self.shown or {}), None)

    def levels(self) -> Levels:
        """What can still be taken."""
        left = ((price, size - self.taken.get(price, 0)) for price, size in (self.shown or {}).items())
        return tuple(level for level in left if level[1])

    def reach(self, limit: int | None) -> Levels:
        """The levels that an order from the other side may take from; `limit` None: all."""
        return tuple(level for level in self.levels() if limit is None or self.sign * (level[0] - limit) >= 0)

    def take(self, lots: int, limit: int | None) -> Hits:
        """Take up to `lots` for an order from the other side, best price first."""
        hits: Hits = []
        for price, size in self.reach(limit):
            taken = min(size, lots)
            if not taken:
                break
            lots -= taken
            self.taken[price] = self.taken.get(price, 0) + taken
            hits.append((price, taken))
        return hits

    def rest(self, order: Order, price: int, lots: int, queue: QueueModel) -> Resting:
        """Put an order behind all others at its price."""
        resting = Resting(order, price, lots, queue.joins(_shown(self.shown, self.sign, price)))
        self.resting.append(resting)
        self.resting.sort(key=lambda other: -self.sign * other.price)
        return resting

    def trade(self, price: int, lots: int) -> list[tuple[Resting, int]]:
        """A recorded trade took `lots` at `price` from this side: the resting orders it would have filled, and lots."""
        fills: list[tuple[Resting, int]] = []
        left = lots
        for resting in self.resting:
            better = self.sign * (resting.price - price)
            if better < 0 or not left:
                break
            if better:
                # Nobody trades through a better price: the recorded orders there were gone.
                resting.ahead = 0
            if resting.ahead is None:
                continue
            filled = min(resting.left, max(0, left - resting.ahead))
            resting.ahead = max(0, resting.ahead - left)
            if filled:
                fills.append((resting, filled))
                left -= filled
        self.printed[price] = self.printed.get(price, 0) + lots
        return fills

    def outflow(self, levels: Levels) -> tuple[int, int] | None:
        """(price, lots) that left the best price with no recorded trade when the tape comes to show `levels`."""
        price = self.best
        if price is None or self.shown is None:
            return None
        now = _shown(dict(levels), self.sign, price)
        lots = 0 if now is None else self.shown[price] - now - self.printed.get(price, 0)
        return (price, lots) if lots > 0 else None

    def move(self, levels: Levels, queue: QueueModel) -> None:
        """The tape shows `levels` from now on: what is no trade is cancelled, and queues grow shorter by it."""
        before, after = self.shown, dict(levels)
        for resting in self.resting:
            price = resting.price
            was, now = _shown(before, self.sign, price), _shown(after, self.sign, price)
            if now is None:
                continue
            if resting.ahead is None:
                resting.ahead = queue.joins(now)
                continue
            if was is not None:
                stood = max(0, was - self.printed.get(price, 0))
                resting.ahead = queue.cancelled(resting.ahead, max(0, stood - now), stood)
            resting.ahead = min(resting.ahead, now)
        old = before or {}
        self.taken = {price: lots for price, lots in self.taken.items() if after.get(price) == old.get(price)}
        gone = {price: old.get(price, 0) - after.get(price, 0) for price in self.printed}
        # A trade may be told before all of its size has left the tape.
        self.printed = {
            price: lots - gone[price]
            for price, lots in self.printed.items()
            if price in after and 0 <= gone[price] < lots
        }
        self.shown = after

    def remove(self, resting: Resting) -> None:
        """Forget an order."""
        self.resting = [other for other in self.resting if other is not resting]


def _shown(levels: dict[int, int] | None, sign: int, price: int) -> int | None:
    # A price worse than the last published level is out of sight; one between or before the levels has no orders.
    if levels is None:
        return None
    if price in levels or not levels:
        return levels.get(price, 0)
    worst = next(reversed(levels))
    return 0 if sign * (price - worst) > 0 else None
