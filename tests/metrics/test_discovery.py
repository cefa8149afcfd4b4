import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.fairvalue import ConstantFairValue
from marketsim.metrics import convergence_time, fair_marks, fair_paths, half_gaps, price_discovery, public_prices
from tests.metrics.build import Paths, quotes


def _auction_prices(interval, steps, rng):
    # A clear at every multiple of the interval reveals the log value of the step before it.
    value = np.cumsum(rng.standard_normal(steps)) * 1e-3
    clears = np.arange(steps) // interval * interval
    return np.exp(value[np.maximum(clears - 1, 0)]), np.exp(value)


@pytest.mark.parametrize("interval", [10, 50])
def test_tracking_error_of_an_auction_on_a_walk(interval):
    # The revealed value is 1 to `interval` steps old, each with variance q, so the mean square is q (interval + 1) / 2.
    steps = 400_000
    public, fair = _auction_prices(interval, steps, np.random.default_rng(4))
    found = price_discovery(public, fair, max_lag=0).rms ** 2 / 1e-6
    error = (interval + 1) / 2 * np.sqrt(2 * interval / steps)  # of a mean over independent intervals, about
    assert found == pytest.approx((interval + 1) / 2, abs=4 * error)


def test_lag_of_an_auction_is_the_median_age_of_its_price():
    public, fair = _auction_prices(9, 100_000, np.random.default_rng(5))
    assert price_discovery(public, fair, max_lag=30).lag == 5.0


def test_lag_by_hand():
    found = price_discovery(np.exp([0.0, 0.0, 1.0, 3.0]), np.exp([0.0, 1.0, 3.0, 7.0]), max_lag=2)
    # Steps 2 and 3; lag 0: (1-3)^2, (3-7)^2; lag 1: 0, 0; lag 2: (1-0)^2, (3-1)^2.
    assert found.mean_squares == pytest.approx([10.0, 0.0, 2.5])
    assert (found.lag, found.at_bound, found.compared) == (1.0, False, 2)
    assert found.rms == pytest.approx(np.sqrt((0 + 1 + 4 + 16) / 4))
    assert (found.known, found.unknown) == (4, 0)


def test_lag_at_the_bound_is_said():
    fair = np.exp(np.cumsum(np.random.default_rng(0).standard_normal(300)) * 0.01)
    public = np.concatenate((np.full(30, fair[0]), fair[:-30]))
    found = price_discovery(public, fair, max_lag=20)
    assert (found.lag, found.at_bound) == (20.0, True)
    assert price_discovery(public, fair, max_lag=40).lag == 30.0


def test_a_constant_fair_value_has_lag_nought():
    public = 100 + np.sin(np.arange(5000.0))
    assert price_discovery(public, np.full(5000, 100.3), max_lag=200).lag == 0.0


def test_markets_are_pooled():
    fair = np.exp(np.cumsum(np.random.default_rng(2).standard_normal((2, 400)), axis=1) * 0.01)
    public = np.stack((np.roll(fair[0], 4), np.roll(fair[1], 4)))
    public[1] = np.nan
    found = price_discovery(public, fair, max_lag=10)
    assert (found.lag, found.known, found.unknown, found.compared) == (4.0, 400, 400, 390)


def _brute_force(public, fair, max_lag):
    curve = []
    for lag in range(max_lag + 1):
        squares = [
            (np.log(p[t]) - np.log(f[t - lag])) ** 2
            for p, f in zip(public, fair, strict=True)
            for t in range(max_lag, len(p))
            if p[t] > 0 and f[t - lag] > 0
        ]
        curve.append(np.mean(squares) if squares else np.nan)
    return np.array(curve)


