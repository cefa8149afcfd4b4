"""The sixteen order-flow imbalance features, from book snapshots."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agents.recorder import LEVELS_MAX
from experiments.features.books import book_quotes
from experiments.features.windows import (
    Floats,
    Grid,
    Integers,
    difference,
    rolling_mean,
    rolling_sum,
    rolling_zscore,
    segments,
)
from marketsim.metrics import snapshot_imbalance

_DEPTH_MIN = 1e-12
_CLIP = 5.0


def ofi_features(books: pd.DataFrame, market: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """The features of `schema.OFI_FEATURES`, one row a snapshot, nan in warm-up and where a level is not known.

    Args:
        books: as of `snapshots`.
        market: `market_features` of the same buckets, of which `taker_imbalance_5m` and `spread_rank_24h_pct` are used.
        grid: buckets and windows.

    Returns:
        `open_time_ms` and the features. Row t uses rows up to t alone, so it is known at open_time_ms + bucket_ms.
    """
    segment = segments(books["open_time_ms"], grid.bucket_ms)
    imbalance, depth = level_imbalances(books, segment), _depths(books)
    basis = book_quotes(books)["book_microprice_basis_bps"]
    columns: dict[str, Floats] = {}
    for name, levels, windows in (("ofi_l1", 1, (1, 3, 5, 15)), ("mlofi_l5", 5, (1, 5)), ("mlofi_l20", 20, (1, 5))):
        flow, standing = imbalance[:, :levels].sum(axis=1), depth[:, :levels].sum(axis=1)
        for buckets in windows:
            mean_depth = np.maximum(rolling_mean(standing, segment, buckets), _DEPTH_MIN)
            columns[f"{name}_{buckets}m"] = rolling_sum(flow, segment, buckets) / mean_depth
    columns["mlofi_l5_l20_gap_1m"] = columns["mlofi_l5_1m"] - columns["mlofi_l20_1m"]
    for buckets in (1, 5):
        columns[f"microprice_basis_change_{buckets}m_bps"] = difference(basis, segment, buckets)
    for name in ("ofi_l1_5m", "mlofi_l20_5m"):
        columns[f"{name}_zscore_240m"] = rolling_zscore(columns[name], segment, grid.zscore)
    frame = pd.DataFrame({"open_time_ms": books["open_time_ms"].to_numpy(), **columns})
    return _with_crosses(frame, market)


def level_imbalances(books: pd.DataFrame, segment: Integers) -> Floats:
    """Snapshot imbalance of every level in quote currency, shape (snapshots, 20); nan in the first row of a segment."""
    sides = [_levels(books, side, what) for side in ("bid", "ask") for what in ("price", "size")]
    imbalance = np.full((len(books), LEVELS_MAX), np.nan)
    if len(books):
        bid_part, ask_part = snapshot_imbalance(*sides)
        imbalance[1:] = np.where((np.diff(segment) == 0)[:, None], bid_part + ask_part, np.nan)
    return imbalance


def _depths(books: pd.DataFrame) -> Floats:
    """Price x size of every level, both sides together, shape (snapshots, 20)."""
    depth = np.zeros((len(books), LEVELS_MAX))
    for side in ("bid", "ask"):
        prices, sizes = _levels(books, side, "price"), _levels(books, side, "size")
        depth += np.where(sizes == 0, 0.0, prices * sizes)
    return depth


def _levels(books: pd.DataFrame, side: str, what: str) -> Floats:
    return books[[f"{side}_{level}_{what}" for level in range(LEVELS_MAX)]].to_numpy(dtype=np.float64)


def _with_crosses(frame: pd.DataFrame, market: pd.DataFrame) -> pd.DataFrame:
    crossed = market.set_index("open_time_ms")[["taker_imbalance_5m", "spread_rank_24h_pct"]]
    taker, rank = crossed.reindex(frame["open_time_ms"]).to_numpy().T
    clipped = frame["ofi_l1_5m"].clip(-_CLIP, _CLIP)
    return frame.assign(
        ofi_l1_5m_clipped=clipped, ofi_l1_taker_5m=clipped * taker, ofi_l1_spread_rank_5m=clipped * rank
    )
