"""Pictures of a routing report, as SVG without a date: regret over time, learned parameters, correlations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from agents.routing.ising import split_theta
from experiments.pages import picture_of

_DASHES = ("-", "--", ":", "-.")


def regret_curves(curves: pd.DataFrame, groups: Sequence[tuple[str, str]], agents: Mapping[str, str]) -> bytes:
    """Mean cumulative regret over time, a panel per (knows, context); bands are two standard errors over seeds.

    Args:
        curves: of runs that are no control, one line per (agent, information) in `agents`; mean over windows.
        agents: information by agent.
    """

    def draw(figure: Any) -> None:
        figure.set_layout_engine("constrained")
        panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
        for panel, (knows, context) in zip(panels, groups, strict=True):
            own = curves[(curves["knows"] == knows) & (curves["context"] == context)]
            for place, (agent, information) in enumerate(agents.items()):
                line = own[(own["agent"] == agent) & (own["information"] == information)]
                _curve(panel, line, agent, place)
            panel.set_title(f"{context} context, knows {knows}", loc="left", fontweight="bold")
            panel.set_xlabel("steps")
        panels[0].set_ylabel("cumulative regret, 2 per miss")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper", frameon=False)

    return picture_of((10.0, 4.6), draw)


def _curve(panel: Any, line: pd.DataFrame, agent: str, place: int) -> None:
    by_step = line.groupby("step")
    mean = by_step["mean"].mean()
    error = np.sqrt((by_step["se"].mean() ** 2) / by_step["se"].count().clip(lower=1))
    colour = f"C{place % 10}"
    panel.plot(mean.index, mean, color=colour, linestyle=_DASHES[place // 10], linewidth=1.3, label=agent)
    low, high = (mean - 2 * error).fillna(mean), (mean + 2 * error).fillna(mean)
    panel.fill_between(mean.index, low, high, color=colour, alpha=0.15, linewidth=0)


def parameters(thetas: Mapping[str, Any], venues: Sequence[str]) -> bytes:
    """Learned parameters, a panel per named vector: couplings off the diagonal, biases on it."""

    def draw(figure: Any) -> None:
        matrices = {}
        for name, theta in thetas.items():
            biases, couplings = split_theta(theta)
            matrices[name] = couplings + np.diag(biases)
        top = max(1e-9, *(float(np.abs(matrix).max()) for matrix in matrices.values()))
        _heat_maps(figure, matrices, venues, top, "bias on the diagonal, couplings off it")

    return picture_of(_size(len(thetas)), draw)


def correlations(matrices: Mapping[str, Any], venues: Sequence[str]) -> bytes:
    """Correlation matrices (n, n) side by side, on one scale from -1 to 1."""

    def draw(figure: Any) -> None:
        _heat_maps(figure, matrices, venues, 1.0, "correlation")

    return picture_of(_size(len(matrices)), draw)


def _size(panels: int) -> tuple[float, float]:
    return 10.0, 3.1 * -(-panels // 3) + 0.3


def _heat_maps(figure: Any, matrices: Mapping[str, Any], venues: Sequence[str], top: float, meaning: str) -> None:
    figure.set_layout_engine("constrained")
    rows = -(-len(matrices) // 3)
    panels = list(figure.subplots(rows, 3, squeeze=False).flat)
    image: Any = None
    for panel, (name, matrix) in zip(panels, matrices.items(), strict=False):
        image = panel.imshow(matrix, cmap="PuOr", vmin=-top, vmax=top)
        panel.set_title(name, loc="left", fontsize=9.5, fontweight="bold")
        panel.set_xticks(range(len(venues)), venues, rotation=30, ha="right", fontsize=7.5)
        panel.set_yticks(range(len(venues)), venues, fontsize=7.5)
        for (i, j), value in np.ndenumerate(matrix):
            dark = abs(value) > 0.6 * top
            panel.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color="white" if dark else "black")
    for panel in panels[len(matrices) :]:
        panel.axis("off")
    figure.colorbar(image, ax=panels, shrink=0.8, label=meaning)
