"""The diagnosis: models per side with the market features alone and with the state of the position, scored by split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from attrs import frozen

from experiments.features.labels import LabelPlan, direction_labels
from experiments.features.market import market_features
from experiments.features.schema import MARKET_FEATURES, available, names
from experiments.features.splits import EMBARGO, SPLITS, split_counts
from experiments.position.bars import TIME, Source
from experiments.position.config import PositionStudy
from experiments.position.entries import SCORES, SIDES
from experiments.position.frozen import EntryModel, fit_entry_model
from experiments.position.labels import EDGE, TARGET, continue_labels
from experiments.position.schema import POSITION_FEATURES, STATE_FEATURES
from experiments.position.state import KEYS, entry_opens, state_rows
from experiments.prediction.blocks import block_mean, block_width
from experiments.prediction.models import LOGISTIC, Floats, LinearModel, fit
from experiments.prediction.scores import PROBABILITY_MIN, class_scores, edge_scores
from marketsim.errors import InputError

MARKET_ONLY, MARKET_PLUS_STATE = "market_only", "market_plus_state"
FIT, EVALUATED = SPLITS[0], SPLITS[1:]


@frozen(eq=False)
class Tables:
    """What the models learn from.

    Args:
        entries: as they came, scored.
        states: every row of `state_rows` with its `symbol`, `split` and labels, nan where something is not known.
        rows: those of `states` in which every available feature and the label are known and no embargo holds.
        sets: columns of each of the two feature sets.
        model: that scored the entries; None where they came with predictions, or where it cannot be fitted.
        failure: why it cannot be fitted; "" where it can.
        frozen_ms: no entry before it is scored by the model; None where it scored none.
    """

    entries: pd.DataFrame
    states: pd.DataFrame
    rows: pd.DataFrame
    sets: dict[str, tuple[str, ...]]
    model: EntryModel | None
    failure: str
    frozen_ms: int | None

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """Rows by (side, split)."""
        found = {side: split_counts(self.rows.loc[self.rows["side"] == side, "split"].to_numpy()) for side in SIDES}
        return {(side, split): found[side][split] for side in SIDES for split in SPLITS}


@frozen(eq=False)
class Diagnosis:
    """What the models reached.

    Args:
        scores: `side`, `feature_set`, `split`, `measure`, `value`, `constant` (what the constant of the fit reaches)
            and `rows`; nan where a score cannot be computed.
        gains: loss of market_only less that of market_plus_state by `side`, `split` and `loss` (log loss, or absolute
            error in bps): `mean` and `se` over `n` blocks of six horizons.
        predictions: the keys and labels of `Tables.rows`, a row each and feature set, with what was predicted.
        models: by (side, feature set): the classifier and the regressor.
        failures: by side, why its models could not be fitted.
    """

    scores: pd.DataFrame
    gains: pd.DataFrame
    predictions: pd.DataFrame
    models: dict[tuple[str, str], tuple[LinearModel, LinearModel]]
    failures: dict[str, str]


def tables_of(study: PositionStudy, source: Source) -> Tables:
    """Rows, labels and splits of all positions.

    The splits are shares of the recorded buckets, so that no value moves their bounds.
    """
    market = {symbol: market_features(bars, study.grid) for symbol, bars in source.bars.items()}
    entries, model, failure, frozen_ms = _scored(study, source, market)
    frames = []
    for symbol, bars in source.bars.items():
        own = entries[entries["symbol"] == symbol]
        states = state_rows(bars, market[symbol], own, source.entries.adds, study)
        states = states.merge(continue_labels(bars, study), on=["side", TIME], how="left", validate="many_to_one")
        states.insert(0, "symbol", symbol)
        frames.append(states)
    states = pd.concat(frames, ignore_index=True).sort_values([TIME, "entry"], kind="stable", ignore_index=True)
    states.insert(1, "split", _splits(study, source, states[TIME]))
    sets = {MARKET_ONLY: available(states, names(MARKET_FEATURES))}
    sets[MARKET_PLUS_STATE] = sets[MARKET_ONLY] + available(states, names(STATE_FEATURES))
    if failure:
        # Every row would lack what the model should have said.
        sets[MARKET_PLUS_STATE] += ["entry_predicted_edge_bps", "entry_direction_prob"]
    known = states.dropna(subset=[*sets[MARKET_PLUS_STATE], EDGE, TARGET])
    unknown = [name for name in names(POSITION_FEATURES) if name not in sets[MARKET_PLUS_STATE]]
    rows = known[known["split"] != EMBARGO].drop(columns=unknown).reset_index(drop=True)
    chosen = {name: tuple(each) for name, each in sets.items()}
    return Tables(entries, states, rows, chosen, model, failure, frozen_ms)


def _splits(study: PositionStudy, source: Source, when: pd.Series) -> np.ndarray[Any, Any]:
    times = source.times()
    return study.plan().split(times)[np.searchsorted(times, when.to_numpy(dtype=np.int64))]


def _scored(
    study: PositionStudy, source: Source, market: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, EntryModel | None, str, int | None]:
    """(entries, the model that scored them, why there is none, when it was frozen)."""
    table = source.entries.table
    if source.entries.scored:
        return table, None, "", None
    times = source.times()
    fit_times = times[study.plan().split(times) == FIT]
    frozen_ms = (
        int(fit_times[min(len(fit_times) - 1, int(study.frozen_share * len(fit_times)))]) if len(fit_times) else 0
    )
    plan = LabelPlan(horizon=study.horizon, cost_bps=study.cost_bps)
    features = pd.concat([own.assign(symbol=symbol) for symbol, own in market.items()], ignore_index=True)
    labels = pd.concat(
        [direction_labels(bars, study.bucket_ms, plan) for bars in source.bars.values()], ignore_index=True
    )
    # A label reaches a horizon ahead: the embargo keeps that, too, before the first entry.
    past = (features[TIME] + study.embargo_ms < frozen_ms).to_numpy()
    try:
        columns = available(features, names(MARKET_FEATURES))
        model = fit_entry_model(features[past], labels[past], columns)
    except InputError as error:
        return table, None, f"the model of the entries cannot be fitted: {error}", frozen_ms
    at = table.assign(**{TIME: entry_opens(table["time_ms"], study.bucket_ms)})
    found = at.merge(features, on=["symbol", TIME], how="left", validate="many_to_one")
    scores = model.score(found, table["side"].to_numpy(dtype=object))
    scores[(found[TIME] < frozen_ms).to_numpy()] = np.nan
    return table.assign(**{name: scores[name].to_numpy() for name in SCORES}), model, "", frozen_ms


def diagnose(study: PositionStudy, tables: Tables) -> Diagnosis:
    """Fit both models of every side and feature set on the fit split, and score them on the later ones.

    Args:
        study: regressor, clipping, horizon.
        tables: with rows of both sides in every split.
    """
    models: dict[tuple[str, str], tuple[LinearModel, LinearModel]] = {}
    failures: dict[str, str] = {}
    scores: list[tuple[Any, ...]] = []
    gains: list[tuple[Any, ...]] = []
    predictions = []
    for side in SIDES:
        rows = tables.rows[tables.rows["side"] == side]
        found = {}
        for name, columns in tables.sets.items():
            try:
                models[side, name] = _fitted(study, rows[rows["split"] == FIT], columns)
            except InputError as error:
                failures[side] = str(error)
                continue
            found[name] = _predicted(study, models[side, name], rows, columns)
            scores += [(side, name, *each) for each in _scores(rows, found[name])]
            keys = rows[["symbol", "split", *KEYS, "time_in_position_minutes", EDGE, TARGET]]
            predictions.append(keys.assign(feature_set=name, **found[name]))
        if side not in failures:
            gains += [(side, *each) for each in _gains(rows, found, block_width(study.horizon, study.bucket_ms))]
    heads = ["side", "feature_set", "split", "measure", "value", "constant", "rows"]
    table = pd.DataFrame(scores, columns=heads).astype({"value": np.float64, "constant": np.float64})
    gained = pd.DataFrame(gains, columns=["side", "split", "loss", "mean", "se", "n"])
    whole = (
        pd.concat(predictions, ignore_index=True) if predictions else pd.DataFrame(columns=["symbol", "split", *KEYS])
    )
    return Diagnosis(table, gained, whole, models, failures)


def _fitted(study: PositionStudy, rows: pd.DataFrame, columns: tuple[str, ...]) -> tuple[LinearModel, LinearModel]:
    given = rows[list(columns)].to_numpy(dtype=np.float64)
    classifier = fit(LOGISTIC, columns, given, rows[TARGET].to_numpy(dtype=np.int64))
    return classifier, fit(study.regressor, columns, given, _clipped(study, rows[EDGE].to_numpy(dtype=np.float64)))


def _predicted(
    study: PositionStudy, models: tuple[LinearModel, LinearModel], rows: pd.DataFrame, columns: tuple[str, ...]
) -> dict[str, Floats]:
    given = rows[list(columns)].to_numpy(dtype=np.float64)
    classifier, regressor = models
    return {
        "continue_probability": classifier.probabilities(given)[:, 1],
        "predicted_continue_edge_bps": _clipped(study, regressor.values(given)),
    }


def _clipped(study: PositionStudy, values: Floats) -> Floats:
    return np.clip(values, -study.clip_bps, study.clip_bps) if study.clip_bps else values


def _scores(rows: pd.DataFrame, predicted: Mapping[str, Floats]) -> list[tuple[Any, ...]]:
    """(split, measure, value, that of the constant, rows); constants are the share and the median of the fit."""
    split = rows["split"].to_numpy(dtype=object)
    targets, edges = rows[TARGET].to_numpy(dtype=np.int64), rows[EDGE].to_numpy(dtype=np.float64)
    chance, edge = predicted["continue_probability"], predicted["predicted_continue_edge_bps"]
    found: list[tuple[Any, ...]] = []
    for part in EVALUATED:
        own = split == part
        classes = class_scores(
            targets[own], np.column_stack((1 - chance[own], chance[own])), targets[split == FIT], (0, 1)
        )
        errors = edge_scores(edges[own], edge[own], edges[split == FIT])
        ratio = classes.brier / classes.constant_brier if classes.constant_brier else None
        measures = {
            "auc": (classes.auc[1], 0.5),
            "brier_ratio": (ratio, 1.0),
            "log_loss": (classes.log_loss, classes.constant_log_loss),
            "mae": (errors.mae, errors.constant_mae),
            "mae_ratio": (errors.ratio, 1.0),
        }
        found += [(part, measure, *pair, classes.rows) for measure, pair in measures.items()]
    return found


def _gains(rows: pd.DataFrame, predicted: Mapping[str, Mapping[str, Floats]], block_ms: int) -> list[tuple[Any, ...]]:
    losses = {name: _losses(rows, each) for name, each in predicted.items()}
    found: list[tuple[Any, ...]] = []
    for part in EVALUATED:
        own = (rows["split"] == part).to_numpy()
        for loss in ("log_loss", "absolute_error"):
            gain = (losses[MARKET_ONLY][loss] - losses[MARKET_PLUS_STATE][loss])[own]
            mean = block_mean(gain, rows.loc[own, TIME], block_ms)
            found.append((part, loss, mean.mean, mean.se, mean.n))
    return found


def _losses(rows: pd.DataFrame, predicted: Mapping[str, Floats]) -> dict[str, Floats]:
    chance = predicted["continue_probability"]
    right = np.where(rows[TARGET] > 0, chance, 1 - chance)
    return {
        "log_loss": -np.log(np.clip(right, PROBABILITY_MIN, 1.0)),
        "absolute_error": np.abs(rows[EDGE].to_numpy(dtype=np.float64) - predicted["predicted_continue_edge_bps"]),
    }
