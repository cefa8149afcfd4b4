"""Executes the parent order at every decision by every policy and at every point of the grid, in the same market."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
from attrs import field, frozen
from joblib import Parallel, delayed

from agents.execution.agents import TWAP, VWAP, ContKukanov, FixedSplit, PercentOfVolume, SweepBest
from agents.execution.cost import Placement, beyond_queue, sample_cost
from agents.execution.parent import ParentOrder
from experiments.quotes.tape import QuoteTape
from experiments.sor.compare import measured, price_of
from experiments.sor.config import BIDS_NEEDED, DRAWS, SorStudy
from experiments.sor.market import Decision, Episode, NoOrderError, decisions_of, episode_of
from experiments.sor.search import TOLERANCE, Prices, costs_of, points_of, sent, solve

Advance = Callable[[int], None]
Maker = Callable[[SorStudy, Episode, ParentOrder], Any]

AGENT = "router"


def cont_kukanov(study: SorStudy, episode: Episode, parent: ParentOrder, prices: Prices, draws: int = 0) -> ContKukanov:
    """The agent at these prices; with `draws` by stochastic approximation."""
    costs = costs_of(study, prices, len(episode.venues))
    return ContKukanov(AGENT, parent, costs, interval=study.interval, history=episode.history, draws=draws)


def own_prices(study: SorStudy) -> Prices:
    """Those of the policies cont-kukanov and stochastic-approximation."""
    return Prices(study.over, study.under, study.impact)


MAKERS: dict[str, Maker] = {
    "twap": lambda study, _, parent: TWAP(AGENT, parent, slices=study.slices),
    "vwap": lambda _, episode, parent: VWAP(AGENT, parent, episode.curve),
    "percent-of-volume": lambda study, _, parent: PercentOfVolume(
        AGENT, parent, rate=study.rate, interval=study.interval
    ),
    "sweep-best": lambda study, _, parent: SweepBest(AGENT, parent, interval=study.interval),
    "fixed-split": lambda study, _, parent: FixedSplit(AGENT, parent, interval=study.interval),
    "cont-kukanov": lambda study, episode, parent: cont_kukanov(study, episode, parent, own_prices(study)),
    "stochastic-approximation": lambda study, episode, parent: cont_kukanov(
        study, episode, parent, own_prices(study), DRAWS
    ),
}


@frozen(eq=False)
class Executed:
    """One decision: `orders` one row a policy, `children` a child order, `fills` a fill, `search` a grid point.

    `skipped` says why there was no order; then the rest is empty.
    """

    decision: Decision
    orders: list[dict[str, Any]] = field(factory=list)
    children: list[dict[str, Any]] = field(factory=list)
    fills: list[dict[str, Any]] = field(factory=list)
    search: list[dict[str, Any]] = field(factory=list)
    skipped: str = ""


@frozen(eq=False)
class Results:
    """All decisions. `skipped` are (label, reason) of those without an order, in their order."""

    orders: pd.DataFrame
    children: pd.DataFrame
    fills: pd.DataFrame
    search: pd.DataFrame
    skipped: tuple[tuple[str, str], ...]


def policies_of(study: SorStudy, tape: QuoteTape | None) -> tuple[str, ...]:
    """Those of the study that the data allow: without bids nothing can rest there."""
    if tape is None or tape.bids is not None:
        return study.policies
    return tuple(name for name in study.policies if name not in BIDS_NEEDED)


def run_study(
    study: SorStudy, tape: QuoteTape | None, *, jobs: int = 1, advance: Advance = lambda _finished: None
) -> Results:
    """Run every decision; the tables are in the order of the decisions, whatever the number of jobs.

    Args:
        study: what to run.
        tape: of `experiments.sor.market.read`.
        jobs: processes; 1 runs in this one.
        advance: called with 1 after every decision.
    """
    done: list[Executed] = []
    for each in _all(study, tape, decisions_of(study, tape), jobs):
        done.append(each)
        advance(1)
    skipped = tuple((each.decision.label, each.skipped) for each in done if each.skipped)
    orders, children, fills, search = (
        pd.DataFrame([row for each in done for row in getattr(each, name)])
        for name in ("orders", "children", "fills", "search")
    )
    return Results(orders, children, fills, search, skipped)


def _all(study: SorStudy, tape: QuoteTape | None, decisions: tuple[Decision, ...], jobs: int) -> Iterator[Executed]:
    if jobs == 1:
        return (execute(study, tape, decision) for decision in decisions)
    found: Iterator[Executed] = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(execute)(study, tape, decision) for decision in decisions
    )
    return found


def execute(study: SorStudy, tape: QuoteTape | None, decision: Decision) -> Executed:
    """The parent order of one decision by every policy, and at every distinct placement of the grid."""
    try:
        episode = episode_of(study, tape, decision)
    except NoOrderError as error:
        return Executed(decision, skipped=str(error))
    keys = {"number": decision.number, "label": decision.label, "part": decision.part}
    orders, children, fills = [], [], []
    for policy in policies_of(study, tape):
        parent = episode.parent(study.lots)
        result = episode.run([MAKERS[policy](study, episode, parent)])
        whose = keys | {"policy": policy}
        orders.append(whose | measured(study, episode, parent))
        children += [whose | row for row in log_of(study, episode, parent)]
        own = result.fills.frame().query("owner == @AGENT")
        pairs = zip(own["time"].tolist(), own["quantity"].tolist(), strict=True)
        fills += [whose | {"step": time - episode.start, "shares": lots * study.lot_size} for time, lots in pairs]
    searched = study.search and "cont-kukanov" in policies_of(study, tape)
    return Executed(decision, orders, children, fills, _search(study, episode, keys) if searched else [])


def log_of(study: SorStudy, episode: Episode, parent: ParentOrder) -> list[dict[str, Any]]:
    """The child orders: step after the decision, venue, kind, shares, limit price and money, in the order sent."""
    return [
        {
            "step": child.time - episode.start,
            "venue": child.venue,
            "kind": child.kind,
            "quantity": child.quantity * study.lot_size,
            "price": None if child.price is None else price_of(child.price, study.tick_size),
            "filled": child.filled * study.lot_size,
            "money": price_of(child.money, study.tick_size) * study.lot_size,
        }
        for child in parent.children.values()
    ]


def _search(study: SorStudy, episode: Episode, keys: dict[str, Any]) -> list[dict[str, Any]]:
    # The run depends on the prices by the placement alone. Where an earlier placement is as good as the solver's
    # tolerance can tell, it is the same run: otherwise the search would choose among rounding errors.
    reach = beyond_queue(episode.sample, episode.queues)
    runs: list[tuple[Placement, dict[str, Any]]] = []
    rows = []
    for prices, of_grid in [(own_prices(study), False), *((point, True) for point in points_of(study.grid))]:
        costs = costs_of(study, prices, len(episode.venues))
        solution = solve(study, episode, costs)
        slack = TOLERANCE * (costs.paid + costs.impact) * study.lots
        alike = (
            number for number, (placement, _) in enumerate(runs)
            if sample_cost(placement, study.lots, costs, reach) <= solution.cost + slack
        )  # fmt: skip
        number = next(alike, len(runs))
        if number == len(runs):
            parent = episode.parent(study.lots)
            episode.run([cont_kukanov(study, episode, parent, prices)])
            runs.append((solution.placement, measured(study, episode, parent)))
        placement, order = runs[number]
        market, *limits = (lots * study.lot_size for lots in sent(study, placement))
        row = keys | {"grid": of_grid, "over": prices.over, "under": prices.under, "impact": prices.impact}
        row |= {"objective": solution.cost * study.tick_size * study.lot_size}
        row |= {"run": number, "market": market, "limits": sum(limits)}
        kept = ("complete", "shortfall", "average_price", "savings_naive", "savings_twap", "savings_vwap")
        rows.append(row | {name: order[name] for name in kept})
    return rows
