"""What can stand behind a book: a pool or a ladder of quotes, and how an order divides between the two.

A layer has a `Depth`, a value that says what it would trade now, and moves only when `take` is called.

>>> from venues.constant_product import ConstantProduct
>>> pool = ConstantProduct(("ACME",), base=1000, quote=1_000_000)
>>> layer: Layer = PoolLayer(pool, price_step=1, quantity_step=1)
>>> buy = market_order("ACME", Side.BUY, quantity=20)._replace(order_id=1, owner="ann", venue="mixed")
>>> [(leg.owner, leg.quantity, leg.money) for leg in layer.take(buy, lots=10, now=0)]  # the book fills the rest
[('ann', 10, 10102), ('pool:mixed', 10, 10102)]
>>> layer.depth.best(Side.BUY), layer.depth.reserves  # ticks, (lots, tick-lots)
(1022, (990, 1010102))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isqrt
from typing import Any, NamedTuple, Protocol

from attrs import define, field, frozen

from marketsim import checks
from marketsim.errors import ConfigError
from marketsim.gateway import QUANTITY_MAX
from marketsim.types import Burn, Fill, Levels, Mint, Order, OrderKind, Report, Side, TimeInForce, walk
from venues.constant_product import ConstantProduct, swap_exact_in, swap_exact_out
from venues.pool import PPM, require_question

_BUY, _SELL = Side.BUY, Side.SELL


class Depth(Protocol):
    """What a layer would trade with a taker, as a value. Sides are the taker's, prices are after the layer's fee.

    >>> depth: Depth = LadderDepth(bids=((98, 9),), asks=((100, 2), (102, 9)))
    >>> depth.best(Side.BUY), depth.lots(Side.BUY, 101), depth.money(Side.BUY, 3)  # ticks, lots, tick-lots
    (100, 2, 302)
    """

    def best(self, side: Side) -> int | None:
        """Price (ticks) of the next step of lots, rounded to the grid against the taker; None where there is none."""

    def lots(self, side: Side, price: int | None, *, inside: bool = False) -> int:
        """Lots on this side of `price` (None: any), those at it included unless `inside`."""

    def beside(self, side: Side, levels: Levels, count: int) -> Levels:
        """The best `count` levels of a book's `levels` and the layer together.

        Each has the lots of the book, and those that the layer trades between the level before and this one. The layer
        adds levels of its own where it is worth showing: at all prices that quotes have, at the best one of a curve.
        """

    def money(self, side: Side, lots: int) -> int:
        """What a taker pays or receives (tick-lots) for `lots`, taken at once."""

    @property
    def reserves(self) -> tuple[int, int]:
        """(base lots, quote tick-lots) of a pool; (0, 0) of quotes."""


class Facing(NamedTuple):
    """Resting lots that an order faces at one price (ticks).

    `own` is the id of an order of the same account, whose lots give way; 0 where another account has them.

    >>> share(Side.BUY, 5, None, [Facing(price=101, lots=4, own=7)], LadderDepth((), ((102, 9),)))
    Share(lots=1, passed=(7,))
    """

    price: int
    lots: int
    own: int = 0


class Share(NamedTuple):
    """How an order divides: lots for the layer, and ids of the account's own orders that it passes on its way.

    >>> share(Side.SELL, 5, 99, [Facing(100, 2)], LadderDepth(bids=((101, 1), (98, 9)), asks=())).lots
    1
    """

    lots: int
    passed: tuple[int, ...]


def share(
    side: Side,
    quantity: int,
    limit: int | None,
    facing: Iterable[tuple[int, int, int]],
    depth: Depth,
    *,
    stop: int | None = None,
) -> Share:
    """The part of an order that a layer fills, such that marginal prices after fees are equal.

    From the best price on: the layer until its marginal price reaches that of the next resting lots, then those lots,
    and so on; at equal prices the book comes first. What the layer does not fill is for the book. For a pool this is
    exactly the cheapest division (Angeris, Evans, Chitra and Boyd, EC 2022): the book's cost of a number of lots is an
    integer, so the least of ceil(pool cost) + book cost is where the sum of the unrounded convex costs is least.

    Args:
        side: the order's.
        quantity: lots.
        limit: ticks; None for a market order.
        facing: what rests on the other side within the limit, best first: each a `Facing` or its three numbers.
        depth: of the layer.
        stop: ticks of the resting order at which the order will end, if it comes that far.

    >>> share(Side.BUY, 5, None, [Facing(101, 4)], LadderDepth((), ((100, 2), (102, 9))))
    Share(lots=2, passed=())
    """
    left = quantity
    passed: list[int] = []
    for price, lots, own in facing:
        inside = depth.lots(side, price, inside=True)
        if inside >= left:
            return Share(_worth(depth, side, left), tuple(passed))
        if own:
            passed.append(own)
        left -= lots
        if inside >= left:
            return Share(_worth(depth, side, inside), tuple(passed))
    reach = depth.lots(side, limit) if stop is None else depth.lots(side, stop, inside=True)
    return Share(_worth(depth, side, min(reach, left)), tuple(passed))


def _worth(depth: Depth, side: Side, lots: int) -> int:
    # A pool that would pay nothing for what it is sold does not trade.
    return lots if lots and depth.money(side, lots) else 0


@frozen
class PoolDepth:
    """A constant-product pool, seen in steps of `quantity_step` lots.

    The marginal price is that of the next whole step of lots, after the fee: what can really be traded. With reserves
    (x, y), a step s and f = 1 - fee, the step that ends at d lots bought costs y x / (f (x - d)(x - d + s)) a lot, the
    one that ends at d lots sold pays y f x / ((x + f d)(x + f (d - s))). Both follow from the amounts of
    `venues.constant_product`. `base` is in lots, `quote` in tick-lots, `fee_ppm` in millionths.

    >>> pool = PoolDepth(base=1000, quote=1_000_000, fee_ppm=3000, price_step=1, quantity_step=1)
    >>> pool.best(Side.BUY), pool.lots(Side.BUY, 1010), pool.money(Side.BUY, 3)  # ticks, lots, tick-lots
    (1005, 3, 3019)
    """

    base: int
    quote: int
    fee_ppm: int
    price_step: int
    quantity_step: int

    def best(self, side: Side) -> int | None:
        step, kept, grid = self.quantity_step, PPM - self.fee_ppm, self.price_step
        if side is _BUY:
            if self.base <= step:
                return None
            return -(-self.quote * PPM // ((self.base - step) * kept * grid)) * grid
        price = self.quote * kept // ((self.base * PPM + step * kept) * grid) * grid
        return price if price > 0 else None

    def lots(self, side: Side, price: int | None, *, inside: bool = False) -> int:
        return self._for_sale(price, inside) if side is _BUY else self._wanted(price, inside)

    def beside(self, side: Side, levels: Levels, count: int) -> Levels:
        book, best = dict(levels[:count]), self.best(side)
        prices = sorted(book if best is None else {**book, best: 0}, reverse=side is _SELL)
        shown, before = [], 0
        for price in prices[:count]:
            reach = self.lots(side, price)
            shown.append((price, min(book.get(price, 0) + reach - before, QUANTITY_MAX)))
            before = reach
        return tuple(shown)

    def money(self, side: Side, lots: int) -> int:
        if lots == 0:
            return 0
        if side is _BUY:
            return swap_exact_out(self.quote, self.base, lots, fee_ppm=self.fee_ppm)
        return swap_exact_in(self.base, self.quote, lots, fee_ppm=self.fee_ppm)

    @property
    def reserves(self) -> tuple[int, int]:
        return self.base, self.quote

    def after(self, side: Side, lots: int) -> PoolDepth:
        """The pool once it has traded `lots`."""
        base, quote = self.base - side * lots, self.quote + side * self.money(side, lots)
        return PoolDepth(base, quote, self.fee_ppm, self.price_step, self.quantity_step)

    def _for_sale(self, price: int | None, inside: bool) -> int:
        step, kept = self.quantity_step, PPM - self.fee_ppm
        least = 1
        if price is not None:
            if price <= 0:
                return 0
            # The smallest u = x - d with u (u + s) >= y x / (f p), or > where the price itself is out.
            value, divisor = self.quote * PPM * self.base, kept * price
            area = value // divisor + 1 if inside else -(-value // divisor)
            root = isqrt(4 * area + step * step - 1) + 1
            least = max(1, (root - step + 1) // 2)
        lots = max(0, (self.base - least) // step * step)
        # Money is whole, so a pool without a fee may be left with a bid of the very price that was not to be met.
        while inside and lots and price is not None and self.after(_BUY, lots).pays(price):
            lots -= step
        return lots

    def _wanted(self, price: int | None, inside: bool) -> int:
        step, kept = self.quantity_step, PPM - self.fee_ppm
        most: int = 2**63 // step * step
        if price is None or price <= 0:
            return most
        # The largest w = x + f d (times a million) with w (w - f s) <= y f x / p, or < where the price itself is out.
        value = self.quote * kept * self.base * PPM
        area = -(-value // price) - 1 if inside else value // price
        reach = (isqrt(4 * area + (kept * step) ** 2) + kept * step) // 2 if area > 0 else 0
        lots = max(0, (reach - self.base * PPM) // kept // step * step)
        # The same from the other side: whole money may leave the pool with a bid that still meets the limit.
        while not inside and self.after(_SELL, lots).pays(price):
            lots += step
        return min(lots, most)

    def pays(self, price: int) -> bool:
        """Whether it bids `price` or more."""
        best = self.best(_SELL)
        return best is not None and best >= price


@frozen
class LadderDepth:
    """Quotes at whole prices, (ticks, lots), best first.

    >>> LadderDepth(bids=((98, 9),), asks=((100, 2), (102, 9))).without(Side.BUY, 3)
    LadderDepth(bids=((98, 9),), asks=((102, 8),))
    """

    bids: Levels
    asks: Levels

    def best(self, side: Side) -> int | None:
        levels = self._facing(side)
        return levels[0][0] if levels else None

    def lots(self, side: Side, price: int | None, *, inside: bool = False) -> int:
        total = 0
        for level, lots in self._facing(side):
            if price is not None and side * (level - price) >= (0 if inside else 1):
                break
            total += lots
        return total

    def beside(self, side: Side, levels: Levels, count: int) -> Levels:
        both = dict(levels[:count])
        for price, lots in self._facing(side):
            both[price] = both.get(price, 0) + lots
        best = sorted(both.items(), reverse=side is _SELL)[:count]
        return tuple([level if level[1] <= QUANTITY_MAX else (level[0], QUANTITY_MAX) for level in best])

    def money(self, side: Side, lots: int) -> int:
        return walk(self._facing(side), lots)[1]

    @property
    def reserves(self) -> tuple[int, int]:
        return 0, 0

    def without(self, side: Side, lots: int) -> LadderDepth:
        """The quotes that are left when `lots` have been taken, best first."""
        left: list[tuple[int, int]] = []
        for price, quantity in self._facing(side):
            taken = min(lots, quantity)
            lots -= taken
            if taken < quantity:
                left.append((price, quantity - taken))
        return LadderDepth(self.bids, tuple(left)) if side is _BUY else LadderDepth(tuple(left), self.asks)

    def _facing(self, side: Side) -> Levels:
        return self.asks if side is _BUY else self.bids


@frozen
class Impact:
    """What a market order would trade: book and layer as they were, equal to another of the same answers.

    >>> Impact(bids=(), asks=((101, 4),), depth=LadderDepth((), ((100, 2),)))(Side.BUY, 5)  # lots, tick-lots
    (5, 503)
    """

    bids: Levels
    asks: Levels
    depth: Depth

    def __call__(self, side: Side, quantity: int) -> tuple[int, int]:
        """(lots available, money for them in tick-lots) before the taker's fee."""
        require_question(side, quantity)
        levels = self.asks if side is _BUY else self.bids
        # Level by level as `share` comes to them: few questions go beyond the first.
        taken = share(side, quantity, None, ((price, lots, 0) for price, lots in levels), self.depth).lots
        met, money = walk(levels, quantity - taken)
        return taken + met, self.depth.money(side, taken) + money


