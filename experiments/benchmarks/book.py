"""The continuous book against other books, on one stream of messages.

Workload B: limit orders on their own side, 0 to 20 ticks from a mid that walks at random, cancels of a random live
order, market orders, sizes 1 to 10 lots. "deep" has 60 % limits, 30 % cancels and 10 % markets, and about 1,400 orders
live once it has settled; "thin" has 45 %, 15 % and 40 %, and about 10 live.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from experiments.benchmarks.rounds import OURS, Prepare, Rate, Run, peer, take_turns
from marketsim.streams import Streams
from marketsim.types import Accepted, Cancelled, Fill, Order, OrderKind, Report, Side, TimeInForce
from venues.clob import ContinuousBook

MESSAGES = 200_000
SHARES = {"deep": (0.6, 0.3), "thin": (0.45, 0.15)}
"""By name of a workload, the shares of limit orders and of cancels; the rest are market orders."""
_TURN = 5_000
_OWNERS = tuple(f"agent-{number}" for number in range(50))


class Step(NamedTuple):
    """One message of the workload: kind "limit", "cancel" or "market", order id, side, lots, ticks."""

    kind: str
    order_id: int
    side: Side
    quantity: int
    price: int


class _Live:
    """Orders that rest, by the reports, with a random one in constant time."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._places: dict[int, int] = {}
        self._left: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def pick(self, share: float) -> int:
        return self._ids[int(share * len(self._ids))]

    def learn(self, reports: list[Report]) -> None:
        for report in reports:
            if type(report) is Accepted:
                self._places[report.order_id] = len(self._ids)
                self._ids.append(report.order_id)
                self._left[report.order_id] = report.quantity
            elif report.order_id in self._left and isinstance(report, (Fill, Cancelled)):
                self._left[report.order_id] -= report.quantity
                if not self._left[report.order_id]:
                    self._drop(report.order_id)

    def _drop(self, order_id: int) -> None:
        del self._left[order_id]
        place, last = self._places.pop(order_id), self._ids.pop()
        if last != order_id:
            self._ids[place] = last
            self._places[last] = place


def workload_b(messages: int = MESSAGES, *, shares: tuple[float, float] = SHARES["deep"], seed: int = 1) -> list[Step]:
    """The workload; cancels name orders that are live when they come, ids of other messages count up from 1.

    Args:
        shares: of limit orders and of cancels; the latter where no order is live are limit orders.
    """
    limits, most = shares[0], shares[0] + shares[1]
    rng = Streams(seed).stream("workload-b")
    moves = rng.integers(-1, 2, messages) * (rng.random(messages) < 0.1)
    mids = (10_000 + np.cumsum(moves)).tolist()
    draws, picks = rng.random(messages).tolist(), rng.random(messages).tolist()
    sides, sizes = rng.integers(0, 2, messages).tolist(), rng.integers(1, 11, messages).tolist()
    offsets = rng.integers(0, 21, messages).tolist()
    book, live, steps, order_id = ContinuousBook(("X",)), _Live(), list[Step](), 0
    for now in range(messages):
        side = Side.BUY if sides[now] else Side.SELL
        if limits <= draws[now] < most and len(live):
            step = Step("cancel", live.pick(picks[now]), side, 0, 0)
        else:
            order_id += 1
            kind = "market" if draws[now] >= most else "limit"
            step = Step(kind, order_id, side, sizes[now], mids[now] - side * offsets[now])
        steps.append(step)
        live.learn(_send(book, step, now))
    return steps


def _send(book: ContinuousBook, step: Step, now: int) -> list[Report]:
    owner = _OWNERS[step.order_id % len(_OWNERS)]
    if step.kind == "cancel":
        return book.cancel(step.order_id, owner, now)
    return book.submit(_order(step), now)


def _order(step: Step) -> Order:
    owner = _OWNERS[step.order_id % len(_OWNERS)]
    if step.kind == "market":
        market, ioc = OrderKind.MARKET, TimeInForce.IOC
        return Order("X", step.side, step.quantity, None, market, ioc, False, step.order_id, owner, "book")
    limit, gtc = OrderKind.LIMIT, TimeInForce.GTC
    return Order("X", step.side, step.quantity, step.price, limit, gtc, False, step.order_id, owner, "book")


Best = tuple[int, int]
"""What a book's run ends with: the best bid and the best ask in ticks, 0 where there is none."""


def _ours(steps: list[Step]) -> Run:
    """Through the public interface, orders built beforehand, every fill a typed report."""
    calls: list[Any] = [
        (step.order_id, _OWNERS[step.order_id % len(_OWNERS)]) if step.kind == "cancel" else _order(step)
        for step in steps
    ]
    book = ContinuousBook(("X",))

    def run(first: int, last: int) -> Best:
        submit, cancel = book.submit, book.cancel
        for now, call in enumerate(calls[first:last], first):
            if type(call) is Order:
                submit(call, now)
            else:
                cancel(call[0], call[1], now)
        state = book.state("X")
        return state.best_bid or 0, state.best_ask or 0

    return run


def _lightmatchingengine(steps: list[Step]) -> Run:
    """It numbers orders itself from 1, and keeps the rest of a market order: here it is cancelled."""
    engine = peer("lightmatchingengine.lightmatchingengine").LightMatchingEngine()

    def run(first: int, last: int) -> Best:
        add, cancel = engine.add_order, engine.cancel_order
        for kind, order_id, side, quantity, price in steps[first:last]:
            if kind == "cancel":
                cancel(order_id, "X")
            elif kind == "limit":
                add("X", price, quantity, 1 if side > 0 else 2)
            else:
                order, _ = add("X", 10**9 if side > 0 else 0, quantity, 1 if side > 0 else 2)
                if order.leaves_qty:
                    cancel(order.order_id, "X")
        book = engine.order_books["X"]
        return max(book.bids, default=0), min(book.asks, default=0)

    return run


def _limit_order_book(steps: list[Step]) -> Run:
    """A C++ book through ctypes, which returns no fills."""
    book = peer("limit_order_book").LimitOrderBook()

    def run(first: int, last: int) -> Best:
        limit, market, cancel = book.limit, book.market, book.cancel
        for kind, order_id, side, quantity, price in steps[first:last]:
            if kind == "cancel":
                cancel(order_id)
            elif kind == "limit":
                limit(side > 0, order_id, quantity, price)
            else:
                market(side > 0, order_id, quantity)
        return book.best_buy(), book.best_sell()

    return run


BOOKS = {OURS: _ours, "lightmatchingengine": _lightmatchingengine, "limit-order-book": _limit_order_book}


def measure(workload: str = "deep", *, rounds: int = 7, messages: int = MESSAGES) -> list[Rate]:
    """Messages per second of our book and of its peers on the same messages.

    Args:
        workload: one of `SHARES`.

    Raises:
        ConfigError: a peer is not installed.
    """
    steps = workload_b(messages, shares=SHARES[workload])
    contestants: dict[str, Prepare] = {name: partial(prepare, steps) for name, prepare in BOOKS.items()}
    return take_turns(contestants, length=messages, turn=_TURN, rounds=rounds)
