"""Linear models fitted on given rows only, and scores that a reader can work out by hand."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from experiments.prediction.blocks import block_mean, block_width
from experiments.prediction.models import HUBER, LOGISTIC, RIDGE, fit
from experiments.prediction.scores import class_scores, edge_scores
from marketsim import ConfigError, InputError


def noise(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns))


def test_a_line_is_found_again_in_raw_units():
    rows = noise(400, 2) * [1.0, 1000.0] + [5.0, -3.0]
    targets = 2.0 * rows[:, 0] - 0.01 * rows[:, 1] + 7.0
    model = fit(HUBER, ("a", "b"), rows, targets)
    slopes, intercept = model.coefficients()
    assert slopes[0] == pytest.approx([2.0, -0.01], rel=1e-3)
    assert intercept[0] == pytest.approx(7.0, rel=1e-2)
    assert model.converged
    assert model.values(rows) == pytest.approx(rows @ slopes[0] + intercept[0])


def test_huber_is_not_moved_by_outliers_as_ridge_is():
    rows = noise(300, 1)
    targets = rows[:, 0].copy()
    targets[np.argsort(rows[:, 0])[-15:]] += 100.0
    huber, ridge = (fit(kind, ("a",), rows, targets).coefficients()[0][0, 0] for kind in (HUBER, RIDGE))
    assert abs(huber - 1.0) < 0.1
    assert ridge > 5.0


def test_probabilities_follow_the_order_of_the_classes():
    rows = noise(900, 1)
    classes = np.digitize(rows[:, 0], [-0.5, 0.5])
    model = fit(LOGISTIC, ("a",), rows, classes)
    assert model.classes == (0, 1, 2)
    low, high = model.probabilities(np.array([[-3.0], [3.0]]))
    assert low.argmax() == 0
    assert high.argmax() == 2


def test_a_model_that_ran_out_of_iterations_says_so(monkeypatch):
    monkeypatch.setattr("experiments.prediction.models.ITERATIONS_MAX", 1)
    rows = noise(200, 3)
    assert not fit(HUBER, ("a", "b", "c"), rows, rows @ [1.0, 2.0, 3.0] + noise(200, 1, 1)[:, 0]).converged


@pytest.mark.parametrize(
    ("kind", "rows", "targets", "words"),
    [
        (LOGISTIC, np.zeros((3, 1)), [1, 1, 1], "class 1 alone"),
        (HUBER, np.zeros((2, 2)), [1.0, 2.0], r"\(n, 1\)"),
        (HUBER, np.array([[np.nan], [1.0]]), [1.0, 2.0], "not finite"),
        (RIDGE, np.zeros((0, 1)), [], "n of at least 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused(kind, rows, targets, words):
    with pytest.raises(InputError, match=words):
        fit(kind, ("a",), rows, targets)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="'forest'"):
        fit("forest", ("a",), np.zeros((2, 1)), [0.0, 1.0])


def test_scores_by_hand():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    scores = class_scores([0, 1], probabilities, [0, 0, 1, 2], (0, 1, 2))
    assert scores.log_loss == pytest.approx(-(log(0.5) + log(0.2)) / 2)
    assert scores.brier == pytest.approx((0.25 + 0.09 + 0.04 + 0.04 + 0.64 + 0.36) / 2)
    assert scores.constant_log_loss == pytest.approx(-(log(0.5) + log(0.25)) / 2)
    assert scores.constant_brier == pytest.approx((0.25 + 2 * 0.0625 + 0.25 + 0.5625 + 0.0625) / 2)
    # The more confident row is the miss.
    assert (scores.hit_rate, scores.top_hit_rate) == (0.5, 0.0)
    assert scores.auc == {0: None, 1: None, 2: None}


def test_two_classes_are_scored_as_scikit_learn_does():
    drawn = np.random.default_rng(3)
    chance = drawn.uniform(0.05, 0.95, 900)
    came = (drawn.uniform(size=900) < chance).astype(int)
    scores = class_scores(came, np.column_stack([1 - chance, chance]), came, (0, 1))
    assert scores.brier == pytest.approx(brier_score_loss(came, chance))
    assert scores.log_loss == pytest.approx(log_loss(came, chance))
    order = np.argsort(chance)
    ranks = np.empty(900)
    ranks[order] = np.arange(1, 901)
    positives = came.sum()
    by_ranks = (ranks[came == 1].sum() - positives * (positives + 1) / 2) / (positives * (900 - positives))
    assert scores.auc[1] == pytest.approx(by_ranks)
    assert scores.top_hit_rate == pytest.approx(came[order[-90:]].mean())


def test_an_auc_needs_two_hundred_rows_of_each_kind():
    came = np.array([1] * 199 + [0] * 300)
    chance = np.linspace(0.1, 0.9, 499)
    pair = np.column_stack([1 - chance, chance])
    assert class_scores(came, pair, came, (0, 1)).auc[1] is None
    more = np.append(came, 1)
    wider = np.vstack([pair, [0.5, 0.5]])
    assert class_scores(more, wider, more, (0, 1)).auc[1] is not None


def test_certainty_that_fails_costs_much_but_not_everything():
    scores = class_scores([0], np.array([[0.0, 1.0]]), [0, 1], (0, 1))
    assert scores.log_loss == pytest.approx(-log(1e-6), rel=1e-4)


def test_a_regression_is_measured_against_the_median_of_the_fit():
    scores = edge_scores(np.array([1.0, 3.0]), np.array([2.0, 2.0]), np.array([0.0, 0.0, 50.0]))
    assert (scores.mae, scores.constant_mae, scores.ratio) == (1.0, 2.0, 0.5)
    assert edge_scores(np.zeros(1), np.ones(1), np.zeros(1)).ratio is None


def test_scores_of_nothing_are_refused():
    with pytest.raises(InputError, match="at least one row"):
        class_scores([], np.zeros((0, 2)), [0], (0, 1))
    with pytest.raises(InputError, match="at least one row"):
        edge_scores(np.zeros(0), np.zeros(0), np.zeros(1))


# ---- means over blocks of time


def test_full_blocks_have_the_error_of_their_means():
    values, times = noise(120, 1, seed=2)[:, 0], 60_000 * np.arange(120)
    found = block_mean(values, times, block_width(4, 60_000))
    means = values.reshape(5, 24).mean(axis=1)
    assert found.mean == pytest.approx(values.mean())
    assert found.se == pytest.approx(means.std(ddof=1) / 5**0.5)
    assert found.n == 5


def test_the_error_of_rows_that_share_their_future_is_nearly_whole():
    """Of sums of h returns to come the squared error lacks 1/18, what adjacent blocks share; of two horizons, 1/6."""
    horizon, rows, draws = 5, 1500, 300
    times = 1000 * np.arange(rows)
    squares = []
    for seed in range(draws):
        moves = np.append(0.0, np.cumsum(noise(rows + horizon, 1, seed=seed)[:, 0]))
        labels = moves[1 + horizon :] - moves[1:-horizon]
        squares.append(block_mean(labels, times, block_width(horizon, 1000)).se ** 2)
    lags = np.arange(1, horizon)
    variance = (rows * horizon + 2 * ((rows - lags) * (horizon - lags)).sum()) / rows**2
    # Relative spread of a squared error over 50 blocks: sqrt(2 / 49).
    assert np.mean(squares) / variance == pytest.approx(17 / 18, abs=3 * (2 / 49 / draws) ** 0.5)


def test_blocks_are_of_time_and_weigh_by_their_rows():
    # Three rows in the first ten milliseconds, none in the next ten, one in the third.
    found = block_mean([1.0, 2.0, 3.0, 10.0], [0, 4, 9, 25], 10)
    assert (found.mean, found.n) == (4.0, 2)
    # Cochran's ratio: sums 6 and 10, rows 3 and 1, so both are off by 6.
    assert found.se == pytest.approx((2 * 6.0**2 / 1) ** 0.5 * 2**0.5 / 4)


def test_rows_in_one_block_have_no_error():
    found = block_mean([1.0, 2.0], [0, 1], 10)
    assert (found.mean, found.n) == (1.5, 1)
    assert np.isnan(found.se)
