"""Scores of predictions beside those of a constant that the rows of the fit gave; None where too few rows say anything.

Log loss and Brier score as scikit-learn has them; the Brier score of several classes is the mean over rows of the sum
over classes of (outcome - probability)^2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from attrs import frozen

from experiments.prediction.models import Floats
from marketsim.errors import InputError

AUC_ROWS_MIN = 200
"""Rows of a class, and rows of the others, that an AUC needs."""

PROBABILITY_MIN = 1e-6
"""Lower bound of a probability in a log loss, so that one surprise does not decide it."""

TOP_SHARE = 0.1

Ints = npt.NDArray[np.int64]


@frozen
class ClassScores:
    """Scores of class probabilities on one split.

    Args:
        rows: how many were scored.
        log_loss, constant_log_loss: nats a row; the constant predicts the shares of the fit.
        brier, constant_brier: a row.
        auc: of each class against the others, None where either has under 200 rows.
        top_hit_rate: share of hits among the tenth of rows with the highest probability: of the likeliest class where
            there are several, of class 1 where there are two.
        hit_rate: the same over all rows.
    """

    rows: int
    log_loss: float
    constant_log_loss: float
    brier: float
    constant_brier: float
    auc: dict[int, float | None]
    top_hit_rate: float
    hit_rate: float


@frozen
class EdgeScores:
    """Scores of a regression on one split: mean absolute error, that of the median of the fit, and their ratio."""

    rows: int
    mae: float
    constant_mae: float
    ratio: float | None


def class_scores(
    outcomes: npt.ArrayLike, probabilities: Floats, fitted: npt.ArrayLike, classes: Sequence[int]
) -> ClassScores:
    """Score class probabilities.

    Args:
        outcomes: (n,), what came, members of `classes`.
        probabilities: (n, classes).
        fitted: (m,), outcomes of the rows of the fit, whose shares the constant predicts.
        classes: labels in the order of the columns; of two, the second is the one that is asked about.

    Raises:
        InputError: no rows, or shapes that do not go together.
    """
    came, known = np.asarray(outcomes, dtype=np.int64), np.asarray(fitted, dtype=np.int64)
    labels = np.asarray(classes, dtype=np.int64)
    if probabilities.shape != (len(came), len(labels)) or not len(came) or not len(known):
        got = f"{len(came)} outcomes, probabilities of shape {probabilities.shape}, {len(known)} rows of the fit"
        raise InputError(f"class_scores: got {got}, wanted (n,), (n, {len(labels)}) and at least one row each")
    shares = (known[:, None] == labels).mean(axis=0)
    constant = np.broadcast_to(shares, probabilities.shape)
    truth = (came[:, None] == labels).astype(np.float64)
    hits, order = _hits(truth, probabilities)
    top = order[-max(1, int(len(came) * TOP_SHARE)) :]
    return ClassScores(
        rows=len(came),
        log_loss=_log_loss(truth, probabilities),
        constant_log_loss=_log_loss(truth, constant),
        brier=_brier(truth, probabilities),
        constant_brier=_brier(truth, constant),
        auc={int(label): _auc(truth[:, place], probabilities[:, place]) for place, label in enumerate(labels)},
        top_hit_rate=float(hits[top].mean()),
        hit_rate=float(hits.mean()),
    )


def edge_scores(outcomes: Floats, predictions: Floats, fitted: Floats) -> EdgeScores:
    """Score a regression: (n,) outcomes and predictions; `fitted` (m,) are the targets of the fit.

    Raises:
        InputError: no rows.
    """
    if not len(outcomes) or len(outcomes) != len(predictions) or not len(fitted):
        got = f"{len(outcomes)} outcomes, {len(predictions)} predictions, {len(fitted)} rows of the fit"
        raise InputError(f"edge_scores: got {got}, wanted as many predictions as outcomes and at least one row each")
    error = float(np.abs(outcomes - predictions).mean())
    constant = float(np.abs(outcomes - np.median(fitted)).mean())
    return EdgeScores(len(outcomes), error, constant, error / constant if constant else None)


def _hits(truth: Floats, probabilities: Floats) -> tuple[Floats, npt.NDArray[np.intp]]:
    """(1 for a hit, rows from least to most confident)."""
    if truth.shape[1] == 2:
        return truth[:, 1], np.argsort(probabilities[:, 1], kind="stable")
    likeliest = probabilities.argmax(axis=1)
    hits: Floats = truth[np.arange(len(truth)), likeliest]
    return hits, np.argsort(probabilities.max(axis=1), kind="stable")


def _log_loss(truth: Floats, probabilities: Floats) -> float:
    bounded = np.clip(probabilities, PROBABILITY_MIN, 1.0)
    bounded = bounded / bounded.sum(axis=1, keepdims=True)
    return float(-(truth * np.log(bounded)).sum(axis=1).mean())


def _brier(truth: Floats, probabilities: Floats) -> float:
    squares = (truth - probabilities) ** 2
    # Of two classes by the usual convention: that of the second alone.
    return float(squares[:, 1].mean() if truth.shape[1] == 2 else squares.sum(axis=1).mean())


def _auc(truth: Floats, scores: Floats) -> float | None:
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if min(positives, negatives) < AUC_ROWS_MIN:
        return None
    from scipy.stats import rankdata  # half of what the command line would import

    # The statistic of Mann and Whitney, ties counting half: scikit-learn's curve says the same, twenty times slower.
    above = rankdata(scores)[truth > 0].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))
