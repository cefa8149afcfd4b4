"""Rolling windows: what they hold, that they stop at gaps, and that warm-up is missing, not zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.features import windows
from experiments.features.windows import Grid, difference, lagged, segments
from marketsim.errors import ConfigError

ROLLING = {
    windows.rolling_sum: np.sum,
    windows.rolling_mean: np.mean,
    windows.rolling_max: np.max,
    windows.rolling_min: np.min,
    windows.rolling_std: lambda values: np.std(values, ddof=1),
    windows.rolling_rank: lambda values: (
        (np.sum(values < values[-1]) + (np.sum(values == values[-1]) + 1) / 2) / len(values)
    ),
}

steps = st.lists(st.sampled_from([1, 1, 1, 2, 5]), min_size=1, max_size=30)


@pytest.mark.parametrize("function", ROLLING, ids=lambda function: function.__name__)
@given(steps=steps, window=st.integers(2, 6), data=st.data())
def test_a_window_holds_the_last_rows_of_its_segment_or_nothing(function, steps, window, data):
    times = np.cumsum(steps)
    values = np.array(data.draw(st.lists(st.integers(-3, 3), min_size=len(times), max_size=len(times))), dtype=float)
    segment = segments(times, 1)
    found = function(values, segment, window)
    for row in range(len(times)):
        first = row - window + 1
        whole = first >= 0 and times[row] - times[first] == window - 1
        wanted = ROLLING[function](values[first : row + 1]) if whole else np.nan
        assert found[row] == pytest.approx(wanted, nan_ok=True, abs=1e-12)


@given(steps=steps, rows=st.integers(1, 4))
def test_what_lies_before_and_after_is_of_the_same_segment(steps, rows):
    times = np.cumsum(steps)
    segment = segments(times, 1)
    values = times.astype(float) ** 2
    ahead, behind, change = (
        lagged(values, segment, -rows),
        lagged(values, segment, rows),
        difference(values, segment, rows),
    )
    by_time = dict(zip(times.tolist(), values.tolist(), strict=True))
    for row, time in enumerate(times.tolist()):
        full = all(time + step in by_time for step in range(1, rows + 1))
        assert ahead[row] == pytest.approx(by_time[time + rows] if full else np.nan, nan_ok=True)
        full = all(time - step in by_time for step in range(1, rows + 1))
        assert behind[row] == pytest.approx(by_time[time - rows] if full else np.nan, nan_ok=True)
        assert change[row] == pytest.approx(values[row] - by_time[time - rows] if full else np.nan, nan_ok=True)


def test_nan_in_a_window_is_not_passed_over():
    values = np.array([1.0, np.nan, 1.0, 2.0, 4.0])
    assert windows.rolling_mean(values, np.zeros(5, dtype=int), 2).tolist()[3:] == [1.5, 3.0]
    assert np.isnan(windows.rolling_mean(values, np.zeros(5, dtype=int), 2)[:3]).all()


def test_the_zscore_of_a_constant_is_nan_and_of_a_line_is_known():
    segment = np.zeros(6, dtype=int)
    assert np.isnan(windows.rolling_zscore(np.full(6, 0.1), segment, 3)).all()
    assert windows.rolling_zscore(np.arange(6.0), segment, 3)[2:].tolist() == [1.0] * 4


def test_a_huge_value_in_one_segment_leaves_no_trace_in_the_next():
    values = np.array([1e300, -1e300, 1e300, 0.1, 0.2, 0.3])
    segment = np.array([0, 0, 0, 1, 1, 1])
    assert windows.rolling_sum(values, segment, 2)[4:].tolist() == pytest.approx([0.3, 0.5], rel=1e-12)


def test_segments_of_nothing_and_of_times_that_fall():
    assert segments([], 10).tolist() == []
    assert segments([5], 10).tolist() == [0]
    with pytest.raises(ConfigError, match="got 10 after 20 in row 2"):
        segments([10, 20, 10], 10)
    with pytest.raises(ConfigError, match="got 20 after 20 in row 1"):
        segments([20, 20], 10)


@pytest.mark.parametrize("bad", [{"bucket_ms": 0}, {"zscore": 1}, {"spread_rank": True}, {"bucket_ms": 1.5}])
def test_a_grid_refuses_what_is_no_window(bad):
    with pytest.raises(ConfigError, match=f"Grid.{next(iter(bad))}"):
        Grid(**bad)
