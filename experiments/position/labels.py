"""Whether a position was worth keeping: labels of a position's rows, never features."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.features.labels import future_adverse_bps, future_return_bps
from experiments.features.windows import segments
from experiments.position.config import PositionStudy
from experiments.position.entries import SHORT, SIDES

EDGE, TARGET = "expected_continue_edge_bps", "continue_target"


def continue_labels(bars: pd.DataFrame, study: PositionStudy) -> pd.DataFrame:
    """Labels of a position held at the close of each bar, a row a bar and side.

    Args:
        bars: of one symbol, as of `tape_bars`.
        study: horizon, cost, stop, and the edge that is enough.

    Returns:
        `open_time_ms`, `side`; `expected_continue_edge_bps`, the return over the horizon in the position's direction
        less the cost (long: (close then / close now - 1) x 1e4; short: (close now / close then - 1) x 1e4);
        `continue_target`, 1.0 where that edge is at least `continue_edge_bps` and the worst excursion on the way stays
        under `stop_bps`, else 0.0. Both are nan where a bar of the horizon is not there.
    """
    segment = segments(bars["open_time_ms"], study.bucket_ms)
    ahead = future_return_bps(bars["close"], segment, study.horizon)
    adverse = future_adverse_bps(bars, segment, study.horizon)
    frames = []
    for side in SIDES:
        # In the direction of a short: close now / close then - 1, of close then / close now - 1.
        edge = (-ahead / (1 + ahead / 1e4) if side == SHORT else ahead) - study.cost_bps
        right = (edge >= study.continue_edge_bps) & (adverse[side] < study.stop_bps)
        unknown = np.isnan(edge) | np.isnan(adverse[side])
        columns = {EDGE: edge, TARGET: np.where(unknown, np.nan, right)}
        frames.append(pd.DataFrame({"open_time_ms": bars["open_time_ms"].to_numpy(), "side": side, **columns}))
    return pd.concat(frames, ignore_index=True)
