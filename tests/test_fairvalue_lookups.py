"""Fair values: lookups, the guard against looking ahead, and arguments that are refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from marketsim.errors import ConfigError, LookAheadError
from marketsim.fairvalue import (
    ConstantFairValue,
    GuardedFairValue,
    HistoricalPath,
    LatentFactorWalk,
    OrnsteinUhlenbeck,
    PoissonJumps,
    PriceTable,
    digest,
    fair_values,
)
from marketsim.fairvalue.arrivals import poisson_times
from tests.fair_values import LEVELS, MARKETS, every_kind, kinds, world

# Lookups


@kinds
def test_values_agree_with_at(fair):
    times = np.array([[0, 40], [7, 7]])
    for market in fair.markets:
        assert fair.values(market, times).tolist() == [[fair.at(market, int(t)) for t in row] for row in times]
        assert fair.values(market, []).shape == (0,)
        assert type(fair.at(market, 3)) is float
        assert (fair_values(fair, market, times) == fair.values(market, times)).all()


@kinds
@pytest.mark.parametrize("time", [-1, 2.0, True, None, "3", np.int64(3)])
def test_at_refuses_a_time_that_is_none(fair, time):
    with pytest.raises(ConfigError, match="time"):
        fair.at("A", time)


@kinds
@pytest.mark.parametrize("times", [[-1], [0, -5], [1.0], [True], ["1"]])
def test_values_refuses_times_that_are_none(fair, times):
    with pytest.raises(ConfigError, match="time"):
        fair.values("A", times)


@kinds
def test_unknown_markets_are_refused_with_the_known_ones(fair):
    for call in (lambda: fair.at("Z", 0), lambda: fair.values("Z", [0])):
        with pytest.raises(ConfigError, match="A, B, C"):
            call()


@pytest.mark.parametrize("fair", every_kind()[1:], ids=lambda fair: type(fair).__name__)
def test_paths_end_at_the_horizon_and_cannot_be_written(fair):
    assert len(fair.path("A")) == fair.horizon + 1 == 41
    with pytest.raises(ConfigError, match="0 to 40"):
        fair.at("A", 41)
    with pytest.raises(ConfigError, match="got time 41"):
        fair.values("A", [0, 41])
    with pytest.raises(ValueError, match="read-only"):
        fair.path("A")[0] = 1.0
    before = fair.at("A", 0)
    fair.values("A", [0])[0] = -1.0
    assert fair.at("A", 0) == before


@kinds
def test_a_pickled_fair_value_is_the_same(fair):
    assert digest(pickle.loads(pickle.dumps(fair)), 40) == digest(fair, 40)  # noqa: S301


def test_plugins_without_values_can_be_asked_for_arrays():
    class Ramp:
        markets = ("A",)

        def at(self, market, time, /):
            return 100.0 + time

    assert fair_values(Ramp(), "A", [[1, 2], [3, 0]]).tolist() == [[101.0, 102.0], [103.0, 100.0]]
    assert digest(Ramp(), 3) != digest(Ramp(), 4)


def test_digest_depends_on_names_and_prices():
    assert digest(ConstantFairValue({"A": 1.0}), 3) != digest(ConstantFairValue({"B": 1.0}), 3)
    assert digest(ConstantFairValue({"A": 1.0}), 3) != digest(ConstantFairValue({"A": 2.0}), 3)


# The guard


@kinds
def test_the_guard_shows_the_past_and_refuses_the_future(fair):
    now = 5
    guarded = GuardedFairValue(fair, lambda: now)
    assert guarded.markets == fair.markets
    assert guarded.at("B", 5) == fair.at("B", 5)
    assert guarded.values("B", [5, 0]).tolist() == [fair.at("B", 5), fair.at("B", 0)]
    with pytest.raises(LookAheadError, match="market 'B' at time 6 was asked for at time 5"):
        guarded.at("B", 6)
    with pytest.raises(LookAheadError, match="time 9"):
        guarded.values("B", [0, 9])
    now = 6
    assert guarded.at("B", 6) == fair.at("B", 6)


def test_the_guard_gives_nothing_else_away():
    guarded = GuardedFairValue(every_kind()[2], lambda: 5)
    for hidden in ("jump_times", "jump_sizes", "path", "horizon", "truth"):
        with pytest.raises(AttributeError):
            getattr(guarded, hidden)
    with pytest.raises(ConfigError, match="wanted an int"):
        guarded.at("A", 2.5)


# Refused arguments

BAD_NUMBERS = [float("nan"), float("inf"), True, -1.0, 2**80, "1", None]


@pytest.mark.parametrize("bad", [*BAD_NUMBERS, 0])
def test_bad_prices_are_refused(bad):
    for build in (
        lambda: ConstantFairValue({"A": bad}),
        lambda: PoissonJumps.draw(world(), 9, {"A": bad}, jumps_per_step=0.1, size=1.0),
        lambda: OrnsteinUhlenbeck.draw(world(), 9, {"A": bad}, mean_reversion=0.1, volatility=0.1),
        lambda: LatentFactorWalk.draw(world(), 9, MARKETS, level=bad),
    ):
        with pytest.raises(ConfigError):
            build()


@pytest.mark.parametrize("bad", [*BAD_NUMBERS, 0, 1.0])
def test_bad_horizons_are_refused(bad):
    for build in (
        lambda: LatentFactorWalk.draw(world(), bad, MARKETS),
        lambda: PoissonJumps.draw(world(), bad, LEVELS, jumps_per_step=0.1, size=1.0),
        lambda: OrnsteinUhlenbeck.draw(world(), bad, LEVELS, mean_reversion=0.1, volatility=0.1),
    ):
        with pytest.raises(ConfigError, match="horizon"):
            build()


@pytest.mark.parametrize("bad", BAD_NUMBERS)
@pytest.mark.parametrize(
    "argument", ["loading_sd", "primary_sd", "eps_sd", "walk_var", "tick_size", "n_factors", "martingale"]
)
def test_bad_worlds_are_refused_by_the_name_of_the_argument(argument, bad):
    if (argument, bad) == ("martingale", True):
        return
    with pytest.raises(ConfigError, match=f"LatentFactorWalk.{argument}: got"):
        LatentFactorWalk.draw(world(), 9, MARKETS, **{argument: bad})


@pytest.mark.parametrize(
    "build",
    [
        lambda: ConstantFairValue({}),
        lambda: ConstantFairValue([("A", 1.0)]),
        lambda: LatentFactorWalk.draw(world(), 9, ("A", "A")),
        lambda: LatentFactorWalk.draw(world(), 9, ()),
        lambda: LatentFactorWalk(markets=("A",), loadings=[[1.0]], eps=[0.0, 1.0], factors=[[0.0]]),
        lambda: LatentFactorWalk(markets=("A",), loadings=[[1.0]], eps=[0.0], factors=[[0.0], [float("nan")]]),
        lambda: LatentFactorWalk(markets=("A",), loadings=[[1.0]], eps=[0.0], factors=[[0.0, 1.0]]),
        lambda: LatentFactorWalk(markets=("A",), loadings=[[1.0]], eps=[0.0], factors=[[0.0], [1e4]]),
        lambda: PoissonJumps.draw(world(), 9, LEVELS, jumps_per_step=-0.1, size=1.0),
        lambda: PoissonJumps.draw(world(), 9, LEVELS, jumps_per_step=0.1, size=0.0),
        lambda: PoissonJumps.draw(world(), 9, LEVELS, jumps_per_step=0.1, size=1.0, law="cauchy"),
        lambda: PoissonJumps(opening=LEVELS, horizon=9, jump_times={"A": [10]}, jump_sizes={"A": [1.0]}),
        lambda: PoissonJumps(opening=LEVELS, horizon=9, jump_times={"A": [0]}, jump_sizes={"A": [1.0]}),
        lambda: PoissonJumps(opening=LEVELS, horizon=9, jump_times={"A": [4, 3]}, jump_sizes={"A": [1.0, 1.0]}),
        lambda: PoissonJumps(opening=LEVELS, horizon=9, jump_times={"A": [4.5]}, jump_sizes={"A": [1.0]}),
        lambda: PoissonJumps(opening=LEVELS, horizon=9, jump_times={"A": [4]}, jump_sizes={"A": [1.0, 2.0]}),
        lambda: PoissonJumps(opening=LEVELS, horizon=9, jump_times={"A": [4]}, jump_sizes={"A": [float("inf")]}),
        lambda: PoissonJumps(opening=LEVELS, horizon=9, jump_times={"Z": [4]}, jump_sizes={"Z": [1.0]}),
        lambda: PoissonJumps(opening=LEVELS, horizon=9, jump_times={"A": [4]}, jump_sizes={}),
        lambda: OrnsteinUhlenbeck.draw(world(), 9, LEVELS, mean_reversion=0.0, volatility=0.1),
        lambda: OrnsteinUhlenbeck.draw(world(), 9, LEVELS, mean_reversion=0.1, volatility=float("nan")),
        lambda: OrnsteinUhlenbeck(
            levels={"A": 1.0}, mean_reversion=0.1, volatility=0.1, start=[0.0, 1.0], noise=[[0.0]]
        ),
        lambda: PriceTable("x", ("A",), [[1.0], [2.0]]),
        lambda: PriceTable("x", ("A",), [[1.0, float("nan")]]),
        lambda: HistoricalPath.from_tapes({}, step=1, tick_size=1.0),
        lambda: poisson_times(world(), 1.0, 10**9),
    ],
)
def test_what_cannot_be_a_fair_value_is_refused(build):
    with pytest.raises(ConfigError):
        build()
