"""Sweeps for the tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from experiments.sweep.cells import canonical, cell_id
from experiments.sweep.records import Record, counts, reading, records
from experiments.sweep.runner import run_sweep, version_here
from experiments.sweep.store import Store
from experiments.sweep.task import Task, Version

HERE = str(Path(__file__).parent)
MADE_UP = Version(
    {"target": '"module:run"', "config": "null", "code": '{"module":"abc"}', "plugins": "{}", "libraries": "{}"}
)


def task(name: str = "trivial", config=None) -> Task:
    return Task(f"functions:{name}", config, (HERE,))


@cache
def version(name: str = "trivial") -> Version:
    return version_here(task(name))


def cells(number: int) -> list[dict]:
    return [{"x": x, "seed": seed} for x in range(number // 2) for seed in range(2)]


def sweep(path: Path, asked, name: str = "trivial", **settings):
    with Store.open(path, version(name), {}) as store:
        return run_sweep(task(name), asked, store, **settings)


def counted(path: Path) -> dict[str, int]:
    with reading(path) as connection:
        return counts(connection)


def records_of(path: Path, state: str) -> list[Record]:
    with reading(path) as connection:
        return list(records(connection, state))


def record(number: int, state: str = "done", version: Version = MADE_UP) -> Record:
    cell = {"x": number}
    row = {"y": number / 7, "text": f"row number {number}"} if state == "done" else {"error": "E", "replay": "r"}
    return Record(cell_id(cell, version.digest), state, canonical(cell), canonical(row))


def filled(path: Path, rows: int) -> Path:
    with Store.open(path, MADE_UP, {}) as store:
        for number in range(rows):
            store.write([record(number)])
    return path
