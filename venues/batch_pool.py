"""A constant-product pool as a participant of a batch auction: its curve, and the few orders that stand for it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

from attrs import frozen

from marketsim.gateway import PRICE_MAX, QUANTITY_MAX
from marketsim.types import Levels, Side
from venues.clearing import Entry, HypotheticalClear
from venues.pool import require_question

_BUY, _SELL = Side.BUY, Side.SELL


@frozen
class BatchPool:
    """A constant-product pool that trades at uniform prices, in steps of `quantity_step` lots, without a fee.

    At the price p it sells d(p) = (p x - y) / (2 p) lots (buys, where that is negative): the trade that leaves it the
    largest product (x - d)(y + p d), after which its marginal price is p. Rounded towards no trade, which never lowers
    the product. As limit orders: it asks y / (x - 2 d) for its d-th lot, and bids y / (x + 2 d).

    Args:
        base: x, lots.
        quote: y, tick-lots; both are 0 for an empty pool.

    References:
        Canidio and Fritsch, Arbitrageurs' profits, LVR, and sandwich attacks: batch trading as an AMM design response,
        2023 (the function-maximising AMM).

    >>> BatchPool(1000, 100_000).lots(Side.SELL, 121), BatchPool(1000, 100_000).lots(Side.BUY, 90)
    (86, 55)
    """

    base: int
    quote: int
    price_step: int = 1
    quantity_step: int = 1

    def lots(self, side: Side, price: int) -> int:
        """Lots that the pool buys or sells at `price` (ticks)."""
        excess = side * (self.quote - price * self.base)
        if self.base == 0 or price <= 0 or excess <= 0:
            return 0
        return excess // (2 * price * self.quantity_step) * self.quantity_step

    def best(self, side: Side) -> int | None:
        """The price (ticks) on the grid of its first step of lots; None where it has none."""
        grid, rest = self.price_step, self.base + side * 2 * self.quantity_step
        if self.base == 0 or rest <= 0:
            return None
        price = self.quote // (rest * grid) * grid if side is _BUY else -(-self.quote // (rest * grid)) * grid
        return price if 0 < price <= PRICE_MAX else None

    def last(self, side: Side, floor: int) -> int:
        """The price (ticks) on the grid of the last step that it ever trades, at `floor` or above; `floor` if none."""
        grid, step = self.price_step, self.quantity_step
        lots = self.lots(_BUY, floor) if side is _BUY else (self.base - 1) // (2 * step) * step
        if self.base == 0 or lots <= 0:
            return floor
        if side is _BUY:
            return self.quote // ((self.base + 2 * lots) * grid) * grid
        return max(floor, min(-(-self.quote // ((self.base - 2 * lots) * grid)), PRICE_MAX // grid) * grid)


def pool_entries(
    bids: Sequence[Entry], asks: Sequence[Entry], pool: BatchPool, *, floor: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The pool's part in a clear with `bids` and `asks`, as a few limit orders (price in ticks, lots) a side.

    Demand and supply, the pool's included, meet in an interval of prices. Lots that the pool trades at prices beyond it
    go one grid point beyond it, lots at its ends to the ends, and there are none inside. `clear` then finds the same
    volume and interval as if it had been given every lot at its own price. What no order could trade with is left out.

    Args:
        bids: (limit or None, lots).
        asks: the same.
        pool: whose grid the limits are on.
        floor: lowest price (ticks) of an order.

    Returns:
        The pool's bids and its asks, each empty where the pool cannot trade.
    """
    grid = pool.price_step
    floor = -(-max(floor, 1) // grid) * grid
    limits = [price for price, _ in [*bids, *asks] if price is not None]
    top = max([*limits, pool.last(_SELL, floor), pool.best(_BUY) or floor, floor]) + grid

    def demand(price: int) -> int:  # strictly better than `price`
        resting = sum(lots for limit, lots in bids if limit is None or limit > price)
        return resting + pool.lots(_BUY, price + grid)

    def supply(price: int) -> int:  # at `price` or better
        return sum(lots for limit, lots in asks if limit is None or limit <= price) + pool.lots(_SELL, price)

    # Grid points from the floor to beyond every limit. `low` is the first at which supply covers the better demand,
    # `high` the last at which demand covers the better supply.
    count = (top - floor) // grid + 1
    points = range(floor, floor + grid * count, grid)
    low = floor + grid * bisect_left(points, True, key=lambda price: demand(price) <= supply(price))
    covered = bisect_left(points, True, key=lambda price: supply(price - grid) > demand(price - grid))
    high = max(floor, floor + grid * (covered - 1))
    edges = [floor, max(low - grid, floor), low, high, high + grid]
    # Where market orders are left over, what bounds the price is the first or the last step of the pool.
    edges += [pool.last(_SELL, floor), pool.last(_BUY, floor), pool.best(_SELL) or floor, pool.best(_BUY) or floor]
    ends = sorted(price for price in dict.fromkeys(edges) if floor <= price <= PRICE_MAX)
    return _stepped(pool, _BUY, ends[::-1]) if asks else [], _stepped(pool, _SELL, ends) if bids else []


def _stepped(pool: BatchPool, side: Side, prices: Sequence[int]) -> list[tuple[int, int]]:
    # All that the pool offers, also beyond what can trade: at the marginal price lots are shared by what is offered.
    most = QUANTITY_MAX // pool.quantity_step * pool.quantity_step
    entries, before = [], 0
    for price in prices:
        reach = min(pool.lots(side, price), most)
        if reach > before:
            entries.append((price, reach - before))
            before = reach
    return entries


@frozen
class PooledImpact:
    """What a market order would get at a clear of itself, the published levels and the pool, and nothing else."""

    bids: Levels
    asks: Levels
    pool: BatchPool
    reference: int | None
    rules: tuple[str, Fraction, str, int, int]
    floor: int

    def __call__(self, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots available, money for them in tick-lots) before fees."""
        require_question(side, quantity)
        step = self.pool.quantity_step
        own: list[Entry] = [(None, quantity - quantity % step)] if quantity >= step else []
        bids: list[Entry] = [*self.bids, *(own if side is _BUY else [])]
        asks: list[Entry] = [*self.asks, *(own if side is _SELL else [])]
        bought, sold = pool_entries(bids, asks, self.pool, floor=self.floor)
        clear_of = HypotheticalClear((*self.bids, *bought), (*self.asks, *sold), self.reference, *self.rules)
        return clear_of(side, quantity)
