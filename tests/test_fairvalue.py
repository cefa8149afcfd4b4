"""Fair values: published laws of their paths."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest

from marketsim.errors import ConfigError
from marketsim.fairvalue import LatentFactorWalk, OrnsteinUhlenbeck, PoissonJumps
from tests.fair_values import LEVELS, MARKETS, phi, tail, unit_walk, world

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
