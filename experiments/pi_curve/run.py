"""The pi-curve study as a whole: run, summarise, draw, write."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.manifest import manifest, write_manifest
from experiments.pi_curve.cell import rehearse
from experiments.pi_curve.config import Study, dumps, to_dict
from experiments.pi_curve.report import figures, page, summary
from experiments.pi_curve.report.findings import Findings
from experiments.pi_curve.runner import run_stored
from experiments.pi_curve.sweeping import settings_of, task_of
from experiments.sweep.runner import version_here

STORE = "cells.sqlite"


def run(study: Study, out: Path, *, fills: bool = False, **settings: Any) -> pd.DataFrame:
    """Run a study and leave its results in the folder `out`; returns the table of cells.

    `out` then holds cells.parquet (a row per cell), summary.parquet (means, errors, paired differences), pi_curve.png,
    summary.md, report.html, config.toml, manifest.json, and with `fills` the fill log of every run in fills/.
    From its first cell on it holds cells.sqlite, to which each finished cell is committed: the same call continues an
    interrupted one there.

    Args:
        settings: `fresh`, `advance`, `jobs`, `backend`, `address` and `tell`, as in `run_stored` and `run_sweep`.

    Raises:
        ConfigError: a variant cannot run, or a contrast cannot be answered, before any cell has run; or `out` holds
            the cells of other code or another study.
        IncompleteStudyError: cells failed; there is no report of the rest.
        KeyboardInterrupt: the user pressed Ctrl-C.
    """
    task = task_of(settings_of(study, out / "fills" if fills else None))
    with ThreadPoolExecutor(1) as beside:  # a second for a process of its own, in which this one can rehearse
        version = beside.submit(version_here, task)
        rehearse(study)
    out.mkdir(parents=True, exist_ok=True)
    if fills:
        (out / "fills").mkdir(exist_ok=True)
    cells = run_stored(study, task, version.result(), out / STORE, **settings)
    found = Findings.of(study, cells)
    cells.to_parquet(out / "cells.parquet", index=False)
    found.summary.to_parquet(out / "summary.parquet", index=False)
    figures.draw(found, out / "pi_curve.png")
    (out / "summary.md").write_text(summary.write(found), encoding="utf-8")
    (out / "report.html").write_text(page.write(found), encoding="utf-8")
    (out / "config.toml").write_text(dumps(study), encoding="utf-8")
    names = ("cells.parquet", "summary.parquet", "pi_curve.png", "summary.md", "report.html", "config.toml")
    write_manifest(out / "manifest.json", manifest(to_dict(study), cells, [out / name for name in names]))
    return cells
