"""Rules that a venue claims, judged after every call like those that hold of every venue."""

from __future__ import annotations

from typing import Any

from marketsim.testing.desk import Call, Desk, Life, Rule
from marketsim.testing.failures import Broken
from marketsim.testing.program import code
from marketsim.testing.rules import UNIVERSAL
from marketsim.types import (
    Cancelled,
    Fill,
    Liquidity,
    Order,
    OrderKind,
    Rejected,
    Replace,
    Side,
    TimeInForce,
)


def price_time(desk: Desk, call: Call) -> None:  # noqa: ARG001 every rule has this form
    """The oldest order at the best price trades, at its price; nothing is left undone that could trade.

    Judged before the desk's account is brought up to date: `call.orders` are the lives as they were.
    """
    message: Any = call.message
    order = message if type(message) is Order else message.order if type(message) is Replace else None
    if call.kind != "submit" or order is None or any(type(report) is Rejected for report in call.reports):
        return
    if _unknown([life for life, _, _ in call.orders.values()], order.market, order.side.opposite):
        return
    prevented = {report.order_id: True for report in call.reports if type(report) is Cancelled}
    queue = _queue(call, order, prevented)
    lots = {life.order.order_id: left for life, left in queue}
    for report in call.reports:
        if type(report) is not Fill or report.order_id in {0, order.order_id}:
            continue
        first = next((life for life, _ in queue if lots[life.order.order_id] > 0), None)
        if first is None or first.order.order_id != report.order_id:
            wanted = f"order {first.order.order_id} to trade first: {code(first.order)}" if first else "no more trades"
            raise Broken("price-time", wanted, code(report))
        if report.price != first.limit:
            raise Broken("price-time", f"a trade at the maker's price, {first.limit}", code(report))
        if report.liquidity is not Liquidity.MAKER:
            raise Broken("price-time", "liquidity MAKER on the leg of the resting order", code(report))
        lots[report.order_id] -= report.quantity
    _left_undone(call, order, queue, lots)


def _queue(call: Call, order: Order, prevented: dict[int, bool]) -> list[tuple[Life, int]]:
    facing = [
        (life, left)
        for order_id, (life, left, _) in call.orders.items()
        if life.order.market == order.market and life.order.side is not order.side and order_id not in prevented
    ]
    facing.sort(key=lambda item: (order.side * (item[0].limit or 0), item[0].place))
    return facing


def _left_undone(call: Call, order: Order, queue: list[tuple[Life, int]], lots: dict[int, int]) -> None:
    unfilled = any(
        type(report) is not Fill and report.order_id == order.order_id and type(report) is not Cancelled
        for report in call.reports
    )
    prevention = any(life.order.owner == order.owner for life, _ in queue)
    if not unfilled or prevention or order.kind is OrderKind.MARKET_TO_LIMIT:
        return
    open_lots = [
        (life, lots[life.order.order_id])
        for life, _ in queue
        if lots[life.order.order_id] > 0 and life.limit is not None and order.accepts(life.limit)
    ]
    enough = sum(left for _, left in open_lots) >= order.quantity
    if open_lots and (order.tif is not TimeInForce.FOK or enough):
        wanted = f"{code(order)} to trade with order {open_lots[0][0].order.order_id} as well"
        raise Broken("price-time", wanted, ", ".join(map(code, call.reports)))


def never_crossed(desk: Desk, call: Call) -> None:  # noqa: ARG001 every rule has this form
    """The best bid is below the best ask."""
    for market in desk.profile.markets:
        bid, ask = desk.ask("state", market)[:2]
        if bid is not None and ask is not None and bid >= ask:
            raise Broken("never-crossed", "a best bid below the best ask", f"bid {bid}, ask {ask} in {market}")


