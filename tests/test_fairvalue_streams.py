"""Fair values: common random numbers, and paths of recorded prices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.fairvalue import HistoricalPath, LatentFactorWalk, OrnsteinUhlenbeck, PoissonJumps, digest
from marketsim.fairvalue.arrivals import poisson_times
from tests.fair_values import LEVELS, MARKETS, world

# Common random numbers


def _walk(horizon, markets):
    return LatentFactorWalk.draw(world(), horizon, markets)


def _jumps(horizon, markets):
    return PoissonJumps.draw(world(), horizon, {m: LEVELS[m] for m in markets}, jumps_per_step=0.3, size=2.0)


def _laplace(horizon, markets):
    levels = {m: LEVELS[m] for m in markets}
    return PoissonJumps.draw(world(), horizon, levels, jumps_per_step=0.3, size=2.0, law="exponential")


def _reversion(horizon, markets):
    levels = {m: LEVELS[m] for m in markets}
    return OrnsteinUhlenbeck.draw(world(), horizon, levels, mean_reversion=0.01, volatility=0.01, stationary_start=True)


@pytest.mark.parametrize("draw", [_walk, _jumps, _laplace, _reversion])
def test_a_longer_horizon_and_a_further_market_move_nothing(draw):
    base, longer, wider = draw(60, MARKETS[:2]), draw(997, MARKETS[:2]), draw(60, MARKETS)
    for market in MARKETS[:2]:
        assert (longer.path(market)[:61] == base.path(market)).all()
        assert (wider.path(market) == base.path(market)).all()
    assert digest(draw(60, MARKETS), 60) == digest(wider, 60) != digest(longer, 60)


def test_jump_law_and_size_leave_the_times_alone():
    fixed, normal = (
        PoissonJumps.draw(world(), 500, LEVELS, jumps_per_step=0.1, size=size, law=law)
        for size, law in ((1.0, "fixed"), (9.0, "normal"))
    )
    for market in MARKETS:
        assert (fixed.jump_times[market] == normal.jump_times[market]).all()
    assert fixed.jump_times["A"].tolist() != fixed.jump_times["B"].tolist()


@given(rate=st.floats(1e-3, 3), horizon=st.integers(1, 300), more=st.integers(1, 2000), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_arrivals_are_a_prefix_of_those_of_a_longer_horizon(rate, horizon, more, seed):
    short = poisson_times(world(seed), rate, horizon)
    long = poisson_times(world(seed), rate, horizon + more)
    assert (short == long[: len(short)]).all()
    assert (long[len(short) :] > horizon).all()
    assert (np.diff(long) > 0).all()


def test_arrivals_go_on_when_the_first_chunk_of_gaps_is_short():
    class Hasty:
        """Gaps a hundredth of what is expected, so that a hundred chunks are needed."""

        def standard_exponential(self, size):
            return np.full(size, 0.01)

    times = poisson_times(Hasty(), 1.0, 10)
    assert len(times) in (999, 1000)
    assert times[-1] <= 10


# Recorded prices


def test_historical_path_is_the_last_price_at_or_before_the_step():
    fair = HistoricalPath.from_arrays(
        {"BTC": ([1000, 1000, 1400, 1999, 2001], [5.0, 5.5, 6.0, 7.0, 8.0])}, step=500, tick_size=0.5
    )
    assert (fair.start, fair.horizon) == (1000, 3)
    assert fair.path("BTC").tolist() == [11, 12, 14, 16]


def test_historical_path_of_two_markets_starts_when_both_have_traded_and_ends_with_the_first():
    trades = {"A": ([0, 10], [1.0, 2.0]), "B": ([4, 30], [3.0, 4.0])}
    fair = HistoricalPath.from_arrays(trades, step=3, tick_size=1.0)
    assert (fair.start, fair.horizon) == (4, 2)
    assert fair.path("A").tolist() == [1, 1, 2]
    assert fair.path("B").tolist() == [3, 3, 3]


@given(
    gaps=st.lists(st.integers(0, 9), min_size=1, max_size=30),
    step=st.integers(1, 12),
    late=st.integers(0, 5),
)
@settings(max_examples=80, deadline=None)
def test_historical_path_never_shows_a_later_trade(gaps, step, late):
    times = [100, *(100 + np.cumsum(gaps)).tolist()]
    start = 100 + late
    if times[-1] <= start:
        return
    prices = [float(n + 1) for n in range(len(times))]
    fair = HistoricalPath.from_arrays({"A": (times, prices)}, step=step, tick_size=1.0, start=start)
    for t in range(fair.horizon + 1):
        known = [p for at, p in zip(times, prices, strict=True) if at <= start + t * step]
        assert fair.at("A", t) == known[-1]
    assert fair.at("A", fair.horizon) == prices[-1]


@pytest.mark.parametrize("option", [{"start": 9}, {"horizon": 5}, {"step": 0}, {"tick_size": 0.0}, {"start": 10.5}])
def test_historical_path_refuses_what_was_not_recorded(option):
    with pytest.raises(ConfigError):
        HistoricalPath.from_arrays({"A": ([10, 50], [1.0, 2.0])}, **({"step": 10, "tick_size": 1.0} | option))
