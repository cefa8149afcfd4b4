"""Market features of a bucket: returns, taker imbalance, rank of the spread, microprice basis, book pressure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.features.books import book_quotes
from experiments.features.windows import (
    Floats,
    Grid,
    Integers,
    difference,
    lagged,
    rolling_rank,
    rolling_std,
    rolling_sum,
    segments,
)

BAR_COLUMNS = ("volume", "taker_buy_volume", "spread_bps", "book_microprice_basis_bps")


def book_rows(books: pd.DataFrame, bars: pd.DataFrame | None = None) -> pd.DataFrame:
    """What `market_features` takes, of the books' buckets: their mid as `close`, and the trades of `bars` beside it.

    Args:
        books: as of `snapshots`.
        bars: as of `tape_bars`, of the same buckets; None: no trades are known.

    Returns:
        `open_time_ms`, `close` (mid), `spread_bps`, `book_microprice_basis_bps`, `volume`, `taker_buy_volume`; the last
        two nan in buckets that `bars` does not have.
    """
    rows = book_quotes(books).rename(columns={"mid": "close"})
    traded = ["open_time_ms", "volume", "taker_buy_volume"]
    return rows.assign(volume=np.nan, taker_buy_volume=np.nan) if bars is None else rows.merge(bars[traded], how="left")


def market_features(rows: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """The features of `schema.MARKET_FEATURES`, one row a bucket, nan in warm-up and where a source is not there.

    Args:
        rows: `open_time_ms` (rising) and `close`; `volume`, `taker_buy_volume`, `spread_bps` and
            `book_microprice_basis_bps` where they are known, as of `tape_bars`, `read_bars` or `book_rows`.
        grid: buckets and windows.

    Returns:
        `open_time_ms` and the features. Row t uses rows up to t alone, so it is known at open_time_ms + bucket_ms.
    """
    segment = segments(rows["open_time_ms"], grid.bucket_ms)
    unknown = pd.Series(np.nan, index=rows.index)
    volume, taker_buys, spread, basis = (
        np.asarray(rows.get(column, unknown), dtype=np.float64) for column in BAR_COLUMNS
    )
    close = rows["close"].to_numpy(dtype=np.float64)
    returns = {buckets: _return_bps(close, segment, buckets) for buckets in (1, 5, 15)}
    takers = {buckets: _taker_imbalance(volume, taker_buys, segment, buckets) for buckets in (1, 5)}
    return pd.DataFrame(
        {
            "open_time_ms": rows["open_time_ms"].to_numpy(),
            **{f"ret_{buckets}m_bps": values for buckets, values in returns.items()},
            "volatility_15m_bps": rolling_std(returns[1], segment, 15),
            **{f"taker_imbalance_{buckets}m": values for buckets, values in takers.items()},
            "spread_rank_24h_pct": rolling_rank(spread, segment, grid.spread_rank),
            "book_microprice_basis_bps": basis,
            **{f"book_pressure_taker_{buckets}m": basis * values for buckets, values in takers.items()},
        }
    )


def _return_bps(close: Floats, segment: Integers, buckets: int) -> Floats:
    return difference(close, segment, buckets) / lagged(close, segment, buckets) * 1e4


def _taker_imbalance(volume: Floats, taker_buys: Floats, segment: Integers, buckets: int) -> Floats:
    traded, bought = rolling_sum(volume, segment, buckets), rolling_sum(taker_buys, segment, buckets)
    # Where nothing traded neither side took: that is balance, and known, unlike a window that is not full.
    share = np.divide(bought, traded, out=np.full(len(traded), 0.5), where=traded > 0)
    return np.where(np.isnan(traded + bought), np.nan, np.clip(2 * share - 1, -1.0, 1.0))
