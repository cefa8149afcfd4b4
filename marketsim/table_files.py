r"""Columns of recorded data files: CSV, gzipped CSV or Parquet, with every bad cell named by file, row and column.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder:
...     path = Path(folder, "trades.csv")
...     _ = path.write_text("time,price,venue\n5,100.5,X\n9,101,Y\n")
...     columns = [Stamps("time"), Numbers("price"), Texts("venue")]
...     names, (arrays, lines) = read_header(path), read_columns(path, columns, where={"venue": "Y"})
>>> names, [array.tolist() for array in arrays], lines.tolist()
(['time', 'price', 'venue'], [[9], [101.0], ['Y']], [3])
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn, Protocol

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from marketsim.checks import flag, integer, name
from marketsim.csv_rows import full_rows, open_text, rows_of
from marketsim.errors import InputError, bad_type, refusal, shown, unreadable

STAMP_MAX = 2**61
"""Bound of a time stamp, either side of 0; a nanosecond stamp of the year 2043 reaches it."""

_CSV, _PARQUET = "a whole CSV file, plain or packed by gzip", "a whole Parquet file"
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,60}\.?[0-9]{0,60}|\.[0-9]{1,60})([eE][+-]?[0-9]{1,3})?")
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)"
    r"(?:Z|([+-])([01][0-9]|2[0-3]):?([0-5][0-9]))?)?"
)
_DAMAGED = (OSError, EOFError, zlib.error)
TEXT_MAX = 100
"""Characters of a cell of `Texts`: in an array every one takes the room of the longest."""
_BATCH_ROWS = 2**16


class Column(Protocol):
    """A column to read: its name, what a cell of it must be, and how the two kinds of file are turned into an array.

    >>> columns: list[Column] = [Stamps("time"), Numbers("size", zero=True), Texts("venue")]
    >>> [column.wanted for column in columns[1:]]
    ['a finite number of at least 0', 'text of 1 to 100 characters, none of them NUL']
    """

    @property
    def name(self) -> str: ...

    @property
    def wanted(self) -> str:
        """What a cell must be, for errors."""
        ...

    def cell(self, text: str, /) -> Any:
        """The value of a CSV cell, or None if it is not what is wanted."""
        ...

    def array(self, values: list[Any], /) -> NDArray[Any]:
        """The values of a CSV column."""
        ...

    def arrow(self, column: Any, path: str, rows: NDArray[np.int64], /) -> NDArray[Any]:
        """The values of a Parquet column; `rows` are their row numbers, from 1."""
        ...


@frozen
class Stamps:
    """Integer time stamps, int64, between -2**61 and 2**61.

    Args:
        name: of the column. A Parquet timestamp counts in its own unit.
        scale: multiply by this, so that "34200.004" seconds is an integer, 34200004, at 1000.

    >>> Stamps("time", scale=1000).cell("34200.004"), Stamps("time").cell("34200.004")
    (34200004, None)
    """

    name: str = field(validator=name)
    scale: int = field(default=1, validator=integer(1, 10**18))

    @property
    def wanted(self) -> str:
        after = "" if self.scale == 1 else f" after multiplying by {self.scale}"
        return f"an integer between -2**61 and 2**61{after}"

    def cell(self, text: str, /) -> int | None:
        plain = int(text) if _INTEGER.fullmatch(text) else None
        stamp = plain if self.scale == 1 else _scaled(text, self.scale)
        return None if stamp is None or abs(stamp) > STAMP_MAX else stamp

    def array(self, values: list[Any], /) -> NDArray[Any]:
        return np.array(values, dtype=np.int64)

    def arrow(self, column: Any, path: str, rows: NDArray[np.int64], /) -> NDArray[Any]:
        import pyarrow as pa

        if not (pa.types.is_integer(column.type) or pa.types.is_timestamp(column.type)):
            bad_type(path, self.name, column.type, "integers or timestamps")
        _refuse_null(column, path, self, rows)
        whole = column if pa.types.is_integer(column.type) else column.cast(pa.int64())
        return _times(self, whole.to_numpy(), self.scale, path, rows)


@frozen
class IsoTimes:
    """Dates and times of ISO 8601 as int64 nanoseconds since 1970; without a zone they are UTC.

    >>> IsoTimes("t").cell("1970-01-01T01:00:00.25+01:00")
    250000000
    """

    name: str = field(validator=name)
    wanted: str = field(default="a date and time like 2024-08-08T23:54:15.123Z, from 1897 to 2042", init=False)

    def cell(self, text: str, /) -> int | None:
        parts = _ISO.fullmatch(text)
        # Years far away would wrap around in 64 bits of nanoseconds.
        if not parts or not 1700 < int(text[:4]) < 2250:
            return None
        day, clock, sign, hours, minutes = parts.groups()
        try:
            stamp = int(np.datetime64(f"{day}T{clock or '00:00'}", "ns").astype(np.int64))
        except ValueError:
            return None
        if sign:
            stamp -= (1 if sign == "+" else -1) * (int(hours) * 60 + int(minutes)) * 60 * 10**9
        return stamp if abs(stamp) <= STAMP_MAX else None

    def array(self, values: list[Any], /) -> NDArray[Any]:
        return np.array(values, dtype=np.int64)

    def arrow(self, column: Any, path: str, rows: NDArray[np.int64], /) -> NDArray[Any]:
        import pyarrow as pa

        if pa.types.is_timestamp(column.type):
            _refuse_null(column, path, self, rows)
            scale = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[column.type.unit]
            return _times(self, column.to_numpy(), scale, path, rows)
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            bad_type(path, self.name, column.type, "timestamps or text")
        return self.array(_parsed(self, column.to_pylist(), path, rows))


@frozen
class Numbers:
    """Finite numbers above 0, float64. CSV text is read as a decimal, exactly, then as the nearest float64.

    Args:
        name: of the column.
        zero: 0 is taken too.

    >>> Numbers("price").cell("1e-8"), Numbers("price").cell("0")
    (1e-08, None)
    """

    name: str = field(validator=name)
    zero: bool = field(default=False, validator=flag)

    @property
    def wanted(self) -> str:
        return "a finite number of at least 0" if self.zero else "a finite number above 0"

    def cell(self, text: str, /) -> float | None:
        value = float(Decimal(text)) if _DECIMAL.fullmatch(text) else -1.0
        return value if (value > 0 or (self.zero and value == 0)) and value < float("inf") else None

    def array(self, values: list[Any], /) -> NDArray[Any]:
        return np.array(values, dtype=np.float64)

    def arrow(self, column: Any, path: str, rows: NDArray[np.int64], /) -> NDArray[Any]:
        import pyarrow as pa

        kind = column.type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
            bad_type(path, self.name, kind, "numbers")
        _refuse_null(column, path, self, rows)
        if pa.types.is_decimal(kind):
            # Arrow's own cast is not the nearest float: it makes 0.30000000000000004 of 0.3.
            values = np.array([float(value) for value in column.to_pylist()], dtype=np.float64)
        else:
            values = column.to_numpy().astype(np.float64)
        bad = np.flatnonzero(~(((values > 0) | (self.zero & (values == 0))) & np.isfinite(values)))
        if len(bad):
            bad_cell(path, rows[bad[0]], self.name, values[bad[0]], self.wanted)
        return values


@frozen
class Texts:
    """Short text that is not empty, as an array of `str`; whole numbers of a Parquet file are written in decimal."""

    name: str = field(validator=name)
    wanted: str = field(default=f"text of 1 to {TEXT_MAX} characters, none of them NUL", init=False)

    def cell(self, text: str, /) -> str | None:
        # An array of `str` drops NULs at the end of a text.
        return text if 0 < len(text) <= TEXT_MAX and "\0" not in text else None

    def array(self, values: list[Any], /) -> NDArray[Any]:
        return np.array(values, dtype=np.str_)

    def arrow(self, column: Any, path: str, rows: NDArray[np.int64], /) -> NDArray[Any]:
        import pyarrow as pa

        kind = column.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)):
            bad_type(path, self.name, kind, "text or whole numbers")
        _refuse_null(column, path, self, rows)
        return self.array(_parsed(self, [str(value) for value in column.to_pylist()], path, rows))


def read_columns(
    path: str | Path,
    columns: Sequence[Column],
    *,
    where: Mapping[str, str | int] | None = None,
    header: Sequence[str] | None = None,
) -> tuple[list[NDArray[Any]], NDArray[np.int64]]:
    """Read columns of a `.csv`, `.csv.gz` or `.parquet` file.

    Args:
        path: the file.
        columns: what to read.
        where: keep the rows whose column equals the value, `{"venue": "binance-spot"}` (CSV: as text).
        header: the names of all columns of a CSV file that has no header line.

    Returns:
        An array per column, and the number of each row in the file (CSV: the line, from 1; Parquet: the row, from 1).

    Raises:
        InputError: naming file, row, column, what came and what was wanted.
    """
    wanted = _Wanted(str(path), tuple(columns), dict(where or {}))
    if "\0" in wanted.path:
        raise InputError(refusal(repr(wanted.path), "a path with a NUL", "one without"))
    suffixes = "".join(Path(path).suffixes).lower()
    if suffixes.endswith(".parquet"):
        arrays, rows = _read_parquet(wanted)
    elif suffixes.endswith((".csv", ".csv.gz")):
        try:
            with open_text(path) as file:
                arrays, rows = _read_csv(rows_of(file, wanted.path), wanted, header)
        except _DAMAGED as error:
            raise unreadable(path, _CSV) from error
    else:
        raise InputError(refusal(wanted.path, f"a file of type {shown(suffixes)}", ".csv, .csv.gz or .parquet"))
    if not len(rows) and wanted.where:
        raise InputError(refusal(wanted.path, f"no row where {shown(wanted.where)}", "at least one"))
    return arrays, rows


def read_header(path: str | Path) -> list[str]:
    """The names of the columns of a `.csv`, `.csv.gz` or `.parquet` file; none where a CSV file is empty.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        if str(path).lower().endswith(".parquet"):
            import pyarrow.parquet as pq

            return list(pq.read_schema(path).names)
        with open_text(path) as file:
            return next(rows_of(file, str(path)), (0, []))[1]
    except InputError:
        raise
    except (*_DAMAGED, ValueError) as error:  # an ArrowInvalid is a ValueError, as is a NUL in a path
        raise unreadable(path, _PARQUET if str(path).lower().endswith(".parquet") else _CSV) from error


