"""What an agent believes about a few common factors that drive several log prices: a matrix Kalman filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, TypeAlias

from attrs import Attribute, define, field
from attrs.setters import NO_OP

from agents.belief import PRECISION_MAX, Innovations
from marketsim.checks import integer, mapping_of, number, optional
from marketsim.errors import ConfigError

Vector: TypeAlias = tuple[float, ...]
Matrix: TypeAlias = tuple[Vector, ...]
"""By rows. Plain floats, because at k = 3 a NumPy call costs more than the arithmetic it does."""

_LOADING_MAX = 1e6
_NOISE_MIN = 1e-12


def diffuse(covariance: Matrix, process_variance: float, elapsed: int) -> Matrix:
    """Covariance after `elapsed` steps of factors that walk: P + q dt I.

    With nothing elapsed or factors that stand still, `covariance` itself, so that a filter with q = 0 is bit for bit
    the static one.

    The predict step of a Kalman filter of k independent random walks.

    Args:
        covariance: (k, k), P.
        process_variance: of each factor per step, q.
        elapsed: steps, dt.

    Raises:
        ConfigError: negative `elapsed`.

    >>> diffuse(((1.0, 0.5), (0.5, 1.0)), 0.25, 4)
    ((2.0, 0.5), (0.5, 2.0))
    """
    if elapsed < 0:
        raise ConfigError(f"diffuse: got {elapsed} elapsed steps, wanted at least 0")
    if process_variance == 0 or elapsed == 0:
        return covariance
    added = process_variance * elapsed
    return tuple([(*row[:i], row[i] + added, *row[i + 1 :]) for i, row in enumerate(covariance)])


def absorb(
    mean: Vector, covariance: Matrix, loading: Vector, innovation: float, precision: float
) -> tuple[Vector, Matrix, float]:
    """(mean, covariance, S) after an observation of loading . f that lay `innovation` above its prior mean.

    The Kalman update of one observation, which is the inverse of P^-1 + r b b' by Sherman and Morrison: with h = P b
    and S = b'h + 1/r, the variance of the innovation, f' = f + h nu / S and P' = P - h h' / S. The noise 1/r counts
    as at least 1e-12 of the largest variance the loadings could see, |b|^2 trace(P): what floats can tell apart in P
    is not finer, and a variance lost to rounding must not make S negative.

    Args:
        mean: (k,), f.
        covariance: (k, k), P.
        loading: (k,), b.
        innovation: nu, observation minus b . f.
        precision: of the observation, r, above 0.

    >>> absorb((0.0,), ((1.0,),), (1.0,), 1.0, 1 / 3)
    ((0.25,), ((0.75,),), 4.0)
    """
    shared = [_dot(row, loading) for row in covariance]
    largest = _dot(loading, loading) * _trace(covariance)
    variance = _dot(loading, shared) + max(1 / precision, _NOISE_MIN * largest)
    step = innovation / variance
    moved = tuple([m + h * step for m, h in zip(mean, shared, strict=True)])
    # The product of two entries is taken first, so that the covariance stays symmetric to the last bit.
    narrowed = tuple(
        [
            tuple([p - h * other / variance for p, other in zip(row, shared, strict=True)])
            for row, h in zip(covariance, shared, strict=True)
        ]
    )
    return moved, narrowed, variance


def _trace(matrix: Matrix) -> float:
    total = 0.0
    for i, row in enumerate(matrix):
        total += row[i]
    return total


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    # Written out: `sum` adds floats in another way from Python 3.12 on.
    total = 0.0
    for a, b in zip(left, right, strict=True):
        total += a * b
    return total


def _rows(value: Mapping[str, Sequence[float]]) -> dict[str, Vector]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"FactorBelief.loadings: got {value!r}, wanted a mapping from market to k loadings")
    return {market: tuple(row) for market, row in value.items()}


def _loadings(instance: FactorBelief, attribute: Attribute[Any], value: dict[str, Vector]) -> None:
    if not value or list(value) != list(instance.alphas):
        raise ConfigError(
            f"FactorBelief.loadings: got markets {list(value)}, wanted those of alphas: {list(instance.alphas)}"
        )
    width = len(next(iter(value.values())))
    for market, row in value.items():
        if not row or len(row) != width:
            raise ConfigError(f"FactorBelief.loadings: got {len(row)} loadings of {market!r}, wanted {width or 'some'}")
        for loading in row:
            number(-_LOADING_MAX, _LOADING_MAX)(instance, attribute, loading)


@define(on_setattr=NO_OP)
class FactorBelief:
    """A Gaussian belief about k factors f that may move, where the log price of market m is alpha_m + beta_m . f.

    The prior of every factor is N(0, 1 / precision), independent of the others.

    Args:
        alphas: by market, in log ticks.
        loadings: beta by market, k each; the same markets in the same order.
        precision: prior one of each factor, 1 / variance.
        process_variance: variance of each factor's change per step that the belief assumes, q.
        last_update: step of the last observation; None before the first, which meets an undecayed prior.

    Attributes:
        mean: of the factors, k of them.
        covariance: of the factors at `last_update`, (k, k).

    Raises:
        ConfigError: an argument out of bounds, other markets than those of `alphas`, or rows of different lengths.

    >>> belief = FactorBelief({"A": 1.0, "B": 1.0}, {"A": (1.0, 0.0), "B": (0.5, 0.5)}, precision=1.0)
    >>> belief.observe("A", 2.0, 1.0, 10)
    >>> round(belief.mean_log("A"), 9), round(belief.mean_log("B"), 9)
    (1.5, 1.25)
    """

    alphas: Mapping[str, float] = field(validator=mapping_of(number(-1e6, 1e6)))
    loadings: Mapping[str, Vector] = field(converter=_rows, validator=_loadings)
    precision: float = field(validator=number(1e-100, 1e100))
    process_variance: float = field(default=0.0, kw_only=True, validator=number(0, 1e6))
    last_update: int | None = field(default=None, kw_only=True, validator=optional(integer(0)))
    mean: Vector = field(init=False)
    covariance: Matrix = field(init=False)
    _count: int = field(default=0, init=False)
    _total: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        k = len(next(iter(self.loadings.values())))
        self.mean = (0.0,) * k
        self.covariance = tuple(tuple(1 / self.precision if i == j else 0.0 for j in range(k)) for i in range(k))

    def observe(self, market: str, value_log: float, precision: float, time: int) -> None:
        """Absorb an observation of the log price of `market`.

        Args:
            market: one of the belief's.
            value_log: what was seen.
            precision: of the observation, 1 / variance of its noise, above 0.
            time: step, not before the last.

        Raises:
            ConfigError: an argument out of bounds; the belief is then as it was.
        """
        loading = self._loading(market)
        if not isfinite(value_log) or not 0 < precision <= PRECISION_MAX:
            got = f"value {value_log!r} and precision {precision!r}"
            raise ConfigError(f"FactorBelief.observe: got {got}, wanted a finite value and a precision above 0")
        prior = self.covariance_at(time)
        innovation = value_log - self.alphas[market] - _dot(loading, self.mean)
        self.mean, self.covariance, variance = absorb(self.mean, prior, loading, innovation, precision)
        self._total += innovation * innovation / variance
        self._count += 1
        self.last_update = time

    def mean_log(self, market: str) -> float:
        """Believed log price of `market`.

        Raises:
            ConfigError: not one of the belief's markets.
        """
        return _dot(self._loading(market), self.mean) + self.alphas[market]

    def covariance_at(self, time: int) -> Matrix:
        """Covariance (k, k) of the factors at `time` if nothing is observed until then.

        Raises:
            ConfigError: a time that is not an int or lies before the last observation.
        """
        last = self.last_update
        if type(time) is not int or time < (last or 0):
            raise ConfigError(f"FactorBelief: got time {time!r}, wanted an int of at least {last or 0}")
        return self.covariance if last is None else diffuse(self.covariance, self.process_variance, time - last)

    @property
    def nis(self) -> Innovations:
        """Normalised innovations squared of all observations so far, nu^2 / (beta P beta' + 1/r)."""
        return Innovations(self._count, self._total)

    def _loading(self, market: str) -> Vector:
        loading = self.loadings.get(market)
        if loading is None:
            raise ConfigError(f"FactorBelief: got market {market!r}, wanted one of {', '.join(self.loadings)}")
        return loading
