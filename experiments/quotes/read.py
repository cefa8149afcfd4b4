"""Reads recorded quotes in the layout of Databento's MBP-1 and MBP-10 records, naming every row that is no quote."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, localcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from experiments.quotes.tape import BadRow, Ints, Ladder, QuoteTape
from marketsim.errors import ConfigError, InputError
from marketsim.gateway import PRICE_MAX
from marketsim.table_files import STAMP_MAX, IsoTimes, read_columns, read_header

LEVELS_MAX = 10
"""Levels a side that the layout has names for: `bid_px_00` to `bid_px_09`."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,60}\.?[0-9]{0,60}|\.[0-9]{1,60})([eE][+-]?[0-9]{1,3})?")
_WANTED_TIME = "integer nanoseconds within 2**61 of 1970, or a date and time like 2024-08-01T13:36:32.491911683Z"
# Values of cells that are empty, and of cells that hold nothing of the kind wanted.
_EMPTY, _BAD = -(2**62), -(2**62) - 1
_TRADE = "T"
# Databento's own form of prices: whole numbers of 1e-9, the largest of 64 bits for none.
_FIXED, _UNDEFINED = 10**9, str(2**63 - 1)
_NS = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}


@define(eq=False)
class _Cells:
    """A column that takes every cell, so that all bad ones can be listed: int64 values, and the texts they were."""

    name: str
    wanted: str
    parse: Callable[[str], int | None]
    texts: list[str] = field(factory=list)
    # The same few prices and sizes come again and again, and a look-up is cheaper than a decimal.
    known: dict[str, int] = field(factory=dict)

    def cell(self, text: str, /) -> int:
        value = self.known.get(text)
        if value is None:
            parsed = _EMPTY if text in {"", "nan", "NaN", _UNDEFINED} else self.parse(text)
            value = self.known[text] = _BAD if parsed is None else parsed
        self.texts.append(text)
        return value

    def array(self, values: list[Any], /) -> Ints:
        return np.array(values, dtype=np.int64)

    def arrow(self, column: Any, _path: str, _rows: Ints, /) -> Ints:
        import pyarrow as pa

        values, scale = column, 1
        if pa.types.is_timestamp(column.type):
            # As Python's integers, which hold the ns of any year: 64 bits end in 2262.
            values, scale = column.cast(pa.int64()), _NS[column.type.unit]
        texts = ("" if value is None else str(value if scale == 1 else value * scale) for value in values.to_pylist())
        return self.array([self.cell(each) for each in texts])


def _stamp(text: str) -> int | None:
    if not _INTEGER.fullmatch(text):
        return IsoTimes("time").cell(text)
    return int(text) if abs(int(text)) <= STAMP_MAX else None


def _multiples(unit: float, low: int) -> Callable[[str], int | None]:
    """Reads a number that is a whole number of `unit`s, at least `low`."""
    step = Decimal(repr(unit))

    def parse(text: str) -> int | None:
        if not _DECIMAL.fullmatch(text):
            return None
        with localcontext(prec=400):
            units = Decimal(text) / step
            if not low <= units <= PRICE_MAX or units != units.to_integral_value():
                return None
            return int(units)

    return parse


def _trade_price(unit: float) -> Callable[[str], int | None]:
    """As `_multiples`, and 0 for a price above 0 between two multiples."""
    on_grid = _multiples(unit, 1)

    def parse(text: str) -> int | None:
        units = on_grid(text)
        between = units is None and _DECIMAL.fullmatch(text) and 0 < Decimal(text) <= PRICE_MAX * Decimal(repr(unit))
        return 0 if between else units

    return parse


def _named(names: dict[str, int]) -> Callable[[str], int]:
    """Numbers names as they come."""
    return lambda text: names.setdefault(text, len(names))


