"""A catalogue of bad books, bars, entries and trades of the studies on features, each with the words of its refusal."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from agents.recorder import snapshot_columns
from tests.trust.bad_files import NUMBER, STAMP, BadFile, parquet

_LEVELS = snapshot_columns()
_BOOK = {
    f"{side}_{level}_price": 100 + sign * (1 + level) for side, sign in (("bid", -1), ("ask", 1)) for level in range(20)
}
BOOK = {name: _BOOK.get(name, 1) for name in _LEVELS}
"""A sound book of twenty levels a side: bids from 99 down, asks from 101 up, a lot at each."""


def rows(*times: object, **changed: object) -> bytes:
    """Books as CSV, at each time; in the last one some cells are changed."""
    lines = [",".join(("origin_time", *_LEVELS))]
    for number, time in enumerate(times, 1):
        cells = BOOK | changed if number == len(times) else BOOK
        lines.append(",".join(map(str, (time, *cells.values()))))
    return ("\n".join(lines) + "\n").encode()


def _books(how: str, content: bytes, *words: str) -> BadFile:
    return BadFile(how, "books", "book.csv", content, words)


def _level(how: str, column: str, cell: str, *words: str) -> BadFile:
    return _books(how, rows(1, 2, **{column: cell}), "row 3", f"column '{column}'", *words)


BOOKS = [
    _books("empty", b"", "0 columns 'origin_time'"),
    _books("header alone", rows(), "got no book, wanted at least one"),
    _books("UTF-16", rows(1).decode().encode("utf-16"), "row 1", "UTF-8"),
    _books("a time that runs backwards", rows(5, 4), "row 3", "column 'origin_time'", "at least 5000000 ns"),
    _books("a time of 2**80", rows(1, 2**80), "row 3", "column 'origin_time'", STAMP),
    _level("a price below 0", "bid_3_price", "-1", "got '-1.0'", "a finite number above 0"),
    _level("a price of inf", "ask_0_price", "inf", "got 'inf'", "a finite number above 0"),
    _level("a size below 0", "ask_0_size", "-1", "got '-1.0'", "at least 0"),
    _level("a size without a price", "bid_0_price", "nan", "got 'nan'", "a price beside the size"),
    _level("a crossed book", "bid_0_price", "101", "got '101.0'", "crossed or locked"),
    _level("levels out of order", "ask_5_price", "102", "got '102.0'", "worse than ask_4_price"),
    _level("a price in hexadecimal", "bid_0_price", "0x1", "got '0x1'", "a number, or nothing"),
    _level("a price with an underscore", "bid_0_price", "9_9", "got '9_9'", "a number, or nothing"),
    _level("a price in full-width digits", "bid_0_price", "\uff19", "got '\uff19'", "a number, or nothing"),
    BadFile(
        "prices that are text",
        "books",
        "book.parquet",
        parquet(pa.table({"origin_time": [1], **{name: ["1"] for name in _LEVELS}})),
        (f"column '{_LEVELS[0]}'", "got type string, wanted numbers"),
    ),
]


BARS_HEADER = "open_time_ms,open,high,low,close\n"


def _bars(how: str, text: str, *words: str) -> BadFile:
    return BadFile(how, "bars", "bars.csv", text.encode(), words)


BARS = [
    _bars("empty", "", "0 columns 'timestamp'"),
    _bars("no closes", "open_time_ms,open,high,low\n0,1,1,1\n", "0 columns 'close'"),
    _bars("closes twice", "open_time_ms,open,high,low,close,close\n0,1,1,1,1,1\n", "2 columns 'close'"),
    _bars("a close above the high", BARS_HEADER + "0,1,1,1,2\n", "row 2", "got open 1.0, high 1.0", "low <= open"),
    _bars("a high of nan", BARS_HEADER + "0,1,nan,1,1\n", "row 2", "column 'high'", "got 'nan'", NUMBER),
    _bars("a time twice", BARS_HEADER + "0,1,1,1,1\n" * 2, "row 3", "column 'open_time_ms'", "times that rise"),
    _bars("a time off the clock", BARS_HEADER + "7,1,1,1,1\n", "row 2", "column 'open_time_ms'", "a multiple of"),
    _bars(
        "a time of five thousand digits",
        BARS_HEADER + "9" * 5000 + ",1,1,1,1\n",
        "row 2",
        "column 'open_time_ms'",
        STAMP,
    ),
    _bars(
        "a spread of 1e999",
        "open_time_ms,high,low,close,spread_bps\n0,1,1,1,1e999\n",
        "row 2",
        "column 'spread_bps'",
        "got inf",
    ),
    _bars("a short row", BARS_HEADER + "0,1,1\n", "row 2", "got 3 fields, wanted 5"),
    BadFile("a folder", "bars", "bars.csv", None, ("got a folder, wanted a whole CSV file",)),
    BadFile("of a type that is none", "bars", "bars.txt", BARS_HEADER.encode(), ("got a file of type '.txt'",)),
]


ENTRIES_HEADER = "symbol,side,time,predicted_edge_bps,probability\n"


def _entries(how: str, row: str, *words: str) -> BadFile:
    return BadFile(how, "entries", "entries.csv", (ENTRIES_HEADER + "A,long,1,1,0.5\n" + row).encode(), words)


def _entry(how: str, row: str, column: str, *words: str) -> BadFile:
    return _entries(how, row, "row 3", f"column '{column}'", *words)


_NULL: dict[str, Any] = {
    "symbol": ["A"], "side": ["long"], "time": [1], "predicted_edge_bps": pa.array([None], pa.float64()),
    "probability": [0.5],
}  # fmt: skip

ENTRIES = [
    _entry("a side in capitals", "A,LONG,1,1,0.5\n", "side", "got 'LONG', wanted long or short"),
    _entry("a probability of 1.5", "A,long,1,1,1.5\n", "probability", "got 1.5, wanted a number from 0 to 1"),
    _entry("an edge of nan", "A,long,1,nan,0.5\n", "predicted_edge_bps", "got 'nan', wanted a finite number"),
    _entry("a symbol without bars", "Z,long,1,1,0.5\n", "symbol", "got 'Z', wanted one of A"),
    _entry("a symbol with a NUL", "A\0,long,1,1,0.5\n", "symbol", "got 'A\\x00', wanted text"),
    _entry("no symbol", ",long,1,1,0.5\n", "symbol", "got '', wanted text"),
    _entries("a short row", "A,long\n", "row 3", "got 2 fields, wanted 5"),
    BadFile(
        "an edge that is null",
        "entries",
        "entries.parquet",
        parquet(pa.table(_NULL)),
        ("row 1", "column 'predicted_edge_bps'", "got nan, wanted a finite number"),
    ),
]


def _tape(how: str, row: str, *words: str) -> BadFile:
    return BadFile(how, "tape", "trades.csv", ("t,p,q,sold\n5,1,1,true\n" + row).encode(), words)


TAPE = [
    _tape("who took is a number", "6,1,1,2\n", "row 3", "column 'sold'", "got '2', wanted true or false"),
    _tape("a time that runs backwards", "4,1,1,true\n", "row 3", "column 't'", "wanted times that do not fall"),
    _tape("a price of 0", "6,0,1,true\n", "row 3", "column 'p'", "got '0'", NUMBER),
    _tape("a quantity of inf", "6,1,inf,true\n", "row 3", "column 'q'", "got 'inf'", NUMBER),
    BadFile(
        "who took is null",
        "tape",
        "trades.parquet",
        parquet(pa.table({"t": [1, 2], "p": [1.0, 1.0], "q": [1.0, 1.0], "sold": [True, None]})),
        ("row 2", "column 'sold'", "got None, wanted true or false"),
    ),
    BadFile(
        "who took is a number",
        "tape",
        "trades.parquet",
        parquet(pa.table({"t": [1], "p": [1.0], "q": [1.0], "sold": [1]})),
        ("column 'sold'", "got type int64, wanted"),
    ),
]

CATALOGUE: list[BadFile] = [*BOOKS, *BARS, *ENTRIES, *TAPE]
