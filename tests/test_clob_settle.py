"""The end of a market of the continuous book, and the lots left of the order at the head of a queue."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from marketsim.gateway import PRICE_MAX
from marketsim.simulation import Simulation
from marketsim.types import (
    Accepted,
    Cancelled,
    Fill,
    Order,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Report,
    Settle,
    Side,
    VenueState,
    limit_order,
    market_order,
)
from venues._traffic import Cancel, traffic
from venues.clob import ContinuousBook
from venues.oracle import OracleBook

BUY, SELL = Side.BUY, Side.SELL
BAD_PRICES: tuple[Any, ...] = True, None, 0.0, float("nan"), "1", PRICE_MAX + 1, -PRICE_MAX - 1, 2**80
BAD_MARKETS: tuple[Any, ...] = "other", "", None, []


def limit(order_id: int, side: Side, quantity: int, price: int, market: str = "A") -> Order:
    order = limit_order(market, side, quantity=quantity, price=price)
    return order._replace(order_id=order_id, owner=f"owner-{order_id}", venue="book")


def reasons(reports: list[Report]) -> list[Reason]:
    return [report.reason for report in reports if isinstance(report, Rejected)]


def send(venue: Any, message: Any, now: int) -> list[Report]:
    cancels = type(message) is Cancel
    reports = venue.cancel(*message, now) if cancels else venue.submit(message, now)
    # What a refusal says in words is the venue's own.
    return [report._replace(detail="") if type(report) is Rejected else report for report in reports]


@pytest.mark.parametrize("rule", ["allow", "cancel-taker", "cancel-maker", "cancel-both", "decrement"])
@pytest.mark.parametrize("seed", range(8))
def test_a_settlement_withdraws_what_the_oracle_would_cancel_and_leaves_the_other_market(rule: str, seed: int) -> None:
    rng = Random(seed)
    book, oracle = ContinuousBook(("A", "B"), self_trade=rule), OracleBook(("A", "B"), self_trade=rule)
    for now, message in traffic(rng, book.markets, 300, edges=False):
        assert send(book, message, now) == send(oracle, message, now)
    last, now = book.state("A").last_price, 10**6
    wanted = [oracle.cancel(order.order_id, order.owner, now)[0] for order in oracle.orders("A")]
    assert book.submit(Settle("A", 0, "book"), now) == wanted
    assert (book.orders("A"), book.state("A")) == ([], VenueState(last_price=last))
    # From now on market A takes nothing: the oracle, which cannot close it, is not shown what it would take there.
    for later, message in traffic(rng, book.markets, 300, edges=False):
        order = message.order if type(message) is Replace else message
        if type(order) is Order and order.market == "A":
            before = book.orders("B")
            assert [type(report) for report in send(book, message, now + later)] == [Rejected]
            assert book.orders("B") == before
        else:
            assert send(book, message, now + later) == send(oracle, message, now + later)
    assert (book.orders("B"), book.orders("A")) == (oracle.orders("B"), [])


def test_a_settled_market_takes_no_order_and_no_second_settlement() -> None:
    book = ContinuousBook(("A", "B"))
    for order in (limit(1, BUY, 5, 99), limit(2, SELL, 5, 101), limit(3, BUY, 5, 99, "B"), limit(4, BUY, 2, 98)):
        book.submit(order, 0)
    lapsed = book.submit(Settle("A", 0), 7)
    assert lapsed == [
        Cancelled(n, f"owner-{n}", "A", "book", 7, lots, 0) for n, lots in ((1, 5), (4, 2), (2, 5))
    ]  # fmt: skip
    for side in Side:
        late = market_order("A", side, quantity=1)._replace(order_id=9, owner="eve")
        assert reasons(book.submit(late, 8)) == [Reason.CLOSED]
        assert book.estimate_impact("A", side, 1) == (0, 0)
    assert reasons(book.submit(limit(9, BUY, 1, 100), 8)) == [Reason.CLOSED]
    assert reasons(book.submit(Replace(3, limit(9, BUY, 1, 99)._replace(owner="owner-3"), "owner-3"), 8)) == [
        Reason.CLOSED
    ]
    assert reasons(book.submit(Reduce(1, 1, "owner-1"), 8)) == [Reason.UNKNOWN_ORDER]
    assert reasons(book.cancel(1, "owner-1", 8)) == [Reason.UNKNOWN_ORDER]
    assert reasons(book.submit(Settle("A", 100), 8)) == [Reason.CLOSED]
    assert [type(report) for report in book.submit(limit(1, SELL, 5, 99, "B"), 8)] == [Fill, Fill]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        *[(Settle("A", bad), Reason.PRICE) for bad in BAD_PRICES],
        *[(Settle(bad, 0), Reason.MARKET) for bad in BAD_MARKETS],
    ],
)
def test_a_bad_settlement_changes_nothing(message: Settle, reason: Reason) -> None:
    book = ContinuousBook(("A",))
    book.submit(limit(1, BUY, 5, 99), 0)
    assert reasons(book.submit(message, 1)) == [reason]
    assert book.orders("A") == [limit(1, BUY, 5, 99)]
    assert [type(report) for report in book.submit(limit(2, BUY, 5, 99), 1)] == [Accepted]


class _Resolution:
    """Settles A at 100 ticks at step 50."""

    def __init__(self) -> None:
        self._left = [Settle("A", 100, "book")]

    def next_time(self) -> int | None:
        return 50 if self._left else None

    def emit(self, _truth: Any) -> list[Settle]:
        events, self._left = self._left, []
        return events


class _Trader:
    """Sends one limit order a step, at random about 60 ticks."""

    review_interval = 1

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.cancelled: list[Cancelled] = []

    def review(self, ctx: Any) -> None:
        side = BUY if ctx.rng.random() < 0.5 else SELL
        price = 60 + int(ctx.rng.integers(-3, 4))
        ctx.submit(limit_order("A", side, quantity=1 + int(ctx.rng.integers(0, 9)), price=price))

    def report(self, _ctx: Any, report: Report) -> None:
        if isinstance(report, Cancelled):
            self.cancelled.append(report)


def test_a_market_that_resolves_pays_every_holder_out_of_the_others() -> None:
    agents = [_Trader("ann"), _Trader("bob")]
    book = ContinuousBook(("A",))
    result = Simulation(venues={"book": book}, agents=agents, sources=[_Resolution()], seed=3).run(60)
    result.ledger.check()
    assert sum(result.ledger.cash.values()) == 0
    assert all(lots == 0 for held in result.ledger.inventory.values() for lots in held.values())
    assert {report.time for agent in agents for report in agent.cancelled} == {50}
    fills, orders = result.fills.frame(), result.orders.frame()
    assert (fills["liquidity"] == "transfer").sum() == 2
    assert fills["time"].max() == 50
    assert (orders[orders["arrived"] > 50]["outcome"] == "rejected").all()


def _halved(*, others: int = 1) -> ContinuousBook:
    book = ContinuousBook(("A",))
    for order_id in range(1, 2 + others):
        book.submit(limit(order_id, BUY, 10, 99), 0)
    book.submit(limit(9, SELL, 4, 99), 1)
    return book


@pytest.mark.parametrize("others", [0, 1])
def test_what_is_left_of_the_head_of_a_queue_is_cancelled_reduced_and_replaced(others: int) -> None:
    rest = ((99, 10),) if others else ()
    book = _halved(others=others)
    assert book.cancel(1, "owner-1", 2) == [Cancelled(1, "owner-1", "A", "book", 2, 6, 0)]
    assert book.state("A").bids == rest
    book = _halved(others=others)
    assert book.submit(Reduce(1, 6, "owner-1"), 2) == [Cancelled(1, "owner-1", "A", "book", 2, 6, 0)]
    assert book.state("A").bids == rest
    book = _halved(others=others)
    assert book.submit(Reduce(1, 5, "owner-1"), 2) == [Cancelled(1, "owner-1", "A", "book", 2, 5, 1)]
    assert [order.quantity for order in book.orders("A")] == [1] + [10] * others
    book = _halved(others=others)
    moved = book.submit(Replace(1, limit(8, BUY, 3, 98)._replace(owner="owner-1"), "owner-1"), 2)
    assert moved[0] == Cancelled(1, "owner-1", "A", "book", 2, 6, 0)
    assert book.state("A").bids == (*rest, (98, 3))


def test_a_cancel_behind_a_halved_head_leaves_the_head_halved() -> None:
    book = _halved(others=2)
    assert book.cancel(2, "owner-2", 2) == [Cancelled(2, "owner-2", "A", "book", 2, 10, 0)]
    assert [order.quantity for order in book.orders("A")] == [6, 10]
    fills = [report for report in book.submit(limit(7, SELL, 20, 99), 3) if isinstance(report, Fill)]
    assert [(fill.order_id, fill.quantity) for fill in fills[1::2]] == [(1, 6), (3, 10)]
    # What is left of an order that traded on arrival is the head of its queue.
    assert book.state("A").asks == ((99, 4),)
    assert book.cancel(7, "owner-7", 4) == [Cancelled(7, "owner-7", "A", "book", 4, 4, 0)]
