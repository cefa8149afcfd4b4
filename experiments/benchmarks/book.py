"""The continuous book against other books, on one stream of messages.

Workload B: 60 % limit orders on their own side, 0 to 20 ticks from a mid that walks at random, 30 % cancels of a random
live order, 10 % market orders, sizes 1 to 10 lots. About 1,400 orders are live once it has settled.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from importlib import import_module
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from attrs import frozen

from marketsim.errors import ConfigError
from marketsim.streams import Streams
from marketsim.types import Accepted, Cancelled, Fill, Order, OrderKind, Report, Side, TimeInForce
from venues.clob import ContinuousBook

MESSAGES = 200_000
FLOORS = {"lightmatchingengine": 2.0, "limit-order-book": 0.6}
"""The least ratio of our rate to a peer's."""
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


def workload_b(messages: int = MESSAGES, *, seed: int = 1) -> list[Step]:
    """The workload; cancels name orders that are live when they come, ids of other messages count up from 1."""
    rng = Streams(seed).stream("workload-b")
    moves = rng.integers(-1, 2, messages) * (rng.random(messages) < 0.1)
    mids = (10_000 + np.cumsum(moves)).tolist()
    draws, picks = rng.random(messages).tolist(), rng.random(messages).tolist()
    sides, sizes = rng.integers(0, 2, messages).tolist(), rng.integers(1, 11, messages).tolist()
    offsets = rng.integers(0, 21, messages).tolist()
    book, live, steps, order_id = ContinuousBook(("X",)), _Live(), list[Step](), 0
    for now in range(messages):
        side = Side.BUY if sides[now] else Side.SELL
        if 0.6 <= draws[now] < 0.9 and len(live):
            step = Step("cancel", live.pick(picks[now]), side, 0, 0)
        else:
            order_id += 1
            kind = "market" if draws[now] >= 0.9 else "limit"
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


Run = Callable[[int, int], None]
"""Sends the messages from one place in the workload up to another."""


def _ours(steps: list[Step]) -> Run:
    """Through the public interface, orders built beforehand, every fill a typed report."""
    calls: list[Any] = [
        (step.order_id, _OWNERS[step.order_id % len(_OWNERS)]) if step.kind == "cancel" else _order(step)
        for step in steps
    ]
    book = ContinuousBook(("X",))

    def run(first: int, last: int) -> None:
        submit, cancel = book.submit, book.cancel
        for now, call in enumerate(calls[first:last], first):
            if type(call) is Order:
                submit(call, now)
            else:
                cancel(call[0], call[1], now)

    return run


def _lightmatchingengine(steps: list[Step]) -> Run:
    """It knows limit orders only: a market order is a limit at the far end, and it numbers orders itself from 1."""
    engine = import_module("lightmatchingengine.lightmatchingengine").LightMatchingEngine()

    def run(first: int, last: int) -> None:
        add, cancel = engine.add_order, engine.cancel_order
        for kind, order_id, side, quantity, price in steps[first:last]:
            if kind == "cancel":
                cancel(order_id, "X")
            elif kind == "limit":
                add("X", price, quantity, 1 if side > 0 else 2)
            else:
                add("X", 10**9 if side > 0 else 0, quantity, 1 if side > 0 else 2)

    return run


def _limit_order_book(steps: list[Step]) -> Run:
    """A C++ book through ctypes, which returns no fills."""
    book = import_module("limit_order_book").LimitOrderBook()

    def run(first: int, last: int) -> None:
        limit, market, cancel = book.limit, book.market, book.cancel
        for kind, order_id, side, quantity, price in steps[first:last]:
            if kind == "cancel":
                cancel(order_id)
            elif kind == "limit":
                limit(side > 0, order_id, quantity, price)
            else:
                market(side > 0, order_id, quantity)

    return run


BOOKS = {"marketsim": _ours, "lightmatchingengine": _lightmatchingengine, "limit-order-book": _limit_order_book}


@frozen
class Rate:
    """Messages per CPU second of one book, by round."""

    name: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return float(np.median(self.rounds))


def measure(*, rounds: int = 7, messages: int = MESSAGES) -> list[Rate]:
    """Rates of our book and of its peers on the same messages.

    Within a round the books take turns every few thousand messages, so that a machine that others use as well is as
    slow for one as for the other, and the ratio holds still where rates do not.

    Raises:
        ConfigError: a peer is not installed.
    """
    steps = workload_b(messages)
    rates: dict[str, list[float]] = {name: [] for name in BOOKS}
    for _ in range(rounds):
        runs = {name: _prepared(name, prepare, steps) for name, prepare in BOOKS.items()}
        spent = dict.fromkeys(runs, 0.0)
        gc.collect()
        gc.freeze()  # the messages were there before: collecting garbage among them is no book's work
        for first in range(0, len(steps), _TURN):
            for name, run in runs.items():
                start = process_time()
                run(first, first + _TURN)
                spent[name] += process_time() - start
        gc.unfreeze()
        for name, seconds in spent.items():
            rates[name].append(len(steps) / seconds)
    return [Rate(name, tuple(values)) for name, values in rates.items()]


def _prepared(name: str, prepare: Callable[[list[Step]], Run], steps: list[Step]) -> Run:
    try:
        return prepare(steps)
    except ImportError as error:
        raise ConfigError(f"{name} is not installed: pip install 'marketsim[bench]'") from error


def ratios(rates: list[Rate]) -> dict[str, tuple[float, float, float]]:
    """Of our rate to each peer's: (median, lowest, highest) of the ratios round by round."""
    ours = next(rate for rate in rates if rate.name == "marketsim")
    found = {}
    for rate in rates:
        if rate is not ours:
            each = [a / b for a, b in zip(ours.rounds, rate.rounds, strict=True)]
            found[rate.name] = (float(np.median(each)), min(each), max(each))
    return found
