"""The faults of the published study, as plugins of their own, so that its table can be rebuilt and taken apart.

None of this is meant for any other use: the conformance kit accuses the book. Fault A is `PublishedBook`, fault B is
`PublishedCapital`; fault C needs no plugin, it is the auction's options `volume_midpoint` and `pro_rata_all`.
`PublishedMaker` is the liquidity provider that walks into fault A.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from typing import Any

from attrs import define, field

from agents.belief import ScalarBelief
from agents.capital import largest
from agents.market_maker import affordable_sides, uncrossing_quotes
from marketsim.checks import integer, kind, mapping_of, name, names, number, optional
from marketsim.protocols import Context
from marketsim.types import (
    Fill,
    Levels,
    Order,
    Reason,
    Rejected,
    Report,
    Side,
    Signal,
    TimeInForce,
    VenueState,
    limit_order,
    market_order,
    rejected,
)
from venues.clob import ContinuousBook


@define(eq=False)
class PublishedBook:
    """A book with fault A: a cancel destroys what it passes on its way.

    A cancel scans the bids from the lowest price up, then the asks from the lowest price up, and empties every level
    that it visits before the one that holds the order. An order that is no longer there is not found, so that its
    cancel empties both sides. An emptied level stays as a ghost price among the best prices, until an order walks over
    it or rests at it. All else is a sound `ContinuousBook`.
    """

    markets: tuple[str, ...] = field(validator=names)
    _book: ContinuousBook = field(init=False)
    _orders: dict[int, Order] = field(init=False, factory=dict)  # all that were ever taken, as they came
    _ghosts: dict[tuple[str, Side], list[int]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._book = ContinuousBook(self.markets)

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take an `Order`; it walks over ghosts as if they were levels. Nothing else is taken."""
        if type(message) is not Order:
            return rejected(message, Reason.UNSUPPORTED, now=now, detail=f"message: got {type(message).__name__}")
        reports = self._book.submit(message, now)
        if not any(type(report) is Rejected for report in reports):
            self._orders[message.order_id] = message
            self._walk_over(message, reports)
        return reports

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """Withdraw an order, and with it every order on the levels visited before it."""
        # True and 1.0 are the same key as 1, but no order id.
        sent = self._orders.get(order_id) if type(order_id) is int else None
        reports: list[Report] = []
        if sent is not None and sent.owner == owner:
            # All orders of a level are visited together, so only those at other prices than the order's are lost.
            resting = sorted(self._book.orders(sent.market), key=lambda order: (-order.side, order.price))
            found = next(((order.side, order.price) for order in resting if order.order_id == order_id), None)
            for order in resting:
                if (order.side, order.price) == found:
                    break
                reports += self._book.cancel(order.order_id, order.owner, now)
                self._haunt(sent.market, order)
        return reports + self._book.cancel(order_id, owner, now)

    def state(self, market: str, /) -> VenueState:
        """As of a sound book, with ghosts as levels of no lots."""
        real = self._book.state(market)
        bids = self._with_ghosts(market, Side.BUY, real.bids)
        asks = self._with_ghosts(market, Side.SELL, real.asks)
        return real._replace(
            best_bid=bids[0][0] if bids else None, best_ask=asks[0][0] if asks else None, bids=bids, asks=asks
        )

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """As of a sound book: ghosts have nothing to offer."""
        return self._book.estimate_impact(market, side, quantity)

    def clock(self, now: int, /) -> list[Report]:  # noqa: ARG002 the seam has it
        """Nothing: a book acts only when a message comes."""
        return []

    def next_clock(self, now: int, /) -> int | None:  # noqa: ARG002 the seam has it
        """None: a book needs no clock."""
        return None

    def _haunt(self, market: str, order: Order) -> None:
        ghosts = self._ghosts.setdefault((market, order.side), [])
        if order.price is not None and order.price not in ghosts:
            ghosts.append(order.price)

    def _walk_over(self, order: Order, reports: list[Report]) -> None:
        filled = [report for report in reports if type(report) is Fill and report.order_id == order.order_id]
        if order.tif is TimeInForce.FOK and not filled:
            return
        own, other = (order.market, order.side), (order.market, Side(-order.side))
        resting = next(
            (rest.price for rest in self._book.orders(order.market) if rest.order_id == order.order_id), None
        )
        if resting is not None:
            self._ghosts[own] = [price for price in self._ghosts.get(own, []) if price != resting]
        # What is not filled went as far as it might: to its limit, or over everything.
        partly = sum(fill.quantity for fill in filled) < order.quantity
        reached = (resting if order.price is None else order.price) if partly else filled[-1].price
        self._ghosts[other] = [
            price for price in self._ghosts.get(other, []) if reached is not None and order.side * (price - reached) > 0
        ]

    def _with_ghosts(self, market: str, side: Side, levels: Levels) -> Levels:
        known = dict(levels)
        ghosts = [(price, 0) for price in self._ghosts.get((market, side), []) if price not in known]
        return tuple(sorted([*levels, *ghosts], key=lambda level: -side * level[0])) if ghosts else levels


