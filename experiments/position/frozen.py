"""The linear model that says what an entry promised: fitted on the first part of the fit split, then frozen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from attrs import frozen

from experiments.features.labels import DIRECTIONS
from experiments.position.entries import SCORES, SIDES
from experiments.prediction.models import HUBER, LOGISTIC, Floats, LinearModel, fit


@frozen(eq=False)
class EntryModel:
    """What it predicts of an entry: the net edge over the label's horizon, and the chance that its side is right.

    Args:
        direction: logistic model of `DIRECTIONS`, by their places.
        edges: by side, Huber regression of the net edge in bps.
    """

    columns: tuple[str, ...]
    direction: LinearModel
    edges: dict[str, LinearModel]

    def score(self, rows: pd.DataFrame, side: npt.NDArray[Any]) -> pd.DataFrame:
        """`predicted_edge_bps` and `probability` of entries; nan where a feature is not known.

        Args:
            rows: the features of `columns` at each entry.
            side: of each, of `SIDES`.
        """
        given = rows[list(self.columns)].to_numpy(dtype=np.float64)
        known = np.isfinite(given).all(axis=1)
        scores = np.full((len(rows), 2), np.nan)
        for name in SIDES:
            own = known & (np.asarray(side) == name)
            if own.any():
                scores[own, 0] = self.edges[name].values(given[own])
                scores[own, 1] = self._probability(given[own], DIRECTIONS.index(name))
        return pd.DataFrame(scores, columns=list(SCORES), index=rows.index)

    def _probability(self, given: Floats, label: int) -> Floats | float:
        # A direction that never came in the rows of the fit has no chance at all.
        if label not in self.direction.classes:
            return 0.0
        return self.direction.probabilities(given)[:, self.direction.classes.index(label)]

    def coefficients(self) -> dict[str, Any]:
        """Slopes and intercepts by what is predicted, as JSON can hold them."""
        models = {f"{side}_edge_bps": model for side, model in self.edges.items()} | {"direction": self.direction}
        found: dict[str, Any] = {"columns": list(self.columns), "classes": list(DIRECTIONS)}
        for name, model in models.items():
            slopes, intercept = model.coefficients()
            found[name] = {"slopes": slopes.tolist(), "intercept": intercept.tolist(), "labels": list(model.classes)}
        return found


def fit_entry_model(features: pd.DataFrame, labels: pd.DataFrame, columns: Sequence[str]) -> EntryModel:
    """Fit the model on rows of `features` and `labels` (as of `direction_labels`) in which all is known.

    Raises:
        InputError: no such row, or one direction alone.
    """
    known = features[list(columns)].notna().all(axis=1).to_numpy() & labels["future_return_bps"].notna().to_numpy()
    given = features.loc[known, list(columns)].to_numpy(dtype=np.float64)
    direction = labels.loc[known, "direction"].map({name: place for place, name in enumerate(DIRECTIONS)})
    edges = {side: labels.loc[known, f"{side}_net_edge_bps"].to_numpy(dtype=np.float64) for side in SIDES}
    return EntryModel(
        tuple(columns),
        fit(LOGISTIC, tuple(columns), given, direction.to_numpy(dtype=np.int64)),
        {side: fit(HUBER, tuple(columns), given, edge) for side, edge in edges.items()},
    )
