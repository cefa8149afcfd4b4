"""Level-2 book snapshots: read from files with every bad row named, and the last one of every bucket of time."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from attrs import field, frozen
from numpy.typing import NDArray

from agents.recorder import LEVELS_MAX, snapshot_columns
from experiments.features.windows import Floats, segments
from experiments.quotes.tape import BadRow
from marketsim.checks import name
from marketsim.errors import ConfigError, InputError, bad_type
from marketsim.table_files import Column, IsoTimes, Stamps, read_columns

TIME = "origin_time"
_NS = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}
_SIGN = {"bid": -1, "ask": 1}
_AMOUNT = re.compile(r"|[+-]?(([0-9]{1,60}\.?[0-9]{0,60}|\.[0-9]{1,60})(e[+-]?[0-9]{1,3})?|nan|inf)", re.IGNORECASE)


@frozen
class Amounts:
    """Numbers, float64: nan where the cell is empty or null; whether a row makes sense is judged when all is read."""

    name: str = field(validator=name)
    wanted: str = field(default="a number, or nothing", init=False)

    def cell(self, text: str, /) -> float | None:
        # Not all that Python's own `float` takes: of "1_0" it makes ten.
        return float(text or "nan") if _AMOUNT.fullmatch(text) else None

    def array(self, values: list[Any], /) -> NDArray[Any]:
        return np.array(values, dtype=np.float64)

    def arrow(self, column: Any, path: str, _rows: NDArray[np.int64], /) -> NDArray[Any]:
        import pyarrow as pa

        if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
            bad_type(path, self.name, column.type, "numbers")
        values: NDArray[np.float64] = column.cast(pa.float64()).to_numpy()
        return values


@frozen(eq=False)
class Books:
    """Book snapshots of a file.

    Attributes:
        frame: `origin_time` (UTC) and `snapshot_columns()`, in order of time; an empty level has size 0, an unknown one
            size nan.
        bad: rows left out, with what was wrong first in each.
    """

    frame: pd.DataFrame
    bad: tuple[BadRow, ...]


def read_books(path: str | Path, *, unit: str = "ms", bad: str = "refuse") -> Books:
    """Read snapshots of up to 20 levels a side.

    Wanted columns: `origin_time` and all of `snapshot_columns()`; others are passed over. A level without price and
    size is unknown; one of size 0 is empty.

    Args:
        path: a `.csv`, `.csv.gz` or `.parquet` file.
        unit: of the time stamps, as of `stamps`.
        bad: at the first row that is no book "refuse" the file, or "list" such rows and leave them out. Such are rows
            with sizes below 0, prices of 0 or less, sizes without price, levels that are not the best first, a best bid
            at or above the best ask, an infinite number, and times before those of earlier rows.

    Raises:
        InputError: naming file, row, column, what came and what was wanted; or no row that is a book.
        ConfigError: an argument out of bounds.
    """
    if bad not in {"refuse", "list"}:
        raise ConfigError(f"read_books: bad: got {bad!r}, wanted refuse or list")
    names = snapshot_columns()
    (times, *amounts), rows = read_columns(path, [stamps(TIME, unit), *(Amounts(each) for each in names)])
    table = dict(zip(names, amounts, strict=True))
    faults = _faults(times, table)
    found = tuple(
        BadRow(str(path), int(rows[place]), column, str(times[place] if column == TIME else table[column][place]), want)
        for place, (column, want) in sorted(faults.items())
    )
    if found and bad == "refuse":
        raise InputError(str(found[0]))
    good = np.setdiff1d(np.arange(len(times)), np.array(list(faults), dtype=np.int64))
    if not len(good):
        raise InputError(f"{path}: got no book, wanted at least one")
    frame = pd.DataFrame({each: values[good] for each, values in table.items()})
    frame.insert(0, TIME, pd.to_datetime(times[good], unit="ns", utc=True))
    return Books(frame, found)


def stamps(column: str, unit: str) -> Column:
    """A column of time stamps, read as nanoseconds since 1970.

    Args:
        column: its name.
        unit: of whole numbers, "s", "ms", "us" or "ns"; "iso" for dates and times, as text or as Parquet timestamps.

    Raises:
        ConfigError: another unit.
    """
    if unit == "iso":
        return IsoTimes(column)
    if unit not in _NS:
        raise ConfigError(f"unit of {column!r}: got {unit!r}, wanted one of {', '.join(_NS)}, iso")
    return Stamps(column, _NS[unit])


def snapshots(frame: pd.DataFrame, bucket_ms: int) -> pd.DataFrame:
    """The last snapshot of every bucket of time that has one.

    Args:
        frame: `origin_time` (timestamps, not falling) and `snapshot_columns()` of some number of levels, as of
            `read_books` or a `BookRecorder`.
        bucket_ms: width of a bucket, which covers [open, open + width).

    Returns:
        `open_time_ms`, `segment` (a gap of more than a bucket starts a new one) and the columns of the levels. A row is
        known at open_time_ms + bucket_ms.

    Raises:
        ConfigError: times that fall.
    """
    times = frame[TIME].to_numpy(dtype="datetime64[ns]").astype(np.int64)
    if (np.diff(times) < 0).any():
        row = int(np.flatnonzero(np.diff(times) < 0)[0]) + 1
        raise ConfigError(
            f"snapshots: {TIME}: got {times[row]} after {times[row - 1]} ns, wanted times that do not fall"
        )
    opening = times // (bucket_ms * 10**6) * bucket_ms
    last = np.append(np.diff(opening) > 0, True)[: len(opening)]
    result = frame[last].drop(columns=TIME).reset_index(drop=True)
    result.insert(0, "open_time_ms", opening[last])
    result.insert(1, "segment", segments(opening[last], bucket_ms))
    return result


def book_quotes(books: pd.DataFrame) -> pd.DataFrame:
    """What the best prices say, one row a snapshot.

    Returns:
        `open_time_ms`, `mid` (units of price), `spread_bps` = (ask - bid) / mid x 1e4 and `book_microprice_basis_bps` =
        (microprice / mid - 1) x 1e4, with microprice = (ask x bid size + bid x ask size) / (bid size + ask size). All
        are nan where a side is empty or not known.
    """
    bid, ask = _best(books, "bid"), _best(books, "ask")
    bid_size, ask_size = (books[f"{side}_0_size"].to_numpy(dtype=np.float64) for side in ("bid", "ask"))
    mid = (bid + ask) / 2
    micro = bid + (ask - bid) * bid_size / np.where(bid_size + ask_size > 0, bid_size + ask_size, np.nan)
    return pd.DataFrame(
        {
            "open_time_ms": books["open_time_ms"].to_numpy(),
            "mid": mid,
            "spread_bps": (ask - bid) / mid * 1e4,
            "book_microprice_basis_bps": (micro / mid - 1) * 1e4,
        }
    )


def _best(books: pd.DataFrame, side: str) -> Floats:
    prices = books[f"{side}_0_price"].to_numpy(dtype=np.float64)
    return np.where(books[f"{side}_0_size"].to_numpy(dtype=np.float64) > 0, prices, np.nan)


def _faults(times: NDArray[np.int64], table: dict[str, Floats]) -> dict[int, tuple[str, str]]:
    """By place, the column and the wish of the first fault of every row that has one."""
    found: dict[int, tuple[str, str]] = {}

    def mark(column: str, wrong: NDArray[np.bool_], wanted: str) -> None:
        for place in np.flatnonzero(wrong).tolist():
            found.setdefault(place, (column, wanted))

    for side, sign in _SIGN.items():
        prices = [table[f"{side}_{level}_price"] for level in range(LEVELS_MAX)]
        for level, price in enumerate(prices):
            size = table[f"{side}_{level}_size"]
            mark(f"{side}_{level}_size", (size < 0) | np.isinf(size), "a finite number of at least 0")
            mark(f"{side}_{level}_price", (price <= 0) | np.isinf(price), "a finite number above 0")
            mark(f"{side}_{level}_price", np.isnan(price) & (size > 0), "a price beside the size")
            mark(f"{side}_{level}_size", np.isnan(size) & (price > 0), "a size beside the price")
        for level, (better, worse) in enumerate(pairwise(prices)):
            mark(f"{side}_{level + 1}_price", sign * (worse - better) <= 0, f"worse than {side}_{level}_price")
    crossed = table["bid_0_price"] >= table["ask_0_price"]
    mark("bid_0_price", crossed, "less than ask_0_price: the book is crossed or locked")
    kept = np.array([place for place in range(len(times)) if place not in found], dtype=np.int64)
    latest = np.maximum.accumulate(times[kept])
    for place, before in zip(kept.tolist(), latest.tolist(), strict=True):
        if times[place] < before:
            found[place] = TIME, f"at least {before} ns, the time of a row before it: time runs backwards"
    return found
