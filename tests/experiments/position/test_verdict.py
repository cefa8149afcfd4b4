"""The rule of the verdict, case by case, and what it says of noise and of a planted effect."""

from __future__ import annotations

from math import nan

import numpy as np
import pandas as pd
import pytest
from attrs import evolve

from experiments.features.splits import SPLITS
from experiments.position.study import MARKET_ONLY, MARKET_PLUS_STATE, Diagnosis, diagnose, tables_of
from experiments.position.verdict import too_few_rows, verdict_of
from experiments.prediction.models import LinearModel
from experiments.prediction.verdict import NOT_READY, READY, TOO_FEW_ROWS
from tests.experiments.position.build import BUCKET, FIRST, bars_of, regular, study

GOOD = {"auc": (0.61, 0.65), "mae_ratio": (0.96, 0.95)}


def diagnosis(changes=None, *, converged=True, failures=None):
    """Scores that pass every check, with `changes` by (side, split, measure)."""
    rows = []
    for side in ("long", "short"):
        for split in SPLITS[1:]:
            for measure, good in GOOD.items():
                pair = (changes or {}).get((side, split, measure), good)
                for name, value in zip((MARKET_ONLY, MARKET_PLUS_STATE), pair, strict=True):
                    rows.append((side, name, split, measure, value))
    scores = pd.DataFrame(rows, columns=["side", "feature_set", "split", "measure", "value"])
    model = LinearModel("huber", (), (), converged, None)
    models = {(side, name): (model, model) for side in ("long", "short") for name in (MARKET_ONLY, MARKET_PLUS_STATE)}
    return Diagnosis(scores, pd.DataFrame(), pd.DataFrame(), models, failures or {})


def test_all_checks_pass():
    verdict = verdict_of(diagnosis())
    assert (verdict.said, verdict.reasons, len(verdict.checks)) == (READY, (), 18)


@pytest.mark.parametrize(
    ("split", "measure", "pair", "reasons"),
    [
        ("validation_locked", "auc", (0.5, 0.5999), ["auc is 0.5999, wanted at least 0.60"]),
        ("validation_locked", "auc", (0.5, 0.60), []),
        ("latest_stress", "auc", (0.65, 0.65), ["auc is 0.65 against 0.65, wanted higher"]),
        ("latest_stress", "auc", (0.6, 0.55), ["auc is 0.55, wanted", "auc is 0.55 against 0.6, wanted higher"]),
        ("latest_stress", "auc", (nan, 0.7), ["auc cannot be computed: under 200 rows"]),
        ("latest_stress", "auc", (0.7, nan), ["auc cannot be computed", "auc cannot be computed"]),
        ("validation_locked", "mae_ratio", (0.99, 0.9701), ["mae_ratio is 0.9701, wanted at most 0.97"]),
        ("validation_locked", "mae_ratio", (0.99, 0.97), []),
        ("validation_locked", "mae_ratio", (0.9, 0.95), ["mae_ratio is 0.95 against 0.9, wanted lower"]),
        ("validation_locked", "mae_ratio", (0.9, nan), ["mae_ratio cannot be computed"] * 2),
        ("tune", "auc", (0.9, 0.1), []),
    ],
)
@pytest.mark.parametrize("side", ["long", "short"])
def test_each_check_by_itself(side, split, measure, pair, reasons):
    verdict = verdict_of(diagnosis({(side, split, measure): pair}))
    missing = bool(reasons) and all(reason.startswith("auc cannot") for reason in reasons)
    assert verdict.said == (TOO_FEW_ROWS if missing else NOT_READY if reasons else READY)
    assert len(verdict.reasons) == len(reasons)
    for got, wanted in zip(verdict.reasons, reasons, strict=True):
        assert got.startswith(f"{side}, {split}: {wanted}")


def test_a_regressor_that_did_not_converge_or_a_fit_that_failed():
    verdict = verdict_of(diagnosis(converged=False))
    assert verdict.reasons == (
        "long, fit: the huber regressor did not converge",
        "short, fit: the huber regressor did not converge",
    )
    verdict = verdict_of(diagnosis(failures={"short": "one class alone"}))
    assert verdict.said == NOT_READY
    assert verdict.reasons.count("short, fit: one class alone") == 1
    assert len(verdict.reasons) == 9