@pytest.mark.parametrize("changes", [0, 1, 7, 400])
@pytest.mark.parametrize("missing", ["nothing", "public", "fair", "both"])
def test_lags_of_a_price_that_seldom_changes(changes, missing):
    rng = np.random.default_rng(changes)
    fair = 100 * np.exp(np.cumsum(rng.standard_normal((2, 3000)) * 1e-3, axis=1))
    times = np.sort(rng.integers(0, 3000, changes))
    public = fair[:, np.append(0, times)][:, np.searchsorted(times, np.arange(3000), side="right")]
    if missing in {"public", "both"}:
        public[0, :60] = public[1, 500:900] = np.nan
    if missing in {"fair", "both"}:
        fair[0, 2990:] = fair[1, 30:50] = np.nan
    found = price_discovery(public, fair, max_lag=25)
    logs = np.log(public), np.log(fair)
    gaps = np.array([logs[0][:, 25:] - logs[1][:, 25 - lag : 3000 - lag] for lag in range(26)]).reshape(26, -1)
    expected = np.nanmean(gaps**2, axis=1)
    assert found.mean_squares == pytest.approx(expected, rel=1e-9)
    assert (found.lag, found.compared) == (float(expected.argmin()), (~np.isnan(gaps[0])).sum())
    assert found.rms == pytest.approx(np.sqrt(np.nanmean((logs[0] - logs[1]) ** 2)))


points = st.one_of(st.floats(50.0, 200.0), st.just(float("nan")), st.just(0.0))


@given(st.integers(1, 2), st.integers(0, 6), st.data())
def test_curve_against_brute_force(markets, max_lag, data):
    shape = (markets, 12)
    public, fair = (
        np.array(data.draw(st.lists(points, min_size=12 * markets, max_size=12 * markets))).reshape(shape)
        for _ in range(2)
    )
    found = price_discovery(public, fair, max_lag=max_lag)
    wanted = _brute_force(public, fair, max_lag)
    assert found.mean_squares == pytest.approx(wanted, rel=1e-9, abs=1e-12, nan_ok=True)
    if not np.isnan(wanted).any():
        assert wanted[int(found.lag)] == pytest.approx(wanted.min(), rel=1e-9, abs=1e-12)


def test_nothing_known():
    found = price_discovery(np.full((2, 9), np.nan), np.ones((2, 9)), max_lag=3)
    assert np.isnan(found.lag)
    assert np.isnan(found.rms)
    assert (found.at_bound, found.known, found.unknown) == (False, 0, 18)
    assert np.isnan(price_discovery(np.ones(3), np.ones(3), max_lag=3).lag)


def test_public_price_is_the_mid_else_the_last_price_at_the_end_of_the_step():
    log = quotes((1, None, None, None), (2, 98, 102, None), (2, 98, 104, None), (4, 98, None, 97), (6, 99, 101, 97))
    found = public_prices(log, ["m"], end=7)[0]
    assert found[2:].tolist() == [101.0, 101.0, 97.0, 97.0, 100.0, 100.0]
    assert np.isnan(found[:2]).all()


def test_public_price_of_several_venues():
    log = quotes((0, 98, 102, None))
    log.extend([(0, "w", "m", 99, 103, None), (0, "w", "n", 9, 11, None)])
    with pytest.raises(ConfigError, match="v, w"):
        public_prices(log, ["m"], end=0)
    assert public_prices(log, ["m"], end=0, venue="w").tolist() == [[101.0]]
    assert public_prices(log, ["m", "n"], end=0, venue={"m": "v"}).tolist() == [[100.0], [10.0]]
    assert np.isnan(public_prices(log, ["n"], end=0, venue="v")).all()


def test_fair_paths():
    truth = Paths({"m": [1.0, 2.0, 3.0, 4.0], "n": [5.0, 6.0, 7.0, 8.0]})
    assert fair_paths(truth, ["n", "m"], end=3).tolist() == [[5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0]]
    assert fair_paths(ConstantFairValue({"m": 3.0}), ["m"], end=2).tolist() == [[3.0, 3.0, 3.0]]
    assert fair_paths(truth, [], end=3).shape == (0, 4)


