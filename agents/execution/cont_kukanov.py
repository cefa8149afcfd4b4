"""The execution agent that places its orders once, by the model of Cont and Kukanov (2017)."""

from __future__ import annotations

from math import ceil, floor, inf
from typing import Any

import numpy as np
from attrs import define, field

from agents.execution.approximation import approximate_placement
from agents.execution.cost import Costs, Floats, Placement, beyond_queue, sample_cost
from agents.execution.outflow import OutflowRecord
from agents.execution.parent import ParentOrder, touch
from agents.execution.placement import Solution, best_placement
from agents.execution.schedules import post
from marketsim.checks import delay, flag, integer, kind, name
from marketsim.errors import ConfigError
from marketsim.protocols import Context, Delay
from marketsim.types import Report


def _history(instance: Any, attribute: Any, value: Any) -> None:
    rows = value if type(value) is tuple else None
    if rows is None or any(type(row) is not tuple or len(row) != len(instance.parent.places) for row in rows):
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: wanted a tuple of tuples, one number per venue")


@define
class ContKukanov:
    """Chooses market and limit quantities at the start of its parent order, and takes the rest at the deadline.

    Until then it looks at the touch of every venue at every interval and adds up what left it. Each window of looks as
    long as the parent order lasts is one outcome of the outflow; the placement is the best one for this sample, with
    the displayed lots of the start as the queues. Limit orders join the touch. Nothing after the start changes the
    placement, except that the rest is withdrawn once the parent is filled. The delays are in steps.

    Args:
        parent: what is bought or sold; its start leaves time for at least one window, unless `history` has outcomes.
        costs: in ticks a lot, one rebate per venue.
        interval: steps between looks.
        history: outcomes known beforehand, in lots that leave each venue's touch while the parent order lasts.
        withdraws_when_filled: False keeps the model's over-filling, which it prices with lambda_o.
        boxes_max: of `best_placement`; 1 gives a local optimum, good enough for an estimated sample.
        draws: 0 takes the best placement for the sample; else the published stochastic approximation over this many
            outcomes drawn from it, which proves no bound.

    Raises:
        ConfigError: an argument out of bounds, another number of rebates or of venues in the history than the parent
            order has venues, or neither a history nor time for a window of looks before the start.

    References:
        Cont and Kukanov, "Optimal order placement in limit order markets", Quantitative Finance 17, 2017.

    >>> from agents.bootstrap import BootstrapLadder
    >>> from agents.execution import cost, parent
    >>> from venues.clob import ContinuousBook
    >>> costs = cost.Costs(half_spread=1.0, fee=0.15, rebates=(0.1,), impact=0.025, under=4.0, over=4.0)
    >>> order = parent.ParentOrder("ACME", Side.BUY, 10, deadline=41, start=1)
    >>> desk = ContKukanov("desk", order, costs, history=((22.0,), (24.0,), (30.0,)))  # lots that leave the touch
    >>> agents = [BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=20), desk]
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=agents).run(50)
    >>> desk.solution.placement, round(desk.solution.cost, 2)  # lots, tick-lots
    (Placement(market=6.0, limits=(4.0,)), 6.17)
    >>> [(child.kind, child.quantity, child.filled) for child in order.children.values()]  # lots
    [('take', 6, 6), ('limit', 4, 0), ('market', 4, 4)]
    """

    agent_id: str = field(validator=name)
    parent: ParentOrder = field(validator=kind(ParentOrder))
    costs: Costs = field(validator=kind(Costs))
    interval: int = field(default=10, validator=integer(1))
    history: tuple[tuple[float, ...], ...] = field(default=(), validator=_history)
    withdraws_when_filled: bool = field(default=True, validator=flag)
    boxes_max: int = field(default=1, validator=integer(1))
    draws: int = field(default=0, validator=integer(0))
    market_data_delay: Delay = field(default=0, validator=delay)
    order_latency: Delay = field(default=0, validator=delay)
    report_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="execution", validator=name)
    solution: Solution | None = field(default=None, init=False)
    _record: OutflowRecord = field(factory=OutflowRecord, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        parent, venues = self.parent, len(self.parent.places)
        if len(self.costs.rebates) != venues:
            raise ConfigError(f"ContKukanov.costs: got {len(self.costs.rebates)} rebates, wanted {venues}")
        needed = self.looks * self.interval
        if not self.history and parent.start < needed:
            wanted = f"at least {needed}, a window of {self.looks} looks, or a history"
            raise ConfigError(f"ContKukanov.parent: got start {parent.start}, wanted {wanted}")

    @property
    def market(self) -> str:
        return self.parent.market

    @property
    def looks(self) -> int:
        """Intervals that the parent order lasts, at least 1."""
        return max(1, round((self.parent.deadline - self.parent.start) / self.interval))

    def start(self, ctx: Context) -> None:
        for time in range(self.parent.start % self.interval, self.parent.start, self.interval):
            ctx.wake_at(time)
        ctx.wake_at(self.parent.start)
        ctx.wake_at(self.parent.deadline)

    def wake(self, ctx: Context) -> None:
        parent = self.parent
        if ctx.now <= parent.start:
            sides = [state.bids if parent.side > 0 else state.asks for state in parent.states(ctx)]
            self._record.look(sides)
        if ctx.now == parent.start:
            self._place(ctx)
        elif ctx.now >= parent.deadline and parent.settled(ctx):
            parent.take_rest(ctx)

    def report(self, ctx: Context, report: Report) -> None:
        parent = self.parent
        if parent.learn(report) and ctx.now >= parent.deadline:
            parent.take_rest(ctx)
        elif self.withdraws_when_filled and not parent.unfilled and parent.working:
            parent.settled(ctx)

    def sample(self) -> Floats:
        """Shape (n, K): the outcomes known so far, in lots, those of the history first."""
        seen = self._record.windows(self.looks)
        return np.vstack([np.array(self.history, dtype=np.float64), seen]) if self.history else seen

    def _place(self, ctx: Context) -> None:
        parent = self.parent
        queues = [touch(state, parent.side)[1] for state in parent.states(ctx)]
        self.solution = self._solved(queues, ctx)
        market, limits = whole_lots(self.solution.placement, parent.quantity)
        if market:
            parent.take(ctx, market)
        post(ctx, parent, limits)

    def _solved(self, queues: list[int], ctx: Context) -> Solution:
        quantity, sample = self.parent.quantity, self.sample()
        if not self.draws:
            return best_placement(quantity, self.costs, queues, sample, tolerance=1e-3, boxes_max=self.boxes_max)
        drawn = sample[ctx.rng.integers(len(sample), size=self.draws)]
        placement = approximate_placement(quantity, self.costs, queues, drawn)
        cost = sample_cost(placement, quantity, self.costs, beyond_queue(sample, queues))
        return Solution(placement, cost, bound=-inf)


def whole_lots(placement: Placement, quantity: int) -> tuple[int, list[int]]:
    """(M, L_k) in whole lots: M to the nearest one, L_k upwards but at most S - M, so that M + sum L_k >= S stays.

    Args:
        placement: in lots, fractions allowed.
        quantity: S, lots of the parent order.

    >>> from agents.execution.cost import Placement
    >>> whole_lots(Placement(3.4, (6.2, 2.0)), 10)
    (3, [7, 2])
    """
    market = min(quantity, floor(placement.market + 0.5))
    # A hair of rounding error must not make a lot.
    limits = [min(quantity - market, ceil(limit - 1e-6)) for limit in placement.limits]
    missing = max(0, quantity - market - sum(limits))
    for place, limit in enumerate(limits):
        more = min(missing, quantity - market - limit)
        limits[place] += more
        missing -= more
    return market, limits
