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
                    paired = (runs[measure] - book[measure]).to_numpy(dtype=np.float64)
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


def distinct(mean: float, se: float, n: int) -> bool:
    """Whether a mean of `n` values differs from zero, two-sided at 5 % by Student's t; no error means it is exact."""
    if isnan(mean) or n < 2:
        return False
    return abs(mean) > float(stdtrit(n - 1, 0.975)) * se


@frozen
class Best:
    """The batch interval with the lowest mean cost, and how sure that is.

    Attributes:
        pi: the interval; 0 stands for the continuous book.
        cost: its mean cost.
        se: standard error of that mean.
        rivals: other intervals whose paired difference from it can be chance (see `distinct`).
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
    def interior(self) -> bool:
        """The best is neither the shortest nor the longest interval tried."""
        intervals = sorted(pi for pi in self.tried if pi > 0)
        return self.pi > 0 and self.pi not in {intervals[0], intervals[-1]}


def best_interval(cells: pd.DataFrame, cost: str = "shortfall_per_lot") -> Best | None:
    """The interval that minimises the mean of `cost` over seeds; `cells` are those of one variant.

    Intervals are compared by the differences at the same seed. None where the cost was never measured.
    """
    table = cells.pivot_table(index="seed", columns="pi", values=cost, dropna=False).dropna(axis=1, how="all")
    if table.empty:
        return None
    tried = [int(pi) for pi in table.columns]
    pi = tried[int(np.argmin(table.mean().to_numpy()))]
    rivals = []
    for other in tried:
        if other == pi:
            continue
        gap = mean_and_se((table[other] - table[pi]).to_numpy(dtype=np.float64))
        if not distinct(gap["mean"], gap["se"], int(gap["n"])):
            rivals.append(other)
    own = mean_and_se(table[pi].to_numpy(dtype=np.float64))
    return Best(pi, own["mean"], own["se"], tuple(rivals), tuple(tried))
