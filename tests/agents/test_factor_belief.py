"""The belief about factors against the published Kalman filter, the scalar belief and its own calibration."""

from __future__ import annotations

from itertools import permutations
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.belief import ScalarBelief
from agents.factor_belief import FactorBelief, absorb, diffuse
from marketsim.errors import ConfigError
from marketsim.streams import Streams
from tests.agents.beliefs import variance_of, z_score

MARKETS = ("A", "B", "C")
LOADINGS = {"A": (1.5, 0.1, -0.2), "B": (0.0, 1.4, 0.3), "C": (-0.1, 0.2, 1.6)}
precisions = st.floats(1e-3, 1e6)
values = st.floats(-10, 10)
loading = st.tuples(*[st.floats(-2, 2)] * 3)
sightings = st.lists(
    st.tuples(st.sampled_from(MARKETS), values, precisions, st.integers(0, 500)), min_size=1, max_size=12
)


def belief(loadings=LOADINGS, precision=1.0, **more):
    return FactorBelief(dict.fromkeys(loadings, 0.0), loadings, precision, **more)


def rotation():
    """Three orthonormal loadings, none of them along a factor."""
    rows = np.linalg.qr(Streams(3).stream("rotation").standard_normal((3, 3)))[0].tolist()
    return {market: tuple(row) for market, row in zip(MARKETS, rows, strict=True)}


def reference(covariance, mean, loadings, market, value, precision, added):
    """The information form with NumPy's inverse: another route to the same posterior."""
    beta = np.array(loadings[market])
    before = np.linalg.inv(covariance + added * np.eye(3))
    information = before + precision * np.outer(beta, beta)
    covariance = np.linalg.inv(information)
    return covariance, covariance @ (before @ mean + precision * value * beta)


# Published results


@pytest.mark.parametrize(
    ("q", "r", "before", "after", "gain"),
    [
        (1.0, 1.0, 1.618034, 0.618034, 0.618034),
        (1.0, 4.0, 2.561553, 1.561553, 0.390388),
        (0.01, 1.0, 0.105125, 0.095125, 0.095125),
        (0.04, 1.0, 0.220998, 0.180998, 0.180998),
        (1.0, 0.25, 1.207107, 0.207107, 0.828427),
    ],
)
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_stationary_kalman_filter(q, r, before, after, gain, scale):
    """Seen along three orthonormal directions, each is the scalar filter; a loading of 2 sees the variance 4 q."""
    found = belief({m: tuple(scale * b for b in row) for m, row in rotation().items()}, process_variance=q / scale**2)
    for time in range(400):
        for market in MARKETS:
            found.observe(market, 0.0, 1 / r, time)
    assert variance_of(found, "B", 400) == pytest.approx(before, abs=5e-7)
    assert variance_of(found, "B", 399) == pytest.approx(after, abs=5e-7)
    found.observe("B", 1.0, 1 / r, 400)
    assert found.mean_log("B") == pytest.approx(gain, abs=5e-7)
    assert found.mean_log("A") == pytest.approx(0.0, abs=1e-12)


# Calibration


def test_innovations_of_a_filter_that_fits_are_chi_squared_and_white():
    q, steps = 0.01, 6_000
    rng = Streams(7).stream("factors")
    factors = rng.standard_normal(3) + np.cumsum(sqrt(q) * rng.standard_normal((steps, 3)), axis=0)
    picks, noise = rng.integers(3, size=steps).tolist(), rng.standard_normal(steps)
    found = belief(process_variance=q)
    squares, last = [], 0.0
    for time, pick in enumerate(picks):
        market = MARKETS[pick]
        sd = (0.2, 1.0, 3.0)[time % 3]
        found.observe(market, float(np.dot(LOADINGS[market], factors[time]) + sd * noise[time]), sd**-2, time)
        squares.append(found.nis.total - last)
        last = found.nis.total
    assert found.nis.count == steps
    assert abs(z_score(found.nis)) < 4
    assert abs(np.mean(np.square(squares)) - 3) < 4 * sqrt(96 / steps)  # fourth moment of a normal