def bad_cell(path: str, row: Any, column: str, got: Any, wanted: str) -> NoReturn:
    """Raise the InputError for a cell.

    >>> bad_cell("day.csv", 7, "price", "-1", "a finite number above 0")
    Traceback (most recent call last):
        ...
    marketsim.errors.InputError: day.csv, row 7, column 'price': got '-1', wanted a finite number above 0
    """
    said = shown(got, str if isinstance(got, np.number | np.datetime64) else repr)
    raise InputError(refusal(f"{path}, row {row}, column {column!r}", said, wanted))


@frozen
class _Wanted:
    path: str
    columns: tuple[Column, ...]
    where: dict[str, str | int]

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys([*(column.name for column in self.columns), *self.where]))

    def check_columns(self, present: Sequence[str]) -> None:
        for column in self.names:
            if list(present).count(column) != 1:
                said = ", ".join(each if each.isprintable() else repr(each) for each in present)
                fault = f"{list(present).count(column)} columns {column!r} among {shown(said, str)}"
                raise InputError(refusal(self.path, fault, "exactly one"))


def _read_csv(
    reader: Iterator[tuple[int, list[str]]], wanted: _Wanted, header: Sequence[str] | None
) -> tuple[list[NDArray[Any]], NDArray[np.int64]]:
    present = list(header) if header is not None else next(reader, (0, []))[1]
    wanted.check_columns(present)
    kept = [(present.index(column), str(value)) for column, value in wanted.where.items()]
    places: list[tuple[Column, int, list[Any]]] = [(each, present.index(each.name), []) for each in wanted.columns]
    rows: list[int] = []
    for line, cells in full_rows(reader, wanted.path, len(present)):
        if any(cells[index] != value for index, value in kept):
            continue
        for column, index, values in places:
            value = column.cell(cells[index])
            if value is None:
                bad_cell(wanted.path, line, column.name, cells[index], column.wanted)
            values.append(value)
        rows.append(line)
    return [column.array(values) for column, _, values in places], np.array(rows, dtype=np.int64)


