"""The hybrid: a continuous book with a passive layer behind it, a constant-product pool or a ladder of quotes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, ClassVar

from attrs import define, field, setters

from marketsim import checks
from marketsim.errors import ConfigError, PastError
from marketsim.gateway import PRICE_MAX, QUANTITY_MAX, Refusal, check_order
from marketsim.types import (
    Burn,
    Cancelled,
    Expired,
    Fill,
    Levels,
    Liquidity,
    Mint,
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
)
from venues import layers
from venues._quotes import LadderLayer
from venues.clob import ContinuousBook
from venues.constant_product import ConstantProduct
from venues.layers import Depth, Facing, Layer, amount_of, amounts
from venues.pool import PPM, nearest_tick, require_market

_BUY, _SELL = Side.BUY, Side.SELL
_MARKET_TO_LIMIT = OrderKind.MARKET_TO_LIMIT
_RULES = ("allow", "cancel-taker", "cancel-maker", "cancel-both", "decrement")


@define(eq=False)
class _Market:
    layer: Layer
    last_price: int | None = None
    public: VenueState | None = None
    # The layer would now quote otherwise than it does.
    stale: bool = False
    # By the taker's side: levels of the book, the layer's depth, and what is shown of the two.
    shown: dict[Side, tuple[Levels, Depth, Levels]] = field(factory=dict)


def _decimal(value: float) -> Fraction:
    # A float is read as the decimal that it prints as.
    return Fraction(str(value))


@define(eq=False, on_setattr=setters.NO_OP)
class Hybrid:
    """A continuous book per market, and behind it a passive layer that trades with every order the book does not fill.

    1. The book is a `ContinuousBook`: its rules hold among its orders. An arriving order divides between book and layer
       so that their marginal prices, after the layer's fee, are equal: from the best price on, the layer until its
       price reaches that of the next resting lots, then those; at equal prices the book comes first. Limits trade with
       both up to their price, and what is left rests in the book.
    2. `layer="pool"` is a `ConstantProduct` of `base` lots and `quote` tick-lots. An order trades with it once, all
       lots together, for the smallest whole amount (a seller: the largest) that the invariant allows, so that no other
       division costs less, whole tick-lots included. `Mint` and `Burn` pass through to it.
    3. `layer="ladder"` is a house that quotes `levels` prices a side: the k-th is k x spread / 2 of the last trade
       price away from it (quote / base before the first), rounded outwards, for size x decay^(k-1) x lot lots, rounded
       down. What is taken is gone until the next step's clock, which quotes anew, and is named only where the quotes
       would change. A quote that would meet a resting order is left out. The house follows the last price wherever it
       is taken: who moves it with small trades and then makes a large one gains, which no pool would let happen.
    4. After every call the best bid of book and layer is below the best ask of both. The layer's price is that of its
       next `quantity_step` lots. Where a mint deepens the pool, or a burn moves its price by a rounding, so that a
       resting order meets it, that order trades with the pool at once, within its limit and without a fee.
    5. Self-trade prevention is the book's: an order that comes to its own account's resting order ends there
       ("cancel-taker", "cancel-both") or cancels it ("cancel-maker"), with the layer at the same price.
    6. A market-to-limit order is refused by a pool, which has no one price to rest at. A post-only order that would
       trade with either is refused. FOK counts both.
    7. The layer's legs belong to the account `pool:<venue>` and to no order (id 0); its match ids are odd, the book's
       even. The taker's fee is charged alike on lots from either, so that it does not bend the division.
    8. The public sees both: each level shows the lots of the book, and those that the layer trades between the level
       before and this one; the impact is exact. The last price is the one furthest out that the last order reached.

    A call costs O(levels); one that must know whose orders rest (post-only, self-trade prevention) O(resting orders).

    Args:
        markets: names of the markets traded, each with its own book and layer.
        base: the layer's opening reserve in lots; an int, or one by market.
        quote: its opening reserve in tick-lots; quote / base is the opening price, which is all that a
            ladder takes from the two.
        layer: "pool" or "ladder".
        pool_fee_ppm: millionths of what comes in that stay in the pool.
        spread: of the ladder's best quotes, bid to ask, as a share of the centre.
        levels: quotes a side.
        size: units of the best quote.
        decay: size of each further quote over the one before, up to 1.
        lot: lots in a unit.
        self_trade, price_step, quantity_step, min_price, maker_fee_ppm, taker_fee_ppm, depth: as of `ContinuousBook`.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.
        PastError: a message or a clock came after a clock that was due and was not called.

    References:
        Angeris, Evans, Chitra and Boyd, Optimal routing for constant function market makers, EC 2022 (the division).

    >>> from marketsim.types import limit_order, market_order
    >>> venue = Hybrid(("ACME",), base=1000, quote=100_000)
    >>> ask = limit_order("ACME", Side.SELL, quantity=50, price=101)._replace(order_id=1, owner="ann")
    >>> buy = market_order("ACME", Side.BUY, quantity=20)._replace(order_id=2, owner="bob", venue="mix")
    >>> reports = venue.submit(ask, 0) + venue.submit(buy, 0)
    >>> [(leg.owner, leg.quantity, leg.money) for leg in reports[1:]]
    [('bob', 5, 503), ('pool:mix', 5, 503), ('bob', 15, 1515), ('ann', 15, 1515)]
    """

    claims: ClassVar[tuple[str, ...]] = ("price-time", "never-crossed", "self-checking")
    separate_markets: ClassVar[bool] = True

    markets: tuple[str, ...] = field(validator=checks.names)
    base: int | Mapping[str, int] = field(kw_only=True, validator=amounts(1, QUANTITY_MAX))
    quote: int | Mapping[str, int] = field(kw_only=True, validator=amounts(1))
    layer: str = field(default="pool", kw_only=True, validator=checks.one_of("pool", "ladder"))
    pool_fee_ppm: int = field(default=0, kw_only=True, validator=checks.integer(0, PPM - 1))
    spread: float = field(default=0.005, kw_only=True, validator=checks.number(0, 1))
    levels: int = field(default=3, kw_only=True, validator=checks.integer(1, 1000))
    size: int = field(default=80, kw_only=True, validator=checks.integer(1, QUANTITY_MAX))
    decay: float = field(default=0.7, kw_only=True, validator=checks.number(0, 1, above=0))
    lot: int = field(default=1, kw_only=True, validator=checks.integer(1, QUANTITY_MAX))
    self_trade: str = field(default="allow", kw_only=True, validator=checks.one_of(*_RULES))
    price_step: int = field(default=1, kw_only=True, validator=checks.integer(1, PRICE_MAX))
    quantity_step: int = field(default=1, kw_only=True, validator=checks.integer(1, QUANTITY_MAX))
    min_price: int | None = field(
        default=1, kw_only=True, validator=checks.optional(checks.integer(-PRICE_MAX, PRICE_MAX))
    )
    maker_fee_ppm: int = field(default=0, kw_only=True, validator=checks.integer(-PPM, PPM))
    taker_fee_ppm: int = field(default=0, kw_only=True, validator=checks.integer(0, PPM))
    depth: int = field(default=10, kw_only=True, validator=checks.integer(1, QUANTITY_MAX))
    messages: tuple[type, ...] = field(init=False)
    _book: ContinuousBook = field(init=False)
    _markets: dict[str, _Market] = field(init=False)
    _due: int | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        # All levels of the book: what an order costs is a question about every one of them.
        self._book = ContinuousBook(
            self.markets, self_trade=self.self_trade, price_step=self.price_step, quantity_step=self.quantity_step,
            min_price=self.min_price, maker_fee_ppm=self.maker_fee_ppm, taker_fee_ppm=self.taker_fee_ppm,
            depth=QUANTITY_MAX,
        )  # fmt: skip
        self._markets = {market: _Market(self._layer_of(market)) for market in self.markets}
        pool = (Mint, Burn) if self.layer == "pool" else ()
        self.messages = (Order, Reduce, Replace, *pool)

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take an `Order`, a `Reduce`, a `Replace`, and where the layer is a pool a `Mint` or a `Burn`."""
        self._not_late(now)
        if type(message) is Order:
            if refusal := self._refusal(message, now):
                return rejected(message, refusal[0], now=now, detail=refusal[1])
            return self._enter(message, now, self.state(message.market).mid)
        if type(message) is Reduce:
            return self._withdrawn(self._book.submit(message, now), now)
        if type(message) is Replace:
            return self._replace(message, now)
        if type(message) in self.messages:
            return self._change(message, now)
        return rejected(message, Reason.UNSUPPORTED, now=now, detail=f"message: got {type(message).__name__}")

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """Withdraw what is left of an order: `Cancelled`, or `Rejected` when it is not live or not `owner`'s."""
        self._not_late(now)
        return self._withdrawn(self._book.cancel(order_id, owner, now), now)

    def state(self, market: str, /) -> VenueState:
        """Best prices and `depth` levels of book and layer (ticks, lots), the last price, and the impact function."""
        require_market(self, market)
        place = self._markets[market]
        if place.public is None:
            book, depth = self._book.state(market), place.layer.depth
            bids, asks = self._shown(place, book.bids, _SELL), self._shown(place, book.asks, _BUY)
            best_bid, best_ask = bids[0][0] if bids else None, asks[0][0] if asks else None
            impact = layers.Impact(book.bids, book.asks, depth)
            place.public = VenueState(best_bid, best_ask, bids, asks, place.last_price, impact)
        return place.public

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots, money) of a market order, exactly as it would trade now, before the taker's fee."""
        return self.state(market).estimate(side, quantity)

    def orders(self, market: str, /) -> list[Order]:
        """Live orders, bids then asks, each side in the order in which it would trade; `quantity` is what is left."""
        require_market(self, market)
        return self._book.orders(market)

    @property
    def reserves(self) -> Callable[[str], tuple[int, int]] | None:
        """Of a pool, by market, (base lots, quote tick-lots): as opened, plus what the account `pool:<venue>` gained.

        None where the layer is a ladder: the house has no reserves, and its account may go below zero.
        """
        return self._reserves if self.layer == "pool" else None

    def clock(self, now: int, /) -> list[Report]:
        """Quote anew where the quotes would change; at any time but the one named nothing happens."""
        if now != self._due:
            self._not_late(now)
            return []
        for market, place in self._markets.items():
            place.layer.renew(place.last_price, *self._book.state(market)[:2])
            place.public, place.stale = None, False
        self._due = None
        return []

    def next_clock(self, now: int, /) -> int | None:
        """The step after the last change of a ladder's quotes or of what they follow, else None."""
        self._not_late(now)
        return self._due

    def _layer_of(self, market: str) -> Layer:
        base, quote = amount_of(self.base, market), amount_of(self.quote, market)
        if self.layer == "pool":
            pool = ConstantProduct((market,), base, quote, fee_ppm=self.pool_fee_ppm)
            return layers.PoolLayer(pool, self.price_step, self.quantity_step)
        if quote > base * PRICE_MAX:
            raise ConfigError(f"Hybrid: got base={base}, quote={quote}, wanted quote / base up to 2**53 ticks")
        decay, unit, step = _decimal(self.decay), self.size * self.lot, self.quantity_step
        sizes = tuple(int(unit * decay**place) // step * step for place in range(self.levels))
        floor = -PRICE_MAX if self.min_price is None else self.min_price
        return LadderLayer(nearest_tick(quote, base), _decimal(self.spread) / 2, sizes, self.price_step, floor)

    def _reserves(self, market: str) -> tuple[int, int]:
        require_market(self, market)
        return self._markets[market].layer.depth.reserves

    def _not_late(self, now: int) -> None:
        if self._due is not None and now >= self._due:
            raise PastError(f"Hybrid: the clock was to be called at {self._due}, before anything else at {now}")

    def _changed(self, market: str, now: int) -> None:
        # One market's quotes follow that market alone.
        place = self._markets[market]
        place.public = None
        place.stale = place.layer.stale(place.last_price, *self._book.state(market)[:2])
        self._due = now + 1 if any(each.stale for each in self._markets.values()) else None

    def _shown(self, place: _Market, levels: Levels, side: Side) -> Levels:
        depth = place.layer.depth
        known = place.shown.get(side)
        # Most messages change one side of the book only.
        if known is None or known[0] != levels or known[1] is not depth:
            known = place.shown[side] = levels, depth, depth.beside(side, levels, self.depth)
        return known[2]

    def _best(self, order: Order, replaced: int) -> int | None:
        # The best price that an order would meet, without the order that it replaces.
        side = order.side
        resting = [
            each.price
            for each in self._book.orders(order.market)
            if each.side is not side and each.order_id != replaced and each.price is not None
        ]
        layer = self._markets[order.market].layer.depth.best(side)
        found = [side * price for price in [*resting[:1], layer] if price is not None]
        return side * min(found) if found else None

    def _refusal(self, order: Order, now: int, *, replaced: int = 0) -> Refusal | None:
        if refusal := check_order(order, self.markets):
            return refusal
        quantity, price = order.quantity, order.price
        if quantity % self.quantity_step or (price or 0) % self.price_step:
            wanted = f"multiples of {self.quantity_step} and {self.price_step}"
            return Reason.OFF_GRID, f"got quantity {quantity}, price {price}, wanted {wanted}"
        if price is not None and self.min_price is not None and price < self.min_price:
            return Reason.PRICE, f"price: got {price}, wanted at least {self.min_price}"
        # Nobody is called "", so that this withdraws nothing, and says whether the order is live.
        answer = self._book.cancel(order.order_id, "", now)[0]
        if type(answer) is Rejected and answer.reason is not Reason.UNKNOWN_ORDER:
            return Reason.DUPLICATE_ORDER, f"order_id: got {order.order_id}, which is live"
        if order.kind is _MARKET_TO_LIMIT:
            if self.layer == "pool":
                return Reason.UNSUPPORTED, "kind: got market-to-limit; a pool has no one price to rest at"
            if self._best(order, replaced) is None:
                return Reason.NO_LIQUIDITY, "a market-to-limit order needs an opposite price"
        if order.post_only:
            best = self._best(order, replaced)
            if best is not None and order.accepts(best):
                return Reason.POST_ONLY, f"price: got {price}, which the best opposite price, {best}, meets"
        return None

    def _facing(self, order: Order) -> tuple[list[Facing], int | None]:
        rule = self.self_trade
        if rule == "allow" or (rule == "decrement" and order.tif is not TimeInForce.FOK):
            state = self._book.state(order.market)
            levels = state.asks if order.side is _BUY else state.bids
            return [Facing(price, lots) for price, lots in levels if order.accepts(price)], None
        facing: list[Facing] = []
        for each in self._book.orders(order.market):
            price = each.price
            if each.side is order.side or price is None or not order.accepts(price):
                continue
            if each.owner != order.owner:
                facing.append(Facing(price, each.quantity))
            elif rule == "cancel-maker":
                facing.append(Facing(price, 0, each.order_id))
            else:
                return facing, price
        return facing, None

    def _enter(self, order: Order, now: int, mid: float | None) -> list[Report]:
        if order.kind is _MARKET_TO_LIMIT:
            order = order._replace(kind=OrderKind.LIMIT, price=self._best(order, 0))
        place = self._markets[order.market]
        facing, stop = self._facing(order)
        lots, passed = layers.share(order.side, order.quantity, order.price, facing, place.layer.depth, stop=stop)
        market, side, quantity, _, _, tif, _, order_id, owner, venue = order
        if tif is TimeInForce.FOK and lots + sum(each.lots for each in facing) < quantity:
            return [Expired(order_id, owner, market, venue, now, quantity)]
        taken = place.layer.take(order, lots, now) if lots else []
        reports = [self._layered(report) for report in taken]
        withdrawn = [report for own in passed for report in self._book.cancel(own, owner, now)]
        met = self._book.submit(order._replace(quantity=quantity - lots), now) if lots < quantity else []
        reports += [*withdrawn, *map(_even, met)]
        furthest = layers.furthest_price(reports, side)
        place.last_price = place.last_price if furthest is None else furthest
        return self._finished(reports, market, mid, now)

    def _layered(self, report: Report) -> Report:
        if type(report) is not Fill:
            return report
        taker = report.liquidity is Liquidity.TAKER
        fee = -(-abs(report.money) * self.taker_fee_ppm // PPM) if taker else 0
        return report._replace(match_id=2 * report.match_id + 1, fee=fee, money=report.money + report.side * fee)

    def _finished(self, reports: list[Report], market: str, mid: float | None, now: int) -> list[Report]:
        self._changed(market, now)
        if not any(type(report) is Fill for report in reports):
            return reports
        after = self.state(market).mid
        return [
            report._replace(mid_before=mid, mid_after=after) if type(report) is Fill else report for report in reports
        ]  # fmt: skip

    def _withdrawn(self, reports: list[Report], now: int) -> list[Report]:
        for report in reports:
            if type(report) is Cancelled:
                self._changed(report.market, now)
        return reports

    def _replace(self, message: Replace, now: int) -> list[Report]:
        order_id, order, owner, _ = message
        if type(order) is not Order:
            detail = f"order: got {type(order).__name__}, wanted Order"
            return rejected(message, Reason.UNSUPPORTED, now=now, detail=detail)
        refusal = self._refusal(order, now, replaced=order_id)
        if refusal is None and order.owner != owner:
            refusal = Reason.NOT_OWNER, "the new order has another owner than the replaced one"
        mid = self.state(order.market).mid if refusal is None else None
        gone = self._book.cancel(order_id, owner, now) if refusal is None else []
        if gone and type(gone[0]) is Rejected:
            refusal = gone[0].reason, gone[0].detail
        if refusal is not None:
            # Under the id of the new order: that one is dead, the old one lives on.
            return rejected(order, refusal[0], now=now, detail=refusal[1])
        self._withdrawn(gone, now)
        return gone + self._enter(order, now, mid)

    def _change(self, message: Mint | Burn, now: int) -> list[Report]:
        # Any pool refuses a market that none has.
        market = message.market if type(message.market) is str and message.market in self.markets else self.markets[0]
        mid = self.state(market).mid
        reports = [self._layered(report) for report in self._markets[market].layer.change(message, now)]
        if type(reports[0]) is Rejected:
            return reports
        return self._finished(reports + self._swept(market, now), market, mid, now)

    def _swept(self, market: str, now: int) -> list[Report]:
        place = self._markets[market]
        swept: list[Report] = []
        for order in self._book.orders(market):
            lots = min(order.quantity, place.layer.depth.lots(order.side, order.price))
            if lots == 0:
                continue
            legs = [leg for leg in place.layer.take(order, lots, now) if type(leg) is Fill]
            self._book.submit(Reduce(order.order_id, lots, order.owner, order.venue), now)
            place.last_price = legs[0].price
            tags = Liquidity.MAKER, Liquidity.TAKER
            swept += [
                leg._replace(match_id=2 * leg.match_id + 1, liquidity=tag) for leg, tag in zip(legs, tags, strict=True)
            ]
        return swept


def _even(report: Report) -> Report:
    return report._replace(match_id=2 * report.match_id) if type(report) is Fill else report
