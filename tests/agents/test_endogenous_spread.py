"""The maker's half-spread that follows its realised markout, against the break-even spread of a diffusive truth."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from agents.belief import ScalarBelief
from agents.market_maker import EndogenousSpread, MarketMaker
from marketsim.errors import ConfigError
from marketsim.simulation import Simulation
from marketsim.streams import Streams
from marketsim.types import Liquidity, Side, Signal, TimeInForce, limit_order, market_order
from tests.agents.desk import Desk, fill, quote
from tests.small_market import MiniBook, Script

BUY, SELL = Side.BUY, Side.SELL
SIGMA, PRICE = 100, 1_000_000.0


@define
class Knower:
    """Bids and offers one lot at the truth, at every step."""

    path: list[float]
    agent_id: str = "knower"
    review_interval: int = 1

    def review(self, ctx):
        for side in (BUY, SELL):
            ctx.submit(limit_order("A", side, quantity=1, price=round(self.path[ctx.now]), tif=TimeInForce.IOC))


@define
class Crowd:
    """One lot at market, at every step, on a side drawn at random."""

    agent_id: str = "crowd"
    review_interval: int = 1

    def review(self, ctx):
        ctx.submit(market_order("A", BUY if ctx.rng.random() < 0.5 else SELL, quantity=1))


@define
class Watching(MarketMaker):
    """Writes down its half-spread at every review."""

    seen: list[float] = field(factory=list)

    def review(self, ctx):
        self.seen.append(self.half_spread.at("A"))
        super().review(ctx)


def half_spreads(*others, steps, spread, delay=10, sigma=SIGMA):
    """Half-spreads in SIGMA, review by review, of a maker that quotes every step around the truth `delay` steps ago."""
    path = (PRICE + sigma * np.cumsum(Streams(5).stream("walk").standard_normal(steps + 1))).tolist()
    belief = {"A": ScalarBelief(log(PRICE), 1.0, process_variance=1.0)}
    maker = Watching("maker", belief, 1e15, 3, 10**15, spread, review_interval=1, observation_delay=delay)
    source = Script([(time, [Signal("A", "routine", time, path[time], 0.1)]) for time in range(1, steps + 1)])
    agents = [maker, *(Knower(path) if other is Knower else other() for other in others)]
    Simulation(venues={"book": MiniBook()}, agents=agents, sources=[source], seed=5, ties="list").run(steps)
    return np.array(maker.seen) * PRICE / SIGMA


def spread(initial=0.001, **more):
    return EndogenousSpread(initial, **more)


# Published results


@pytest.mark.parametrize(("delay", "half"), [(10, 1.379786), (1, 0.436327)])
def test_against_a_fast_taker_and_noise_it_settles_where_the_maker_breaks_even(delay, half):
    """a h = 2 [s phi(h/s) - h Phi(-h/s)] with s = sigma sqrt(d): h = .436327 sigma sqrt(d) at one noise lot a step.

    Fills are marked once the quotes have caught up with the truth of the fill, d + 1 steps on.
    """
    follows = spread(sqrt(delay) * SIGMA / PRICE, floor=0.0, gain=0.04, patience=delay)
    found = half_spreads(Knower, Crowd, steps=2_200, spread=follows, delay=delay)[200:]
    batches = found.reshape(10, -1).mean(axis=1)
    assert abs(found.mean() - half) < 4 * batches.std(ddof=1) / sqrt(10)
    assert batches.std(ddof=1) / sqrt(10) < 0.06 * half


def test_noise_alone_tightens_it_to_the_floor_and_information_alone_widens_it_to_where_nobody_trades():
    bounds = {"floor": 2e-5, "cap": 0.002, "patience": 10}
    alone = half_spreads(Crowd, steps=400, spread=spread(3e-4, **bounds), sigma=0)
    assert (alone[0], alone[-1]) == pytest.approx((3.0, 0.2))
    informed = half_spreads(Knower, steps=400, spread=spread(1e-4, **bounds))
    assert informed[-1] > 3 * informed[0] == pytest.approx(3.0)
    assert (informed[-100:] > 2).all()


# The rule


@given(st.sampled_from([-1, 1]), st.integers(1, 10), st.integers(9_000, 11_000), st.integers(0, 5))
def test_it_moves_against_the_markout_of_the_fill_per_lot_quoted_fees_included(side, lots, price, fee):
    found = spread(floor=0.0, cap=0.5, patience=0)
    found.learn(fill(side, lots, price, fee=fee))
    found.judge("A", 10_000.0, 10)
    gained = side * lots * (10_000 - price) - fee
    assert found.at("A") == pytest.approx(min(0.5, max(0.0, 0.001 - 0.25 * gained / 100_000)), abs=1e-15)


def test_a_full_quote_won_narrows_it_by_the_gain_and_one_lost_by_as_much_widens_it():
    for price, half in ((9_990, 0.00075), (10_010, 0.00125)):
        found = spread(patience=0)
        found.learn(fill(BUY, 10, price))
        found.judge("A", 10_000.0, 10)
        assert found.at("A") == pytest.approx(half)


def test_a_fill_waits_for_its_review_and_is_judged_once():
    found = spread(patience=2)
    found.learn(fill(BUY, 10, 9_990))
    seen = []
    for mid in (10_050.0, None, 10_050.0, None, 10_000.0, 10_050.0):
        found.judge("A", mid, 10)
        seen.append(found.at("A"))
    assert seen == pytest.approx([0.001] * 4 + [0.00075] * 2)


def test_markets_do_not_mix_and_transfers_are_no_fills():
    found = spread(patience=0)
    found.learn(fill(BUY, 10, 9_990, market="B"))
    found.learn(fill(BUY, 10, 9_000, market="C", liquidity=Liquidity.TRANSFER))
    for market in "ABC":
        found.judge(market, 10_000.0, 10)
    assert [found.at(market) for market in "ABC"] == [0.001, pytest.approx(0.00075), 0.001]


def test_it_stays_within_its_bounds():
    found = spread(floor=0.0005, cap=0.002, patience=0)
    for price, half in ((5_000, 0.0005), (20_000, 0.002)):
        found.learn(fill(BUY, 10, price))
        found.judge("A", 10_000.0, 10)
        assert found.at("A") == half


def test_idle_reviews_narrow_it_only_if_asked_and_only_while_nothing_waits():
    still, keen = spread(), spread(idle=0.1)
    for found in (still, keen):
        found.judge("A", 10_000.0, 10)
        found.learn(fill(BUY, 10, 10_000))
        found.judge("A", 10_000.0, 10)
        found.judge("A", 10_000.0, 10)
    assert (still.at("A"), keen.at("A")) == (0.001, pytest.approx(0.0009))


def test_the_maker_quotes_at_it_and_tells_it_of_its_fills():
    found = spread(0.01, patience=0, cap=0.1)
    maker = MarketMaker("x", {"A": ScalarBelief(log(10_000), 1.0)}, 1.0, 10, 10**9, found)
    desk = Desk({"A": quote(9_000, 11_000)})
    maker.review(desk)
    assert [order.price for order in desk.sent] == pytest.approx([9_900, 10_100], abs=1)
    maker.report(desk, desk.fill(1, 9_900))
    desk.states["A"] = quote(9_000, 10_000)
    maker.review(desk)
    half = 0.01 + 0.25 * 400 / 9_500
    assert desk.sent[-1].price == pytest.approx(10_000 * (1 + half), abs=1)


def test_a_fixed_spread_stays():
    maker = MarketMaker("x", {"A": ScalarBelief(log(10_000), 1.0)}, 1.0, 10, 10**9, 0.01)
    desk = Desk({"A": quote(9_000, 11_000)})
    maker.review(desk)
    maker.report(desk, desk.fill(1, 9_900))
    maker.review(desk)
    assert [order.price for order in desk.sent] == pytest.approx([9_900, 10_100] * 2, abs=1)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"initial": 0.6}, "initial"),
        ({"floor": 0.002}, "initial"),
        ({"cap": 0.0005}, "initial"),
        ({"gain": 0.0}, "gain"),
        ({"idle": 1.5}, "idle"),
        ({"patience": -1}, "patience"),
    ],
)
def test_bad_arguments_are_refused_by_name(changed, named):
    with pytest.raises(ConfigError, match=rf"EndogenousSpread\.{named}"):
        EndogenousSpread(**({"initial": 0.001} | changed))
    with pytest.raises(ConfigError, match=r"MarketMaker\.half_spread"):
        MarketMaker("x", {}, 1.0, 1, 1, "wide")
