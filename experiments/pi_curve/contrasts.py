"""Points and places of a study, and contrasts: differences between places that a configuration asks for by name."""

from __future__ import annotations

from attrs import field, frozen

from experiments.limits import STEPS_MAX
from marketsim.checks import integer, name


@frozen(order=True)
class Point:
    """What one run is repeated over seeds at: a mechanism, and the batch interval (steps; 0 without batches)."""

    mechanism: str
    pi: int

    @property
    def label(self) -> str:
        """As tables, pictures and sentences call it."""
        if self.mechanism == "fba":
            return f"FBA pi = {self.pi}"
        return "CLOB" if self.mechanism == "clob" else self.mechanism


@frozen(kw_only=True)
class Place:
    """Cells of a study: a variant under one mechanism and batch interval (0 where there are no batches)."""

    variant: str = field(default="base", validator=name)
    mechanism: str = field(default="clob", validator=name)
    pi: int = field(default=0, validator=integer(0, STEPS_MAX))

    @property
    def point(self) -> Point:
        return Point(self.mechanism, self.pi)

    def reads(self) -> str:
        """The place in words: "as published, FBA pi = 10"."""
        return f"{self.variant}, {self.point.label}"


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
        """What is measured, as a formula: "lp_pnl [a, FBA pi = 10] - [a, CLOB]"."""
        what = f"({self.measure} - {self.less})" if self.less else self.measure
        here = f"{what} [{self.of.reads()}]"
        return here if self.minus is None else f"{here} - [{self.minus.reads()}]"
