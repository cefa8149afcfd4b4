"""The summary of a variant by point and measure."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan

import pandas as pd
from attrs import field, frozen

from experiments.pages.numbers import Estimate
from experiments.pi_curve.contrasts import Point

_UNKNOWN = (Estimate(), Estimate(), nan)


@frozen(eq=False)
class Curves:
    """The summary of one variant: means and paired differences by cell and measure.

    Attributes:
        points: mechanisms and intervals in the order of the summary.
    """

    points: tuple[Point, ...]
    _found: dict[tuple[Point, str], tuple[Estimate, Estimate, float]] = field(repr=False)

    @classmethod
    def of(cls, summary: pd.DataFrame, variant: str) -> Curves:
        """Those of `variant` in the table that `experiments.statistics.summarise` makes."""
        found = {}
        columns = ["mechanism", "pi", "measure", "mean", "se", "n"]
        columns += ["paired_mean", "paired_se", "paired_n", "paired_share"]
        own = summary.loc[summary["variant"] == variant, columns]
        for mechanism, pi, measure, mean, se, n, change, error, pairs, share in own.itertuples(index=False):
            estimates = Estimate(float(mean), float(se), int(n)), Estimate(float(change), float(error), int(pairs))
            found[Point(str(mechanism), int(pi)), str(measure)] = (*estimates, float(share))
        return cls(tuple(dict.fromkeys(point for point, _ in found)), found)

    def mean(self, point: Point, measure: str) -> Estimate:
        """The mean over seeds; unknown where the study did not measure it."""
        return self._found.get((point, measure), _UNKNOWN)[0]

    def change(self, point: Point, measure: str) -> Estimate:
        """The mean difference to the CLOB at the same seed; unknown for the CLOB itself."""
        return self._found.get((point, measure), _UNKNOWN)[1]

    def above(self, point: Point, measure: str) -> float:
        """In which share of the seeds the measure is above that of the CLOB; nan where there is no difference."""
        return self._found.get((point, measure), _UNKNOWN)[2]

    def provided(self, point: Point) -> bool:
        """Whether anybody provided liquidity at the point or in the CLOB, so that the LP's gains can be compared."""
        return any(self.mean(each, "lp_fills").mean > 0 for each in (point, self.book) if each)

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


def points_of(curves: Iterable[Curves]) -> tuple[Point, ...]:
    """The points of all these variants, each once."""
    return tuple(dict.fromkeys(point for one in curves for point in one.points))
