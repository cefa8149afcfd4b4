"""Standardised linear models; every scale and coefficient comes from the rows that `fit` is given, from no others."""

from __future__ import annotations

import warnings
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from marketsim.errors import ConfigError, InputError
from marketsim.extras import load

Floats: TypeAlias = npt.NDArray[np.float64]

LOGISTIC, HUBER, RIDGE = "logistic", "huber", "ridge"
ITERATIONS_MAX = 500
HUBER_EPSILON, HUBER_ALPHA, RIDGE_ALPHA = 1.35, 0.001, 10.0


@frozen(eq=False)
class LinearModel:
    """A fitted model; `fit` makes it.

    Args:
        kind: "logistic", "huber" or "ridge".
        columns: names of the features, in the order of the rows' columns.
        classes: labels of a logistic model, in the order of its probabilities; else empty.
        converged: whether the solver stopped of itself, before its last iteration.
    """

    kind: str
    columns: tuple[str, ...]
    classes: tuple[int, ...]
    converged: bool
    _pipeline: Any = field(repr=False)

    def probabilities(self, rows: Floats) -> Floats:
        """Shape (n, classes): of a logistic model; rows are (n, columns)."""
        given: Floats = self._pipeline.predict_proba(rows)
        return given

    def values(self, rows: Floats) -> Floats:
        """Shape (n,): predictions of a regression; rows are (n, columns)."""
        given: Floats = self._pipeline.predict(rows)
        return given

    def coefficients(self) -> tuple[Floats, Floats]:
        """(a unit of each raw feature, intercept): shapes (outputs, columns) and (outputs,).

        A regression's prediction, or a logistic model's score, is rows @ slopes.T + intercept.
        """
        scaler, model = self._pipeline[0], self._pipeline[-1]
        slopes = np.atleast_2d(model.coef_) / scaler.scale_
        return slopes, np.atleast_1d(model.intercept_) - slopes @ scaler.mean_


def fit(kind: str, columns: tuple[str, ...], rows: Floats, targets: npt.ArrayLike) -> LinearModel:
    """Fit a model after standardising each feature.

    Args:
        kind: "logistic", "huber" (epsilon 1.35, alpha 0.001) or "ridge" (alpha 10).
        columns: names of the features.
        rows: (n, columns).
        targets: (n,), class labels of a logistic model, numbers of a regression.

    Raises:
        InputError: no rows, a value that is not finite, a single class, or a solver that broke down.
        ConfigError: an unknown kind, or scikit-learn is not installed.
    """
    wanted = np.asarray(targets)
    if rows.shape != (len(wanted), len(columns)) or not len(wanted):
        got = f"rows of shape {rows.shape} and {len(wanted)} targets"
        raise InputError(f"fit {kind}: got {got}, wanted (n, {len(columns)}) and n of at least 1")
    if not (np.isfinite(rows).all() and np.isfinite(wanted).all()):
        raise InputError(f"fit {kind}: got a value that is not finite, wanted finite features and targets")
    if kind == LOGISTIC and len(np.unique(wanted)) < 2:
        raise InputError(f"fit {kind}: got the class {wanted[0]} alone, wanted at least two")
    scaler = load("sklearn.preprocessing", "fitting a model", "studies").StandardScaler()
    model = _estimator(kind)
    pipeline = load("sklearn.pipeline", "fitting a model", "studies").make_pipeline(scaler, model)
    # Several threads would share a few thousand rows, which takes many times as long on busy cores, and their sums may
    # differ in the last digit from one machine to another.
    one_thread = load("threadpoolctl", "fitting a model", "studies").threadpool_limits(1)
    with one_thread, warnings.catch_warnings():
        # Whether it converged is read off the iterations and reported; the warning would only say it again.
        warnings.simplefilter("ignore", load("sklearn.exceptions", "fitting a model", "studies").ConvergenceWarning)
        try:
            pipeline.fit(rows, wanted)
        except ValueError as error:
            raise InputError(f"fit {kind} on {len(wanted)} rows: {error}") from error
    iterations = 0 if kind == RIDGE else int(np.max(model.n_iter_))
    classes = tuple(int(label) for label in model.classes_) if kind == LOGISTIC else ()
    return LinearModel(kind, columns, classes, iterations < ITERATIONS_MAX, pipeline)


def _estimator(kind: str) -> Any:
    linear = load("sklearn.linear_model", "fitting a model", "studies")
    if kind == LOGISTIC:
        return linear.LogisticRegression(max_iter=ITERATIONS_MAX)
    if kind == HUBER:
        return linear.HuberRegressor(alpha=HUBER_ALPHA, epsilon=HUBER_EPSILON, max_iter=ITERATIONS_MAX)
    if kind == RIDGE:
        return linear.Ridge(alpha=RIDGE_ALPHA)
    raise ConfigError(f"fit: got kind {kind!r}, wanted {LOGISTIC}, {HUBER} or {RIDGE}")
