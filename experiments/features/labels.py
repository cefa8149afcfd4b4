"""What the future held: returns beyond cost, and the worst excursion on the way. Labels only; never features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from attrs import field, frozen

from experiments.features.windows import Floats, Integers, lagged, rolling_max, rolling_min, segments
from marketsim.checks import integer, number

DIRECTIONS = ("long", "short", "neutral")


@frozen(kw_only=True)
class LabelPlan:
    """What counts as worth trading.

    Args:
        horizon: buckets ahead.
        cost_bps: of a round trip.
    """

    horizon: int = field(default=15, validator=integer(1))
    cost_bps: float = field(default=5.0, validator=number(0.0))


def direction_labels(rows: pd.DataFrame, bucket_ms: int, plan: LabelPlan) -> pd.DataFrame:
    """Labels of every bucket, missing where the future is not known without a gap.

    Args:
        rows: `open_time_ms` (rising) and `close`, a mid or the last trade's price.
        bucket_ms: width of a bucket.
        plan: horizon and cost.

    Returns:
        `open_time_ms`; `future_return_bps` = (close after the horizon / close - 1) x 1e4; `direction`, one of
        `DIRECTIONS`, "long" where it is above the cost, "short" where it is below minus the cost;
        `long_net_edge_bps` = return - cost and `short_net_edge_bps` = -return - cost; `long_entry` and `short_entry`,
        1.0 where that edge is above 0, else 0.0. A row's label looks at buckets up to open_time_ms + horizon x width.
    """
    segment = segments(rows["open_time_ms"], bucket_ms)
    ahead = future_return_bps(rows["close"], segment, plan.horizon)
    edges = {"long": ahead - plan.cost_bps, "short": -ahead - plan.cost_bps}
    chosen = np.select([edges["long"] > 0, edges["short"] > 0, ~np.isnan(ahead)], [0, 1, 2], default=3)
    entries = {f"{side}_entry": np.where(np.isnan(edge), np.nan, edge > 0) for side, edge in edges.items()}
    return pd.DataFrame(
        {
            "open_time_ms": rows["open_time_ms"].to_numpy(),
            "future_return_bps": ahead,
            "direction": np.array([*DIRECTIONS, None], dtype=object)[chosen],
            **{f"{side}_net_edge_bps": edge for side, edge in edges.items()},
            **entries,
        }
    )


def future_return_bps(close: npt.ArrayLike, segment: Integers, horizon: int) -> Floats:
    """Return from each row to the one `horizon` rows later in its segment, in bps; nan where there is none."""
    return (lagged(close, segment, -horizon) / np.asarray(close, dtype=np.float64) - 1) * 1e4


def future_adverse_bps(bars: pd.DataFrame, segment: Integers, horizon: int) -> dict[str, Floats]:
    """By side, how far the next `horizon` bars went against a position opened at the close, in bps, at least 0.

    Long: (close / lowest low - 1) x 1e4; short: (highest high / close - 1) x 1e4; nan where a bar is not there.
    """
    close = bars["close"].to_numpy(dtype=np.float64)
    low = lagged(rolling_min(bars["low"], segment, horizon), segment, -horizon)
    high = lagged(rolling_max(bars["high"], segment, horizon), segment, -horizon)
    return {"long": np.maximum((close / low - 1) * 1e4, 0.0), "short": np.maximum((high / close - 1) * 1e4, 0.0)}
