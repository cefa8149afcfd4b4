"""A price that stands still between jumps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from marketsim.checks import number, one_of
from marketsim.errors import ConfigError
from marketsim.fairvalue.arrivals import poisson_times
from marketsim.fairvalue.table import PriceTable, copied_map, horizon_steps, price_map, read_only, require
from marketsim.gateway import PRICE_MAX

SizeLaw = Literal["fixed", "exponential", "normal"]


def _step_map(value: Any) -> Mapping[str, NDArray[np.int64]]:
    steps: dict[str, NDArray[np.int64]] = {}
    for market, times in copied_map(value).items():
        came = np.array(times)
        if came.ndim != 1 or (came.size and came.dtype.kind not in "iu"):
            raise ConfigError(f"PoissonJumps.jump_times[{market!r}]: got {times!r}, wanted a list of integers")
        steps[market] = came.astype(np.int64)
        steps[market].setflags(write=False)
    return copied_map(steps)


def _size_map(value: Any) -> Mapping[str, NDArray[np.float64]]:
    return copied_map({market: read_only(sizes) for market, sizes in copied_map(value).items()})


@frozen(eq=False, kw_only=True)
class PoissonJumps:
    """A compound Poisson price: the opening price plus all jumps so far, in ticks.

    The world of Budish, Cramton and Shim (Quarterly Journal of Economics 130(4), 2015, section VI). Jumps at one step
    add up; `jump_times` then repeats the step.

    Args:
        opening: ticks at time 0, by market.
        horizon: last step.
        jump_times: steps 1 to horizon in order, by market; a market without jumps may be left out.
        jump_sizes: ticks with a sign, one per jump time.

    Raises:
        ConfigError: an argument out of bounds, or a price that the jumps carry to 0 or below.

    >>> news = PoissonJumps(opening={"A": 1000.0}, horizon=50, jump_times={"A": [20]}, jump_sizes={"A": [-7.0]})
    >>> news.at("A", 19), news.at("A", 20)
    (1000.0, 993.0)
    """

    opening: Mapping[str, float] = field(converter=copied_map, validator=price_map)
    horizon: int = field(validator=horizon_steps)
    jump_times: Mapping[str, NDArray[np.int64]] = field(converter=_step_map)
    jump_sizes: Mapping[str, NDArray[np.float64]] = field(converter=_size_map)
    _table: PriceTable = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.jump_times.keys() != self.jump_sizes.keys() or not self.jump_times.keys() <= self.opening.keys():
            came = f"times for {sorted(self.jump_times)} and sizes for {sorted(self.jump_sizes)}"
            raise ConfigError(f"PoissonJumps: got {came}, wanted the same markets, out of {', '.join(self.opening)}")
        prices = np.empty((len(self.opening), self.horizon + 1))
        for row, (market, price) in zip(prices, self.opening.items(), strict=True):
            times, sizes = self.jump_times.get(market), self.jump_sizes.get(market)
            if times is None or sizes is None:
                row[:] = price
                continue
            self._check(market, times, sizes)
            moves = np.bincount(times, weights=sizes, minlength=self.horizon + 1)
            np.add(price, np.cumsum(moves), out=row)
        object.__setattr__(self, "_table", PriceTable("PoissonJumps", self.markets, prices))

    def _check(self, market: str, times: NDArray[np.int64], sizes: NDArray[np.float64]) -> None:
        if times.shape != sizes.shape or not np.isfinite(sizes).all():
            raise ConfigError(f"PoissonJumps.jump_sizes[{market!r}]: wanted {len(times)} finite numbers, one per jump")
        if times.size and (times[0] < 1 or times[-1] > self.horizon or (np.diff(times) < 0).any()):
            wanted = f"steps 1 to {self.horizon} in order"
            raise ConfigError(f"PoissonJumps.jump_times[{market!r}]: got {times}, wanted {wanted}")

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        horizon: int,
        opening: Mapping[str, float],
        *,
        jumps_per_step: float,
        size: float,
        law: SizeLaw = "fixed",
    ) -> Self:
        """Jumps at random, independent between markets.

        Args:
            rng: each market draws from a child of its own, in the order of `opening`, and there from one grandchild
                each for times, signs and sizes: a further market or a longer horizon appends draws and moves none.
            horizon: last step.
            opening: ticks at time 0, by market.
            jumps_per_step: Poisson rate of each market.
            size: ticks. "fixed": the size; "exponential": the mean size; both with a sign that is + or - with equal
                probability. "normal": the standard deviation of the signed jump.
            law: "fixed", "exponential" or "normal".
        """
        require(cls, "horizon", horizon, horizon_steps)
        require(cls, "opening", copied_map(opening), price_map)
        require(cls, "jumps_per_step", jumps_per_step, number(0, 1000))
        require(cls, "size", size, number(high=PRICE_MAX, above=0))
        require(cls, "law", law, one_of("fixed", "exponential", "normal"))
        times: dict[str, NDArray[np.int64]] = {}
        sizes: dict[str, NDArray[np.float64]] = {}
        for market, child in zip(opening, rng.spawn(len(opening)), strict=True):
            of_times, of_signs, of_sizes = child.spawn(3)
            # What happens within a step is there at its end.
            times[market] = np.ceil(poisson_times(of_times, jumps_per_step, horizon)).astype(np.int64)
            sizes[market] = size * _unit_jumps(of_signs, of_sizes, law, len(times[market]))
        return cls(opening=opening, horizon=horizon, jump_times=times, jump_sizes=sizes)

    @property
    def markets(self) -> tuple[str, ...]:
        """Names, in the order given."""
        return tuple(self.opening)

    def at(self, market: str, time: int, /) -> float:
        """Price in ticks at step `time`; `ConfigError` for an unknown market or a time outside 0 to `horizon`."""
        return self._table.at(market, time)

    def values(self, market: str, times: ArrayLike, /) -> NDArray[np.float64]:
        """Prices at an integer array of times, in its shape."""
        return self._table.values(market, times)

    def path(self, market: str, /) -> NDArray[np.float64]:
        """Read-only prices of steps 0 to `horizon`."""
        return self._table.path(market)


def _unit_jumps(
    of_signs: np.random.Generator, of_sizes: np.random.Generator, law: SizeLaw, count: int
) -> NDArray[np.float64]:
    if law == "normal":
        return of_sizes.standard_normal(count)
    signs = np.where(of_signs.random(count) < 0.5, -1.0, 1.0)
    return signs if law == "fixed" else signs * of_sizes.standard_exponential(count)
