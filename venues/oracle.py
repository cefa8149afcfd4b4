"""The continuous book and the batch auction, said as briefly as they can be said.

`OracleBook` and `OracleAuction` take the arguments and messages of `ContinuousBook` and `BatchAuction` and must answer
alike, but for the free text of a refusal. They state the numbered rules of those two by search: over plain lists, over
every price that matters, by trying a match on a copy. `venues.differential` compares.

Where the rules leave the form of an answer open, it is this. A message that is wrong in several ways is refused for the
first of: the old order of a `Reduce` or `Replace`, its fields (`marketsim.gateway`), the grid, the lowest price, its
id, the state of the book. A refused `Replace` is reported in the name of the new order. Matches count from 1. A clear
lists the legs of the bids, then of the asks, best first, then what expires, in the order of arrival, market by market.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar

from attrs import define, field

from marketsim import checks
from marketsim.gateway import PRICE_MAX, QUANTITY_MAX, check_order
from marketsim.types import (
    Accepted,
    Cancelled,
    Expired,
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
    rejected,
    walk,
)
from venues._oracle import (
    PPM,
    Claim,
    Resting,
    cancelled,
    found,
    leg,
    levels,
    middle,
    misfit,
    not_reducible,
    not_replaceable,
    not_withdrawable,
    outcome,
    rationed,
    reaches,
    shown,
)
from venues.clearing import ALLOCATIONS, PRICE_RULES

BUY, SELL, LIVES_ON = Side.BUY, Side.SELL, TimeInForce.GTC


@define(eq=False)
class OracleBook:
    """The rules of `venues.clob.ContinuousBook`, which documents the arguments; the numbers are those of its rules."""

    messages: ClassVar[tuple[type, ...]] = (Order, Reduce, Replace)

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
    maker_fee_ppm: int = field(default=0, kw_only=True, validator=checks.integer(-PPM, PPM))
    taker_fee_ppm: int = field(default=0, kw_only=True, validator=checks.integer(-PPM, PPM))
    depth: int = field(default=10, kw_only=True, validator=checks.integer(1))
    queues: dict[tuple[str, Side], list[Resting]] = field(init=False)
    last_price: dict[str, int] = field(init=False, factory=dict)
    matches: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        # One queue a side, always in the order of priority.
        self.queues = {(market, side): [] for market in self.markets for side in (BUY, SELL)}

    def find(self, order_id: int) -> Resting | None:
        return found(order_id, self.queues.values())

    def mid(self, market: str) -> float | None:
        bids, asks = self.queues[market, BUY], self.queues[market, SELL]
        return (bids[0].price + asks[0].price) / 2 if bids and asks else None  # type: ignore[operator]

    def submit(self, message: Any, now: int, /) -> list[Report]:
        if type(message) is Order:
            reason = self.refusal(message)
            return rejected(message, reason, now=now) if reason else self.enter(message, now)
        if type(message) is Reduce:
            reason = not_reducible(message, self)
            return rejected(message, reason, now=now) if reason else self.withdraw(message.order_id, now, message)
        if type(message) is Replace and type(message.order) is Order:
            return self.replace(message, now)
        return rejected(message, Reason.UNSUPPORTED, now=now)

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        reason = not_withdrawable(order_id, owner, self)
        return [Rejected(order_id, reason, owner, time=now)] if reason else self.withdraw(order_id, now)

    def withdraw(self, order_id: int, now: int, message: Reduce | None = None) -> list[Report]:
        """Rule 4: what is left after a `Reduce` stays where it is."""
        each = self.find(order_id)
        if each is None:
            return []
        report = cancelled(each, message.quantity if message else each.left, now)
        if not each.left:
            self.queues[each.order.market, each.order.side].remove(each)
        return [report]

    def replace(self, message: Replace, now: int) -> list[Report]:
        """Rule 4: one step, and a refusal, which is of the new order, changes nothing."""
        order = message.order
        reason = not_replaceable(message, self)
        if reason:
            return rejected(order, reason, now=now)
        reason = self.refusal(order, without=self.find(message.order_id))
        if reason:
            return rejected(order, reason, now=now)
        mid = self.mid(order.market)
        reports = self.withdraw(message.order_id, now)
        return [*reports, *self.enter(order, now, mid)]

    def refusal(self, order: Order, *, without: Resting | None = None) -> Reason | None:
        if refusal := check_order(order, self.markets):
            return refusal[0]
        if reason := misfit(order, self):
            return reason
        opposite = [each for each in self.queues[order.market, order.side.opposite] if each is not without]
        if order.kind is OrderKind.MARKET_TO_LIMIT and not opposite:
            return Reason.NO_LIQUIDITY  # rule 2
        if order.post_only and opposite and reaches(order.side, order.price, opposite[0].price):
            return Reason.POST_ONLY  # rule 3
        return None

    def enter(self, order: Order, now: int, mid: float | None = None) -> list[Report]:
        """Rules 2 and 6."""
        market, side = order.market, order.side
        own, opposite = self.queues[market, side], self.queues[market, side.opposite]
        if order.kind is OrderKind.MARKET_TO_LIMIT:
            order = order._replace(kind=OrderKind.LIMIT, price=opposite[0].price)
        if order.tif is TimeInForce.FOK:
            trial = [Resting(each.order, each.price, each.left) for each in opposite]
            if sum(lots for _, lots in self.match(order, trial, now)[0]) < order.quantity:
                return [Expired(order.order_id, order.owner, market, order.venue, now, order.quantity)]
        mid = self.mid(market) if mid is None else mid
        hits, withdrawals, prevented = self.match(order, opposite, now)
        left = order.quantity - prevented - sum(lots for _, lots in hits)
        rests = left if order.tif is LIVES_ON else 0
        if rests:
            place = sum(reaches(side, each.price, order.price) for each in own)
            own.insert(place, Resting(order, order.price, rests))
        reports = self.fills(order, hits, now, (mid, self.mid(market)))
        reports += withdrawals
        if prevented:
            reports.append(Cancelled(order.order_id, order.owner, market, order.venue, now, prevented, rests))
        if left:
            kept = Accepted if rests else Expired
            reports.append(kept(order.order_id, order.owner, market, order.venue, now, left))
        return reports

    def match(
        self, order: Order, opposite: list[Resting], now: int
    ) -> tuple[list[tuple[Resting, int]], list[Report], int]:
        """Rules 1 and 5: (resting order, lots) of each match, resting orders withdrawn, own lots withdrawn."""
        left, prevented = order.quantity, 0
        hits: list[tuple[Resting, int]] = []
        withdrawals: list[Report] = []
        while left and opposite and reaches(order.side, order.price, opposite[0].price):
            maker = opposite[0]
            lots = min(left, maker.left)
            if self.self_trade == "allow" or maker.order.owner != order.owner:
                hits.append((maker, lots))
                maker.left -= lots
            else:
                if self.self_trade in ("cancel-maker", "cancel-both", "decrement"):
                    withdrawals.append(cancelled(maker, lots if self.self_trade == "decrement" else maker.left, now))
                if self.self_trade in ("cancel-taker", "cancel-both"):
                    lots = left
                elif self.self_trade == "cancel-maker":
                    lots = 0
                prevented += lots
            left -= lots
            if not maker.left:
                opposite.pop(0)
        return hits, withdrawals, prevented

    def fills(
        self, order: Order, hits: list[tuple[Resting, int]], now: int, mids: tuple[float | None, float | None]
    ) -> list[Report]:
        """Rules 1 and 6: each match at the maker's price, the taker's leg before the maker's."""
        reports: list[Report] = []
        for maker, lots in hits:
            price: int = maker.order.price  # type: ignore[assignment]  # what rests has a price
            self.matches += 1
            self.last_price[order.market] = price
            reports += [
                leg(self.matches, order, lots, price, now, Liquidity.TAKER, self.taker_fee_ppm, mids),
                leg(self.matches, maker.order, lots, price, now, Liquidity.MAKER, self.maker_fee_ppm, mids),
            ]
        return reports

    def state(self, market: str, /) -> VenueState:
        bids, asks = levels(self.queues[market, BUY], self.depth), levels(self.queues[market, SELL], self.depth)
        return shown(bids, asks, self.last_price.get(market))

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        return walk(levels(self.queues[market, side.opposite], QUANTITY_MAX), quantity)

    def orders(self, market: str, /) -> list[Order]:
        queues = self.queues[market, BUY] + self.queues[market, SELL]
        return [each.order._replace(quantity=each.left) for each in queues]

    def clock(self, now: int, /) -> list[Report]:  # noqa: ARG002 the seam has it
        return []

    def next_clock(self, now: int, /) -> int | None:  # noqa: ARG002 the seam has it
        return None


