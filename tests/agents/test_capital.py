"""Capital that trading uses up for good: the published recursion, what fits, what is committed and what is freed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.capital import Capital, largest
from agents.edge import EdgeTrading
from agents.flow import NoiseTrader
from marketsim.errors import ConfigError
from marketsim.simulation import Simulation
from marketsim.types import Cancelled, Expired, Reason, Rejected, Side, VenueState
from tests.agents.desk import Desk, quote
from tests.small_market import MiniBook, PostedPrice, Scripted, buy, sell

BUY, SELL = Side.BUY, Side.SELL


def deep(price=1, lots=10**15):
    """A desk at which any quantity trades at one price."""
    return Desk({"A": VenueState(price, price, ((price, lots),), ((price, lots),))})


# Published results


@pytest.mark.parametrize("side", [BUY, SELL])
def test_each_order_commits_its_part_of_what_is_left_where_the_budget_binds(side):
    """Spec 1: every order commits 1 / 1.08 of what is left, so that .08 / 1.08 of it is left after each."""
    budget = 10**12
    desk, capital, left = deep(), Capital(budget), float(budget)
    for number in range(1, 5):
        assert capital.take(desk, "A", side, 2 * budget)
        capital.learn(desk, desk.fill(number, 1))
        left *= 0.08 / 1.08
        assert capital.left == pytest.approx(left, abs=2)
        assert capital.committed == budget - capital.left


# The largest order that fits


@given(st.integers(1, 10**9), st.integers(0, 10**13), st.integers(1, 10**5), st.floats(1.0, 2.0))
def test_largest_fits_and_a_lot_more_does_not(quantity, left, price, safety):
    probes = []

    def cost(lots):
        probes.append(lots)
        return round(lots * price * safety)

    lots, paid = largest(quantity, left, cost)
    assert 0 <= lots <= quantity
    assert all(0 < probe <= quantity for probe in probes)
    assert len(probes) <= 2 * quantity.bit_length() + 2
    assert paid == cost(lots) <= left
    assert lots == quantity or cost(lots + 1) > left


@given(st.integers(1, 10**6), st.integers(0, 10**8), st.lists(st.integers(0, 50), min_size=1, max_size=20))
def test_largest_is_exact_on_a_walk_up_the_book(quantity, left, steps):
    levels = [(100 + sum(steps[: place + 1]), 1 + quantity // 7) for place in range(len(steps))]

    def cost(lots):
        available, money = VenueState(asks=tuple(levels)).estimate(BUY, lots)
        return money if available else None

    lots, paid = largest(quantity, left, cost)
    assert (cost(lots) or 0) == paid <= left
    assert lots == quantity or cost(lots + 1) > left


def test_no_offer_is_no_lots_and_one_of_a_few_is_those_few():
    assert largest(10, 100, lambda lots: None) == (0, 0)
    assert largest(10, 100, lambda lots: 5 * lots if lots <= 3 else None) == (3, 15)


def test_nothing_left_sends_nothing():
    desk = deep(price=100)
    assert Capital(0).take(desk, "A", BUY, 5)
    Capital(99).post(desk, "A", BUY, 5, 99)  # 99 x 1.08 does not fit
    assert desk.sent == []


# Commitment and reservation


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_fill_is_committed_for_good_on_either_side(side):
    desk, capital = Desk({"A": quote(99, 101)}), Capital(100_000)
    capital.take(desk, "A", side, 10)
    capital.learn(desk, desk.fill(1, 101 if side > 0 else 99, fee=3))
    spent = 10 * 101 + 3 if side > 0 else 10 * 99 - 3
    assert (capital.committed, capital.left) == (spent, 100_000 - spent)
    # Trading back releases nothing: it costs as much again.
    capital.take(desk, "A", side.opposite, 10)
    capital.learn(desk, desk.fill(2, 100))
    assert capital.committed == spent + 1000


def test_an_order_reserves_its_estimate_with_the_safety_margin():
    desk, capital = Desk({"A": quote(99, 101)}), Capital(10_000, safety=1.5)
    capital.take(desk, "A", BUY, 10)
    assert capital.left == 10_000 - 1515
    capital.post(desk, "A", SELL, 10, 105)
    assert capital.left == 10_000 - 1515 - 1575
    capital.take(desk, "A", SELL, 100)
    assert desk.sent[-1].quantity == 6910 * 2 // 3 // 99


def test_a_partial_fill_is_committed_beside_the_whole_reservation_until_the_order_ends():
    desk, capital = Desk({"A": quote(99, 101)}), Capital(10_000)
    capital.post(desk, "A", BUY, 10, 100)
    capital.learn(desk, desk.fill(1, 100, quantity=4))
    assert capital.left == 10_000 - 400 - 1080
    capital.learn(desk, desk.fill(1, 100))
    assert capital.left == 10_000 - 1000


@pytest.mark.parametrize("kind", [Cancelled, Expired])
def test_what_an_ended_order_did_not_spend_is_free_again(kind):
    desk, capital = Desk({"A": quote(99, 101)}), Capital(10_000)
    capital.post(desk, "A", BUY, 10, 100)
    assert capital.left == 8920
    capital.learn(desk, desk.end(1, kind))
    assert (capital.left, capital.committed) == (10_000, 0)


def test_a_refused_order_frees_its_reservation_and_a_refused_cancel_does_not():
    desk, capital = Desk({"A": quote(99, 101)}), Capital(10_000)
    capital.post(desk, "A", BUY, 10, 100)
    capital.learn(desk, Rejected(7, Reason.UNKNOWN_ORDER))
    assert capital.left == 8920
    del desk.open_orders[1]
    capital.learn(desk, Rejected(1, Reason.CLOSED))
    assert capital.left == 10_000


def test_left_is_never_negative():
    desk, capital = deep(price=100), Capital(1000)
    capital.take(desk, "A", BUY, 9)
    capital.learn(desk, desk.fill(1, 500))
    assert (capital.committed, capital.left) == (4500, 0)


def test_where_nothing_is_offered_the_caller_is_told_and_nothing_is_sent():
    desk = Desk({"A": VenueState(best_bid=99, bids=((99, 5),))})
    assert not Capital(10_000).take(desk, "A", BUY, 10)
    assert desk.sent == []
    assert Capital(10_000).take(desk, "A", SELL, 10)
    assert desk.sent[0].quantity == 10


def test_in_a_run_what_is_committed_is_the_money_of_the_fills():
    capital = Capital(50_000)
    noise = NoiseTrader("noise", ("A",), capital, 20, arrival_rate=200.0)
    fills = Simulation(venues={"v": PostedPrice()}, agents=[noise], seed=5).run(300).fills.frame()
    own = fills[fills["owner"] == "noise"]
    assert set(own["side"]) == {-1, 1}
    assert capital.committed == own["money"].abs().sum() > 49_000
    assert capital.left == 50_000 - capital.committed >= 0


def test_in_a_run_a_market_order_that_expires_reserves_nothing_afterwards():
    capital = Capital(10**6)
    noise = NoiseTrader("noise", ("A",), capital, 20, arrival_rate=30.0)
    quotes = Scripted("maker", {1: lambda ctx: ctx.submit(buy(30, 99)), 2: lambda ctx: ctx.submit(sell(30, 101))})
    fills = Simulation(venues={"book": MiniBook()}, agents=[noise, quotes], seed=5).run(400).fills.frame()
    assert capital.left == 10**6 - fills[fills["owner"] == "noise"]["money"].sum() < 10**6


# Refused arguments


@pytest.mark.parametrize(
    ("changed", "named"), [({"budget": -1}, "budget"), ({"budget": 1.0}, "budget"), ({"safety": 0.99}, "safety")]
)
def test_bad_arguments_are_refused_by_name(changed, named):
    with pytest.raises(ConfigError, match=f"Capital.{named}"):
        Capital(**({"budget": 1} | changed))


def test_what_is_no_capital_rule_is_refused_by_what_it_lacks():
    with pytest.raises(ConfigError, match=r"EdgeTrading.capital: got 3 without take, post, learn"):
        EdgeTrading(3, 10)
