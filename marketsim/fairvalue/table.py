"""Prices of every market at every step, and what all fair values share: lookups, checks, one digest."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from marketsim.checks import Validator, flag, integer, names, number
from marketsim.errors import ConfigError
from marketsim.gateway import PRICE_MAX
from marketsim.protocols import FairValue

HORIZON_MAX = 10**8
"""Longest path, in steps: one market of it takes 800 MB."""

horizon_steps = integer(1, HORIZON_MAX)
price_ticks = number(high=PRICE_MAX, above=0)
tick_money = number(1e-12, 1e12)


def require(owner: type, argument: str, value: Any, validator: Validator) -> None:
    """Apply an attrs validator of `marketsim.checks` to an argument of a classmethod of `owner`."""
    validator(object.__new__(owner), SimpleNamespace(name=argument), value)


def read_only(array: ArrayLike) -> NDArray[np.float64]:
    """A read-only float64 copy, in C order; the array itself where it is that already and owns its numbers."""
    if isinstance(array, np.ndarray) and array.dtype == np.float64:
        flags = array.flags
        if flags.owndata and flags.c_contiguous and not flags.writeable:
            return array
    copy = np.array(array, dtype=np.float64, order="C")
    copy.setflags(write=False)
    return copy


def finite_array(*shape: int | None) -> Validator:
    """A float64 array of finite numbers of this shape; None stands for any length."""
    wanted = f"finite numbers of shape ({', '.join('any' if n is None else str(n) for n in shape)})"

    def check(instance: Any, attribute: Any, value: NDArray[np.float64]) -> None:
        fits = value.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, value.shape, strict=True))
        if not fits or not np.isfinite(value).all():
            got = "nan or inf" if fits else f"shape {value.shape}"
            raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {got}, wanted {wanted}")

    return check


def price_map(instance: Any, attribute: Any, value: Any) -> None:
    """A non-empty mapping from market to a price in ticks above 0."""
    names(instance, attribute, tuple(value))
    for market, price in value.items():
        price_ticks(instance, SimpleNamespace(name=f"{attribute.name}[{market!r}]"), price)


def copied_map(value: Any) -> dict[Any, Any]:
    """A copy of a mapping; anything else is a ConfigError."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"got {value!r}, wanted a mapping by market")
    return dict(value)


@frozen(eq=False)
class PriceTable:
    """Prices in ticks of each market at steps 0 to `horizon`.

    Args:
        owner: the name that errors carry.
        markets: names, in the order of the rows.
        prices: array (markets, horizon + 1), above 0 and at most 2**53; copied.
        zero: 0 is a price too.

    Raises:
        ConfigError: a price out of bounds, naming its market and time, or a shape that does not fit.

    >>> PriceTable("Example", ("A",), [[100.0, 101.0, 102.5]]).at("A", 2)
    102.5
    """

    owner: str
    markets: tuple[str, ...] = field(validator=names)
    prices: NDArray[np.float64] = field(converter=read_only)
    zero: bool = field(default=False, kw_only=True, validator=flag)
    horizon: int = field(init=False)
    _rows: dict[str, NDArray[np.float64]] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        prices = self.prices
        if prices.ndim != 2 or len(prices) != len(self.markets) or prices.shape[1] < 1:
            wanted = f"({len(self.markets)}, horizon + 1)"
            raise ConfigError(f"{self.owner}: got prices of shape {prices.shape}, wanted {wanted}")
        lowest = prices.min()
        # Written so that nan fails too.
        if not ((lowest > 0 or (self.zero and lowest == 0)) and prices.max() <= PRICE_MAX):
            sound = ((prices > 0) | (self.zero & (prices == 0))) & (prices <= PRICE_MAX)
            row, time = (int(n) for n in np.argwhere(~sound)[0])
            got = f"market {self.markets[row]!r} is at {prices[row, time]} ticks at time {time}"
            wanted = f"a price {'of at least' if self.zero else 'above'} 0 and at most 2**53"
            raise ConfigError(f"{self.owner}: {got}, wanted {wanted}")
        object.__setattr__(self, "horizon", prices.shape[1] - 1)
        object.__setattr__(self, "_rows", dict(zip(self.markets, prices, strict=True)))

    def at(self, market: str, time: int, /) -> float:
        row = self._rows.get(market)
        if row is None or type(time) is not int or not 0 <= time <= self.horizon:
            self._refuse("at", market, time)
        return row.item(time)

    def values(self, market: str, times: ArrayLike, /) -> NDArray[np.float64]:
        """Prices at an integer array of times, in its shape."""
        row = self._rows.get(market)
        if row is None:
            self._refuse("values", market, times)
        steps = whole_steps(self.owner, times)
        if steps.size and not (steps.min() >= 0 and steps.max() <= self.horizon):
            outside = steps[(steps < 0) | (steps > self.horizon)]
            self._refuse("values", market, int(outside.flat[0]))
        return row[steps]

    def path(self, market: str, /) -> NDArray[np.float64]:
        """Read-only prices of steps 0 to `horizon`."""
        row = self._rows.get(market)
        if row is None:
            self._refuse("path", market, 0)
        return row

    def _refuse(self, call: str, market: object, time: object) -> NoReturn:
        if market not in self._rows:
            raise ConfigError(f"{self.owner}.{call}: got market {market!r}, wanted one of {', '.join(self.markets)}")
        raise ConfigError(f"{self.owner}.{call}: got time {time!r}, wanted an int from 0 to {self.horizon}")


def whole_steps(owner: str, times: ArrayLike) -> NDArray[np.int64]:
    """`times` as an int64 array; anything but integers is a ConfigError."""
    steps = np.asarray(times)
    if steps.size and steps.dtype.kind not in "iu":
        raise ConfigError(f"{owner}.values: got times of dtype {steps.dtype}, wanted integers")
    return steps.astype(np.int64)


def fair_values(fair: FairValue, market: str, times: ArrayLike) -> NDArray[np.float64]:
    """Prices (ticks) of any fair value at an integer array of times: `fair.values` where it has one, else `fair.at`.

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> fair_values(ConstantFairValue({"A": 100.0}), "A", [0, 5]).tolist()
    [100.0, 100.0]
    """
    vectorised = getattr(fair, "values", None)
    if vectorised is not None:
        prices: NDArray[np.float64] = vectorised(market, times)
        return prices
    steps = whole_steps(type(fair).__name__, times)
    return np.array([fair.at(market, time) for time in steps.ravel().tolist()], dtype=np.float64).reshape(steps.shape)


def digest(fair: FairValue, horizon: int) -> str:
    """SHA-256, in hexadecimal, of the prices of every market at steps 0 to `horizon` and of the markets' names."""
    seal = sha256()
    times = np.arange(horizon + 1)
    for market in fair.markets:
        label = market.encode()
        seal.update(len(label).to_bytes(8, "little") + label)
        seal.update(fair_values(fair, market, times).astype("<f8").tobytes())
    return seal.hexdigest()
