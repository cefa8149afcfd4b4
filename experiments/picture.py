"""The picture of a pi-curve study: one row of panels per variant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.config import Snipers, Study
from experiments.statistics import best_interval
from experiments.summary import stale_window

# Okabe and Ito's palette, which colour-blind readers can tell apart.
_BLUE, _ORANGE, _GREEN, _BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"


def draw(study: Study, cells: pd.DataFrame, summary: pd.DataFrame, path: Path) -> None:
    """Write the picture: gains, the cost of waiting, and the sniping share or the LP's markout, against pi.

    Points are means over seeds, horizontal lines the CLOB's. Bars are two standard errors of the difference to the CLOB
    at the same seed, or of the mean where the study has no CLOB.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    studies = study.resolved()
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(13, 3.6 * len(studies) + 0.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(studies), 3, squeeze=False)
        for row, (variant, own) in zip(axes, studies.items(), strict=True):
            curves = summary[summary["variant"] == variant]
            _gains(row[0], own, curves, variant)
            _waiting(row[1], curves, cells[cells["variant"] == variant])
            _third(row[2], own, curves)
            for panel in row:
                _pi_axis(panel, own)
        figure.suptitle(study.title or study.name, fontsize=12, fontweight="bold")
        figure.savefig(path, dpi=110)


def _gains(panel: Any, study: Study, curves: pd.DataFrame, variant: str) -> None:
    takers = "sniper" if isinstance(study.population, Snipers) else "informed"
    _curve(panel, curves, "lp_pnl", "liquidity provider", _BLUE)
    _curve(panel, curves, f"{takers}_pnl", f"{takers} traders", _ORANGE)
    panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    _title(panel, "who gains" if variant == "base" else f"{variant}: who gains")
    panel.set_ylabel("money per run, at fair value when filled")
    panel.legend(frameon=False)


def _waiting(panel: Any, curves: pd.DataFrame, cells: pd.DataFrame) -> None:
    _curve(panel, curves, "shortfall_per_lot", "noise and investors, unfilled lots included", _GREEN)
    _curve(panel, curves, "delay_sd", "risk of the wait (standard deviation)", _ORANGE)
    best = best_interval(cells)
    if best is not None and best.pi > 0 and not best.flat:
        certainty = "interior optimum" if best.interior else "at the end of the range"
        panel.axvline(best.pi, color=_GREEN, linewidth=0.8, linestyle=":", zorder=0)
        text = f"lowest at pi = {best.pi} ({certainty}; {len(best.rivals)} others as low, as far as can be told)"
        panel.text(0.02, 0.02, text, transform=panel.transAxes, fontsize=8, color=_GREEN)
    _title(panel, "cost of trading at once")
    panel.set_ylabel("money per lot")
    panel.legend(frameon=False)


def _third(panel: Any, study: Study, curves: pd.DataFrame) -> None:
    if study.world.kind == "jumps" and isinstance(study.population, Snipers):
        _curve(panel, curves, "sniped_share", "measured", _BLUE)
        window = stale_window(study)
        grid = np.geomspace(min(study.pi), max(study.pi), 200)
        theory = np.minimum(1.0, window / grid)
        panel.plot(grid, theory, color=_BLACK, linewidth=1, linestyle=":", label=f"min(1, {window} / pi)")
        _title(panel, "share of jumps sniped")
        panel.set_ylim(-0.03, 1.1)
    else:
        _curve(panel, curves, "lp_markout_0", "at the fill", _BLUE)
        horizons = [horizon for horizon in study.markout_horizons if horizon]
        if horizons:
            _curve(panel, curves, f"lp_markout_{max(horizons)}", f"{max(horizons)} steps later", _ORANGE)
        panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        _title(panel, "markout of the liquidity provider")
        panel.set_ylabel("money per lot")
    panel.legend(frameon=False)


def _curve(panel: Any, curves: pd.DataFrame, measure: str, label: str, colour: str) -> None:
    own = curves[curves["measure"] == measure]
    batches = own[own["mechanism"] == "fba"].sort_values("pi")
    if len(batches):
        error = batches["paired_se"].fillna(batches["se"]).fillna(0.0)
        panel.errorbar(
            batches["pi"],
            batches["mean"],
            yerr=2 * error,
            color=colour,
            marker="o",
            markersize=4,
            capsize=3,
            linewidth=1.2,
            label=label,
        )
    book = own[own["mechanism"] == "clob"]
    if len(book):
        panel.axhline(float(book["mean"].iloc[0]), color=colour, linewidth=1, alpha=0.6, linestyle=(0, (6, 3)))


def _pi_axis(panel: Any, study: Study) -> None:
    panel.set_xscale("log")
    panel.set_xticks(study.pi, [str(pi) for pi in study.pi])
    panel.minorticks_off()
    panel.set_xlabel("batch interval pi, steps (dashed: continuous book)")


def _title(panel: Any, text: str) -> None:
    panel.set_title(text, loc="left", fontweight="bold", pad=12)
