"""The rows of a store as they lie in its file, and reading them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from attrs import frozen

from experiments.sweep.cells import digest
from experiments.sweep.process import DONE, FAILED
from marketsim.errors import ConfigError, InputError

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


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection, which sees the store as it is now; a sweep may be writing meanwhile.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such store")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=LOCK_SECONDS)) as found:
            found.execute("BEGIN")
            yield found
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged file gets into SQLite's own words
        raise InputError(f"{path} is damaged or is no store: {error}") from error


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
        raise ConfigError(f"cell {name!r}: the store has no row of it, neither done nor failed")
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
            raise InputError(f"the row of cell {record.id} is damaged; see `marketsim sweep verify`")
        yield record