@pytest.mark.parametrize(("assumed_q", "sign"), [(0.0, 1), (1.0, -1)])
def test_innovations_of_a_filter_that_does_not_fit_show_which_way(assumed_q, sign):
    rng = Streams(7).stream("unfit")
    factors = np.cumsum(0.2 * rng.standard_normal((1_500, 3)), axis=0)
    found = belief(process_variance=assumed_q)
    for time, row in enumerate(factors):
        market = MARKETS[time % 3]
        found.observe(market, float(np.dot(LOADINGS[market], row) + rng.standard_normal()), 1.0, time)
    assert sign * z_score(found.nis) > 8


def test_posterior_covers_the_factors_as_often_as_it_says():
    """Squared Mahalanobis distance of the true factors from the mean: chi-squared with three degrees of freedom."""
    rng, distances = Streams(7).stream("cover"), []
    for _ in range(400):
        truth = rng.standard_normal(3)
        found = belief()
        for time in range(6):
            market = MARKETS[time % 3]
            found.observe(market, float(np.dot(LOADINGS[market], truth) + 0.5 * rng.standard_normal()), 4.0, time)
        off = truth - np.array(found.mean)
        distances.append(off @ np.linalg.solve(np.array(found.covariance), off))
    assert abs(np.mean(distances) - 3) < 4 * sqrt(6 / 400)


# The scalar and the static special cases


@given(st.lists(st.tuples(values, precisions, st.integers(0, 500)), min_size=1, max_size=20), precisions)
def test_one_factor_with_loading_one_is_the_scalar_belief(observations, prior):
    one = belief({"A": (1.0,)}, prior, process_variance=0.01)
    scalar = ScalarBelief(0.0, prior, process_variance=0.01)
    time = 0
    for value, precision, gap in observations:
        time += gap
        one.observe("A", value, precision, time)
        scalar.observe(value, precision, time)
        assert one.mean_log("A") == pytest.approx(scalar.mean, rel=1e-7, abs=1e-9)
        assert variance_of(one, "A", time) == pytest.approx(1 / scalar.precision, rel=1e-6)
    assert one.nis.count == scalar.nis.count
    assert one.nis.total == pytest.approx(scalar.nis.total, rel=1e-7, abs=1e-9)


@given(sightings)
def test_no_process_variance_is_the_static_filter_bit_for_bit(observations):
    moving = belief(process_variance=0.0)
    mean, covariance, time = moving.mean, moving.covariance, 0
    for market, value, precision, gap in observations:
        time += gap
        moving.observe(market, value, precision, time)
        expected = 0.0
        for weight, factor in zip(LOADINGS[market], mean, strict=True):
            expected += weight * factor
        mean, covariance, _ = absorb(mean, covariance, LOADINGS[market], value - expected, precision)
        assert (moving.mean, moving.covariance) == (mean, covariance)


def test_diffusion_is_skipped_exactly_where_nothing_moves():
    covariance = ((1 / 3, 0.1), (0.1, 0.7))
    assert diffuse(covariance, 0.0, 10) is covariance
    assert diffuse(covariance, 1.0, 0) is covariance
    assert diffuse(covariance, 1e-3, 1) == ((1 / 3 + 1e-3, 0.1), (0.1, 0.7 + 1e-3))


def test_the_first_observation_meets_an_undecayed_prior():
    late, early = (belief(process_variance=0.5) for _ in range(2))
    late.observe("A", 1.0, 2.0, 1000)
    early.observe("A", 1.0, 2.0, 0)
    assert (late.mean, late.covariance) == (early.mean, early.covariance)
    begun = belief(process_variance=0.5, last_update=0)
    assert begun.covariance_at(4)[1][1] == 3.0


# Algebra


@given(sightings)
def test_it_is_the_information_form(observations):
    found, time = belief(process_variance=0.01, last_update=0), 0
    covariance, mean = np.eye(3), np.zeros(3)
    for market, value, wanted, gap in observations:
        time, precision = time + gap, min(wanted, 1e4)  # beyond, it is the inverse that loses digits
        covariance, mean = reference(covariance, mean, LOADINGS, market, value, precision, 0.01 * gap)
        found.observe(market, value, precision, time)
        assert np.allclose(found.covariance, covariance, rtol=1e-6, atol=1e-9)
        assert np.allclose(found.mean, mean, rtol=1e-6, atol=1e-6)


