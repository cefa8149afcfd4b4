"""Features, labels and splits of a recording; models on market features with and without imbalance; their scores."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from attrs import frozen

from experiments.features.books import snapshots
from experiments.features.labels import DIRECTIONS, direction_labels
from experiments.features.market import book_rows, market_features
from experiments.features.ofi import ofi_features
from experiments.features.schema import FEATURES, MARKET_FEATURES, OFI_FEATURES, available, names
from experiments.features.splits import EMBARGO, SPLITS, split_counts
from experiments.features.tapes import tape_bars
from experiments.ofi.config import OfiStudy
from experiments.ofi.data import Recording
from experiments.prediction.blocks import block_mean, block_width
from experiments.prediction.models import HUBER, LOGISTIC, Floats, LinearModel, fit
from experiments.prediction.scores import PROBABILITY_MIN, class_scores, edge_scores
from marketsim.errors import InputError

MARKET_ONLY, MARKET_PLUS_OFI = "market_only", "market_plus_ofi"
FIT, EVALUATED = SPLITS[0], SPLITS[1:]
DIRECTION = "direction"
ENTRIES, EDGES = ("long_entry", "short_entry"), ("long_net_edge_bps", "short_net_edge_bps")
HEADS = (DIRECTION, *ENTRIES, *EDGES)
"""What is predicted, by the names of the labels."""

TIME = "open_time_ms"


@frozen(eq=False)
class Tables:
    """What the models learn from.

    Args:
        features: `open_time_ms`, `split` and all features, a row a bucket of the books, nan in warm-up.
        labels: as of `direction_labels`, a row a bucket of the books.
        rows: both together, where every available feature and the label are known and no embargo holds.
        sets: columns of each of the two feature sets.
    """

    features: pd.DataFrame
    labels: pd.DataFrame
    rows: pd.DataFrame
    sets: dict[str, tuple[str, ...]]

    @property
    def counts(self) -> dict[str, int]:
        """Rows by split."""
        found = split_counts(self.rows["split"].to_numpy(dtype=object))
        return {split: found[split] for split in SPLITS}


@frozen(eq=False)
class Diagnosis:
    """What the models reached.

    Args:
        scores: `head`, `feature_set`, `split`, `measure`, `value`, `constant` (what the constant of the fit reaches)
            and `rows`; nan where a score cannot be computed.
        gains: loss of market_only less that of market_plus_ofi by `head` and `split` (log loss, or absolute error in
            bps): `mean` a row, `se` over `n` blocks of six horizons.
        predictions: a row a bucket, split and feature set, with every head's prediction.
        models: by (head, feature set).
        failures: by head, why it could not be fitted.
    """

    scores: pd.DataFrame
    gains: pd.DataFrame
    predictions: pd.DataFrame
    models: dict[tuple[str, str], LinearModel]
    failures: dict[str, str]


def tables_of(study: OfiStudy, recording: Recording) -> Tables:
    """Features, labels and splits of a recording.

    The splits are shares of the recorded buckets, so that no value moves their bounds; warm-up comes out of the fit.
    """
    features, labels = features_of(study, recording), labels_of(study, recording)
    features.insert(1, "split", study.plan().split(features[TIME]))
    return joined(features, labels)


def features_of(study: OfiStudy, recording: Recording) -> pd.DataFrame:
    """`open_time_ms` and all features of `FEATURES`; row t is known when its bucket closes."""
    books = snapshots(recording.frame, study.bucket_ms)
    bars = None
    if recording.tape is not None:
        # The books say which buckets were recorded, so a bucket without a trade is quiet, not missing.
        span = int(books[TIME].iloc[-1] - books[TIME].iloc[0]) // study.bucket_ms + 1
        bars = tape_bars(recording.tape, study.bucket_ms, quiet=span, end_ns=recording.end_ns)
    market = market_features(book_rows(books, bars), study.grid)
    return market.merge(ofi_features(books, market, study.grid), on=TIME, validate="one_to_one")


def labels_of(study: OfiStudy, recording: Recording) -> pd.DataFrame:
    """Labels of every bucket of the books, on their mids."""
    return direction_labels(book_rows(snapshots(recording.frame, study.bucket_ms)), study.bucket_ms, study.labels)


def joined(features: pd.DataFrame, labels: pd.DataFrame) -> Tables:
    """The rows to learn from, and the feature sets that some value is known of."""
    market, imbalance = (tuple(available(features, names(rows))) for rows in (MARKET_FEATURES, OFI_FEATURES))
    known = features.merge(labels, on=TIME, validate="one_to_one").dropna(
        subset=[*market, *imbalance, "future_return_bps"]
    )
    unknown = [name for name in names(FEATURES) if name not in market + imbalance]
    rows = known[known["split"] != EMBARGO].drop(columns=unknown)
    sets = {MARKET_ONLY: market, MARKET_PLUS_OFI: market + imbalance}
    return Tables(features, labels, rows.reset_index(drop=True), sets)


def diagnose(study: OfiStudy, tables: Tables) -> Diagnosis:
    """Fit every head on the fit split with each feature set, and score it on the later splits.

    Args:
        study: horizon and bucket, for the blocks of the errors.
        tables: with rows in every split.
    """
    split = tables.rows["split"].to_numpy(dtype=object)
    targets = {head: target_of(tables.rows, head) for head in HEADS}
    models: dict[tuple[str, str], LinearModel] = {}
    failures: dict[str, str] = {}
    predicted: dict[tuple[str, str], Floats] = {}
    for head, (name, columns) in product(HEADS, tables.sets.items()):
        kind = HUBER if head in EDGES else LOGISTIC
        given = tables.rows[list(columns)].to_numpy(dtype=np.float64)
        try:
            model = fit(kind, columns, given[split == FIT], targets[head][split == FIT])
        except InputError as error:
            failures[head] = str(error)
            continue
        models[head, name] = model
        predicted[head, name] = _predict(model, given, len(classes_of(head)))
    scores = _scores(split, targets, predicted)
    gains = _gains(tables.rows, targets, predicted, block_width(study.horizon, study.bucket_ms))
    return Diagnosis(scores, gains, _predictions(tables.rows, predicted), models, failures)


def classes_of(head: str) -> tuple[int, ...]:
    """Class labels of a head; none for a regression."""
    return () if head in EDGES else (0, 1, 2) if head == DIRECTION else (0, 1)


def target_of(rows: pd.DataFrame, head: str) -> Floats:
    """Targets of a head, shape (n,): class labels (of direction, places in `DIRECTIONS`), or bps."""
    if head == DIRECTION:
        places = {name: float(place) for place, name in enumerate(DIRECTIONS)}
        return np.array([places[name] for name in rows[head]], dtype=np.float64)
    return np.asarray(rows[head], dtype=np.float64)


def _predict(model: LinearModel, rows: Floats, classes: int) -> Floats:
    """Shape (n, 1) of a regression; (n, classes) of a classifier, 0 for a class that the fit never saw."""
    if not classes:
        return model.values(rows)[:, None]
    full = np.zeros((len(rows), classes))
    full[:, list(model.classes)] = model.probabilities(rows)
    return full


def _scores(
    split: np.ndarray[Any, Any], targets: Mapping[str, Floats], predicted: Mapping[tuple[str, str], Floats]
) -> pd.DataFrame:
    found = []
    for (head, name), values in predicted.items():
        fitted = targets[head][split == FIT]
        for part in EVALUATED:
            own = split == part
            measures, rows = _measures(head, targets[head][own], values[own], fitted)
            found += [(head, name, part, measure, *pair, rows) for measure, pair in measures.items()]
    columns = ["head", "feature_set", "split", "measure", "value", "constant", "rows"]
    return pd.DataFrame(found, columns=columns).astype({"value": np.float64, "constant": np.float64})


def _measures(
    head: str, came: Floats, given: Floats, fitted: Floats
) -> tuple[dict[str, tuple[float | None, float | None]], int]:
    """((value, that of the constant) by measure, rows)."""
    if head in EDGES:
        edges = edge_scores(came, given[:, 0], fitted)
        return {"mae": (edges.mae, edges.constant_mae), "mae_ratio": (edges.ratio, 1.0)}, edges.rows
    scored = class_scores(came, given, fitted, classes_of(head))
    asked = {f"auc_{name}": place for place, name in enumerate(DIRECTIONS)} if head == DIRECTION else {"auc": 1}
    found: dict[str, tuple[float | None, float | None]] = {
        "log_loss": (scored.log_loss, scored.constant_log_loss),
        "brier": (scored.brier, scored.constant_brier),
    }
    found |= {measure: (scored.auc[place], 0.5) for measure, place in asked.items()}
    found |= {"top_hit_rate": (scored.top_hit_rate, None), "hit_rate": (scored.hit_rate, None)}
    return found, scored.rows


def _gains(
    rows: pd.DataFrame,
    targets: Mapping[str, Floats],
    predicted: Mapping[tuple[str, str], Floats],
    block_ms: int,
) -> pd.DataFrame:
    found = []
    for head in HEADS:
        if not {(head, MARKET_ONLY), (head, MARKET_PLUS_OFI)} <= predicted.keys():
            continue
        losses = [_losses(head, targets[head], predicted[head, name]) for name in (MARKET_ONLY, MARKET_PLUS_OFI)]
        for part in EVALUATED:
            own = (rows["split"] == part).to_numpy()
            gain = block_mean((losses[0] - losses[1])[own], rows.loc[own, TIME], block_ms)
            found.append((head, part, gain.mean, gain.se, gain.n))
    return pd.DataFrame(found, columns=["head", "split", "mean", "se", "n"])


def _losses(head: str, came: Floats, given: Floats) -> Floats:
    if head in EDGES:
        return np.asarray(np.abs(came - given[:, 0]))
    right = given[np.arange(len(given)), came.astype(np.int64)]
    return np.asarray(-np.log(np.clip(right, PROBABILITY_MIN, 1.0)))


def _predictions(rows: pd.DataFrame, predicted: Mapping[tuple[str, str], Floats]) -> pd.DataFrame:
    frames = []
    for name in (MARKET_ONLY, MARKET_PLUS_OFI):
        columns: dict[str, Floats] = {}
        for head in HEADS:
            values = predicted.get((head, name))
            if values is None:
                continue
            if head == DIRECTION:
                columns |= {f"p_{each}": values[:, place] for place, each in enumerate(DIRECTIONS)}
            elif head in ENTRIES:
                columns[f"p_{head}"] = values[:, 1]
            else:
                columns[f"predicted_{head}"] = values[:, 0]
        table = rows[[TIME, "split", "future_return_bps", *HEADS]]
        frames.append(table.assign(**columns).assign(feature_set=name))
    return pd.concat(frames, ignore_index=True)
