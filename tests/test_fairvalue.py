"""Fair values: published laws of their paths, common random numbers, lookups and the guard against looking ahead."""

from __future__ import annotations

import pickle
from math import erfc, exp, log, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from marketsim.streams import Streams

MARKETS = ("A", "B", "C")
LEVELS = {"A": 9_000.0, "B": 10_000.0, "C": 11_000.0}


def world(seed=1):
    return Streams(seed).stream("world")


def phi(x):
    return exp(-x * x / 2) / sqrt(2 * pi)


def tail(x):
    return erfc(x / sqrt(2)) / 2


def unit_walk(seed, horizon, *, walk_var=1e-6, count=1, **options):
    """Markets with loading 1 on a factor of their own, and nothing else."""
    return LatentFactorWalk(
        markets=tuple(f"m{i}" for i in range(count)),
        loadings=np.eye(count),
        eps=np.zeros(count),
        factors=np.vstack(
            [np.zeros(count), np.cumsum(sqrt(walk_var) * world(seed).standard_normal((horizon, count)), axis=0)]
        ),
        walk_var=walk_var,
        **options,
    )


def every_kind():
    return [
        ConstantFairValue(LEVELS),
        LatentFactorWalk.draw(world(), 40, MARKETS),
        PoissonJumps.draw(world(), 40, LEVELS, jumps_per_step=0.2, size=5.0),
        OrnsteinUhlenbeck.draw(world(), 40, LEVELS, mean_reversion=0.05, volatility=0.01),
        HistoricalPath.from_arrays(
            {m: ([0, 3, 41], [1.0, 2.0, 1.5]) for m in MARKETS}, step=1, tick_size=0.01, horizon=40
        ),
    ]


kinds = pytest.mark.parametrize("fair", every_kind(), ids=lambda fair: type(fair).__name__)


# Published results


@pytest.mark.parametrize(
    ("law", "rate", "half_spread", "flow"),
    [
        ("fixed", 0.1, 0.0909091, 0.0909091),  # lambda_J (1 - s*/2), s* = 2 lambda_J / (1 + lambda_J)
        ("fixed", 1.0, 0.5, 0.5),
        ("exponential", 0.5, 0.3517338, 0.351734),  # s* = 2 W(lambda_J)
        ("normal", 1.0, 0.4363265, 0.436327),
    ],
)
def test_sniping_rent_of_budish_cramton_shim(law, rate, half_spread, flow):
    """At the equilibrium spread with lambda_I = 1 the jumps beyond it are worth lambda_I s*/2 per unit time."""
    horizon = 200_000
    fair = PoissonJumps.draw(world(), horizon, {"A": 1e6}, jumps_per_step=rate, size=1.0, law=law)
    beyond = np.maximum(np.abs(fair.jump_sizes["A"]) - half_spread, 0)
    # Compound Poisson: the variance of the sum is horizon x rate x E[beyond^2].
    error = sqrt(rate * np.mean(beyond**2) / horizon)
    assert abs(beyond.sum() / horizon - flow) < 4 * error
    assert abs(flow - half_spread) < 1e-6


@pytest.mark.parametrize(
    ("half_spread", "bleed", "hit_rate"), [(0, 5.641896, 1), (5, 1.996412, 0.4795), (10, 0.502545, 0.157299)]
)
def test_staleness_of_a_quote_fifty_steps_old(half_spread, bleed, hit_rate):
    """E(|X| - h)^+ = 2 [s phi(h/s) - h Phi_bar(h/s)] with s = sigma sqrt(50), in units of the walk's step sd."""
    s = sqrt(50)
    assert 2 * (s * phi(half_spread / s) - half_spread * tail(half_spread / s)) == pytest.approx(bleed, abs=1e-6)
    fair = unit_walk(3, 50 * 400, count=20)
    logs = np.log([fair.path(market)[::50] for market in fair.markets])
    moved = np.abs(np.diff(logs, axis=1).ravel()) / 1e-3
    beyond = np.maximum(moved - half_spread, 0)
    assert abs(beyond.mean() - bleed) < 4 * beyond.std() / sqrt(len(beyond))
    assert abs((moved > half_spread).mean() - hit_rate) <= 4 * sqrt(hit_rate * (1 - hit_rate) / len(moved))


