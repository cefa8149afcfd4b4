"""The report of a position-state study: one HTML page with everything inside, and the same as Markdown."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from experiments import pages
from experiments.pages.numbers import Estimate, number, plain, share, spans
from experiments.pages.tables import Entry, Row, Table, bullets, document
from experiments.position import figures, words
from experiments.position.config import dumps
from experiments.position.entries import SIDES
from experiments.position.findings import Findings, bars_table, dropped
from experiments.position.labels import EDGE, TARGET
from experiments.position.schema import POSITION_FEATURES
from experiments.position.study import EVALUATED, MARKET_ONLY, MARKET_PLUS_STATE, Diagnosis, Tables
from experiments.prediction.blocks import block_width
from experiments.prediction.report import checks_table, sections_of

CAPTIONS = {
    "scores": "Scores by side and split; dashed: what the verdict asks for.",
    "edges": "What keeping the position brought over the horizon, by its gain until then, with two standard errors.",
}


def render(found: Findings, drawn: Mapping[str, bytes]) -> str:
    """The page, one HTML file without any request to elsewhere; `drawn` are its `pictures_of`."""
    return pages.render(
        "position.html",
        title=found.title,
        question=words.question(found),
        answer=words.answer(found),
        verdict=found.verdict.said,
        tables=tables_of(found),
        pictures={name: pages.embedded(content, CAPTIONS[name]) for name, content in drawn.items()},
        captions=CAPTIONS,
        leakage=words.LEAKAGE_POLICY,
        caveats=words.caveats(found),
        configuration=dumps(found.study),
    )


def markdown(found: Findings, drawn: Mapping[str, bytes]) -> str:
    """The same as Markdown, with the pictures as SVG files beside it, by the names of `drawn`."""
    sections = sections_of(tables_of(found), drawn, CAPTIONS)
    sections.append(("Against leakage", bullets(words.LEAKAGE_POLICY)))
    sections.append(("What to keep in mind", bullets(words.caveats(found))))
    return document(found.title, [words.question(found)], words.answer(found), sections)


def pictures_of(found: Findings) -> dict[str, bytes]:
    """SVG pictures by the name of the table that they belong to."""
    if found.diagnosis is None:
        return {}
    drawn = {"edges": figures.edge_picture(_edges(found))}
    if not found.diagnosis.scores.empty:
        drawn["scores"] = figures.scores_picture(found.diagnosis.scores)
    return drawn


def tables_of(found: Findings) -> dict[str, Table]:
    """The tables of the report by name; those that there is nothing for are left out."""
    tables = {"bars": bars_sheet(found), "rows": rows_table(found), "dropped": dropped_table(found)}
    if found.diagnosis is not None:
        tables["checks"] = checks_table(found.verdict, "side, split", MARKET_ONLY, MARKET_PLUS_STATE)
        tables["scores"] = scores_table(found.diagnosis)
        tables["gains"] = gains_table(found.diagnosis.gains)
        tables["edges"] = edges_table(_edges(found))
    tables["features"] = features_table(found.tables)
    return tables


def _edges(found: Findings) -> pd.DataFrame:
    return figures.edge_table(found.tables.rows, block_width(found.study.horizon, found.study.bucket_ms))


def bars_sheet(found: Findings) -> Table:
    """What was looked at."""
    rows = tuple(
        Row(
            row["symbol"],
            (
                *(Entry(str(row[name])) for name in ("bars", "gaps", "negative_spreads")),
                Entry(plain(row["move_bps"])),
            ),
        )
        for row in bars_table(found).to_dict("records")
    )
    ahead = spans([found.study.horizon], found.study.bucket_ms)
    heads = (("bars", ""), ("gaps", "between bars"), ("ask below bid", "bars"), ("move", f"s.d. over {ahead}, bps"))
    return Table("Bars", "symbol", heads, rows)


def rows_table(found: Findings) -> Table:
    """Rows and labels by side and split."""
    rows = []
    for (side, split), count in found.tables.counts.items():
        own = found.tables.rows[(found.tables.rows["side"] == side) & (found.tables.rows["split"] == split)]
        right, edge = (float(own[name].mean()) if count else float("nan") for name in (TARGET, EDGE))
        rows.append(Row(f"{side}, {split}", (Entry(str(count)), Entry(share(right)), Entry(number(edge, 3)))))
    heads = (
        ("rows", f"{found.study.rows_min} wanted"),
        ("right to continue", "of rows"),
        ("continue edge", "mean, bps"),
    )
    return Table("Rows and labels", "side, split", heads, tuple(rows))


def dropped_table(found: Findings) -> Table:
    """What became of the rows."""
    rows = [Row(name, (Entry(str(count)),), total=name == "used") for name, count in dropped(found).items()]
    return Table("What became of every entry at every age", "", (("rows", ""),), tuple(rows))


def scores_table(diagnosis: Diagnosis) -> Table:
    """Scores of both models by side, split and feature set."""
    scores = diagnosis.scores.set_index(["side", "split", "feature_set", "measure"])
    values, constants = scores["value"].to_dict(), scores["constant"].to_dict()
    rows = []
    for (side, name), (_, regressor) in diagnosis.models.items():
        for split in EVALUATED:
            key = (side, split, name)
            entries = [Entry(number(values[*key, each])) for each in ("auc", "brier_ratio", "log_loss", "mae_ratio")]
            entries.append(Entry(number(values[*key, "mae"]), f"constant {number(constants[*key, 'mae'])}"))
            entries.append(Entry("yes" if regressor.converged else "no"))
            rows.append(Row(f"{side}, {split}, {name}", tuple(entries)))
    heads = (("AUC", ""), ("Brier ratio", "to the constant"), ("log loss", "nats"), ("MAE ratio", "to the constant"),
             ("MAE", "bps"), ("regressor converged", ""))  # fmt: skip
    return Table("Scores", "side, split, features", heads, tuple(rows))


def gains_table(gains: pd.DataFrame) -> Table:
    """Loss of market_only less that of market_plus_state."""
    known = {
        (row["side"], row["loss"], row["split"]): Estimate(row["mean"], row["se"], row["n"])
        for row in gains.to_dict("records")
    }
    rows = []
    for side in SIDES:
        for loss, unit in (("log_loss", "nats"), ("absolute_error", "bps")):
            own = [known.get((side, loss, split), Estimate()) for split in EVALUATED]
            entries = tuple(Entry(str(gain), told=gain.told()) for gain in own)
            rows.append(Row(f"{side}, {loss.replace('_', ' ')} ({unit})", entries))
    heads = tuple((split, "gain a row") for split in EVALUATED)
    return Table("Gain of the state: loss without it less loss with it", "side, loss", heads, tuple(rows))


def edges_table(edges: pd.DataFrame) -> Table:
    """Mean continue edge by tenths of the unrealised gain."""
    rows = []
    pairs = [edges[edges["side"] == side].to_dict("records") for side in SIDES]
    for place, both in enumerate(zip(*pairs, strict=True), start=1):
        entries = []
        for row in both:
            entries += [Entry(number(row["gain"], 3)), Entry(str(Estimate(row["mean"], row["se"], row["n"])))]
        rows.append(Row(str(place), tuple(entries)))
    heads = tuple((f"{side}: {name}", "bps") for side in SIDES for name in ("gain so far", "continue edge"))
    return Table("Continue edge by unrealised gain, all splits", "tenth", heads, tuple(rows))


def features_table(tables: Tables) -> Table:
    """Every feature, the set that it is in, and why it does not leak."""
    counts = ", ".join(f"{name} {len(columns)}" for name, columns in tables.sets.items())
    rows = []
    for feature in POSITION_FEATURES:
        used = [name for name, columns in tables.sets.items() if feature.name in columns]
        texts = (feature.meaning, feature.unit, used[0] if used else "no source, left out", feature.leakage)
        rows.append(Row(feature.name, tuple(Entry(text) for text in texts)))
    heads = (("meaning", ""), ("unit", ""), ("from", ""), ("leakage", ""))
    return Table(f"Features ({counts})", "feature", heads, tuple(rows))