@define(eq=False)
class OracleAuction:
    """The rules of `venues.fba.BatchAuction`, which documents the arguments; the numbers are those of its rules.

    It clears at every multiple of `pi`, also where nothing can happen.
    """

    messages: ClassVar[tuple[type, ...]] = (Order, Reduce, Replace)

    markets: tuple[str, ...] = field(validator=checks.names)
    pi: int = field(validator=checks.integer(1, 2**53))
    price_rule: str = field(default="midpoint", kw_only=True, validator=checks.one_of(*PRICE_RULES))
    k: float | Fraction = field(default=0.5, kw_only=True)
    allocation: str = field(default="batch-pro-rata", kw_only=True, validator=checks.one_of(*ALLOCATIONS))
    published: str = field(default="open", kw_only=True, validator=checks.one_of("open", "sealed"))
    self_trade: str = field(default="allow", kw_only=True, validator=checks.one_of("allow", "refuse-newest"))
    price_step: int = field(default=1, kw_only=True, validator=checks.integer(1, PRICE_MAX))
    quantity_step: int = field(default=1, kw_only=True, validator=checks.integer(1, QUANTITY_MAX))
    min_price: int | None = field(
        default=1, kw_only=True, validator=checks.optional(checks.integer(-PRICE_MAX, PRICE_MAX))
    )
    reference: Mapping[str, int | None] = field(factory=dict, kw_only=True)
    fee_ppm: int = field(default=0, kw_only=True, validator=checks.integer(0, PPM))
    depth: int = field(default=10, kw_only=True, validator=checks.integer(1, QUANTITY_MAX))
    # Every live order of a market, in the order of arrival.
    queues: dict[str, list[Resting]] = field(init=False)
    references: dict[str, int | None] = field(init=False)
    last_price: dict[str, int] = field(init=False, factory=dict)
    public: dict[str, VenueState] = field(init=False)
    matches: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self.queues = {market: [] for market in self.markets}
        self.references = {market: self.reference.get(market) for market in self.markets}
        self.public = {market: self.view(market) for market in self.markets}

    def find(self, order_id: int) -> Resting | None:
        return found(order_id, self.queues.values())

    def side(self, market: str, side: Side) -> list[Resting]:
        """Orders of one side, best first: without a limit before all limits, equals in the order of arrival."""
        queue = [each for each in self.queues[market] if each.order.side is side]
        return sorted(queue, key=lambda each: (0, 0) if each.price is None else (1, -side * each.price))

    def submit(self, message: Any, now: int, /) -> list[Report]:
        if type(message) is Order:
            reason = self.refusal(message)
            return rejected(message, reason, now=now) if reason else self.enter(message, now)
        if type(message) is Reduce:
            reason = not_reducible(message, self)
            return rejected(message, reason, now=now) if reason else self.withdraw(message.order_id, now, message)
        if type(message) is Replace and type(message.order) is Order:
            reason = not_replaceable(message, self) or self.refusal(message.order, without=self.find(message.order_id))
            if reason:
                return rejected(message.order, reason, now=now)
            return self.withdraw(message.order_id, now) + self.enter(message.order, now)
        return rejected(message, Reason.UNSUPPORTED, now=now)

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        reason = not_withdrawable(order_id, owner, self)
        return [Rejected(order_id, reason, owner, time=now)] if reason else self.withdraw(order_id, now)

    def withdraw(self, order_id: int, now: int, message: Reduce | None = None) -> list[Report]:
        each = self.find(order_id)
        if each is None:
            return []
        report = cancelled(each, message.quantity if message else each.left, now)
        self.keep(each.order.market)
        return [report]

    def keep(self, market: str) -> None:
        self.queues[market] = [each for each in self.queues[market] if each.left]

    def refusal(self, order: Order, *, without: Resting | None = None) -> Reason | None:
        if refusal := check_order(order, self.markets):
            return refusal[0]
        if order.tif is TimeInForce.FOK:
            return Reason.KIND
        if reason := misfit(order, self):
            return reason
        own = [each for each in self.queues[order.market] if each.order.owner == order.owner and each is not without]
        if self.self_trade == "refuse-newest" and any(
            each.order.side is not order.side and reaches(order.side, order.price, each.price) for each in own
        ):
            return Reason.SELF_TRADE  # rule 7
        return None

    def enter(self, order: Order, now: int) -> list[Report]:
        """Rule 1: the batch is a span of time, and nothing fills now."""
        self.queues[order.market].append(Resting(order, order.price, order.quantity, now // self.pi))
        return [Accepted(order.order_id, order.owner, order.market, order.venue, now, order.quantity)]

    def clock(self, now: int, /) -> list[Report]:
        reports: list[Report] = []
        for market in self.markets if now % self.pi == 0 else ():
            reports += self.clear(market, now)
            self.public[market] = self.view(market)
        return reports

    def next_clock(self, now: int, /) -> int | None:
        return (now // self.pi + 1) * self.pi

    def clear(self, market: str, now: int) -> list[Report]:
        sides = {side: self.side(market, side) for side in (BUY, SELL)}
        bids, asks = ([(each.price, each.left) for each in sides[side]] for side in (BUY, SELL))
        volume, price = self.outcome(bids, asks, self.references[market])
        mid = self.mid(market)
        legs: list[tuple[Order, int]] = []
        if price is not None:
            self.matches += 1
            self.references[market] = self.last_price[market] = price
            for side, queue in sides.items():
                claims = [(each.price, each.left, each.batch, each.order.order_id) for each in queue]
                for each, lots in zip(queue, self.shares(side, price, volume, claims), strict=True):
                    each.left -= lots
                    legs += [(each.order, lots)] if lots else []
        expired: list[Report] = []
        for each in self.queues[market]:
            if each.left and each.order.tif is not LIVES_ON:
                order, lots, each.left = each.order, each.left, 0
                expired.append(Expired(order.order_id, order.owner, market, order.venue, now, lots))
        self.keep(market)
        for each in self.queues[market]:
            each.price = price if each.price is None else each.price  # rule 4: market-to-limit
        if price is None:
            return expired
        mids, how, fee, match = (mid, self.mid(market)), Liquidity.AUCTION, self.fee_ppm, self.matches
        return [*(leg(match, order, lots, price, now, how, fee, mids) for order, lots in legs), *expired]

    def outcome(self, bids: list[Any], asks: list[Any], reference: int | None) -> tuple[int, int | None]:
        k = Fraction(str(self.k))
        return outcome(bids, asks, rule=self.price_rule, reference=reference, k=k, step=self.price_step)

    def shares(self, side: Side, price: int, volume: int, claims: list[Claim]) -> list[int]:
        return rationed(side, price, volume, claims, rule=self.allocation, step=self.quantity_step)

    def mid(self, market: str) -> float | None:
        return middle(levels(self.side(market, BUY), 1), levels(self.side(market, SELL), 1))

    def view(self, market: str) -> VenueState:
        """Rule 8: the limit book, and what a market order would get at a clear of it with the published levels."""
        bids, asks = levels(self.side(market, BUY), self.depth), levels(self.side(market, SELL), self.depth)
        reference = self.references[market]

        def impact(side: Side, quantity: int) -> tuple[int, int]:
            lots = quantity // self.quantity_step * self.quantity_step
            if not lots:
                return 0, 0
            own: list[Any] = [*(bids if side is BUY else asks), (None, lots)]
            volume, price = self.outcome(own if side is BUY else [*bids], own if side is SELL else [*asks], reference)
            if price is None:
                return 0, 0
            claims = [(limit, wanted, 0, place) for place, (limit, wanted) in enumerate(own)]
            got = self.shares(side, price, volume, claims)[-1]
            return got, got * price

        return shown(bids, asks, self.last_price.get(market), impact)

    def state(self, market: str, /) -> VenueState:
        return self.public[market] if self.published == "sealed" else self.view(market)

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        return self.state(market).estimate(side, quantity)

    def orders(self, market: str, /) -> list[Order]:
        queue = self.side(market, BUY) + self.side(market, SELL)
        return [each.order._replace(quantity=each.left) for each in queue]
