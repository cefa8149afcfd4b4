"""Where finished cells are kept: an SQLite file with one writer, a checksum per row, and a seal over the whole.

A commit is in the file when `write` returns: the write-ahead log is synced at every commit, so that neither a killed
process nor a lost machine takes back a cell that was reported. Two running totals, the number of rows and the sum of
their checksums, change in the same commit: a row that is missing, or there twice, is found.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from attrs import define, field

from experiments.sweep.cells import canonical, parsed
from experiments.sweep.process import DONE, differences
from experiments.sweep.records import (
    FORMAT,
    LOCK_SECONDS,
    TABLES,
    Record,
    Totals,
    counts,
    meta_checksum,
    meta_of,
    reading,
)
from experiments.sweep.seal import remove_seal, seal_path, write_seal
from experiments.sweep.task import Version
from experiments.sweep.verify import verify
from marketsim.errors import ConfigError, InputError, MarketsimError, refusal

_READER_MILLISECONDS = 1000


class StoreError(MarketsimError, RuntimeError):
    """A store cannot be written: the disk is full, or another sweep has it. What was committed is safe."""


@define
class Store:
    """A store that is open for writing; close it, or use it as a context."""

    path: Path
    version: Version
    _connection: sqlite3.Connection
    _lock: sqlite3.Connection
    _totals: Totals = field(factory=Totals)

    @classmethod
    def open(cls, path: Path, version: Version, asked: Mapping[str, Any], *, fresh: bool = False) -> Store:
        """Open a store, or make one.

        Args:
            path: the file.
            version: what computes the cells.
            asked: what lists the cells, as TOML can hold it.
            fresh: throw away what is there.

        Raises:
            ConfigError: the store was made by other code, settings or cells; the message says what changed.
            InputError: the file is damaged, or is no store.
            StoreError: another process writes it.
        """
        path = path.resolve()  # a link must not lead past the lock
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked(path)
        try:
            if fresh:
                _delete(path)
            about = {"format": canonical(FORMAT), **version.parts, "cells": canonical(dict(asked))}
            _roll_back(path)
            if _begun(path):
                _refuse_damage(path)
                _refuse_changes(path, about)
            remove_seal(path)
            connection = _connected(path)
            with told(path):
                totals = _prepared(connection, about)
        except BaseException:
            lock.close()
            raise
        return cls(path, version, connection, lock, totals)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def done(self, ids: Iterable[str]) -> list[str]:
        """Those of the ids whose cells are done."""
        wanted = list(ids)
        marks = ",".join("?" * len(wanted))
        query = f"SELECT id FROM cells WHERE state = ? AND id IN ({marks})"  # noqa: S608 - question marks alone
        with told(self.path):
            return [found for (found,) in self._connection.execute(query, [DONE, *wanted])]

    def counts(self) -> dict[str, int]:
        """The number of cells by state."""
        return counts(self._connection)

    def write(self, records: list[Record]) -> None:
        """Commit records in one transaction; a failed cell that was tried again is replaced.

        Raises:
            StoreError: the disk is full or refuses; nothing of `records` is written, all before them is.
        """
        totals = self._totals
        with told(self.path):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                for record in records:
                    before = self._connection.execute("SELECT checksum FROM cells WHERE id = ?", [record.id]).fetchone()
                    totals = (totals.minus(before[0]) if before else totals).plus(record.checksum)
                    values = (record.id, record.state, record.cell, record.row, record.checksum)
                    self._connection.execute("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?)", values)
                _set_meta(self._connection, "totals", totals.text())
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        self._totals = totals

    def close(self) -> None:
        """Bring the file to rest: the log is merged into it and the seal written.

        While somebody reads, the log may have to stay: it is then part of the store, which has no seal.
        """
        try:
            with told(self.path):
                self._connection.execute(f"PRAGMA busy_timeout = {_READER_MILLISECONDS}")
                [stays, *_] = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            # A file at rest needs no log beside it, and reading one then leaves nothing behind. Somebody who reads at
            # this moment keeps the log, which is empty, and is not worth waiting for.
            with suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA busy_timeout = 0")
                self._connection.execute("PRAGMA journal_mode = DELETE")
            self._connection.close()
            if not stays:
                write_seal(self.path)
        finally:
            self._connection.close()
            self._lock.close()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say of a store what SQLite says of a statement."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"{path} cannot be written: {error}. What was committed before is safe: the same command continues once "
            "there is room"
        ) from error
    except sqlite3.DatabaseError as error:
        raise InputError(
            refusal(str(path), f"a damaged file or another one ({error})", "the store of a sweep")
        ) from error


def _roll_back(path: Path) -> None:
    # SQLite keeps a journal while it changes to its log and back. Killed then, it is for a writer to roll back:
    # a reader is refused.
    if path.with_name(path.name + "-journal").exists():
        with told(path), closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def _begun(path: Path) -> bool:
    # A process killed before its first commit leaves a file without tables: as good as none, unless it was sealed.
    if not path.exists():
        return False
    try:
        with reading(path) as connection:
            tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    except InputError:
        return True
    return bool(tables) or seal_path(path).exists()


def _refuse_damage(path: Path) -> None:
    # Cells that a damaged log has lost are computed again: no reason to refuse the others.
    if problems := verify(path, log=False).problems:
        raise InputError(
            f"{path} is damaged: {problems[0]}. `marketsim sweep verify {path}` lists all; put back a copy, or begin "
            "again with --fresh"
        )


def _refuse_changes(path: Path, about: Mapping[str, str]) -> None:
    with reading(path) as connection:
        known = meta_of(connection)
    known.pop("totals", None)
    for key, text in known.items():
        parsed(text, f"{path}, entry {key!r}")
    if changed := differences(known, about):
        raise ConfigError(
            f"{path} was made by something else: {'; '.join(changed)}. Use --fresh to throw it away, or another file"
        )


def _prepared(connection: sqlite3.Connection, about: Mapping[str, str]) -> Totals:
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
        for table in TABLES:
            connection.execute(table)
        for key, value in about.items():
            _set_meta(connection, key, value)
        _set_meta(connection, "totals", Totals().text())
    connection.execute("COMMIT")
    return Totals.read(meta_of(connection)["totals"])


def _set_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", [key, value, meta_checksum(key, value)])


def _connected(path: Path) -> sqlite3.Connection:
    with told(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=LOCK_SECONDS)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def _locked(path: Path) -> sqlite3.Connection:
    # SQLite's own locks let go between two commits. The lock of this second, empty file is held to the end, and by
    # no dead process.
    with told(path):
        lock = sqlite3.connect(path.with_name(path.name + ".lock"), isolation_level=None, timeout=0)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            lock.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise StoreError(f"{path}: another sweep writes it; wait for it, or name another store") from error
    return lock


def _delete(path: Path) -> None:
    remove_seal(path)
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
