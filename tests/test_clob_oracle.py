"""The continuous book against a published queue race, and against an oracle that is a list."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.gateway import QUANTITY_MAX
from marketsim.types import (
    Fill,
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
)
from tests.test_clob import BUY, RULES, SELL, M, book_of, limit, market, told
from venues.clob import ContinuousBook


def queue_race(bids: int, asks: int, seed: int, runs: int) -> float:
    """How often the ask queue empties first when both best queues gain and lose single lots at equal rates."""
    rng = random.Random(seed)
    ups = 0.0
    for _ in range(runs):
        book = ContinuousBook((M,))
        ids: Iterator[int] = iter(range(1, 10**9))
        for side, price, count in ((BUY, 100, bids), (SELL, 101, asks)):
            for _ in range(count):
                book.submit(limit(next(ids), side, 1, price, "maker"), 0)
        for _ in range(4000):
            side = rng.choice((BUY, SELL))
            price = 100 if side is BUY else 101
            if rng.random() < 0.5:
                book.submit(limit(next(ids), side, 1, price, "maker"), 0)
            elif rng.random() < 0.5:
                book.submit(market(next(ids), side.opposite, 1, "taker"), 0)
            else:
                resting = [order for order in book.orders(M) if order.side is side]
                book.cancel(rng.choice(resting).order_id, "maker", 0)
            state = book.state(M)
            if state.mid is None:
                ups += state.best_ask is None
                break
        else:
            ups += 0.5  # undecided so late, both queues are long: a coin toss
    return ups / runs


@pytest.mark.parametrize(
    ("bids", "asks", "published"), [(1, 1, 0.5), (2, 1, 0.69765), (3, 1, 0.79061), (1, 3, 0.20939)]
)
def test_queue_race_ends_as_cont_and_de_larrard_compute(bids: int, asks: int, published: float) -> None:
    """SIAM J. Financial Math. 4(1), 2013: the probability that the next mid move is up, by queue sizes."""
    runs = 1500
    standard_error = math.sqrt(published * (1 - published) / runs)
    assert queue_race(bids, asks, 7, runs) == pytest.approx(published, abs=4 * standard_error)


@define
class Oracle:
    """The rules over a plain list of resting orders in order of arrival."""

    rule: str = "allow"
    resting: list[Order] = field(factory=list)

    def submit(self, message: Any) -> list[tuple[Any, ...]]:
        before = list(self.resting)
        if isinstance(message, Order):
            entries = self._order(message)
        elif reason := self._unfit(message.order_id, message.owner):
            return [("rejected", reason)]
        elif isinstance(message, Reduce):
            return self._withdraw(message.order_id, message.quantity)
        else:
            if any(order.order_id == message.order.order_id for order in self.resting):
                return [("rejected", Reason.DUPLICATE_ORDER)]
            cancelled = self._withdraw(message.order_id, QUANTITY_MAX)
            entries = self._order(message.order)
            if entries[0][0] != "rejected":
                entries = cancelled + entries
        if entries[0][0] == "rejected":
            self.resting = before
        return entries

    def cancel(self, order_id: int, owner: str) -> list[tuple[Any, ...]]:
        return self.submit(Reduce(order_id, QUANTITY_MAX, owner))

    def queue(self, side: Side) -> list[Order]:
        """`sorted` is stable: among equal prices, arrival decides."""
        return sorted((order for order in self.resting if order.side is side), key=lambda order: -side * order.price)

    def levels(self, side: Side) -> tuple[tuple[int, int], ...]:
        sums: dict[int, int] = defaultdict(int)
        for order in self.queue(side):
            sums[order.price] += order.quantity
        return tuple(sums.items())

    def _unfit(self, order_id: int, owner: str) -> Reason | None:
        owners = [order.owner for order in self.resting if order.order_id == order_id]
        if not owners:
            return Reason.UNKNOWN_ORDER
        return None if owners == [owner] else Reason.NOT_OWNER

    def _withdraw(self, order_id: int, quantity: int) -> list[tuple[Any, ...]]:
        at = next(at for at, order in enumerate(self.resting) if order.order_id == order_id)
        order = self.resting[at]
        left = max(0, order.quantity - quantity)
        self.resting[at : at + 1] = [order._replace(quantity=left)] if left else []
        return [("cancelled", order_id, order.quantity - left, left)]

    def _order(self, order: Order) -> list[tuple[Any, ...]]:
        if any(other.order_id == order.order_id for other in self.resting):
            return [("rejected", Reason.DUPLICATE_ORDER)]
        if order.kind is OrderKind.MARKET_TO_LIMIT:
            opposite = self.queue(order.side.opposite)
            if not opposite:
                return [("rejected", Reason.NO_LIQUIDITY)]
            order = order._replace(price=opposite[0].price, kind=OrderKind.LIMIT)
        before = list(self.resting)
        fills, withdrawn, stopped, left = self._cross(order)
        if order.post_only and self.resting != before:
            return [("rejected", Reason.POST_ONLY)]
        if order.tif is TimeInForce.FOK and (left or stopped):
            self.resting = before
            return [("expired", order.order_id, order.quantity)]
        entries = fills + withdrawn
        rests = left if order.tif is TimeInForce.GTC else 0
        if stopped:
            entries.append(("cancelled", order.order_id, stopped, rests))
        if rests:
            self.resting.append(order._replace(quantity=left))
        if left:
            entries.append(("accepted" if rests else "expired", order.order_id, left))
        return entries

    def _cross(self, order: Order) -> tuple[list[Any], list[Any], int, int]:
        fills: list[Any] = []
        withdrawn: list[Any] = []
        left, stopped = order.quantity, 0
        while left:
            makers = [maker for maker in self.queue(order.side.opposite) if order.accepts(maker.price)]
            if not makers:
                break
            maker = makers[0]
            both = min(left, maker.quantity)
            if maker.owner != order.owner or self.rule == "allow":
                fills.append(("fill", order.order_id, maker.order_id, maker.price, both))
                self._withdraw(maker.order_id, both)
                left -= both
                continue
            if order.post_only:
                self.resting = []  # it would have met an order: refused, and put back by the caller
                break
            off_taker = {"cancel-maker": 0, "decrement": both}.get(self.rule, left)
            off_maker = {"cancel-taker": 0, "decrement": both}.get(self.rule, maker.quantity)
            if off_maker:
                withdrawn += self._withdraw(maker.order_id, off_maker)
            left -= off_taker
            stopped += off_taker
        return fills, withdrawn, stopped, left


def check_answer(message: Any, reports: list[Report], before: VenueState, after: VenueState) -> None:
    """What must hold of every answer: all lots accounted for, both legs equal and opposite, mids as published."""
    order = message.order if isinstance(message, Replace) else message
    if isinstance(reports[0], Rejected):
        assert len(reports) == 1
        assert after == before
        return
    if isinstance(order, Order):
        assert sum(report.quantity for report in reports if report.order_id == order.order_id) == order.quantity
    fills = [report for report in reports if isinstance(report, Fill)]
    for taker, maker in zip(fills[::2], fills[1::2], strict=True):
        same = (taker.match_id, taker.quantity, taker.price, taker.side)
        assert (maker.match_id, maker.quantity, maker.price, maker.side.opposite) == same
        assert (taker.liquidity, maker.liquidity) == (Liquidity.TAKER, Liquidity.MAKER)
        assert order.price is None or taker.side * taker.price <= taker.side * order.price
        assert sum(leg.side * leg.money - leg.fee for leg in (taker, maker)) == 0
    for fill in fills:
        assert (fill.mid_before, fill.mid_after) == (before.mid, after.mid)
    assert after.last_price == (fills[-1].price if fills else before.last_price)


def check_twins(book: ContinuousBook, oracle: Oracle) -> None:
    state, bids, asks = book.state(M), oracle.levels(BUY), oracle.levels(SELL)
    assert (state.bids, state.asks) == (bids[: book.depth], asks[: book.depth])
    assert (state.best_bid, state.best_ask) == (bids[0][0] if bids else None, asks[0][0] if asks else None)
    assert state.best_bid is None or state.best_ask is None or state.best_bid < state.best_ask


def drive(book: ContinuousBook, oracle: Oracle, messages: list[Any]) -> Counter[Any]:
    """Send every message to both, compare after each, and drain what is left; how often each outcome came."""
    matches, outcomes = 0, Counter[Any]()
    for now, message in enumerate(messages):
        before = book.state(M)
        if type(message) is tuple:
            reports, expected = book.cancel(*message, now), oracle.cancel(*message)
        else:
            reports, expected = book.submit(message, now), oracle.submit(message)
        assert told(reports) == expected
        assert all(report.time == now for report in reports)
        check_answer(message, reports, before, book.state(M))
        check_twins(book, oracle)
        ids = [report.match_id for report in reports if isinstance(report, Fill)]
        assert ids[::2] == ids[1::2] == list(range(matches + 1, matches + 1 + len(ids) // 2))
        matches += len(ids) // 2
        outcomes.update(entry[1] if entry[0] == "rejected" else entry[0] for entry in expected)
    assert book.orders(M) == oracle.queue(BUY) + oracle.queue(SELL)
    for order in book.orders(M):
        assert told(book.cancel(order.order_id, order.owner, 0)) == [("cancelled", order.order_id, order.quantity, 0)]
    assert book.state(M)[:4] == (None, None, (), ())
    return outcomes


KINDS = (
    [(OrderKind.LIMIT, TimeInForce.GTC, False)] * 8
    + [(OrderKind.LIMIT, tif, False) for tif in (TimeInForce.IOC, TimeInForce.FOK)]
    + [(OrderKind.LIMIT, TimeInForce.GTC, True)]
    + [(OrderKind.MARKET, tif, False) for tif in (TimeInForce.IOC, TimeInForce.FOK)]
    + [(OrderKind.MARKET_TO_LIMIT, tif, False) for tif in TimeInForce]
)


def order_from(order_id: int, side: Side, quantity: int, price: int, what: Any, owner: str) -> Order:
    kind, tif, post_only = what
    return Order(
        M, side, quantity, price if kind is OrderKind.LIMIT else None, kind, tif, post_only, order_id, owner, "v"
    )


def random_stream(rng: random.Random, count: int) -> list[Any]:
    """Orders of every kind on a few prices; cancels, reductions and replacements of ids of any state, any owner."""
    messages: list[Any] = []
    for order_id in range(1, count + 1):
        owner = rng.choice("abc")
        side = rng.choice((BUY, SELL))
        price = 100 - side * rng.randint(-2, 10)
        order = order_from(order_id, side, rng.randint(1, 9), price, rng.choice(KINDS), owner)
        target = max(1, order_id - rng.randint(0, 40))
        other = rng.choice("abc")
        chance = rng.random()
        if chance < 0.65:
            messages.append(order)
        elif chance < 0.8:
            messages.append((target, other))
        elif chance < 0.9:
            messages.append(Reduce(target, rng.randint(1, 6), other))
        else:
            messages.append(Replace(target, order._replace(owner=other), other))
    return messages


@pytest.mark.parametrize("rule", RULES)
def test_agrees_with_the_oracle_on_a_long_random_stream(rule: str) -> None:
    stream = random_stream(random.Random(rule), 3000)
    outcomes = drive(book_of(self_trade=rule, depth=4), Oracle(rule), stream)
    refusals = {Reason.UNKNOWN_ORDER, Reason.NOT_OWNER, Reason.POST_ONLY, Reason.NO_LIQUIDITY, Reason.DUPLICATE_ORDER}
    assert refusals - outcomes.keys() <= {Reason.NO_LIQUIDITY, Reason.DUPLICATE_ORDER}  # rare, and tested below
    assert all(outcomes[kind] > 50 for kind in ("fill", "cancelled", "expired", "accepted"))


sides = st.sampled_from([BUY, SELL])
owners = st.sampled_from(["a", "b"])
lots = st.integers(1, 6)
orders = st.builds(order_from, st.integers(1, 40), sides, lots, st.integers(98, 102), st.sampled_from(KINDS), owners)
targets = st.integers(1, 40)
messages = st.one_of(
    orders,
    orders,
    st.tuples(targets, owners),
    st.builds(Reduce, targets, lots, owners),
    st.builds(lambda target, order: Replace(target, order, order.owner), targets, orders),
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(RULES), st.lists(messages, max_size=40))
def test_agrees_with_the_oracle_on_any_short_stream(rule: str, stream: list[Any]) -> None:
    drive(book_of(self_trade=rule), Oracle(rule), stream)
