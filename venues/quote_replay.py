"""A venue that replays recorded quotes: agents take what is displayed, and wait in queues that a model makes up."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

from attrs import define, field, setters

from marketsim import checks
from marketsim.errors import ConfigError, shown
from marketsim.gateway import PRICE_MAX, QUANTITY_MAX, Refusal, check_order, check_quantity
from marketsim.types import (
    Accepted,
    Cancelled,
    Expired,
    Feed,
    Fill,
    Levels,
    Liquidity,
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
    record,
    rejected,
    trade,
    walk,
)
from venues._amendments import reduction_refusal, replacement_refusal, withdrawal_refusal
from venues._quote_book import QUEUES, QueueModel, QuoteSide, Resting
from venues.replay import tape_account

__all__ = ["QUEUES", "QueueModel", "Quote", "QuoteReplayVenue"]

_REMOVALS = ("cancelled", "traded")


@record
class Quote(NamedTuple):
    """The recorded book from now on, told to a replay venue: levels best first, (price in ticks, lots).

    A side that is None was not recorded, and stays as it is; an empty one has no orders.

    >>> venue = QuoteReplayVenue(("ACME",))
    >>> venue.submit(Quote("ACME", bids=((99, 5),), asks=((101, 8), (102, 9))), 0)
    []
    >>> venue.submit(Quote("ACME", bids=None, asks=((102, 9),)), 1)
    []
    >>> venue.state("ACME").bids, venue.state("ACME").asks
    (((99, 5),), ((102, 9),))
    """

    market: str
    bids: Levels | None
    asks: Levels | None
    venue: str = ""


def _queue(instance: Any, attribute: Any, value: Any) -> None:
    if type(value) is str and value not in QUEUES:
        wanted = f"one of {', '.join(map(repr, QUEUES))}, or a queue model"
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {value!r}, wanted {wanted}")


@define(eq=False)
class _Market:
    bids: QuoteSide = field(factory=lambda: QuoteSide(1))
    asks: QuoteSide = field(factory=lambda: QuoteSide(-1))
    last_price: int | None = None
    public: VenueState | None = None

    def sides(self, side: Side) -> tuple[QuoteSide, QuoteSide]:
        """(own side, other side) of an order."""
        return (self.bids, self.asks) if side is Side.BUY else (self.asks, self.bids)

    def hit_by(self, price: int) -> QuoteSide | None:
        """The side that a recorded trade at `price` took from, by the quote rule; None at the midpoint."""
        bid, ask = self.bids.best, self.asks.best
        if bid is None or ask is None:
            # With one side only, what does not reach it took from the other.
            if bid is not None:
                return self.bids if price <= bid else self.asks
            return None if ask is None else self.asks if price >= ask else self.bids
        twice, middle = 2 * price, bid + ask
        return None if twice == middle else self.bids if twice < middle else self.asks

    def publish(self) -> VenueState:
        """What can still be taken, made anew only after a change."""
        if self.public is None:
            bids, asks = self.bids.levels(), self.asks.levels()
            best_bid, best_ask = bids[0][0] if bids else None, asks[0][0] if asks else None
            self.public = VenueState(best_bid, best_ask, bids, asks, self.last_price)
        return self.public


@define(eq=False, on_setattr=setters.NO_OP)
class QuoteReplayVenue:
    """Recorded quotes of one publisher, to trade against. Agents meet the tape only, never one another.

    1. `Quote` tells what the tape displays from now on, `Feed` a recorded trade. Neither is moved by what agents do.
    2. An order trades at once with what is displayed at prices it accepts, best first, at the displayed prices. What
       it takes is gone from that level until the tape shows another size there, or leaves the price.
    3. What a GTC limit leaves unfilled rests, unseen by others. IOC and market orders expire with what they leave, FOK
       orders fill in full or expire in full. A post-only order that would trade at once is refused.
    4. Recorded lots stand ahead of a resting order as its queue model says. A recorded trade at its price fills it
       with the lots that reach beyond those; a trade at a worse price does so with nothing ahead of it. All orders
       together get no more than was traded. Which side a trade took from is told by the quotes that stand.
    5. When the tape displays the other side at its limit or better, a resting order trades with that, at its limit.
    6. Lots that leave the tape with no recorded trade were cancelled; with `removals="traded"`, for a tape without
       trades, those that leave its best price were traded.
    7. `Reduce` keeps an order's place; `Replace` is a cancel and a new order in one step, or refused whole.
    8. The other side of every fill is the account `tape:<venue>`.

    Args:
        markets: names.
        queue: what is ahead of a resting order: "displayed", "proportional", "none", or an own queue model, which has
            `joins(shown)` and `cancelled(ahead, lots, shown)`.
        removals: "cancelled" or "traded".
        opening: quotes before the first of the tape: by market, (bids, asks), levels of (ticks, lots), best first.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> venue = QuoteReplayVenue(("ACME",), opening={"ACME": (((99, 5),), ((101, 8),))})
    >>> bid = limit_order("ACME", Side.BUY, quantity=4, price=99)._replace(order_id=1, owner="ann", venue="tape")
    >>> [type(report).__name__ for report in venue.submit(bid, 0)], venue.ahead(1)  # lots before it in the queue
    (['Accepted'], 5)
    >>> [(leg.owner, leg.quantity, leg.price) for leg in venue.submit(Feed("ACME", price=99, quantity=7), 1)]
    [('ann', 2, 99), ('tape:tape', 2, 99)]
    """

    messages: ClassVar[tuple[type, ...]] = (Order, Reduce, Replace, Feed, Quote)
    claims: ClassVar[tuple[str, ...]] = ("never-crossed", "self-checking")

    markets: tuple[str, ...] = field(validator=checks.names)
    queue: str | QueueModel = field(default="displayed", kw_only=True, validator=_queue)
    removals: str = field(default="cancelled", kw_only=True, validator=checks.one_of(*_REMOVALS))
    opening: Mapping[str, tuple[Levels, Levels]] = field(factory=dict, kw_only=True)
    _books: dict[str, _Market] = field(init=False)
    _live: dict[int, Resting] = field(init=False, factory=dict)
    _model: QueueModel = field(init=False)
    _matches: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self._books = {market: _Market() for market in self.markets}
        self._model = QUEUES[self.queue] if isinstance(self.queue, str) else self.queue
        for market, (bids, asks) in self.opening.items():
            if refusal := self._bad_quote(quote := Quote(market, bids, asks)):
                raise ConfigError(f"QuoteReplayVenue.opening: {refusal[1]}")
            self._show(quote, 0)

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take an `Order`, `Reduce`, `Replace`, `Quote` or `Feed`; the class says what comes back."""
        kind = type(message)
        if kind is Quote or kind is Feed:
            refusal = self._bad_quote(message) if kind is Quote else _bad_feed(message, self.markets)
            if refusal is not None:
                return rejected(message, refusal[0], now=now, detail=refusal[1])
            return self._show(message, now) if kind is Quote else self._print(message, now)
        if kind is Reduce:
            return self._reduce(message, now)
        if kind is Replace:
            return self._replace(message, now)
        if kind is not Order:
            return rejected(message, Reason.UNSUPPORTED, now=now, detail=f"message: got {kind.__name__}")
        if refusal := check_order(message, self.markets) or self._refusal(message):
            return rejected(message, refusal[0], now=now, detail=refusal[1])
        return self._enter(message, now)

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """Withdraw what is left of an order: `Cancelled`, or `Rejected` when it is not live or not `owner`'s."""
        if refusal := withdrawal_refusal(order_id, owner, self._owner_of):
            return [Rejected(order_id, refusal[0], owner, time=now, detail=refusal[1])]
        resting = self._live[order_id]
        self._end(resting)
        return [_withdrawn(resting, resting.left, 0, now)]

    def state(self, market: str, /) -> VenueState:
        """What is displayed and was not taken, and the last recorded price; agents' own orders are not shown."""
        return self._book(market).publish()

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots available, tick-lots for them) of a market order against what is displayed and was not taken.

        Raises:
            ConfigError: an unknown market, or a side or quantity out of bounds.
        """
        state = self._book(market).publish()
        if type(side) is not Side:
            raise ConfigError(f"QuoteReplayVenue.estimate_impact: side: got {side!r}, wanted Side.BUY or Side.SELL")
        if refusal := check_quantity(quantity):
            raise ConfigError(f"QuoteReplayVenue.estimate_impact: {refusal[1]}")
        return walk(state.asks if side is Side.BUY else state.bids, quantity)

    def ahead(self, order_id: int, /) -> int | None:
        """Recorded lots ahead of a live order; None where the tape has not shown its price yet, or it is not live."""
        resting = self._live.get(order_id)
        return None if resting is None else resting.ahead

    def clock(self, _now: int, /) -> list[Report]:
        return []

    def next_clock(self, _now: int, /) -> int | None:
        return None

    def _book(self, market: str) -> _Market:
        if market not in self.markets:
            raise ConfigError(f"QuoteReplayVenue: market: got {market!r}, wanted one of {', '.join(self.markets)}")
        return self._books[market]

    # The tape

    def _show(self, quote: Quote, now: int) -> list[Report]:
        book = self._books[quote.market]
        before = book.publish().mid
        reports: list[Report] = []
        for side, levels in ((book.bids, quote.bids), (book.asks, quote.asks)):
            if levels is None:
                continue
            if self.removals == "traded" and (left := side.outflow(levels)):
                reports += self._filled(side.trade(*left), now)
            side.move(levels, self._model)
        for side, other in ((book.bids, book.asks), (book.asks, book.bids)):
            for resting in list(side.resting):
                lots = sum(lots for _, lots in other.take(resting.left, resting.price))
                reports += self._filled([(resting, lots)] if lots else [], now)
        return self._told(reports, book, before)

    def _print(self, feed: Feed, now: int) -> list[Report]:
        book = self._books[feed.market]
        before, side = book.publish().mid, book.hit_by(feed.price)
        book.last_price = feed.price
        reports = [] if side is None else self._filled(side.trade(feed.price, feed.quantity), now)
        return self._told(reports, book, before)

    def _filled(self, fills: list[tuple[Resting, int]], now: int) -> list[Report]:
        reports: list[Report] = []
        for resting, lots in fills:
            reports += self._legs(resting.order, resting.price, lots, now, rested=True)
            resting.left -= lots
            if not resting.left:
                self._end(resting)
        return reports

    def _bad_quote(self, quote: Quote) -> Refusal | None:
        if type(quote.market) is not str or quote.market not in self.markets:
            return Reason.MARKET, f"market: got {shown(quote.market)}, wanted one of {', '.join(self.markets)}"
        for sign, name, levels in ((1, "bids", quote.bids), (-1, "asks", quote.asks)):
            if levels is None:
                continue
            if type(levels) is not tuple or not all(_sound(level) for level in levels):
                return Reason.QUANTITY, f"{name}: got {shown(levels)}, wanted None or a tuple of (price, lots above 0)"
            if any(sign * (one[0] - two[0]) <= 0 for one, two in pairwise(levels)):
                return Reason.PRICE, f"{name}: got {shown(levels)}, wanted the best price first"
        book = self._books[quote.market]
        bid = book.bids.best if quote.bids is None else next(iter(quote.bids), (None,))[0]
        ask = book.asks.best if quote.asks is None else next(iter(quote.asks), (None,))[0]
        if bid is not None and ask is not None and bid >= ask:
            return Reason.PRICE, f"got a bid of {bid} and an ask of {ask}, wanted bid < ask"
        return None

    # Orders

    def _enter(self, order: Order, now: int) -> list[Report]:
        book = self._books[order.market]
        own, other = book.sides(order.side)
        before = book.publish().mid
        reports: list[Report] = []
        left = order.quantity
        if order.tif is not TimeInForce.FOK or left <= sum(lots for _, lots in other.reach(order.price)):
            for price, lots in other.take(left, order.price):
                reports += self._legs(order, price, lots, now, rested=False)
                left -= lots
        who = (order.order_id, order.owner, order.market, order.venue, now)
        if left and order.tif is TimeInForce.GTC and order.price is not None:
            self._live[order.order_id] = own.rest(order, order.price, left, self._model)
            reports.append(Accepted(*who, left))
        elif left:
            reports.append(Expired(*who, left))
        return self._told(reports, book, before)

    def _refusal(self, order: Order) -> Refusal | None:
        if order.kind is OrderKind.MARKET_TO_LIMIT:
            return Reason.UNSUPPORTED, "kind: got MARKET_TO_LIMIT, wanted LIMIT or MARKET"
        if order.order_id in self._live:
            return Reason.DUPLICATE_ORDER, f"order_id: got {order.order_id}, which is live"
        if order.post_only and self._books[order.market].sides(order.side)[1].reach(order.price):
            return Reason.POST_ONLY, f"price: got {order.price}, which the best opposite price meets"
        return None

    def _owner_of(self, order_id: int) -> str | None:
        resting = self._live.get(order_id)
        return None if resting is None else resting.order.owner

    def _reduce(self, message: Reduce, now: int) -> list[Report]:
        if refusal := reduction_refusal(message, self._owner_of, step=1):
            return rejected(message, refusal[0], now=now, detail=refusal[1])
        resting = self._live[message.order_id]
        if message.quantity >= resting.left:
            return self.cancel(message.order_id, message.owner, now)
        resting.left -= message.quantity
        return [_withdrawn(resting, message.quantity, resting.left, now)]

    def _replace(self, message: Replace, now: int) -> list[Report]:
        order = message.order
        if type(order) is not Order:
            detail = f"order: got {type(order).__name__}, wanted Order"
            return rejected(message, Reason.UNSUPPORTED, now=now, detail=detail)
        refusal = replacement_refusal(message, self._owner_of)
        refusal = refusal or check_order(order, self.markets) or self._refusal(order)
        if refusal is not None:
            return rejected(order, refusal[0], now=now, detail=refusal[1])
        return self.cancel(message.order_id, message.owner, now) + self._enter(order, now)

    def _end(self, resting: Resting) -> None:
        order = resting.order
        self._books[order.market].sides(order.side)[0].remove(resting)
        del self._live[order.order_id]

    # Reports

    def _legs(self, order: Order, price: int, lots: int, now: int, *, rested: bool) -> list[Report]:
        self._matches += 1
        account = tape_account(order.venue)
        legs = trade(order, against=account, price=price, quantity=lots, now=now, match_id=self._matches)
        if not rested:
            return legs
        roles = (Liquidity.MAKER, Liquidity.TAKER)
        return [leg._replace(liquidity=role) for leg, role in zip(legs, roles, strict=True)]  # type: ignore[call-arg]

    def _told(self, reports: list[Report], book: _Market, before: float | None) -> list[Report]:
        book.public = None
        after = book.publish().mid
        return [
            report._replace(mid_before=before, mid_after=after) if type(report) is Fill else report
            for report in reports
        ]


def _withdrawn(resting: Resting, lots: int, remaining: int, now: int) -> Report:
    order = resting.order
    return Cancelled(order.order_id, order.owner, order.market, order.venue, now, lots, remaining)


def _bad_feed(feed: Feed, markets: tuple[str, ...]) -> Refusal | None:
    if type(feed.market) is not str or feed.market not in markets:
        return Reason.MARKET, f"market: got {shown(feed.market)}, wanted one of {', '.join(markets)}"
    if refusal := check_quantity(feed.quantity):
        return refusal
    if type(feed.price) is not int or abs(feed.price) > PRICE_MAX:
        return Reason.PRICE, f"price: got {shown(feed.price)}, wanted an int of at most 2**53 either way"
    return None


def _sound(level: Any) -> bool:
    return (
        type(level) is tuple
        and len(level) == 2
        and all(type(value) is int for value in level)
        and abs(level[0]) <= PRICE_MAX
        and 0 < level[1] <= QUANTITY_MAX
    )
