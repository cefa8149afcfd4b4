"""The rule of the verdict on scores made by hand, and the impact regression on books made by hand."""

from __future__ import annotations

from math import nan

import numpy as np
import pandas as pd
import pytest
from attrs import evolve

from agents.recorder import snapshot_columns
from experiments.ofi.regression import impact_pairs, impact_table, tick_of
from experiments.ofi.study import HEADS, MARKET_ONLY, MARKET_PLUS_OFI, Diagnosis
from experiments.ofi.verdict import BEATS, HIGHER, verdict_of
from experiments.prediction.verdict import LOCKED, NOT_READY, READY, TOO_FEW_ROWS


def diagnosis(**changed):
    """Scores in which market_plus_ofi is better in everything, but for those of "head split measure"."""
    rows = []
    for head in HEADS:
        for split in (*LOCKED, "tune"):
            for measure, better in BEATS[head].items():
                good, bad = (0.7, 0.6) if better == HIGHER else (0.6, 0.7)
                after = changed.get(f"{head} {split} {measure}", good)
                rows.append((head, MARKET_ONLY, split, measure, bad))
                rows.append((head, MARKET_PLUS_OFI, split, measure, after))
    scores = pd.DataFrame(rows, columns=["head", "feature_set", "split", "measure", "value"])
    return Diagnosis(scores, pd.DataFrame(), pd.DataFrame(), {}, {})


def test_better_everywhere_is_ready():
    verdict = verdict_of(diagnosis())
    assert verdict.said == READY
    assert verdict.reasons == ()
    # (2 and an AUC for each of 3 classes) + 2 x 3 + 2 x 1, on two splits.
    assert len(verdict.checks) == 2 * (5 + 6 + 2)
    assert all(check.passed for check in verdict.checks)


@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        ("direction validation_locked log_loss", 0.71, "wanted lower"),
        ("direction latest_stress brier", 0.7, "wanted lower"),  # equal is not better
        ("direction latest_stress auc_neutral", 0.59, "wanted higher"),
        ("short_entry latest_stress log_loss", 0.8, "wanted lower"),
        ("long_net_edge_bps latest_stress mae_ratio", 0.7000001, "wanted lower"),
        ("short_net_edge_bps validation_locked mae_ratio", nan, "the constant makes no error"),
    ],
)
def test_one_check_that_fails_is_enough_and_says_why(where, value, reason):
    verdict = verdict_of(diagnosis(**{where: value}))
    assert verdict.said == NOT_READY
    head, split, _ = where.split()
    (said,) = verdict.reasons
    assert said.startswith(f"{head}, {split}: ")
    assert reason in said
    assert [check.passed for check in verdict.checks].count(False) == 1


def test_scores_that_lack_rows_are_too_few_rows_where_nothing_else_failed():
    missing = {"direction latest_stress auc_neutral": nan, "long_entry validation_locked auc": nan}
    verdict = verdict_of(diagnosis(**missing))
    assert verdict.said == TOO_FEW_ROWS
    assert [check.short for check in verdict.checks].count(True) == len(verdict.reasons) == 2
    assert all("cannot be computed: under 200 rows" in reason for reason in verdict.reasons)
    assert verdict_of(diagnosis(**missing, **{"direction latest_stress brier": 0.8})).said == NOT_READY
    failed = evolve(diagnosis(**missing), failures={"long_entry": "one class alone"})
    assert verdict_of(failed).said == NOT_READY


def test_the_tune_split_has_no_say():
    assert verdict_of(diagnosis(**{"direction tune log_loss": 9.0})).said == READY


def test_no_scores_at_all_are_no_pass():
    empty = pd.DataFrame(columns=["head", "feature_set", "split", "measure", "value"])
    verdict = verdict_of(Diagnosis(empty, pd.DataFrame(), pd.DataFrame(), {}, {}))
    assert verdict.said == NOT_READY
    assert not any(check.passed for check in verdict.checks)


# ---- impact


def frame_of(*books):
    """Snapshots of (time in ms, bid, bid size, ask, ask size); a second level one below and above."""
    table = []
    for time, bid, bid_size, ask, ask_size in books:
        cells = dict.fromkeys(snapshot_columns(), 0.0)
        for side, best, size, sign in (("bid", bid, bid_size, -1), ("ask", ask, ask_size, 1)):
            cells |= {f"{side}_{level}_price": np.nan for level in range(20)}
            cells |= {f"{side}_0_price": best, f"{side}_0_size": size}
            cells |= {f"{side}_1_price": best + sign * 0.5, f"{side}_1_size": 7.0}
        table.append({"origin_time": pd.Timestamp(time, unit="ms", tz="UTC")} | cells)
    return pd.DataFrame(table)


def test_event_imbalance_sums_what_snapshot_imbalance_misses():
    frame = frame_of(
        (100, 10.0, 4.0, 11.0, 4.0),  # bucket 0
        (1100, 10.0, 6.0, 11.0, 4.0),  # bucket 1: two come to the bid,
        (1200, 10.5, 3.0, 11.0, 4.0),  # three above it: the bid rose,
        (1900, 10.0, 6.0, 11.0, 4.0),  # and are gone
        (2500, 10.0, 6.0, 11.5, 2.0),  # bucket 2: the ask of 4 is taken
        (5000, 10.0, 1.0, 11.5, 2.0),  # a gap
    )
    pairs = impact_pairs(frame, 1000)
    assert pairs["event"].tolist() == [2.0 + 3.0 - 3.0, 4.0]
    assert pairs["snapshot"].tolist() == [2.0, 4.0]
    assert pairs["mid_change"].tolist() == [0.0, 0.25]
    moved = frame_of((100, 10.0, 4.0, 11.0, 4.0), (1100, 10.5, 3.0, 11.0, 4.0), (1900, 10.5, 1.0, 11.0, 4.0))
    pairs = impact_pairs(moved, 1000)
    assert pairs["event"].tolist() == [3.0 - 2.0]
    assert pairs["snapshot"].tolist() == [1.0]
    back = frame_of((100, 10.0, 4.0, 11.0, 4.0), (1100, 10.5, 3.0, 11.0, 4.0), (1900, 10.0, 1.0, 11.0, 4.0))
    pairs = impact_pairs(back, 1000)
    assert pairs["event"].tolist() == [3.0 - 3.0]
    assert pairs["snapshot"].tolist() == [-3.0]  # one window in which they differ


def test_the_table_has_the_stylised_slope_beside_the_fit():
    rng = np.random.default_rng(2)
    flow = rng.normal(size=200) * 10
    pairs = pd.DataFrame({"event": flow, "snapshot": 2 * flow, "mid_change": 0.05 * flow})
    frame = frame_of((0, 10.0, 4.0, 11.0, 6.0), (1000, 10.0, 5.0, 11.0, 5.0))
    event, snapshot = impact_table(frame, pairs).to_dict("records")
    assert (event["slope"], snapshot["slope"]) == pytest.approx((0.05, 0.025))
    assert event["r_squared"] == pytest.approx(1.0)
    assert (event["depth"], event["tick"], event["predicted"]) == (5.0, 0.5, 0.05)
    assert tick_of(frame) == 0.5
    assert impact_table(frame, pairs[:2]).empty
