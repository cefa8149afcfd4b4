"""Pictures of a smart order router report, as SVG without a date: the model's cost, and fills over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from attrs import frozen

from experiments.pages import picture_of
from experiments.sor.config import SorStudy
from experiments.sor.market import Episode
from experiments.sor.search import Prices, curve_of, solve

POINTS = 11
CURVES = (1.0, 2.0, 5.0)
"""Prices lambda_u of the cost curves, in multiples of what a market order costs, h + f."""


@frozen
class CostCurve:
    """The model's cost against the share sent at market, and the placement that it chooses.

    Args:
        under: lambda_u, money a share.
        shares, costs: market share of the parent order, and the least cost with it, money a share of the parent.
        chosen: (market share, cost) of the chosen placement.
    """

    under: float
    shares: tuple[float, ...]
    costs: tuple[float, ...]
    chosen: tuple[float, float]


def cost_curves(study: SorStudy, episode: Episode) -> list[CostCurve]:
    """One for each lambda_u of `CURVES`, at one decision."""
    shares = tuple(place / (POINTS - 1) for place in range(POINTS))
    curves = []
    for factor in CURVES:
        under = factor * (study.half_spread + study.fee)
        prices = Prices(study.over, under, study.impact)
        per_share = study.tick_size / study.lots
        costs = tuple(curve_of(study, episode, prices, share * study.lots) * per_share for share in shares)
        solution = solve(study, episode, study.costs(len(episode.venues), under=under))
        chosen = (solution.placement.market / study.lots, solution.cost * per_share)
        curves.append(CostCurve(under, shares, costs, chosen))
    return curves


def cost_picture(curves: Sequence[CostCurve]) -> bytes:
    """Cost against market share; a dot marks the chosen placement of each curve."""

    def draw(figure: Any) -> None:
        figure.subplots_adjust(left=0.09, right=0.99, bottom=0.14, top=0.97)
        panel = figure.subplots()
        for place, curve in enumerate(curves):
            colour = f"C{place}"
            panel.plot(curve.shares, curve.costs, color=colour, label=f"lambda_u = {curve.under:.4g} a share")
            panel.plot(*curve.chosen, "o", color=colour, markersize=8)
        panel.set_xlabel("share of the order sent at market, M / S (dot: chosen)")
        panel.set_ylabel("expected cost against the mid, money a share")
        panel.legend(frameon=False)

    return picture_of((9.0, 4.0), draw)


def fills_picture(fills: pd.DataFrame, orders: pd.DataFrame, horizon: int, step_seconds: float) -> bytes:
    """Shares filled over time by each policy at one decision; the dashed line is the parent order."""

    def draw(figure: Any) -> None:
        figure.subplots_adjust(left=0.09, right=0.76, bottom=0.14, top=0.97)
        panel = figure.subplots()
        for place, policy in enumerate(orders["policy"]):
            own = fills[fills["policy"] == policy]
            times = [0.0, *(own["step"] * step_seconds), horizon * step_seconds]
            filled = [0.0, *own["shares"].cumsum()]
            panel.step(times, [*filled, filled[-1]], where="post", color=f"C{place}", label=policy)
        panel.axhline(float(orders["quantity"].iloc[0]), color="0.5", linestyle="--", linewidth=1)
        panel.set_xlabel("seconds after the decision")
        panel.set_ylabel("shares filled")
        panel.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return picture_of((9.0, 4.0), draw)
