"""Rows of an open position: what is known of it, and of the market, at a given age.

A position counts from the first close at or after its entry, at that price; its row at age k is known when the k-th
bucket after closes. Its path is the bars after that close, so that no excursion from before the entry is in it.

Returns are ratios of the better price to the worse: of a short, entry / close - 1, which is what a long in 1 / price
makes. Beside the (entry - close) / entry of a short of one unit that is more by return squared: 0.01 bps at 10 bps, 1
at 100. So a short's columns mirror a long's: they are the same on the reciprocal of the path, stop and target apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.features.schema import MARKET_FEATURES, names
from experiments.features.windows import Floats, Integers, lagged, rolling_max, rolling_min, segments
from experiments.position.config import PositionStudy
from experiments.position.entries import SIDES
from experiments.position.schema import PRESSURE, STATE_FEATURES

NEVER_ADDED = 9999.0
KEYS = ["entry", "side", "open_time_ms"]


def entry_opens(time_ms: npt.ArrayLike, bucket_ms: int) -> Integers:
    """When the bucket opens at whose close a position counts as entered: the first close at or after its time.

    >>> entry_opens([120_000, 120_001], 60_000).tolist()
    [60000, 120000]
    """
    times = np.asarray(time_ms, dtype=np.int64)
    return -(-times // bucket_ms) * bucket_ms - bucket_ms


def state_rows(
    bars: pd.DataFrame, market: pd.DataFrame, entries: pd.DataFrame, adds: pd.DataFrame, study: PositionStudy
) -> pd.DataFrame:
    """A row for every entry and age whose bars are all there, without a gap.

    Args:
        bars: of one symbol, as of `tape_bars`.
        market: its `market_features`, a row a bar.
        entries: as of `Entries`, of this symbol; the index is the number of each.
        adds: as of `Entries`.
        study: ages, cost, price plan.

    Returns:
        `entry`, `side`, `open_time_ms` (of the bucket at whose close the row is known), then all of `MARKET_FEATURES`
        and `STATE_FEATURES`, nan where one is not known.
    """
    segment = segments(bars["open_time_ms"], study.bucket_ms)
    opening = entry_opens(entries["time_ms"], study.bucket_ms)
    since = _buckets_since_entry(entries, adds, study.bucket_ms)
    frames = [_rows_at(age, bars, market, segment, entries, opening, since, study) for age in study.ages]
    return pd.concat(frames, ignore_index=True)


def _rows_at(
    age: int,
    bars: pd.DataFrame,
    market: pd.DataFrame,
    segment: Integers,
    entries: pd.DataFrame,
    opening: Integers,
    adds: pd.DataFrame,
    study: PositionStudy,
) -> pd.DataFrame:
    times = bars["open_time_ms"].to_numpy(dtype=np.int64)
    wanted = opening + age * study.bucket_ms
    place = np.minimum(np.searchsorted(times, wanted), len(times) - 1)
    paid = lagged(bars["close"], segment, age)
    there = (times[place] == wanted) & ~np.isnan(paid[place])
    at, own = place[there], entries[there]
    sign = own["side"].map(SIDES).to_numpy(dtype=np.float64)
    extremes = rolling_max(bars["high"], segment, age)[at], rolling_min(bars["low"], segment, age)[at]
    state: dict[str, Any] = {"position_side_sign": sign, "time_in_position_minutes": float(age)}
    state |= _path(sign, paid[at], bars["close"].to_numpy(dtype=np.float64)[at], *extremes, study)
    state["entry_predicted_edge_bps"] = own["predicted_edge_bps"].to_numpy(dtype=np.float64)
    state["entry_direction_prob"] = own["probability"].to_numpy(dtype=np.float64)
    now = market[names(MARKET_FEATURES)].iloc[at].reset_index(drop=True)
    state |= {f"side_{name}": sign * now[name].to_numpy(dtype=np.float64) for name in PRESSURE}
    made = adds[adds["since"] <= age].groupby("entry")["since"].agg(["size", "max"]).reindex(own.index)
    state["add_count"] = made["size"].fillna(0.0).to_numpy(dtype=np.float64)
    state["minutes_since_last_add"] = (age - made["max"]).fillna(NEVER_ADDED).to_numpy(dtype=np.float64)
    keys = {"entry": own.index.to_numpy(), "side": own["side"].to_numpy(), "open_time_ms": times[at]}
    found: pd.DataFrame = pd.concat([pd.DataFrame(keys), now, pd.DataFrame(state)[names(STATE_FEATURES)]], axis=1)
    return found


def _path(sign: Floats, paid: Floats, close: Floats, high: Floats, low: Floats, study: PositionStudy) -> dict[str, Any]:
    best, worst = np.where(sign > 0, high, low), np.where(sign > 0, low, high)
    gain = _return_bps(sign, paid, close) - study.cost_bps
    mfe = np.maximum(_return_bps(sign, paid, best), 0.0)
    mae = np.maximum(_return_bps(sign, worst, paid), 0.0)
    stop = paid * (1 - sign * study.stop_bps / 1e4)
    target = paid * (1 + sign * study.target_bps / 1e4)
    return {
        "unrealized_pnl_bps": gain,
        "mfe_since_entry_bps": mfe,
        "mae_since_entry_bps": mae,
        "distance_to_stop_bps": _return_bps(sign, stop, close),
        "distance_to_target_bps": _return_bps(sign, close, target),
        "path_efficiency": gain / (mfe + mae + 1),
        "giveback_from_mfe_bps": mfe - np.maximum(gain, 0.0),
        "recovery_from_mae_bps": gain + mae,
        "mfe_mae_ratio": mfe / (mae + 1),
    }


def _return_bps(sign: Floats, before: Floats, after: Floats) -> Floats:
    return (np.where(sign > 0, after / before, before / after) - 1) * 1e4


def _buckets_since_entry(entries: pd.DataFrame, adds: pd.DataFrame, bucket_ms: int) -> pd.DataFrame:
    """`entry` and `since`: how many buckets after its entry's each add counts."""
    own = adds[adds["entry"].isin(entries.index)]
    entered = entry_opens(entries["time_ms"].loc[own["entry"]], bucket_ms)
    since = (entry_opens(own["time_ms"], bucket_ms) - entered) // bucket_ms
    return pd.DataFrame({"entry": own["entry"].to_numpy(), "since": since})