class Layer(Protocol):
    """The passive side of one market. Match ids count from 1; mids and a taker's fee are for the venue to add."""

    @property
    def depth(self) -> Depth:
        """What it would trade now."""

    def take(self, order: Order, lots: int, now: int) -> list[Report]:
        """Trade `lots` with `order`: both legs of each match."""

    def change(self, message: Mint | Burn, now: int) -> list[Report]:
        """Shares in the layer for reserves, or back."""

    def stale(self, centre: int | None, bid: int | None, ask: int | None) -> bool:
        """Whether new quotes around `centre`, with these best prices of the book, would differ from what stands."""

    def renew(self, centre: int | None, bid: int | None, ask: int | None) -> None:
        """Quote anew."""


@define(eq=False)
class PoolLayer:
    """A constant-product pool behind a book."""

    pool: ConstantProduct
    price_step: int
    quantity_step: int
    depth: PoolDepth = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._look()

    def take(self, order: Order, lots: int, now: int) -> list[Report]:
        swap = order._replace(
            quantity=lots, price=None, kind=OrderKind.MARKET, tif=TimeInForce.IOC, post_only=False
        )  # fmt: skip
        reports = self.pool.submit(swap, now)
        self._look()
        return reports

    def change(self, message: Mint | Burn, now: int) -> list[Report]:
        reports = self.pool.submit(message, now)
        self._look()
        return reports

    def stale(self, centre: int | None, bid: int | None, ask: int | None) -> bool:  # noqa: ARG002 every layer has it
        return False

    def renew(self, centre: int | None, bid: int | None, ask: int | None) -> None:
        pass

    def _look(self) -> None:
        base, quote = self.pool.reserves(self.pool.markets[0])
        self.depth = PoolDepth(base, quote, self.pool.fee_ppm, self.price_step, self.quantity_step)


