"""What can stand behind a book: a pool or a ladder of quotes, and how an order divides between the two.

A layer has a `Depth`, a value that says what it would trade now, and moves only when `take` is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import isqrt
from typing import Any, NamedTuple, Protocol

from attrs import define, field, frozen

from marketsim import checks
from marketsim.errors import ConfigError
from marketsim.types import (
    Burn,
    Fill,
    Levels,
    Mint,
    Order,
    OrderKind,
    Reason,
    Report,
    Side,
    TimeInForce,
    rejected,
    trade,
    walk,
)
from venues.constant_product import ConstantProduct, swap_exact_in, swap_exact_out
from venues.pool import PPM, pool_account, require_question

_BUY, _SELL = Side.BUY, Side.SELL


class Depth(Protocol):
    """What a layer would trade with a taker, as a value. Sides are the taker's, prices are after the layer's fee."""

    def best(self, side: Side) -> int | None:
        """Price (ticks) of the next step of lots, rounded to the grid against the taker; None where there is none."""

    def prices(self, side: Side) -> tuple[int, ...]:
        """Prices at which it is worth showing: all that quotes have, the best one of a curve."""

    def lots(self, side: Side, price: int | None, *, inside: bool = False) -> int:
        """Lots on this side of `price` (None: any), those at it included unless `inside`."""

    def money(self, side: Side, lots: int) -> int:
        """What a taker pays or receives (tick-lots) for `lots`, taken at once."""

    @property
    def reserves(self) -> tuple[int, int]:
        """(base lots, quote tick-lots) of a pool; (0, 0) of quotes."""


class Facing(NamedTuple):
    """Resting lots that an order faces at one price; `own`: the order's own account has them, and they give way."""

    price: int
    lots: int
    own: int = 0


class Share(NamedTuple):
    """How an order divides: lots for the layer, and ids of the account's own orders that it passes on its way."""

    lots: int
    passed: tuple[int, ...]


def share(
    side: Side, quantity: int, limit: int | None, facing: Iterable[Facing], depth: Depth, *, stop: int | None = None
) -> Share:
    """The part of an order that a layer fills, such that marginal prices after fees are equal.

    From the best price on: the layer until its marginal price reaches that of the next resting lots, then those lots,
    and so on; at equal prices the book comes first. What the layer does not fill is for the book. For a pool this is
    exactly the cheapest division: the book's cost of a number of lots is an integer, so the least of
    ceil(pool cost) + book cost is where the sum of the unrounded convex costs is least.

    Args:
        side: the order's.
        quantity: lots.
        limit: ticks; None for a market order.
        facing: what rests on the other side within the limit, best first.
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
    `venues.constant_product`.
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

    def prices(self, side: Side) -> tuple[int, ...]:
        best = self.best(side)
        return () if best is None else (best,)

    def lots(self, side: Side, price: int | None, *, inside: bool = False) -> int:
        return self._for_sale(price, inside) if side is _BUY else self._wanted(price, inside)

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
    """Quotes at whole prices."""

    bids: Levels
    asks: Levels

    def best(self, side: Side) -> int | None:
        levels = self._facing(side)
        return levels[0][0] if levels else None

    def prices(self, side: Side) -> tuple[int, ...]:
        return tuple(price for price, _ in self._facing(side))

    def lots(self, side: Side, price: int | None, *, inside: bool = False) -> int:
        within = 0 if inside else 1
        levels = self._facing(side)
        return sum(lots for level, lots in levels if price is None or side * (price - level) + within > 0)

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
    """What a market order would trade: book and layer as they were, equal to another of the same answers."""

    bids: Levels
    asks: Levels
    depth: Depth

    def __call__(self, side: Side, quantity: int) -> tuple[int, int]:
        """(lots available, money for them in tick-lots) before the taker's fee."""
        require_question(side, quantity)
        facing = [Facing(price, lots) for price, lots in (self.asks if side is _BUY else self.bids)]
        taken = share(side, quantity, None, facing, self.depth).lots
        money, left = self.depth.money(side, taken), quantity - taken
        for price, lots, _ in facing:
            met = min(lots, left)
            money, left = money + price * met, left - met
        return quantity - left, money


class Layer(Protocol):
    """The passive side of one market. Match ids count from 1; mids and a taker's fee are for the venue to add."""

    @property
    def depth(self) -> Depth: ...

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


@define(eq=False)
class LadderLayer:
    """Symmetric quotes around a centre, posted by the house."""

    opening: int
    half_spread: Fraction
    sizes: tuple[int, ...]
    price_step: int
    floor: int
    depth: LadderDepth = field(init=False)
    _matches: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self.depth = self._quotes(None, None, None)

    def take(self, order: Order, lots: int, now: int) -> list[Report]:
        side = order.side
        reports: list[Report] = []
        levels, left = self.depth.asks if side is _BUY else self.depth.bids, lots
        for price, quantity in levels:
            taken = min(left, quantity)
            if taken == 0:
                break
            left -= taken
            self._matches += 1
            account = pool_account(order.venue)
            reports += trade(
                order, against=account, price=price, quantity=taken, now=now, match_id=self._matches
            )  # fmt: skip
        self.depth = self.depth.without(side, lots)
        return reports

    def change(self, message: Mint | Burn, now: int) -> list[Report]:
        return rejected(message, Reason.UNSUPPORTED, now=now, detail="quotes have no shares")

    def stale(self, centre: int | None, bid: int | None, ask: int | None) -> bool:
        return self.depth != self._quotes(centre, bid, ask)

    def renew(self, centre: int | None, bid: int | None, ask: int | None) -> None:
        self.depth = self._quotes(centre, bid, ask)

    def _quotes(self, centre: int | None, bid: int | None, ask: int | None) -> LadderDepth:
        middle = self.opening if centre is None else centre
        grid = self.price_step
        levels: dict[Side, dict[int, int]] = {_BUY: {}, _SELL: {}}
        for place, lots in enumerate(self.sizes, start=1):
            away = abs(middle) * self.half_spread * place
            # Outwards to the grid, a step at least, so that the two sides never meet. A passive quote gives way to what
            # it would trade with.
            low = min((middle - away) // grid, (middle - 1) // grid) * grid
            high = max(-((-middle - away) // grid), middle // grid + 1) * grid
            if lots and low >= self.floor and (ask is None or low < ask):
                levels[_BUY][low] = levels[_BUY].get(low, 0) + lots
            if lots and high >= self.floor and (bid is None or high > bid):
                levels[_SELL][high] = levels[_SELL].get(high, 0) + lots
        return LadderDepth(tuple(levels[_BUY].items()), tuple(levels[_SELL].items()))


def furthest_price(reports: Iterable[Report], side: Side) -> int | None:
    """The price (ticks) furthest from where a taker on `side` began, over the fills of `reports`."""
    prices = [side * report.price for report in reports if type(report) is Fill]
    return side * max(prices) if prices else None


def amounts(low: int, high: int | None = None) -> checks.Validator:
    """A validator: an int from `low` to `high`, or a mapping with one for each of the instance's markets."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        by_market = value if isinstance(value, Mapping) else dict.fromkeys(instance.markets, value)
        if sorted(map(str, by_market)) != sorted(instance.markets):
            wanted = f"an int, or one for each of {', '.join(instance.markets)}"
            raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {value!r}, wanted {wanted}")
        for amount in by_market.values():
            checks.integer(low, high)(instance, attribute, amount)

    return check


def amount_of(value: int | Mapping[str, int], market: str) -> int:
    """The amount meant for `market`."""
    return value[market] if isinstance(value, Mapping) else value
