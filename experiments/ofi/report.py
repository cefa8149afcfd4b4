"""The report of an order-flow imbalance study: one HTML page with everything inside, and the same as Markdown."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from attrs import frozen

from experiments import pages
from experiments.features.labels import DIRECTIONS
from experiments.features.schema import FEATURES
from experiments.features.splits import SPLITS
from experiments.ofi import figures, words
from experiments.ofi.config import SYNTHETIC, OfiStudy, dumps
from experiments.ofi.data import Recording
from experiments.ofi.money import SHUFFLED, TRAINED
from experiments.ofi.study import (
    DIRECTION,
    EDGES,
    ENTRIES,
    EVALUATED,
    HEADS,
    MARKET_ONLY,
    MARKET_PLUS_OFI,
    Diagnosis,
    Tables,
)
from experiments.pages.numbers import Estimate, number, plain, share, with_error
from experiments.pages.tables import Entry, Row, Table, bullets, document
from experiments.prediction.report import checks_table, sections_of
from experiments.prediction.verdict import Verdict

BAD_SHOWN = 50
CAPTIONS = {
    "impact": "Change of the mid in a bucket against its imbalance; dashed: the stylised book.",
    "gains": "Gain of the features by prediction and split, with two standard errors; above 0 they help.",
    "money": "Profit of each run on the fitted and on the shuffled model, at the same seeds.",
}


@frozen(eq=False)
class Findings:
    """All that a study found.

    Args:
        study: what was asked.
        recording: what was looked at.
        tables: features, labels and splits.
        diagnosis: of the models; None where there are too few rows.
        verdict: of the features.
        pairs, impact: of `impact_pairs` and `impact_table`.
        money: of `money_table`; empty for a file.
    """

    study: OfiStudy
    recording: Recording
    tables: Tables
    diagnosis: Diagnosis | None
    verdict: Verdict
    pairs: pd.DataFrame
    impact: pd.DataFrame
    money: pd.DataFrame


def title(found: Findings) -> str:
    """Of the page."""
    if found.study.title:
        return found.study.title
    where = "a simulated market" if found.study.data == SYNTHETIC else found.study.data.rpartition("/")[2]
    return f"Order-flow imbalance on {where}"


def render(found: Findings, drawn: Mapping[str, bytes]) -> str:
    """The page, one HTML file without any request to elsewhere; `drawn` are its `pictures_of`."""
    return pages.render(
        "ofi.html",
        title=title(found),
        question=words.question(found.study),
        answer=answer(found),
        verdict=found.verdict.said,
        tables=tables_of(found),
        pictures={name: pages.embedded(content, CAPTIONS[name]) for name, content in drawn.items()},
        captions=CAPTIONS,
        leakage=words.LEAKAGE_POLICY,
        bad=[str(row) for row in found.recording.bad[:BAD_SHOWN]],
        bad_count=len(found.recording.bad),
        caveats=words.caveats(found.study, found.impact),
        configuration=dumps(found.study),
    )


def markdown(found: Findings, drawn: Mapping[str, bytes]) -> str:
    """The same as Markdown, with the pictures as SVG files beside it, by the names of `drawn`."""
    sections = sections_of(tables_of(found), drawn, CAPTIONS)
    sections.append(("Against leakage", bullets(words.LEAKAGE_POLICY)))
    bad = found.recording.bad
    sections.append((f"Rows that are no books: {len(bad)}", bullets(bad[:BAD_SHOWN])))
    sections.append(("What to keep in mind", bullets(words.caveats(found.study, found.impact))))
    return document(title(found), [words.question(found.study)], answer(found), sections)


def answer(found: Findings) -> list[str]:
    """The findings in a few sentences."""
    scores = None if found.diagnosis is None else found.diagnosis.scores
    return words.answer(found.study, found.verdict, scores, found.impact, found.money)


def pictures_of(found: Findings) -> dict[str, bytes]:
    """SVG pictures by the name of the table that they belong to."""
    drawn = {}
    if len(found.impact) == 2:  # both regressions
        drawn["impact"] = figures.impact_picture(found.pairs, found.impact)
    if found.diagnosis is not None and not found.diagnosis.gains.empty:
        drawn["gains"] = figures.gains_picture(found.diagnosis.gains)
    if not found.money.empty:
        drawn["money"] = figures.money_picture(found.money)
    return drawn


def tables_of(found: Findings) -> dict[str, Table]:
    """The tables of the report by name; those that there is nothing for are left out."""
    tables = {"rows": rows_table(found)}
    if found.diagnosis is not None:
        tables["checks"] = checks_table(found.verdict, "prediction", MARKET_ONLY, MARKET_PLUS_OFI)
        tables["gains"] = gains_table(found.diagnosis.gains)
        tables["classes"] = classes_table(found.diagnosis.scores)
        tables["edges"] = edges_table(found.diagnosis.scores)
    if not found.impact.empty:
        tables["impact"] = impact_table(found.impact)
    if not found.money.empty:
        tables["money"] = money_table(found.money)
    tables["features"] = features_table(found.tables)
    return tables


def rows_table(found: Findings) -> Table:
    """Rows and labels by split."""
    rows = []
    for split in SPLITS:
        own = found.tables.rows[found.tables.rows["split"] == split]
        parts = [float((own[DIRECTION] == name).mean()) for name in DIRECTIONS] if len(own) else [float("nan")] * 3
        rows.append(Row(split, (Entry(str(len(own))), *(Entry(share(part)) for part in parts))))
    total = (f"{len(found.tables.features)} buckets recorded, {len(found.tables.rows)} rows used",)
    heads = (("rows", f"{found.study.rows_min} wanted"), *((name, "of rows") for name in DIRECTIONS))
    return Table(f"Rows and labels ({total[0]})", "split", heads, tuple(rows))


def gains_table(gains: pd.DataFrame) -> Table:
    """Loss of market_only less that of market_plus_ofi."""
    rows = []
    known = {
        (row["head"], row["split"]): Estimate(row["mean"], row["se"], row["n"]) for row in gains.to_dict("records")
    }
    for head in HEADS:
        own = [known.get((head, split), Estimate()) for split in EVALUATED]
        entries = [Entry(str(gain), told=gain.told()) for gain in own]
        rows.append(Row(f"{head} ({'bps' if head in EDGES else 'nats'})", tuple(entries)))
    heads = tuple((split, "gain a row") for split in EVALUATED)
    return Table("Gain of the features: loss without them less loss with them", "prediction", heads, tuple(rows))


def classes_table(scores: pd.DataFrame) -> Table:
    """Scores of the classifiers."""
    aucs = [f"auc_{name}" for name in DIRECTIONS]
    rows = []
    for head in (DIRECTION, *ENTRIES):
        for split in EVALUATED:
            for name in (MARKET_ONLY, MARKET_PLUS_OFI):
                own = _of(scores, head, split, name)
                if not own:
                    continue
                entries = [
                    Entry(number(own[measure][0]), f"constant {number(own[measure][1])}")
                    for measure in ("log_loss", "brier")
                ]
                asked = aucs if head == DIRECTION else ["auc"]
                entries.append(Entry(" / ".join(number(own[each][0], 3) for each in asked)))
                entries += [Entry(share(own[each][0])) for each in ("top_hit_rate", "hit_rate")]
                rows.append(Row(f"{head}, {split}, {name}", tuple(entries)))
    heads = (("log loss", "nats"), ("Brier", ""), ("AUC", "long / short / neutral, or of the entry"),
             ("hits, top tenth", ""), ("hits, all", ""))  # fmt: skip
    return Table("Classifiers", "prediction, split, features", heads, tuple(rows))


def edges_table(scores: pd.DataFrame) -> Table:
    """Scores of the regressions."""
    rows = []
    for head in EDGES:
        for split in EVALUATED:
            pair = [_of(scores, head, split, name) for name in (MARKET_ONLY, MARKET_PLUS_OFI)]
            if not all(pair):
                continue
            entries = [Entry(number(pair[0]["mae"][1]))]
            entries += [Entry(number(own[each][0])) for own in pair for each in ("mae", "mae_ratio")]
            rows.append(Row(f"{head}, {split}", tuple(entries)))
    measures = (("error", "bps"), ("ratio", "to the constant"))
    groups = (("constant", 1), (MARKET_ONLY, 2), (MARKET_PLUS_OFI, 2))
    heads = (("error", "bps"), *measures, *measures)
    return Table("Net edges: mean absolute error", "prediction, split", heads, tuple(rows), groups)


def impact_table(impact: pd.DataFrame) -> Table:
    """The impact regressions."""
    rows = tuple(
        Row(
            row["imbalance"],
            (
                Entry(with_error(row["slope"], row["standard_error"])),
                Entry(number(row["predicted"])),
                Entry(plain(row["slope"] / row["predicted"])),
                Entry(number(row["r_squared"], 3)),
                Entry(plain(row["depth"])),
                Entry(plain(row["tick"])),
                Entry(str(row["windows"])),
            ),
        )
        for row in impact.to_dict("records")
    )
    heads = (("slope", "price a lot"), ("tick / (2 x depth)", "price a lot"), ("slope / that", ""), ("R²", ""),
             ("depth", "lots at a best price"), ("tick", "price"), ("windows", ""))  # fmt: skip
    return Table("Impact: change of the mid in a bucket on its imbalance", "imbalance", heads, rows)


def money_table(money: pd.DataFrame) -> Table:
    """Profit of the agent on both models, and their difference."""
    rows = []
    for model in (TRAINED, SHUFFLED):
        entries = [Entry(str(words.per_run(money, model))), Entry(str(words.per_lot(money, model)))]
        entries += [
            Entry(str(words.per_lot(money, model, "spread_paid"))),
            Entry(str(words.per_run(money, model, "lots"))),
        ]
        rows.append(Row(f"{model} model", tuple(entries)))
    gap = words.paired(money)
    rows.append(Row("difference", (Entry(str(gap), told=gap.told()), *(Entry("") for _ in range(3))), total=True))
    heads = (
        ("profit", "tick-lots a run"),
        ("profit", "ticks a lot"),
        ("spread paid", "ticks a lot"),
        ("traded", "lots a run"),
    )
    count = money["seed"].nunique()
    return Table(f"Money, after the spread, over {count} runs at fresh seeds", "agent", heads, tuple(rows))


def features_table(tables: Tables) -> Table:
    """Every feature and the sets that it is in."""
    counts = ", ".join(f"{name} {len(columns)}" for name, columns in tables.sets.items())
    rows = []
    for feature in FEATURES:
        used = [name for name, columns in tables.sets.items() if feature.name in columns]
        texts = (feature.meaning, feature.unit, feature.window, used[0] if used else "no source, left out")
        rows.append(Row(feature.name, tuple(Entry(text) for text in texts)))
    heads = (("meaning", ""), ("unit", ""), ("window", "1m is a bucket"), ("from", ""))
    return Table(f"Features ({counts})", "feature", heads, tuple(rows))


def _of(scores: pd.DataFrame, head: str, split: str, name: str) -> dict[str, tuple[float, float]]:
    """(value, that of the constant) by measure."""
    chosen = (scores["head"] == head) & (scores["split"] == split) & (scores["feature_set"] == name)
    own = scores[chosen]
    return dict(zip(own["measure"], zip(own["value"], own["constant"], strict=True), strict=True))
