"""Runs the cells of a study, in parallel where asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from joblib import Parallel, delayed

from experiments.pi_curve.cell import Cell, cells_of, run_cell
from experiments.pi_curve.config import Study

Advance = Callable[[int], None]


class InterruptedStudyError(Exception):
    """The user stopped a study; `rows` are the cells that had finished."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        super().__init__(f"interrupted after {len(rows)} cells")
        self.rows = rows


def run_study(
    study: Study, *, jobs: int = 1, advance: Advance | None = None, fills: Path | None = None
) -> pd.DataFrame:
    """Run every cell; the table has one row per cell, in the order of `cells_of`, whatever the number of jobs.

    Args:
        jobs: processes; 1 runs in this one.
        advance: called with 1 after every finished cell.
        fills: a folder to write every run's fill log into, as Parquet.

    Raises:
        InterruptedStudyError: the user pressed Ctrl-C; it carries the finished cells.
    """
    cells = cells_of(study)
    studies = study.resolved()
    tasks = [(studies[cell.variant], cell, fills) for cell in cells]
    rows: list[dict[str, Any]] = []
    try:
        for row in _rows(tasks, jobs):
            rows.append(row)
            if advance is not None:
                advance(1)
    except KeyboardInterrupt:
        raise InterruptedStudyError(rows) from None
    return pd.DataFrame(rows)


def _rows(tasks: list[tuple[Study, Cell, Path | None]], jobs: int) -> Iterator[dict[str, Any]]:
    if jobs == 1:
        return (_one(*task) for task in tasks)
    results: Iterator[dict[str, Any]] = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_one)(*task) for task in tasks
    )
    return results


def _one(study: Study, cell: Cell, fills: Path | None) -> dict[str, Any]:
    row, result = run_cell(study, cell)
    if fills is not None:
        name = f"{quote(cell.variant, safe='')}-{cell.mechanism}-{cell.pi}-{cell.seed}.parquet"
        result.fills.frame().to_parquet(fills / name)
    return row
