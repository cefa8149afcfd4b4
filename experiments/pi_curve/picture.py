"""The picture of a pi-curve study: panels against pi, against a factor's value, or one dot per variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.pi_curve import layout
from experiments.pi_curve.config import Study
from experiments.pi_curve.layout import Axis, Grid, MechanismPi, Sweep
from experiments.pi_curve.settings import Snipers
from experiments.pi_curve.summary import stale_window
from experiments.statistics import Best, best_interval

# Okabe and Ito's palette, which colour-blind readers can tell apart.
_BLUE, _ORANGE, _GREEN, _BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
_OTHERS = ("#CC79A7", "#E69F00", "#56B4E9", _ORANGE, _GREEN)
_MARKERS = {"clob": "s", "fba": "o", "constant-product": "^", "hybrid": "D", "lmsr": "v"}
_AGAINST_PI = (
    "Points: means over seeds. Bars: two standard errors of the difference to the continuous book at the same seed. "
    "Dashed: the continuous book. Dotted: mechanisms without an interval."
)
_ALONG = (
    "Points: means over seeds. Bars: two standard errors; in the second column of the difference to the continuous "
    "book at the same seed, elsewhere of the mean."
)
_DOTS = (
    "Dots: mean differences to the continuous book at the same seed. Bars: two standard errors. Where a measure has no "
    "value, or nobody provided liquidity, there is no dot."
)
# Measure, whether the difference to the CLOB is shown, title, axis label: the panels of a sweep.
_SWEPT = (
    ("lp_pnl", False, "LP gain", "money per run, at fair value when filled"),
    ("lp_pnl", True, "LP gain, difference to the book", "money per run, 0 = as in the book"),
    ("lp_fills", False, "LP fills", "legs per run"),
    ("lp_markout_0", False, "LP markout per lot", "money per lot, at the fill"),
)


def draw(study: Study, cells: pd.DataFrame, summary: pd.DataFrame, path: Path) -> None:
    """Write the picture: one row of four panels per variant, or an `overview` of a sweep or of many variants."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    whole = layout.sweep_of(study) is not None or layout.many(study)
    # Titles come from settings: between two dollars they are no formula.
    style: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "text.parse_math": False}
    with mpl.rc_context(style):
        size = overview_size(study) if whole else (16, 3.5 * len(study.resolved()) + 0.8)
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        if whole:
            overview(figure, study, summary)
        else:
            _one_by_one(figure, study, cells, summary)
        figure.suptitle(study.title or study.name, x=0.01, ha="left", fontsize=12, fontweight="bold")
        figure.savefig(path, dpi=100)


def overview_size(study: Study) -> tuple[float, float]:
    """Width and height of an `overview`, inches."""
    sweep = layout.sweep_of(study)
    rows = 3.5 * len(sweep.rows) if sweep else 0.34 * len(study.resolved()) + 0.8
    return 16.0 if sweep else 20.0, rows + 1.0


def overview(figure: Any, study: Study, summary: pd.DataFrame) -> None:
    """All variants in one picture: a sweep's measures against its values, or else one dot per variant and mechanism.

    Args:
        figure: an empty one of matplotlib, with the layout "constrained".
    """
    sweep = layout.sweep_of(study)
    if sweep is not None:
        _along(figure, sweep, summary)
        figure.supxlabel(_ALONG, fontsize=8)
    else:
        _dots(figure, study, summary)
        figure.supxlabel(_DOTS, fontsize=8)


def _one_by_one(figure: Any, study: Study, cells: pd.DataFrame, summary: pd.DataFrame) -> None:
    """Gains, the LP's markout per lot, the cost of trading at once, and a fourth panel, against pi, for each variant.

    The fourth shows the share of jumps sniped beside theory where there is something to snipe, else the LP's fills.
    Bars are of the mean where the study has no CLOB.
    """
    studies = study.resolved()
    axes = figure.subplots(len(studies), 4, squeeze=False)
    for row, (variant, own) in zip(axes, studies.items(), strict=True):
        curves = summary[summary["variant"] == variant]
        gains(row[0], own, curves, variant)
        markout(row[1], own, curves)
        waiting(row[2], curves, best_interval(cells[cells["variant"] == variant]))
        fourth(row[3], own, curves)
        for panel in row:
            finish(panel, own)
    figure.supxlabel(_AGAINST_PI, fontsize=8)


