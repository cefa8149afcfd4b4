"""Numbers as reports show them: means with their errors, shares, scores, names in a row."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, isfinite, isnan, log10, nan

import numpy as np
import numpy.typing as npt
from attrs import frozen

from experiments.statistics import Floats, distinct, mean_and_se, ratio_and_se

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


@frozen
class Estimate:
    """A mean with its standard error over `n` seeds, or other units; both nan where nothing is known."""

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
    def size(self) -> str:
        """Without its sign."""
        return with_error(abs(self.mean), self.se)

    @property
    def signed(self) -> str:
        """With a plus sign where it is positive."""
        return f"+{self}" if self.mean > 0 else str(self)


def mean_of(values: npt.ArrayLike) -> Estimate:
    """The mean of the values that are not nan, and its standard error."""
    found = mean_and_se(np.asarray(values, dtype=np.float64))
    return Estimate(found["mean"], found["se"], int(found["n"]))


def ratio(above: Floats, below: Floats) -> Estimate:
    """The ratio of two totals over runs, with its standard error."""
    found = ratio_and_se(above, below)
    return Estimate(found["mean"], found["se"], int(found["n"]))


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


def number(value: float, digits: int = 4) -> str:
    """A score to so many significant digits, whole or not; a dash where it cannot be computed."""
    return NONE if isnan(value) else f"{value:.{digits}g}".replace("-", MINUS)


def percent(value: float) -> str:
    """A share as a percentage."""
    return NONE if isnan(value) else f"{plain(100.0 * value, 3)} %"


def share(value: float) -> str:
    """A share as a percentage to one decimal."""
    return NONE if isnan(value) else f"{100 * value:.1f} %"


def spans(buckets: Iterable[int], bucket_ms: int) -> str:
    """How long each of these numbers of buckets lasts, in a row: in minutes where all are whole ones, else in seconds.

    >>> spans((5, 15), 60_000), spans((5, 15), 1000)
    ('5 and 15 min', '5 and 15 s')
    """
    lengths = [count * bucket_ms for count in buckets]
    minutes = all(length % 60_000 == 0 for length in lengths)
    shown = listed(plain(length / (60_000 if minutes else 1000)) for length in lengths)
    return f"{shown} {'min' if minutes else 's'}"


def listed(names: Iterable[str]) -> str:
    """Names in a row: "a", "a and b", "a, b and c"."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


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
