"""When an informed trader trades, how, and at what price, with a capital rule that writes down what it is asked."""

from __future__ import annotations

from math import exp, log, sqrt

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from agents.edge import EdgeTrading
from marketsim.errors import ConfigError
from marketsim.types import Side, VenueState
from tests.agents.desk import Desk, quote

BUY, SELL = Side.BUY, Side.SELL


@define
class Notes:
    """A capital rule without a bound."""

    offered: bool = True
    calls: list[tuple] = field(factory=list)

    def take(self, ctx, market, side, quantity):
        self.calls.append(("take", market, side, quantity))
        return self.offered

    def post(self, ctx, market, side, quantity, price):
        self.calls.append(("post", market, side, quantity, price))

    def learn(self, ctx, report): ...


def traded(edge, bid=9_990, ask=10_010, *, offered=True, **options):
    """The calls of one trade on a belief `edge` above the log mid."""
    notes = Notes(offered)
    EdgeTrading(notes, 10, **options).trade(Desk({"A": quote(bid, ask)}), "A", log((bid + ask) / 2) + edge)
    return notes.calls


# Spec 1: the threshold, the choice between taking and posting, the price of a post


@pytest.mark.parametrize(
    ("edge", "calls"),
    [
        (0.0034, []),
        (-0.0034, []),
        (0.0036, [("post", "A", BUY, 10)]),
        (-0.0036, [("post", "A", SELL, 10)]),
        (0.0041, [("take", "A", BUY, 10)]),
        (-0.0041, [("take", "A", SELL, 10)]),
    ],
)
def test_it_trades_beyond_the_threshold_and_takes_at_twice_the_spread(edge, calls):
    """The threshold is .0035, and the log spread log(10010 / 9990) = .0020000."""
    assert [call[:4] for call in traded(edge)] == calls


@given(st.integers(1, 10**6), st.integers(1, 10**4), st.sampled_from([-1, 1]))
def test_a_post_reaches_about_to_the_opposite_best(bid, spread, side):
    """mid x exp(+- half the log spread) exceeds the opposite best by the gap of the arithmetic and the geometric mid.

    A buy therefore crosses; a sell does where rounding makes up for the gap, about price x (log spread)^2 / 8.
    """
    ask = bid + spread
    ((_, _, found, _, price),) = traded(side * 0.01, bid, ask, take_ratio=1e9)
    best, target = (ask, (bid + ask) / 2 * sqrt(ask / bid)) if side > 0 else (bid, (bid + ask) / 2 * sqrt(bid / ask))
    assert found is Side(side)
    assert 0 <= side * (price - target) + 1e-6 < 1 + 2e-6
    assert side > 0 or target - best > 1 - 1e-6 or price == best
    assert side < 0 or price >= best


def test_a_post_is_rounded_towards_crossing():
    assert traded(0.01, 99, 101, take_ratio=99) == [("post", "A", BUY, 10, 102)]  # 101.005
    assert traded(-0.01, 99, 101, take_ratio=99) == [("post", "A", SELL, 10, 99)]  # 99.005


def test_where_nothing_is_offered_it_posts():
    assert [call[0] for call in traded(0.01, offered=False)] == ["take", "post"]
    assert [call[0] for call in traded(0.01, offered=False, market_orders_only=True)] == ["take"]


def test_with_market_orders_only_it_takes_however_small_the_edge_beside_the_spread():
    assert [call[0] for call in traded(0.0036, market_orders_only=True)] == ["take"]
    assert traded(0.0034, market_orders_only=True) == []


# Quotes it cannot trade on


@pytest.mark.parametrize(
    "state",
    [
        VenueState(),
        VenueState(best_bid=100),
        VenueState(best_ask=100),
        VenueState(best_bid=101, best_ask=99),
        VenueState(best_bid=100, best_ask=100),
        VenueState(best_bid=0, best_ask=10),
    ],
)
def test_without_an_open_two_sided_quote_there_is_no_edge_and_no_order(state):
    notes = Notes()
    trading, desk = EdgeTrading(notes, 10), Desk({"A": state})
    assert trading.edge(desk, "A", log(200)) == 0.0
    trading.trade(desk, "A", log(200))
    assert notes.calls == []


def test_a_pool_whose_two_prices_fall_on_one_tick_is_a_quote():
    assert [call[0] for call in traded(0.01, 100, 100, market_orders_only=True)] == ["take"]


@given(st.integers(1, 10**6), st.integers(1, 1000), st.floats(-1, 1))
def test_the_edge_is_measured_from_the_log_of_the_mid(bid, spread, edge):
    mid = bid + spread / 2
    found = EdgeTrading(Notes(), 10).edge(Desk({"A": quote(bid, bid + spread)}), "A", log(mid * exp(edge)))
    assert found == pytest.approx(edge, abs=1e-12)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"capital": None}, "capital"),
        ({"quantity": 0}, "quantity"),
        ({"threshold": -0.1}, "threshold"),
        ({"take_ratio": float("nan")}, "take_ratio"),
        ({"market_orders_only": 1}, "market_orders_only"),
    ],
)
def test_bad_arguments_are_refused_by_name(changed, named):
    with pytest.raises(ConfigError, match=f"EdgeTrading.{named}"):
        EdgeTrading(**({"capital": Notes(), "quantity": 1} | changed))