@given(st.floats(1e-9, 10), st.integers(0, 10_000), st.integers(0, 10_000))
def test_diffusion_is_a_semigroup(q, first, second):
    start = ((2.0, 0.3), (0.3, 1.0))
    assert np.allclose(diffuse(diffuse(start, q, first), q, second), diffuse(start, q, first + second), rtol=1e-12)


def test_simultaneous_observations_commute_and_add_up():
    seen = [("A", 0.3, 2.0), ("B", -1.2, 0.5), ("C", 4.0, 7.0), ("A", 1.1, 6.0)]
    posteriors = []
    for order in permutations(seen):
        found = belief(process_variance=0.2, last_update=3)
        for market, value, precision in order:
            found.observe(market, value, precision, 9)
        posteriors.append([*found.mean, *np.ravel(found.covariance)])
    assert np.allclose(posteriors, posteriors[0], rtol=1e-12, atol=1e-13)
    at_once = belief(process_variance=0.2, last_update=3)
    for market, value, precision in [("A", (0.3 * 2 + 1.1 * 6) / 8, 8.0), *seen[1:3]]:
        at_once.observe(market, value, precision, 9)
    assert np.allclose([*at_once.mean, *np.ravel(at_once.covariance)], posteriors[0], rtol=1e-12, atol=1e-13)


@given(st.lists(st.tuples(loading, values, st.floats(1e-3, 1e300)), min_size=1, max_size=30))
def test_no_signal_however_precise_makes_a_variance_of_innovations_negative(observations):
    found = absorb((0.0,) * 3, belief().covariance, (0.0,) * 3, 0.0, 1.0)[:2]
    for beta, innovation, precision in observations:
        mean, covariance, variance = absorb(*found, beta, innovation, precision)
        found = mean, covariance
        assert variance > 0
        assert np.isfinite(mean).all()
        assert covariance == tuple(zip(*covariance, strict=True))
        assert np.linalg.eigvalsh(np.array(covariance)).min() > -1e-11


# Refused arguments


@pytest.mark.parametrize(
    ("market", "value", "precision", "time"),
    [
        ("Z", 1.0, 1.0, 5),
        ("A", float("nan"), 1.0, 5),
        ("A", float("inf"), 1.0, 5),
        ("A", 1.0, 0.0, 5),
        ("A", 1.0, -1.0, 5),
        ("A", 1.0, float("nan"), 5),
        ("A", 1.0, float("inf"), 5),
        ("A", 1.0, 1.0, 3),
        ("A", 1.0, 1.0, 5.0),
        ("A", 1.0, 1.0, True),
    ],
)
def test_a_refused_observation_changes_nothing(market, value, precision, time):
    found, twin = (belief(process_variance=0.1, last_update=4) for _ in range(2))
    with pytest.raises(ConfigError, match="FactorBelief"):
        found.observe(market, value, precision, time)
    assert found == twin


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"alphas": {"A": float("nan")}}, "alphas"),
        ({"alphas": {"B": 0.0}}, "loadings"),
        ({"loadings": {}}, "loadings"),
        ({"loadings": 3}, "loadings"),
        ({"loadings": {"A": ()}}, "loadings"),
        ({"loadings": {"A": (1.0, True)}}, "loadings"),
        ({"alphas": {"A": 0.0, "B": 0.0}, "loadings": {"A": (1.0,), "B": (1.0, 2.0)}}, "loadings"),
        ({"precision": 0.0}, "precision"),
        ({"process_variance": -1.0}, "process_variance"),
        ({"last_update": 1.0}, "last_update"),
    ],
)
def test_bad_arguments_are_refused_by_name(changed, named):
    good = {"alphas": {"A": 0.0}, "loadings": {"A": (1.0, 2.0)}, "precision": 1.0}
    with pytest.raises(ConfigError, match=f"FactorBelief.{named}"):
        FactorBelief(**(good | changed))


def test_time_does_not_run_backwards():
    with pytest.raises(ConfigError, match="elapsed"):
        diffuse(((1.0,),), 0.1, -1)
    with pytest.raises(ConfigError, match="market 'Z'"):
        belief().mean_log("Z")
