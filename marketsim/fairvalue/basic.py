"""A truth that never moves, and the guard that hides the future of any truth during a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from marketsim.checks import finite
from marketsim.errors import FAULTS, ConfigError, LookAheadError, PluginError, raised, written
from marketsim.fairvalue.table import copied_map, fair_values, price_map, whole_steps
from marketsim.protocols import FairValue


@frozen(eq=False)
class ConstantFairValue:
    """The same price at every time from 0 on.

    Args:
        prices: ticks by market.

    >>> ConstantFairValue({"A": 100.0}).at("A", 10**12)
    100.0
    """

    prices: Mapping[str, float] = field(converter=copied_map, validator=price_map)

    @property
    def markets(self) -> tuple[str, ...]:
        """Names, in the order given."""
        return tuple(self.prices)

    def at(self, market: str, time: int, /) -> float:
        """Price in ticks at step `time`; `ConfigError` for an unknown market or a time that is no int from 0."""
        if type(time) is not int or time < 0:
            raise ConfigError(f"ConstantFairValue.at: got time {time!r}, wanted an int of at least 0")
        return self._price(market)

    def values(self, market: str, times: ArrayLike, /) -> NDArray[np.float64]:
        """Prices in ticks at an integer array of times, in its shape; `ConfigError` as of `at`."""
        steps = whole_steps("ConstantFairValue", times)
        if steps.size and steps.min() < 0:
            raise ConfigError(f"ConstantFairValue.values: got time {steps.min()}, wanted an int of at least 0")
        return np.full(steps.shape, self._price(market))

    def _price(self, market: str) -> float:
        if market not in self.prices:
            raise ConfigError(f"ConstantFairValue: got market {market!r}, wanted one of {', '.join(self.prices)}")
        return float(self.prices[market])


@frozen(eq=False)
class GuardedFairValue:
    """`truth` as far as a run has come.

    It exposes nothing of the truth but the names of its markets and its past: jump times, paths and the horizon stay
    behind the guard.

    Args:
        truth: any fair value.
        clock: answers with the run's present time.

    Raises:
        LookAheadError: a time after the present.
        PluginError: the truth raised, or answered with something other than finite numbers.

    >>> GuardedFairValue(ConstantFairValue({"A": 100.0}), lambda: 7).at("A", 7)
    100.0
    """

    _truth: FairValue
    _clock: Callable[[], int]

    @property
    def markets(self) -> tuple[str, ...]:
        """Those of the truth."""
        return self._truth.markets

    def at(self, market: str, time: int, /) -> float:
        """Price in ticks at step `time`; `LookAheadError` for one after the present."""
        if type(time) is not int:
            raise ConfigError(f"GuardedFairValue.at: got time {time!r}, wanted an int")
        now = self._clock()
        if time > now:
            raise LookAheadError(_ahead(market, time, now))
        try:
            price = self._truth.at(market, time)
        except FAULTS as error:
            raise self._fault("at", market, time, raised(error)) from error
        if not finite(price):
            raise self._fault("at", market, time, f"answered {written(price)}, wanted a finite number of ticks")
        return price

    def values(self, market: str, times: ArrayLike, /) -> NDArray[np.float64]:
        """Prices in ticks at an integer array of times, in its shape; `LookAheadError` for one after the present."""
        steps = whole_steps("GuardedFairValue", times)
        now = self._clock()
        if steps.size and steps.max() > now:
            raise LookAheadError(_ahead(market, int(steps.max()), now))
        try:
            prices = fair_values(self._truth, market, steps)
            sound = prices.shape == steps.shape and prices.dtype.kind in "fiu" and bool(np.isfinite(prices).all())
        except FAULTS as error:
            raise self._fault("values", market, times, raised(error)) from error
        if not sound:
            wanted = f"{steps.shape} finite numbers of ticks"
            raise self._fault("values", market, times, f"answered {written(prices)}, wanted {wanted}")
        return prices

    def _fault(self, call: str, market: str, asked: object, what: str) -> PluginError:
        name = f"{type(self._truth).__name__}.{call}"
        return PluginError(f"fair value {name}({written(market)}, {written(asked)}): {what}")


def _ahead(market: str, time: int, now: int) -> str:
    return f"the fair value of market {market!r} at time {time} was asked for at time {now}"
