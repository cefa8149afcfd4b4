"""Small studies: books with or without a planted effect, and tables of features drawn at random."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agents.recorder import snapshot_columns
from experiments.features.schema import FEATURES, names
from experiments.ofi.config import Market, OfiStudy
from experiments.ofi.data import Recording
from experiments.ofi.study import joined

BUCKET = 1000
FIRST = 1_723_161_255_000  # a multiple of the bucket
SHARES = (0.3, 0.1, 0.3, 0.3)


def study_of(**options):
    defaults = {"bucket_ms": BUCKET, "zscore": 20, "spread_rank": 30, "horizon": 5, "shares": SHARES}
    small = Market(buckets=40, traders=20, money_runs=0)
    return OfiStudy(**{"market": small} | defaults | options)


def noise_tables(rows, seed, *, effect=0.0):
    """Features drawn at random; returns of 2 bps that follow one of them, with `effect` as its weight."""
    rng = np.random.default_rng(seed)
    columns = names(FEATURES)
    features = pd.DataFrame(rng.normal(size=(rows, len(columns))), columns=pd.Index(columns))
    features.insert(0, "open_time_ms", FIRST + BUCKET * np.arange(rows))
    features.insert(1, "split", study_of(shares=(0.28, 0.04, 0.34, 0.34)).plan().split(features["open_time_ms"]))
    ahead = 2.0 * (effect * features["mlofi_l5_5m"].to_numpy() + rng.normal(size=rows)) / np.hypot(1.0, effect)
    edges = {"long": ahead - 1.0, "short": -ahead - 1.0}
    labels = pd.DataFrame(
        {
            "open_time_ms": features["open_time_ms"],
            "future_return_bps": ahead,
            "direction": np.select([edges["long"] > 0, edges["short"] > 0], ["long", "short"], default="neutral"),
            **{f"{side}_net_edge_bps": edge for side, edge in edges.items()},
            **{f"{side}_entry": (edge > 0).astype(float) for side, edge in edges.items()},
        }
    )
    return joined(features, labels)


def book_recording(rows, seed, *, effect=0.0):
    """A book of 20 levels, one snapshot a bucket, without trades.

    Its levels 1 to 4 fill and empty on their own; `effect` is how far the mid then follows what came in 5 buckets.
    """
    rng = np.random.default_rng(seed)
    tilt = np.zeros(rows)
    for row in range(1, rows):
        tilt[row] = 0.9 * tilt[row - 1] + rng.normal()
    came = tilt - np.concatenate((np.zeros(5), tilt[:-5]))
    moves = effect * np.concatenate(([0.0], came[:-1])) + rng.normal(size=rows)
    mid = 20_000 + np.round(np.cumsum(moves))
    table = np.zeros((rows, 20, 2, 2))
    for side, sign in enumerate((-1, 1)):
        table[:, :, side, 0] = mid[:, None] + sign * (np.arange(20) + 1)
        table[:, :, side, 1] = rng.integers(8, 13, size=(rows, 20))
        table[:, 1:5, side, 1] *= np.exp(-0.2 * sign * tilt)[:, None]
    frame = pd.DataFrame(table.reshape(rows, 80), columns=pd.Index(snapshot_columns()))
    times = FIRST + BUCKET * np.arange(rows) + BUCKET // 2
    frame.insert(0, "origin_time", pd.to_datetime(times, unit="ms", utc=True))
    return Recording(frame, frame, None)