def gains(panel: Any, study: Study, curves: pd.DataFrame, variant: str) -> None:
    takers = "sniper" if isinstance(study.population, Snipers) else "informed"
    _curve(panel, curves, "lp_pnl", "liquidity provider", _BLUE)
    _curve(panel, curves, f"{takers}_pnl", "snipers" if takers == "sniper" else "informed traders", _ORANGE)
    _levels(panel, curves, "lp_pnl")
    panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    _title(panel, "who gains" if variant == "base" else f"{variant}: who gains")
    panel.set_ylabel("money per run, at fair value when filled")


def markout(panel: Any, study: Study, curves: pd.DataFrame) -> None:
    _curve(panel, curves, "lp_markout_0", "at the fill", _BLUE)
    if later := max(study.markout_horizons):
        _curve(panel, curves, f"lp_markout_{later}", f"{later} steps later", _ORANGE)
    _levels(panel, curves, "lp_markout_0")
    panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    _title(panel, "LP markout per lot")
    panel.set_ylabel("money per lot")


def waiting(panel: Any, curves: pd.DataFrame, best: Best | None) -> None:
    _curve(panel, curves, "shortfall_per_lot", "noise and investors, unfilled included", _GREEN)
    _curve(panel, curves, "delay_sd", "risk of the wait (standard deviation)", _ORANGE)
    _levels(panel, curves, "shortfall_per_lot")
    if best is not None and best.pi > 0 and best.optimum:
        panel.axvline(best.pi, color=_GREEN, linewidth=0.8, linestyle=":", zorder=0)
        panel.text(0.02, 0.02, f"optimum at pi = {best.pi}", transform=panel.transAxes, fontsize=8, color=_GREEN)
    _title(panel, "cost of trading at once")
    panel.set_ylabel("money per lot")


def fourth(panel: Any, study: Study, curves: pd.DataFrame) -> None:
    window = stale_window(study)
    if study.world.kind == "jumps" and window > 0:
        _curve(panel, curves, "sniped_share", "measured", _BLUE)
        grid = np.geomspace(min(study.pi), max(study.pi), 200)
        theory = np.minimum(1.0, window / grid)
        panel.plot(grid, theory, color=_BLACK, linewidth=1, linestyle=":", label=f"min(1, {window} / pi)")
        _levels(panel, curves, "sniped_share")
        _title(panel, "share of jumps sniped")
        panel.set_ylim(-0.03, 1.1)
    else:
        _curve(panel, curves, "lp_fills", "fills of the liquidity provider", _BLUE)
        _levels(panel, curves, "lp_fills")
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


def _levels(panel: Any, curves: pd.DataFrame, measure: str) -> None:
    # Mechanisms without an interval stand as level lines, as the CLOB does.
    own = curves[curves["measure"] == measure].dropna(subset=["mean"])
    paint = colours(layout.points_of(curves))
    for mechanism, pi, mean in own[["mechanism", "pi", "mean"]].itertuples(index=False):
        if mechanism not in ("clob", "fba"):
            said = f"LP, {mechanism}" if measure.startswith("lp_") else mechanism
            panel.axhline(float(mean), color=paint[mechanism, pi], linewidth=1.4, linestyle=":", label=said)


