"""Small bars and entries to compute rows of, with a gap in the middle."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.position.bars import Source
from experiments.position.config import PositionStudy
from experiments.position.entries import Entries, regular_entries

BUCKET = 60_000
FIRST = 1_640_995_200_000
GAP_AT, GAP = 36, 3  # after this many buckets, so many are missing


def study(**given) -> PositionStudy:
    """A small study of bars that a test makes."""
    small = {"data": ("made.csv",), "ages": (2, 5), "horizon": 4, "spread_rank": 6, "rows_min": 400}
    return PositionStudy(**small | given)


def bars_of(rows: int, seed: int = 1, gap: bool = True) -> pd.DataFrame:
    """Bars of a random walk, all columns known."""
    rng = np.random.default_rng(seed)
    close = 10_000 * np.exp(np.cumsum(rng.normal(0, 5e-4, rows)))
    begin = np.append(10_000.0, close[:-1])
    wick = 1 + np.abs(rng.normal(0, 3e-4, (2, rows)))
    volume = rng.integers(1, 9, rows).astype(float)
    opening = FIRST + BUCKET * (np.arange(rows) + GAP * (np.arange(rows) >= GAP_AT) * gap)
    return pd.DataFrame(
        {
            "open_time_ms": opening,
            "open": begin,
            "high": np.maximum(begin, close) * wick[0],
            "low": np.minimum(begin, close) / wick[1],
            "close": close,
            "volume": volume,
            "taker_buy_volume": volume * rng.random(rows),
            "spread_bps": rng.normal(1, 0.7, rows),
            "book_microprice_basis_bps": rng.normal(0, 1, rows),
        }
    )


def entries_of(bars: pd.DataFrame, count: int, seed: int = 2) -> Entries:
    """Scored positions at odd times, the first before the bars, the last after them; two adds each on average."""
    rng = np.random.default_rng(seed)
    first, last = int(bars["open_time_ms"].iloc[0]), int(bars["open_time_ms"].iloc[-1])
    inside = np.sort(rng.integers(first, last, count - 2))
    times = np.concatenate(([first - 1], inside, [last + 2 * BUCKET]))
    table = pd.DataFrame(
        {
            "symbol": "made",
            "side": np.where(rng.random(count) < 0.5, "long", "short").astype(object),
            "time_ms": times,
            "predicted_edge_bps": rng.normal(0, 3, count),
            "probability": rng.random(count),
        }
    )
    entry = np.sort(rng.integers(0, count, 2 * count))
    adds = pd.DataFrame({"entry": entry, "time_ms": times[entry] + rng.integers(1, 8 * BUCKET, len(entry))})
    return Entries(table, adds)


def regular(bars: pd.DataFrame, every: int) -> Source:
    """Bars with a position on either side at regular times."""
    return Source({"made": bars}, regular_entries({"made": bars["open_time_ms"]}, BUCKET, every))