@frozen
class _Layout:
    """The columns of one file that are read."""

    stamp: _Cells
    publisher: _Cells
    levels: dict[str, list[tuple[_Cells, _Cells]]]
    trades: tuple[_Cells, _Cells, _Cells] | None
    publishers: dict[str, int]

    def cells(self) -> list[_Cells]:
        """All of them, in the order in which a row is judged."""
        levels = [cells for side in self.levels.values() for pair in side for cells in pair]
        return [self.stamp, self.publisher, *levels, *(self.trades or ())]


def read_quotes(
    path: str | Path,
    *,
    tick_size: float = 0.01,
    lot_size: float = 1.0,
    levels: int = LEVELS_MAX,
    bad: str = "refuse",
    clock: str = "file",
) -> QuoteTape:
    r"""Read recorded quotes.

    Wanted columns: `ts_event` (ns since 1970, as integers or ISO 8601), `publisher_id`, `ask_px_00`, `ask_sz_00`. Read
    where present: `bid_px_00`, `bid_sz_00`, the further levels to `_09`, and for trades (rows of action T) `action`,
    `price`, `size`. Others are passed over. A level without price and size is no level.

    Prices are units of money, or integers in units of 1e-9 as Databento stores them; the numbers tell which: 1e9 ticks
    or more is no price.

    Of several rows of one publisher and time stamp the first one's quote is kept, and the trades of all. A trade
    between two ticks met no displayed order: such are counted in the tape's `hidden`, and no more.

    Args:
        path: a `.csv`, `.csv.gz` or `.parquet` file.
        tick_size: units of money per tick; every price is a multiple of it.
        lot_size: units of quantity per lot; every size is a multiple of it.
        levels: how many a side are read at most.
        bad: at the first row that is no quote "refuse" the file, or "list" all such rows in the tape's `bad` and leave
            them out. Such are rows with cells that are not what they should be, sizes below 0, sizes without price or
            prices without size, levels that are not the best first, crossed or locked quotes, and times before
            those of earlier rows.
        clock: whose times may not fall: those of the "file", or of each "publisher" by itself; then rows are sorted.

    Raises:
        InputError: naming file, row, column, what came and what was wanted; or no quote at all.
        ConfigError: an argument out of bounds.

    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile("w", suffix=".csv") as file:
    ...     print("ts_event,publisher_id,ask_px_00,ask_sz_00", "1000,2,1.01,5", sep="\n", file=file, flush=True)
    ...     tape = read_quotes(file.name)
    >>> tape.times.tolist(), tape.asks.levels(0)  # ns, (ticks, lots)
    ([1000], ((101, 5),))
    """
    _check_arguments(tick_size=tick_size, lot_size=lot_size, levels=levels, bad=bad, clock=clock)
    layout = _layout(read_header(path), levels, tick_size, lot_size)
    cells = layout.cells()
    arrays, rows = read_columns(path, cells)
    table = {each.name: array for each, array in zip(cells, arrays, strict=True)}
    _scale(layout, table)
    found = _bad_rows(str(path), layout, table, rows, clock)
    if found and bad == "refuse":
        raise InputError(str(found[0]))
    good = ~np.isin(rows, [each.row for each in found])
    if not good.any():
        first = f"; all {len(found)} rows are bad, the first one is {found[0]}" if found else ""
        raise InputError(f"{path}: got no quotes, wanted at least one{first}")
    return _tape(str(path), layout, table, good, (tick_size, lot_size), tuple(found))


def _check_arguments(**given: Any) -> None:
    for name in ("tick_size", "lot_size"):
        if type(given[name]) not in {int, float} or not 0 < given[name] < float("inf"):
            raise ConfigError(f"read_quotes: {name}: got {given[name]!r}, wanted a finite number above 0")
    if type(given["levels"]) is not int or not 1 <= given["levels"] <= LEVELS_MAX:
        raise ConfigError(f"read_quotes: levels: got {given['levels']!r}, wanted an int from 1 to {LEVELS_MAX}")
    for name, choices in (("bad", ("refuse", "list")), ("clock", ("file", "publisher"))):
        if given[name] not in choices:
            raise ConfigError(f"read_quotes: {name}: got {given[name]!r}, wanted one of {', '.join(choices)}")


