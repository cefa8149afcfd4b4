"""Recorded trades: read from CSV, gzipped CSV or Parquet, checked, and fed to a venue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from attrs import define, field, frozen
from numpy.typing import ArrayLike, NDArray

from marketsim.checks import integer, name, number, optional
from marketsim.errors import ConfigError, InputError
from marketsim.gateway import PRICE_MAX
from marketsim.protocols import FairValue
from marketsim.table_files import STAMP_MAX, Column, Numbers, Stamps, bad_cell, read_columns
from marketsim.types import Feed

__all__ = ["STAMP_MAX", "TradeFeed", "TradeTape", "nearest_units", "read_trades"]

_WANTED_TIME, _WANTED_NUMBER = Stamps("time").wanted, Numbers("price").wanted


def _integers(value: ArrayLike) -> NDArray[np.int64]:
    came = np.array(value)
    if came.ndim != 1 or (came.size and came.dtype.kind not in "iu"):
        raise InputError(f"got {came.dtype} of shape {came.shape}, wanted a list of integers")
    if came.dtype.kind == "u" and came.size and came.max() > STAMP_MAX:  # the cast would make some negative
        raise InputError(f"got {came.max()}, wanted {_WANTED_TIME}")
    return _sealed(came.astype(np.int64))


def _numbers(value: ArrayLike | None) -> NDArray[np.float64] | None:
    try:
        return None if value is None else _sealed(np.array(value, dtype=np.float64))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"got no list of numbers: {error}") from error


def _sealed(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


@frozen(eq=False)
class TradeTape:
    """Trades in the order of their time stamps; read-only arrays of one length.

    Args:
        times: int64 time stamps, never falling, in the tape's own unit.
        prices: float64, above 0, in the tape's own unit.
        quantities: float64, above 0, or None where the tape has none.
        name: the file, for errors.
        columns: the file's names of the three.
        rows: number of each trade's row in its file, for errors (CSV: the line, from 1; Parquet: the row, from 1).

    Raises:
        InputError: no trades, or the first row that breaks these rules.

    >>> TradeTape([5, 9], [100.0, 101.5]).times.tolist()
    [5, 9]
    """

    times: NDArray[np.int64] = field(converter=_integers)
    prices: NDArray[np.float64] = field(converter=_numbers)
    quantities: NDArray[np.float64] | None = field(default=None, converter=_numbers)
    name: str = field(default="tape", kw_only=True)
    columns: tuple[str, str, str] = field(default=("time", "price", "quantity"), kw_only=True)
    rows: NDArray[np.int64] = field(kw_only=True, converter=_integers, repr=False)

    @rows.default
    def _count_rows(self) -> NDArray[np.int64]:
        return np.arange(1, len(self.times) + 1)

    def __attrs_post_init__(self) -> None:
        if not len(self.times):
            raise InputError(f"{self.name}: got no trades, wanted at least one")
        _, price, quantity = self.columns
        self._check_positive(price, self.prices)
        if self.quantities is not None:
            self._check_positive(quantity, self.quantities)
        if self.rows.shape != self.times.shape:
            raise InputError(f"{self.name}: got {len(self.rows)} row numbers for {len(self.times)} trades")
        self._check_times()

    def _check_positive(self, column: str, values: NDArray[np.float64]) -> None:
        if values.shape != self.times.shape:
            got = f"got {len(self.times)} times and {column!r} of shape {values.shape}"
            raise InputError(f"{self.name}: {got}, wanted one value per trade")
        bad = np.flatnonzero(~((values > 0) & np.isfinite(values)))
        if len(bad):
            self._refuse(bad[0], column, values[bad[0]], _WANTED_NUMBER)

    def _check_times(self) -> None:
        column = self.columns[0]
        bad = np.flatnonzero((self.times < -STAMP_MAX) | (self.times > STAMP_MAX))
        if len(bad):
            self._refuse(bad[0], column, self.times[bad[0]], _WANTED_TIME)
        bad = np.flatnonzero(np.diff(self.times) < 0) + 1
        if len(bad):
            before = self.times[bad[0] - 1]
            self._refuse(bad[0], column, self.times[bad[0]], f"at least {before}, the time of the trade before it")

    def _refuse(self, trade: int, column: str, got: Any, wanted: str) -> NoReturn:
        bad_cell(self.name, self.rows[trade], column, got, wanted)

    def __len__(self) -> int:
        return len(self.times)


def read_trades(
    path: str | Path,
    *,
    time: str,
    price: str,
    quantity: str | None = None,
    where: Mapping[str, str | int] | None = None,
    header: Sequence[str] | None = None,
    time_scale: int = 1,
) -> TradeTape:
    r"""Read recorded trades.

    Args:
        path: a `.csv`, `.csv.gz` or `.parquet` file.
        time: column of time stamps. Integers, rising or equal; a Parquet timestamp counts in its own unit.
        price: column of prices, above 0. CSV text is read as a decimal, exactly, then as the nearest float64.
        quantity: column of quantities, above 0.
        where: keep the rows whose column equals the value, `{"venue": "binance-spot"}` (CSV: as text).
        header: the names of all columns of a CSV file that has no header line.
        time_scale: multiply time stamps by this, so that "34200.004" seconds is an integer, 34200004, at 1000.

    Raises:
        ConfigError: `time_scale` is not an int from 1 to 10**18.
        InputError: naming file, row, column, what came and what was wanted.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "trades.csv")
    ...     _ = path.write_text("ts,px,size\n34200.004,100.5,2\n34201,101,1\n")
    ...     tape = read_trades(path, time="ts", price="px", quantity="size", time_scale=1000)
    >>> tape.times.tolist(), tape.prices.tolist(), tape.quantities.tolist()
    ([34200004, 34201000], [100.5, 101.0], [2.0, 1.0])
    """
    if type(time_scale) is not int or not 1 <= time_scale <= 10**18:
        raise ConfigError(f"read_trades: got time_scale {time_scale!r}, wanted an int from 1 to 10**18")
    columns: list[Column] = [Stamps(time, time_scale), Numbers(price)]
    if quantity is not None:
        columns.append(Numbers(quantity))
    values, rows = read_columns(path, columns, where=where, header=header)
    names = (time, price, quantity or "quantity")
    return TradeTape(*values, name=str(path), columns=names, rows=rows)


def nearest_units(values: ArrayLike, unit: float) -> NDArray[np.int64]:
    """How many `unit`s each value is, to the nearest whole number, halves to the even one.

    The division is exact: both are taken at the shortest decimal that reads back as the same float64, so that 0.15 is
    one and a half times 0.1.

    Returns:
        int64, in the shape of `values`.

    Raises:
        ConfigError: more than 2**53 units.

    >>> nearest_units([0.15, 0.25, 0.349], 0.1).tolist()
    [2, 2, 3]
    """
    distinct, places = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
    with localcontext(prec=60):
        divisor = Decimal(repr(float(unit)))
        counts = [
            int((Decimal(repr(value)) / divisor).to_integral_value(ROUND_HALF_EVEN)) for value in distinct.tolist()
        ]
    for value, count in zip(distinct.tolist(), counts, strict=True):
        if abs(count) > PRICE_MAX:
            raise ConfigError(f"{value!r} is {count} units of {unit!r}, wanted at most 2**53")
    return np.array(counts, dtype=np.int64)[places]


@define(eq=False)
class TradeFeed:
    """A source that tells a venue the trades of a tape, as `Feed` messages. Used up by one run.

    A trade is told at the first step whose time stamp, `start` + t x `step`, is not before it, so that nobody hears of
    it early. Prices go to the nearest tick and quantities to the nearest lot, halves to the even one, but a trade
    counts at least one lot, as does every trade of a tape without quantities. Trades before `start` are left out.

    Args:
        tape: the trades.
        market: name that the messages carry.
        venue: the venue they go to.
        tick_size: the tape's price units per tick.
        step: time stamp units per step.
        start: time stamp of step 0; by default that of the first trade.
        lot_size: the tape's quantity units per lot.

    Raises:
        ConfigError: an argument out of bounds, or a price that rounds to 0 ticks.

    >>> feed = TradeFeed(TradeTape([0, 7], [100.0, 101.0], [2.0, 3.0]), "BTC", "tape", tick_size=0.5, step=5)
    >>> feed.emit(None), feed.next_time()
    ([Feed(market='BTC', price=200, quantity=2, venue='tape')], 2)
    """

    tape: TradeTape
    market: str = field(validator=name)
    venue: str = field(validator=name)
    tick_size: float = field(kw_only=True, validator=number(above=0))
    step: int = field(kw_only=True, validator=integer(1, STAMP_MAX))
    start: int | None = field(default=None, kw_only=True, validator=optional(integer(-STAMP_MAX, STAMP_MAX)))
    lot_size: float = field(default=1.0, kw_only=True, validator=number(above=0))
    _steps: list[int] = field(init=False, repr=False)
    _feeds: list[Feed] = field(init=False, repr=False)
    _next: int = field(default=0, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        tape = self.tape
        start = int(tape.times[0]) if self.start is None else self.start
        first = int(np.searchsorted(tape.times, start))
        prices = nearest_units(tape.prices[first:], self.tick_size)
        if len(prices) and not prices.min() > 0:
            low = tape.prices[first:].min()
            raise ConfigError(f"TradeFeed.tick_size: got {self.tick_size!r}, wanted one at which {low} is not 0 ticks")
        lots = np.ones(len(prices), dtype=np.int64)
        if tape.quantities is not None:
            lots = np.maximum(nearest_units(tape.quantities[first:], self.lot_size), 1)
        self._steps = (-((start - tape.times[first:]) // self.step)).tolist()
        self._feeds = [
            Feed(self.market, price, quantity, self.venue)
            for price, quantity in zip(prices.tolist(), lots.tolist(), strict=True)
        ]

    def __len__(self) -> int:
        return len(self._feeds) - self._next

    def next_time(self) -> int | None:
        """The step of the next trades, None when all are told."""
        return self._steps[self._next] if self._next < len(self._steps) else None

    def emit(self, _truth: FairValue | None = None, /) -> list[Feed]:
        """The trades of `next_time()`, in the order of the tape."""
        first, now = self._next, self.next_time()
        while self._next < len(self._steps) and self._steps[self._next] == now:
            self._next += 1
        return self._feeds[first : self._next]