def colours(points: Sequence[MechanismPi]) -> dict[MechanismPi, Any]:
    """The CLOB black, intervals from light to dark blue, other mechanisms in colours of their own."""
    import matplotlib as mpl

    found: dict[MechanismPi, Any] = {}
    batches = sorted(point for point in points if point[0] == "fba")
    pools = [point for point in points if point[0] not in ("clob", "fba")]
    for point in points:
        if point[0] == "clob":
            found[point] = _BLACK
        elif point in batches:
            place = (batches.index(point) + 1) / len(batches)
            found[point] = mpl.colormaps["Blues"](0.35 + 0.6 * place) if len(batches) > 1 else _BLUE
        else:
            found[point] = _OTHERS[pools.index(point) % len(_OTHERS)]
    return found


def finish(panel: Any, study: Study) -> None:
    panel.set_xscale("log")
    panel.set_xticks(study.pi, [str(pi) for pi in study.pi])
    panel.minorticks_off()
    panel.set_xlabel("batch interval pi, steps")
    if panel.get_legend_handles_labels()[0]:
        panel.legend(frameon=False)


def _title(panel: Any, text: str) -> None:
    panel.set_title(text, loc="left", fontweight="bold", pad=12)


def _along(figure: Any, sweep: Sweep, summary: pd.DataFrame) -> None:
    """One row of panels per remaining variant, against the value of the factor."""
    grid = Grid.of(summary, [measure for measure, *_ in _SWEPT])
    scale = layout.axis(sweep.values)
    axes = figure.subplots(len(sweep.rows), len(_SWEPT), squeeze=False)
    for row, (name, variants) in zip(axes, sweep.rows.items(), strict=True):
        points = layout.points_of(summary[summary["variant"].isin(variants)])
        for number, (panel, (measure, differs, title, unit)) in enumerate(zip(row, _SWEPT, strict=True)):
            shown = [point for point in points if not differs or point[0] != "clob"]
            tables = {point: grid.along(variants, point, measure) for point in shown}
            _lines(panel, tables, colours(points), scale, "paired_" if differs else "")
            panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
            _title(panel, title if number or not name else f"{name}: {title}")
            panel.set_ylabel(unit)
            _finish_swept(panel, scale, sweep.label)
            if measure == "lp_fills":
                panel.set_ylim(bottom=0)
        if row[0].get_legend_handles_labels()[0]:
            row[0].legend(frameon=False)


def _lines(
    panel: Any,
    tables: Mapping[MechanismPi, pd.DataFrame],
    paint: Mapping[MechanismPi, Any],
    scale: Axis,
    prefix: str,
) -> None:
    reach = scale.places[-1] - scale.places[0]
    known = {point: table for point, table in tables.items() if table[f"{prefix}mean"].notna().any()}
    for number, (point, table) in enumerate(known.items()):
        shift = 0.018 * reach * (number - (len(known) - 1) / 2)  # bars side by side
        for piece in scale.pieces:
            panel.errorbar(
                [place + shift for place in scale.places[piece]],
                table[f"{prefix}mean"][piece],
                yerr=2 * table[f"{prefix}se"].fillna(0.0)[piece],
                color=paint[point],
                marker=_MARKERS.get(point[0], "o"),
                linestyle="--" if point[0] == "clob" else "-",
                markersize=4,
                capsize=3,
                linewidth=1.2,
                label=layout.label(point) if piece == scale.pieces[-1] else None,
            )
    if not known:
        panel.text(0.5, 0.5, "not measured", transform=panel.transAxes, ha="center", color="0.4")


def _finish_swept(panel: Any, scale: Axis, said: str) -> None:
    panel.set_xticks(scale.places, scale.ticks)
    kind = " (log; 0 apart)" if scale.apart else " (log)" if scale.log else ""
    panel.set_xlabel(said + kind)
    if scale.apart:
        panel.axvline((scale.places[0] + scale.places[1]) / 2, color="0.8", linewidth=0.8, linestyle=":", zorder=0)
    panel.margins(x=0.06, y=0.1)


