"""The picture of a pi-curve study: one row of panels per variant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.config import Snipers, Study
from experiments.statistics import Best, best_interval
from experiments.summary import stale_window

# Okabe and Ito's palette, which colour-blind readers can tell apart.
_BLUE, _ORANGE, _GREEN, _BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"


def draw(study: Study, cells: pd.DataFrame, summary: pd.DataFrame, path: Path) -> None:
    """Write the picture: gains, the LP's markout per lot, the cost of trading at once, and a fourth panel, against pi.

    The fourth shows the share of jumps sniped beside theory where there is something to snipe, else the LP's fills.
    Points are means over seeds, horizontal lines the CLOB's. Bars are two standard errors of the difference to the CLOB
    at the same seed, or of the mean where the study has no CLOB.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    studies = study.resolved()
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(16, 3.5 * len(studies) + 0.8), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(studies), 4, squeeze=False)
        for row, (variant, own) in zip(axes, studies.items(), strict=True):
            curves = summary[summary["variant"] == variant]
            _gains(row[0], own, curves, variant)
            _markout(row[1], own, curves)
            _waiting(row[2], curves, best_interval(cells[cells["variant"] == variant]))
            _fourth(row[3], own, curves)
            for panel in row:
                _finish(panel, own)
        figure.suptitle(study.title or study.name, fontsize=12, fontweight="bold")
        figure.supxlabel(
            "Points: means over seeds. Bars: two standard errors of the difference to the continuous book at the same "
            "seed. Dashed: the continuous book.",
            fontsize=8,
        )
        figure.savefig(path, dpi=100)


def _gains(panel: Any, study: Study, curves: pd.DataFrame, variant: str) -> None:
    takers = "sniper" if isinstance(study.population, Snipers) else "informed"
    _curve(panel, curves, "lp_pnl", "liquidity provider", _BLUE)
    _curve(panel, curves, f"{takers}_pnl", "snipers" if takers == "sniper" else "informed traders", _ORANGE)
    panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    _title(panel, "who gains" if variant == "base" else f"{variant}: who gains")
    panel.set_ylabel("money per run, at fair value when filled")


def _markout(panel: Any, study: Study, curves: pd.DataFrame) -> None:
    _curve(panel, curves, "lp_markout_0", "at the fill", _BLUE)
    if later := max(study.markout_horizons):
        _curve(panel, curves, f"lp_markout_{later}", f"{later} steps later", _ORANGE)
    panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    _title(panel, "LP markout per lot")
    panel.set_ylabel("money per lot")


def _waiting(panel: Any, curves: pd.DataFrame, best: Best | None) -> None:
    _curve(panel, curves, "shortfall_per_lot", "noise and investors, unfilled included", _GREEN)
    _curve(panel, curves, "delay_sd", "risk of the wait (standard deviation)", _ORANGE)
    if best is not None and best.pi > 0 and best.optimum:
        panel.axvline(best.pi, color=_GREEN, linewidth=0.8, linestyle=":", zorder=0)
        panel.text(0.02, 0.02, f"optimum at pi = {best.pi}", transform=panel.transAxes, fontsize=8, color=_GREEN)
    _title(panel, "cost of trading at once")
    panel.set_ylabel("money per lot")


def _fourth(panel: Any, study: Study, curves: pd.DataFrame) -> None:
    window = stale_window(study)
    if study.world.kind == "jumps" and window > 0:
        _curve(panel, curves, "sniped_share", "measured", _BLUE)
        grid = np.geomspace(min(study.pi), max(study.pi), 200)
        theory = np.minimum(1.0, window / grid)
        panel.plot(grid, theory, color=_BLACK, linewidth=1, linestyle=":", label=f"min(1, {window} / pi)")
        _title(panel, "share of jumps sniped")
        panel.set_ylim(-0.03, 1.1)
    else:
        _curve(panel, curves, "lp_fills", "fills of the liquidity provider", _BLUE)
        _title(panel, "how much is traded")
        panel.set_ylabel("legs per run")
        panel.set_ylim(bottom=0)


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


def _finish(panel: Any, study: Study) -> None:
    panel.set_xscale("log")
    panel.set_xticks(study.pi, [str(pi) for pi in study.pi])
    panel.minorticks_off()
    panel.set_xlabel("batch interval pi, steps")
    if panel.get_legend_handles_labels()[0]:
        panel.legend(frameon=False)


def _title(panel: Any, text: str) -> None:
    panel.set_title(text, loc="left", fontweight="bold", pad=12)
