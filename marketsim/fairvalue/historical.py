"""The last recorded trade price, as a fair value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from marketsim.checks import integer
from marketsim.errors import ConfigError
from marketsim.fairvalue.table import HORIZON_MAX, PriceTable, copied_map, horizon_steps, require, tick_money
from marketsim.tape import STAMP_MAX, TradeTape

_stamp = integer(-STAMP_MAX, STAMP_MAX)
_stride = integer(1, STAMP_MAX)


@frozen(eq=False)
class HistoricalPath:
    """The price of the last trade at or before each step, in ticks (not rounded).

    Step t stands for the time stamp `start` + t x `step`, and shows what had been traded by then.

    Args:
        table: prices by market and step.
        start: time stamp of step 0.
        step: time stamp units per step.

    >>> fair = HistoricalPath.from_arrays({"BTC": ([1000, 1400, 2000], [50.0, 51.0, 49.5])}, step=500, tick_size=0.5)
    >>> [fair.at("BTC", t) for t in range(fair.horizon + 1)]
    [100.0, 102.0, 99.0]
    """

    _table: PriceTable
    start: int = field(validator=_stamp)
    step: int = field(validator=_stride)

    @classmethod
    def from_tapes(
        cls,
        tapes: Mapping[str, TradeTape],
        *,
        step: int,
        tick_size: float,
        start: int | None = None,
        horizon: int | None = None,
    ) -> Self:
        """Build from one tape per market.

        Args:
            tapes: by market.
            step: time stamp units per step.
            tick_size: the tape's price units per tick.
            start: time stamp of step 0; by default that of the first trade, with several markets that of the first
                moment at which all have traded.
            horizon: last step; by default the first step at which some market's tape has ended.

        Raises:
            ConfigError: a start before a market's first trade, or a horizon after the end of its tape.
        """
        tapes = copied_map(tapes)
        require(cls, "step", step, _stride)
        require(cls, "tick_size", tick_size, tick_money)
        if not tapes:
            raise ConfigError("HistoricalPath: got no tape, wanted at least one market")
        latest_first = max(int(tape.times[0]) for tape in tapes.values())
        start = latest_first if start is None else start
        require(cls, "start", start, integer(latest_first, STAMP_MAX))
        longest = -((start - min(int(tape.times[-1]) for tape in tapes.values())) // step)
        if not 1 <= longest <= HORIZON_MAX:
            raise ConfigError(f"HistoricalPath: the tapes give {longest} steps of {step}, wanted 1 to {HORIZON_MAX}")
        horizon = longest if horizon is None else horizon
        require(cls, "horizon", horizon, horizon_steps)
        require(cls, "horizon", horizon, integer(1, longest))
        stamps = start + step * np.arange(horizon + 1)
        last = [np.searchsorted(tape.times, stamps, side="right") - 1 for tape in tapes.values()]
        prices = [tape.prices[trades] / tick_size for tape, trades in zip(tapes.values(), last, strict=True)]
        return cls(PriceTable("HistoricalPath", tuple(tapes), prices), start, step)

    @classmethod
    def from_arrays(
        cls,
        trades: Mapping[str, tuple[ArrayLike, ArrayLike]],
        *,
        step: int,
        tick_size: float,
        start: int | None = None,
        horizon: int | None = None,
    ) -> Self:
        """Build from (time stamps, prices) by market; the rest as in `from_tapes`."""
        tapes = {market: TradeTape(times, prices, name=market) for market, (times, prices) in trades.items()}
        return cls.from_tapes(tapes, step=step, tick_size=tick_size, start=start, horizon=horizon)

    @property
    def markets(self) -> tuple[str, ...]:
        """Names, in the order given."""
        return self._table.markets

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
