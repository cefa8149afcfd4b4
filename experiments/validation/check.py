"""What a check is: a problem with a known answer, the lines that compare it with a run of the engine, a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isfinite, sqrt
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from marketsim import checks
from marketsim.checks import flag, integer, kind, number
from marketsim.errors import ConfigError

BAND = 4.0
"""Standard errors that a measurement may lie from its prediction."""

RELATIVE_ERROR_MAX = 0.02
"""Of a full run: a wider band would let a wrong engine pass."""

_T = TypeVar("_T")


@frozen
class Scale:
    """How much work a check may do.

    Args:
        full: False for a run of a few seconds, True for one whose standard errors are under 2 % of the answer.
        seed: root of every draw.
    """

    full: bool = field(default=False, validator=flag)
    seed: int = field(default=1, validator=integer(0))

    def pick(self, *, quick: _T, full: _T) -> _T:
        """The size for this scale."""
        return full if self.full else quick


@frozen(kw_only=True)
class Line:
    """One prediction beside its measurement.

    Args:
        name: what is compared, such as "flow of a sniper, N = 4".
        predicted: the published or derived value.
        measured: what the engine gave.
        error: standard error of `measured`; 0 where the comparison is exact.
        samples: independent observations behind `error`.
        allowed: absolute difference that the formula itself leaves open, beside the band of errors: rounding to ticks,
            a limit not quite reached. Not for noise.
        because: where `allowed` comes from; needed when it is above 1e-9.
        unit: of both numbers.
    """

    name: str = field(validator=checks.name)
    predicted: float = field(converter=float, validator=number())
    measured: float = field(converter=float)
    error: float = field(default=0.0, converter=float, validator=number(0.0))
    samples: int = field(default=1, validator=integer(1))
    allowed: float = field(default=1e-9, converter=float, validator=number(0.0))
    because: str = ""
    unit: str = ""

    def __attrs_post_init__(self) -> None:
        if self.allowed > 1e-9 and not self.because:
            raise ConfigError(f"Line {self.name!r}: got allowed = {self.allowed!r} without a reason, wanted `because`")

    @property
    def holds(self) -> bool:
        """Whether the measurement agrees: within `BAND` standard errors and what the formula leaves open."""
        return isfinite(self.measured) and abs(self.measured - self.predicted) <= BAND * self.error + self.allowed

    @property
    def relative_error(self) -> float:
        """The standard error by the size of the prediction; 0 for an exact comparison, inf where the answer is 0."""
        if not self.error:
            return 0.0
        return self.error / abs(self.predicted) if self.predicted else inf

    @property
    def sharp(self) -> bool:
        """Whether the band is narrow enough to count; where the answer is 0 there is nothing to compare it with."""
        return not self.predicted or self.relative_error < RELATIVE_ERROR_MAX


@frozen
class Check:
    """A problem with a known answer.

    Args:
        name: as `marketsim validate --only` takes it.
        title: one line for the table.
        run: runs the engine and compares.
        draw: draws what `run` found, where a picture helps; it gets the lines and a file to write.
    """

    name: str = field(validator=checks.name)
    title: str = field(validator=checks.name)
    run: Callable[[Scale], Sequence[Line]]
    draw: Callable[[Sequence[Line], str], None] | None = None


@frozen
class Finding:
    """What a check found: its lines, or the error that ended it."""

    check: str
    title: str
    lines: tuple[Line, ...]
    scale: Scale = field(validator=kind(Scale))
    failure: str = ""

    @property
    def holds(self) -> bool:
        """Whether every line agrees and, in a full run, is sharp."""
        sharp = not self.scale.full or all(line.sharp for line in self.lines)
        return not self.failure and bool(self.lines) and sharp and all(line.holds for line in self.lines)


def mean_line(
    name: str,
    predicted: float,
    samples: npt.ArrayLike,
    *,
    allowed: float = 1e-9,
    because: str = "",
    unit: str = "",
) -> Line:
    """The line of a mean: `samples` (n,) are independent observations, such as one number for each seed."""
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ConfigError(f"mean_line {name!r}: got samples of shape {values.shape}, wanted at least two in a row")
    error = float(values.std(ddof=1)) / sqrt(len(values))
    return Line(
        name=name,
        predicted=predicted,
        measured=float(values.mean()),
        error=error,
        samples=len(values),
        allowed=allowed,
        because=because,
        unit=unit,
    )
