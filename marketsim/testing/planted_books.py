"""Continuous books with one bug each, planted in the reference book."""

from __future__ import annotations

from typing import Any, ClassVar

from marketsim.gateway import Refusal
from marketsim.testing.reference import ReferenceBook, Resting
from marketsim.types import (
    Accepted,
    Expired,
    Fill,
    Levels,
    Order,
    OrderKind,
    Reason,
    Rejected,
    Replace,
    Report,
    Side,
    TimeInForce,
    VenueState,
)


class LastInFirstOut(ReferenceBook):
    def queue(self, market: str, side: Side) -> list[Resting]:
        newest_first = super().queue(market, side)[::-1]
        newest_first.sort(key=lambda item: -side * (item.order.price or 0))
        return newest_first


class IgnoresPricePriority(ReferenceBook):
    def facing(self, order: Order) -> list[Resting]:
        return sorted(super().facing(order), key=lambda item: item.order.order_id)


class FavoursNames(ReferenceBook):
    def facing(self, order: Order) -> list[Resting]:
        side = order.side
        return sorted(super().facing(order), key=lambda item: (side * (item.order.price or 0), item.order.owner))


class FillsBeyondTheLimit(ReferenceBook):
    def facing(self, order: Order) -> list[Resting]:
        return super().facing(order if order.price is None else order._replace(price=order.price + order.side))


class TakersPrice(ReferenceBook):
    def legs(self, order: Order, maker: Order, lots: int, now: int, mids: Any) -> list[Report]:
        price = maker.price if order.price is None else order.price
        return super().legs(order, maker._replace(price=price), lots, now, mids)


class LosesAPartial(ReferenceBook):
    def deal(self, order: Order, hits: list[tuple[Resting, int]], rests: int, now: int) -> list[Report]:
        reports = super().deal(order, hits, rests, now)
        hit = {item.order.order_id: True for item, _ in hits}
        self.resting = [item for item in self.resting if item.order.order_id not in hit]
        return reports


class OverFills(ReferenceBook):
    def lots(self, item: Resting, left: int) -> int:  # noqa: ARG002
        return left


class RestsCrossed(ReferenceBook):
    def facing(self, order: Order) -> list[Resting]:
        return [] if order.kind is OrderKind.LIMIT and order.quantity > 8 else super().facing(order)


class CancelsForAnybody(ReferenceBook):
    def not_own(self, order_id: Any, owner: Any) -> Refusal | None:
        refusal = super().not_own(order_id, owner)
        return None if refusal and refusal[0] is Reason.NOT_OWNER else refusal

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        if self.not_own(order_id, owner):
            return super().cancel(order_id, owner, now)
        found = self.found(order_id)
        return self.reduce(found, found.left, now)


class CancelsTheWrongOne(ReferenceBook):
    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        if self.not_own(order_id, owner):
            return super().cancel(order_id, owner, now)
        last = self.resting[-1]
        return self.reduce(last, last.left, now)


class ForgetsACancel(ReferenceBook):
    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        kept = list(self.resting)
        left = {item.order.order_id: item.left for item in kept}
        reports = super().cancel(order_id, owner, now)
        for item in kept:
            item.left = left[item.order.order_id]
        self.resting = kept
        return reports


