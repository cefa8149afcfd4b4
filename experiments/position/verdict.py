"""Whether the state of a position enters the formal set: every check, passed or with its reason."""

from __future__ import annotations

from math import ceil, isnan, nan

from experiments.features.splits import SPLITS
from experiments.position.config import PositionStudy
from experiments.position.entries import SIDES
from experiments.position.study import FIT, MARKET_ONLY, MARKET_PLUS_STATE, Diagnosis, Tables
from experiments.prediction.scores import AUC_ROWS_MIN
from experiments.prediction.verdict import LOCKED, TOO_FEW_ROWS, Check, Verdict, judged

AUC_MIN, MAE_RATIO_MAX = 0.60, 0.97
CONVERGED, AUC, AUC_BETTER, MAE, MAE_BETTER = (
    "regressor converged", "AUC >= 0.60", "AUC better", "MAE ratio <= 0.97", "MAE ratio better"
)  # fmt: skip


def too_few_rows(study: PositionStudy, tables: Tables) -> Verdict | None:
    """The verdict where a side has fewer rows in a split than the study asks for; else None."""
    counts = tables.counts
    short = [
        f"{side}, {split} has {counts[side, split]} rows"
        for side in SIDES
        for split in SPLITS
        if counts[side, split] < study.rows_min
    ]
    if not short:
        return None
    reasons = [*([tables.failure] if tables.failure else []), *short, _needed(study, min(counts.values()))]
    return Verdict(TOO_FEW_ROWS, (), tuple(reasons))


def _needed(study: PositionStudy, least: int) -> str:
    said = f"{study.rows_min} rows of each side are needed in each split"
    if least:
        return f"{said}: about {ceil(10 * study.rows_min / least) / 10:g} times as many entries, or as long a recording"
    # Returns of 15 buckets, the rank of the spread where it is known, the path, the label.
    return (
        f"{said}, and a row needs {15 + max(study.ages) + study.horizon} buckets without a gap, or "
        f"{study.spread_rank + max(study.ages) + study.horizon} where the spread is known"
    )


def verdict_of(diagnosis: Diagnosis) -> Verdict:
    """Ready only where, of both sides, the regressor converged, and both locked splits pass all four checks.

    On each the AUC is at least 0.60 and above that of market_only, and the error of the edge at most 0.97 of that of
    the constant and below that of market_only.
    """
    values = diagnosis.scores.set_index(["side", "feature_set", "split", "measure"])["value"].to_dict()
    checks = []
    for side in SIDES:
        failure = diagnosis.failures.get(side, "")
        checks.append(Check(side, FIT, CONVERGED, nan, nan, failure or _unconverged(diagnosis, side)))
        for split in LOCKED:
            for measure, bound, better in (("auc", AUC, AUC_BETTER), ("mae_ratio", MAE, MAE_BETTER)):
                before, after = (
                    float(values.get((side, name, split, measure), nan)) for name in (MARKET_ONLY, MARKET_PLUS_STATE)
                )
                sign = 1 if measure == "auc" else -1
                limit = AUC_MIN if measure == "auc" else MAE_RATIO_MAX
                reasons = _beyond(measure, sign, limit, after), _better(measure, sign, before, after)
                for name, reason in zip((bound, better), reasons, strict=True):
                    short = not failure and reason == _unknown("auc")
                    checks.append(Check(side, split, name, before, after, failure or reason, short))
    return judged(tuple(checks))


def _unconverged(diagnosis: Diagnosis, side: str) -> str:
    _, regressor = diagnosis.models[side, MARKET_PLUS_STATE]
    return "" if regressor.converged else f"the {regressor.kind} regressor did not converge"


def _beyond(measure: str, sign: int, limit: float, after: float) -> str:
    if isnan(after):
        return _unknown(measure)
    wanted = "at least" if sign > 0 else "at most"
    return "" if sign * (after - limit) >= 0 else f"{measure} is {after:.5g}, wanted {wanted} {limit:.2f}"


def _better(measure: str, sign: int, before: float, after: float) -> str:
    if isnan(before) or isnan(after):
        return _unknown(measure)
    wanted = "higher" if sign > 0 else "lower"
    return "" if sign * (after - before) > 0 else f"{measure} is {after:.5g} against {before:.5g}, wanted {wanted}"


def _unknown(measure: str) -> str:
    if measure == "auc":
        return f"{measure} cannot be computed: under {AUC_ROWS_MIN} rows that went right, or that did not"
    return f"{measure} cannot be computed: the constant makes no error"
