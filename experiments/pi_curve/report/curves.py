"""The summary of a variant by point and measure."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from attrs import field, frozen

from experiments.pages.numbers import Estimate


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
