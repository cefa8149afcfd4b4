"""The rules of the continuous book, one by one."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.gateway import PRICE_MAX, QUANTITY_MAX
from marketsim.types import (
    Accepted,
    Cancelled,
    Feed,
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
    limit_order,
    market_order,
)
from venues.clob import ContinuousBook

BUY, SELL = Side.BUY, Side.SELL
RULES = ("allow", "cancel-taker", "cancel-maker", "cancel-both", "decrement")
M = "ACME"


def limit(order_id: int, side: Side, quantity: int, price: int, owner: str = "", **more: Any) -> Order:
    order = limit_order(M, side, quantity=quantity, price=price, **more)
    return order._replace(order_id=order_id, owner=owner or f"owner-{order_id}", venue="book")


def market(order_id: int, side: Side, quantity: int, owner: str = "", **more: Any) -> Order:
    order = market_order(M, side, quantity=quantity, **more)
    return order._replace(order_id=order_id, owner=owner or f"owner-{order_id}", venue="book")


def to_limit(order_id: int, side: Side, quantity: int, tif: TimeInForce = TimeInForce.GTC) -> Order:
    return Order(M, side, quantity, None, OrderKind.MARKET_TO_LIMIT, tif, False, order_id, f"owner-{order_id}", "book")


def book_of(*orders: Order, **settings: Any) -> ContinuousBook:
    book = ContinuousBook((M,), **settings)
    for order in orders:
        reports = book.submit(order, 0)
        assert [type(report) for report in reports] == [Accepted]
    return book


def told(reports: list[Report]) -> list[tuple[Any, ...]]:
    """Reports as the oracle writes them: one entry per match."""
    entries: list[tuple[Any, ...]] = []
    for at, report in enumerate(reports):
        if isinstance(report, Fill):
            if report.liquidity is Liquidity.TAKER:
                entries.append(("fill", report.order_id, reports[at + 1].order_id, report.price, report.quantity))
        elif isinstance(report, Rejected):
            entries.append(("rejected", report.reason))
        elif isinstance(report, Cancelled):
            entries.append(("cancelled", report.order_id, report.quantity, report.remaining))
        else:
            entries.append((type(report).__name__.lower(), report.order_id, report.quantity))
    return entries


def test_price_first_then_time_at_the_makers_price() -> None:
    book = book_of(limit(1, SELL, 5, 102), limit(2, SELL, 5, 101), limit(3, SELL, 5, 101))
    assert told(book.submit(limit(9, BUY, 12, 105), 1)) == [
        ("fill", 9, 2, 101, 5),
        ("fill", 9, 3, 101, 5),
        ("fill", 9, 1, 102, 2),
    ]
    assert book.state(M) == VenueState(None, 102, (), ((102, 3),), 102)


def test_a_partial_fill_keeps_its_place_and_so_does_a_reduced_order_but_not_a_replaced_one() -> None:
    book = book_of(*(limit(order_id, BUY, 5, 100) for order_id in (1, 2, 3)))
    book.submit(market(8, SELL, 2), 1)
    assert told(book.submit(Reduce(1, 1, "owner-1"), 2)) == [("cancelled", 1, 1, 2)]
    replaced = book.submit(Replace(2, limit(4, BUY, 5, 100, "owner-2"), "owner-2"), 3)
    assert told(replaced) == [("cancelled", 2, 5, 0), ("accepted", 4, 5)]
    assert [(order.order_id, order.quantity) for order in book.orders(M)] == [(1, 2), (3, 5), (4, 5)]


def test_a_reduction_by_the_rest_or_more_removes_the_order() -> None:
    for quantity in (5, 6):
        book = book_of(limit(1, BUY, 5, 100))
        assert told(book.submit(Reduce(1, quantity, "owner-1"), 1)) == [("cancelled", 1, 5, 0)]
        assert book.state(M) == VenueState()


def test_ioc_trades_what_it_can_and_fok_all_or_nothing() -> None:
    resting = (limit(1, SELL, 5, 101), limit(2, SELL, 5, 103))
    ioc, fok = TimeInForce.IOC, TimeInForce.FOK
    assert told(book_of(*resting).submit(limit(9, BUY, 8, 102, tif=ioc), 1)) == [
        ("fill", 9, 1, 101, 5),
        ("expired", 9, 3),
    ]
    book = book_of(*resting)
    assert told(book.submit(limit(9, BUY, 6, 102, tif=fok), 1)) == [("expired", 9, 6)]
    assert told(book.submit(market(9, BUY, 11, tif=fok), 1)) == [("expired", 9, 11)]
    assert book.orders(M) == book_of(*resting).orders(M)
    assert told(book.submit(market(9, BUY, 10, tif=fok), 1)) == [("fill", 9, 1, 101, 5), ("fill", 9, 2, 103, 5)]
    assert told(book.submit(market(9, BUY, 10), 1)) == [("expired", 9, 10)]


def test_market_to_limit_sweeps_the_best_price_and_rests_there() -> None:
    resting = (limit(1, SELL, 5, 101), limit(2, SELL, 5, 102))
    book = book_of(*resting)
    assert told(book.submit(to_limit(9, BUY, 8), 1)) == [("fill", 9, 1, 101, 5), ("accepted", 9, 3)]
    assert (book.state(M).best_bid, book.state(M).best_ask) == (101, 102)
    assert book.orders(M)[0] == limit(9, BUY, 3, 101)
    assert told(book_of(*resting).submit(to_limit(9, BUY, 8, TimeInForce.IOC), 1))[-1] == ("expired", 9, 3)
    assert told(book_of(*resting).submit(to_limit(9, BUY, 8, TimeInForce.FOK), 1)) == [("expired", 9, 8)]
    assert told(book_of(*resting).submit(to_limit(9, SELL, 8), 1)) == [("rejected", Reason.NO_LIQUIDITY)]


def test_post_only_is_refused_at_the_opposite_price_and_rests_behind_it() -> None:
    book = book_of(limit(1, SELL, 5, 101))
    assert told(book.submit(limit(9, BUY, 1, 101, post_only=True), 1)) == [("rejected", Reason.POST_ONLY)]
    assert told(book.submit(limit(9, BUY, 1, 100, post_only=True), 1)) == [("accepted", 9, 1)]


SELF_TRADES = {
    "allow": [("fill", 9, 1, 100, 2), ("fill", 9, 2, 100, 3), ("fill", 9, 3, 100, 2)],
    "cancel-taker": [("fill", 9, 1, 100, 2), ("cancelled", 9, 5, 0)],
    "cancel-maker": [("fill", 9, 1, 100, 2), ("fill", 9, 3, 100, 4), ("cancelled", 2, 3, 0), ("accepted", 9, 1)],
    "cancel-both": [("fill", 9, 1, 100, 2), ("cancelled", 2, 3, 0), ("cancelled", 9, 5, 0)],
    "decrement": [("fill", 9, 1, 100, 2), ("fill", 9, 3, 100, 2), ("cancelled", 2, 3, 0), ("cancelled", 9, 3, 0)],
}


@pytest.mark.parametrize("rule", RULES)
def test_an_order_that_meets_its_own_account(rule: str) -> None:
    resting = (limit(1, SELL, 2, 100), limit(2, SELL, 3, 100, "me"), limit(3, SELL, 4, 100))
    assert told(book_of(*resting, self_trade=rule).submit(limit(9, BUY, 7, 100, "me"), 1)) == SELF_TRADES[rule]
    fok = book_of(*resting, self_trade=rule).submit(limit(9, BUY, 6, 100, "me", tif=TimeInForce.FOK), 1)
    assert (told(fok) == [("expired", 9, 6)]) == (rule not in {"allow", "cancel-maker"})


def test_decrement_leaves_the_larger_order_with_the_difference() -> None:
    book = book_of(limit(1, SELL, 5, 100, "me"), self_trade="decrement")
    assert told(book.submit(limit(9, BUY, 2, 100, "me"), 1)) == [("cancelled", 1, 2, 3), ("cancelled", 9, 2, 0)]
    assert told(book.submit(limit(10, BUY, 7, 100, "me"), 1)) == [
        ("cancelled", 1, 3, 0),
        ("cancelled", 10, 3, 4),
        ("accepted", 10, 4),
    ]


@pytest.mark.parametrize(
    ("maker_ppm", "taker_ppm", "maker_fee", "taker_fee"),
    [(0, 0, 0, 0), (0, 500, 0, 1), (200, 500, 1, 1), (-200, 500, 0, 1), (-2000, 5000, -2, 6), (5000, -2000, 6, -2)],
)
def test_fees_round_up_and_go_on_top_of_what_a_buyer_pays_and_off_what_a_seller_gets(
    maker_ppm: int, taker_ppm: int, maker_fee: int, taker_fee: int
) -> None:
    rates = {"maker_fee_ppm": maker_ppm, "taker_fee_ppm": taker_ppm}
    for side, low in ((BUY, 1), (SELL, -201)):
        price = 101 if low > 0 else -101  # the notional that is charged has no sign
        book = book_of(limit(1, side.opposite, 11, price), min_price=None, **rates)
        taker, maker = book.submit(market(9, side, 11), 1)
        assert isinstance(taker, Fill)
        assert isinstance(maker, Fill)
        assert (taker.fee, maker.fee) == (taker_fee, maker_fee)
        assert taker.money == 11 * price + side * taker_fee
        assert maker.money == 11 * price - side * maker_fee


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_venue_never_pays_more_in_rebates_than_it_charges(maker: int, taker: int, price: int, quantity: int) -> None:
    if maker + taker < 0:
        with pytest.raises(ConfigError, match="sum of at least 0"):
            book_of(maker_fee_ppm=maker, taker_fee_ppm=taker)
        return
    book = book_of(limit(1, SELL, quantity, price), maker_fee_ppm=maker, taker_fee_ppm=taker)
    legs = [report for report in book.submit(market(9, BUY, quantity), 1) if isinstance(report, Fill)]
    charged = sum(leg.fee for leg in legs)
    assert charged >= 0
    assert sum(leg.side * leg.money for leg in legs) == charged
    for leg, rate in zip(legs, (taker, maker), strict=True):
        assert 0 <= leg.fee * 10**6 - price * quantity * rate < 10**6


BAD_QUANTITIES = [0, -1, True, 1.0, math.nan, math.inf, 2**80, None, "1"]
BAD_PRICES = [True, 100.0, math.nan, math.inf, -math.inf, 2**80, -(2**80), "100", None]
GOOD = limit(9, BUY, 10, 95)


@pytest.mark.parametrize(
    ("message", "reason"),
    [(GOOD._replace(quantity=bad), Reason.QUANTITY) for bad in BAD_QUANTITIES]
    + [(GOOD._replace(price=bad), Reason.PRICE) for bad in BAD_PRICES]
    + [(GOOD._replace(price=bad), Reason.PRICE) for bad in (0, -5, 85)]
    + [(GOOD._replace(order_id=bad), Reason.ORDER_ID) for bad in (0, -1, True, 9.0, math.nan, 2**80)]
    + [(GOOD._replace(side=bad), Reason.SIDE) for bad in (1, -1, 0, "buy", None)]
    + [(GOOD._replace(owner=bad), Reason.OWNER) for bad in ("", None, 3)]
    + [(GOOD._replace(market=bad), Reason.MARKET) for bad in ("OTHER", None, ["ACME"])]
    + [(GOOD._replace(post_only=bad), Reason.KIND) for bad in (1, 0, None)]
    + [(GOOD._replace(tif=bad), Reason.KIND) for bad in ("gtc", None)]
    + [(GOOD._replace(tif=TimeInForce.IOC, post_only=True), Reason.KIND)]
    + [(GOOD._replace(kind=OrderKind.MARKET, tif=TimeInForce.IOC), Reason.KIND)]
    + [(GOOD._replace(kind=OrderKind.MARKET, price=None), Reason.KIND)]
    + [(GOOD._replace(price=96), Reason.OFF_GRID), (GOOD._replace(quantity=11), Reason.OFF_GRID)]
    + [(market(9, BUY, 11), Reason.OFF_GRID)]
    + [(GOOD._replace(order_id=1), Reason.DUPLICATE_ORDER)]
    + [(Reduce(1, bad, "owner-1"), Reason.QUANTITY) for bad in BAD_QUANTITIES]
    + [(Reduce(bad, 2, "owner-1"), Reason.ORDER_ID) for bad in (0, True, 1.0, math.nan, 2**80, None, [])]
    + [(Reduce(1, 3, "owner-1"), Reason.OFF_GRID), (Reduce(7, 2, "owner-1"), Reason.UNKNOWN_ORDER)]
    + [(Reduce(1, 2, "owner-2"), Reason.NOT_OWNER)]
    + [(Replace(7, GOOD, "owner-9"), Reason.UNKNOWN_ORDER), (Replace(1, GOOD, "owner-9"), Reason.NOT_OWNER)]
    + [(Replace(1, GOOD, "owner-1"), Reason.NOT_OWNER)]
    + [
        (Replace(1, GOOD._replace(owner="owner-1", order_id=used), "owner-1"), Reason.DUPLICATE_ORDER)
        for used in (1, 2)
    ]
    + [(Replace(1, GOOD._replace(owner="owner-1", price=106), "owner-1"), Reason.OFF_GRID)]
    + [(Replace(1, limit(9, BUY, 2, 110, "owner-1", post_only=True), "owner-1"), Reason.POST_ONLY)]
    + [(Replace(1, None, "owner-1"), Reason.UNSUPPORTED)]
    + [(message, Reason.UNSUPPORTED) for message in (Feed(M, 100, 2), None, "buy", 3, (1, "owner-1"))],
)
def test_bad_input_is_refused_with_a_reason_and_changes_nothing(message: Any, reason: Reason) -> None:
    book = book_of(limit(1, BUY, 4, 100), limit(2, SELL, 4, 110), price_step=5, quantity_step=2, min_price=90)
    before = (book.state(M), book.orders(M))
    reports = book.submit(message, 7)
    assert [type(report) for report in reports] == [Rejected]
    assert (reports[0].reason, reports[0].time) == (reason, 7)  # type: ignore[union-attr]
    if isinstance(message, Replace) and isinstance(message.order, Order):
        assert reports[0].order_id == message.order.order_id
    assert (book.state(M), book.orders(M)) == before
    if reason is not Reason.OFF_GRID and message not in ((GOOD._replace(price=85)), GOOD._replace(price=0)):
        plain = book_of(limit(1, BUY, 4, 100), limit(2, SELL, 4, 110), min_price=90)
        assert [type(report) for report in plain.submit(message, 7)] == [Rejected]


@pytest.mark.parametrize(
    ("order_id", "owner", "reason"),
    [(bad, "owner-1", Reason.ORDER_ID) for bad in (0, -1, True, 1.0, math.nan, 2**80, None, [])]
    + [(7, "owner-7", Reason.UNKNOWN_ORDER), (1, "owner-2", Reason.NOT_OWNER), (1, "", Reason.NOT_OWNER)],
)
def test_a_cancel_that_cannot_be_is_refused(order_id: Any, owner: str, reason: Reason) -> None:
    book = book_of(limit(1, BUY, 4, 100))
    assert told(book.cancel(order_id, owner, 3)) == [("rejected", reason)]
    assert book.orders(M) == [limit(1, BUY, 4, 100)]


def test_a_replacement_is_judged_without_the_order_that_it_replaces() -> None:
    own = (limit(1, SELL, 5, 101, "me"), limit(2, SELL, 5, 103))
    new = limit(9, BUY, 5, 102, "me", post_only=True)
    assert told(book_of(*own).submit(Replace(1, new, "me"), 1)) == [("cancelled", 1, 5, 0), ("accepted", 9, 5)]
    sweep = to_limit(9, BUY, 5)._replace(owner="me")
    assert told(book_of(own[0]).submit(Replace(1, sweep, "me"), 1)) == [("rejected", Reason.NO_LIQUIDITY)]
    behind = (*own, limit(3, SELL, 5, 101))
    assert told(book_of(*behind).submit(Replace(1, new, "me"), 1)) == [("rejected", Reason.POST_ONLY)]


def test_a_replacement_that_trades_tells_the_mid_before_the_cancel() -> None:
    book = book_of(limit(1, BUY, 5, 99, "me"), limit(2, BUY, 5, 95), limit(3, SELL, 5, 101))
    fill = book.submit(Replace(1, limit(9, BUY, 2, 101, "me"), "me"), 1)[1]
    assert isinstance(fill, Fill)
    assert (fill.mid_before, fill.mid_after) == (100.0, 98.0)


def test_impact_walks_the_whole_book_and_state_only_its_depth() -> None:
    book = book_of(*(limit(n, SELL, n, 100 + n) for n in range(1, 6)), depth=2)
    assert book.state(M).asks == ((101, 1), (102, 2))
    assert book.estimate_impact(M, BUY, 100) == (15, sum(n * (100 + n) for n in range(1, 6)))
    assert book.estimate_impact(M, BUY, 2) == (2, 101 + 102)
    assert book.estimate_impact(M, SELL, 2) == (0, 0)
    assert (book.clock(5), book.next_clock(5)) == ([], None)


def test_markets_are_apart_but_ids_are_not() -> None:
    book = ContinuousBook(("A", "B"))
    order = limit(1, SELL, 5, 101)._replace(market="A")
    book.submit(order, 0)
    assert told(book.submit(order._replace(market="B"), 1)) == [("rejected", Reason.DUPLICATE_ORDER)]
    assert told(book.submit(market(2, BUY, 5)._replace(market="B"), 1)) == [("expired", 2, 5)]
    moved = book.submit(Replace(1, order._replace(order_id=3, market="B"), "owner-1"), 2)
    assert told(moved) == [("cancelled", 1, 5, 0), ("accepted", 3, 5)]
    assert (book.state("A").best_ask, book.state("B").best_ask) == (None, 101)


def test_a_long_queue_stays_in_order_while_its_head_and_its_middle_go() -> None:
    count = 1000
    book = book_of(*(limit(order_id, BUY, 2, 100) for order_id in range(1, count + 1)))
    alive = list(range(1, count + 1))
    rng = random.Random(3)
    for order_id in range(count + 1, count + 800):
        if rng.random() < 0.5:
            gone = alive.pop(rng.randrange(len(alive)))
            book.cancel(gone, f"owner-{gone}", 0)
        else:
            assert told(book.submit(market(order_id, SELL, 2), 0))[0][2] == alive.pop(0)
            # Finding the head of the queue walks over these holes: they must not pile up.
            assert book._books[M].bids.levels[100].holes ** 2 <= 32 * len(alive) + 64**2
        assert book.state(M).bids == ((100, 2 * len(alive)),)
    assert [order.order_id for order in book.orders(M)] == alive


def test_prices_and_quantities_at_their_bounds() -> None:
    book = book_of(limit(1, SELL, QUANTITY_MAX, PRICE_MAX), limit(2, BUY, QUANTITY_MAX, -PRICE_MAX), min_price=None)
    assert told(book.submit(market(8, BUY, QUANTITY_MAX), 1)) == [("fill", 8, 1, PRICE_MAX, QUANTITY_MAX)]
    assert told(book.submit(market(9, SELL, QUANTITY_MAX), 1)) == [("fill", 9, 2, -PRICE_MAX, QUANTITY_MAX)]
    assert book.state(M)[:4] == (None, None, (), ())


@pytest.mark.parametrize(
    "settings",
    [{name: bad} for name in ("price_step", "quantity_step", "depth") for bad in (0, -1, True, 1.0, math.nan, None)]
    + [{name: bad} for name in ("maker_fee_ppm", "taker_fee_ppm") for bad in (True, 0.5, math.inf, 10**6 + 1, 2**80)]
    + [{"min_price": bad} for bad in (True, 1.0, math.nan, 2**80)]
    + [{"self_trade": bad} for bad in ("", "deny", None, True)]
    + [{"price_step": 2**80}, {"maker_fee_ppm": -1}, {"maker_fee_ppm": -6, "taker_fee_ppm": 5}],
)
def test_bad_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        ContinuousBook((M,), **settings)


@pytest.mark.parametrize("markets", [(), "ACME", ["ACME"], ("",), (1,), ("A", "A"), None])
def test_bad_markets_are_refused(markets: Any) -> None:
    with pytest.raises(ConfigError):
        ContinuousBook(markets)


@pytest.mark.parametrize(
    "question",
    [
        lambda book: book.state("OTHER"),
        lambda book: book.orders("OTHER"),
        lambda book: book.estimate_impact("OTHER", BUY, 1),
        lambda book: book.estimate_impact(M, 1, 1),
        lambda book: book.estimate_impact(M, BUY, 0),
        lambda book: book.estimate_impact(M, BUY, math.nan),
    ],
)
def test_a_senseless_question_is_an_error(question: Any) -> None:
    with pytest.raises(ConfigError):
        question(book_of())
