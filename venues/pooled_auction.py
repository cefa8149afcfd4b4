"""The batch auction with a pool in every batch: orders and a constant-product pool clear at one price."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar

from attrs import define, evolve, field, setters

from marketsim import checks
from marketsim.errors import ConfigError, PastError, PluginError
from marketsim.gateway import ORDER_ID_MAX, PRICE_MAX, QUANTITY_MAX
from marketsim.types import (
    Fill,
    Levels,
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
from venues.batch_pool import BatchPool, PooledImpact, pool_entries
from venues.clearing import Entry, clear
from venues.fba import BatchAuction
from venues.layers import amount_of, amounts
from venues.pool import pool_account, require_market

_BUY, _SELL = Side.BUY, Side.SELL


@define(eq=False)
class _Market:
    pool: BatchPool
    reference: int | None
    last_price: int | None = None
    public: VenueState | None = None
    # A market-to-limit order may wait without a price.
    unpriced: bool = False


@define(eq=False, on_setattr=setters.NO_OP)
class PooledAuction:
    """A `BatchAuction` in which a constant-product pool takes part in every clear of its market.

    1. The rules are those of `BatchAuction`, for orders and for the pool, which joins each clear as limit orders of the
       current batch: for its d-th lot it asks y / (x - 2 d) and bids y / (x + 2 d), rounded to the grid in its own
       favour. So the price equates all demand and supply, and at the price p the pool trades (p x - y) / (2 p) lots,
       which leaves it the largest product; less than that only by lots at p itself that nobody took.
    2. The pool trades at the price of everybody else, without a fee, and its product never falls. Its legs, one a
       clear, belong to the account `pool:<venue>` and to no order (id 0).
    3. A clear is due where the orders and the pool together would trade: a single order that crosses the pool's curve
       is enough. With an empty pool all is as in a `BatchAuction`.
    4. The public sees the waiting limit orders and the pool: each level shows the lots of the orders, and those that
       the pool would trade between the level before and this one. The impact is of a clear of the order with these.

    The price rule "volume_midpoint" and the allocation "pro_rata_all" are not offered: under them the pool could be
    left off its curve. Shares in the pool do not trade.

    Args:
        markets: names of the markets; each clears by itself, with a pool of its own.
        pi: steps between two clears.
        base: the pool's opening reserve in lots; an int, or one by market.
        quote: its opening reserve in tick-lots; both are 0 for an empty pool. quote / base is the opening price.
        price_rule, k, allocation, self_trade, price_step, quantity_step, min_price, reference, fee_ppm, depth: as of
            `BatchAuction`. The fee is the orders'.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.
        PastError: a message or a clock came after a clear that was due and was not called.

    References:
        Canidio and Fritsch, Arbitrageurs' profits, LVR, and sandwich attacks, 2023; Budish, Cramton and Shim, QJE
        130(4), 2015.

    >>> from marketsim.types import limit_order
    >>> venue = PooledAuction(("ACME",), 10, base=1000, quote=100_000)
    >>> bid = limit_order("ACME", Side.BUY, quantity=500, price=121)._replace(order_id=1, owner="ann", venue="mix")
    >>> [type(report).__name__ for report in venue.submit(bid, 3)], venue.next_clock(3)
    (['Accepted'], 10)
    >>> [(leg.owner, leg.price, leg.quantity) for leg in venue.clock(10)]
    [('ann', 121, 86), ('pool:mix', 121, 86)]
    """

    messages: ClassVar[tuple[type, ...]] = (Order, Reduce, Replace)
    claims: ClassVar[tuple[str, ...]] = ("uniform-price", "self-checking")

    markets: tuple[str, ...] = field(validator=checks.names)
    pi: int = field(validator=checks.integer(1, 2**53))
    base: int | Mapping[str, int] = field(kw_only=True, validator=amounts(0, QUANTITY_MAX))
    quote: int | Mapping[str, int] = field(kw_only=True, validator=amounts(0))
    price_rule: str = field(default="midpoint", kw_only=True, validator=checks.one_of("midpoint", "reference", "k"))
    k: float | Fraction = field(default=0.5, kw_only=True)
    allocation: str = field(
        default="batch-pro-rata", kw_only=True, validator=checks.one_of("batch-pro-rata", "pro-rata", "time")
    )
    self_trade: str = field(default="allow", kw_only=True)
    price_step: int = field(default=1, kw_only=True)
    quantity_step: int = field(default=1, kw_only=True)
    min_price: int | None = field(default=1, kw_only=True)
    reference: Mapping[str, int | None] = field(factory=dict, kw_only=True)
    fee_ppm: int = field(default=0, kw_only=True)
    depth: int = field(default=10, kw_only=True, validator=checks.integer(1, QUANTITY_MAX))
    _auction: BatchAuction = field(init=False)
    _places: dict[str, _Market] = field(init=False)
    _rules: tuple[str, Fraction, str, int, int] = field(init=False)
    _floor: int = field(init=False)
    _due: int | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        # The auction checks the arguments that are its own.
        self._auction = BatchAuction(
            self.markets, self.pi, price_rule=self.price_rule, k=self.k, allocation=self.allocation,
            self_trade=self.self_trade, price_step=self.price_step, quantity_step=self.quantity_step,
            min_price=self.min_price, reference=self.reference, fee_ppm=self.fee_ppm, depth=QUANTITY_MAX,
        )  # fmt: skip
        self._rules = (
            self.price_rule, Fraction(str(self.k)), self.allocation, self.price_step, self.quantity_step
        )  # fmt: skip
        self._floor = -PRICE_MAX if self.min_price is None else self.min_price
        self._places = {market: _Market(self._opened(market), self.reference.get(market)) for market in self.markets}

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take an `Order`, a `Reduce` or a `Replace`. Nothing fills now: what is accepted waits for the next clear."""
        self._not_late(now)
        if type(message) not in self.messages:
            # The auction inside would settle a market, but who holds shares of the pool would not be paid.
            return rejected(message, Reason.UNSUPPORTED, now=now, detail=f"message: got {type(message).__name__}")
        order = message.order if type(message) is Replace else message
        if type(order) is Order and order.owner == pool_account(order.venue):
            return rejected(order, Reason.OWNER, now=now, detail="the pool's account trades in every clear by itself")
        reports = self._auction.submit(message, now)
        if type(order) is Order and type(reports[-1]) is not Rejected and order.kind is OrderKind.MARKET_TO_LIMIT:
            self._places[order.market].unpriced = True
        return self._changed(reports, now)

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """Withdraw what is left of an order: `Cancelled`, or `Rejected` when it is not live or not `owner`'s."""
        self._not_late(now)
        return self._changed(self._auction.cancel(order_id, owner, now), now)

    def state(self, market: str, /) -> VenueState:
        """Best prices and `depth` levels of orders and pool, the last clear's price, and a pure estimate of impact."""
        require_market(self, market)
        place = self._places[market]
        if place.public is None:
            book = self._auction.state(market)
            bids, asks = self._shown(book.bids, place.pool, _BUY), self._shown(book.asks, place.pool, _SELL)
            seen = book.bids[: self.depth], book.asks[: self.depth]
            impact = PooledImpact(*seen, place.pool, place.reference, self._rules, self._floor)
            best_bid, best_ask = bids[0][0] if bids else None, asks[0][0] if asks else None
            place.public = VenueState(best_bid, best_ask, bids, asks, place.last_price, impact)
        return place.public

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots, money before fees) of a market order at a clear of it with the published levels and the pool."""
        return self.state(market).estimate(side, quantity)

    def orders(self, market: str, /) -> list[Order]:
        """Waiting orders, bids then asks, each side best first; `quantity` is what is left."""
        return self._auction.orders(market)

    def reserves(self, market: str, /) -> tuple[int, int]:
        """(base lots, quote tick-lots): the opening reserves plus what the account `pool:<venue>` has gained."""
        require_market(self, market)
        pool = self._places[market].pool
        return pool.base, pool.quote

    def clock(self, now: int, /) -> list[Report]:
        """Clear every market in which something is due at `now`; at any other time nothing happens."""
        if now != self._due:
            self._not_late(now)
            return []
        before = {market: self.state(market).mid for market in self.markets}
        joined = {order_id for market in self.markets for order_id in self._join(market, now)}
        reports: list[Report] = []
        legs: dict[tuple[str, Side], Fill] = {}
        for report in self._auction.clock(now):
            if type(report) is Fill:
                place = self._places[report.market]
                place.reference = place.last_price = report.price
            if report.order_id not in joined:
                reports.append(report)
            elif type(report) is Fill:
                key = report.market, report.side
                lots = report.quantity + (legs[key].quantity if key in legs else 0)
                legs[key] = report._replace(order_id=0, quantity=lots, money=lots * report.price, fee=0)
        for (market, side), leg in legs.items():
            pool, moved = self._places[market].pool, int(side) * leg.quantity
            self._places[market].pool = evolve(pool, base=pool.base + moved, quote=pool.quote - moved * leg.price)
        for place in self._places.values():
            place.public = None
        self._plan(now)
        after = {market: self.state(market).mid for market in self.markets}
        return [
            each._replace(mid_before=before[each.market], mid_after=after[each.market]) if type(each) is Fill else each
            for each in [*reports, *legs.values()]
        ]

    def next_clock(self, now: int, /) -> int | None:
        """The next multiple of `pi` while a clear would change something, else None."""
        self._not_late(now)
        return self._due

    def _opened(self, market: str) -> BatchPool:
        base, quote = amount_of(self.base, market), amount_of(self.quote, market)
        if (base == 0) != (quote == 0) or quote > base * PRICE_MAX:
            wanted = "both 0, or both positive and quote / base up to 2**53 ticks"
            raise ConfigError(f"PooledAuction: got base={base}, quote={quote}, wanted {wanted}")
        return BatchPool(base, quote, self.price_step, self.quantity_step)

    def _not_late(self, now: int) -> None:
        if self._due is not None and now >= self._due:
            raise PastError(f"PooledAuction: the clock was to be called at {self._due}, before anything else at {now}")

    def _changed(self, reports: list[Report], now: int) -> list[Report]:
        if type(reports[0]) is not Rejected:
            self._places[reports[0].market].public = None
            self._plan(now)
        return reports

    def _plan(self, now: int) -> None:
        due = self._auction.next_clock(now) is not None or any(map(self._meets_pool, self.markets))
        self._due = (now // self.pi + 1) * self.pi if due else None

    def _meets_pool(self, market: str) -> bool:
        place, book = self._places[market], self._auction.state(market)
        floor = self._floor
        bid, ask = place.pool.best(_BUY), place.pool.best(_SELL)
        bid = bid if bid is not None and bid >= floor else None
        if ask is not None and book.best_bid is not None and book.best_bid >= ask:
            return True
        if bid is not None and book.best_ask is not None and book.best_ask <= bid:
            return True
        if not place.unpriced:
            return False
        buys, sells = (any(price is None for price, _ in entries) for entries in self._entries(market))
        place.unpriced = buys or sells
        return (buys and ask is not None) or (sells and bid is not None)

    def _entries(self, market: str) -> tuple[list[Entry], list[Entry]]:
        # What of the orders is in no level has no price.
        book = self._auction.state(market)
        bids: list[Entry] = list(book.bids)
        asks: list[Entry] = list(book.asks)
        for side, entries in ((_BUY, bids), (_SELL, asks)):
            waiting = sum(order.quantity for order in self._auction.orders(market) if order.side is side)
            if unpriced := waiting - sum(lots for _, lots in entries):
                entries.append((None, unpriced))
        return bids, asks

    def _join(self, market: str, now: int) -> list[int]:
        # The ids of the pool's orders of the batch that ends: they live for this clear.
        place, orders = self._places[market], self._auction.orders(market)
        if place.pool.base == 0 or not orders:
            return []
        bids, asks = self._entries(market)
        bought, sold = pool_entries(bids, asks, place.pool, floor=self._floor)
        rule, k, _, step, _ = self._rules
        outcome = clear([*bids, *bought], [*asks, *sold], rule=rule, reference=place.reference, k=k, step=step)
        if outcome.volume == 0:
            return []
        order_id, venue = ORDER_ID_MAX, orders[0].venue
        joined = []
        for side, entries in ((_BUY, bought), (_SELL, sold)):
            for price, lots in entries:
                order = Order(
                    market, side, lots, price, OrderKind.LIMIT, TimeInForce.IOC, owner=pool_account(venue), venue=venue
                )  # fmt: skip
                order_id = self._enter(order, order_id, now - 1)
                joined.append(order_id)
        return joined

    def _enter(self, order: Order, order_id: int, now: int) -> int:
        # From the far end of the ids down to one that nobody has.
        while True:
            report = self._auction.submit(order._replace(order_id=order_id), now)[0]
            if type(report) is not Rejected:
                return order_id
            if report.reason is not Reason.DUPLICATE_ORDER:
                raise PluginError(f"PooledAuction: the pool's own order was refused: {report}")
            order_id -= 1

    def _shown(self, levels: Levels, pool: BatchPool, side: Side) -> Levels:
        book, best = dict(levels), pool.best(side)
        prices = sorted(dict.fromkeys([*book, *([] if best is None else [best])]), key=lambda price: -side * price)
        shown, before = [], 0
        for price in prices[: self.depth]:
            reach = pool.lots(side, price)
            shown.append((price, book.get(price, 0) + reach - before))
            before = reach
        return tuple(shown)
