"""Rolling windows over buckets of time that never cross a gap.

A segment is a stretch of successive buckets. A window of k buckets ends at its row and is nan until its segment has k
known values in a row: nothing is carried over a gap, and nothing is filled in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from attrs import field, frozen

from marketsim.checks import integer
from marketsim.errors import ConfigError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@frozen(kw_only=True)
class Grid:
    """The buckets of time and the two windows that a short recording has to shorten.

    Args:
        bucket_ms: width of a bucket. Windows count buckets: "5m" in the name of a feature is 5 buckets.
        zscore: buckets of the z-scores ("240m").
        spread_rank: buckets of the spread's rank ("24h").
    """

    bucket_ms: int = field(default=60_000, validator=integer(1))
    zscore: int = field(default=240, validator=integer(2))
    spread_rank: int = field(default=1440, validator=integer(2))


def segments(open_time_ms: npt.ArrayLike, bucket_ms: int) -> Integers:
    """The number of each row's segment, from 0; a row that does not open one bucket after the last starts a new one.

    Args:
        open_time_ms: when each bucket opens, rising, shape (n,).
        bucket_ms: width of a bucket.

    Raises:
        ConfigError: times that do not rise.

    >>> segments([0, 10, 30, 40], 10).tolist()
    [0, 0, 1, 1]
    """
    times = np.asarray(open_time_ms, dtype=np.int64)
    steps = np.diff(times)
    if (steps <= 0).any():
        row = int(np.flatnonzero(steps <= 0)[0]) + 1
        raise ConfigError(f"open_time_ms: got {times[row]} after {times[row - 1]} in row {row}, wanted rising times")
    return np.concatenate((np.zeros(min(1, len(times)), dtype=np.int64), np.cumsum(steps != bucket_ms)))


def rolling_sum(values: npt.ArrayLike, segment: Integers, window: int) -> Floats:
    """Sum over the last `window` rows of the segment."""
    return _rolled(values, segment, window, "sum")


def rolling_mean(values: npt.ArrayLike, segment: Integers, window: int) -> Floats:
    """Mean over the last `window` rows of the segment."""
    return _rolled(values, segment, window, "mean")


def rolling_std(values: npt.ArrayLike, segment: Integers, window: int) -> Floats:
    """Sample standard deviation (n - 1) over the last `window` rows of the segment."""
    return _rolled(values, segment, window, "std")


def rolling_max(values: npt.ArrayLike, segment: Integers, window: int) -> Floats:
    """Greatest of the last `window` rows of the segment."""
    return _rolled(values, segment, window, "max")


def rolling_min(values: npt.ArrayLike, segment: Integers, window: int) -> Floats:
    """Least of the last `window` rows of the segment."""
    return _rolled(values, segment, window, "min")


def rolling_rank(values: npt.ArrayLike, segment: Integers, window: int) -> Floats:
    """Rank of the row among the last `window` rows of the segment, as a share in (0, 1]; ties share their mean rank."""
    return _rolled(values, segment, window, "rank", pct=True)


def rolling_zscore(values: npt.ArrayLike, segment: Integers, window: int) -> Floats:
    """(value - mean) / standard deviation over the last `window` rows; nan where they are all the same."""
    spread = rolling_std(values, segment, window)
    gap: Floats = np.asarray(values, dtype=np.float64) - rolling_mean(values, segment, window)
    score: Floats = np.divide(gap, spread, out=np.full(len(gap), np.nan), where=spread > 0)
    return score


def lagged(values: npt.ArrayLike, segment: Integers, rows: int) -> Floats:
    """The value `rows` rows before in the same segment, or after it where `rows` is negative; nan where there is none.

    >>> lagged([1.0, 2.0, 3.0, 4.0], np.array([0, 0, 0, 1]), 1).tolist()
    [nan, 1.0, 2.0, nan]
    """
    known = np.asarray(values, dtype=np.float64)
    moved = np.full(len(known), np.nan)
    distance = abs(rows)
    later, earlier = slice(distance, None), slice(None, max(0, len(known) - distance))
    here, there = (later, earlier) if rows > 0 else (earlier, later)
    moved[here] = np.where(segment[here] == segment[there], known[there], np.nan)
    return moved


def difference(values: npt.ArrayLike, segment: Integers, rows: int) -> Floats:
    """Change from the value `rows` rows before in the same segment; nan where there is none."""
    now: Floats = np.asarray(values, dtype=np.float64)
    return now - lagged(now, segment, rows)


def _rolled(values: npt.ArrayLike, segment: Integers, window: int, how: str, **options: Any) -> Floats:
    # Each segment by itself: no rounding error of one reaches the next, and pandas' own grouping takes far longer.
    pieces = np.split(np.asarray(values, dtype=np.float64), np.flatnonzero(np.diff(segment)) + 1)
    rolling = (pd.Series(piece).rolling(window, min_periods=window) for piece in pieces)
    return np.concatenate([getattr(each, how)(**options).to_numpy() for each in rolling])
