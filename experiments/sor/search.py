"""The search of the model's prices: chosen on the first decisions, reported on those and on the later ones."""

from __future__ import annotations

from itertools import product
from typing import Any

import pandas as pd
from attrs import frozen

from agents.execution.cont_kukanov import whole_lots
from agents.execution.cost import Costs, Placement, beyond_queue, sample_cost
from agents.execution.placement import Solution, best_placement
from experiments.sor.config import Grid, SorStudy
from experiments.sor.market import Episode
from marketsim.errors import ConfigError

TOLERANCE = 1e-3
"""Of the agent's own solution."""


@frozen(order=True)
class Prices:
    """lambda_o, lambda_u and theta, money a share."""

    over: float
    under: float
    impact: float


def points_of(grid: Grid) -> list[Prices]:
    """Every combination."""
    return [Prices(*each) for each in product(grid.over, grid.under, grid.impact)]


def costs_of(study: SorStudy, prices: Prices, venues: int) -> Costs:
    """The study's prices with these in their place, ticks a lot."""
    return study.costs(venues, over=prices.over, under=prices.under, impact=prices.impact)


def solve(study: SorStudy, episode: Episode, costs: Costs) -> Solution:
    """The placement that the agent will choose at these prices, with a certificate as loose as its own."""
    return best_placement(study.lots, costs, episode.queues, episode.sample, tolerance=TOLERANCE, boxes_max=1)


def sent(study: SorStudy, placement: Placement) -> tuple[int, ...]:
    """(M, L_1 .. L_K) in the whole lots that the agent sends."""
    market, limits = whole_lots(placement, study.lots)
    return market, *limits


def choice(search: pd.DataFrame) -> Prices:
    """The point with the lowest mean shortfall of the part "in", the first of equal ones.

    A point that left some order of that part incomplete cannot be chosen.

    Raises:
        ConfigError: no point completed all orders of the part.
    """
    part = search[search["grid"] & (search["part"] == "in")]
    groups = part.groupby(["over", "under", "impact"], sort=False)
    whole = groups["complete"].all()
    means = groups["shortfall"].mean()[whole]
    if means.empty:
        raise ConfigError("no point of the grid completed every order of the first part")
    best = means[means <= means.min() + 1e-12].index[0]
    return Prices(*(float(value) for value in best))


def rows_of(search: pd.DataFrame, prices: Prices | None, part: str) -> pd.DataFrame:
    """The decisions of one part at one point of the grid, or at the study's own prices (None)."""
    own = search[search["part"] == part]
    if prices is None:
        return own[~own["grid"]]
    same = (own["over"] == prices.over) & (own["under"] == prices.under) & (own["impact"] == prices.impact)
    return own[own["grid"] & same]


def curve_of(study: SorStudy, episode: Episode, prices: Prices, market: float) -> float:
    """The model's cost of M lots at market and the best limit orders for the rest, ticks.

    With market orders too dear to be of use, the rest has no lot of them in its own optimum: lambda_u is all that a lot
    can save.
    """
    costs = costs_of(study, prices, len(episode.venues))
    rest = study.lots - market
    base = (costs.paid + costs.impact) * market
    if rest <= 0:
        return base
    dear = Costs(costs.half_spread, max(costs.fee, costs.under), costs.rebates, costs.impact, costs.under, costs.over)
    solution = best_placement(rest, dear, episode.queues, episode.sample, tolerance=TOLERANCE, boxes_max=1)
    limits = Placement(0.0, solution.placement.limits)
    reach = beyond_queue(episode.sample, episode.queues)
    return base + sample_cost(limits, rest, dear, reach)


def answers(study: SorStudy, episode: Episode, factors: tuple[float, ...]) -> list[dict[str, Any]]:
    """How the placement answers to lambda_u at one decision: a row for each of these times h + f.

    Keys: `under` (money a share), `market`, `limits` (lots), `cost` (the objective, money).
    """
    rows: list[dict[str, Any]] = []
    for factor in factors:
        under = factor * (study.half_spread + study.fee)
        solution = solve(study, episode, study.costs(len(episode.venues), under=under))
        market, *limits = sent(study, solution.placement)
        cost = solution.cost * study.tick_size * study.lot_size
        rows.append({"under": under, "market": market, "limits": sum(limits), "cost": cost})
    return rows
