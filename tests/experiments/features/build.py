"""Small books, tapes and bars to compute features of, with a gap in the middle."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agents.recorder import snapshot_columns

BUCKET = 1000
FIRST = 1_723_161_255_000  # a multiple of the bucket
GAP_AT, GAP = 30, 4  # after this many buckets, so many are missing


def opening(rows: int) -> list[int]:
    """When each of `rows` buckets opens, with the gap."""
    return [FIRST + BUCKET * (row + (GAP if row >= GAP_AT else 0)) for row in range(rows)]


def book_frame(rows: int, seed: int = 1, per_bucket: int = 3) -> pd.DataFrame:
    """Snapshots of 20 levels, `per_bucket` in every bucket, on a grid of 0.5; deep bids are now and then empty."""
    rng = np.random.default_rng(seed)
    times, table = [], []
    mid = 1000
    for start in opening(rows):
        for number in range(per_bucket):
            mid += int(rng.integers(-1, 2))
            cells: dict[str, float] = {}
            for level in range(20):
                empty = level >= 17 and rng.random() < 0.2
                for side, sign in (("bid", -1), ("ask", 1)):
                    gone = empty and side == "bid"
                    cells[f"{side}_{level}_price"] = np.nan if gone else (mid + sign * (level + 1)) / 2
                    cells[f"{side}_{level}_size"] = 0.0 if gone else float(rng.integers(1, 9)) / 4
            times.append((start + number * (BUCKET // per_bucket)) * 10**6)
            table.append(cells)
    frame = pd.DataFrame(table, columns=snapshot_columns())
    frame.insert(0, "origin_time", pd.to_datetime(times, unit="ns", utc=True))
    return frame


def tape_frame(rows: int, seed: int = 2, per_bucket: int = 4) -> pd.DataFrame:
    """Trades, up to `per_bucket` in every bucket and some buckets without, sides -1, 0 and 1."""
    rng = np.random.default_rng(seed)
    found = []
    for start in opening(rows):
        count = int(rng.integers(0, per_bucket + 1))
        for number in range(count):
            time = (start + number * BUCKET // per_bucket) * 10**6
            found.append((time, 500 + rng.integers(-8, 9) / 2, rng.integers(1, 9) / 4, int(rng.integers(-1, 2))))
    return pd.DataFrame(found, columns=["time_ns", "price", "quantity", "side"]).astype({"time_ns": np.int64})
