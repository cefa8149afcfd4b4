"""What a study's table answers to its contrasts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from attrs import frozen

from experiments.pi_curve.contrasts import Contrast, Place
from experiments.statistics import Floats, distinct, mean_and_se, without_rounding
from marketsim.errors import ConfigError


@frozen(kw_only=True)
class Answer:
    """The mean over `n` seeds, its standard error, and whether it can be told from zero (5 %, Student's t)."""

    n: int
    mean: float
    se: float

    @property
    def distinct(self) -> bool:
        return distinct(self.mean, self.se, self.n)


def answer(cells: pd.DataFrame, contrast: Contrast) -> Answer:
    """The answer to a contrast.

    Args:
        cells: the table of a study.

    Raises:
        ConfigError: the study has no such measure, or no such cells.
    """
    values = _values(cells, contrast, contrast.of)
    differences: Floats = np.asarray(values, dtype=np.float64)
    if contrast.minus is not None:
        differences = without_rounding(values, _values(cells, contrast, contrast.minus))
    found = mean_and_se(differences)
    return Answer(n=int(found["n"]), mean=found["mean"], se=found["se"])


def _values(cells: pd.DataFrame, contrast: Contrast, place: Place) -> pd.Series[float]:
    wanted = [measure for measure in (contrast.measure, contrast.less) if measure]
    unknown = [measure for measure in wanted if measure not in cells.columns]
    if unknown:
        raise ConfigError(f"contrast {contrast.asks!r}: the study measures no {', '.join(unknown)}")
    here = (cells["variant"] == place.variant) & (cells["mechanism"] == place.mechanism) & (cells["pi"] == place.pi)
    runs = cells[here].set_index("seed")[wanted].astype(np.float64)
    if runs.empty:
        raise ConfigError(f"contrast {contrast.asks!r}: the study has no cells at {place}")
    return runs[contrast.measure] - (runs[contrast.less] if contrast.less else 0.0)