def furthest_price(reports: Iterable[Report], side: Side) -> int | None:
    """The price (ticks) furthest from where a taker on `side` began, over the fills of `reports`; None without any.

    >>> order = market_order("ACME", Side.BUY, quantity=5)
    >>> fills = [leg for price in (101, 103) for leg in trade(order, against="ann", price=price, quantity=1, now=0)]
    >>> furthest_price(fills, Side.BUY), furthest_price(fills, Side.SELL)
    (103, 101)
    """
    prices = [side * report.price for report in reports if type(report) is Fill]
    return side * max(prices) if prices else None


def amounts(low: int, high: int | None = None) -> checks.Validator:
    """A validator: an int from `low` to `high`, or a mapping with one for each of the instance's markets.

    >>> from venues.hybrid import Hybrid
    >>> Hybrid(("A", "B"), base={"A": 100}, quote=10_000)
    Traceback (most recent call last):
        ...
    marketsim.errors.ConfigError: Hybrid.base: got {'A': 100}, wanted an int, or one for each of A, B
    """

    def check(instance: Any, attribute: Any, value: Any) -> None:
        by_market = value if isinstance(value, Mapping) else dict.fromkeys(instance.markets, value)
        if sorted(map(str, by_market)) != sorted(instance.markets):
            wanted = f"an int, or one for each of {', '.join(instance.markets)}"
            raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {value!r}, wanted {wanted}")
        for amount in by_market.values():
            checks.integer(low, high)(instance, attribute, amount)

    return check


def amount_of(value: int | Mapping[str, int], market: str) -> int:
    """The amount meant for `market`.

    >>> amount_of({"A": 100, "B": 50}, "B"), amount_of(100, "B")
    (50, 100)
    """
    return value[market] if isinstance(value, Mapping) else value
