"""Means, standard errors and paired differences over seeds, and the choice of the best batch interval."""

from __future__ import annotations

from math import comb, isnan, nan, sqrt
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from attrs import frozen
from scipy.special import stdtrit

from marketsim.metrics import nis_band

Floats: TypeAlias = npt.NDArray[np.float64]
Paired: TypeAlias = Any
"""A pandas series or frame indexed by seed."""

KEYS = ["variant", "mechanism", "pi"]
_NOT_MEASURES = {*KEYS, "seed", "fill_log_hash", "events"}


def summarise(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per variant, mechanism, pi and measure.

    Columns: `n` (seeds with a value), `mean`, `se` (standard error of the mean), and of the differences to the CLOB of
    the same variant and seed: `paired_n`, `paired_mean`, `paired_se`, `paired_share` (share of seeds where it is
    above 0). Without a CLOB in the study, or for the CLOB itself, the paired columns are nan.
    """
    measures = [name for name in cells.columns if name not in _NOT_MEASURES]
    tables = []
    for variant, own in cells.groupby("variant", sort=False):
        book = own[own["mechanism"] == "clob"].set_index("seed")[measures]
        for (mechanism, pi), group in own.groupby(["mechanism", "pi"], sort=False):
            runs = group.set_index("seed")[measures]
            columns = _mean_and_se(runs.to_numpy(dtype=np.float64))
            gaps = np.full((1, len(measures)), np.nan)
            if mechanism != "clob" and len(book):
                gaps = without_rounding(runs, book)
            columns |= {f"paired_{name}": values for name, values in _mean_and_se(gaps).items()}
            known = columns["paired_n"]
            above = (gaps > 0).sum(axis=0)
            columns["paired_share"] = np.divide(above, known, out=np.full(len(measures), np.nan), where=known > 0)
            labels = {"variant": variant, "mechanism": mechanism, "pi": pi, "measure": measures}
            tables.append(pd.DataFrame(labels | columns))
    return pd.concat(tables, ignore_index=True)


def _mean_and_se(values: Floats) -> dict[str, npt.NDArray[Any]]:
    # Column by column, over the values that are not nan.
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    some = np.maximum(count, 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / some
    squares = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0)
    error = np.sqrt(squares / np.maximum(count - 1, 1) / some)
    return {"n": count, "mean": np.where(count > 0, mean, np.nan), "se": np.where(count > 1, error, np.nan)}


def mean_and_se(values: Floats) -> dict[str, float]:
    """Number, mean and standard error of the values that are not nan."""
    found = _mean_and_se(values[:, None])
    return {"n": int(found["n"][0]), "mean": float(found["mean"][0]), "se": float(found["se"][0])}


def ratio_and_se(above: Floats, below: Floats) -> dict[str, float]:
    """Number, ratio of two totals over runs, and its linearised standard error (Cochran, Sampling Techniques, ch. 6).

    A mean of the runs' own ratios would not exist where one run has nothing to divide by.
    """
    known = ~(np.isnan(above) | np.isnan(below))
    one, other = above[known], below[known]
    count, total = len(one), float(other.sum())
    if not total > 0:
        return {"n": 0, "mean": nan, "se": nan}
    value = float(one.sum()) / total
    if count < 2:
        return {"n": count, "mean": value, "se": nan}
    spread = float(np.sqrt(((one - value * other) ** 2).sum() / (count - 1)))
    return {"n": count, "mean": value, "se": spread * sqrt(count) / total}


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
        rivals: other intervals whose paired difference from it can be chance, at 5 % over all pairs of intervals: the
            best was picked by these very costs, so that any pair could have been the one compared.
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


def verdict(best: Best | None) -> str:
    """Whether one batch interval makes trading at once cheapest, in a few words."""
    if best is None:
        return "not known"
    if len(best.tried) == 1 or isnan(best.se):
        return "cannot be told"
    if best.flat:
        return "flat"
    if best.optimum:
        return f"optimum at pi = {best.pi}"
    return "no interval beats the CLOB" if best.pi == 0 and not best.rivals else "no optimum shown"


def best_interval(cells: pd.DataFrame) -> Best | None:
    """The interval that minimises the mean of the cost, `shortfall`, over seeds; `cells` are those of one variant.

    Only the book and the batch auction are compared: other mechanisms have no interval. Intervals are compared by the
    differences at the same seed; of equal ones the shortest is taken. None where the cost was never measured.
    """
    own = cells[cells["mechanism"].isin(["clob", "fba"])]
    if own.empty or "shortfall" not in own:
        return None
    table = own.pivot_table(index="seed", columns="pi", values="shortfall", dropna=False).dropna(axis=1, how="all")
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
        if not distinct(gap["mean"], gap["se"], int(gap["n"]), comparisons=comb(len(tried), 2)):
            rivals.append(other)
    at = mean_and_se(table[pi].to_numpy(dtype=np.float64))
    return Best(pi, at["mean"], at["se"], tuple(rivals), tuple(tried))


def without_rounding(left: Paired, right: Paired) -> Floats:
    """Differences at the same seed; what is only rounding, a billionth of the larger of the two, is zero."""
    one, other = left.align(right)
    values, against = one.to_numpy(dtype=np.float64), other.to_numpy(dtype=np.float64)
    difference = values - against
    return np.where(np.abs(difference) <= 1e-9 * np.maximum(np.abs(values), np.abs(against)), 0.0, difference)


@frozen
class BeliefFit:
    """How well the beliefs of one agent fit over all seeds of a variant.

    Attributes:
        agent: its id.
        nis: mean normalised innovation squared, 1 for a filter that is right.
        count: observations.
        low, high: band around 1 that holds the mean of a right filter with 95 % probability.
    """

    agent: str
    nis: float
    count: int
    low: float
    high: float

    @property
    def fits(self) -> bool:
        return self.low <= self.nis <= self.high


def belief_fit(cells: pd.DataFrame) -> list[BeliefFit]:
    """The fit of every agent with beliefs; `cells` are those of one variant, whose mechanisms show the same signals.

    The band is that of the differences between seeds, by Student's t: one signal that moves several beliefs of an agent
    gives innovations that are not independent, and then the chi-squared band, the one left for a single seed, is too
    narrow.
    """
    found = []
    for column in cells.columns:
        if not column.startswith("nis_count_"):
            continue
        agent = column.removeprefix("nis_count_")
        # An agent need not be in every mechanism.
        runs = cells[cells[column] > 0].drop_duplicates("seed")
        counts = runs[column].to_numpy(dtype=np.float64)
        mean = ratio_and_se(counts * runs[f"nis_{agent}"].to_numpy(dtype=np.float64), counts)
        if len(runs) > 1:
            half = float(stdtrit(len(runs) - 1, 0.975)) * mean["se"]
            found.append(BeliefFit(agent, mean["mean"], int(counts.sum()), 1 - half, 1 + half))
        elif len(runs):
            found.append(BeliefFit(agent, mean["mean"], int(counts.sum()), *nis_band(int(counts.sum()))))
    return found