def _scaled(text: str, scale: int) -> int | None:
    if not _DECIMAL.fullmatch(text):
        return None
    with localcontext(prec=400):
        stamp = Decimal(text) * scale
        if abs(stamp) > STAMP_MAX:
            return None
        return int(stamp) if stamp == stamp.to_integral_value() else None


def _times(column: Column, came: NDArray[Any], scale: int, path: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    stamps = came.view(np.int64) if came.dtype.kind == "M" else came
    # Not every unsigned integer fits 64 bits with a sign, so the bounds come before the cast.
    bound = STAMP_MAX // scale
    bad = np.flatnonzero((stamps < -bound) | (stamps > bound))
    if len(bad):
        bad_cell(path, rows[bad[0]], column.name, came[bad[0]], column.wanted)
    scaled: NDArray[np.int64] = stamps.astype(np.int64) * scale
    return scaled


def _read_parquet(wanted: _Wanted) -> tuple[list[NDArray[Any]], NDArray[np.int64]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts: list[list[NDArray[Any]]] = []
    numbers: list[NDArray[np.int64]] = []
    read = 0
    try:
        with pa.OSFile(wanted.path) as source, pq.ParquetFile(source) as file:
            wanted.check_columns(file.schema_arrow.names)
            # No row at all comes first: a column of a wrong type is refused before any of it is unpacked.
            tables = [file.schema_arrow.empty_table()]
            batches = file.iter_batches(_BATCH_ROWS, columns=wanted.names)
            for table in chain(tables, (pa.Table.from_batches([batch]) for batch in batches)):
                rows = _kept(table, wanted)
                own = table.take(pa.array(rows))
                numbers.append(rows + read + 1)
                parts.append([each.arrow(own[each.name], wanted.path, numbers[-1]) for each in wanted.columns])
                read += table.num_rows
    except (OSError, pa.ArrowException) as error:
        raise unreadable(wanted.path, _PARQUET) from error
    return [np.concatenate(each) for each in zip(*parts, strict=True)], np.concatenate(numbers)


def _kept(table: Any, wanted: _Wanted) -> NDArray[np.int64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    keep = np.ones(table.num_rows, dtype=np.bool_)
    for column, value in wanted.where.items():
        try:
            keep &= pc.fill_null(pc.equal(table[column], value), False).to_numpy()
        except pa.ArrowException:
            bad_type(wanted.path, column, table[column].type, f"one that holds {value!r}")
    return np.flatnonzero(keep)


def _parsed(column: Column, texts: list[str | None], path: str, rows: NDArray[np.int64]) -> list[Any]:
    values = [None if text is None else column.cell(text) for text in texts]
    if None in values:
        bad = values.index(None)
        bad_cell(path, rows[bad], column.name, texts[bad], column.wanted)
    return values


def _refuse_null(values: Any, path: str, column: Column, rows: NDArray[np.int64]) -> None:
    if values.null_count:
        bad_cell(path, rows[values.is_null().to_numpy().argmax()], column.name, None, column.wanted)
