"""The scalar belief against the published Kalman filter, its static special case and its own calibration."""

from __future__ import annotations

from itertools import permutations
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.belief import Innovations, ScalarBelief, decay, update
from marketsim.errors import ConfigError
from marketsim.streams import Streams
from tests.agents.beliefs import z_score

precisions = st.floats(1e-3, 1e6)
values = st.floats(-10, 10)
variances = st.floats(1e-9, 10)


def normal(name, *shape):
    return Streams(7).stream(name).standard_normal(shape)


def track(q, r, *, steps, name, assumed_q=None, assumed_r=None, start=None):
    """(beliefs' means, truth, belief) of a walk with step variance q seen through noise of variance r every step."""
    truth = np.cumsum(sqrt(q) * normal(f"{name}/truth", steps))
    seen = truth + sqrt(r) * normal(f"{name}/noise", steps)
    belief = start or ScalarBelief(0.0, 1.0, process_variance=q if assumed_q is None else assumed_q)
    means = np.empty(steps)
    for time, value in enumerate(seen.tolist()):
        belief.observe(value, 1 / (r if assumed_r is None else assumed_r), time)
        means[time] = belief.mean
    return means, truth, belief


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
def test_stationary_kalman_filter(q, r, before, after, gain):
    """P- = (q + sqrt(q^2 + 4 q r)) / 2, P+ = P- - q, K = P- / (P- + r)."""
    belief = ScalarBelief(0.0, 1.0, process_variance=q)
    for time in range(400):
        belief.observe(0.0, 1 / r, time)
    assert 1 / belief.precision_at(400) == pytest.approx(before, abs=5e-7)
    assert 1 / belief.precision == pytest.approx(after, abs=5e-7)
    belief.observe(1.0, 1 / r, 400)
    assert belief.mean == pytest.approx(gain, abs=5e-7)