def _layout(header: list[str], levels: int, tick_size: float, lot_size: float) -> _Layout:
    publishers: dict[str, int] = {}
    wanted_price = f"a multiple of {tick_size} above 0, up to 2**53 ticks"
    wanted_size = f"a multiple of {lot_size} of at least 0, up to 2**53 lots"

    def price(name: str) -> _Cells:
        return _Cells(name, wanted_price, _multiples(tick_size, 1))

    def size(name: str) -> _Cells:
        return _Cells(name, wanted_size, _multiples(lot_size, 0))

    ladders: dict[str, list[tuple[_Cells, _Cells]]] = {}
    for side in ("bid", "ask"):
        names = [(f"{side}_px_{level:02}", f"{side}_sz_{level:02}") for level in range(levels)]
        # Without its first level a side is not there; half a level is, and reading it tells what is missing.
        there = [pair for place, pair in enumerate(names) if (place == 0 and side == "ask") or set(pair) & set(header)]
        ladders[side] = [(price(one), size(other)) for one, other in there]
    trades = None
    if {"action", "price", "size"} <= set(header):
        # Other rows than trades may say in these columns what they like.
        action = _Cells("action", "text", lambda text: int(text == _TRADE))
        trades = action, _Cells("price", "a number above 0", _trade_price(tick_size)), size("size")
    stamp = _Cells("ts_event", _WANTED_TIME, _stamp)
    return _Layout(stamp, _Cells("publisher_id", "a publisher", _named(publishers)), ladders, trades, publishers)


