"""The frequent batch auction: orders wait for the next clear, and everyone who trades in it trades at one price."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import chain
from typing import Any, ClassVar

from attrs import define, field, setters

from marketsim import checks
from marketsim.errors import ConfigError, PastError
from marketsim.gateway import PRICE_MAX, QUANTITY_MAX, Refusal, check_order, check_quantity
from marketsim.types import (
    Accepted,
    Cancelled,
    Expired,
    Order,
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
)
from venues._amendments import reduction_refusal, replacement_refusal, withdrawal_refusal
from venues._call_market import PPM, CallMarket, Dealt, Ladder, Waiting, legs_of
from venues._settlement import closed, settle_refusal
from venues.clearing import ALLOCATIONS, PRICE_RULES, HypotheticalClear, clear

_PRICE = checks.integer(-PRICE_MAX, PRICE_MAX)


def _share(instance: Any, attribute: Any, value: Any) -> None:
    if type(value) is not Fraction or not 0 <= value <= 1:
        checks.number(0, 1)(instance, attribute, value)


def _references(instance: Any, attribute: Any, value: Any) -> None:
    low = -PRICE_MAX if instance.min_price is None else instance.min_price
    if not isinstance(value, Mapping) or not all(
        name in instance.markets
        and (price is None or (type(price) is int and low <= price <= PRICE_MAX and price % instance.price_step == 0))
        for name, price in value.items()
    ):
        wanted = "a mapping from markets to prices on the grid or None"
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {value!r}, wanted {wanted}")


def _claims(auction: BatchAuction) -> tuple[str, ...]:
    # The rules of `marketsim.testing.CLAIMS` that hold under these options.
    sound = auction.allocation != "pro_rata_all"
    holds = {
        "self-checking": True,
        "uniform-price": True,
        "market-clearing": sound and auction.price_rule != "volume_midpoint",
        "pro-rata": sound and auction.allocation != "time",
        "open-book": auction.published == "open",
        "price-shift": not auction.reference,
        "size-scale": sound,
        "side-mirror": sound and auction.price_rule == "midpoint" and not auction.reference,
    }
    return tuple(name for name, held in holds.items() if held)


@define(eq=False, on_setattr=setters.NO_OP)
class BatchAuction:
    """A uniform-price call auction per market, every `pi` steps.

    1. An order of the steps from k pi to (k + 1) pi - 1 is of batch k and joins the clear at (k + 1) pi, which runs
       before the messages of its own step: a uniformly arriving order waits (pi + 1) / 2 on average. Nothing trades
       between clears. Limits and market-to-limit orders rest until filled or cancelled; market and IOC orders live for
       one clear, then expire.
    2. The volume is the largest that any price can execute: min(demand, supply).
    3. The price is market-clearing: no limit order strictly better than it stays unfilled. What maximum volume, minimum
       imbalance and the pressure side leave open is an interval.
    4. `price_rule` chooses from it: "midpoint", "reference" or "k". Where market orders leave one end open, midpoint
       and k take the finite end, and the reference is moved into the interval. Market orders alone trade at the
       reference, or not at all without one. The reference is the price of the last clear, before it `reference`.
       The first clear with a price makes what it leaves of a market-to-limit order a limit at that price.
    5. Everyone trades at that price. Orders strictly better than it fill completely, orders at it are rationed.
    6. `allocation` rations: "batch-pro-rata" (earlier batches first, then pro rata), "pro-rata", or "time".
    7. `self_trade="refuse-newest"` refuses an order that some price would match with one of its own account, so that
       no account is ever on both sides of a clear; "allow" lets it.
    8. Between clears the public sees the last clear and the limit book: as it stands (`published="open"`, perhaps
       crossed), or as it was when the current batch began ("sealed"). Market orders are never shown.
    9. `Settle` ends a market after the clear of its step: every waiting order is cancelled, later ones are refused.

    `Reduce` keeps an order's batch, and one of all that is left withdraws it; `Replace` puts a new order into the
    current batch, in one step. FOK is refused: with orders that fill in full or not at all there need be no
    market-clearing price, and the largest volume is a knapsack problem. Post-only orders are taken as the limits they
    are: nobody takes from anybody at a clear. Price rule "volume_midpoint" and allocation "pro_rata_all" break rules 3
    and 5 (see `venues.clearing`); they are here to reproduce published results.

    Every filled order gets one leg a clear, and all legs of a market's clear share one match_id. The mids of a leg are
    those of the waiting limit orders, of sealed ones too. A message costs O(log levels), a clear O(n log n).

    Args:
        markets: names of the markets; each clears by itself.
        pi: steps between two clears.
        price_rule: one of `PRICE_RULES`.
        k: for rule "k", the share of the way from the low end of the interval to the high one. A float is read as the
            decimal that it prints as, so that 0.3 is exactly three tenths.
        allocation: one of `ALLOCATIONS`.
        published: "open" or "sealed".
        self_trade: "allow" or "refuse-newest".
        price_step: ticks between two valid prices. A clear between two of them goes to the one nearer the reference,
            else to the lower.
        quantity_step: lots between two valid quantities.
        min_price: lowest valid price in ticks; None for no bound, below zero included.
        reference: by market, the price (ticks) that stands in for the last clear before the first one.
        fee_ppm: millionths of |price x quantity| that each side pays, rounded up.
        depth: price levels a side that the public sees.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.
        PastError: a message or a clock came after a clear that was due and was not called.

    References:
        Budish, Cramton and Shim, "The High-Frequency Trading Arms Race", QJE 130(4), 2015.

    >>> from marketsim.types import limit_order
    >>> venue = BatchAuction(("ACME",), 10)
    >>> ask = limit_order("ACME", Side.SELL, quantity=5, price=100)._replace(order_id=1, owner="ann")
    >>> bid = limit_order("ACME", Side.BUY, quantity=5, price=104)._replace(order_id=2, owner="bob")
    >>> [type(report).__name__ for report in venue.submit(ask, 3) + venue.submit(bid, 7)]
    ['Accepted', 'Accepted']
    >>> venue.next_clock(7)
    10
    >>> [(leg.owner, leg.price, leg.quantity) for leg in venue.clock(10)]
    [('bob', 102, 5), ('ann', 102, 5)]
    """

    messages: ClassVar[tuple[type, ...]] = (Order, Reduce, Replace, Settle)
    separate_markets: ClassVar[bool] = True

    markets: tuple[str, ...] = field(validator=checks.names)
    pi: int = field(validator=checks.integer(1, 2**53))
    price_rule: str = field(default="midpoint", kw_only=True, validator=checks.one_of(*PRICE_RULES))
    k: float | Fraction = field(default=0.5, kw_only=True, validator=_share)
    allocation: str = field(default="batch-pro-rata", kw_only=True, validator=checks.one_of(*ALLOCATIONS))
    published: str = field(default="open", kw_only=True, validator=checks.one_of("open", "sealed"))
    self_trade: str = field(default="allow", kw_only=True, validator=checks.one_of("allow", "refuse-newest"))
    price_step: int = field(default=1, kw_only=True, validator=checks.integer(1, PRICE_MAX))
    quantity_step: int = field(default=1, kw_only=True, validator=checks.integer(1, QUANTITY_MAX))
    min_price: int | None = field(default=1, kw_only=True, validator=checks.optional(_PRICE))
    reference: Mapping[str, int | None] = field(factory=dict, kw_only=True, validator=_references)
    fee_ppm: int = field(default=0, kw_only=True, validator=checks.integer(0, PPM))
    depth: int = field(default=10, kw_only=True, validator=checks.integer(1, QUANTITY_MAX))
    claims: tuple[str, ...] = field(init=False)
    _k: Fraction = field(init=False)
    _books: dict[str, CallMarket] = field(init=False)
    # Live orders of all markets by id.
    _live: dict[int, Waiting] = field(init=False, factory=dict)
    _settled: dict[str, int] = field(init=False, factory=dict)
    _due: int | None = field(init=False, default=None)
    _markets_due: int = field(init=False, default=0)
    _arrivals: int = field(init=False, default=0)
    _matches: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self._k = Fraction(str(self.k))
        self.claims = _claims(self)
        self._books = {market: CallMarket(self.reference.get(market)) for market in self.markets}
        for market in self.markets:
            self.state(market)  # what a sealed auction shows until its first clear

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take a declared message. Nothing fills now: what is accepted waits for the next clear."""
        self._not_late(now)
        if type(message) is Order:
            if refusal := self._refusal(message):
                return rejected(message, refusal[0], now=now, detail=refusal[1])
            return [self._enter(message, now)]
        if type(message) is Reduce:
            return self._reduce(message, now)
        if type(message) is Replace:
            return self._replace(message, now)
        if type(message) is Settle:
            return self._settle(message, now)
        return rejected(message, Reason.UNSUPPORTED, now=now, detail=f"message: got {type(message).__name__}")

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """Withdraw what is left of an order: `Cancelled`, or `Rejected` when it is not live or not `owner`'s."""
        self._not_late(now)
        if refusal := withdrawal_refusal(order_id, owner, self._owner_of):
            return [Rejected(order_id, refusal[0], owner, time=now, detail=refusal[1])]
        waiting = self._live[order_id]
        return [self._withdraw(waiting, waiting.left, now)]

    def state(self, market: str, /) -> VenueState:
        """Best limits, `depth` levels a side, the last clear's price (ticks, lots), and a pure estimate of impact."""
        book = self._book(market)
        if book.public is None:
            bids, asks = book.bids.published(self.depth), book.asks.published(self.depth)
            rules = self.price_rule, self._k, self.allocation, self.price_step, self.quantity_step
            impact = HypotheticalClear(bids, asks, book.reference, *rules)
            best_bid, best_ask = bids[0][0] if bids else None, asks[0][0] if asks else None
            book.public = VenueState(best_bid, best_ask, bids, asks, book.last_price, impact)
        return book.public

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots, tick-lots before fees) of a market order at a clear of it with the published levels, and nothing else.

        Raises:
            ConfigError: an unknown market, or a side or quantity out of bounds.
        """
        public = self.state(market)
        if type(side) is not Side:
            raise ConfigError(f"BatchAuction.estimate_impact: side: got {side!r}, wanted Side.BUY or Side.SELL")
        if refusal := check_quantity(quantity):
            raise ConfigError(f"BatchAuction.estimate_impact: {refusal[1]}")
        return public.estimate(side, quantity)

    def orders(self, market: str, /) -> list[Order]:
        """Waiting orders, bids then asks, each side best first; `quantity` is what is left."""
        book = self._book(market)
        waiting = chain(book.bids.reaching(None), book.asks.reaching(None))
        return [each.order._replace(quantity=each.left) for each in waiting]

    def clock(self, now: int, /) -> list[Report]:
        """Clear every market in which something is due at `now`; at any other time nothing happens."""
        if now != self._due:
            self._not_late(now)
            return []
        reports: list[Report] = []
        for market, book in self._books.items():
            if book.due:
                reports += self._clear(market, book, now)
        return reports

    def next_clock(self, now: int, /) -> int | None:
        """The next multiple of `pi` while a clear would change something, else None."""
        self._not_late(now)
        return self._due

    def _not_late(self, now: int) -> None:
        if self._due is not None and now >= self._due:
            raise PastError(f"BatchAuction: the clock was to be called at {self._due}, before anything else at {now}")

    def _book(self, market: str) -> CallMarket:
        book = self._books.get(market) if type(market) is str else None
        if book is None:
            raise ConfigError(f"BatchAuction: market: got {market!r}, wanted one of {', '.join(self.markets)}")
        return book

    def _refusal(self, order: Order, *, replaced: Waiting | None = None) -> Refusal | None:
        if refusal := check_order(order, self.markets) or closed(order.market, self._settled):
            return refusal
        price = order.price
        if order.tif is TimeInForce.FOK:
            return Reason.KIND, "tif: got FOK, wanted GTC or IOC: a clear fills orders at the margin in part"
        if order.quantity % self.quantity_step or (price is not None and price % self.price_step):
            came = f"quantity {order.quantity}, price {price}"
            return Reason.OFF_GRID, f"got {came}, wanted multiples of {self.quantity_step} and {self.price_step}"
        if price is not None and self.min_price is not None and price < self.min_price:
            return Reason.PRICE, f"price: got {price}, wanted at least {self.min_price}"
        if order.order_id in self._live:
            return Reason.DUPLICATE_ORDER, f"order_id: got {order.order_id}, which is live"
        if self.self_trade != "allow":
            for waiting in self._books[order.market].ladder(order.side.opposite).reaching(price):
                if waiting.order.owner == order.owner and waiting is not replaced:
                    return Reason.SELF_TRADE, f"could meet order {waiting.order.order_id} of the same owner"
        return None

    def _owner_of(self, order_id: int) -> str | None:
        waiting = self._live.get(order_id)
        return None if waiting is None else waiting.order.owner

    def _reduce(self, message: Reduce, now: int) -> list[Report]:
        if refusal := reduction_refusal(message, self._owner_of, step=self.quantity_step):
            return rejected(message, refusal[0], now=now, detail=refusal[1])
        waiting = self._live[message.order_id]
        return [self._withdraw(waiting, min(message.quantity, waiting.left), now)]

    def _replace(self, message: Replace, now: int) -> list[Report]:
        order_id, order, _, _ = message
        if type(order) is not Order:
            return rejected(message, Reason.UNSUPPORTED, now=now, detail=f"order: got {type(order).__name__}")
        refusal = replacement_refusal(message, self._owner_of)
        if refusal is None:
            refusal = self._refusal(order, replaced=self._live[order_id])
        if refusal is not None:
            # In the name of the new order: it is the one that never comes to life.
            return rejected(order, refusal[0], now=now, detail=refusal[1])
        waiting = self._live[order_id]
        return [self._withdraw(waiting, waiting.left, now), self._enter(order, now)]

    def _settle(self, message: Settle, now: int) -> list[Report]:
        if refusal := settle_refusal(message, self.markets, self._settled):
            return rejected(message, refusal[0], now=now, detail=refusal[1])
        self._settled[message.market] = message.price
        book = self._books[message.market]
        waiting = [*book.bids.reaching(None), *book.asks.reaching(None)]
        reports = [self._withdraw(each, each.left, now) for each in waiting]
        # A sealed auction would clear once more, to publish that nothing waits.
        book.unpublished, book.public = False, None
        self._plan(book, due=False, now=now)
        return reports

    def _enter(self, order: Order, now: int) -> Report:
        book = self._books[order.market]
        self._arrivals += 1
        waiting = Waiting(order, order.price, order.quantity, now // self.pi, self._arrivals)
        book.ladder(order.side).add(waiting)
        self._live[order.order_id] = waiting
        if order.tif is TimeInForce.IOC:
            book.lapsing[order.order_id] = waiting
        self._changed(book, now)
        return Accepted(order.order_id, order.owner, order.market, order.venue, now, order.quantity)

    def _withdraw(self, waiting: Waiting, quantity: int, now: int) -> Report:
        order = waiting.order
        book = self._books[order.market]
        book.ladder(order.side).take(waiting, quantity)
        if waiting.left == 0:
            del self._live[order.order_id]
            book.lapsing.pop(order.order_id, None)
        self._changed(book, now)
        return Cancelled(order.order_id, order.owner, order.market, order.venue, now, quantity, waiting.left)

    def _changed(self, book: CallMarket, now: int) -> None:
        if self.published == "open":
            book.public = None
        else:
            book.unpublished = True
        self._plan(book, due=bool(book.lapsing) or book.unpublished or book.trades(), now=now)

    def _plan(self, book: CallMarket, *, due: bool, now: int) -> None:
        # The count saves asking every market, at every message, whether it is due.
        self._markets_due += due - book.due
        book.due = due
        self._due = (now // self.pi + 1) * self.pi if self._markets_due else None

    def _clear(self, market: str, book: CallMarket, now: int) -> list[Report]:
        mid_before = book.mid()
        entries = book.bids.entries(), book.asks.entries()
        outcome = clear(*entries, rule=self.price_rule, reference=book.reference, k=self._k, step=self.price_step)
        price, sides = outcome.price, list[Dealt]()
        if price is not None:
            book.reference = book.last_price = price
            self._matches += 1
            sides = [self._deal(ladder, price, outcome.volume) for ladder in (book.bids, book.asks)]
        expired = self._lapse(book, now)
        if price is not None:
            for ladder in (book.bids, book.asks):
                for waiting in ladder.unpriced():
                    ladder.set_limit(waiting, price)
        book.unpublished, book.public = False, None
        self._plan(book, due=book.trades(), now=now)
        self.state(market)
        if price is None:
            return expired
        return legs_of(sides, price, now, self._matches, (mid_before, book.mid()), self.fee_ppm) + expired

    def _deal(self, ladder: Ladder, price: int, volume: int) -> Dealt:
        dealt = ladder.deal(price, volume, rule=self.allocation, step=self.quantity_step)
        for order_id in dealt.filled:
            del self._live[order_id]
        return dealt

    def _lapse(self, book: CallMarket, now: int) -> list[Report]:
        reports: list[Report] = []
        for order_id, waiting in book.lapsing.items():
            if self._live.pop(order_id, None) is not None:  # else it has filled
                order, lots = waiting.order, waiting.left
                book.ladder(order.side).take(waiting, lots)
                reports.append(Expired(order_id, order.owner, order.market, order.venue, now, lots))
        book.lapsing.clear()
        return reports
