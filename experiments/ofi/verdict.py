"""Whether the imbalance features enter the formal set: every check, passed or with its reason."""

from __future__ import annotations

from math import ceil, isnan, nan

from experiments.features.splits import SPLITS
from experiments.ofi.config import OfiStudy
from experiments.ofi.study import DIRECTION, EDGES, ENTRIES, HEADS, MARKET_ONLY, MARKET_PLUS_OFI, Diagnosis
from experiments.prediction.scores import AUC_ROWS_MIN
from experiments.prediction.verdict import LOCKED, TOO_FEW_ROWS, Check, Verdict, judged

LOWER, HIGHER = "lower", "higher"
_CLASSIFIER = {"log_loss": LOWER, "brier": LOWER}
BEATS = {
    DIRECTION: _CLASSIFIER | {"auc_long": HIGHER, "auc_short": HIGHER, "auc_neutral": HIGHER},
    **{head: _CLASSIFIER | {"auc": HIGHER} for head in ENTRIES},
    **{head: {"mae_ratio": LOWER} for head in EDGES},
}
"""What "beats" means for every head: all of these measures are better."""


def too_few_rows(study: OfiStudy, counts: dict[str, int]) -> Verdict | None:
    """The verdict where a split has fewer rows than the study asks for; else None."""
    short = [f"{split} has {counts[split]} rows" for split in SPLITS if counts[split] < study.rows_min]
    if not short:
        return None
    buckets = buckets_needed(study)
    need = (
        f"{study.rows_min} rows are needed in each split: about {buckets} buckets of {study.bucket_ms} ms without a gap"
    )
    return Verdict(TOO_FEW_ROWS, (), (*short, f"{need} ({_span(buckets * study.bucket_ms)})"))


def buckets_needed(study: OfiStudy) -> int:
    """Buckets in a row, every feature known after the warm-up, that give each split its rows.

    The embargo is dropped before every split but the first, and the last loses as many buckets as the horizon.
    """
    plan = study.plan()
    lost = max(plan.embargo_ms // study.bucket_ms, study.horizon)
    # The longest warm-up: a z-score of a sum over 5 buckets of differences, or the rank of the spread.
    warm_up = max(study.zscore + 5, study.spread_rank, 15)
    ahead = (warm_up, 0, 0, 0)
    return max(ceil((study.rows_min + lost + before) / share) for share, before in zip(plan.shares, ahead, strict=True))


def verdict_of(diagnosis: Diagnosis) -> Verdict:
    """Ready only where market_plus_ofi beats market_only, in every measure of every head, on both locked splits."""
    values = diagnosis.scores.set_index(["head", "feature_set", "split", "measure"])["value"].to_dict()
    checks = []
    for head in HEADS:
        for split in LOCKED:
            for measure, better in BEATS[head].items():
                before, after = (
                    float(values.get((head, name, split, measure), nan)) for name in (MARKET_ONLY, MARKET_PLUS_OFI)
                )
                failure = diagnosis.failures.get(head, "")
                reason = failure or _reason(measure, better, before, after)
                short = not failure and measure.startswith("auc") and isnan(before + after)
                checks.append(Check(head, split, measure, before, after, reason, short))
    return judged(tuple(checks))


def _reason(measure: str, better: str, before: float, after: float) -> str:
    if isnan(before) or isnan(after):
        if measure.startswith("auc"):
            return f"{measure} cannot be computed: under {AUC_ROWS_MIN} rows of the class, or of the others"
        return f"{measure} cannot be computed: the constant makes no error"
    if (after < before) if better == LOWER else (after > before):
        return ""
    return f"{measure} is {after:.5g} against {before:.5g}, wanted {better}"


def _span(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 3600:.1f} h"