def test_tracking_error_is_the_stationary_variance_and_grows_with_the_delay():
    """Against the truth d steps later the error is P+ + q d: .618034 + d at q = r = 1."""
    means, truth, _ = track(1.0, 1.0, steps=40_000, name="delay")
    for delay in (0, 1, 5):
        errors = (means[100 : len(means) - delay] - truth[100 + delay :]) ** 2
        batches = errors[: len(errors) // 100 * 100].reshape(100, -1).mean(axis=1)
        assert abs(batches.mean() - (0.618034 + delay)) < 4 * batches.std() / 10


@pytest.mark.parametrize(("gain", "error"), [(0.1, 4.315789), (0.3, 1.137255), (0.618034, 0.618034), (0.9, 0.828283)])
def test_error_of_a_filter_with_the_wrong_gain(gain, error):
    """(q (1 - K)^2 + K^2 r) / (1 - (1 - K)^2), where a belief that assumes q' and r' has the gain K.

    With r' = 1, the stationary gain K needs q' = K^2 / (1 - K).
    """
    start = ScalarBelief(0.0, gain, process_variance=gain**2 / (1 - gain))
    start.observe(0.0, 1 - gain, 0)  # begins stationary: P+ = K
    means, truth, _ = track(1.0, 1.0, steps=40_000, name="gain", start=start, assumed_r=1.0)
    errors = (means[200:] - truth[200:]) ** 2
    batches = errors.reshape(100, -1).mean(axis=1)
    assert abs(batches.mean() - error) < 4 * batches.std() / 10


def test_static_filter_freezes_on_a_moving_truth():
    """With q assumed 0 the error after n observations is q sum(((k - 1)/n)^2) + r/n, .998 at n = 300, q = .01."""
    n, q, r, paths = 300, 0.01, 1.0, 400
    predicted = q * sum(((k - 1) / n) ** 2 for k in range(1, n + 1)) + r / n
    assert predicted == pytest.approx(0.998, abs=5e-4)
    errors = []
    for path in range(paths):
        flat = ScalarBelief(0.0, 0.0)
        means, truth, _ = track(q, r, steps=n, name=f"static/{path}", start=flat)
        errors.append((means[-1] - truth[-1]) ** 2)
    assert abs(np.mean(errors) - predicted) < 4 * np.std(errors) / sqrt(paths)


def test_flat_prior_averages_the_observations():
    seen = normal("average", 50).tolist()
    belief = ScalarBelief(3.0, 0.0)
    for n, value in enumerate(seen, start=1):
        before = belief.mean
        belief.observe(value, 4.0, n)
        assert belief.mean == pytest.approx(before + (value - before) / n, abs=1e-12)
        assert belief.precision == 4.0 * n
    assert belief.mean == pytest.approx(np.mean(seen), abs=1e-12)
    assert belief.nis.count == 49


# Calibration


def test_innovations_of_a_filter_that_fits_average_one():
    _, _, belief = track(0.04, 1.0, steps=20_000, name="fits")
    fit = belief.nis
    assert fit.count == 20_000
    assert abs(z_score(fit)) < 4


@pytest.mark.parametrize(
    ("options", "sign"),
    [({"assumed_q": 0.0}, 1), ({"assumed_q": 1.0}, -1), ({"assumed_r": 0.25}, 1), ({"assumed_r": 4.0}, -1)],
)
def test_innovations_of_a_filter_that_does_not_fit_show_which_way(options, sign):
    _, _, belief = track(0.04, 1.0, steps=5_000, name="unfit", **options)
    assert sign * z_score(belief.nis) > 8


def test_innovations_notice_jumps_where_a_walk_of_the_same_variance_was_assumed():
    rng = Streams(7).stream("jumps")
    steps, q = 20_000, 0.04
    jumps = np.where(rng.random(steps) < 0.002, sqrt(q / 0.002), 0.0) * np.where(rng.random(steps) < 0.5, 1, -1)
    seen = np.cumsum(jumps) + rng.standard_normal(steps)
    belief = ScalarBelief(0.0, 1.0, process_variance=q)
    squares, before = [], 0.0
    for time, value in enumerate(seen.tolist()):
        belief.observe(value, 1.0, time)
        squares.append(belief.nis.total - before)
        before = belief.nis.total
    # The mean cannot tell, the variances being equal; the fourth moment can: 3 for a normal innovation.
    assert np.mean(np.square(squares)) > 3 + 4 * sqrt(96 / steps)


def test_first_innovation_is_judged_by_the_undecayed_prior():
    belief = ScalarBelief(1.0, 4.0, process_variance=100.0)
    belief.observe(2.0, 0.8, 50)
    assert belief.nis == Innovations(1, 1 / (1 / 4 + 1 / 0.8))
    assert Innovations().mean is None
    assert Innovations(8, 16.0).mean == 2.0


# The static special case, bit for bit


@given(st.lists(st.tuples(values, precisions, st.integers(0, 500)), min_size=1, max_size=20), precisions, values)
def test_no_process_variance_is_the_static_filter_bit_for_bit(observations, prior, mean):
    moving = ScalarBelief(mean, prior, process_variance=0.0)
    precision, time = prior, 0
    for value, signal, gap in observations:
        time += gap
        moving.observe(value, signal, time)
        mean = (precision * mean + signal * value) / (precision + signal)
        precision += signal
        assert (moving.mean, moving.precision) == (mean, precision)


@given(precisions, variances)
def test_decay_is_exact_where_nothing_decays(precision, q):
    assert decay(precision, 0.0, 10) == precision
    assert decay(precision, q, 0) == precision
    assert decay(0.0, q, 10) == 0.0
    assert decay(precision, 1e-300, 1) == pytest.approx(precision, rel=1e-14)
    assert decay(precision, q, 1) < precision


def test_the_first_observation_meets_an_undecayed_prior():
    late, early = (ScalarBelief(0.0, 3.0, process_variance=0.5) for _ in range(2))
    late.observe(1.0, 2.0, 1000)
    early.observe(1.0, 2.0, 0)
    assert (late.mean, late.precision) == (early.mean, early.precision) == (0.4, 5.0)
    late.observe(1.0, 2.0, 1004)
    assert late.precision == 1 / (1 / 5.0 + 0.5 * 4) + 2.0
    assert late.last_update == 1004


# Algebra


@given(precisions, variances, st.integers(0, 10_000), st.integers(0, 10_000))
def test_decay_is_a_semigroup(precision, q, first, second):
    twice = decay(decay(precision, q, first), q, second)
    assert twice == pytest.approx(decay(precision, q, first + second), rel=1e-12)


def test_simultaneous_observations_in_any_order_are_one_of_all_their_precision():
    seen = [(0.3, 2.0), (-1.2, 0.5), (4.0, 7.0)]
    total = sum(p for _, p in seen)
    at_once = ScalarBelief(0.1, 1.5, process_variance=0.2, last_update=3)
    at_once.observe(sum(v * p for v, p in seen) / total, total, 9)
    for order in permutations(seen):
        belief = ScalarBelief(0.1, 1.5, process_variance=0.2, last_update=3)
        for value, precision in order:
            belief.observe(value, precision, 9)
        assert belief.mean == pytest.approx(at_once.mean, rel=1e-13)
        assert belief.precision == pytest.approx(at_once.precision, rel=1e-13)


@given(values, precisions, values, precisions, st.floats(-100, 100))
def test_update_shifts_with_its_inputs_and_lies_between_them(mean, prior, value, signal, shift):
    found, precision = update(mean, prior, value, signal)
    assert precision == prior + signal
    assert min(mean, value) - 1e-9 <= found <= max(mean, value) + 1e-9
    assert update(mean + shift, prior, value + shift, signal)[0] == pytest.approx(found + shift, abs=1e-9)


@given(st.tuples(values, precisions), st.tuples(values, precisions), variances, st.integers(1, 1000))
def test_information_form_is_the_gain_form(before, seen, q, elapsed):
    (mean, prior), (value, signal) = before, seen
    belief = ScalarBelief(mean, prior, process_variance=q, last_update=0)
    belief.observe(value, signal, elapsed)
    variance = 1 / prior + q * elapsed
    gain = variance / (variance + 1 / signal)
    assert belief.mean == pytest.approx(mean + gain * (value - mean), abs=1e-9)
    assert 1 / belief.precision == pytest.approx((1 - gain) * variance, rel=1e-6)


# Refused arguments


@pytest.mark.parametrize(
    ("value", "precision", "time"),
    [
        (float("nan"), 1.0, 5),
        (float("inf"), 1.0, 5),
        (1.0, 0.0, 5),
        (1.0, -1.0, 5),
        (1.0, float("nan"), 5),
        (1.0, float("inf"), 5),
        (1.0, 1.0, 3),
        (1.0, 1.0, 5.0),
        (1.0, 1.0, True),
        (1.0, 1.0, None),
    ],
)
def test_a_refused_observation_changes_nothing(value, precision, time):
    belief = ScalarBelief(0.5, 2.0, process_variance=0.1, last_update=4)
    twin = ScalarBelief(0.5, 2.0, process_variance=0.1, last_update=4)
    with pytest.raises(ConfigError):
        belief.observe(value, precision, time)
    assert belief == twin


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), True, "1", -1.0])
@pytest.mark.parametrize("argument", ["mean", "precision", "process_variance", "last_update"])
def test_bad_arguments_are_refused_by_name(argument, bad):
    if (argument, bad) == ("mean", -1.0):
        return
    with pytest.raises(ConfigError, match=f"ScalarBelief.{argument}"):
        ScalarBelief(**({"mean": 0.0, "precision": 1.0} | {argument: bad}))


def test_time_does_not_run_backwards():
    with pytest.raises(ConfigError, match="elapsed"):
        decay(1.0, 0.1, -1)
