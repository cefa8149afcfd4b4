"""The rows of a store as they lie in its file, and reading them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from experiments.sweep.cells import digest, parsed, table_of
from experiments.sweep.process import DONE, FAILED
from marketsim.errors import ConfigError, InputError, refusal, shown

FORMAT = "marketsim sweep 1"
TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, checksum TEXT NOT NULL) WITHOUT ROWID",
    (
        "CREATE TABLE cells (id TEXT PRIMARY KEY, state TEXT NOT NULL, cell TEXT NOT NULL, row TEXT NOT NULL, "
        "checksum TEXT NOT NULL) WITHOUT ROWID"
    ),
)
_MODULUS = 2**256
LOCK_SECONDS = 10


@frozen
class Record:
    """A cell of a store: its id, "done" or "failed", the cell, and its row or error, all as text."""

    id: str
    state: str
    cell: str
    row: str

    @property
    def checksum(self) -> str:
        """SHA-256 over all of it; canonical JSON has no line ends."""
        return digest("\n".join((self.id, self.state, self.cell, self.row)))


@frozen
class Totals:
    """The number of rows, and the sum of their checksums as 256-bit integers: the same in any order."""

    rows: int = 0
    total: int = 0

    def plus(self, checksum: str) -> Totals:
        return Totals(self.rows + 1, (self.total + int(checksum, 16)) % _MODULUS)

    def minus(self, checksum: str) -> Totals:
        return Totals(self.rows - 1, (self.total - int(checksum, 16)) % _MODULUS)

    def text(self) -> str:
        return f"{self.rows} {self.total:064x}"

    @classmethod
    def read(cls, text: str) -> Totals:
        rows, total = text.split()
        return cls(int(rows), int(total, 16))


def meta_checksum(key: str, value: str) -> str:
    """The checksum of an entry about the store."""
    return digest(f"{key}\n{value}")


@frozen
class About:
    """What a store says of itself to those who read it: text and tables, as data and never as a name to import.

    Args:
        target: the function of the sweep, "module:function".
        config: its settings.
        cells: what listed the cells, as tables.
    """

    target: str
    config: dict[str, Any] | None
    cells: dict[str, Any]


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection, which sees the store as it is now; a sweep may be writing meanwhile.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    if not path.is_file():
        raise InputError(refusal(str(path), "no such store", "the file of a sweep"))
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=LOCK_SECONDS)) as found:
            found.execute("BEGIN")
            yield found
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged file gets into SQLite's own words
        raise InputError(
            refusal(str(path), f"a damaged file or another one ({error})", "the store of a sweep")
        ) from error


def about_of(connection: sqlite3.Connection, path: Path) -> About:
    """What a store says of its function, settings and cells.

    Raises:
        InputError: it has other tables than a store, or an entry that is missing or of another kind.
    """
    # Of other tables one may be a view, which computes what it likes for as long as it likes.
    tables = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema ORDER BY name DESC")]
    if tables != list(TABLES):
        raise InputError(refusal(str(path), f"the tables {shown(tables)}", "those of the store of a sweep"))
    meta = meta_of(connection)
    where = {key: f"{path}, entry {key!r}" for key in ("target", "config", "cells")}
    target = parsed(meta.get("target"), where["target"])
    if type(target) is not str:
        raise InputError(refusal(where["target"], shown(target), "text"))
    config = None if meta.get("config") == "null" else table_of(meta.get("config"), where["config"])
    return About(target, config, table_of(meta.get("cells"), where["cells"]))


def meta_of(connection: sqlite3.Connection) -> dict[str, str]:
    """What a store says of itself, as text by key."""
    return dict(connection.execute("SELECT key, value FROM meta ORDER BY key"))


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """The number of cells by state."""
    found = dict(connection.execute("SELECT state, count(*) FROM cells GROUP BY state"))
    return {DONE: found.get(DONE, 0), FAILED: found.get(FAILED, 0)}


def cell_of(connection: sqlite3.Connection, name: str) -> str:
    """The canonical text of a cell by its id.

    Raises:
        ConfigError: it is not there.
    """
    found = connection.execute("SELECT cell FROM cells WHERE id = ?", [name]).fetchone()
    if found is None:
        raise ConfigError(f"cell {shown(name)}: the store has no row of it, neither done nor failed")
    return str(found[0])


def records(connection: sqlite3.Connection, state: str) -> Iterator[Record]:
    """The cells in a state, in the order of their ids, one at a time.

    Raises:
        InputError: a row is not what its checksum says.
    """
    query = "SELECT id, state, cell, row, checksum FROM cells WHERE state = ? ORDER BY id"
    for *values, checksum in connection.execute(query, [state]):
        record = Record(*values)
        if record.checksum != checksum:
            got = "a row that is damaged"
            wanted = "one that matches its checksum; see `marketsim sweep verify`"
            [_, _, file] = connection.execute("PRAGMA database_list").fetchone()
            raise InputError(refusal(f"{file}, cell {shown(record.id, str)}", got, wanted))
        yield record


def failure_of(record: Record, path: Path) -> str:
    """The error of a failed cell.

    Raises:
        InputError: its row does not hold one.
    """
    where = f"{path}, cell {shown(record.id, str)}"
    told = table_of(record.row, where)
    if type(told.get("error")) is not str:
        raise InputError(refusal(where, shown(told), "a row with its error"))
    return str(told["error"])
