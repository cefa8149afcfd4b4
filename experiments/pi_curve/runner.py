"""Runs the cells of a study: into a store from which it resumes, or into memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from experiments.pi_curve.config import Study
from experiments.pi_curve.sweeping import function_of, grid_of, settings_of, task_of
from experiments.progress import Advance
from experiments.sweep.cells import cell_id
from experiments.sweep.pools import check_backend
from experiments.sweep.process import DONE, FAILED
from experiments.sweep.records import Record, reading, records
from experiments.sweep.runner import run_sweep, version_here
from experiments.sweep.store import Store
from experiments.sweep.task import Task, Version
from experiments.sweep.worker import row_text
from marketsim.errors import MarketsimError

_NAMED = 5


class IncompleteStudyError(MarketsimError, RuntimeError):
    """Cells of a study failed; the others are in its store."""

    def __init__(self, path: Path, failed: Sequence[Record], cells: int) -> None:
        told = [(record.cell, json.loads(record.row)) for record in failed]
        lines = [f"  {cell}: {said['error']}\n    {said['replay']}" for cell, said in told[:_NAMED]]
        more = [f"  and {len(failed) - _NAMED} more: marketsim sweep status {path}"] if len(failed) > _NAMED else []
        what = f"{len(failed)} of {cells} cells failed, so there is no table; the same command tries them again"
        super().__init__("\n".join([what, *lines, *more]))


def run_study(study: Study, *, jobs: int = 1) -> pd.DataFrame:
    """Run every cell; the table has one row per cell, in the order of `cells_of`, whatever the number of jobs.

    Args:
        jobs: processes; 1 runs in this one, where an error in a cell is raised as it is.

    Raises:
        IncompleteStudyError: a cell failed in another process; its store is gone, and one job shows the error.
    """
    shared = settings_of(study)
    if jobs == 1:
        compute = function_of(shared)
        return pd.DataFrame([json.loads(row_text(compute(cell))) for cell in grid_of(study)])
    task = task_of(shared)
    with TemporaryDirectory() as folder:
        return run_stored(study, task, version_here(task), Path(folder) / "cells.sqlite", jobs=jobs)


def run_stored(
    study: Study,
    task: Task,
    version: Version,
    path: Path,
    *,
    fresh: bool = False,
    advance: Advance | None = None,
    **settings: Any,
) -> pd.DataFrame:
    """Run the cells that a store lacks; the table of all, as `run_study` gives it.

    Args:
        task: as `task_of` gives it.
        version: of the task.
        path: the store.
        fresh: throw away what it holds.
        advance: called with the number of cells that are there, if any, and then with that of every commit.
        settings: of `run_sweep`.

    Raises:
        ConfigError: the store is of other code, another study or other recorded prices; the message says what changed.
        IncompleteStudyError: cells failed.
        KeyboardInterrupt: the user pressed Ctrl-C; what was finished is in the store.
    """
    asked = grid_of(study)
    check_backend(settings.get("backend", "local"))
    with Store.open(path, version, asked.to_dict(), fresh=fresh) as store:
        before = store.counts()[DONE]
        if before and advance is not None:
            advance(before)
        run_sweep(task, asked, store, advance=advance, **settings)
    with reading(path) as connection:
        if failed := list(records(connection, FAILED)):
            raise IncompleteStudyError(path, failed, len(asked))
        rows = {record.id: json.loads(record.row) for record in records(connection, DONE)}
    return pd.DataFrame([rows[cell_id(cell, version.digest)] for cell in asked])