def test_a_missing_auc_beside_a_check_that_failed_is_not_ready():
    changes = {("long", "latest_stress", "auc"): (nan, nan), ("short", "latest_stress", "mae_ratio"): (0.99, 0.98)}
    verdict = verdict_of(diagnosis(changes))
    assert verdict.said == NOT_READY
    assert len(verdict.reasons) == 3
    assert verdict_of(diagnosis(dict(list(changes.items())[:1]))).said == TOO_FEW_ROWS


def test_too_few_rows_says_so():
    source = regular(bars_of(600, gap=False), 2)
    tables = tables_of(study(), source)
    verdict = too_few_rows(study(), tables)
    assert verdict.said == TOO_FEW_ROWS
    assert not verdict.checks
    counts = tables.counts
    assert f"long, tune has {counts['long', 'tune']} rows" in verdict.reasons
    assert "400 rows of each side are needed in each split: about" in verdict.reasons[-1]
    assert too_few_rows(study(rows_min=min(counts.values())), tables) is None
    few = tables_of(study(), regular(bars_of(30, gap=False), 2))
    reasons = too_few_rows(study(), few).reasons
    assert "the model of the entries cannot be fitted" in reasons[0]
    assert "24 buckets without a gap" in reasons[-1]


def trending(buckets: int, drift: float, seed: int) -> pd.DataFrame:
    """Bars whose returns have a drift that holds for long, in units of their noise of 5 bps; 0: pure noise."""
    rng = np.random.default_rng(seed)
    changes = rng.random(buckets) < 1 / 150
    side = np.where(np.cumsum(changes) % 2 == 0, 1.0, -1.0)
    close = 10_000 * np.exp(np.cumsum(5e-4 * (rng.normal(0, 1, buckets) + drift * side)))
    begin = np.append(10_000.0, close[:-1])
    wicks = 1 + np.abs(rng.normal(0, 1e-4, (2, buckets)))
    frame = {
        "open_time_ms": FIRST + BUCKET * np.arange(buckets),
        "high": np.maximum(begin, close) * wicks[0],
        "low": np.minimum(begin, close) / wicks[1],
        "close": close,
        "spread_bps": nan,
    }
    return pd.DataFrame(frame)


LARGE = study(ages=(20, 60), horizon=15, cost_bps=0.0, continue_edge_bps=2.0, stop_bps=100.0)
CHEAP = evolve(LARGE, ages=(5, 20), horizon=8, regressor="ridge")


def said(plan, bars, every):
    tables = tables_of(plan, regular(bars, every))
    assert too_few_rows(plan, tables) is None
    return verdict_of(diagnose(plan, tables))


def noise_share(trials: int) -> float:
    verdicts = [said(CHEAP, trending(2600, 0.0, seed), 1) for seed in range(trials)]
    # An AUC that cannot be computed would be no test of the rule.
    known = [not any("cannot be computed" in reason for reason in verdict.reasons) for verdict in verdicts]
    assert sum(known) >= 0.9 * trials
    return sum(verdict.said == NOT_READY for verdict in verdicts) / trials


def test_noise_is_not_ready():
    assert noise_share(20) >= 0.95


@pytest.mark.slow
def test_noise_is_not_ready_in_200_trials():
    assert noise_share(200) >= 0.95


def test_a_planted_trend_is_ready():
    verdict = said(LARGE, trending(12_000, 0.25, 3), 3)
    assert verdict.said == READY, verdict.reasons


def test_clipping_bounds_predictions_and_moves_no_outcome():
    source = regular(trending(3000, 0.0, 1), 2)
    plain, clipped = CHEAP, evolve(CHEAP, clip_bps=4.0)
    tables = tables_of(plain, source)
    one, other = diagnose(plain, tables).predictions, diagnose(clipped, tables).predictions
    assert other["predicted_continue_edge_bps"].abs().max() <= 4.0
    assert one["expected_continue_edge_bps"].equals(other["expected_continue_edge_bps"])
    assert one["continue_probability"].equals(other["continue_probability"])
    assert not one["predicted_continue_edge_bps"].equals(other["predicted_continue_edge_bps"])
