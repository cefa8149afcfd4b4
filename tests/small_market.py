"""Small venues, scripted agents and sources, and a run of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

from marketsim.simulation import Simulation
from marketsim.types import (
    Accepted,
    Cancelled,
    Expired,
    Fill,
    Liquidity,
    Order,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Side,
    Signal,
    TimeInForce,
    VenueState,
    limit_order,
    rejected,
    trade,
    unknown_order,
    walk,
)

BUY, SELL = Side.BUY, Side.SELL


@define
class PostedPrice:
    """Buys and sells any quantity at one price."""

    price: int = 100
    markets: tuple[str, ...] = ("A",)
    house: str = "house"

    def submit(self, order, now):
        if not order.accepts(self.price):
            return rejected(order, Reason.PRICE)
        return trade(order, against=self.house, price=self.price, quantity=order.quantity, now=now)

    def cancel(self, order_id, owner, now):
        return unknown_order(order_id)

    def state(self, market):
        return VenueState(best_bid=self.price, best_ask=self.price)

    def estimate_impact(self, market, side, quantity):
        return quantity, quantity * self.price

    def clock(self, now):
        return []

    def next_clock(self, now):
        return None


@define
class MiniBook:
    """A price-time book of one market, as short as it can be: lists and sorting."""

    name: str = "book"
    markets: tuple[str, ...] = ("A",)
    messages: tuple[type, ...] = (Order, Reduce, Replace)
    resting: list[list[Any]] = field(factory=list)  # [order, lots left], oldest first
    matches: int = 0

    def submit(self, message, now):
        if type(message) is Order:
            return self._enter(message, now)
        found = self._find(message.order_id)
        refused = message.order if type(message) is Replace else message
        if found is None:
            return rejected(refused, Reason.UNKNOWN_ORDER, now=now)
        if found[0].owner != message.owner:
            return rejected(refused, Reason.NOT_OWNER, now=now)
        if type(message) is Replace:
            return [*self.cancel(message.order_id, message.owner, now), *self._enter(message.order, now)]
        return [self._take_off(found, min(message.quantity, found[1]), now)]

    def cancel(self, order_id, owner, now):
        found = self._find(order_id)
        if found is None:
            return unknown_order(order_id, owner)
        if found[0].owner != owner:
            return [Rejected(order_id, Reason.NOT_OWNER, owner)]
        return [self._take_off(found, found[1], now)]

    def state(self, market):
        bids, asks = self._levels(BUY), self._levels(SELL)
        return VenueState(bids[0][0] if bids else None, asks[0][0] if asks else None, bids, asks)

    def estimate_impact(self, market, side, quantity):
        return walk(self._levels(side.opposite), quantity)

    def clock(self, now):
        return []

    def next_clock(self, now):
        return None

    def _enter(self, order, now):
        reports, left = [], order.quantity
        for resting in self._queue(order.side.opposite):
            maker, available = resting
            if not left or not order.accepts(maker.price):
                break
            lots = min(left, available)
            self.matches += 1
            left, resting[1] = left - lots, available - lots
            for leg, liquidity in ((order, Liquidity.TAKER), (maker, Liquidity.MAKER)):
                reports.append(
                    Fill(self.matches, leg.order_id, leg.owner, leg.market, self.name, now, leg.side, lots, maker.price,
                         lots * maker.price, 0, liquidity, None, None)
                )  # fmt: skip
        self.resting = [resting for resting in self.resting if resting[1]]
        if left and order.tif is TimeInForce.GTC:
            self.resting.append([order, left])
            reports.append(Accepted(order.order_id, order.owner, order.market, self.name, now, left))
        elif left:
            reports.append(Expired(order.order_id, order.owner, order.market, self.name, now, left))
        return reports

    def _find(self, order_id):
        return next((resting for resting in self.resting if resting[0].order_id == order_id), None)

    def _take_off(self, found, lots, now):
        found[1] -= lots
        self.resting = [resting for resting in self.resting if resting[1]]
        order = found[0]
        return Cancelled(order.order_id, order.owner, order.market, self.name, now, lots, found[1])

    def _queue(self, side):
        return sorted((r for r in self.resting if r[0].side is side), key=lambda r: -side * r[0].price)

    def _levels(self, side):
        lots: dict[int, int] = {}
        for order, left in self._queue(side):
            lots[order.price] = lots.get(order.price, 0) + left
        return tuple(lots.items())


@define(eq=False)
class Scripted:
    """Does what its plan says at the times it says, and writes down what it hears."""

    agent_id: str
    plan: dict[int, Callable[[Any], None]] = field(factory=dict)
    order_latency: Any = 0
    report_latency: Any = 0
    market_data_delay: Any = 0
    observation_delay: Any = 0
    heard: list[tuple[int, Any]] = field(factory=list)
    signals: list[tuple[int, Any]] = field(factory=list)
    ctx: Any = None

    def start(self, ctx):
        self.ctx = ctx
        for time in sorted(self.plan):
            ctx.wake_at(time)

    def wake(self, ctx):
        self.plan[ctx.now](ctx)

    def decide(self, ctx, signal):
        self.signals.append((ctx.now, signal))

    def report(self, ctx, report):
        self.heard.append((ctx.now, report))

    def reasons(self):
        return [(time, report.reason) for time, report in self.heard if type(report) is Rejected]


@define
class Script:
    """A source that emits what it was given, at the times it was given."""

    events: list[tuple[int, list[Any]]]
    place: int = 0

    def next_time(self):
        return self.events[self.place][0] if self.place < len(self.events) else None

    def emit(self, truth):
        self.place += 1
        return self.events[self.place - 1][1]


def signal(time, market="A", tier="routine"):
    return Signal(market, tier, time, 100.0, 0.1)


def buy(quantity=10, price=100, market="A", **more):
    return limit_order(market, BUY, quantity=quantity, price=price, **more)


def sell(quantity=10, price=100, market="A", **more):
    return limit_order(market, SELL, quantity=quantity, price=price, **more)


def run(*agents, venues=None, horizon=50, **more):
    return Simulation(venues=venues or {"book": MiniBook()}, agents=agents, **more).run(horizon)


def snapshot(ledger):
    return dict(ledger.cash), dict(ledger.fees), {owner: dict(held) for owner, held in ledger.inventory.items()}