def test_a_run_that_ends_before_it_begins_has_no_prices():
    with pytest.raises(ConfigError, match="end: got -1"):
        fair_paths(ConstantFairValue({"m": 3.0}), ["m"], end=-1)
    with pytest.raises(ConfigError, match="end: got -1"):
        public_prices(quotes((0, 98, 102, None)), ["m"], end=-1)


def test_fair_marks_are_known_within_the_run_only():
    truth = Paths({"m": [1.0, 2.0, 3.0], "n": [5.0, 6.0, 7.0]})
    found = fair_marks(truth, np.array(["n", "m", "m", "n"], dtype=object), [1, -1, 0, 2], end=1)
    assert np.array_equal(found, [6.0, np.nan, 1.0, np.nan], equal_nan=True)


def test_half_gaps_by_hand():
    fair = np.array([100.0, 110.0, 110.0, 110.0, 90.0, 90.0, 90.0, 120.0])
    public = np.array([100.0, 100.0, 104.0, 106.0, 106.0, 106.0, 106.0, 106.0])
    found = half_gaps(public, fair, [[1, 4, 4, 7]])
    # 100 -> 110: half closed above 104.88, two steps later. 106 -> 90: not before the next jump. 106 -> 120: never.
    assert found.times.tolist() == [2.0, np.inf, np.inf]
    assert (found.jumps, found.unknown, found.median) == (3, 0, np.inf)
    assert found.never_share == pytest.approx(2 / 3)


def test_half_gaps_within_the_step_and_beyond_the_target():
    fair = np.array([[100.0, 110.0, 110.0], [100.0, 90.0, 90.0]])
    public = np.array([[100.0, 115.0, 115.0], [100.0, 100.0, 94.0]])
    found = half_gaps(public, fair, [[1], [1]])
    assert found.times.tolist() == [0.0, 1.0]
    assert (found.median, found.never_share) == (0.5, 0.0)


def test_half_gaps_that_cannot_be_judged():
    fair = np.array([100.0, 110.0, 120.0])
    public = np.array([np.nan, 120.0, 120.0])
    found = half_gaps(public, fair, [[0, 1, 2]])
    assert np.isnan(found.times).all()
    assert (found.jumps, found.unknown) == (3, 3)
    assert np.isnan(found.median)
    assert np.isnan(found.never_share)
    assert half_gaps(public, fair, [[]]).jumps == 0


def test_half_gaps_refuse_jumps_outside_the_run():
    with pytest.raises(ConfigError, match="jumps from 3"):
        half_gaps(np.ones(3), np.ones(3), [[3]])
    with pytest.raises(ConfigError, match="markets"):
        half_gaps(np.ones(3), np.ones(3), [[1], [1]])


def test_convergence_is_against_the_path_and_over_all_markets():
    fair = np.array([[100.0, 103.0, 103.0, 103.0], [50.0, 50.0, 50.0, 50.0]])
    public = np.array([[100.0, 100.0, 101.0, 103.0], [np.nan, 50.0, 50.0, 50.0]])
    assert convergence_time(public, fair) == 2.0  # |101 - 103| / 103 is within 2 %
    assert convergence_time(public, fair, band=0.001) == 3.0
    assert convergence_time(public[:1], fair[:1]) == 0.0
    assert np.isnan(convergence_time(public[:, :1], fair[:, :1]))


def test_shapes_must_agree():
    for measure in (price_discovery, convergence_time):
        with pytest.raises(ConfigError, match="shapes"):
            measure(np.ones((1, 3)), np.ones((1, 4)))
    with pytest.raises(ConfigError, match="max_lag"):
        price_discovery(np.ones(3), np.ones(3), max_lag=-1)


def test_empty_logs():
    nothing = public_prices(quotes(), ["m"], end=3)
    assert np.isnan(nothing).all()
    assert nothing.shape == (1, 4)
    assert np.isnan(convergence_time(nothing, np.ones((1, 4))))
    assert np.isnan(convergence_time(np.empty((0, 4)), np.empty((0, 4))))
    assert price_discovery(np.empty((0, 4)), np.empty((0, 4)), max_lag=1).known == 0
