"""What the report of a position-state study says in sentences."""

from __future__ import annotations

from experiments.pages.numbers import Estimate, listed, number, plain, share, spans
from experiments.position.findings import Findings, bars_table, closed_share
from experiments.position.study import MARKET_ONLY, MARKET_PLUS_STATE, Diagnosis
from experiments.prediction.verdict import LOCKED, NOT_READY, READY

LEAKAGE_POLICY = (
    "A row uses bars, books, trades and adds up to the close of its own bucket, and is known then.",
    "A position counts from the first close at or after its entry; no excursion from before is in its path.",
    "Paths, windows and labels never cross a gap; rows in which something is not known are dropped, never filled.",
    "A label looks at the bars of one horizon ahead; no feature does, and no entry was chosen by what came after it.",
    "A model that scores entries is fitted on the first part of the fit split; entries before its end have no rows.",
    "The predictions of a file of entries are taken as made by the time of the entry.",
    "Splits are shares of the recorded buckets in order of time; before each split at least a horizon is dropped.",
    "Scales, coefficients and constants come from the fit split alone; nothing was tuned on another.",
)


def question(found: Findings) -> str:
    """What is asked, of which data."""
    study = found.study
    where = _market(found) if study.synthetic else listed(found.source.bars)
    ages, ahead = spans(study.ages, study.bucket_ms), spans([study.horizon], study.bucket_ms)
    return (
        f"Of a position on {where}, {ages} after its entry: does its own path say, better than the market features "
        f"alone, whether the next {ahead} bring at least "
        f"{plain(study.continue_edge_bps)} bps beyond a cost of {plain(study.cost_bps)} bps without an excursion of "
        f"{plain(study.stop_bps)} bps against it?"
    )


def _market(found: Findings) -> str:
    study, market = found.study, found.study.market
    venue = "continuous book" if market.venue == "clob" else "batch auction"
    flow = f"a simulated {venue} of zero-intelligence flow"
    if not market.effect:
        return f"{flow} without planted trends"
    return f"{flow} with trends of {market.effect} lots a bucket of {spans([1], study.bucket_ms)}"


def answer(found: Findings) -> list[str]:
    """The verdict, the scores behind it, and what the state adds."""
    said = [_verdict(found), _entries(found)]
    if found.diagnosis is not None and not found.diagnosis.failures:
        said += [_scores(found.diagnosis), _gain(found.diagnosis)]
    return said


def _verdict(found: Findings) -> str:
    verdict = found.verdict
    if verdict.said == READY:
        return f"Ready: all {len(verdict.checks)} checks passed, of both sides on both locked splits."
    if verdict.said == NOT_READY:
        failed = sum(not check.passed for check in verdict.checks)
        return f"Not ready: {failed} of {len(verdict.checks)} checks did not pass. All of them must."
    return f"Too few rows for a verdict: {'; '.join(verdict.reasons)}."


def _entries(found: Findings) -> str:
    study, count = found.study, len(found.tables.entries)
    if study.entries:
        return f"The {count} entries and their predictions are those of {study.entries.rpartition('/')[2]}."
    scored = "scored by a linear model frozen before the first of them that is used"
    if study.synthetic and study.market.entries_of:
        adds = len(found.source.entries.adds)
        return f"The {count} entries, and {adds} adds, are fills of {study.market.entries_of!r}, {scored}."
    every = spans([study.entry_every], study.bucket_ms)
    return f"The {count} entries are made every {every} on both sides, {scored}."


def _scores(diagnosis: Diagnosis) -> str:
    locked = diagnosis.scores[diagnosis.scores["split"].isin(LOCKED)]
    parts = []
    for measure, name, wanted in (("auc", "AUC", "at least 0.60"), ("mae_ratio", "MAE ratio", "at most 0.97")):
        own = [
            locked.loc[(locked["measure"] == measure) & (locked["feature_set"] == each), "value"]
            for each in (MARKET_ONLY, MARKET_PLUS_STATE)
        ]
        ranges = [f"{number(values.min(skipna=False), 3)} to {number(values.max(skipna=False), 3)}" for values in own]
        parts.append(f"{name} {ranges[0]} with the market features, {ranges[1]} with the state ({wanted} wanted)")
    return f"Over both sides and locked splits: {parts[0]}; {parts[1]}."


def _gain(diagnosis: Diagnosis) -> str:
    locked = diagnosis.gains[diagnosis.gains["split"].isin(LOCKED)]
    gains = [Estimate(row["mean"], row["se"], row["n"]) for row in locked.to_dict("records")]
    better = sum(gain.told() and gain.mean > 0 for gain in gains)
    worse = sum(gain.told() and gain.mean < 0 for gain in gains)
    return (
        f"Of {len(gains)} comparisons of loss on the locked splits the state lowers {better} and raises {worse} beyond "
        "chance, each by itself."
    )


def caveats(found: Findings) -> list[str]:
    """What the numbers do not say."""
    study = found.study
    lines = [
        "The two locked splits are two stretches of one recording, not two markets.",
        "Rows of one time share their future: there are far fewer independent outcomes than rows.",
        "The checks compare plain numbers; how far from chance they are is in the gains, over blocks of six horizons.",
        "A position is marked at closes; nobody traded at them, and the cost is one number for all.",
    ]
    if len(found.tables.rows):
        closed = closed_share(found.tables.rows, study)
        lines.append(
            "Every entry has a row at every age, also where its plan had ended by then: the path had reached the stop "
            f"or the target in {share(closed)} of the rows."
        )
    bars = bars_table(found)
    if bars["negative_spreads"].any():
        lines.append(
            f"In {bars['negative_spreads'].sum()} bars the ask closes below the bid. They are kept: the price is the "
            "mid, and the spread is used by its rank alone, where such a bar counts as narrow."
        )
    if study.synthetic:
        lines.append(
            "Bars are of trades, which bounce between bid and ask, and zero-intelligence traders price around the mid "
            "they see: returns can be predicted without any planted trend."
        )
    if found.source.entries.adds.empty:
        lines.append("Nothing was added to a position: add_count and minutes_since_last_add are constants.")
    return lines
