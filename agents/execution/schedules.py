"""Execution agents that follow a schedule or a rule: TWAP, VWAP, percentage of volume, sweep, the published split.

Intervals and delays are in steps.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import Any

from attrs import define, field

from agents.execution.outflow import OutflowRecord
from agents.execution.parent import ParentOrder, equal_parts, touch
from agents.execution.published import published_split
from marketsim.checks import delay, integer, kind, name, number
from marketsim.errors import ConfigError
from marketsim.protocols import Context, Delay
from marketsim.types import Fill, Report


def targets(quantity: int, weights: tuple[float, ...]) -> list[int]:
    """Lots to have been sent by the end of each slice, the last one being `quantity`.

    Args:
        quantity: lots of the parent order.
        weights: of each slice, in any unit, their sum above 0.

    >>> targets(10, (1.0, 2.0, 1.0))
    [3, 8, 10]
    """
    total, so_far, plan = sum(weights), 0.0, []
    for weight in weights:
        so_far += weight
        plan.append(min(quantity, floor(quantity * so_far / total + 0.5)))
    return [*plan[:-1], quantity]


def slice_times(start: int, deadline: int, slices: int) -> list[int]:
    """First steps of `slices` equal parts of the time from `start` to `deadline`, and the deadline.

    >>> slice_times(start=10, deadline=50, slices=4)
    [10, 20, 30, 40, 50]
    """
    return [start + (deadline - start) * place // slices for place in range(slices)] + [deadline]


def _curve(instance: Any, attribute: Any, value: Any) -> None:
    if type(value) is not tuple or not value:
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {value!r}, wanted a tuple of weights")
    for weight in value:
        number(0.0)(instance, attribute, weight)
    if sum(value) <= 0:
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {value!r}, wanted a weight above 0")


def _follow(ctx: Context, parent: ParentOrder, weights: tuple[float, ...]) -> None:
    # Behind schedule is caught up: the target is of all that was sent so far.
    times = slice_times(parent.start, parent.deadline, len(weights))
    place = sum(time <= ctx.now for time in times) - 1
    due = targets(parent.quantity, weights)[place] - parent.filled
    if due > 0:
        parent.take(ctx, due)


def _act_or_end(ctx: Context, parent: ParentOrder, act: Callable[[Context], None]) -> None:
    if ctx.now >= parent.deadline:
        parent.take_rest(ctx)
    else:
        act(ctx)


def _on_wake(ctx: Context, parent: ParentOrder, act: Callable[[Context], None]) -> None:
    # What rests is withdrawn first; where that takes time, a report says when to act.
    if parent.settled(ctx):
        _act_or_end(ctx, parent, act)


def _on_report(ctx: Context, parent: ParentOrder, report: Report, act: Callable[[Context], None]) -> None:
    if parent.learn(report):
        _act_or_end(ctx, parent, act)


def _wake_at_slices(ctx: Context, parent: ParentOrder, slices: int) -> None:
    for time in dict.fromkeys(slice_times(parent.start, parent.deadline, slices)):
        ctx.wake_at(time)


@define
class TWAP:
    """Takes an equal part of the parent at the start of each of `slices` equal spans of time, the rest at the deadline.

    A slice takes displayed lots, best price first over all venues; what was not displayed is due again with the next.

    Args:
        parent: what is bought or sold, where and until when.
        slices: spans of time.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from agents.bootstrap import BootstrapLadder
    >>> from agents.execution.parent import ParentOrder
    >>> from venues.clob import ContinuousBook
    >>> ladder = BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=4)
    >>> desk = TWAP("desk", ParentOrder("ACME", Side.BUY, 8, deadline=41, start=1), slices=4)
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=[ladder, desk]).run(50)
    >>> [(child.time, child.filled, child.price) for child in desk.parent.children.values()]  # steps, lots, ticks
    [(1, 2, 1001), (11, 2, 1001), (21, 2, 1002), (31, 2, 1002)]
    >>> desk.parent.average_price
    1001.5
    """

    agent_id: str = field(validator=name)
    parent: ParentOrder = field(validator=kind(ParentOrder))
    slices: int = field(default=10, validator=integer(1))
    market_data_delay: Delay = field(default=0, validator=delay)
    order_latency: Delay = field(default=0, validator=delay)
    report_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="execution", validator=name)

    @property
    def market(self) -> str:
        return self.parent.market

    def start(self, ctx: Context) -> None:
        _wake_at_slices(ctx, self.parent, self.slices)

    def wake(self, ctx: Context) -> None:
        _on_wake(ctx, self.parent, self._act)

    def report(self, ctx: Context, report: Report) -> None:
        _on_report(ctx, self.parent, report, self._act)

    def _act(self, ctx: Context) -> None:
        _follow(ctx, self.parent, (1.0,) * self.slices)


@define
class VWAP:
    """As `TWAP`, but each span's part is proportional to its weight in a volume curve.

    Args:
        parent: what is bought or sold, where and until when.
        curve: share of the volume in each of as many equal spans of time, in any unit.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from agents.bootstrap import BootstrapLadder
    >>> from agents.execution.parent import ParentOrder
    >>> from venues.clob import ContinuousBook
    >>> ladder = BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=8)
    >>> desk = VWAP("desk", ParentOrder("ACME", Side.SELL, 8, deadline=41, start=1), curve=(1.0, 2.0, 1.0, 4.0))
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=[ladder, desk]).run(50)
    >>> [(child.time, child.filled) for child in desk.parent.children.values()]  # steps, lots
    [(1, 1), (11, 2), (21, 1), (31, 4)]
    """

    agent_id: str = field(validator=name)
    parent: ParentOrder = field(validator=kind(ParentOrder))
    curve: tuple[float, ...] = field(validator=_curve)
    market_data_delay: Delay = field(default=0, validator=delay)
    order_latency: Delay = field(default=0, validator=delay)
    report_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="execution", validator=name)

    @property
    def market(self) -> str:
        return self.parent.market

    def start(self, ctx: Context) -> None:
        _wake_at_slices(ctx, self.parent, len(self.curve))

    def wake(self, ctx: Context) -> None:
        _on_wake(ctx, self.parent, self._act)

    def report(self, ctx: Context, report: Report) -> None:
        _on_report(ctx, self.parent, report, self._act)

    def _act(self, ctx: Context) -> None:
        _follow(ctx, self.parent, self.curve)


def _wake_again(ctx: Context, parent: ParentOrder, interval: int) -> None:
    if ctx.now < parent.deadline:
        ctx.wake_at(min(parent.deadline, ctx.now + interval))


@define
class PercentOfVolume:
    """Takes a share of the volume, as far as it can be seen: lots that leave the touch of either side, at every venue.

    Venues publish no trades, so cancels at the touch count as volume, and trades that new orders hide do not. The
    agent's own fills are left out. The rest is taken at the deadline.

    Args:
        parent: what is bought or sold, where and until when.
        rate: own volume as a share of that of the others.
        interval: steps between looks.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from agents import bootstrap, flow
    >>> from agents.execution.parent import ParentOrder
    >>> from venues.clob import ContinuousBook
    >>> ladder = bootstrap.BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=100)
    >>> ivy = flow.Investor("ivy", "ACME", quantity=20, arrival_rate=20.0)
    >>> desk = PercentOfVolume("desk", ParentOrder("ACME", Side.BUY, 50, deadline=400), rate=0.25)
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=[ladder, ivy, desk], seed=1).run(300)
    >>> traded = result.fills.frame().groupby("owner")["quantity"].sum()
    >>> int(traded["ivy"]), int(traded["desk"])  # lots
    (80, 20)
    """

    agent_id: str = field(validator=name)
    parent: ParentOrder = field(validator=kind(ParentOrder))
    rate: float = field(default=0.1, validator=number(above=0.0))
    interval: int = field(default=10, validator=integer(1))
    market_data_delay: Delay = field(default=0, validator=delay)
    order_latency: Delay = field(default=0, validator=delay)
    report_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="execution", validator=name)
    _record: OutflowRecord = field(factory=OutflowRecord, init=False, repr=False)
    _volume: int = field(default=0, init=False, repr=False)

    @property
    def market(self) -> str:
        return self.parent.market

    def start(self, ctx: Context) -> None:
        ctx.wake_at(self.parent.start)

    def wake(self, ctx: Context) -> None:
        states = self.parent.states(ctx)
        sides = [levels for state in states for levels in (state.bids, state.asks)]
        self._volume += sum(self._record.look(sides))
        _wake_again(ctx, self.parent, self.interval)
        _on_wake(ctx, self.parent, self._act)

    def report(self, ctx: Context, report: Report) -> None:
        if isinstance(report, Fill) and report.order_id in self.parent.children:
            self._volume -= report.quantity
        _on_report(ctx, self.parent, report, self._act)

    def _act(self, ctx: Context) -> None:
        due = min(self.parent.left, floor(self.rate * max(0, self._volume)) - self.parent.filled)
        if due > 0:
            # The touch alone: what is taken deeper would not be seen to leave it, but be left out all the same.
            self.parent.take(ctx, due, levels_max=1)


@define
class SweepBest:
    """Takes all that is displayed at the best price of all venues, at every interval; the rest at the deadline.

    Args:
        parent: what is bought or sold, where and until when.
        interval: steps between two takes.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from agents.bootstrap import BootstrapLadder
    >>> from agents.execution.parent import ParentOrder
    >>> from venues.clob import ContinuousBook
    >>> ladder = BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=5)
    >>> desk = SweepBest("desk", ParentOrder("ACME", Side.BUY, 12, deadline=41, start=1), interval=10)
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=[ladder, desk]).run(50)
    >>> [(child.time, child.filled, child.price) for child in desk.parent.children.values()]  # steps, lots, ticks
    [(1, 5, 1001), (11, 5, 1002), (21, 2, 1003)]
    """

    agent_id: str = field(validator=name)
    parent: ParentOrder = field(validator=kind(ParentOrder))
    interval: int = field(default=10, validator=integer(1))
    market_data_delay: Delay = field(default=0, validator=delay)
    order_latency: Delay = field(default=0, validator=delay)
    report_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="execution", validator=name)

    @property
    def market(self) -> str:
        return self.parent.market

    def start(self, ctx: Context) -> None:
        ctx.wake_at(self.parent.start)

    def wake(self, ctx: Context) -> None:
        _wake_again(ctx, self.parent, self.interval)
        _on_wake(ctx, self.parent, self._act)

    def report(self, ctx: Context, report: Report) -> None:
        _on_report(ctx, self.parent, report, self._act)

    def _act(self, ctx: Context) -> None:
        self.parent.take(ctx, self.parent.left, levels_max=1)


@define
class FixedSplit:
    """The published split, as real orders: at every interval it withdraws what rests and splits what is left anew.

    Below 1000 lots a tenth is sent as market orders, else two fifths, to displayed lots from the cheapest venue up; the
    rest joins the touch of the venues in equal parts. `published_run` gives the source's own numbers, whose limit
    orders fill at once.

    Args:
        parent: what is bought or sold, where and until when.
        interval: steps between two splits.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from agents.bootstrap import BootstrapLadder
    >>> from agents.execution.parent import ParentOrder
    >>> from venues.clob import ContinuousBook
    >>> ladder = BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=50)
    >>> desk = FixedSplit("desk", ParentOrder("ACME", Side.BUY, 100, deadline=41, start=1), interval=40)
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=[ladder, desk]).run(50)
    >>> [(child.kind, child.quantity, child.filled) for child in desk.parent.children.values()]  # lots
    [('take', 10, 10), ('limit', 90, 0), ('market', 90, 90)]
    """

    agent_id: str = field(validator=name)
    parent: ParentOrder = field(validator=kind(ParentOrder))
    interval: int = field(default=10, validator=integer(1))
    market_data_delay: Delay = field(default=0, validator=delay)
    order_latency: Delay = field(default=0, validator=delay)
    report_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="execution", validator=name)

    @property
    def market(self) -> str:
        return self.parent.market

    def start(self, ctx: Context) -> None:
        ctx.wake_at(self.parent.start)

    def wake(self, ctx: Context) -> None:
        _wake_again(ctx, self.parent, self.interval)
        _on_wake(ctx, self.parent, self._act)

    def report(self, ctx: Context, report: Report) -> None:
        _on_report(ctx, self.parent, report, self._act)

    def _act(self, ctx: Context) -> None:
        parent, left = self.parent, self.parent.left
        market = floor(published_split(left, len(parent.places))[0])
        if market:
            parent.take(ctx, market)
        post(ctx, parent, equal_parts(left - market, len(parent.places)))


def post(ctx: Context, parent: ParentOrder, lots: list[int]) -> None:
    """Join the touch of each venue with as many lots; a venue without a price on that side is left out.

    Args:
        ctx: of the agent.
        parent: which keeps the log of what was sent.
        lots: one number per venue of the parent; 0 for none.

    >>> from itertools import count
    >>> from types import SimpleNamespace
    >>> from agents.execution.parent import ParentOrder
    >>> parent, ids = ParentOrder("ACME", Side.BUY, 8, deadline=40, venues=("here", "there")), count(1)
    >>> shown = {"here": VenueState(bids=((99, 5),)), "there": VenueState(bids=((98, 5),))}
    >>> sees = {"now": 0, "state": lambda market, venue: shown[venue]}
    >>> post(SimpleNamespace(**sees, submit=lambda order, venue: next(ids)), parent, [3, 5])
    >>> [(child.venue, child.quantity, child.price) for child in parent.children.values()]  # lots, ticks
    [('here', 3, 99), ('there', 5, 98)]
    """
    for place, (state, quantity) in enumerate(zip(parent.states(ctx), lots, strict=True)):
        price, _ = touch(state, parent.side)
        if quantity > 0 and price is not None:
            parent.send(ctx, place, quantity, price, rests=True)
