"""The continuous limit order book: an order trades when it arrives, best price first, then first come, first served."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, field, setters

from marketsim import checks
from marketsim.errors import ConfigError
from marketsim.gateway import PRICE_MAX, Refusal, check_order, check_quantity
from marketsim.types import (
    Accepted,
    Cancelled,
    Expired,
    Fill,
    Liquidity,
    Order,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Report,
    Settle,
    Side,
    TimeInForce,
    VenueState,
    rejected,
    walk,
)
from venues._amendments import reduction_refusal, replacement_refusal, withdrawal_refusal
from venues._levels import ANY_PRICE, EMPTY, Book, Ladder
from venues._matching import Live, Prevented, fills_whole, match, match_guarded
from venues._settlement import closed, settle_refusal

# Looking a member up on its enum costs more than the comparison it is looked up for.
_BUY, _SELL = Side.BUY, Side.SELL
_LIMIT, _MARKET, _MARKET_TO_LIMIT = OrderKind.LIMIT, OrderKind.MARKET, OrderKind.MARKET_TO_LIMIT
_GTC, _IOC, _FOK = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK
_TAKER, _MAKER = Liquidity.TAKER, Liquidity.MAKER

# Calling a NamedTuple class runs a Python function that calls this one: without it a report costs twice as much.
_new = tuple.__new__

_PPM = 1_000_000


def _fee(value: int, rate_ppm: int) -> int:
    # Upwards whatever the sign: a charge costs its last fraction of a tick-lot, a rebate loses it.
    return -(-abs(value) * rate_ppm // _PPM)


def _withdrawn(order: Order, quantity: int, remaining: int, now: int) -> Report:
    return _new(Cancelled, (order.order_id, order.owner, order.market, order.venue, now, quantity, remaining))


def _withdrawals(order: Order, rests: int, prevented: Prevented, now: int) -> list[Report]:
    withdrawn, stopped = prevented
    reports = [_withdrawn(resting, quantity, remaining, now) for resting, quantity, remaining in withdrawn]
    return [*reports, _withdrawn(order, stopped, rests, now)] if stopped else reports


def _fees_cover_rebates(instance: Any, attribute: Any, value: int) -> None:
    if instance.maker_fee_ppm + value < 0:
        came = f"maker_fee_ppm={instance.maker_fee_ppm}, taker_fee_ppm={value}"
        raise ConfigError(f"ContinuousBook.{attribute.name}: got {came}, wanted a sum of at least 0")


@define(eq=False, on_setattr=setters.NO_OP)
class ContinuousBook:
    """A continuous limit order book per market, with price-time priority.

    1. An order trades at once against the best opposite price, at the resting (maker's) price, first come first served.
    2. What a GTC limit leaves unfilled rests. IOC and market orders trade what they can and the rest expires; a FOK
       order trades in full or expires in full. A market-to-limit order trades at the best opposite price only, and its
       rest stays as a limit at that price; with nothing opposite it is refused.
    3. A post-only order that would trade at once is refused.
    4. A partial fill and `Reduce` keep an order's place in the queue; `Replace` gives it a new one. A replace is one
       step: when the new order would be refused (as judged without the old one), the old one stays as it is.
    5. Orders of one account trade with each other under `self_trade="allow"`. Otherwise, when an arriving order meets
       its own account, "cancel-taker" cancels what is left of the arriving order, "cancel-maker" the resting one,
       "cancel-both" both, and "decrement" takes the smaller of the two quantities off both, unfilled.
    6. The answer to an order lists, in this order: fills in the sequence of the matches (the taker's leg, then the
       maker's), resting orders that self-trade prevention cancelled, then what of the arriving order it cancelled,
       what expired and what rests (`Accepted`). A refused `Replace` is told under the id of the new order.
    7. `Settle` ends a market: what rests in it is cancelled, bids then asks, best first, and nothing is quoted. Later
       orders are refused with `Reason.CLOSED`, and so is a second `Settle`. The price is on no grid: 0 is valid.

    The best price costs O(1), and so does an order, a cancel or a match at a price that has orders before and after.
    A price that comes or goes costs a binary search, and moving the prices nearer to the best (8 bytes each) by one.

    Args:
        markets: names of the markets traded, each with its own book.
        self_trade: "allow", "cancel-taker", "cancel-maker", "cancel-both" or "decrement".
        price_step: ticks between two valid prices.
        quantity_step: lots between two valid quantities.
        min_price: lowest valid price in ticks; None for no bound, below zero included.
        maker_fee_ppm: millionths of |price x quantity| that the maker pays (negative: is paid), rounded up.
        taker_fee_ppm: the same for the taker; the sum of the two is at least 0.
        depth: price levels a side that `state` publishes.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from marketsim.types import Side, limit_order, market_order
    >>> book = ContinuousBook(("ACME",))
    >>> ask = limit_order("ACME", Side.SELL, quantity=5, price=101)._replace(order_id=1, owner="ann")
    >>> buy = market_order("ACME", Side.BUY, quantity=2)._replace(order_id=2, owner="bob")
    >>> [type(report).__name__ for report in book.submit(ask, 0) + book.submit(buy, 1)]
    ['Accepted', 'Fill', 'Fill']
    >>> book.state("ACME").asks
    ((101, 3),)
    """

    messages: ClassVar[tuple[type, ...]] = (Order, Reduce, Replace, Settle)
    claims: ClassVar[tuple[str, ...]] = (
        "price-time", "never-crossed", "open-book", "price-shift", "size-scale", "side-mirror", "self-checking",
    )  # fmt: skip
    separate_markets: ClassVar[bool] = True

    markets: tuple[str, ...] = field(validator=checks.names)
    self_trade: str = field(
        default="allow",
        kw_only=True,
        validator=checks.one_of("allow", "cancel-taker", "cancel-maker", "cancel-both", "decrement"),
    )
    price_step: int = field(default=1, kw_only=True, validator=checks.integer(1, PRICE_MAX))
    quantity_step: int = field(default=1, kw_only=True, validator=checks.integer(1, PRICE_MAX))
    min_price: int | None = field(
        default=1, kw_only=True, validator=checks.optional(checks.integer(-PRICE_MAX, PRICE_MAX))
    )
    maker_fee_ppm: int = field(default=0, kw_only=True, validator=checks.integer(-_PPM, _PPM))
    taker_fee_ppm: int = field(default=0, kw_only=True, validator=[checks.integer(-_PPM, _PPM), _fees_cover_rebates])
    depth: int = field(default=10, kw_only=True, validator=checks.integer(1))
    _books: dict[str, Book] = field(init=False)
    # The books that trade: without those of settled markets, so that no order has to ask.
    _open: dict[str, Book] = field(init=False)
    _settled: dict[str, int] = field(init=False, factory=dict)
    # The level of each live order of all markets, by id. The order itself stands in the queue of that level.
    _live: Live = field(init=False, factory=dict)
    _matches: int = field(init=False, default=0)
    _floor: int = field(init=False)
    # The lowest price of an order that no grid can refuse.
    _plain_from: int = field(init=False)
    _free: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._books = {market: Book() for market in self.markets}
        self._open = dict(self._books)
        self._floor = -PRICE_MAX if self.min_price is None else self.min_price
        self._plain_from = self._floor if self.price_step == self.quantity_step == 1 else PRICE_MAX + 1
        self._free = self.maker_fee_ppm == self.taker_fee_ppm == 0

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take an `Order`, `Reduce`, `Replace` or `Settle`; the class says what comes back, and in which order."""
        if type(message) is not Order:
            return self._amend(message, now)
        market, side, quantity, price, kind, tif, post_only, order_id, owner, venue = message
        live = self._live
        # Most messages are plain orders with nothing to refuse. They are told apart here, more narrowly than by the
        # gateway but faster: integers below 2**30 compare in one instruction.
        if kind is _LIMIT:
            plain = tif is _GTC and type(price) is int and price >= self._plain_from and price <= 2**30 - 1
        else:
            plain = kind is _MARKET and tif is _IOC and price is None and self._plain_from <= 2**30 - 1
        book = self._open.get(market) if type(market) is str else None
        if not (
            plain
            and book is not None
            and post_only is False
            and type(quantity) is int
            and quantity > 0
            and quantity <= 2**30 - 1
            and type(order_id) is int
            and order_id > 0
            and order_id <= 2**30 - 1
            and order_id not in live
            and type(owner) is str
            and owner
            and type(side) is Side
        ):
            refusal = check_order(message, self.markets) or self._refusal(message, 0)
            if refusal is not None:
                return rejected(message, refusal[0], now=now, detail=refusal[1])
            book = self._books[market]
        buys = side is _BUY
        if buys:
            own, other = book.bids, book.asks
        else:
            own, other = book.asks, book.bids
        if kind is _LIMIT:
            limit: int = -price if buys else price  # type: ignore[operator, assignment]  # a limit order has a price
        elif kind is _MARKET:
            limit = ANY_PRICE
        else:
            limit = other.best
            message = message._replace(kind=_LIMIT, price=-side * limit)
        if other.best >= limit and (tif is not _FOK or fills_whole(other, limit, message, self.self_trade)):
            return self._trade(message, book, own, other, limit, now)
        if tif is not _GTC:
            return [_new(Expired, (order_id, owner, market, venue, now, quantity))]
        own.shown = None
        level = own.levels.get(-limit)
        if level is None:
            level = own.open(-limit, message)
        else:
            level.queue[order_id] = message
            level.quantity += quantity
        live[order_id] = level
        return [_new(Accepted, (order_id, owner, market, venue, now, quantity))]

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """Withdraw what is left of an order: `Cancelled`, or `Rejected` when it is not live or not `owner`'s."""
        level = self._live.get(order_id) if type(order_id) is int else None
        if level is None or (order := (queue := level.queue)[order_id]).owner != owner:
            refusal = withdrawal_refusal(order_id, owner, self._owner_of)
            reason, detail = refusal or (Reason.UNKNOWN_ORDER, "")
            return [Rejected(order_id, reason, owner, time=now, detail=detail)]
        market, _, quantity, _, _, _, _, _, _, venue = order
        del self._live[order_id]
        level.ladder.shown = None
        if level.taken:
            quantity = level.remove(order_id)
        else:
            # What `remove` does, without the call: few levels have a first order that traded in part.
            del queue[order_id]
            if queue:
                level.quantity -= quantity
                level.holes += 1
            else:
                level.ladder.close(level.key)
        return [_new(Cancelled, (order_id, owner, market, venue, now, quantity, 0))]

    def state(self, market: str, /) -> VenueState:
        """Best prices, `depth` levels a side and the last trade price, all in ticks and lots."""
        return self._book(market).publish(self.depth)

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots available, tick-lots before fees) of a market order against the whole book, not `depth` levels.

        Raises:
            ConfigError: an unknown market, or a side or quantity out of bounds.
        """
        book = self._book(market)
        if type(side) is not Side:
            raise ConfigError(f"ContinuousBook.estimate_impact: side: got {side!r}, wanted Side.BUY or Side.SELL")
        if refusal := check_quantity(quantity):
            raise ConfigError(f"ContinuousBook.estimate_impact: {refusal[1]}")
        return walk((book.asks if side is _BUY else book.bids).priced(), quantity)  # type: ignore[arg-type]  # it only iterates

    def orders(self, market: str, /) -> list[Order]:
        """Live orders, bids then asks, each side in the order in which it would trade; `quantity` is what is left."""
        book = self._book(market)
        return [*book.bids.orders(), *book.asks.orders()]

    def clock(self, now: int, /) -> list[Report]:  # noqa: ARG002 the seam has it
        """Nothing: a book acts only when a message comes."""
        return []

    def next_clock(self, now: int, /) -> int | None:  # noqa: ARG002 the seam has it
        """None: a book needs no clock."""
        return None

    def _book(self, market: str) -> Book:
        # Not by the tuple of names: that would look through a thousand markets for one.
        book = self._books.get(market) if type(market) is str else None
        if book is None:
            raise ConfigError(f"ContinuousBook: market: got {market!r}, wanted one of {', '.join(self.markets)}")
        return book

    def _refusal(self, order: Order, replaced: int) -> Refusal | None:
        market, side, quantity, price, kind, _, post_only, order_id, _, _ = order
        if refusal := closed(market, self._settled):
            return refusal
        if quantity % self.quantity_step:
            return Reason.OFF_GRID, f"quantity: got {quantity}, wanted a multiple of {self.quantity_step}"
        if price is not None:
            if price % self.price_step:
                return Reason.OFF_GRID, f"price: got {price}, wanted a multiple of {self.price_step}"
            if price < self._floor:
                return Reason.PRICE, f"price: got {price}, wanted at least {self._floor}"
        if order_id in self._live:
            return Reason.DUPLICATE_ORDER, f"order_id: got {order_id}, which is live"
        if post_only or kind is _MARKET_TO_LIMIT:
            book = self._books[market]
            best = (book.asks if side is _BUY else book.bids).best_without(replaced)
            if kind is _MARKET_TO_LIMIT and best == EMPTY:
                return Reason.NO_LIQUIDITY, "a market-to-limit order needs an opposite price"
            if price is not None and best >= -side * price:
                return Reason.POST_ONLY, f"price: got {price}, which the best opposite price meets"
        return None

    def _trade(self, order: Order, book: Book, own: Ladder, other: Ladder, limit: int, now: int) -> list[Report]:
        market, side, quantity, _, _, tif, _, order_id, owner, venue = order
        best, mid_before = other.best, book.mid()
        other.shown = None
        prevented = None
        if self.self_trade == "allow":
            hits, left = match(self._live, other, limit, quantity)
        else:
            hits, left, prevented = match_guarded(self._live, other, limit, order, self.self_trade)
        rests = left if tif is _GTC else 0
        if rests:
            # Nothing else rests at this price: it would have traded with what this order just took.
            self._live[order_id] = own.open(-limit, order, quantity - rests)
            own.shown = None
        mid_after = book.mid() if rests or other.best != best else mid_before
        opposite = _SELL if side is _BUY else _BUY
        match_id, price, free = self._matches, book.last_price, self._free
        taker_fee = maker_fee = 0
        reports: list[Report] = []
        for maker_id, maker, lots, price in hits:
            match_id += 1
            taken = made = price * lots
            if not free:
                taker_fee, maker_fee = _fee(taken, self.taker_fee_ppm), _fee(made, self.maker_fee_ppm)
                taken, made = taken + side * taker_fee, made - side * maker_fee
            reports.append(_new(Fill, (
                match_id, order_id, owner, market, venue, now, side, lots, price,
                taken, taker_fee, _TAKER, mid_before, mid_after,
            )))  # fmt: skip
            reports.append(_new(Fill, (
                match_id, maker_id, maker, market, venue, now, opposite, lots, price,
                made, maker_fee, _MAKER, mid_before, mid_after,
            )))  # fmt: skip
        self._matches, book.last_price = match_id, price
        if prevented is not None:
            reports += _withdrawals(order, rests, prevented, now)
        if left:
            kept: type[Accepted | Expired] = Accepted if rests else Expired
            reports.append(_new(kept, (order_id, owner, market, venue, now, left)))
        return reports

    def _owner_of(self, order_id: int) -> str | None:
        level = self._live.get(order_id)
        return None if level is None else level.queue[order_id].owner

    def _amend(self, message: Any, now: int) -> list[Report]:
        if type(message) is Reduce:
            return self._reduce(message, now)
        if type(message) is Replace:
            return self._replace(message, now)
        if type(message) is Settle:
            return self._settle(message, now)
        return rejected(message, Reason.UNSUPPORTED, now=now, detail=f"message: got {type(message).__name__}")

    def _reduce(self, message: Reduce, now: int) -> list[Report]:
        if refusal := reduction_refusal(message, self._owner_of, step=self.quantity_step):
            return rejected(message, refusal[0], now=now, detail=refusal[1])
        order_id, quantity, owner, _ = message
        level = self._live[order_id]
        order, resting = level.queue[order_id], level.left(order_id)
        if quantity >= resting:
            return self.cancel(order_id, owner, now)
        level.ladder.shown = None
        level.shrink(order_id, quantity)
        return [_withdrawn(order, quantity, resting - quantity, now)]

    def _replace(self, message: Replace, now: int) -> list[Report]:
        order_id, order, owner, _ = message
        if type(order) is not Order:
            detail = f"order: got {type(order).__name__}, wanted Order"
            return rejected(message, Reason.UNSUPPORTED, now=now, detail=detail)
        refusal = replacement_refusal(message, self._owner_of)
        refusal = refusal or check_order(order, self.markets) or self._refusal(order, order_id)
        if refusal is not None:
            # Under the id of the new order: that one is dead, the old one lives on.
            return rejected(order, refusal[0], now=now, detail=refusal[1])
        mid = self._books[order.market].mid()
        reports = self.cancel(order_id, owner, now) + self.submit(order, now)
        # The cancel is part of the event: the mid before it is the mid before the whole.
        return [report._replace(mid_before=mid) if type(report) is Fill else report for report in reports]

    def _settle(self, message: Settle, now: int) -> list[Report]:
        if refusal := settle_refusal(message, self.markets, self._settled):
            return rejected(message, refusal[0], now=now, detail=refusal[1])
        market = message.market
        lapsed = self.orders(market)
        for order in lapsed:
            del self._live[order.order_id]
        self._settled[market] = message.price
        self._books[market] = Book(last_price=self._open.pop(market).last_price)
        return [_withdrawn(order, order.quantity, 0, now) for order in lapsed]
