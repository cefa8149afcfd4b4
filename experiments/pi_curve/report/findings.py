"""All that a pi-curve study found, from which its page, its summary and its pictures are made."""

from __future__ import annotations

import pandas as pd
from attrs import frozen

from experiments.pi_curve.config import Study
from experiments.pi_curve.report.answer import Finding, finding, overall, sentences
from experiments.pi_curve.report.curves import Curves
from experiments.statistics import Best, best_interval, summarise


@frozen(eq=False)
class Outcome:
    """What came out of one variant.

    Attributes:
        study: the resolved one of the variant.
        cells: its runs.
        found: what they say of the liquidity provider's gain beside the CLOB.
        best: the interval that makes trading at once cheapest.
    """

    study: Study
    cells: pd.DataFrame
    curves: Curves
    found: Finding | None
    best: Best | None

    def sentences(self) -> list[str]:
        """The answer of this variant alone."""
        return sentences(self.curves, self.found, self.best)


@frozen(eq=False)
class Findings:
    """The outcome of every variant.

    Attributes:
        cells: all runs, as `experiments.pi_curve.runner.run_study` gives them.
        summary: what `experiments.statistics.summarise` makes of them.
        variants: by name, in the order of the study.
    """

    study: Study
    cells: pd.DataFrame
    summary: pd.DataFrame
    variants: dict[str, Outcome]

    @classmethod
    def of(cls, study: Study, cells: pd.DataFrame) -> Findings:
        summary = summarise(cells)
        variants = {}
        for name, own in study.resolved().items():
            runs, curves = cells[cells["variant"] == name], Curves.of(summary, name)
            variants[name] = Outcome(own, runs, curves, finding(curves), best_interval(runs))
        return cls(study, cells, summary, variants)

    @property
    def title(self) -> str:
        return self.study.title or self.study.name

    @property
    def curves(self) -> dict[str, Curves]:
        return {name: one.curves for name, one in self.variants.items()}

    @property
    def broken(self) -> int:
        """In how many runs the wealth over all accounts is not zero, or not known."""
        return int((self.cells["wealth_sum"] != 0).sum())

    def answer(self) -> list[str]:
        """Three sentences over all variants."""
        if len(self.variants) == 1:
            return next(iter(self.variants.values())).sentences()
        found = {name: one.found for name, one in self.variants.items()}
        return overall(found, self.curves, {name: one.best for name, one in self.variants.items()})
