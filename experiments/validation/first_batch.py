"""The first batch: what a batch auction changes before any time passes is the price at which stale quotes are hit.

A batch auction that clears once a period, in a world that moves, quotes and trades once a period, batches no time at
all. A maker's quotes V_{t-d} -+ h are stale; takers who know V_t hit them with a demand D against S lots quoted. In the
book they pay the quote. In the batch they pay a market-clearing price:

    D < S: the interval is the quote itself              the maker loses what it loses in the book: ratio 1
    D = S: from the quote to the takers' limit V_t       the midpoint halves the loss: 1/2
    D > S: V_t alone, takers compete                     0
    market orders, D <= S: open above, the finite end    1

A rule that takes the middle of *all* prices of maximal volume gives 1/2, 1/2, 1/2, 1. So a drop from book to batch that
does not grow with the interval is the mark of the pricing rule, not of batching time.

Source: Budish, Cramton and Shim, Quarterly Journal of Economics 130(4), 2015, section VII (the auction, and competition
on price in a batch), worked out case by case.

The run: V is a random walk that moves at steps 10t; a maker, d = 50 and h = 5 standard deviations of a move, quotes
again at each, and takers act at 10t + 5. The book and a batch auction with pi = 10, which clears before the messages of
its step, run on one world. Marked at fair(t_submit), when the takers acted, the losses of the maker stand in the exact
ratio, and as many lots trade. Marked at fair(t_fill) the world has made one more move, of mean zero, and they do within
error; a sample is then one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import sqrt
from typing import Any

import numpy as np
from attrs import frozen

from agents.market_maker import NewsMaker
from agents.sniper import Sniper
from experiments.validation.check import Check, Line, Scale
from marketsim import Simulation, Streams, Venue
from marketsim.fairvalue import PoissonJumps
from marketsim.information import PublicNews
from marketsim.metrics import fair_marks
from marketsim.metrics.logs import Floats
from venues.clob import ContinuousBook
from venues.fba import BatchAuction

MARKET = "ACME"
UNIT = 10_000
OPENING = 1000 * UNIT
PERIOD = 10
DELAY, HALF_SPREAD = 50, 5
RULES = {"midpoint": "market-clearing", "volume_midpoint": "volume_midpoint"}


@frozen
class Case:
    """Demand against the quote: lots quoted a side, takers of one lot each, and the ratio under each of `RULES`."""

    name: str
    quoted: int
    takers: int
    ratios: tuple[float, float]
    market_orders: bool = False


CASES = (
    Case("D < S", 2, 1, (1.0, 0.5)),
    Case("D = S", 1, 1, (0.5, 0.5)),
    Case("D > S", 1, 2, (0.0, 0.5)),
    Case("market orders", 1, 1, (1.0, 1.0), market_orders=True),
)


def walk(seed: int, periods: int) -> PoissonJumps:
    """A Gaussian walk that moves once a period, by even numbers of ticks, so that midpoints fall on ticks."""
    moves = Streams(seed).stream("world").standard_normal(periods) * UNIT
    return PoissonJumps(
        opening={MARKET: OPENING},
        horizon=PERIOD * (periods + 1),
        jump_times={MARKET: PERIOD * np.arange(1, periods + 1)},
        jump_sizes={MARKET: 2 * np.rint(moves / 2)},
    )


def losses(world: PoissonJumps, case: Case, venue: Venue, seed: int) -> tuple[int, float, float]:
    """(lots traded, what the maker lost to the takers, marked at the fill and at the takers' submission) of one run."""
    maker = NewsMaker(
        "maker", MARKET, OPENING, HALF_SPREAD * UNIT, quantity=case.quoted, observation_delay=PERIOD * DELAY
    )
    takers = [
        Sniper(f"taker-{number}", MARKET, observation_delay=PERIOD // 2, market_orders_only=case.market_orders)
        for number in range(case.takers)
    ]
    result = Simulation(
        venues={"venue": venue},
        agents=[maker, *takers],
        fair_value=world,
        information=PublicNews(),
        seed=seed,
    ).run(world.horizon)
    fills, orders = result.fills.columns(), result.orders.columns()
    taken = fills["owner"] != "maker"
    submitted = dict(zip(orders["order_id"].tolist(), orders["submitted"].tolist(), strict=True))
    sent = [submitted[order_id] for order_id in fills["order_id"][taken].tolist()]

    def gained(times: Any) -> float:
        marks = fair_marks(world, fills["market"][taken], times, end=result.horizon)
        gains: Floats = fills["side"][taken] * (fills["quantity"][taken] * marks - fills["money"][taken])
        return float(gains.sum()) / UNIT

    return int(fills["quantity"][taken].sum()), gained(fills["time"][taken]), gained(sent)


def compare(case: Case, rule: str, ratio: float, outcomes: Sequence[tuple[Any, Any]]) -> list[Line]:
    """The lines of one case under one rule; `outcomes` are the losses in book and batch, by seed."""
    book, batch = (np.array(each, dtype=np.float64) for each in zip(*outcomes, strict=True))
    lost = book[:, 2].mean()
    # Of a ratio of means: the standard error of (batch - ratio x book), in units of the mean loss in the book.
    gaps = batch[:, 1] - ratio * book[:, 2]
    line = partial(Line, predicted=ratio, samples=len(book))
    name = f"{case.name}, {RULES[rule]}"
    return [
        line(name=f"{name}: ratio at fair(t_submit)", measured=batch[:, 2].mean() / lost),
        line(
            name=f"{name}: ratio at fair(t_fill)",
            measured=batch[:, 1].mean() / lost,
            error=float(gaps.std(ddof=1)) / sqrt(len(gaps)) / lost,
        ),
        line(name=f"{name}: lots traded, batch by book", predicted=1.0, measured=batch[:, 0].sum() / book[:, 0].sum()),
    ]


def run(scale: Scale) -> Sequence[Line]:
    """The maker's loss in the batch by its loss in the book, for each kind of demand and both pricing rules."""
    seeds, periods = scale.pick(quick=(10, 75), full=(16, 400))
    root, lines = Streams(scale.seed), []
    venues: list[Callable[[], Venue]] = [
        partial(ContinuousBook, (MARKET,)),
        *(partial(BatchAuction, (MARKET,), PERIOD, price_rule=rule) for rule in RULES),
    ]
    for case in CASES:
        runs = []
        for number in range(seeds):
            seed = root.key(f"first batch {number}")
            world = walk(seed, periods)
            runs.append([losses(world, case, venue(), seed) for venue in venues])
        for place, (rule, ratio) in enumerate(zip(RULES, case.ratios, strict=True), start=1):
            lines += compare(case, rule, ratio, [(each[0], each[place]) for each in runs])
    return lines


CHECK = Check(name="first-batch", title="From book to batch at pi = 1: the pricing rule alone", run=run)
