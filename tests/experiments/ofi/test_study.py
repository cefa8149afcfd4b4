"""The study on noise, on a planted effect, on poisoned futures, and on too few rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from attrs import evolve

from experiments.features.schema import MARKET_FEATURES, OFI_FEATURES, names
from experiments.features.splits import EMBARGO, SPLITS
from experiments.ofi.config import ROWS_MIN, Market, OfiStudy, dumps, loads
from experiments.ofi.data import Recording
from experiments.ofi.study import (
    DIRECTION,
    FIT,
    HEADS,
    MARKET_ONLY,
    MARKET_PLUS_OFI,
    diagnose,
    tables_of,
)
from experiments.ofi.verdict import buckets_needed, too_few_rows, verdict_of
from experiments.prediction.verdict import NOT_READY, READY, TOO_FEW_ROWS
from marketsim.errors import ConfigError
from tests.experiments.features import build
from tests.experiments.ofi.build import BUCKET, book_recording, noise_tables, study_of

ROWS = 2500


def said(trial, effect=0.0):
    verdict = verdict_of(diagnose(study_of(), noise_tables(ROWS, trial, effect=effect)))
    # Every score can be computed, so that a verdict is not for want of rows.
    assert not any("cannot" in reason for reason in verdict.reasons)
    return verdict.said


def not_ready(trials):
    return sum(said(trial) == NOT_READY for trial in trials) / len(trials)


def test_pure_noise_is_not_ready():
    assert not_ready(range(40)) >= 0.95


@pytest.mark.slow
def test_pure_noise_is_not_ready_in_two_hundred_trials():
    assert not_ready(range(1000, 1200)) >= 0.95


@pytest.mark.parametrize("trial", range(3))
def test_a_planted_effect_is_ready(trial):
    assert said(trial, effect=1.0) == READY


def test_an_effect_planted_in_a_book_is_found_from_its_snapshots_on():
    study = study_of(cost_bps=1.0)
    with_effect = diagnose(study, tables_of(study, book_recording(2800, 1, effect=0.5)))
    assert verdict_of(with_effect).said == READY
    without = diagnose(study, tables_of(study, book_recording(2800, 1)))
    assert verdict_of(without).said == NOT_READY


def test_scores_are_worse_than_or_as_good_as_the_constant_on_noise_and_better_with_an_effect():
    ratio = {}
    for effect in (0.0, 1.0):
        scores = diagnose(study_of(), noise_tables(ROWS, 7, effect=effect)).scores
        own = scores[(scores["measure"] == "log_loss") & (scores["feature_set"] == MARKET_PLUS_OFI)]
        ratio[effect] = (own["value"] / own["constant"]).max()
    assert ratio[0.0] > 1 > ratio[1.0]


def test_both_sets_are_scored_on_the_same_rows_and_only_the_fit_split_fits():
    tables = noise_tables(ROWS, 3, effect=1.0)
    diagnosis = diagnose(study_of(), tables)
    counts = diagnosis.scores.groupby(["head", "split"])["rows"].nunique()
    assert (counts == 1).all()
    assert set(diagnosis.models) == {(head, name) for head in HEADS for name in (MARKET_ONLY, MARKET_PLUS_OFI)}
    later = tables.rows["split"] != FIT
    changed = tables.rows.copy()
    changed.loc[later, list(tables.sets[MARKET_PLUS_OFI])] *= 3.0
    changed.loc[later, "long_entry"] = 1.0
    again = diagnose(study_of(), evolve(tables, rows=changed))
    for key, model in diagnosis.models.items():
        for one, other in zip(model.coefficients(), again.models[key].coefficients(), strict=True):
            assert np.array_equal(one, other)


def test_gains_are_the_mean_of_the_loss_without_less_the_loss_with_the_features():
    diagnosis = diagnose(study_of(), noise_tables(ROWS, 3, effect=1.0))
    gains = diagnosis.gains.set_index(["head", "split"])["mean"]
    scores = diagnosis.scores.set_index(["head", "split", "measure", "feature_set"])["value"]
    for head, measure in ((DIRECTION, "log_loss"), ("long_entry", "log_loss"), ("short_net_edge_bps", "mae")):
        for split in SPLITS[1:]:
            before, after = (scores[head, split, measure, name] for name in (MARKET_ONLY, MARKET_PLUS_OFI))
            assert gains[head, split] == pytest.approx(before - after)


def test_gains_have_errors_over_blocks_of_six_horizons():
    tables = noise_tables(ROWS, 3)
    diagnosis = diagnose(study_of(), tables)
    block = tables.rows["open_time_ms"] // (6 * 5 * BUCKET)
    blocks = block.groupby(tables.rows["split"]).nunique()
    assert (diagnosis.gains["n"] == diagnosis.gains["split"].map(blocks)).all()
    assert (diagnosis.gains["se"] > 0).all()


def test_a_head_that_cannot_be_fitted_is_a_reason():
    tables = noise_tables(ROWS, 3)
    rows = tables.rows.copy()
    rows.loc[rows["split"] == FIT, "long_entry"] = 0.0
    verdict = verdict_of(diagnose(study_of(), evolve(tables, rows=rows)))
    assert verdict.said == NOT_READY
    assert any(reason.startswith("long_entry") and "the class 0.0 alone" in reason for reason in verdict.reasons)


# ---- splits, embargo, sources


def test_splits_keep_an_embargo_of_the_horizon_and_warm_up_comes_out_of_the_fit():
    study = study_of(horizon=7)
    tables = tables_of(study, book_recording(400, 1))
    times = tables.features["open_time_ms"].to_numpy()
    split = tables.features["split"].to_numpy(dtype=object)
    for before, after in pairwise(SPLITS):
        assert times[split == before].max() + 7 * BUCKET < times[split == after].min()
    assert (split == EMBARGO).sum() == 3 * 7
    assert EMBARGO not in tables.rows["split"].to_numpy()
    assert tables.counts["fit"] < 120 - 30
    assert tables.counts["tune"] == 40 - 7
    # The label of the last row reaches the last bucket.
    assert tables.rows["open_time_ms"].max() == times.max() - 7 * BUCKET


def test_features_without_a_source_are_left_out_of_both_sets():
    tables = tables_of(study_of(), book_recording(400, 1))
    taker = [name for name in names(MARKET_FEATURES) if "taker" in name]
    assert set(tables.sets[MARKET_ONLY]) == set(names(MARKET_FEATURES)) - set(taker)
    imbalance = [name for name in tables.sets[MARKET_PLUS_OFI] if name not in tables.sets[MARKET_ONLY]]
    assert set(names(OFI_FEATURES)) - set(imbalance) == {"ofi_l1_taker_5m"}


def test_too_few_rows_says_how_many_there_are_and_how_many_it_takes():
    study = study_of(rows_min=100)
    tables = tables_of(study, book_recording(300, 1))
    verdict = too_few_rows(study, tables.counts)
    assert verdict.said == TOO_FEW_ROWS
    assert f"fit has {tables.counts['fit']} rows" in verdict.reasons
    assert str(buckets_needed(study)) in verdict.reasons[-1]


@pytest.mark.parametrize("horizon", [3, 40])
def test_as_many_buckets_as_it_says_are_enough_and_a_tenth_less_is_not(horizon):
    study = study_of(rows_min=50, horizon=horizon)
    needed = buckets_needed(study)
    assert too_few_rows(study, tables_of(study, book_recording(needed + 4, 1)).counts) is None
    assert too_few_rows(study, tables_of(study, book_recording(needed * 9 // 10, 1)).counts) is not None


# ---- nothing looks ahead

FRAME, TAPE = build.book_frame(160, per_bucket=1), build.tape_frame(160)
SMALL = study_of(bucket_ms=build.BUCKET, zscore=12, spread_rank=9, horizon=4, rows_min=1, cost_bps=3.0)
CLEAN = tables_of(SMALL, Recording(FRAME, FRAME, TAPE))
STAMPS = FRAME["origin_time"].astype("int64").to_numpy()


def poisoned(moment, rng):
    """The recording with everything from `moment` on made wild; what stands in the books stays in order."""
    late = moment <= STAMPS
    cells = FRAME.to_numpy()[:, 1:].astype(float)
    cells[late] *= rng.lognormal(0, 3, (int(late.sum()), 1))
    frame = pd.DataFrame(cells, columns=FRAME.columns[1:])
    frame.insert(0, "origin_time", FRAME["origin_time"])
    after = TAPE["time_ns"] >= moment
    return Recording(
        frame, frame, TAPE.assign(price=TAPE["price"].where(~after, 1e9), side=TAPE["side"].where(~after, 1))
    )


MOMENTS = np.random.default_rng(5).integers(40, 160, 100).tolist()


@pytest.mark.parametrize("at", [*MOMENTS[:20], *(pytest.param(at, marks=pytest.mark.slow) for at in MOMENTS[20:])])
def test_poison_after_t_changes_no_row_at_or_before_t(at):
    moment = int(STAMPS[at])
    dirty = tables_of(SMALL, poisoned(moment, np.random.default_rng(at)))
    assert not dirty.labels.equals(CLEAN.labels)
    known = (CLEAN.features["open_time_ms"] + build.BUCKET) * 10**6 <= moment
    assert dirty.features[known].equals(CLEAN.features[known])  # the split too
    reached = (CLEAN.labels["open_time_ms"] + (SMALL.horizon + 1) * build.BUCKET) * 10**6 <= moment
    assert dirty.labels[reached].equals(CLEAN.labels[reached])
    # Rows with a label reached by then: the same rows, so the same models where the fit split lies before.
    rows = [table.rows[(table.rows["open_time_ms"] + (SMALL.horizon + 1) * build.BUCKET) * 10**6 <= moment]
            for table in (CLEAN, dirty)]  # fmt: skip
    assert rows[0].equals(rows[1])


def test_poison_after_the_fit_changes_no_prediction_before_it():
    study = study_of(cost_bps=1.0)
    recording = book_recording(700, 2, effect=0.5)
    clean = diagnose(study, tables_of(study, recording)).predictions
    at = 500
    frame = recording.frame.copy()
    frame.loc[frame.index >= at, frame.columns[1:]] *= 1.5
    moment = int(frame["origin_time"].iloc[at].value)
    dirty = diagnose(study, tables_of(study, Recording(frame, frame, None))).predictions
    given = [name for name in clean.columns if name.startswith(("p_", "predicted_"))]
    keys = ["feature_set", "open_time_ms"]
    before = [
        table[(table["open_time_ms"] + BUCKET) * 10**6 <= moment].set_index(keys)[given] for table in (clean, dirty)
    ]
    assert len(before[0]) > 100
    assert before[0].equals(before[1])


# ---- configuration


def test_a_study_survives_toml():
    study = study_of(seed=4, shares=(0.4, 0.2, 0.2, 0.2), trades="trades.parquet", embargo=9)
    assert loads(dumps(study), "here") == study
    assert OfiStudy().rows_min == ROWS_MIN == 400


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"embargo": 4}, "at least the horizon of 5"),
        ({"shares": (0.5, 0.5)}, "4 shares"),
        ({"trade_columns": ("time",)}, "time, price, quantity, seller took"),
        ({"cost_bps": -1.0}, "at least 0"),
        ({"bucket_ms": 1, "market": {"bucket_steps": 7}}, "whole nanoseconds"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(options, wanted):
    if "market" in options:
        options = options | {"market": Market(**options["market"])}
    with pytest.raises(ConfigError, match=wanted):
        study_of(**options)