class CancelsHalf(ReferenceBook):
    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        if self.not_own(order_id, owner):
            return super().cancel(order_id, owner, now)
        found = self.found(order_id)
        return self.reduce(found, max(1, found.left // 2), now)


class TrueIsOne(ReferenceBook):
    def not_own(self, order_id: Any, owner: Any) -> Refusal | None:
        if not isinstance(order_id, (int, float)) or not self.is_live(order_id):  # type: ignore[arg-type]
            return Reason.UNKNOWN_ORDER, ""
        return super().not_own(int(order_id), owner)


class DoubleFill(ReferenceBook):
    def legs(self, order: Order, maker: Order, lots: int, now: int, mids: Any) -> list[Report]:
        return super().legs(order, maker, lots, now, mids) * 2


class OneLeg(ReferenceBook):
    def legs(self, order: Order, maker: Order, lots: int, now: int, mids: Any) -> list[Report]:
        return super().legs(order, maker, lots, now, mids)[:1]


class FeeFromNowhere(ReferenceBook):
    def legs(self, order: Order, maker: Order, lots: int, now: int, mids: Any) -> list[Report]:
        legs = [leg for leg in super().legs(order, maker, lots, now, mids) if type(leg) is Fill]
        return [leg._replace(money=leg.money - leg.side * leg.fee) for leg in legs]


class LosesATickLot(ReferenceBook):
    def legs(self, order: Order, maker: Order, lots: int, now: int, mids: Any) -> list[Report]:
        legs = super().legs(order, maker, lots, now, mids)
        return [leg._replace(money=leg.money - (lots > 5)) for leg in legs if type(leg) is Fill]


class WrongOwner(ReferenceBook):
    def legs(self, order: Order, maker: Order, lots: int, now: int, mids: Any) -> list[Report]:
        return super().legs(order, maker._replace(owner=order.owner), lots, now, mids)


class YesterdaysReports(ReferenceBook):
    def reduce(self, item: Resting, quantity: int, now: int) -> list[Report]:
        return super().reduce(item, quantity, now - 1)


class StateRotates(ReferenceBook):
    def state(self, market: str, /) -> VenueState:
        self.resting = self.resting[1:] + self.resting[:1]
        return super().state(market)


class EstimateOfTheTop(ReferenceBook):
    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        levels = self.levels(market, side.opposite)
        lots = min(quantity, sum(lots for _, lots in levels))
        return (lots, lots * levels[0][0]) if levels else (0, 0)


class AcceptsDuplicates(ReferenceBook):
    def refusal(self, order: Order) -> Refusal | None:
        refusal = super().refusal(order)
        return None if refusal and refusal[0] is Reason.DUPLICATE_ORDER else refusal


class AcceptsNan(ReferenceBook):
    def refusal(self, order: Order) -> Refusal | None:
        if type(order.price) is float:
            return super().refusal(order._replace(price=100))
        return super().refusal(order)


class RefusalCosts(ReferenceBook):
    def refusal(self, order: Order) -> Refusal | None:
        refusal = super().refusal(order)
        if refusal and self.resting:
            self.resting.append(self.resting.pop(0))
        return refusal


class IocRests(ReferenceBook):
    def enter(self, order: Order, now: int) -> list[Report]:
        resting = order.kind is OrderKind.LIMIT and order.tif is TimeInForce.IOC
        return super().enter(order._replace(tif=TimeInForce.GTC) if resting else order, now)


class FokInPart(ReferenceBook):
    def enter(self, order: Order, now: int) -> list[Report]:
        return super().enter(order._replace(tif=TimeInForce.IOC) if order.tif is TimeInForce.FOK else order, now)


class PostOnlyTakes(ReferenceBook):
    def refusal(self, order: Order) -> Refusal | None:
        return super().refusal(order._replace(post_only=False) if order.post_only is True else order)


class ReduceLosesPlace(ReferenceBook):
    def reduce(self, item: Resting, quantity: int, now: int) -> list[Report]:
        reports = super().reduce(item, quantity, now)
        if item.left:
            self.resting = [other for other in self.resting if other is not item] + [item]
        return reports


class ReplaceKeepsPlace(ReferenceBook):
    def replace(self, message: Replace, now: int) -> list[Report]:
        old = next((n for n, item in enumerate(self.resting) if item.order.order_id == message.order_id), 0)
        reports = super().replace(message, now)
        if self.resting and any(type(report) is Accepted for report in reports):
            self.resting.insert(old, self.resting.pop())
        return reports


class ReplaceDestroys(ReferenceBook):
    def replace(self, message: Replace, now: int) -> list[Report]:
        reports = super().replace(message, now)
        if type(reports[0]) is Rejected and reports[0].reason is Reason.POST_ONLY:
            self.cancel(message.order_id, message.owner, now)
        return reports


class CountsForAll(ReferenceBook):
    matches_of_all: ClassVar[list[int]] = [0]

    def deal(self, order: Order, hits: list[tuple[Resting, int]], rests: int, now: int) -> list[Report]:
        self.matches = self.matches_of_all[0]
        reports = super().deal(order, hits, rests, now)
        self.matches_of_all[0] = self.matches
        return reports


class WrongMids(ReferenceBook):
    def legs(self, order: Order, maker: Order, lots: int, now: int, mids: Any) -> list[Report]:
        return super().legs(order, maker, lots, now, (mids[1], mids[0]))


class NoMids(ReferenceBook):
    def legs(self, order: Order, maker: Order, lots: int, now: int, mids: Any) -> list[Report]:  # noqa: ARG002
        return super().legs(order, maker, lots, now, (None, None))


class EmptyLevels(ReferenceBook):
    def levels(self, market: str, side: Side) -> Levels:
        levels = super().levels(market, side)
        return (*levels, (levels[-1][0] - side, 0)) if len(levels) > 1 else levels


class FridayRules(ReferenceBook):
    today: int = 0

    def submit(self, message: Any, now: int, /) -> list[Report]:
        FridayRules.today = now
        return super().submit(message, now)

    def facing(self, order: Order) -> list[Resting]:
        return [] if self.today > 900 and order.kind is OrderKind.MARKET else super().facing(order)


class FillsTheDead(ReferenceBook):
    def enter(self, order: Order, now: int) -> list[Report]:
        reports = super().enter(order, now)
        last = reports[-1] if reports else None
        if type(last) is Expired and order.kind is OrderKind.LIMIT:
            self.resting.append(Resting(order, last.quantity))
        return reports


class ForgetsTheRest(ReferenceBook):
    def enter(self, order: Order, now: int) -> list[Report]:
        return [report for report in super().enter(order, now) if type(report) is not Expired]


class Raises(ReferenceBook):
    def found(self, order_id: int) -> Resting:
        return {item.order.order_id: item for item in self.resting if item.left != 5}[order_id]


class OneTapeForAll(ReferenceBook):
    separate_markets: ClassVar[bool] = True
    last_price: int | None = None

    def legs(self, order: Order, maker: Order, lots: int, now: int, mids: Any) -> list[Report]:
        self.last_price = maker.price
        return super().legs(order, maker, lots, now, mids)

    def state(self, market: str, /) -> VenueState:
        return super().state(market)._replace(last_price=self.last_price)


class KeepsADrop(ReferenceBook):
    def reduce(self, item: Resting, quantity: int, now: int) -> list[Report]:
        lots = item.left
        reports = super().reduce(item, quantity, now)
        if quantity >= lots == 7:
            item.left = 1
            self.resting.append(item)
        return reports
