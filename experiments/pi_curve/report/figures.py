"""The pictures of a study: one PNG file, and those of the page, as SVG with no date in it."""

from __future__ import annotations

from math import log10
from pathlib import Path
from typing import Any

from experiments.pages import picture_of
from experiments.pi_curve.report import panels
from experiments.pi_curve.report.curves import Curves
from experiments.pi_curve.report.findings import Findings, Outcome
from experiments.pi_curve.report.layout import many, sweep_of

_TITLES = {"lp": "liquidity provider", "taker": "everybody who does not provide liquidity"}


_AGAINST_PI = (
    "Points: means over seeds. Bars: two standard errors of the difference to the continuous book at the same seed. "
    "Dashed: the continuous book. Dotted: mechanisms without an interval."
)


def draw(found: Findings, path: Path) -> None:
    """Write the PNG file: one row of four panels per variant, or the `overview` of a sweep or of many variants."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    whole = sweep_of(found.study) is not None or many(found.study)
    # Titles come from settings: between two dollars they are no formula.
    style: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "text.parse_math": False}
    with mpl.rc_context(style):
        size = panels.overview_size(found.study) if whole else (16, 3.5 * len(found.variants) + 0.8)
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        if whole:
            panels.overview(figure, found)
        else:
            rows = figure.subplots(len(found.variants), 4, squeeze=False)
            for row, (name, one) in zip(rows, found.variants.items(), strict=True):
                panels.against_pi(row, one, name)
            figure.supxlabel(_AGAINST_PI, fontsize=8)
        figure.suptitle(found.title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        figure.savefig(path, dpi=100)


def pi_curve(one: Outcome) -> bytes:
    """The four panels of `panels.against_pi` for one variant, two by two."""

    def drawn(figure: Any) -> None:
        figure.subplots_adjust(left=0.07, right=0.99, top=0.95, bottom=0.07, hspace=0.34, wspace=0.2)
        panels.against_pi(list(figure.subplots(2, 2).flat), one, "base")

    return picture_of((10.0, 7.2), drawn)


def all_variants(found: Findings) -> bytes:
    """The `panels.overview`: a sweep, or many variants, in one picture."""

    def drawn(figure: Any) -> None:
        figure.set_layout_engine("constrained")
        panels.overview(figure, found)

    width, height = panels.overview_size(found.study)
    return picture_of((0.8 * width, height), drawn)  # a page is narrower than the picture by itself


def markouts(curves: Curves, horizons: tuple[int, ...]) -> bytes:
    """Mean markout per lot by horizon, of the LP and of everybody who does not provide liquidity; bars are 2 s.e.

    The horizon axis is log10(1 + steps), so that 0 has a place; mechanisms are set apart a little sideways.
    """

    def drawn(figure: Any) -> None:
        figure.subplots_adjust(left=0.07, right=0.99, top=0.91, bottom=0.26, wspace=0.2)
        both = figure.subplots(1, 2)
        for panel, role in zip(both, _TITLES, strict=True):
            _by_horizon(panel, curves, sorted(horizons), role)
        handles, labels = both[0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="lower center", ncols=min(len(labels), 6), frameon=False)

    return picture_of((10.0, 4.2), drawn)


def _by_horizon(panel: Any, curves: Curves, horizons: list[int], role: str) -> None:
    places = [log10(1 + horizon) for horizon in horizons]
    count = len(curves.points)
    paint = panels.colours(curves.points)
    for number, point in enumerate(curves.points):
        marks = [curves.mean(point, f"{role}_markout_{horizon}") for horizon in horizons]
        if not any(mark.known for mark in marks):
            continue
        shift = 0.02 * (number - (count - 1) / 2)
        panel.errorbar(
            [place + shift for place in places],
            [mark.mean for mark in marks],
            yerr=[panels.bar(mark) for mark in marks],
            color=paint[point],
            linestyle="--" if point.mechanism == "clob" else "-",
            marker="o",
            markersize=3.5,
            linewidth=1.1,
            elinewidth=0.8,
            capsize=2,
            label=point.label,
        )
    panel.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    panel.set_xticks(places, [str(horizon) for horizon in horizons])
    panel.set_xlabel("steps after the fill")
    panel.set_ylabel("markout, money per lot")
    panel.set_title(_TITLES[role], loc="left", fontweight="bold", pad=10)