# The walk


def test_the_published_world_has_its_loadings_offsets_and_level():
    many = LatentFactorWalk.draw(world(), 1, tuple(f"m{i}" for i in range(3000)), walk_var=0.0)
    primary = many.loadings[np.arange(3000), np.arange(3000) % 3]
    others = many.loadings[np.arange(3) != (np.arange(3000) % 3)[:, None]]
    for sample, mean, sd in ((primary, 1.5, 0.2), (others, 0.0, 0.15), (many.eps, 0.0, 0.12)):
        assert abs(sample.mean() - mean) < 4 * sd / sqrt(sample.size)
        assert abs(sample.std() - sd) < 4 * sd / sqrt(2 * sample.size)
    opening = np.array([many.at(market, 0) for market in many.markets])
    np.testing.assert_allclose(opening, 10_000 * np.exp(many.eps), rtol=1e-12)


def test_log_price_is_alpha_plus_loadings_times_factors_plus_offset():
    fair = LatentFactorWalk.draw(world(), 200, MARKETS, walk_var=1e-3, tick_size=0.05)
    logs = fair.alpha + fair.factors @ fair.loadings.T + fair.eps
    for column, market in enumerate(MARKETS):
        np.testing.assert_allclose(np.log(fair.path(market)), logs[:, column], rtol=0, atol=1e-12)


def test_zero_walk_is_the_frozen_world_bit_for_bit():
    moving = LatentFactorWalk.draw(world(), 500, MARKETS, walk_var=1e-6)
    frozen = LatentFactorWalk.draw(world(), 500, MARKETS, walk_var=0.0)
    for part in ("loadings", "eps", "alpha"):
        assert (getattr(moving, part) == getattr(frozen, part)).all()
    for market in MARKETS:
        assert (frozen.path(market) == moving.at(market, 0)).all()
        assert len(np.unique(moving.path(market))) > 400
    assert (frozen.market_walk_var == 0).all()


def test_walk_variance_scales_one_and_the_same_walk():
    small, large = (LatentFactorWalk.draw(world(), 300, MARKETS, walk_var=v) for v in (1e-6, 4e-6))
    np.testing.assert_allclose(
        large.factors - large.factors[0], 2 * (small.factors - small.factors[0]), rtol=0, atol=1e-14
    )


def test_log_increments_have_the_variance_of_the_market():
    fair = LatentFactorWalk.draw(world(), 20_000, MARKETS, walk_var=1e-6)
    for market, variance in zip(MARKETS, fair.market_walk_var, strict=True):
        moves = np.diff(np.log(fair.path(market)))
        assert abs(moves.var() / variance - 1) < 4 * sqrt(2 / len(moves))
        assert abs(moves.mean()) < 4 * sqrt(variance / len(moves))


@pytest.mark.parametrize("martingale", [True, False])
def test_only_the_corrected_walk_is_a_martingale(martingale):
    fair = unit_walk(5, 25, walk_var=0.02, count=400, martingale=martingale)
    ratios = np.array([fair.at(market, 25) / fair.at(market, 0) for market in fair.markets])
    drift, error = ratios.mean() - 1, ratios.std() / sqrt(len(ratios))
    if martingale:
        assert abs(drift) < 4 * error
    else:
        assert abs(drift - (exp(0.25) - 1)) < 4 * error
        assert drift > 4 * error


def test_correction_is_half_the_variance_of_the_market():
    plain, corrected = (LatentFactorWalk.draw(world(), 90, MARKETS, walk_var=1e-3, martingale=m) for m in (False, True))
    for market, loadings in zip(MARKETS, plain.loadings, strict=True):
        expected = -0.5 * 1e-3 * (loadings @ loadings) * np.arange(91)
        found = np.log(corrected.path(market) / plain.path(market))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


# Jumps


