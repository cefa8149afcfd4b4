"""What an agent believes about one log price: a Kalman filter in information form that knows how well it fits."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from attrs import define, field, frozen
from attrs.setters import NO_OP

from marketsim.checks import integer, number, optional
from marketsim.errors import ConfigError

PRECISION_MAX = 1e300

_precision = number(0, PRECISION_MAX)


def decay(precision: float, process_variance: float, elapsed: int) -> float:
    """Precision after `elapsed` steps of a truth that moves with `process_variance` per step: 1 / (1/p + q dt).

    The predict step of a scalar Kalman filter. Precisions are 1 / variance of a log price, variances are in log price
    squared. With nothing elapsed or a truth that stands still, `precision` itself, not a rounding of it, so that a
    filter with q = 0 is bit for bit the static one. No information (0) stays none.

    Raises:
        ConfigError: negative `elapsed`.

    >>> decay(4.0, 0.25, 3), decay(4.0, 0.0, 3)
    (1.0, 4.0)
    """
    if elapsed < 0:
        raise ConfigError(f"decay: got {elapsed} elapsed steps, wanted at least 0")
    if process_variance == 0 or elapsed == 0 or precision == 0:
        return precision
    return 1 / (1 / precision + process_variance * elapsed)


def update(mean: float, precision: float, value: float, signal_precision: float) -> tuple[float, float]:
    """(mean, precision) after an observation: p' = p + r and mean' = (p mean + r z) / p'.

    The update step of a scalar Kalman filter in information form. Means are log prices, precisions 1 / variance.

    >>> update(1.0, 3.0, 2.0, 1.0)
    (1.25, 4.0)
    """
    total = precision + signal_precision
    return (precision * mean + signal_precision * value) / total, total


@frozen
class Innovations:
    """How far observations fell from what was expected of them.

    `total` sums the normalised innovations squared nu^2 / S of `count` observations, where nu is observation minus
    prior mean and S = 1/p + 1/r its variance if the filter is right. Each is then chi-squared with one degree of
    freedom, and their mean is 1 (Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and
    Navigation, 2001, section 5.4).

    >>> belief = ScalarBelief(mean=0.0, precision=1.0)
    >>> belief.observe(1.0, 1.0, 0)  # nu = 1 where S = 1 + 1
    >>> belief.observe(1.5, 2.0, 1)  # nu = 1 where S = 1/2 + 1/2
    >>> belief.nis, belief.nis.mean
    (Innovations(count=2, total=1.5), 0.75)
    """

    count: int = 0
    total: float = 0.0

    @property
    def mean(self) -> float | None:
        """1 for a filter that fits, above for one that trusts itself or its signals too much; None before any.

        Its standard error is sqrt(2 / count) where the filter fits; `marketsim.metrics.nis_band` has its 95 % band.
        """
        return self.total / self.count if self.count else None


def pooled(parts: Iterable[Innovations]) -> Innovations:
    """The innovations of several beliefs together.

    >>> pooled([Innovations(2, 3.0), Innovations(1, 0.5)])
    Innovations(count=3, total=3.5)
    """
    count, total = 0, 0.0
    for part in parts:
        count, total = count + part.count, total + part.total
    return Innovations(count, total)


@define(on_setattr=NO_OP)
class ScalarBelief:
    """A Gaussian belief about a log price that may move.

    Args:
        mean: of the log price, log ticks.
        precision: 1 / variance of the log price; 0 is no information.
        process_variance: variance of the log price's change per step that the belief assumes, q.
        last_update: step of the last observation; None before the first, which meets an undecayed prior.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> belief = ScalarBelief(mean=0.0, precision=1.0)
    >>> belief.observe(1.0, 3.0, 10)
    >>> belief.mean, belief.precision
    (0.75, 4.0)
    """

    mean: float = field(validator=number(-1e6, 1e6))
    precision: float = field(validator=_precision)
    process_variance: float = field(default=0.0, kw_only=True, validator=number(0, 1e6))
    last_update: int | None = field(default=None, kw_only=True, validator=optional(integer(0)))
    _count: int = field(default=0, init=False)
    _total: float = field(default=0.0, init=False)

    def observe(self, value_log: float, precision: float, time: int) -> None:
        """Absorb an observation of the log price.

        Args:
            value_log: what was seen.
            precision: of the observation, 1 / variance of its noise, above 0.
            time: step, not before the last.

        Raises:
            ConfigError: an argument out of bounds; the belief is then as it was.
        """
        if not isfinite(value_log) or not 0 < precision <= PRECISION_MAX:
            got = f"value {value_log!r} and precision {precision!r}"
            raise ConfigError(f"ScalarBelief.observe: got {got}, wanted a finite value and a precision above 0")
        prior = self.precision_at(time)
        # A prior without information expects nothing, so nothing can surprise it.
        if prior > 0:
            innovation = value_log - self.mean
            self._total += innovation * innovation / (1 / prior + 1 / precision)
            self._count += 1
        self.mean, self.precision = update(self.mean, prior, value_log, precision)
        self.last_update = time

    def precision_at(self, time: int) -> float:
        """Precision at `time` if nothing is observed until then.

        Raises:
            ConfigError: a time that is not an int or lies before the last observation.
        """
        last = self.last_update
        if type(time) is not int or time < (last or 0):
            raise ConfigError(f"ScalarBelief: got time {time!r}, wanted an int of at least {last or 0}")
        return self.precision if last is None else decay(self.precision, self.process_variance, time - last)

    @property
    def nis(self) -> Innovations:
        """Normalised innovations squared of all observations so far."""
        return Innovations(self._count, self._total)
