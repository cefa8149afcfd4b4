"""Numbers as the report shows them, and the look-up of a variant's means by cell and measure."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, isfinite, isnan, log10, nan

import pandas as pd
from attrs import field, frozen

from experiments.statistics import distinct

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


@frozen(order=True)
class Point:
    """What one run is repeated over seeds at: a mechanism, and the batch interval (steps; 0 without batches)."""

    mechanism: str
    pi: int

    @property
    def label(self) -> str:
        """As the report calls it."""
        if self.mechanism == "fba":
            return f"FBA pi = {self.pi}"
        return "CLOB" if self.mechanism == "clob" else self.mechanism


@frozen
class Estimate:
    """A mean over seeds with its standard error; both nan where nothing is known."""

    mean: float = nan
    se: float = nan
    n: int = 0

    @property
    def known(self) -> bool:
        return not isnan(self.mean)

    def told(self, comparisons: int = 1) -> bool:
        """Whether it can be told from zero, at 5 % over `comparisons` tests."""
        return distinct(self.mean, self.se, self.n, comparisons=comparisons)

    def __str__(self) -> str:
        return with_error(self.mean, self.se)

    @property
    def signed(self) -> str:
        """With a plus sign where it is positive."""
        return f"+{self}" if self.mean > 0 else str(self)


@frozen(eq=False)
class Curves:
    """The summary of one variant: means and paired differences by cell and measure.

    Attributes:
        points: mechanisms and intervals in the order of the summary.
    """

    points: tuple[Point, ...]
    _means: dict[tuple[Point, str], Estimate] = field(repr=False)
    _changes: dict[tuple[Point, str], Estimate] = field(repr=False)

    @classmethod
    def of(cls, summary: pd.DataFrame, variant: str) -> Curves:
        """Those of `variant` in the table that `experiments.statistics.summarise` makes."""
        means: dict[tuple[Point, str], Estimate] = {}
        changes: dict[tuple[Point, str], Estimate] = {}
        own = summary[summary["variant"] == variant]
        columns = ["mechanism", "pi", "measure", "n", "mean", "se", "paired_n", "paired_mean", "paired_se"]
        for mechanism, pi, measure, n, mean, se, paired_n, change, error in own[columns].itertuples(index=False):
            key = Point(str(mechanism), int(pi)), str(measure)
            means[key] = Estimate(float(mean), float(se), int(n))
            changes[key] = Estimate(float(change), float(error), int(paired_n))
        return cls(tuple(dict.fromkeys(point for point, _ in means)), means, changes)

    def mean(self, point: Point, measure: str) -> Estimate:
        """The mean over seeds; unknown where the study did not measure it."""
        return self._means.get((point, measure), Estimate())

    def change(self, point: Point, measure: str) -> Estimate:
        """The mean difference to the CLOB at the same seed; unknown for the CLOB itself."""
        return self._changes.get((point, measure), Estimate())

    def shown(self, measures: Iterable[str]) -> list[str]:
        """Those measures that are known, and not zero, somewhere."""
        return [
            measure
            for measure in measures
            if any((mean := self.mean(point, measure)).known and mean.mean != 0 for point in self.points)
        ]

    @property
    def book(self) -> Point | None:
        """The CLOB, where the study has it."""
        return next((point for point in self.points if point.mechanism == "clob"), None)

    @property
    def others(self) -> tuple[Point, ...]:
        """Everything but the CLOB."""
        return tuple(point for point in self.points if point.mechanism != "clob")


def with_error(mean: float, se: float) -> str:
    """A mean and its standard error, "12.4 ± 1.4": three to four significant digits, as many as the error allows.

    The error is left out where there is none: one seed, or the same value in every seed but for rounding.
    """
    if isnan(mean):
        return NONE
    if isnan(se) or se <= 1e-12 * abs(mean):
        return plain(mean)
    digits = _digits(mean, se)
    return f"{_fixed(mean, digits)} ± {_two(se)}"


def plain(value: float, significant: int = 4) -> str:
    """A number to so many significant digits, with a true minus sign."""
    if isnan(value):
        return NONE
    if not isfinite(value) or (value == int(value) and abs(value) < 1e6):
        return f"{value:.0f}".replace("-", MINUS)
    return f"{value:.{significant}g}".replace("-", MINUS)


def percent(value: float) -> str:
    """A share as a percentage."""
    return NONE if isnan(value) else f"{plain(100.0 * value, 3)} %"


def _digits(mean: float, se: float) -> int:
    # Decimals: two digits of the error, but three or four of the mean; at most one decimal more than the error has.
    wanted = 1 - floor(log10(se))
    if mean == 0:
        return wanted
    leading = floor(log10(abs(mean)))
    return min(max(wanted, 2 - leading), 3 - leading, wanted + 1)


def _two(se: float) -> str:
    # Trailing zeros are digits too: 9.0, not 9.
    return f"{se:#.2g}".rstrip(".") if 1e-4 <= se < 100 else plain(float(f"{se:.2g}"))


def _fixed(value: float, decimals: int) -> str:
    if decimals > 6 or abs(value) >= 1e6:
        return plain(value, 3)
    return f"{round(value, decimals):.{max(decimals, 0)}f}".replace("-", MINUS)


def listed(names: Iterable[str]) -> str:
    """Names in a row: "a", "a and b", "a, b and c"."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last
