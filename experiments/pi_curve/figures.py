"""Pictures of the report, as SVG with no date in it: all variants, the pi-curve of one, its markouts by horizon."""

from __future__ import annotations

from math import isnan, log10
from typing import Any

import pandas as pd

from experiments.pages import picture_of
from experiments.pi_curve.config import Study
from experiments.pi_curve.picture import colours, finish, fourth, gains, markout, overview, overview_size, waiting
from experiments.pi_curve.report.curves import Curves
from experiments.statistics import Best

_TITLES = {"lp": "liquidity provider", "taker": "everybody who does not provide liquidity"}


def pi_curve(study: Study, curves: pd.DataFrame, best: Best | None) -> bytes:
    """The four panels of `experiments.pi_curve.picture` for one variant, two by two.

    Args:
        study: the resolved study of the variant.
        curves: the variant's part of the summary.
        best: the best interval, marked where it is an optimum.
    """

    def draw(figure: Any) -> None:
        figure.subplots_adjust(left=0.07, right=0.99, top=0.95, bottom=0.07, hspace=0.34, wspace=0.2)
        panels = list(figure.subplots(2, 2).flat)
        gains(panels[0], study, curves, "base")
        markout(panels[1], study, curves)
        waiting(panels[2], curves, best)
        fourth(panels[3], study, curves)
        for panel in panels:
            finish(panel, study)

    return picture_of((10.0, 7.2), draw)


def all_variants(study: Study, summary: pd.DataFrame) -> bytes:
    """The `overview` of `experiments.pi_curve.picture`: a sweep, or many variants, in one picture."""

    def draw(figure: Any) -> None:
        figure.set_layout_engine("constrained")
        overview(figure, study, summary)

    width, height = overview_size(study)
    return picture_of((0.8 * width, height), draw)  # a page is narrower than the picture by itself


def markouts(curves: Curves, horizons: tuple[int, ...]) -> bytes:
    """Mean markout per lot by horizon, of the LP and of everybody who does not provide liquidity; bars are 2 s.e.

    The horizon axis is log10(1 + steps), so that 0 has a place; mechanisms are set apart a little sideways.
    """

    def draw(figure: Any) -> None:
        figure.subplots_adjust(left=0.07, right=0.99, top=0.91, bottom=0.26, wspace=0.2)
        panels = figure.subplots(1, 2)
        for panel, role in zip(panels, _TITLES, strict=True):
            _by_horizon(panel, curves, sorted(horizons), role)
        handles, labels = panels[0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="lower center", ncols=min(len(labels), 6), frameon=False)

    return picture_of((10.0, 4.2), draw)


def _by_horizon(panel: Any, curves: Curves, horizons: list[int], role: str) -> None:
    places = [log10(1 + horizon) for horizon in horizons]
    count = len(curves.points)
    paint = colours([(point.mechanism, point.pi) for point in curves.points])
    for number, point in enumerate(curves.points):
        marks = [curves.mean(point, f"{role}_markout_{horizon}") for horizon in horizons]
        if not any(mark.known for mark in marks):
            continue
        shift = 0.02 * (number - (count - 1) / 2)
        panel.errorbar(
            [place + shift for place in places],
            [mark.mean for mark in marks],
            yerr=[0.0 if isnan(mark.se) else 2 * mark.se for mark in marks],
            color=paint[point.mechanism, point.pi],
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
