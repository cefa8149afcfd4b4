"""What is wrong with a store: every byte against the seal, every row against its checksum, all rows against the sum."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from experiments.sweep.cells import canonical, cell_id, parsed
from experiments.sweep.log import lost_pages
from experiments.sweep.process import DONE, FAILED
from experiments.sweep.records import FORMAT, TABLES, Record, Totals, meta_checksum, reading
from experiments.sweep.seal import broken_pages, cells_in
from experiments.sweep.task import PARTS, Version
from marketsim.errors import InputError, refusal

_KEYS = sorted([*PARTS, "cells", "format", "totals"])


@frozen
class Check:
    """What `verify` found.

    Args:
        problems: what is wrong, each naming the row or the page; none if all is well.
        rows: rows that are whole.
        sealed: whether there is a seal; without one, bytes that belong to no row are not covered.
    """

    problems: tuple[str, ...]
    rows: int
    sealed: bool


def verify(path: Path, *, log: bool = True) -> Check:
    """Read a whole store and say what is wrong with it.

    Args:
        path: the file.
        log: whether commits that a damaged log has lost are a problem, or no more than cells to compute again.

    Raises:
        InputError: there is no such file.
    """
    if not path.is_file():
        raise InputError(refusal(str(path), "no such store", "the file of a sweep"))
    pages = broken_pages(path)
    problems, rows = list(pages or []), 0
    try:
        with reading(path) as connection:
            # Bytes that are no text are kept, and told from those that are.
            connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            problems += _structure(connection)
            meta = _meta(connection, problems)
            rows = _rows(connection, meta, problems)
            if log and (pages_lost := lost_pages(path)):
                problems.append(_lost(connection, pages_lost))
    except InputError as error:
        problems.append(str(error))
    return Check(tuple(problems), rows, pages is not None)


def _structure(connection: sqlite3.Connection) -> Iterator[str]:
    for (said,) in connection.execute("PRAGMA integrity_check(20)"):
        if said != "ok":
            yield f"structure: {said}"
    tables = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema ORDER BY name DESC")]
    if tables != list(TABLES):
        yield f"structure: got the tables {tables}, wanted {list(TABLES)}"


def _meta(connection: sqlite3.Connection, problems: list[str]) -> dict[str, str]:
    found = {}
    for key, value, checksum in connection.execute("SELECT key, value, checksum FROM meta ORDER BY key"):
        if not (type(key) is type(value) is str) or meta_checksum(key, value) != checksum:
            problems.append(f"the entry {key!r} about the store does not match its checksum")
        found[key] = value
    if sorted(found, key=str) != _KEYS:
        problems.append(f"entries about the store: got {list(found)}, wanted {_KEYS}")
    elif found["format"] != canonical(FORMAT):
        problems.append(f"format: got {found['format']}, wanted {canonical(FORMAT)}")
    return found


def _rows(connection: sqlite3.Connection, meta: dict[str, str], problems: list[str]) -> int:
    parts = {key: meta.get(key, "") for key in PARTS}
    version = Version(parts).digest
    totals, whole = Totals(), 0
    # In the order of the table itself: a lookup by id would miss a row whose id was changed.
    query = "SELECT id, state, cell, row, checksum FROM cells NOT INDEXED"
    for number, (*values, checksum) in enumerate(connection.execute(query), 1):
        fault = _fault(values, checksum, version)
        if fault:
            problems.append(f"row {number}, cell {values[0]}: {fault}")
        else:
            whole += 1
            totals = totals.plus(checksum)
    if meta.get("totals") != totals.text():
        problems.append(f"totals: got {totals.text()} over the rows that are whole, wanted {meta.get('totals')}")
    return whole


def _lost(connection: sqlite3.Connection, pages: list[bytes]) -> str:
    names = dict.fromkeys(name for page in pages for name in cells_in(page))
    query = "SELECT count(*) FROM cells WHERE id = ?"
    gone = [name for name in names if connection.execute(query, [name]).fetchone() == (0,)]
    return f"log: {len(pages)} of its pages were committed and cannot be read; lost with them: cells {', '.join(gone)}"


def _fault(values: list[object], checksum: object, version: str) -> str:
    if any(type(value) is not str for value in (*values, checksum)):
        return f"got values of type {[type(value).__name__ for value in (*values, checksum)]}, wanted text"
    record = Record(*map(str, values))
    if record.checksum != checksum:
        return "its content does not match its checksum"
    if record.state not in {DONE, FAILED}:
        return f"got the state {record.state!r}, wanted {DONE} or {FAILED}"
    try:
        if cell_id(parsed(record.cell, "its cell"), version) != record.id:
            return "its id is not that of its cell"
    except InputError as error:
        return str(error)
    return ""