def test_jump_times_are_a_poisson_stream_of_whole_steps():
    fair = PoissonJumps.draw(world(), 50_000, LEVELS, jumps_per_step=0.02, size=1.0, law="normal")
    for market in MARKETS:
        times = fair.jump_times[market]
        assert abs(len(times) - 1000) < 4 * sqrt(1000)
        assert times[0] >= 1
        assert times[-1] <= 50_000
        counts = np.bincount((times - 1) // 1000, minlength=50)
        assert abs(counts.var() / counts.mean() - 1) < 4 * sqrt(2 / 50)
        assert (np.diff(fair.path(market))[np.setdiff1d(np.arange(50_000), times - 1)] == 0).all()


@pytest.mark.parametrize(("law", "second_moment"), [("fixed", 9.0), ("exponential", 18.0), ("normal", 9.0)])
def test_jumps_are_a_martingale_with_the_size_of_their_law(law, second_moment):
    fair = PoissonJumps.draw(world(), 100_000, {"A": 1e6}, jumps_per_step=0.5, size=3.0, law=law)
    sizes = fair.jump_sizes["A"]
    assert abs(sizes.mean()) < 4 * sizes.std() / sqrt(len(sizes))
    squares = sizes**2
    assert abs(squares.mean() - second_moment) <= 4 * squares.std() / sqrt(len(sizes))


def test_jumps_of_one_step_add_up():
    fair = PoissonJumps(
        opening={"A": 100.0, "B": 50.0},
        horizon=5,
        jump_times={"A": [2, 2, 5]},
        jump_sizes={"A": [3.0, -1.0, 4.0]},
    )
    assert fair.path("A").tolist() == [100, 100, 102, 102, 102, 106]
    assert fair.path("B").tolist() == [50] * 6


def test_jump_price_below_zero_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"PoissonJumps: market 'A' is at -1.0 ticks at time 3"):
        PoissonJumps(opening={"A": 4.0}, horizon=5, jump_times={"A": [3]}, jump_sizes={"A": [-5.0]})
    with pytest.raises(ConfigError, match=r"at 0.0 ticks at time 3"):
        PoissonJumps(opening={"A": 4.0}, horizon=5, jump_times={"A": [3]}, jump_sizes={"A": [-4.0]})


# Mean reversion


def test_ornstein_uhlenbeck_has_its_stationary_law():
    kappa, sigma = 0.2, 0.01
    levels = {f"m{i}": 1000.0 for i in range(2000)}
    fair = OrnsteinUhlenbeck.draw(world(), 30, levels, mean_reversion=kappa, volatility=sigma, stationary_start=True)
    variance = sigma**2 / (2 * kappa)
    assert fair.stationary_sd == pytest.approx(sqrt(variance))
    logs = np.log([fair.path(market) / 1000 for market in levels])
    for time in (0, 30):
        x = logs[:, time]
        assert abs(x.var() / variance - 1) < 4 * sqrt(2 / len(x))
        assert abs(x.mean()) < 4 * sqrt(variance / len(x))
    for lag in (1, 5):
        correlation = exp(-kappa * lag)
        found = np.corrcoef(logs[:, 10], logs[:, 10 + lag])[0, 1]
        assert abs(found - correlation) < 4 * (1 - correlation**2) / sqrt(len(logs))


@pytest.mark.parametrize("kappa", [1e-4, 0.3, 50.0])
def test_ornstein_uhlenbeck_path_is_the_recurrence(kappa):
    noise = world().standard_normal((1, 300))
    fair = OrnsteinUhlenbeck(levels={"A": 500.0}, mean_reversion=kappa, volatility=0.02, start=[0.1], noise=noise)
    x, decay = 0.1, exp(-kappa)
    scale = 0.02 * sqrt((1 - exp(-2 * kappa)) / (2 * kappa))
    for time, draw in enumerate(noise[0], start=1):
        x = decay * x + scale * draw
        assert log(fair.at("A", time) / 500) == pytest.approx(x, abs=1e-12)


def test_ornstein_uhlenbeck_opens_at_its_level_unless_stationary():
    options = {"mean_reversion": 0.1, "volatility": 0.05}
    at_level = OrnsteinUhlenbeck.draw(world(), 10, LEVELS, **options)
    stationary = OrnsteinUhlenbeck.draw(world(), 10, LEVELS, stationary_start=True, **options)
    for market, level in LEVELS.items():
        assert at_level.at(market, 0) == level
        assert stationary.at(market, 0) != level
    assert (at_level.noise == stationary.noise).all()


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
