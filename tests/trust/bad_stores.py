"""A catalogue of bad stores of sweeps: sound SQLite files and sound checksums around things that no sweep writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from experiments.sweep.cells import canonical
from experiments.sweep.records import FORMAT, TABLES, Record, Totals, meta_checksum
from tests.trust.bad_files import CANARY, GOOD, PICKLE, BadFile

TARGET = "module:run"
"""The function that the command to replay a cell names."""
CELL = "0" * 32
_DEEP = "[" * 100_000
_ENDLESS = (
    "CREATE VIEW meta AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n) "
    "SELECT key, key AS value, key AS checksum FROM n"
)


def store(*, row: str = "{}", cell: str = '{"x":1}', state: str = "failed", lost: str = "", **about: str) -> bytes:
    """A store of one cell whose checksums are right.

    Args:
        row, cell, state: of the cell.
        lost: an entry about the store that is left out.
        about: changed entries.
    """
    record = Record(CELL, state, cell, row)
    parts = {"target": canonical(TARGET), "config": "null", "code": "{}", "plugins": "{}", "libraries": "{}"}
    whole = {
        "format": canonical(FORMAT),
        "cells": '{"axes":{"x":[1]}}',
        "totals": Totals().plus(record.checksum).text(),
    }
    entries = {key: text for key, text in (parts | whole | about).items() if key != lost}
    with closing(sqlite3.connect(":memory:")) as connection:
        for table in TABLES:
            connection.execute(table)
        values = [(key, text, meta_checksum(key, text)) for key, text in entries.items()]
        connection.executemany("INSERT INTO meta VALUES (?, ?, ?)", values)
        connection.execute("INSERT INTO cells VALUES (?, ?, ?, ?, ?)", [CELL, state, cell, row, record.checksum])
        return bytes(connection.serialize())


def _tables(*tables: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        for table in tables:
            connection.execute(table)
        return bytes(connection.serialize())


def _bad(how: str, content: bytes | None, *words: str, reader: str = "replay") -> BadFile:
    return BadFile(how, reader, "s.sqlite", content, words)


def _both(how: str, content: bytes | None, *words: str) -> list[BadFile]:
    return [_bad(how, content, *words, reader=reader) for reader in ("replay", "status")]


_SHELL = {"target": '"os:system"', "config": canonical(f"touch {CANARY}")}
_CODE = {"target": '"os:system"', "config": canonical({"command": f"touch {CANARY}"})}

CATALOGUE: list[BadFile] = [
    _bad("a shell for its function", store(**_SHELL), "entry 'config'", f"got 'touch {CANARY}', wanted a table"),
    _bad(
        "another function than the command",
        store(**_CODE),
        "entry 'target'",
        f"got 'os:system', wanted {TARGET}, as the command says",
    ),
    *_both("a function that is a number", store(target="7"), "entry 'target'", "got 7, wanted text"),
    *_both("a function cut off", store(target='"os:sys'), "entry 'target'", "got '\"os:sys', wanted JSON text"),
    *_both("no function", store(lost="target"), "entry 'target'", "got None, wanted JSON text"),
    *_both("settings that are a list", store(config="[1]"), "entry 'config'", "got [1], wanted a table"),
    *_both("settings nested without end", store(config=_DEEP), "entry 'config'", "wanted JSON text"),
    *_both("cells that are a number", store(cells="7"), "entry 'cells'", "got 7, wanted a table"),
    *_both("endless tables", _tables(_ENDLESS, TABLES[1]), "got the tables", "wanted those of the store of a sweep"),
    *_both("another database", _tables("CREATE TABLE t (x)"), "got the tables ['CREATE TABLE t (x)']"),
    *_both("empty", b"", "got the tables []"),
    *_both("CSV", GOOD * 100, "(file is not a database)"),
    *_both("a pickle", PICKLE, "(file is not a database)"),
    *_both("cut short", store()[:5000], "got a damaged file or another one"),
    *_both("a folder", None, "got no such store"),
    _bad(
        "cells of another axis",
        store(cells='{"axes":{"x":"abc"}}'),
        "entry 'cells'",
        "axes.x: got 'abc', wanted a list",
        reader="status",
    ),
    _bad("an error that is none", store(row="{}"), f"cell {CELL}", "got {}, wanted a row", reader="status"),
    _bad("an error cut off", store(row='{"error'), f"cell {CELL}", "wanted JSON text", reader="status"),
    _bad(
        "a row that is a number", store(row="7", state="done"), f"cell {CELL}", "got 7, wanted a table", reader="export"
    ),
    _bad("a cell cut off", store(cell='{"x', state="done"), f"cell {CELL}", "wanted JSON text", reader="export"),
]
