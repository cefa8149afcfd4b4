"""Log prices that return to a level."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, expm1, sqrt
from typing import Any, Self

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from marketsim.checks import flag, number
from marketsim.fairvalue.table import (
    PriceTable,
    copied_map,
    finite_array,
    horizon_steps,
    price_map,
    read_only,
    require,
)

_speed = number(high=1e6, above=0)
_spread = number(0, 100)


def _by_market(instance: OrnsteinUhlenbeck, attribute: Any, value: NDArray[np.float64]) -> None:
    shape = (len(instance.levels), None) if attribute.name == "noise" else (len(instance.levels),)
    finite_array(*shape)(instance, attribute, value)


@frozen(eq=False, kw_only=True)
class OrnsteinUhlenbeck:
    """d x = -mean_reversion (x - log level) dt + volatility dW for the log price x, sampled exactly at every step.

    With phi = exp(-mean_reversion), x(t+1) - log level = phi (x(t) - log level) + N(0, s^2) and
    s^2 = volatility^2 (1 - phi^2) / (2 mean_reversion). The mean *price* lies above the level, by the factor
    exp(stationary variance / 2).

    Args:
        levels: ticks by market.
        mean_reversion: per step.
        volatility: standard deviation of the log price per square root of a step.
        start: x(0) - log level, array (M,).
        noise: standard normal draws, array (M, horizon).

    Raises:
        ConfigError: an argument or a price out of bounds.

    >>> calm = OrnsteinUhlenbeck.draw(np.random.default_rng(1), 10, {"A": 500.0}, mean_reversion=0.1, volatility=0.0)
    >>> round(calm.at("A", 10), 9)
    500.0
    """

    levels: Mapping[str, float] = field(converter=copied_map, validator=price_map)
    mean_reversion: float = field(validator=_speed)
    volatility: float = field(validator=_spread)
    start: NDArray[np.float64] = field(converter=read_only, validator=_by_market)
    noise: NDArray[np.float64] = field(converter=read_only, validator=_by_market, repr=False)
    _table: PriceTable = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        scale = self.stationary_sd * sqrt(-expm1(-2 * self.mean_reversion))
        deviations = np.column_stack([self.start, scale * self.noise])
        _filter(deviations, exp(-self.mean_reversion))
        with np.errstate(over="ignore"):
            prices = np.array(list(self.levels.values()), dtype=np.float64)[:, None] * np.exp(deviations)
        object.__setattr__(self, "_table", PriceTable("OrnsteinUhlenbeck", self.markets, prices))

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        horizon: int,
        levels: Mapping[str, float],
        *,
        mean_reversion: float,
        volatility: float,
        stationary_start: bool = False,
    ) -> Self:
        """Paths at random, independent between markets.

        Each market draws from a child of `rng` of its own, in the order of `levels`: first its start, used only with
        `stationary_start` (otherwise it opens at its level), then one draw per step.
        """
        require(cls, "horizon", horizon, horizon_steps)
        require(cls, "levels", copied_map(levels), price_map)
        require(cls, "mean_reversion", mean_reversion, _speed)
        require(cls, "volatility", volatility, _spread)
        require(cls, "stationary_start", stationary_start, flag)
        draws = np.stack([child.standard_normal(horizon + 1) for child in rng.spawn(len(levels))])
        opening_sd = _stationary_sd(mean_reversion, volatility) if stationary_start else 0.0
        return cls(
            levels=levels, mean_reversion=mean_reversion, volatility=volatility,
            start=opening_sd * draws[:, 0], noise=draws[:, 1:],
        )  # fmt: skip

    @property
    def stationary_sd(self) -> float:
        """Standard deviation of the log price in the long run, volatility / sqrt(2 mean_reversion)."""
        return _stationary_sd(self.mean_reversion, self.volatility)

    @property
    def markets(self) -> tuple[str, ...]:
        """Names, in the order given."""
        return tuple(self.levels)

    @property
    def horizon(self) -> int:
        """The last step that has a price."""
        return self._table.horizon

    def at(self, market: str, time: int, /) -> float:
        """Price in ticks at step `time`; `ConfigError` for an unknown market or a time outside 0 to `horizon`."""
        return self._table.at(market, time)

    def values(self, market: str, times: ArrayLike, /) -> NDArray[np.float64]:
        """Prices at an integer array of times, in its shape."""
        return self._table.values(market, times)

    def path(self, market: str, /) -> NDArray[np.float64]:
        """Read-only prices of steps 0 to `horizon`."""
        return self._table.path(market)


def _stationary_sd(mean_reversion: float, volatility: float) -> float:
    return volatility / sqrt(2 * mean_reversion)


def _filter(x: NDArray[np.float64], phi: float) -> None:
    # x[t] becomes the sum of phi^j x[t - j]: after each pass the sums are twice as long, so log2(horizon) passes over
    # the array do what a loop over the steps would, and nothing grows on the way as a cumulative sum over phi^-t does.
    lag, weight = 1, phi
    while lag < x.shape[1] and weight > 1e-30:
        x[:, lag:] += weight * x[:, :-lag]
        lag, weight = 2 * lag, weight * weight
