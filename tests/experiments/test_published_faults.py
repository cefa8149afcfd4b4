"""The faults of the published study by hand: its book, its capital, and the maker that lived off them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import venues
from agents.belief import ScalarBelief
from experiments.published import PublishedBook, PublishedCapital, PublishedMaker, example_book
from marketsim.fairvalue import ConstantFairValue
from marketsim.registry import load, plugins
from marketsim.simulation import Simulation
from marketsim.testing import check_venue
from marketsim.types import (
    Accepted,
    Cancelled,
    Fill,
    OrderKind,
    Reason,
    Rejected,
    Side,
    TimeInForce,
    VenueState,
    limit_order,
    market_order,
)
from tests.agents.desk import Desk, quote
from venues.clob import ContinuousBook

BUY, SELL = Side.BUY, Side.SELL
MARKET = "ACME"


# Fault A, by hand


def book_of(*quotes, kind=PublishedBook):
    """A book with resting orders (side, price) or (side, price, quantity), ids from 1, owners o1, o2, ..."""
    book = kind((MARKET, "BOLT"))
    for number, (side, price, *quantity) in enumerate(quotes, start=1):
        order = limit_order(MARKET, side, quantity=(quantity or [10])[0], price=price)
        book.submit(order._replace(order_id=number, owner=f"o{number}"), number)
    return book


def send(book, order, order_id=99, now=50):
    return book.submit(order._replace(order_id=order_id, owner="taker"), now)


def ids(book, market=MARKET):
    return sorted(order.order_id for order in book.orders(market))


def resting(book):
    return ids(book._book)


LADDER = ((BUY, 97), (BUY, 98), (BUY, 99), (SELL, 101), (SELL, 102), (SELL, 103))


def test_cancelling_a_bid_empties_the_bids_below_it():
    book = book_of(*LADDER)
    reports = book.cancel(2, "o2", 9)
    assert resting(book) == [3, 4, 5, 6]
    # The owner of the order below is told of it like the one who asked.
    told = [(report.order_id, report.owner, report.quantity) for report in reports if type(report) is Cancelled]
    assert told == [(1, "o1", 10), (2, "o2", 10)]
    assert len(reports) == 2
    state = book.state(MARKET)
    assert (state.best_bid, state.best_ask, state.mid) == (99, 101, 100)
    assert state.bids == ((99, 10), (97, 0))  # the level of the order itself is gone, the one below is a ghost


def test_cancelling_the_best_bid_leaves_ghosts_as_best_prices():
    book = book_of(*LADDER)
    book.cancel(3, "o3", 9)
    assert resting(book) == [4, 5, 6]
    state = book.state(MARKET)
    assert (state.best_bid, state.best_ask, state.mid) == (98, 101, 99.5)
    assert state.bids == ((98, 0), (97, 0))


def test_cancelling_an_ask_empties_all_bids_and_the_asks_below_it():
    book = book_of(*LADDER)
    reports = book.cancel(5, "o5", 9)
    assert resting(book) == [6]
    assert [report.order_id for report in reports] == [1, 2, 3, 4, 5]
    state = book.state(MARKET)
    assert state.bids == ((99, 0), (98, 0), (97, 0))
    assert state.asks == ((101, 0), (103, 10))


def test_cancelling_a_filled_order_empties_both_sides():
    book = book_of(*LADDER)
    send(book, market_order(MARKET, BUY, quantity=10))
    reports = book.cancel(4, "o4", 60)
    assert resting(book) == []
    assert [type(report) for report in reports] == [Cancelled] * 5 + [Rejected]
    assert (reports[-1].order_id, reports[-1].reason) == (4, Reason.UNKNOWN_ORDER)
    state = book.state(MARKET)
    assert (state.best_bid, state.best_ask) == (99, 102)


def test_orders_at_the_price_of_the_cancelled_one_and_other_markets_are_spared():
    book = book_of((BUY, 98), (BUY, 99), (BUY, 99))
    other = limit_order("BOLT", BUY, quantity=1, price=5)._replace(order_id=50, owner="o50")
    book.submit(other, 4)
    book.cancel(3, "o3", 9)
    assert resting(book) == [2]
    assert ids(book._book, "BOLT") == [50]


def test_ghosts_have_nothing_to_offer():
    book = book_of(*LADDER)
    book.cancel(3, "o3", 9)
    assert book.estimate_impact(MARKET, SELL, 1) == (0, 0)
    book = book_of(*LADDER, (SELL, 110, 7))
    book.cancel(6, "o6", 9)  # ghosts 97-99, 101, 102; 103 is gone
    assert book.estimate_impact(MARKET, BUY, 100) == (7, 770)
    assert book.state(MARKET).best_ask == 101


@pytest.mark.parametrize(
    ("order", "bids", "asks"),
    [
        (limit_order(MARKET, BUY, quantity=3, price=101), ((101, 3), (98, 0), (97, 0)), ((102, 0), (110, 7))),
        (limit_order(MARKET, BUY, quantity=3, price=105), ((105, 3), (98, 0), (97, 0)), ((110, 7),)),
        (market_order(MARKET, BUY, quantity=3), ((98, 0), (97, 0)), ((110, 4),)),
        (market_order(MARKET, BUY, quantity=30), ((98, 0), (97, 0)), ()),
        (limit_order(MARKET, SELL, quantity=3, price=98), ((97, 0),), ((98, 3), (101, 0), (102, 0), (110, 7))),
        (market_order(MARKET, SELL, quantity=3), (), ((101, 0), (102, 0), (110, 7))),
        (limit_order(MARKET, BUY, quantity=3, price=97), ((98, 0), (97, 3)), ((101, 0), (102, 0), (110, 7))),
    ],
)
def test_a_ghost_goes_when_an_order_walks_over_it_or_rests_at_it(order, bids, asks):
    book = book_of((BUY, 97), (BUY, 98), (SELL, 101), (SELL, 102), (SELL, 103), (SELL, 110, 7))
    book.cancel(5, "o5", 9)
    assert book.state(MARKET).bids == ((98, 0), (97, 0))
    assert book.state(MARKET).asks == ((101, 0), (102, 0), (110, 7))
    send(book, order)
    state = book.state(MARKET)
    assert (state.bids, state.asks) == (bids, asks)


def test_what_is_refused_walks_over_no_ghost():
    book = book_of(*LADDER)
    book.cancel(6, "o6", 9)
    before = book.state(MARKET)
    order = limit_order(MARKET, BUY, quantity=1, price=200)
    for bad in (
        order._replace(quantity=0),
        order._replace(quantity=1.5),
        order._replace(price=True),
        order._replace(market="none"),
        order._replace(market=[]),
        order._replace(tif=TimeInForce.FOK, quantity=10**6),
        order._replace(price=None, kind=OrderKind.MARKET_TO_LIMIT),
        "an order",
    ):
        reports = send(book, bad) if bad != "an order" else book.submit(bad, 50)
        assert not any(type(report) in {Accepted, Fill} for report in reports)
        assert book.state(MARKET) == before
    assert book.submit(order._replace(order_id=[], owner="x"), 50)[0].reason is Reason.ORDER_ID


@pytest.mark.parametrize(("order_id", "owner"), [(3, "eve"), (77, "o3"), (True, "o1"), ([3], "o3"), (3.0, "o3")])
def test_only_the_owner_of_a_known_order_does_damage(order_id, owner):
    book = book_of(*LADDER)
    (report,) = book.cancel(order_id, owner, 9)
    assert type(report) is Rejected
    assert resting(book) == [1, 2, 3, 4, 5, 6]


def test_without_cancels_it_is_the_sound_book():
    rng = np.random.default_rng(5)
    books = book_of(), book_of(kind=ContinuousBook)
    for number in range(1, 300):
        side, lots = Side(int(rng.choice([-1, 1]))), int(rng.integers(1, 9))
        order = market_order(MARKET, side, quantity=lots)
        if rng.random() < 0.8:
            order = limit_order(MARKET, side, quantity=lots, price=int(rng.integers(90, 111)))
        mine, sound = (send(book, order, number, number) for book in books)
        assert mine == sound
        assert books[0].state(MARKET) == books[1].state(MARKET)


# The kit


def test_the_kit_accuses_the_book_of_cancelling_what_is_not_named():
    accused = [failure.check for failure in check_venue(lambda: PublishedBook((MARKET, "BOLT"))).failures]
    assert "owners" in accused
    assert check_venue(lambda: ContinuousBook((MARKET, "BOLT"))).ok


def test_the_check_command_fails_and_names_the_rule(tmp_path: Path):
    code = "import sys; from experiments.cli import main; sys.argv[0] = 'marketsim'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "venue", "published-book"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode != 0
    assert "check 'owners' failed" in done.stdout


def test_no_fault_is_among_the_shipped_venues():
    for file in Path(venues.__file__).parent.glob("*.py"):
        assert "Published" not in file.read_text(encoding="utf-8"), file
    faulty = [
        plugin for kind in ("venues", "agents", "capital") for plugin in plugins(kind) if "published" in plugin.name
    ]
    assert sorted(plugin.name for plugin in faulty) == ["published", "published-book", "published-maker"]
    assert all(plugin.target.startswith("experiments.published:") for plugin in faulty)
    assert type(example_book()) is load("venues", "published-book")


# Fault B, by hand


def thin(bid=99, ask=101, bids=3, asks=3):
    return VenueState(bid, ask, ((bid, bids),), ((ask, asks),))


def test_a_sell_that_cannot_be_filled_is_free_while_any_capital_is_left():
    desk, capital = Desk({MARKET: thin()}), PublishedCapital(1)
    # One lot would cost 107 of the budget of 1, but ten lots are more than is offered.
    assert capital.take(desk, MARKET, SELL, 10)
    assert [(order.side, order.quantity) for order in desk.sent] == [(SELL, 10)]
    desk, capital = Desk({MARKET: thin()}), PublishedCapital(0)
    assert capital.take(desk, MARKET, SELL, 10)
    assert desk.sent == []


def test_a_sell_that_can_be_filled_is_cut_to_the_capital():
    desk, capital = Desk({MARKET: quote(99, 101)}), PublishedCapital(500)
    assert capital.take(desk, MARKET, SELL, 10)
    assert desk.sent[0].quantity == 4  # 4 x 99 x 1.08 = 428 fits, 5 x 99 x 1.08 = 535 does not


def test_a_buy_that_cannot_be_filled_is_cut_to_what_is_offered():
    desk, capital = Desk({MARKET: thin(asks=3)}), PublishedCapital(10**6)
    assert capital.take(desk, MARKET, BUY, 1000)
    assert desk.sent[0].quantity == 3


@pytest.mark.parametrize("side", list(Side))
def test_where_the_smallest_probe_is_infinite_or_nothing_the_caller_is_told_to_post(side):
    desk, capital = Desk({MARKET: VenueState(99, 101, ((99, 0),), ((101, 0),))}), PublishedCapital(10**6)
    assert not capital.take(desk, MARKET, side, 10)
    assert desk.sent == []


def test_a_limit_order_commits_its_full_price_with_the_margin_and_nothing_is_released():
    desk, capital = Desk({MARKET: quote(99, 101)}), PublishedCapital(1080)
    capital.post(desk, MARKET, BUY, 5, 100)  # commits 540
    capital.learn(desk, desk.end(1))
    capital.post(desk, MARKET, SELL, 100, 100)  # the other 540, cut from 100 lots
    capital.learn(desk, desk.fill(2, 100))
    desk.now = 1000
    capital.post(desk, MARKET, BUY, 1, 100)
    assert [order.quantity for order in desk.sent] == [5, 5]


def test_a_market_order_reserves_its_estimate_for_its_instant_and_commits_what_it_fills():
    desk, capital = Desk({MARKET: quote(99, 101)}), PublishedCapital(1000)
    capital.take(desk, MARKET, BUY, 5)  # reserves 5 x 101 x 1.08 = 545
    capital.take(desk, MARKET, BUY, 5)  # 455 left: 4 x 101 x 1.08 = 436
    assert [order.quantity for order in desk.sent] == [5, 4]
    capital.learn(desk, desk.fill(1, 101, quantity=2))  # 202 committed
    desk.now = 1
    capital.take(desk, MARKET, BUY, 100)  # 798 left: 7 x 101 x 1.08 = 764
    assert [order.quantity for order in desk.sent] == [5, 4, 7]


def test_fills_of_limit_orders_commit_nothing_twice():
    desk, capital = Desk({MARKET: quote(99, 101)}), PublishedCapital(1080)
    capital.post(desk, MARKET, BUY, 5, 100)
    capital.learn(desk, desk.fill(1, 100))
    capital.post(desk, MARKET, BUY, 100, 100)
    assert [order.quantity for order in desk.sent] == [5, 5]


# The maker


def maker(budget=10**9):
    belief = ScalarBelief(float(np.log(10_001)), 1.0)
    return PublishedMaker("maker", {MARKET: belief}, quantity=10, budget=budget, assumed_precision=0.7)


def test_it_cancels_its_last_quotes_filled_or_not():
    desk, own = Desk({MARKET: quote(9000, 11_000)}), maker()
    own.review(desk)
    assert [(order.side, order.price) for order in desk.sent] == [(BUY, 9995), (SELL, 10_007)]
    assert own.report_latency == own.review_interval == 500
    own.review(desk)
    assert desk.cancelled == [1, 2]
    own.review(desk)
    assert desk.cancelled == [1, 2, 3, 4]  # the last ones only


@pytest.mark.parametrize(("held", "sides"), [(0, [BUY, SELL]), (11, [SELL]), (10, [BUY, SELL]), (-11, [BUY])])
def test_a_side_that_would_go_beyond_the_margin_is_not_quoted(held, sides):
    desk = Desk({MARKET: quote(9000, 11_000)}, held={MARKET: held})
    maker(budget=200_100).review(desk)
    assert [order.side for order in desk.sent] == sides


@pytest.mark.parametrize("kind", [PublishedBook, ContinuousBook])
def test_after_a_fill_its_cancel_empties_the_faulty_book_and_a_sound_one_refuses_it(kind):
    class Crowd:
        agent_id = "crowd"

        def start(self, ctx):
            for side, price in ((BUY, 9900), (SELL, 10_100)):
                ctx.submit(limit_order(MARKET, side, quantity=40, price=price))
            ctx.wake_at(700)

        def wake(self, ctx):
            ctx.submit(market_order(MARKET, BUY, quantity=10))  # takes all of the maker's ask

    run = Simulation(
        venues={"book": kind((MARKET,))},
        agents=[Crowd(), maker()],
        fair_value=ConstantFairValue({MARKET: 10_000.0}),
        ties="list",
    ).run(1100)
    state = run.venues["book"].state(MARKET)
    quotes = {(BUY, 9995, 10), (SELL, 10_007, 10)}
    shown = {(BUY, *level) for level in state.bids} | {(SELL, *level) for level in state.asks}
    lots = 0 if kind is PublishedBook else 40
    assert shown == quotes | {(BUY, 9900, lots), (SELL, 10_100, lots)}
    assert len(run.fills) == 2
