"""A study as a sweep: its cells, and the function of a cell that the workers call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import asdict

from experiments.digests import file_digest
from experiments.pi_curve.cell import Cell, cells_of, run_cell
from experiments.pi_curve.config import Study, from_dict, to_dict
from experiments.sweep.cells import Grid
from experiments.sweep.task import Task


def grid_of(study: Study) -> Grid:
    """The cells of a study, in the order of `cells_of`."""
    return Grid(cells=map(asdict, cells_of(study)))


def settings_of(study: Study, fills: Path | None = None) -> dict[str, Any]:
    """What all cells of a study share, as JSON can hold it.

    Args:
        study: the whole one.
        fills: a folder to write every run's fill log into, as Parquet. It is part of the version, by its full path: a
            cell that is done has its log there.
    """
    return {"study": to_dict(study), "fills": str(fills.resolve()) if fills else "", "data": _data(study)}


def task_of(settings: Mapping[str, Any]) -> Task:
    """What the workers of a sweep over a study compute; `settings` are those of `settings_of`."""
    return Task("experiments.pi_curve.sweeping:function_of", settings)


def function_of(settings: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """The function of a cell that answers its row of the study's table; `settings` are those of `settings_of`."""
    studies = from_dict(settings["study"], "study of a sweep").resolved()
    fills = Path(settings["fills"]) if settings["fills"] else None

    def row_of(values: Mapping[str, Any]) -> dict[str, Any]:
        cell = Cell(**values)
        row, result = run_cell(studies[cell.variant], cell)
        if fills is not None:
            name = f"{quote(cell.variant, safe='')}-{cell.mechanism}-{cell.pi}-{cell.seed}.parquet"
            result.fills.frame().to_parquet(fills / name)
        return row

    return row_of


def _data(study: Study) -> dict[str, str]:
    # Recorded prices decide rows as much as the code does; a file that is not there is the rehearsal's to refuse.
    paths = dict.fromkeys(own.world.path for own in study.resolved().values() if own.world.kind == "historical")
    return {path: file_digest(Path(path)) for path in paths if Path(path).is_file()}
