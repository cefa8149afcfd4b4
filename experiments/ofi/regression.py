"""The linear impact of order-flow imbalance at the best prices, beside what a stylised book predicts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agents.recorder import LEVELS_MAX
from experiments.features.books import TIME, book_quotes, snapshots
from experiments.features.windows import Floats
from marketsim.errors import ConfigError
from marketsim.metrics import event_imbalance, impact_regression

COLUMNS = ["imbalance", "windows", "slope", "standard_error", "r_squared", "depth", "tick", "predicted"]
_BEST = ("bid_0_price", "bid_0_size", "ask_0_price", "ask_0_size")


def impact_pairs(events: pd.DataFrame, bucket_ms: int) -> pd.DataFrame:
    """Imbalance at the best prices and change of the mid, from the close of one bucket to the next.

    Args:
        events: states of the book, as of `snapshots`; the best level is enough.
        bucket_ms: width of a bucket.

    Returns:
        `event` (lots; summed over all states in the bucket, Cont, Kukanov and Stoikov 2014, equation 1), `snapshot`
        (lots; of the last states of the two buckets alone) and `mid_change` (units of price); rows in which all is
        known and no gap lies.
    """
    books = snapshots(events, bucket_ms)
    last = np.searchsorted(_nanoseconds(events), (books["open_time_ms"].to_numpy() + bucket_ms) * 10**6) - 1
    fine, coarse = _imbalance(events), _imbalance(books)
    # Sums of what is known, and how much is not: a sum over an unknown is unknown.
    total = np.concatenate(([0.0], np.cumsum(np.nan_to_num(fine))))
    unknown = np.concatenate(([0], np.cumsum(np.isnan(fine))))
    event = np.where(np.diff(unknown[last]) > 0, np.nan, np.diff(total[last]))
    change = np.diff(book_quotes(books)["mid"].to_numpy())
    pairs = pd.DataFrame({"event": event, "snapshot": coarse, "mid_change": change})
    pairs.loc[np.diff(books["segment"].to_numpy()) > 0] = np.nan
    return pairs.dropna().reset_index(drop=True)


def impact_table(frame: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The two regressions of `pairs`, with tick / (2 x depth) beside the slope; empty where none can be made.

    The depth is the mean size at a best price; the tick is the least distance between two prices of a side.
    """
    depth = float(np.nanmean(frame[["bid_0_size", "ask_0_size"]].to_numpy(dtype=np.float64)))
    tick = tick_of(frame)
    found = []
    for kind in ("event", "snapshot"):
        try:
            fit = impact_regression(pairs[kind], pairs["mid_change"])
        except ConfigError:
            continue  # under three windows, or an imbalance that never varies
        found.append((kind, len(pairs), fit.slope, fit.standard_error, fit.r_squared, depth, tick, tick / (2 * depth)))
    return pd.DataFrame(found, columns=COLUMNS)


def tick_of(frame: pd.DataFrame) -> float:
    """The least distance between two successive prices of one side; nan where no side ever shows two."""
    least = float("nan")
    for side in ("bid", "ask"):
        sizes = frame[[f"{side}_{level}_size" for level in range(LEVELS_MAX)]].to_numpy(dtype=np.float64)
        prices = frame[[f"{side}_{level}_price" for level in range(LEVELS_MAX)]].to_numpy(dtype=np.float64)
        gaps = np.abs(np.diff(np.where(sizes > 0, prices, np.nan), axis=1))
        if not np.isnan(gaps).all():
            least = float(np.fmin(least, np.nanmin(gaps)))
    return least


def _nanoseconds(frame: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return frame[TIME].to_numpy(dtype="datetime64[ns]").astype(np.int64)


def _imbalance(frame: pd.DataFrame) -> Floats:
    return event_imbalance(*(frame[column].to_numpy(dtype=np.float64) for column in _BEST))
