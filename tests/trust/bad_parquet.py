"""A catalogue of bad Parquet files of trades, each with the words that the refusal must hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from tests.trust.bad_files import GOOD, NUMBER, PICKLE, BadFile, parquet


def _trades(how: str, content: bytes, *words: str) -> BadFile:
    return BadFile(how, "trades", "trades.parquet", content, words)


def _columns(how: str, *words: str, **changed: Any) -> BadFile:
    columns = {"t": [1, 2, 3], "p": [1.0, 2.0, 3.0], "q": [1.0, 1.0, 1.0]} | changed
    table = pa.table({name: column for name, column in columns.items() if column is not None})
    return _trades(how, parquet(table), *words)


def _extension() -> pa.Table:
    """A column whose type asks to be unpickled (CVE-2023-47248), which pyarrow did before version 14.0.1."""
    told = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": PICKLE}
    schema = pa.schema([pa.field("t", pa.int64(), metadata=told), *(pa.field(name, pa.float64()) for name in "pq")])
    return pa.table({"t": [1, 0], "p": [1.0, 1.0], "q": [1.0, 1.0]}, schema=schema)


PARQUET_GOOD = parquet(pa.table({"t": list(range(500)), "p": [1.0] * 500, "q": [1.0] * 500}), compression="none")
_TWICE = pa.Table.from_arrays([pa.array([1]), *[pa.array([1.0])] * 3], ["t", "p", "p", "q"])
_NONE = {"t": pa.array([], pa.int64()), "p": pa.array([], pa.float64()), "q": pa.array([], pa.float64())}
_WRONG_TYPE = "wanted integers or timestamps"

CATALOGUE: list[BadFile] = [
    _columns("times are floats", "column 't'", "got type double", _WRONG_TYPE, t=[1.0, 2.0, 3.0]),
    _columns("times are text", "column 't'", "got type string", _WRONG_TYPE, t=["1", "2", "3"]),
    _columns("times are truths", "column 't'", "got type bool", _WRONG_TYPE, t=[True, True, True]),
    _columns("times are lists", "column 't'", "got type list", _WRONG_TYPE, t=[[1], [2], [3]]),
    _columns("times are dates", "column 't'", "got type date32", _WRONG_TYPE, t=pa.array([1, 2, 3], pa.date32())),
    _columns("times are all null", "column 't'", "got type null", _WRONG_TYPE, t=pa.nulls(3)),
    _columns("a time is null", "row 2", "column 't'", "got None", "wanted an integer", t=[1, None, 3]),
    _columns("times run backwards", "row 3", "column 't'", "got 1, wanted at least 2", t=[1, 2, 1]),
    _columns(
        "a time beyond 2**61", "row 3", "column 't'", f"got {2**61 + 1}", "wanted an integer", t=[1, 2, 2**61 + 1]
    ),
    _columns(
        "a time beyond 64 bits with a sign",
        "row 3",
        "column 't'",
        f"got {2**63 + 7}",
        "wanted an integer",
        t=pa.array([1, 2, 2**63 + 7], pa.uint64()),
    ),
    _columns("prices are text", "column 'p'", "got type string, wanted numbers", p=["1", "2", "3"]),
    _columns("prices are bytes", "column 'p'", "got type binary, wanted numbers", p=[b"1", b"2", b"3"]),
    _columns("prices are pickles", "column 'p'", "got type binary, wanted numbers", p=[PICKLE, PICKLE, PICKLE]),
    _columns("prices are records", "column 'p'", "got type struct", "wanted numbers", p=[{"x": 1}] * 3),
    _columns("a price is nan", "row 2", "column 'p'", "got nan", NUMBER, p=[1.0, float("nan"), 3.0]),
    _columns("a price is inf", "row 3", "column 'p'", "got inf", NUMBER, p=[1.0, 2.0, float("inf")]),
    _columns("a price is null", "row 2", "column 'p'", "got None", NUMBER, p=[1.0, None, 3.0]),
    _columns("a price is 0", "row 1", "column 'p'", "got 0.0", NUMBER, p=[0, 2, 3]),
    _columns("an integer price below 0", "row 2", "column 'p'", "got -2.0", NUMBER, p=[1, -2, 3]),
    _columns(
        "a decimal price below 0",
        "row 2",
        "column 'p'",
        "got -2.5",
        NUMBER,
        p=[Decimal("1.5"), Decimal("-2.5"), Decimal("3.5")],
    ),
    _columns("a quantity below 0", "row 3", "column 'q'", "got -1.0", NUMBER, q=[1.0, 1.0, -1.0]),
    _columns("a column is missing", "0 columns 'p' among t, q", p=None),
    _trades("no rows", parquet(pa.table(_NONE)), "got no trades"),
    _trades("a column is there twice", parquet(_TWICE), "2 columns 'p'"),
    _trades("a type that asks to be unpickled", parquet(_extension()), "row 2", "column 't'", "at least 1"),
    _trades("empty", b"", "cannot be read"),
    _trades("the magic bytes alone", b"PAR1PAR1", "cannot be read"),
    _trades("cut short", PARQUET_GOOD[:-100], "cannot be read"),
    _trades("a footer that lies about its length", PARQUET_GOOD[:-8] + b"\xff\xff\xff\x7fPAR1", "cannot be read"),
    _trades("a footer of zeros", PARQUET_GOOD[:-400] + bytes(392) + PARQUET_GOOD[-8:], "cannot be read"),
    _trades("data of zeros", PARQUET_GOOD[:4] + bytes(600) + PARQUET_GOOD[604:], "cannot be read"),
    _trades("CSV under the name of Parquet", GOOD, "cannot be read"),
    _trades("a pickle under the name of Parquet", PICKLE, "cannot be read"),
]
