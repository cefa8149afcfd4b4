# ruff: noqa: ARG002 a bug often is not to look at an argument
"""Auctions, pools and posted prices with one bug each, planted in the reference venues."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from marketsim.gateway import Refusal
from marketsim.testing.reference import PostedPrice, ReferencePool, Resting
from marketsim.testing.reference_auction import ReferenceAuction
from marketsim.types import Expired, Fill, Order, Reason, Report, Settle, Side, TimeInForce, VenueState, rejected, trade


class TwoPrices(ReferenceAuction):
    def clear(self, market: str, now: int) -> list[Report]:
        bids, asks = self.sided(market, Side.BUY), self.sided(market, Side.SELL)
        interval, price = self.interval(bids, asks), self.price(bids, asks)
        if interval is None or price is None or interval[0] == interval[1] or max(map(abs, interval)) >= 2**60:
            return super().clear(market, now)
        volume = min(sum(n for limit, n in bids if limit >= price), sum(n for limit, n in asks if limit <= price))
        reports: list[Report] = []
        for end, lots in zip(interval, (volume // 2, volume - volume // 2), strict=True):
            self.matches += 1
            for side in Side if lots else ():
                reports += self.fills(market, side, end, lots, now)
        return reports + self.lapse(market, now)


class OneSidedPrices(ReferenceAuction):
    def fills(self, market: str, side: Side, price: int, volume: int, now: int) -> list[Report]:
        return super().fills(market, side, price - (side is Side.BUY), volume, now)


class VolumeMidpoint(ReferenceAuction):
    def price(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> int | None:
        if super().price(bids, asks) is None:
            return None
        limits = sorted({limit: True for limit, _ in (*bids, *asks) if abs(limit) < 2**60})
        volumes = {
            price: min(sum(n for limit, n in bids if limit >= price), sum(n for limit, n in asks if limit <= price))
            for price in limits
        }
        best = [price for price in limits if volumes[price] == max(volumes.values())]
        return (best[0] + best[-1]) // 2


class LeavesALot(ReferenceAuction):
    def fills(self, market: str, side: Side, price: int, volume: int, now: int) -> list[Report]:
        return super().fills(market, side, price, max(volume - 1, 1), now)


class FirstComeFirstServed(ReferenceAuction):
    def ration(self, margin: list[Resting], left: int) -> list[tuple[Resting, int]]:
        shares = []
        for item in sorted(margin, key=self.waiting.index):
            shares.append((item, min(left, item.left)))
            left -= shares[-1][1]
        return shares


class LargestFirst(ReferenceAuction):
    def ration(self, margin: list[Resting], left: int) -> list[tuple[Resting, int]]:
        shares = []
        for item in sorted(margin, key=lambda item: (-item.left, item.order.order_id)):
            shares.append((item, min(left, item.left)))
            left -= shares[-1][1]
        return shares


class StaleClock(ReferenceAuction):
    def plan(self, now: int) -> None:
        super().plan(now)
        if self.due is not None and self.matches:
            self.due = max(now, self.due - self.pi)


class ForgetsTheClock(ReferenceAuction):
    def next_clock(self, now: int, /) -> int | None:
        return None if any(item.order.tif is TimeInForce.GTC for item in self.waiting[2:]) else self.due


class ClearsWhenAsked(ReferenceAuction):
    def clock(self, now: int, /) -> list[Report]:
        if now != self.due and now % 2 and self.due is not None:
            self.due = now
        return super().clock(now)


class RevealsWhenIdle(ReferenceAuction):
    claims = tuple(claim for claim in ReferenceAuction.claims if claim != "open-book")
    shown: tuple[VenueState, ...] = ()

    def clock(self, now: int, /) -> list[Report]:
        reports = super().clock(now)
        self.shown = tuple(super(RevealsWhenIdle, self).state(market) for market in self.markets)
        return reports

    def state(self, market: str, /) -> VenueState:
        return self.shown[self.markets.index(market)] if self.shown else VenueState()


class CountsClocks(ReferenceAuction):
    calls: int = 0

    def clock(self, now: int, /) -> list[Report]:
        self.calls += 1
        return super().clock(now)

    def ration(self, margin: list[Resting], left: int) -> list[tuple[Resting, int]]:
        return super().ration(margin, left) if self.calls % 3 else FirstComeFirstServed.ration(self, margin, left)  # type: ignore[arg-type]


class MarketOrdersLinger(ReferenceAuction):
    def lapse(self, market: str, now: int) -> list[Report]:
        return []


class ExpiredStays(ReferenceAuction):
    def lapse(self, market: str, now: int) -> list[Report]:
        late = [item for item in self.waiting if item.order.tif is TimeInForce.IOC and item.order.price is not None]
        reports = super().lapse(market, now)
        gone = [item for item in late if item.order.market == market]
        self.waiting += [Resting(item.order._replace(tif=TimeInForce.GTC), item.left) for item in gone]
        return reports


class ExpiresSilently(ReferenceAuction):
    def lapse(self, market: str, now: int) -> list[Report]:
        return [report for report in super().lapse(market, now) if type(report) is Expired and report.quantity < 3]


class ClearsTooHigh(ReferenceAuction):
    def price(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> int | None:
        price = super().price(bids, asks)
        return None if price is None else price + 2


class ForeignCancel(ReferenceAuction):
    def not_own(self, order_id: Any, owner: Any) -> Refusal | None:
        refusal = super().not_own(order_id, owner)
        return None if refusal and any(item.order.order_id == order_id for item in self.waiting) else refusal


class RoundsForTheTaker(ReferencePool):
    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        if side is Side.BUY:
            return (quantity, self.quote * quantity // (self.base - quantity)) if quantity < self.base else (0, 0)
        money = -(-self.quote * quantity // (self.base + quantity))
        return (quantity, money) if money else (0, 0)


class MarginalPrice(ReferencePool):
    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        return (quantity, self.quote * quantity // self.base) if quantity < self.base else (0, 0)


class ReservesDrift(ReferencePool):
    def reserves(self, market: str, /) -> tuple[int, int]:
        return self.base, self.quote + self.matches


class PaysIntoNothing(ReferencePool):
    def submit(self, order: Any, now: int, /) -> list[Report]:
        reports = super().submit(order, now)
        return [
            report._replace(money=report.money - 1) if type(report) is Fill and report.order_id == 0 else report
            for report in reports
        ]


class MovingEstimate(ReferencePool):
    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        answer = super().estimate_impact(market, side, quantity)
        self.quote += 1
        return answer


class OnePoolForAll(ReferencePool):
    separate_markets: ClassVar[bool] = True

    def state(self, market: str, /) -> VenueState:
        impact = ReferencePool(self.markets, self.base, self.quote).estimate_impact
        return super().state(market)._replace(impact=partial(impact, market))


class TakesAnyLimit(PostedPrice):
    def submit(self, order: Order, now: int, /) -> list[Report]:
        return trade(order, against=self.house, price=self.price, quantity=order.quantity, now=now)


class HalfTheHouse(PostedPrice):
    def submit(self, order: Order, now: int, /) -> list[Report]:
        reports = super().submit(order, now)
        return reports[:1]


class Settling(PostedPrice):
    """Correct but for what its children do: it closes when it is settled."""

    messages: ClassVar[tuple[type, ...]] = (Order, Settle)
    settled: bool = False

    def submit(self, order: Any, now: int, /) -> list[Report]:
        if self.settled:
            return rejected(order, Reason.CLOSED, now=now)
        if type(order) is Settle:
            self.settled = True
            return []
        return super().submit(order, now)

    def state(self, market: str, /) -> VenueState:
        return VenueState() if self.settled else super().state(market)

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        return (0, 0) if self.settled else super().estimate_impact(market, side, quantity)


class SettlesNever(Settling):
    def submit(self, order: Any, now: int, /) -> list[Report]:
        return rejected(order, Reason.PRICE, now=now) if type(order) is Settle else super().submit(order, now)


class QuotesOn(Settling):
    def state(self, market: str, /) -> VenueState:
        return PostedPrice.state(self, market)


class EstimatesOn(Settling):
    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        return PostedPrice.estimate_impact(self, market, side, quantity)
