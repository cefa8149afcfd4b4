"""Contrasts: differences between two places of a study, seed by seed, that a configuration asks for by name."""

from __future__ import annotations

from attrs import field, frozen

from marketsim.checks import integer, name


@frozen(kw_only=True)
class Place:
    """Cells of a study: a variant under one mechanism and batch interval (0 where there are no batches)."""

    variant: str = field(default="base", validator=name)
    mechanism: str = field(default="clob", validator=name)
    pi: int = field(default=0, validator=integer(0))

    def reads(self) -> str:
        """The place in words: "as published, fba 10"."""
        return f"{self.variant}, {self.mechanism}" + (f" {self.pi}" if self.pi else "")


@frozen(kw_only=True)
class Contrast:
    """A question with a number for an answer: the mean of a measure at one place, or its difference to another place.

    Args:
        asks: the question, in words.
        measure: a column of the study's table.
        less: a column to subtract from it.
        of: where.
        minus: where to subtract, at the same seed.
    """

    asks: str = field(validator=name)
    measure: str = field(default="lp_pnl", validator=name)
    less: str = ""
    of: Place = field(factory=Place)
    minus: Place | None = None

    def reads(self) -> str:
        """What is measured, as a formula: "lp_pnl [a, fba 10] - [a, clob]"."""
        what = f"({self.measure} - {self.less})" if self.less else self.measure
        here = f"{what} [{self.of.reads()}]"
        return here if self.minus is None else f"{here} - [{self.minus.reads()}]"
