"""The pi-curve study as a whole: run, summarise, draw, write."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.manifest import manifest, write_manifest
from experiments.pi_curve import picture, report, summary
from experiments.pi_curve.cell import rehearse
from experiments.pi_curve.config import Study, dumps, to_dict
from experiments.pi_curve.runner import Advance, InterruptedStudyError, run_study
from experiments.statistics import summarise


def run(study: Study, out: Path, *, jobs: int = 1, advance: Advance | None = None, fills: bool = False) -> pd.DataFrame:
    """Run a study and leave its results in the folder `out`; returns the table of cells.

    `out` then holds cells.parquet (a row per cell), summary.parquet (means, errors, paired differences), pi_curve.png,
    summary.md, report.html, config.toml, manifest.json, and with `fills` the fill log of every run in fills/.
    Interrupted, it holds cells.partial.parquet with the cells that had finished.

    Raises:
        ConfigError: a variant cannot run, or a contrast cannot be answered; before any cell has run.
        InterruptedStudyError: the user pressed Ctrl-C.
    """
    rehearse(study)
    out.mkdir(parents=True, exist_ok=True)
    folder = out / "fills" if fills else None
    if folder is not None:
        folder.mkdir(exist_ok=True)
    try:
        cells = run_study(study, jobs=jobs, advance=advance, fills=folder)
    except InterruptedStudyError as stopped:
        pd.DataFrame(stopped.rows).to_parquet(out / "cells.partial.parquet", index=False)
        raise
    curves = summarise(cells)
    cells.to_parquet(out / "cells.parquet", index=False)
    curves.to_parquet(out / "summary.parquet", index=False)
    picture.draw(study, cells, curves, out / "pi_curve.png")
    (out / "summary.md").write_text(summary.write(study, cells, curves), encoding="utf-8")
    report.write(study, cells, curves, out / "report.html")
    (out / "config.toml").write_text(dumps(study), encoding="utf-8")
    (out / "cells.partial.parquet").unlink(missing_ok=True)
    names = ("cells.parquet", "summary.parquet", "pi_curve.png", "summary.md", "report.html", "config.toml")
    write_manifest(out / "manifest.json", manifest(to_dict(study), cells, [out / name for name in names]))
    return cells
