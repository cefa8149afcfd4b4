"""The table of a sweep: Parquet sorted by cell id, the same bytes for the same rows, and a hash of its rows."""

from __future__ import annotations

import hashlib
import sqlite3
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import frozen

from experiments.sweep.cells import ID, table_of
from experiments.sweep.process import DONE, FAILED
from experiments.sweep.records import Record, counts, reading, records
from marketsim.errors import ConfigError, InputError, refusal, shown

_BATCH = 10_000
_EXACT = 2**53


@frozen
class Exported:
    """What `export` wrote: how many cells, how many are left out as failed, and the hash of the table."""

    rows: int
    failed: int
    table_hash: str


def table_hash(path: Path) -> str:
    """SHA-256 over the rows that are done, in the order of their ids: the same for the same results.

    Raises:
        InputError: a row is damaged.
    """
    with reading(path) as connection:
        return _Columns.of(connection, path).table_hash


def export(path: Path, out: Path) -> Exported:
    """Write the cells that are done as Parquet.

    A column for the id, one for each key of the cells, one for each of the rows, both by name. A column is of
    integers, of numbers (also where some are integers), of text, or of true and false; a value that a row lacks is
    null. Two passes over the store as it is now, in batches: memory does not grow with the number of cells.

    Raises:
        ConfigError: `out` is the store itself.
        InputError: a damaged row; a column of mixed kinds; a row that contradicts its cell.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if out.resolve() == path.resolve():
        raise ConfigError(f"{out} is the store itself, wanted another file for the table")
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(out.name + ".new")
    with reading(path) as connection:
        found = _Columns.of(connection, path)
        schema = pa.schema([(key, _arrow(pa, found.kinds[key])) for key in found.names])
        rows = (found.fitted(_row(record, path), path) for record in records(connection, DONE))
        with pq.ParquetWriter(beside, schema) as writer:
            while batch := list(islice(rows, _BATCH)):
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
        totals = counts(connection)
    beside.replace(out)
    return Exported(totals[DONE], totals[FAILED], found.table_hash)


@frozen
class _Columns:
    names: list[str]
    kinds: dict[str, str]
    table_hash: str

    @classmethod
    def of(cls, connection: sqlite3.Connection, path: Path) -> _Columns:
        own: dict[str, None] = {}
        kinds: dict[str, str] = {}
        hashed = hashlib.sha256()
        for record in records(connection, DONE):
            hashed.update(f"{record.id}\n{record.cell}\n{record.row}\n".encode())
            where = f"{path}, cell {record.id}"
            own |= dict.fromkeys(table_of(record.cell, where))
            for key, value in _row(record, path).items():
                kinds[key] = _joined(kinds.get(key, "none"), value, f"{where}, column {key!r}")
        kinds[ID] = "str"
        measured = sorted(key for key in kinds if key not in own and key != ID)
        return cls([ID, *sorted(own), *measured], kinds, hashed.hexdigest())

    def fitted(self, row: dict[str, Any], path: Path) -> dict[str, Any]:
        found = {}
        for key, value in row.items():
            whole = type(value) is int and self.kinds[key] == "float"
            if whole and abs(value) > _EXACT:
                where = f"{path}, cell {row[ID]}, column {key!r}"
                raise InputError(refusal(where, f"{value}, which is no exact 64-bit float", "one that is"))
            found[key] = float(value) if whole else value
        return found


def _row(record: Record, path: Path) -> dict[str, Any]:
    where = f"{path}, cell {record.id}"
    cell, row = (table_of(text, where) for text in (record.cell, record.row))
    for key in row:
        if key == ID or (key in cell and cell[key] != row[key]):
            wanted = "the cell's own value or another name"
            raise InputError(refusal(f"{where}, column {key!r}", f"{shown(row[key])} in its row", wanted))
    return {ID: record.id, **row, **cell}


def _joined(known: str, value: Any, where: str) -> str:
    kind = "none" if value is None else type(value).__name__
    if "none" in {known, kind}:
        return kind if known == "none" else known
    if known == kind:
        return known
    if {known, kind} == {"int", "float"}:
        return "float"
    raise InputError(refusal(where, shown(value), f"a value like those of other cells, of type {known}"))


def _arrow(pa: Any, kind: str) -> Any:
    types = {"int": pa.int64, "float": pa.float64, "str": pa.string, "bool": pa.bool_, "none": pa.null}
    return types[kind]()
