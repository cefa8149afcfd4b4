"""What the pictures of a pi-curve study show: panels against pi, against a factor's value, a dot per variant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import Any

import numpy as np

from experiments.pages.numbers import Estimate
from experiments.pi_curve.config import Study
from experiments.pi_curve.contrasts import Point
from experiments.pi_curve.report.curves import Curves, points_of
from experiments.pi_curve.report.findings import Findings, Outcome
from experiments.pi_curve.report.layout import Axis, Sweep, axis, sweep_of, tick
from experiments.pi_curve.report.words import stale_window
from experiments.pi_curve.settings import Snipers

# Okabe and Ito's palette, which colour-blind readers can tell apart.
_BLUE, _ORANGE, _GREEN, _BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
_OTHERS = ("#CC79A7", "#E69F00", "#56B4E9", _ORANGE, _GREEN)
_MARKERS = {"clob": "s", "fba": "o", "constant-product": "^", "hybrid": "D", "lmsr": "v"}
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


def overview_size(study: Study) -> tuple[float, float]:
    """Width and height of an `overview`, inches."""
    sweep = sweep_of(study)
    rows = 3.5 * len(sweep.rows) if sweep else 0.34 * len(study.resolved()) + 0.8
    return 16.0 if sweep else 20.0, rows + 1.0


def overview(figure: Any, found: Findings) -> None:
    """All variants in one picture: a sweep's measures against its values, or else one dot per variant and mechanism.

    Args:
        figure: an empty one of matplotlib, with the layout "constrained".
    """
    sweep = sweep_of(found.study)
    if sweep is not None:
        _along(figure, sweep, found.curves)
    else:
        _dots(figure, found)
    figure.supxlabel(_DOTS if sweep is None else _ALONG, fontsize=8)


def against_pi(panels: Sequence[Any], one: Outcome, variant: str) -> None:
    """Gains, the LP's markout per lot, the cost of trading at once, and a fourth panel, against pi.

    The fourth shows the share of jumps sniped beside theory where there is something to snipe, else the LP's fills.
    Bars are of the mean where the study has no CLOB.
    """
    gains(panels[0], one, variant)
    _markout(panels[1], one)
    _waiting(panels[2], one)
    _fourth(panels[3], one)
    for panel in panels:
        _finish(panel, one.study)


def gains(panel: Any, one: Outcome, variant: str) -> None:
    takers = "sniper" if isinstance(one.study.population, Snipers) else "informed"
    _curve(panel, one.curves, "lp_pnl", "liquidity provider", _BLUE)
    _curve(panel, one.curves, f"{takers}_pnl", "snipers" if takers == "sniper" else "informed traders", _ORANGE)
    _levels(panel, one.curves, "lp_pnl")
    panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    _title(panel, "who gains" if variant == "base" else f"{variant}: who gains")
    panel.set_ylabel("money per run, at fair value when filled")


def _markout(panel: Any, one: Outcome) -> None:
    _curve(panel, one.curves, "lp_markout_0", "at the fill", _BLUE)
    if later := max(one.study.markout_horizons):
        _curve(panel, one.curves, f"lp_markout_{later}", f"{later} steps later", _ORANGE)
    _levels(panel, one.curves, "lp_markout_0")
    panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    _title(panel, "LP markout per lot")
    panel.set_ylabel("money per lot")


def _waiting(panel: Any, one: Outcome) -> None:
    _curve(panel, one.curves, "shortfall_per_lot", "noise and investors, unfilled included", _GREEN)
    _curve(panel, one.curves, "delay_sd", "risk of the wait (standard deviation)", _ORANGE)
    _levels(panel, one.curves, "shortfall_per_lot")
    if (best := one.best) is not None and best.pi > 0 and best.optimum:
        panel.axvline(best.pi, color=_GREEN, linewidth=0.8, linestyle=":", zorder=0)
        panel.text(0.02, 0.02, f"optimum at pi = {best.pi}", transform=panel.transAxes, fontsize=8, color=_GREEN)
    _title(panel, "cost of trading at once")
    panel.set_ylabel("money per lot")


def _fourth(panel: Any, one: Outcome) -> None:
    study, window = one.study, stale_window(one.study)
    if study.world.kind == "jumps" and window > 0:
        _curve(panel, one.curves, "sniped_share", "measured", _BLUE)
        grid = np.geomspace(min(study.pi), max(study.pi), 200)
        theory = np.minimum(1.0, window / grid)
        panel.plot(grid, theory, color=_BLACK, linewidth=1, linestyle=":", label=f"min(1, {window} / pi)")
        _levels(panel, one.curves, "sniped_share")
        _title(panel, "share of jumps sniped")
        panel.set_ylim(-0.03, 1.1)
    else:
        _curve(panel, one.curves, "lp_fills", "fills of the liquidity provider", _BLUE)
        _levels(panel, one.curves, "lp_fills")
        _title(panel, "how much is traded")
        panel.set_ylabel("legs per run")
        panel.set_ylim(bottom=0)


def _curve(panel: Any, curves: Curves, measure: str, label: str, colour: str) -> None:
    batches = sorted(point for point in curves.points if point.mechanism == "fba")
    if any(curves.mean(point, measure).known for point in batches):
        panel.errorbar(
            [point.pi for point in batches],
            [curves.mean(point, measure).mean for point in batches],
            yerr=[bar(curves.change(point, measure), curves.mean(point, measure)) for point in batches],
            color=colour,
            marker="o",
            markersize=4,
            capsize=3,
            linewidth=1.2,
            label=label,
        )
    if curves.book:
        level = curves.mean(curves.book, measure).mean
        panel.axhline(level, color=colour, linewidth=1, alpha=0.6, linestyle=(0, (6, 3)))


def bar(*estimates: Estimate) -> float:
    """Half the length of an error bar: two standard errors, of the first estimate that has one."""
    return next((2.0 * each.se for each in estimates if not isnan(each.se)), 0.0)


def _levels(panel: Any, curves: Curves, measure: str) -> None:
    # Mechanisms without an interval stand as level lines, as the CLOB does.
    paint = colours(curves.points)
    for point in curves.others:
        if point.mechanism != "fba" and (level := curves.mean(point, measure)).known:
            said = f"LP, {point.label}" if measure.startswith("lp_") else point.label
            panel.axhline(level.mean, color=paint[point], linewidth=1.4, linestyle=":", label=said)


def colours(points: Sequence[Point]) -> dict[Point, Any]:
    """The CLOB black, intervals from light to dark blue, other mechanisms in colours of their own."""
    import matplotlib as mpl

    found: dict[Point, Any] = {}
    batches = sorted(point for point in points if point.mechanism == "fba")
    pools = [point for point in points if point.mechanism not in ("clob", "fba")]
    for point in points:
        if point.mechanism == "clob":
            found[point] = _BLACK
        elif point in batches:
            place = (batches.index(point) + 1) / len(batches)
            found[point] = mpl.colormaps["Blues"](0.35 + 0.6 * place) if len(batches) > 1 else _BLUE
        else:
            found[point] = _OTHERS[pools.index(point) % len(_OTHERS)]
    return found


def _finish(panel: Any, study: Study) -> None:
    panel.set_xscale("log")
    panel.set_xticks(study.pi, [str(pi) for pi in study.pi])
    panel.minorticks_off()
    panel.set_xlabel("batch interval pi, steps")
    if panel.get_legend_handles_labels()[0]:
        panel.legend(frameon=False)


def _title(panel: Any, text: str) -> None:
    panel.set_title(text, loc="left", fontweight="bold", pad=12)


def _along(figure: Any, sweep: Sweep, curves: Mapping[str, Curves]) -> None:
    """One row of panels per remaining variant, against the value of the factor."""
    scale = axis(sweep.values)
    axes = figure.subplots(len(sweep.rows), len(_SWEPT), squeeze=False)
    for row, (name, variants) in zip(axes, sweep.rows.items(), strict=True):
        own = [curves[variant] for variant in variants]
        points = points_of(own)
        for number, (panel, (measure, differs, title, unit)) in enumerate(zip(row, _SWEPT, strict=True)):
            lines = {
                point: [one.change(point, measure) if differs else one.mean(point, measure) for one in own]
                for point in points
                if not differs or point.mechanism != "clob"
            }
            _lines(panel, lines, colours(points), scale)
            panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
            _title(panel, title if number or not name else f"{name}: {title}")
            panel.set_ylabel(unit)
            _finish_swept(panel, scale, sweep.label)
            if measure == "lp_fills":
                panel.set_ylim(bottom=0)
        if row[0].get_legend_handles_labels()[0]:
            row[0].legend(frameon=False)


def _lines(panel: Any, lines: Mapping[Point, list[Estimate]], paint: Mapping[Point, Any], scale: Axis) -> None:
    reach = scale.places[-1] - scale.places[0]
    known = {point: line for point, line in lines.items() if any(each.known for each in line)}
    for number, (point, line) in enumerate(known.items()):
        shift = 0.018 * reach * (number - (len(known) - 1) / 2)  # bars side by side
        for piece in scale.pieces:
            panel.errorbar(
                [place + shift for place in scale.places[piece]],
                [each.mean for each in line[piece]],
                yerr=[bar(each) for each in line[piece]],
                color=paint[point],
                marker=_MARKERS.get(point.mechanism, "o"),
                linestyle="--" if point.mechanism == "clob" else "-",
                markersize=4,
                capsize=3,
                linewidth=1.2,
                label=point.label if piece == scale.pieces[-1] else None,
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


def _dots(figure: Any, found: Findings) -> None:
    """A line of dots per variant: the LP's gain, then differences to the CLOB by measure, or means without a CLOB."""
    curves = found.curves
    everywhere = points_of(curves.values())
    points = [point for point in everywhere if point.mechanism != "clob"]
    differs = len(points) < len(everywhere)
    shown = [("lp_pnl", "LP gain", "money per run", False)] if differs else []
    shown += [(*measure, differs) for measure in _dotted(found.variants.values())]
    paint = colours(everywhere)
    panels = figure.subplots(1, len(shown), sharey=True)
    for panel, (measure, title, unit, paired) in zip(panels, shown, strict=True):
        for line in range(0, len(curves), 2):
            panel.axhspan(line - 0.5, line + 0.5, color="0.95", linewidth=0, zorder=0)
        own = points if paired or not differs else everywhere
        for number, point in enumerate(own):
            dots = {
                line + 0.8 * ((number + 0.5) / len(own) - 0.5): (
                    one.change(point, measure) if paired else one.mean(point, measure)
                )
                for line, one in enumerate(curves.values())
                if measure != "lp_pnl" or one.provided(point)
            }
            _row_of_dots(panel, dots, paint[point], point)
        _finish_dots(panel, f"{title},\ndifference to the book" if paired else title, unit, spread=paired)
    panels[0].set_yticks(range(len(curves)), list(curves))
    panels[0].set_ylim(len(curves) - 0.5, -0.5)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False, fontsize=9)


def _dotted(variants: Iterable[Outcome]) -> list[tuple[str, str, str]]:
    # Measure, title, unit. Snipers stand for the informed where the population has them.
    snipe = all(isinstance(one.study.population, Snipers) for one in variants)
    return [
        ("lp_pnl", "LP gain", "money per run"),
        ("sniper_pnl", "sniper gain", "money per run") if snipe else ("informed_pnl", "informed gain", "money per run"),
        ("shortfall_per_lot", "cost of trading at once", "money per lot"),
        ("discovery_rms", "price error", "rms, log price"),
    ]


def _row_of_dots(panel: Any, dots: Mapping[float, Estimate], colour: Any, point: Point) -> None:
    panel.errorbar(
        [each.mean for each in dots.values()],
        list(dots),
        xerr=[bar(each) for each in dots.values()],
        color=colour,
        marker=_MARKERS.get(point.mechanism, "o"),
        linestyle="none",
        markersize=4,
        elinewidth=1,
        label=point.label,
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
        panel.set_xticks(ticks, [tick(place) for place in ticks])
        panel.set_xlim(left, right)
        panel.minorticks_off()
        unit += f",\nlogarithmic beyond ±{tick(linear)}"
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