def open_book(desk: Desk, call: Call) -> None:
    """The published levels are the live limit orders, summed by price, as many a side as `depth` says."""
    if call.kind == "idle":
        return
    depth: int | None = getattr(desk.venue, "depth", None)
    for market in desk.profile.markets:
        state = desk.ask("state", market)
        for side, levels in ((Side.BUY, state.bids), (Side.SELL, state.asks)):
            if _unknown(list(desk.live.values()), market, side):
                continue
            wanted: dict[int, int] = {}
            for life in desk.live.values():
                order = life.order
                if order.market == market and order.side is side and life.limit is not None:
                    wanted[life.limit] = wanted.get(life.limit, 0) + life.left
            best_first = tuple(sorted(wanted.items(), key=lambda level: -side * level[0]))
            if levels != best_first[:depth]:
                came = f"{side.name} levels {levels} in {market}"
                raise Broken("open-book", f"levels {best_first}, the sum of the live orders", came)


def _unknown(lives: list[Life], market: str, side: Side) -> bool:
    # A market-to-limit order may have met its own account only: then no report has told at which price it rests.
    return any(
        life.limit is None and life.order.kind is OrderKind.MARKET_TO_LIMIT and life.order.side is side
        for life in lives
        if life.order.market == market
    )


def uniform_price(desk: Desk, call: Call) -> None:
    """All trades of a market in one clear are at one price."""
    if call.kind != "clock":
        return
    for market in desk.profile.markets:
        fills = _fills(call, market)
        if any(fill.price != fills[0].price for fill in fills):
            prices = sorted(dict.fromkeys(fill.price for fill in fills))
            raise Broken("uniform-price", f"one price in the clear of {market} at {call.now}", f"prices {prices}")


def market_clearing(desk: Desk, call: Call) -> None:
    """The volume is the largest that any price can execute, and limits strictly better than the price fill in full."""
    if call.kind != "clock":
        return
    for market in desk.profile.markets:
        waiting = [(life.order.side, limit, left) for life, left, limit in call.orders.values() if _in(life, market)]
        fills = _fills(call, market)
        priced = [limit for _, limit, _ in waiting if limit is not None]
        volume = sum(fill.quantity for fill in fills if fill.side is Side.BUY)
        most = max((_executable(waiting, price) for price in priced), default=volume)
        if volume != most:
            wanted = f"{most} lots to trade in the clear of {market} at {call.now}, the most that any price executes"
            raise Broken("market-clearing", wanted, f"{volume} lots traded")
        if fills:
            _none_better_unfilled(call, market, fills[0].price)


def _executable(waiting: list[tuple[Side, int | None, int]], price: int) -> int:
    demand = sum(lots for side, limit, lots in waiting if side is Side.BUY and (limit is None or limit >= price))
    supply = sum(lots for side, limit, lots in waiting if side is Side.SELL and (limit is None or limit <= price))
    return min(demand, supply)


def _none_better_unfilled(call: Call, market: str, price: int) -> None:
    filled: dict[int, int] = {}
    for fill in _fills(call, market):
        filled[fill.order_id] = filled.get(fill.order_id, 0) + fill.quantity
    for life, left, limit in call.orders.values():
        order = life.order
        better = limit is not None and order.side * (limit - price) > 0
        if order.market == market and better and filled.get(order.order_id, 0) < left:
            wanted = f"order {order.order_id} filled in full: it is strictly better than the price {price}"
            raise Broken("market-clearing", wanted, f"{filled.get(order.order_id, 0)} of its {left} lots traded")


def _fills(call: Call, market: str) -> list[Fill]:
    return [report for report in call.reports if type(report) is Fill and report.market == market]


def _in(life: Life, market: str) -> bool:
    return life.order.market == market


BEFORE: dict[str, Rule] = {"price-time": price_time}
"""Judged before the desk's account changes, by claim."""

AFTER: dict[str, Rule] = {
    "never-crossed": never_crossed,
    "open-book": open_book,
    "uniform-price": uniform_price,
    "market-clearing": market_clearing,
}
"""Judged afterwards, by claim."""


def rules_for(claims: tuple[str, ...]) -> tuple[Rule, ...]:
    """The universal rules with those of `claims` in their places."""
    first, *rest = UNIVERSAL
    before = [BEFORE[claim] for claim in claims if claim in BEFORE]
    after = [AFTER[claim] for claim in claims if claim in AFTER]
    return (first, *before, *rest, *after)
