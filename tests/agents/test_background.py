"""Momentum and zero-intelligence traders: what they draw, bound and send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.background import Momentum, ZeroIntelligence, constrained_price
from marketsim.errors import ConfigError
from marketsim.simulation import Simulation
from marketsim.streams import Streams
from marketsim.types import OrderKind, Side, VenueState
from tests.agents.desk import Desk, quote
from tests.small_market import MiniBook, Scripted, buy, sell

BUY, SELL = Side.BUY, Side.SELL
places = st.floats(0, 1)


def followed(mids, **options):
    """(side, quantity) of the orders after each mid, filled at once."""
    desk, agent, sent = Desk(), Momentum("m", "A", **options), []
    for mid in mids:
        desk.states["A"] = VenueState() if mid is None else quote(mid - 1, mid + 1)
        before = len(desk.sent)
        agent.review(desk)
        sent.append([(order.side, order.quantity) for order in desk.sent[before:]])
        for order_id in list(desk.open_orders):
            desk.fill(order_id, 100)
    return [orders[0] if orders else None for orders in sent]


# Gode and Sunder's constraint


@given(st.sampled_from([BUY, SELL]), st.floats(1, 1e6), st.floats(0, 0.5), places, places)
def test_a_price_is_never_a_loss_against_the_private_value(side, reference, width, worth, shade):
    value = reference * (1 - width + 2 * width * worth)
    price = constrained_price(side, reference, width, worth, shade)
    assert type(price) is int
    assert side * (value - price) >= -1e-9 * reference or price == 1
    assert reference * (1 - width) - 1 - 1e-9 * reference <= price <= reference * (1 + width) + 1 + 1e-9 * reference


def test_prices_are_uniform_between_the_value_and_the_end_of_the_band():
    assert [constrained_price(BUY, 1000.0, 0.1, 0.75, shade) for shade in (0.0, 0.5, 1.0)] == [900, 975, 1050]
    assert [constrained_price(SELL, 1000.0, 0.1, 0.75, shade) for shade in (0.0, 0.5, 1.0)] == [1050, 1075, 1100]


def test_bids_of_many_arrivals_have_the_density_of_a_uniform_below_a_uniform():
    """P(bid < low + x (high - low)) = x - x log x; at x = 1/2 that is .8466."""
    desk, agent = Desk({"A": quote(9_999, 10_001)}, Streams(5).stream("zi")), ZeroIntelligence("z", ("A",))
    for _ in range(4_000):
        agent.arrive(desk)
        desk.open_orders.clear()
    bids = [order.price for order in desk.sent if order.side is BUY]
    asks = [order.price for order in desk.sent if order.side is SELL]
    assert abs(len(bids) - 2_000) < 4 * 32
    for below in (sum(bid < 10_000 for bid in bids) / len(bids), sum(ask > 10_000 for ask in asks) / len(asks)):
        assert abs(below - 0.8466) < 4 * (0.8466 * 0.1534 / 2_000) ** 0.5


# Zero intelligence, order by order


def test_it_withdraws_its_earlier_order_and_sends_one_limit_order():
    desk, agent = Desk({"A": quote(99, 101)}, Streams(1).stream("zi")), ZeroIntelligence("z", ("A", "B"), quantity=7)
    desk.states["B"] = quote(199, 201)
    for number in range(1, 6):
        agent.arrive(desk)
        assert desk.cancelled == ([number - 1] if number > 1 else [])
        desk.cancelled.clear()
        for order_id in list(desk.open_orders)[:-1]:
            desk.end(order_id)
    assert {(order.quantity, order.kind) for order in desk.sent} == {(7, OrderKind.LIMIT)}
    assert {order.market for order in desk.sent} == {"A", "B"}


def test_where_there_is_no_mid_the_last_price_serves_and_without_it_nothing_is_sent():
    desk, agent = Desk(rng=Streams(1).stream("zi")), ZeroIntelligence("z", ("A",))
    desk.states["A"] = VenueState(best_bid=50, last_price=100)
    agent.arrive(desk)
    assert 98 <= desk.sent[0].price <= 102
    desk.states["A"] = VenueState(best_bid=50)
    agent.arrive(desk)
    assert len(desk.sent) == 1
    assert desk.cancelled == [1]


def test_its_draws_do_not_depend_on_the_market():
    """After any number of arrivals its stream stands at the same place, whatever it saw."""
    streams = [Streams(1).stream("zi") for _ in range(3)]
    for rng, state in zip(streams, (VenueState(), quote(99, 101), VenueState(last_price=5)), strict=True):
        desk, agent = Desk({"A": state}, rng), ZeroIntelligence("z", ("A",))
        for _ in range(9):
            agent.arrive(desk)
    assert len({rng.random() for rng in streams}) == 1


def test_a_market_of_zero_intelligence_trades_near_where_it_opened():
    plan = {1: lambda ctx: ctx.submit(buy(1, 9_900)), 2: lambda ctx: ctx.submit(sell(1, 10_100))}
    crowd = [ZeroIntelligence(f"z{number}", ("A",), arrival_rate=40.0, width=0.02) for number in range(12)]
    result = Simulation(venues={"book": MiniBook()}, agents=[Scripted("opening", plan), *crowd], seed=3).run(500)
    fills = result.fills.frame()
    assert len(fills) > 40
    assert fills["price"].between(9_000, 11_000).all()


# Momentum


def test_it_follows_the_last_move():
    assert followed([100, 101, 101, 99, None, 100]) == [None, (BUY, 10), None, (SELL, 10), None, (BUY, 10)]


def test_it_looks_back_as_far_as_asked():
    assert followed([100, 105, 103, 104, 90], lookback=2) == [None, None, (BUY, 10), (SELL, 10), (SELL, 10)]


def test_moves_below_the_threshold_are_not_followed():
    assert followed([1000, 1009, 999, 989], threshold=0.01) == [None, None, None, (SELL, 10)]
    assert followed([1000, 1010], threshold=0.01) == [None, (BUY, 10)]


def test_its_position_is_bounded():
    assert followed([100, 101, 102, 103, 104, 103], position_max=25) == [
        None, (BUY, 10), (BUY, 10), (BUY, 5), None, (SELL, 10)
    ]  # fmt: skip
    rising = followed(range(100, 115))
    assert sum(order[1] for order in rising if order) == 100


def test_orders_on_their_way_count_as_filled():
    desk, agent = Desk(), Momentum("m", "A", position_max=15)
    for mid in (100, 101, 102, 103):
        desk.states["A"] = quote(mid - 1, mid + 1)
        agent.review(desk)
    assert [order.quantity for order in desk.sent] == [10, 5]
    # A sale that may yet expire makes no room for another purchase.
    desk.states["A"] = quote(99, 101)
    agent.review(desk)
    desk.states["A"] = quote(109, 111)
    agent.review(desk)
    assert [(order.side, order.quantity) for order in desk.sent[2:]] == [(SELL, 10)]


@pytest.mark.parametrize(
    ("make", "changed", "named"),
    [
        (Momentum, {"lookback": 0}, "lookback"),
        (Momentum, {"quantity": 0}, "quantity"),
        (Momentum, {"threshold": -1.0}, "threshold"),
        (Momentum, {"position_max": -1}, "position_max"),
        (Momentum, {"market": ""}, "market"),
        (ZeroIntelligence, {"markets": ()}, "markets"),
        (ZeroIntelligence, {"width": 0.6}, "width"),
        (ZeroIntelligence, {"arrival_rate": 0.0}, "arrival_rate"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, changed, named):
    good = {"agent_id": "x"} | ({"market": "A"} if make is Momentum else {"markets": ("A",)})
    with pytest.raises(ConfigError, match=rf"{make.__name__}\.{named}"):
        make(**(good | changed))