def _scale(layout: _Layout, table: dict[str, Ints]) -> None:
    """Prices in units of 1e-9 become ticks: where most that are quoted are integers of 1e9 ticks or more."""
    quoted = [price for ladder in layout.levels.values() for price, _ in ladder]
    prices = [(text, value) for cells in quoted for text, value in cells.known.items() if value > 0]
    fixed = sum(value >= _FIXED and _INTEGER.fullmatch(text) is not None for text, value in prices)
    if 2 * fixed <= len(prices):
        return
    for cells, between in [*((cells, _BAD) for cells in quoted), *((each, 0) for each in (layout.trades or ())[1:2])]:
        values = table[cells.name]
        ticks = np.where(values % _FIXED, between, values // _FIXED)
        table[cells.name] = np.where(values > 0, ticks, values)


def _bad_rows(path: str, layout: _Layout, table: dict[str, Ints], rows: Ints, clock: str) -> list[BadRow]:
    """The first fault of every row that has one."""
    fault: dict[int, tuple[_Cells, str]] = {}

    def mark(cells: _Cells, wrong: NDArray[np.bool_], wanted: str) -> None:
        for place in np.flatnonzero(wrong).tolist():
            fault.setdefault(place, (cells, wanted))

    for cells in (layout.stamp, layout.publisher):
        mark(cells, table[cells.name] <= _EMPTY, cells.wanted)
    for ladder in layout.levels.values():
        for price, size in ladder:
            no_price, no_size = table[price.name] == _EMPTY, table[size.name] <= 0
            mark(price, table[price.name] == _BAD, price.wanted)
            mark(size, table[size.name] == _BAD, size.wanted)
            mark(size, ~no_price & no_size, f"a size above 0 beside the price in {price.name!r}")
            mark(price, no_price & ~no_size, f"a price beside the size in {size.name!r}")
    _mark_order(layout, table, mark)
    if layout.trades is not None:
        action, price, size = layout.trades
        traded = table[action.name] == 1
        mark(price, traded & (table[price.name] < 0), price.wanted)
        mark(size, traded & (table[size.name] <= 0), f"{size.wanted}, and above 0 in a trade")
    _mark_times(layout, table, clock, fault)
    return [
        BadRow(path, int(rows[place]), cells.name, cells.texts[place], wanted)
        for place, (cells, wanted) in sorted(fault.items(), key=lambda item: item[0])
    ]


def _mark_order(
    layout: _Layout, table: dict[str, Ints], mark: Callable[[_Cells, NDArray[np.bool_], str], None]
) -> None:
    for sign, ladder in ((1, layout.levels["bid"]), (-1, layout.levels["ask"])):
        for (better, _), (worse, _) in pairwise(ladder):
            one, other = table[better.name], table[worse.name]
            mark(worse, (other > 0) & ((one <= 0) | (sign * (one - other) <= 0)), f"worse than {better.name!r}")
    if layout.levels["bid"]:
        bid, ask = layout.levels["bid"][0][0], layout.levels["ask"][0][0]
        both = (table[bid.name] > 0) & (table[ask.name] > 0)
        mark(
            bid, both & (table[bid.name] >= table[ask.name]), f"less than {ask.name!r}: the quote is crossed or locked"
        )


def _mark_times(layout: _Layout, table: dict[str, Ints], clock: str, fault: dict[int, tuple[_Cells, str]]) -> None:
    latest: dict[int, int] = {}
    stamps, publishers = table[layout.stamp.name].tolist(), table[layout.publisher.name].tolist()
    for place, (stamp, publisher) in enumerate(zip(stamps, publishers, strict=True)):
        if place in fault:
            continue
        whose = publisher if clock == "publisher" else 0
        before = latest.get(whose, stamp)
        if stamp < before:
            fault[place] = layout.stamp, f"at least {before} ns, the time of a row before it: time runs backwards"
        else:
            latest[whose] = stamp


def _tape(
    path: str,
    layout: _Layout,
    table: dict[str, Ints],
    good: NDArray[np.bool_],
    units: tuple[float, float],
    bad: tuple[BadRow, ...],
) -> QuoteTape:
    kept = np.flatnonzero(good)
    kept = kept[np.argsort(table["ts_event"][kept], kind="stable")]
    names = list(layout.publishers)
    ordered = sorted(names, key=int) if all(_INTEGER.fullmatch(name) for name in names) else sorted(names)
    number = np.array([ordered.index(name) for name in names], dtype=np.int64)
    times, publisher = table["ts_event"][kept], number[table["publisher_id"][kept]]
    _, first = np.unique(np.stack((times, publisher)), axis=1, return_index=True)
    once = np.zeros(len(kept), dtype=np.bool_)
    once[first] = True
    traded = hidden = np.zeros(len(kept), dtype=np.bool_)
    if layout.trades is not None:
        traded = (table["action"][kept] == 1) & (table["price"][kept] > 0)
        hidden = (table["action"][kept] == 1) & ~traded

    def ladder(side: str) -> Ladder:
        prices, sizes = (
            np.stack([np.maximum(table[pair[part].name][kept[once]], 0) for pair in layout.levels[side]], axis=1)
            for part in (0, 1)
        )
        return Ladder(prices=prices, sizes=sizes)

    none = np.zeros(0, dtype=np.int64)
    repeated = np.bincount(publisher[~once], minlength=len(ordered)).tolist()
    return QuoteTape(
        name=path,
        publishers=tuple(ordered),
        times=times[once],
        publisher=publisher[once],
        bids=ladder("bid") if layout.levels["bid"] else None,
        asks=ladder("ask"),
        trade_times=times[traded],
        trade_publisher=publisher[traded],
        trade_prices=none if layout.trades is None else table["price"][kept[traded]],
        trade_sizes=none if layout.trades is None else table["size"][kept[traded]],
        tick_size=float(units[0]),
        lot_size=float(units[1]),
        hidden=int(hidden.sum()),
        repeated=dict(zip(ordered, repeated, strict=True)),
        bad=bad,
    )
