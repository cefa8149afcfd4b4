"""Poisoned futures: whatever happens after t changes no feature row that was known at t."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.features.books import snapshots
from experiments.features.labels import LabelPlan, direction_labels
from experiments.features.market import book_rows, market_features
from experiments.features.ofi import ofi_features
from experiments.features.tapes import tape_bars
from experiments.features.windows import Grid
from tests.experiments.features.build import BUCKET, book_frame, tape_frame

ROWS = 64
GRID = Grid(bucket_ms=BUCKET, zscore=12, spread_rank=9)
FRAME, TAPE = book_frame(ROWS), tape_frame(ROWS)
STAMPS = FRAME["origin_time"].astype("int64").to_numpy()
MOMENTS = STAMPS[np.random.default_rng(11).integers(3, len(FRAME), 100)].tolist()


def features(frame, tape, end_ns):
    """Features on the mid and on the bars, by when each row opens, of a recording that ended at `end_ns`."""
    books = snapshots(frame, BUCKET)
    bars = tape_bars(tape, BUCKET, books=books, quiet=2, end_ns=end_ns)
    market = market_features(book_rows(books, bars), GRID)
    table = market.merge(ofi_features(books, market, GRID), on="open_time_ms", how="outer")
    return table.merge(market_features(bars, GRID), on="open_time_ms", how="outer", suffixes=("", "_bars"))


END = FRAME["origin_time"].iloc[-1].value
CLEAN = features(FRAME, TAPE, END)


def known(table, moment_ns):
    """The rows whose bucket has closed by then."""
    return table[(table["open_time_ms"] + BUCKET) * 10**6 <= moment_ns].reset_index(drop=True)


def poisoned(moment, rng):
    """What came from `moment` on made wild."""
    late_trades = TAPE["time_ns"] >= moment
    cells = FRAME.to_numpy()[:, 1:].astype(float)
    late = moment <= STAMPS
    cells[late] *= rng.lognormal(0, 3, (int(late.sum()), cells.shape[1]))
    frame = pd.DataFrame(cells, columns=FRAME.columns[1:]).assign(origin_time=FRAME["origin_time"])
    tape = TAPE.assign(
        price=TAPE["price"].where(~late_trades, 1e9), side=TAPE["side"].where(~late_trades, -TAPE["side"])
    )
    return frame, tape, END


def cut(moment, rng):
    """The recording ends at `moment`."""
    frame, tape = FRAME[moment > STAMPS], TAPE[TAPE["time_ns"] < moment]
    return frame.reset_index(drop=True), tape.reset_index(drop=True), moment


@pytest.mark.parametrize(("change", "moments"), [(poisoned, MOMENTS), (cut, MOMENTS[:15])])
def test_no_row_known_at_t_depends_on_what_comes_after(change, moments):
    rng = np.random.default_rng(13)
    changed = 0
    for moment in moments:
        found = features(*change(moment, rng))
        assert known(found, moment).equals(known(CLEAN, moment)), moment
        changed += not found.equals(CLEAN)
    assert changed == len(moments)  # the change reaches what it should


def test_labels_do_look_ahead_and_only_as_far_as_their_horizon():
    rows = book_rows(snapshots(FRAME, BUCKET))
    plan = LabelPlan(horizon=5)
    clean = direction_labels(rows, BUCKET, plan)
    for at in np.random.default_rng(17).integers(0, ROWS, 100).tolist():
        poisoned = rows.copy()
        poisoned.loc[poisoned.index >= at, "close"] *= 3
        ahead = rows["open_time_ms"] + plan.horizon * BUCKET
        untouched = ahead < rows["open_time_ms"][at]
        labels = direction_labels(poisoned, BUCKET, plan)
        pd.testing.assert_frame_equal(labels[untouched], clean[untouched])
        crossing = ~untouched & (rows.index < at) & clean["future_return_bps"].notna()
        assert (labels["future_return_bps"] != clean["future_return_bps"])[crossing].all()
