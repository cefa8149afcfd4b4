"""Means, standard errors and paired differences over seeds, and the choice of the best batch interval."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pandas as pd
from attrs import frozen
from scipy.special import stdtrit

KEYS = ["variant", "mechanism", "pi"]
_NOT_MEASURES = {*KEYS, "seed", "fill_log_hash", "events"}


def summarise(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per variant, mechanism, pi and measure.

    Columns: `n` (seeds with a value), `mean`, `se` (standard error of the mean), and of the differences to the CLOB of
    the same variant and seed: `paired_n`, `paired_mean`, `paired_se`, `paired_share` (share of seeds where it is
    above 0). Without a CLOB in the study, or for the CLOB itself, the paired columns are nan.
    """
    measures = [name for name in cells.columns if name not in _NOT_MEASURES]
    rows = []
    for variant, own in cells.groupby("variant", sort=False):
        book = own[own["mechanism"] == "clob"].set_index("seed")
        for (mechanism, pi), group in own.groupby(["mechanism", "pi"], sort=False):
            runs = group.set_index("seed")
            for measure in measures:
                values = runs[measure].to_numpy(dtype=np.float64)
                row = {"variant": variant, "mechanism": mechanism, "pi": pi, "measure": measure}
                row |= mean_and_se(values)
                paired = np.empty(0)
                if mechanism != "clob" and len(book):
                    paired = without_rounding(runs[measure], book[measure])
                difference = mean_and_se(paired)
                row |= {f"paired_{name}": value for name, value in difference.items()}
                known = paired[~np.isnan(paired)]
                row["paired_share"] = float((known > 0).mean()) if len(known) else float("nan")
                rows.append(row)
    return pd.DataFrame(rows)


def mean_and_se(values: np.ndarray) -> dict[str, float]:
    """Number, mean and standard error of the values that are not nan."""
    known = values[~np.isnan(values)]
    count = len(known)
    spread = float(known.std(ddof=1)) / sqrt(count) if count > 1 else float("nan")
    return {"n": count, "mean": float(known.mean()) if count else float("nan"), "se": spread}


def distinct(mean: float, se: float, n: int, *, comparisons: int = 1) -> bool:
    """Whether a mean of `n` differences is not zero, two-sided at 5 % by Student's t.

    Args:
        comparisons: among how many tests this one is; the level is divided by it (Bonferroni).
    """
    if isnan(mean) or n < 2:
        return False
    return abs(mean) > float(stdtrit(n - 1, 1 - 0.025 / comparisons)) * se


@frozen
class Best:
    """The batch interval with the lowest mean cost, and how sure that is.

    Attributes:
        pi: the interval; 0 stands for the continuous book.
        cost: its mean cost.
        se: standard error of that mean.
        rivals: other intervals whose paired difference from it can be chance, at 5 % over all comparisons together.
        tried: all intervals compared, the book included.
    """

    pi: int
    cost: float
    se: float
    rivals: tuple[int, ...]
    tried: tuple[int, ...]

    @property
    def flat(self) -> bool:
        """Nothing tried can be told from the best."""
        return len(self.rivals) == len(self.tried) - 1

    @property
    def optimum(self) -> bool:
        """It lies inside the range tried, and is better than the book and than both ends of the range."""
        intervals = sorted(pi for pi in self.tried if pi > 0)
        others = {0, intervals[0], intervals[-1]} & set(self.tried) if intervals else {0}
        return self.pi not in others and not others & set(self.rivals)


def best_interval(cells: pd.DataFrame, cost: str = "shortfall") -> Best | None:
    """The interval that minimises the mean of `cost` over seeds; `cells` are those of one variant.

    Intervals are compared by the differences at the same seed; of equal ones the shortest is taken. None where the
    cost was never measured.
    """
    table = cells.pivot_table(index="seed", columns="pi", values=cost, dropna=False).dropna(axis=1, how="all")
    if table.empty:
        return None
    tried = [int(pi) for pi in table.columns]
    means = np.array([float(table[column].mean()) for column in table.columns])
    pi = tried[int(np.flatnonzero(means <= means.min() + 1e-9 * np.abs(means).max())[0])]
    rivals = []
    for other in tried:
        if other == pi:
            continue
        gap = mean_and_se(without_rounding(table[other], table[pi]))
        if not distinct(gap["mean"], gap["se"], int(gap["n"]), comparisons=len(tried) - 1):
            rivals.append(other)
    own = mean_and_se(table[pi].to_numpy(dtype=np.float64))
    return Best(pi, own["mean"], own["se"], tuple(rivals), tuple(tried))


def without_rounding(left: pd.Series[float], right: pd.Series[float]) -> np.ndarray:
    """Differences at the same seed; what is only rounding, a billionth of the larger of the two, is zero."""
    one, other = left.align(right)
    values, against = one.to_numpy(dtype=np.float64), other.to_numpy(dtype=np.float64)
    difference = values - against
    return np.where(np.abs(difference) <= 1e-9 * np.maximum(np.abs(values), np.abs(against)), 0.0, difference)
