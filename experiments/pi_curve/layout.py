"""How a study's variants lie: one by one, along the values of one factor, or too many for a picture each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import isnan, log10
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from attrs import field, frozen

from experiments.pi_curve.config import Study
from experiments.pi_curve.factors import Factor
from experiments.statistics import distinct

MechanismPi: TypeAlias = tuple[str, int]
"""A mechanism and its batch interval, steps; 0 without batches."""

FEW = 6
"""Variants that still get a section and pictures of their own."""

# What the values of a swept key are counted in, where the configuration does not say it by its name.
_UNITS = {
    "population.lp_requote": "steps",
    "population.lp_delay": "steps",
    "population.sniper_delay": "steps",
    "world.walk_var": "per step",
}


@frozen
class Sweep:
    """A study along one numeric factor.

    Attributes:
        factor: the factor's name.
        unit: what its values are counted in, or "".
        values: its values, ascending.
        rows: what else the variants differ in, or "" where nothing, and for each the names of the study's variants in
            the order of `values`.
    """

    factor: str
    unit: str
    values: tuple[float, ...]
    rows: Mapping[str, tuple[str, ...]]

    @property
    def label(self) -> str:
        """The factor with its unit."""
        return f"{self.factor}, {self.unit}" if self.unit else self.factor


def sweep_of(study: Study) -> Sweep | None:
    """The sweep that a study is: along its numeric factor with the most values, the first of equals; None without one.

    A factor is numeric if it has a key and at least two values, all of them numbers.
    """
    numeric = [factor for factor in study.factors if _numeric(factor)]
    if not numeric:
        return None
    swept = max(numeric, key=lambda factor: len(factor.values))
    place = study.factors.index(swept)
    before = [[variant.name for variant in study.variants]] if study.variants else []
    before += [[level.name for level in factor.variants()] for factor in study.factors[:place]]
    after = [[level.name for level in factor.variants()] for factor in study.factors[place + 1 :]]
    pairs = zip(swept.values, swept.variants(), strict=True)
    levels = sorted(((float(value), level.name) for value, level in pairs), key=lambda pair: pair[0])
    rows = {}
    for names in product(*before, *after):
        first, last = names[: len(before)], names[len(before) :]
        rows[", ".join(names)] = tuple(", ".join((*first, level, *last)) for _, level in levels)
    return Sweep(swept.name, _UNITS.get(swept.key, ""), tuple(value for value, _ in levels), rows)


def _numeric(factor: Factor) -> bool:
    return len(factor.values) > 1 and all(type(value) in (int, float) for value in factor.values)


def many(study: Study) -> bool:
    """Whether the study has more variants than get a section each, and no numeric factor to put them along."""
    return sweep_of(study) is None and len(study.resolved()) > FEW


@frozen
class Axis:
    """Where the values of a factor stand on a picture's axis.

    Attributes:
        places: one for each value, ascending, about 1 apart or less.
        ticks: their labels.
        log: places are decades (log10 of the value).
        apart: the first value is 0, which has no logarithm; it stands at the left, with nothing to scale.
    """

    places: tuple[float, ...]
    ticks: tuple[str, ...]
    log: bool
    apart: bool

    @property
    def pieces(self) -> tuple[slice, ...]:
        """Runs of values between which a line may be drawn."""
        return (slice(0, 1), slice(1, None)) if self.apart else (slice(None),)


def axis(values: Sequence[float]) -> Axis:
    """A logarithmic axis where the positive values span a decade and none is negative, else an even scale from 0 to 1.

    Args:
        values: ascending.
    """
    ticks = tuple(tick(value) for value in values)
    positive = [value for value in values if value > 0]
    if values[0] >= 0 and len(positive) > 1 and positive[-1] >= 10 * positive[0]:
        decades = tuple(log10(value) for value in positive)
        apart = len(positive) < len(values)
        gap = max(0.5, (decades[-1] - decades[0]) / 4)
        return Axis((decades[0] - gap, *decades) if apart else decades, ticks, log=True, apart=apart)
    span = values[-1] - values[0]
    return Axis(tuple((value - values[0]) / span for value in values), ticks, log=False, apart=False)


def tick(value: float) -> str:
    """A value as an axis or a table says it: 50, 0.1, 1e-7."""
    mantissa, exponent, power = f"{value:g}".partition("e")
    return f"{mantissa}e{int(power)}" if exponent else mantissa


def points_of(summary: pd.DataFrame) -> list[MechanismPi]:
    """The mechanisms and intervals of a summary, in its order."""
    once = summary[["mechanism", "pi"]].drop_duplicates()
    return [(str(mechanism), int(pi)) for mechanism, pi in once.itertuples(index=False)]


def label(point: MechanismPi) -> str:
    """As pictures and tables call it."""
    return f"fba pi = {point[1]}" if point[0] == "fba" else point[0]


@frozen(eq=False)
class Grid:
    """Look-up in the table that `experiments.statistics.summarise` makes, variant by variant."""

    _rows: pd.DataFrame = field(repr=False)

    @classmethod
    def of(cls, summary: pd.DataFrame, measures: Sequence[str]) -> Grid:
        """That part of the summary which is about `measures`."""
        own = summary[summary["measure"].isin(list(measures))]
        return cls(own.set_index(["mechanism", "pi", "measure", "variant"]).sort_index())

    def along(self, names: Sequence[str], point: MechanismPi, measure: str) -> pd.DataFrame:
        """One row per name, with the columns n, mean, se and paired ones; nan where it was not run."""
        wanted = [(*point, measure, name) for name in names]
        return self._rows.reindex(wanted).set_axis(list(names))

    def provided(self, names: Sequence[str], point: MechanismPi) -> npt.NDArray[np.bool_]:
        """Whether anybody provided liquidity, by name, at the point or in the CLOB; needs the measure lp_fills."""
        there, book = (self.along(names, each, "lp_fills")["mean"].to_numpy() for each in (point, ("clob", 0)))
        found: npt.NDArray[np.bool_] = (there > 0) | (book > 0)
        return found


def beside_the_book(grid: Grid, names: Sequence[str], point: MechanismPi, of: str) -> dict[str, list[str]]:
    """Columns on the difference to the CLOB, a place per name; their heads end in `of`."""
    gain = grid.along(names, point, "lp_pnl")
    provided = grid.provided(names, point)
    shares = [
        f"{share:.0%}" if known and not isnan(share) else "-"
        for share, known in zip(gain["paired_share"], provided, strict=True)
    ]
    return {
        f"reduction of the LP's loss{of}": column(gain, "paired_", provided),
        f"seeds with a reduction{of}": shares,
        f"change in the cost of trading at once, per lot{of}": column(
            grid.along(names, point, "shortfall_per_lot"), "paired_"
        ),
    }


def column(table: pd.DataFrame, prefix: str, known: Iterable[bool] | None = None) -> list[str]:
    """The means of a table of `Grid.along` with their errors, "-" where not `known`; `prefix` is "" or "paired_"."""
    pairs = zip(table[f"{prefix}mean"], table[f"{prefix}se"], strict=True)
    said = [with_error(mean, error) for mean, error in pairs]
    return [one if there else "-" for one, there in zip(said, known, strict=True)] if known is not None else said


def markdown(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """The lines of a table, from its columns by their heads."""
    rows = zip(*columns.values(), strict=True)
    return [
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def told(start: str, grid: Grid, names: Sequence[str], said: Sequence[str], point: MechanismPi) -> str:
    """Where the LP gains more or less than in the book, beyond chance over all `names` together."""
    gain = grid.along(names, point, "lp_pnl")
    known = grid.provided(names, point) & (gain["paired_n"] > 1).to_numpy()
    found: dict[str, list[str]] = {"above the book's": [], "below the book's": [], "not to be told from the book's": []}
    for word, row, there in zip(said, gain.itertuples(), known, strict=True):
        if there:
            mean, error, seeds = (float(str(each)) for each in (row.paired_mean, row.paired_se, row.paired_n))
            clear = distinct(mean, error, int(seeds), comparisons=int(known.sum()))
            found[list(found)[0 if clear and mean > 0 else 1 if clear else 2]].append(word)
    if not known.any():
        return f"{start}: what the liquidity provider gains beside the book cannot be told."
    parts = [f"{words} {where(places, int(known.sum()))}" for words, places in found.items() if places]
    if not known.all():
        left = len(names) - int(known.sum())
        parts.append(f"unknown in {left}, where nobody provides liquidity or one seed has no error")
    return f"{start}: the liquidity provider's gain is {'; '.join(parts)}."


def where(places: Sequence[str], of: int) -> str:
    """At which `places`, of so many, in a few words."""
    if len(places) == of > 1:
        return f"in all {of}"
    few = len(places) <= FEW
    return f"at {', '.join(places)}" if few else f"in {len(places)} of {of}"


def with_error(mean: object, error: object) -> str:
    """A mean and its standard error, "12.3 +- 1.4"; the mean alone where there is no error, "-" without a mean."""
    value, spread = float(str(mean)), float(str(error))
    if isnan(value):
        return "-"
    exact = isnan(spread) or spread <= 1e-12 * abs(value)  # the same in every seed, but for rounding
    return f"{value:.4g}" if exact else f"{value:.4g} +- {spread:.2g}"