@define
class PublishedCapital:
    """A capital rule with fault B: a sell that the venue cannot fill completely is taken to cost nothing.

    So any capital that is left allows a sell of full size. Besides, and by design of the published study: a limit order
    commits its full quantity x price x `safety` when it is posted, a market order what it fills, and nothing is ever
    released. What an agent sends at one time reserves its estimate until it acts again.

    Args:
        budget: tick-lots.
        safety: factor on every estimate.
    """

    budget: int = field(validator=integer(0))
    safety: float = field(default=1.08, validator=number(1.0))
    _committed: int = field(default=0, init=False)
    _reserved: int = field(default=0, init=False)
    _entered: int = field(default=-1, init=False)
    _sent: list[int] = field(factory=list, init=False)

    def take(self, ctx: Context, market: str, side: Side, quantity: int, /) -> bool:
        """Send a market order; False where the estimate of the smallest one is infinite or nothing."""

        def cost(lots: int) -> int | None:
            available, money = ctx.estimate_impact(market, side, lots)
            if available < lots:
                return 0 if side is Side.SELL else None
            return self._safe(money)

        left = self._left(ctx)
        if not cost(1):
            return False
        lots, reserve = largest(quantity, left, cost)
        if lots and left:
            self._reserved += reserve
            self._sent.append(ctx.submit(market_order(market, side, quantity=lots)))
        return True

    def post(self, ctx: Context, market: str, side: Side, quantity: int, price: int, /) -> None:
        """Send a limit order and commit all of it."""
        lots, money = largest(quantity, self._left(ctx), lambda lots: self._safe(lots * price))
        if lots:
            self._committed += money
            ctx.submit(limit_order(market, side, quantity=lots, price=price))

    def learn(self, ctx: Context, report: Report, /) -> None:  # noqa: ARG002 the seam has it
        """Commit what a market order filled."""
        if isinstance(report, Fill) and report.order_id in self._sent:
            self._committed += report.money

    def _left(self, ctx: Context) -> int:
        if self._entered != ctx.now:
            self._entered, self._reserved = ctx.now, 0
        return max(0, self.budget - self._committed - self._reserved)

    def _safe(self, money: int) -> int:
        return round(abs(money) * self.safety)


@define
class PublishedMaker:
    """The liquidity provider of the published study: at a re-quote it cancels its last quotes, filled or not.

    It learns of its fills one interval late and so sends cancels for orders that are gone, which a sound venue refuses
    and fault A turns into an empty book. All else is as in `agents.market_maker.MarketMaker`.
    """

    agent_id: str = field(validator=name)
    beliefs: Mapping[str, ScalarBelief] = field(validator=mapping_of(kind(ScalarBelief)))
    quantity: int = field(kw_only=True, validator=integer(1))
    budget: int = field(kw_only=True, validator=integer(0))
    assumed_precision: float | None = field(default=None, kw_only=True, validator=optional(number(above=0.0)))
    half_spread: float = field(default=0.0005, kw_only=True, validator=number(0.0, 0.5))
    review_interval: int = field(default=500, kw_only=True, validator=integer(1))
    observation_delay: int = field(default=50, kw_only=True, validator=integer(0))
    role: str = field(default="lp", kw_only=True, validator=name)
    report_latency: int = field(init=False)
    _quotes: dict[str, dict[int, Order]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.report_latency = self.review_interval

    def observes(self, market: str, tier: str) -> bool:
        return market in self.beliefs and tier != "public"

    def decide(self, ctx: Context, signal: Signal) -> None:  # noqa: ARG002 - it only learns; it quotes at reviews
        precision = signal.sigma**-2 if self.assumed_precision is None else self.assumed_precision
        self.beliefs[signal.market].observe(log(signal.value), precision, signal.time)

    def review(self, ctx: Context) -> None:
        for market, belief in self.beliefs.items():
            centre, last = exp(belief.mean), self._quotes.get(market, {})
            bid, ask = uncrossing_quotes(ctx.state(market), last.values(), centre, self.half_spread)
            for order_id in last:
                ctx.cancel(order_id)
            held = ctx.inventory(market)
            quotes = [
                limit_order(market, side, quantity=self.quantity, price=price)
                for side, price in affordable_sides(held, self.quantity, self.budget, centre, bid, ask)
            ]
            self._quotes[market] = {ctx.submit(quote): quote for quote in quotes}


def example_book() -> PublishedBook:
    """Two markets, for the conformance kit to accuse."""
    return PublishedBook(("ACME", "BOLT"))
