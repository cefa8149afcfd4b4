"""A catalogue of bad files: each with its name, how it is bad, who reads it, and the words that the refusal must hold.

Every refusal must also name the file. The settings of studies, which are TOML, are in `bad_settings`.
"""

from __future__ import annotations

import gzip
import io
import pickle
import zlib
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import frozen

from tests.experiments.quotes.days import HEADER, START_NS, text

CANARY = "trust-canary"
"""A file of this name, in the working directory, is what code smuggled into a data file would leave."""


@frozen
class BadFile:
    """One bad file.

    Args:
        how: how it is bad, in words.
        reader: who reads it, of `tests.trust.test_bad_files.READERS`.
        file: its name; None as content is a folder of that name.
        content: its bytes.
        words: what the refusal must hold beside the file's name; the row, the column and the entry first, if any: it
            must begin with the file and them. Of settings the first is the key, or the line.
        beside: further files in its folder, by name.
        named: the file that it names, if that is another one; "." is their folder.
    """

    how: str
    reader: str
    file: str
    content: bytes | None
    words: tuple[str, ...]
    beside: tuple[tuple[str, bytes], ...] = ()
    named: str = ""

    def __str__(self) -> str:
        return f"{self.reader}: {self.file}: {self.how}"


class Smuggled:
    """Writes the canary when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (CANARY, "w")


PICKLE = pickle.dumps(Smuggled())


def parquet(table: pa.Table, **options: Any) -> bytes:
    """A Parquet file of the table."""
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


# Trades as CSV: columns t, p, q, of which the third of four rows is bad.

TRADES = "t,p,q\n10,1.5,1\n11,1.5,1\n{row}\n13,2,2\n"


def _cell(how: str, row: str, column: str, got: str, wanted: str) -> BadFile:
    words = ("row 4", f"column '{column}'", f"got {got}", f"wanted {wanted}")
    return BadFile(how, "trades", "trades.csv", TRADES.format(row=row).encode(), words)


NUMBER, STAMP = "a finite number above 0", "an integer between -2**61 and 2**61"

CELLS = [
    _cell("price is nan", "12,nan,1", "p", "'nan'", NUMBER),
    _cell("price is inf", "12,inf,1", "p", "'inf'", NUMBER),
    _cell("price is -inf", "12,-inf,1", "p", "'-inf'", NUMBER),
    _cell("price is below 0", "12,-1.5,1", "p", "'-1.5'", NUMBER),
    _cell("price is 0", "12,0,1", "p", "'0'", NUMBER),
    _cell("price is -0.0", "12,-0.0,1", "p", "'-0.0'", NUMBER),
    _cell("price is beyond float64", "12,1e309,1", "p", "'1e309'", NUMBER),
    _cell("price is too small for float64", "12,1e-400,1", "p", "'1e-400'", NUMBER),
    _cell("price is empty", "12,,1", "p", "''", NUMBER),
    _cell("price is a word", "12,ten,1", "p", "'ten'", NUMBER),
    _cell("price has a decimal comma", '12,"1,5",1', "p", "'1,5'", NUMBER),
    _cell("price has a unit", "12,1.5 USD,1", "p", "'1.5 USD'", NUMBER),
    _cell("price has an underscore", "12,1_0,1", "p", "'1_0'", NUMBER),
    _cell("price is hexadecimal", "12,0x10,1", "p", "'0x10'", NUMBER),
    _cell("price is in full-width digits", "12,\uff11,1", "p", "'\uff11'", NUMBER),
    _cell("price has a space around it", "12, 1.5,1", "p", "' 1.5'", NUMBER),
    _cell("price is a formula", "12,=1+1,1", "p", "'=1+1'", NUMBER),
    _cell("price has a NUL", "12,1.5\0,1", "p", "'1.5\\x00'", NUMBER),
    _cell("price is NA", "12,NA,1", "p", "'NA'", NUMBER),
    _cell("quantity is below 0", "12,1.5,-3", "q", "'-3'", NUMBER),
    _cell("quantity is 0", "12,1.5,0", "q", "'0'", NUMBER),
    _cell("quantity is true", "12,1.5,true", "q", "'true'", NUMBER),
    _cell("time has a fraction", "12.5,1.5,1", "t", "'12.5'", STAMP),
    _cell("time is in powers of ten", "1e3,1.5,1", "t", "'1e3'", STAMP),
    _cell("time is nan", "nan,1.5,1", "t", "'nan'", STAMP),
    _cell("time is beyond 2**61", f"{2**61 + 1},1.5,1", "t", f"'{2**61 + 1}'", STAMP),
    _cell("time is 2**80", f"{2**80},1.5,1", "t", f"'{2**80}'", STAMP),
    _cell("time has five thousand digits", "9" * 5000 + ",1.5,1", "t", "'999", STAMP),
    _cell("time is a date", "2024-08-08,1.5,1", "t", "'2024-08-08'", STAMP),
    _cell("time runs backwards", "9,1.5,1", "t", "9", "at least 11, the time of the trade before it"),
]


# Trades as CSV: files of the wrong shape.


def _csv(how: str, content: bytes | str, *words: str, file: str = "trades.csv") -> BadFile:
    return BadFile(how, "trades", file, content.encode() if isinstance(content, str) else content, words)


GOOD = TRADES.format(row="12,1,1").encode()
_GZIP = gzip.compress(b"t,p,q\n" + b"10,1.5,1\n" * 500, mtime=0)
# A flipped byte in the middle of the stream, behind a sound header: what a bad disk makes of a file.
_FLIPPED = _GZIP[:14] + bytes([_GZIP[14] ^ 0xFF, _GZIP[15] ^ 0xFF]) + _GZIP[16:]
BOMB_SIZE = 50_000_000
BOMB = gzip.compress(b"t,p,q\n" + b"9" * BOMB_SIZE, 1, mtime=0)
BLANKS = gzip.compress(b"t,p,q\n" + b"\n" * 10_000_000, 1, mtime=0)

SHAPES = [
    _csv("empty", "", "0 columns 't'", "wanted exactly one"),
    _csv("one line end", "\n", "0 columns 't'"),
    _csv("header alone", "t,p,q\n", "got no trades, wanted at least one"),
    _csv("no header", "10,1.5,1\n", "0 columns 't' among 10, 1.5, 1"),
    _csv("a column is missing", "t,q\n1,1\n", "0 columns 'p' among t, q"),
    _csv("a column is there twice", "t,p,q,p\n1,1,1,1\n", "2 columns 'p'"),
    _csv("a column in capitals", "T,p,q\n1,1,1\n", "0 columns 't' among T, p, q"),
    _csv("a short row", "t,p,q\n1,1,1\n2,1\n", "row 3", "got 2 fields, wanted 3"),
    _csv("a long row", "t,p,q\n1,1,1\n2,1,1,1\n", "row 3", "got 4 fields, wanted 3"),
    _csv("semicolons", "t;p;q\n1;1;1\n", "0 columns 't' among t;p;q"),
    _csv("a comment line", "t,p,q\n# by hand\n1,1,1\n", "row 2", "got 1 fields, wanted 3"),
    _csv("cut off in the last row", "t,p,q\n1,1,1\n2,1", "row 3", "got 2 fields, wanted 3"),
    _csv("a quote that is never closed", 't,p,q\n1,"1,1\n2,1,1\n', "row 3", "got 2 fields, wanted 3"),
    _csv("Latin 1", b"t,p,q\n1,1,\xe9\n", "row 2", "got the byte 0xe9 in place 5", "UTF-8"),
    _csv("UTF-16", "t,p,q\n1,1,1\n".encode("utf-16"), "row 1", "got the byte 0xff", "UTF-8"),
    _csv("UTF-32", "t,p,q\n1,1,1\n".encode("utf-32-le"), "0 columns 't'"),
    _csv("two byte order marks", b"\xef\xbb\xbf\xef\xbb\xbft,p,q\n1,1,1\n", "0 columns 't'"),
    _csv("a field of a megabyte", "t,p,q\n1," + "1" * 2**20 + ",1\n", "row 2", "got a line of more than 131072"),
    _csv("a quote that is closed too late", 't,p,q\n1,"' + "1\n" * 70_000, "row 65538", "a cell of more than 131072"),
    _csv("lines that hold nothing", "t,p,q\n" + "\n" * 1001, "row 1002", "got more than 1000 blank lines"),
    _csv("a web page", "<!DOCTYPE html>\n<html>\n", "0 columns 't' among <!DOCTYPE html>"),
    _csv("JSON", '{"t": [1], "p": [1]}', "0 columns 't'"),
    _csv("a pickle", PICKLE, "row 1", "got the byte 0x80", "UTF-8"),
    _csv("a pickle under the name of a table", PICKLE, "wanted .csv, .csv.gz or .parquet", file="trades.pkl"),
    _csv("an unknown type", GOOD, "got a file of type '.txt', wanted .csv, .csv.gz or .parquet", file="trades.txt"),
    _csv("a spreadsheet", b"PK\x03\x04", "got a file of type '.xlsx'", file="trades.xlsx"),
    _csv("no suffix", GOOD, "got a file of type ''", file="trades"),
    BadFile("a folder", "trades", "trades.csv", None, ("cannot be read",)),
    BadFile("a folder", "trades", "trades.parquet", None, ("cannot be read",)),
    _csv("gzip that is none", GOOD, "cannot be read", file="trades.csv.gz"),
    _csv("gzip cut short", _GZIP[:-12], "cannot be read", file="trades.csv.gz"),
    _csv("gzip with flipped bytes", _FLIPPED, "cannot be read", file="trades.csv.gz"),
    _csv("gzip with a wrong checksum", _GZIP[:-8] + b"\0\0\0\0" + _GZIP[-4:], "cannot be read", file="trades.csv.gz"),
    _csv("gzip, empty", b"", "0 columns 't'", file="trades.csv.gz"),
    _csv("zlib under the name of gzip", zlib.compress(GOOD), "cannot be read", file="trades.csv.gz"),
    _csv("gzip bomb of one endless line", BOMB, "row 2", "got a line of more than", file="trades.csv.gz"),
    _csv("gzip bomb of lines that hold nothing", BLANKS, "row 1002", "blank lines", file="trades.csv.gz"),
]


# Quotes: the sixth line of a recorded day, with one cell changed.


def _quote(how: str, column: str, cell: str, wanted: str) -> BadFile:
    lines = text().splitlines()
    cells = lines[5].split(",")
    cells[HEADER.split(",").index(column)] = cell
    content = "\n".join((*lines[:5], ",".join(cells), *lines[6:])).encode()
    return BadFile(how, "quotes", "day.csv", content, ("row 6", f"column '{column}'", f"got '{cell}'", wanted))


def _quotes(how: str, content: bytes, *words: str, file: str = "day.csv") -> BadFile:
    return BadFile(how, "quotes", file, content, words)


_ASKS = {"ts_event": [1, 2], "publisher_id": [1, 1], "ask_px_00": ["10.01", "10.02"], "ask_sz_00": [5, 5]}


def _asks(how: str, *words: str, **changed: Any) -> BadFile:
    return BadFile(how, "quotes", "day.parquet", parquet(pa.table(_ASKS | changed)), words)


QUOTES = [
    _quote("crossed", "bid_px_00", "10.05", "crossed or locked"),
    _quote("locked", "bid_px_00", "10.02", "crossed or locked"),
    _quote("a size below 0", "ask_sz_00", "-3", "at least 0"),
    _quote("a size of half a lot", "bid_sz_00", "1.5", "a multiple of 1"),
    _quote("a size without a price", "bid_px_00", "", "a price beside the size in 'bid_sz_00'"),
    _quote("a price without a size", "ask_sz_00", "", "a size above 0 beside the price in 'ask_px_00'"),
    _quote("a price off the grid", "ask_px_00", "10.015", "a multiple of 0.01 above 0"),
    _quote("a price of 1e300", "ask_px_00", "1e300", "up to 2**53 ticks"),
    _quote("a price of a thousand digits", "ask_px_00", "1" * 1000, "up to 2**53 ticks"),
    _quote("a price below 0", "bid_px_00", "-9.99", "a multiple of 0.01 above 0"),
    _quote("a time that is a word", "ts_event", "yesterday", "integer nanoseconds"),
    _quote("a time without a date", "ts_event", "13:36:32", "integer nanoseconds"),
    _quote("a day that is in no calendar", "ts_event", "2024-02-30T00:00Z", "integer nanoseconds"),
    _quote("a zone of a hundred hours", "ts_event", "2024-08-01T13:36+99:99", "integer nanoseconds"),
    _quote("a time beyond 2043", "ts_event", "2099-01-01T00:00Z", "integer nanoseconds"),
    _quote("a time that runs backwards", "ts_event", str(START_NS), "time runs backwards"),
    _quote("no publisher", "publisher_id", "", "a publisher"),
    _quote("a trade without a price", "price", "", "a number above 0"),
    _quote("a trade of no lots", "size", "0", "above 0 in a trade"),
    _quotes("no asks", text(header=HEADER.replace("ask_px_00", "offer")).encode(), "0 columns 'ask_px_00'"),
    _quotes("header alone", HEADER.encode(), "got no quotes, wanted at least one"),
    _quotes("empty", b"", "0 columns 'ts_event'"),
    _quotes("a short row", (HEADER + "\n1,2,A\n").encode(), "row 2", "got 3 fields, wanted 9"),
    _quotes("UTF-16", text().encode("utf-16"), "row 1", "UTF-8"),
    _quotes("gzip with flipped bytes", _FLIPPED, "cannot be read", file="day.csv.gz"),
    _quotes("gzip bomb of one endless line", BOMB, "0 columns 'ts_event'", file="day.csv.gz"),
    _quotes("a pickle", PICKLE, "cannot be read", file="day.parquet"),
    BadFile("a folder", "quotes", "day.csv", None, ("cannot be read",)),
    _asks("times are floats", "row 1", "column 'ts_event'", "got '1.5'", "integer nanoseconds", ts_event=[1.5, 2.5]),
    _asks(
        "times in seconds, of the year 9000",
        "row 2",
        "column 'ts_event'",
        "wanted integer nanoseconds",
        ts_event=pa.array([1, 221_845_392_000], pa.timestamp("s")),
    ),
    _asks(
        "prices are lists", "row 1", "column 'ask_px_00'", "got '[10]'", "a multiple of 0.01", ask_px_00=[[10], [11]]
    ),
    _asks(
        "a price is nan and has a size", "row 2", "column 'ask_px_00'", "wanted a price", ask_px_00=[10.0, float("nan")]
    ),
    _asks("sizes are pickles", "row 1", "column 'ask_sz_00'", "a multiple of 1", ask_sz_00=[PICKLE, PICKLE]),
]


# Folders of trades at several venues, by their feeds.toml

FEED = '[[feeds]]\npath = "trades.csv"\nvenue = "x"\ntime = "t"\nprice = "p"\nquantity = "q"\n'


def _fed(how: str, rows: str, *words: str, feed: str = "") -> BadFile:
    content = ("t,p,q,id\n" + rows).encode()
    return BadFile(how, "folder", "trades.csv", content, words, (("feeds.toml", (FEED + feed).encode()),))


_CANDLES = '[feeds.candle]\nlength_ms = 1000\nopening = "t"\nhigh = "p"\nlow = "p"\n'

FOLDERS = [
    _fed("ns read as ms", "1723161255342000000,1,1,1\n", "row 2", "column 't'", "after multiplying by 1000000"),
    _fed("a time is a date", "2024-08-08,1,1,1\n", "row 2", "column 't'", "got '2024-08-08'"),
    _fed("the 13th month", "2024-13-01,1,1,1\n", "row 2", "column 't'", "a date and time like", feed='unit = "iso"\n'),
    _fed(
        "the 25th hour",
        "2024-08-01T25:00,1,1,1\n",
        "row 2",
        "column 't'",
        "a date and time like",
        feed='unit = "iso"\n',
    ),
    _fed("a date of 1699", "1699-01-01,1,1,1\n", "row 2", "column 't'", "a date and time like", feed='unit = "iso"\n'),
    _fed(
        "one id with two prices",
        "1,1,1,7\n2,1,1,8\n1,2,1,7\n",
        "row 4",
        "got id '7' again",
        "wanted 1000000 ns and 1.0",
        feed='trade_id = "id"\n',
    ),
    _fed(
        "one id beyond 2**53 with two prices",
        f"1,1,1,{2**53 + 1}\n1,2,1,{2**53 + 1}\n",
        "row 3",
        f"got id '{2**53 + 1}'",
        feed='trade_id = "id"\n',
    ),
    _fed("a trade without its id", "1,1,1,\n", "row 2", "column 'id'", "text of 1 to 100", feed='trade_id = "id"\n'),
    _fed("no such column of ids", "1,1,1,7\n", "0 columns 'number' among t, p, q, id", feed='trade_id = "number"\n'),
    _fed("no row of the venue", "1,1,1,7\n", "got no row where {'id': '8'}", feed='where = { id = "8" }\n'),
    _fed("a candle between two", "1500,1,1,7\n", "row 2", "column 't'", "a multiple of 1000 ms", feed=_CANDLES),
    _fed(
        "a candle that closes above its high",
        "1000,3,1,2\n",
        "row 2",
        "column 'p'",
        "at most 'id'",
        feed=_CANDLES.replace('high = "p"', 'high = "id"')
        .replace('opening = "t"', 'opening = "id"')
        .replace('low = "p"', 'low = "q"'),
    ),
    _fed("an id of a thousand", f"1,1,1,{'7' * 1000}\n", "row 2", "column 'id'", "1 to 100", feed='trade_id = "id"\n'),
    _fed(
        "an id with a NUL", "1,1,1,7\n2,1,1,7\0\n", "row 3", "column 'id'", "none of them NUL", feed='trade_id = "id"\n'
    ),
    BadFile(
        "files that are not there",
        "folder",
        "feeds.toml",
        FEED.encode(),
        ("cannot be read", "got no file"),
        named="trades.csv",
    ),
    BadFile(
        "files that no pattern finds",
        "folder",
        "feeds.toml",
        FEED.replace("trades", "*").encode(),
        ("no file '*.csv'",),
        named=".",
    ),
    BadFile("a folder that does not say what it is", "folder", "readme.md", b"", ("feeds.toml",), named="."),
]


# Recorded prices as the truth of a study


def _recorded(how: str, content: bytes | None, *words: str, file: str = "path.csv") -> BadFile:
    return BadFile(how, "recorded", file, content, words)


RECORDED = [
    _recorded("no column of times", b"t,price\n1,1\n2,1\n", "which column", "t, price"),
    _recorded("no column of prices", b"time,p\n1,1\n2,1\n", "0 columns 'price' among time, p"),
    _recorded("a price below 0", b"time,price\n1,1\n200,-1\n", "row 3", "column 'price'", "got '-1'", NUMBER),
    _recorded("times that run backwards", b"time,price\n200,1\n1,1\n", "row 3", "column 'time'", "at least 200"),
    _recorded("gzip with flipped bytes", _FLIPPED, "cannot be read", file="path.csv.gz"),
    _recorded("gzip cut in its header", _GZIP[:12], "cannot be read", file="path.csv.gz"),
    _recorded("a field of a megabyte", b"1" * 2**20, "row 1", "got a line of more than 131072"),
    _recorded("a pickle", PICKLE, "cannot be read", file="path.parquet"),
    _recorded("a folder", None, "cannot be read"),
]


# The cache of downloaded trades


def _held(spans: bytes | None) -> bytes:
    schema = pa.schema([pa.field("time_ms", pa.int64())], metadata=None if spans is None else {b"spans": spans})
    return parquet(pa.table({"time_ms": [1]}, schema=schema))


_HOUR = "2024-08-08T00.parquet"
CACHE = [
    BadFile("no spans", "cache", _HOUR, _held(None), ("no file of this cache", "delete it")),
    BadFile("spans that are no JSON", "cache", _HOUR, _held(b"[[1,"), ("no file of this cache", "delete it")),
    BadFile("spans of words", "cache", _HOUR, _held(b'[["a", "b"]]'), ("no file of this cache", "delete it")),
    BadFile("spans that are a number", "cache", _HOUR, _held(b"7"), ("no file of this cache", "delete it")),
    BadFile("a pickle", "cache", _HOUR, PICKLE, ("a Parquet file of this cache", "delete it")),
    BadFile("empty", "cache", _HOUR, b"", ("a Parquet file of this cache", "delete it")),
]

CATALOGUE: list[BadFile] = [*CELLS, *SHAPES, *QUOTES, *FOLDERS, *RECORDED, *CACHE]