def _dots(figure: Any, study: Study, summary: pd.DataFrame) -> None:
    """A line of dots per variant: the LP's gain, then differences to the CLOB by measure, or means without a CLOB."""
    names = list(study.resolved())
    everywhere = layout.points_of(summary)
    points = [point for point in everywhere if point[0] != "clob"]
    differs = len(points) < len(everywhere)
    shown = [("lp_pnl", "LP gain", "money per run", False)] if differs else []
    shown += [(*measure, differs) for measure in _dotted(study)]
    grid = Grid.of(summary, [*(measure for measure, *_ in shown), "lp_fills"])
    panels = figure.subplots(1, len(shown), sharey=True)
    for panel, (measure, title, unit, paired) in zip(panels, shown, strict=True):
        for line in range(0, len(names), 2):
            panel.axhspan(line - 0.5, line + 0.5, color="0.95", linewidth=0, zorder=0)
        own = points if paired or not differs else everywhere
        for number, point in enumerate(own):
            table = grid.along(names, point, measure)
            if measure == "lp_pnl":
                table = table[grid.provided(names, point)]
            places = [names.index(name) + 0.8 * ((number + 0.5) / len(own) - 0.5) for name in table.index]
            _row_of_dots(panel, table, places, "paired_" if paired else "", colours(everywhere)[point], point)
        _finish_dots(panel, f"{title},\ndifference to the book" if paired else title, unit, spread=paired)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False, fontsize=9)


def _dotted(study: Study) -> list[tuple[str, str, str]]:
    # Measure, title, unit. Snipers stand for the informed where the population has them.
    snipe = all(isinstance(own.population, Snipers) for own in study.resolved().values())
    return [
        ("lp_pnl", "LP gain", "money per run"),
        ("sniper_pnl", "sniper gain", "money per run") if snipe else ("informed_pnl", "informed gain", "money per run"),
        ("shortfall_per_lot", "cost of trading at once", "money per lot"),
        ("discovery_rms", "price error", "rms, log price"),
    ]


def _row_of_dots(
    panel: Any, table: pd.DataFrame, places: Sequence[float], prefix: str, colour: Any, point: MechanismPi
) -> None:
    panel.errorbar(
        table[f"{prefix}mean"],
        places,
        xerr=2 * table[f"{prefix}se"].fillna(0.0),
        color=colour,
        marker=_MARKERS.get(point[0], "o"),
        linestyle="none",
        markersize=4,
        elinewidth=1,
        label=layout.label(point),
    )


def _finish_dots(panel: Any, title: str, unit: str, *, spread: bool) -> None:
    # Differences span decades, and get a symmetric logarithmic scale; the means tell their story on a linear one.
    left, right = panel.get_xlim()
    reaches = [abs(float(x)) for bars in panel.collections for path in bars.get_paths() for x in path.vertices[:, 0]]
    linear = _linear_within([reach for reach in reaches if reach > 0])
    if linear and spread:
        top = max(abs(left), abs(right))
        panel.set_xscale("symlog", linthresh=linear, linscale=1.0)
        decades = [linear * 10**power for power in range(int(np.log10(top / linear)) + 1)]
        decades = decades[:: 1 + len(decades) // 4]
        ticks = [*(-place for place in reversed(decades)), 0.0, *decades]
        panel.set_xticks(ticks, [layout.tick(place) for place in ticks])
        panel.set_xlim(left, right)
        panel.minorticks_off()
        unit += f",\nlogarithmic beyond +-{layout.tick(linear)}"
    panel.axvline(0, color="0.4", linewidth=0.8, zorder=1)
    panel.tick_params(axis="y", length=0)
    panel.set_xlabel(unit)
    _title(panel, title)


def _linear_within(reaches: Sequence[float]) -> float:
    """Where a symmetric logarithmic scale begins, a power of ten; 0 for a linear scale.

    It lies below three quarters of `reaches`, but at most three decades below the largest. A linear scale would press
    most dots on the zero line where the largest are hundreds of times the usual.
    """
    if not reaches:
        return 0.0
    small = float(np.quantile(reaches, 0.25))
    top = max(reaches)
    return float(10.0 ** np.floor(np.log10(max(small, 1e-3 * top)))) if top > 30 * small else 0.0
