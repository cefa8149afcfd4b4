"""Execution agents that follow a schedule or a rule: TWAP, VWAP, percentage of volume, sweep, the published split."""

from __future__ import annotations

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

    >>> targets(10, (1.0, 2.0, 1.0))
    [3, 8, 10]
    """
    total, so_far, plan = sum(weights), 0.0, []
    for weight in weights:
        so_far += weight
        plan.append(min(quantity, floor(quantity * so_far / total + 0.5)))
    return [*plan[:-1], quantity]


def slice_times(start: int, deadline: int, slices: int) -> list[int]:
    """First steps of `slices` equal parts of the time from `start` to `deadline`, and the deadline."""
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
    if place == len(weights):
        parent.take_rest(ctx)
        return
    due = targets(parent.quantity, weights)[place] - parent.filled
    if due > 0:
        parent.take(ctx, due)


def _wake_at_slices(ctx: Context, parent: ParentOrder, slices: int) -> None:
    for time in dict.fromkeys(slice_times(parent.start, parent.deadline, slices)):
        ctx.wake_at(time)


@define
class TWAP:
    """Takes an equal part of the parent at the start of each of `slices` equal spans of time, the rest at the deadline.

    A slice takes displayed lots, best price first over all venues; what was not displayed is due again with the next.
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
        if self.parent.settled(ctx):
            _follow(ctx, self.parent, (1.0,) * self.slices)

    def report(self, ctx: Context, report: Report) -> None:
        if self.parent.learn(report):
            _follow(ctx, self.parent, (1.0,) * self.slices)


@define
class VWAP:
    """As `TWAP`, but each span's part is proportional to its weight in a volume curve.

    Args:
        curve: share of the volume in each of as many equal spans of time, in any unit.
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
        if self.parent.settled(ctx):
            _follow(ctx, self.parent, self.curve)

    def report(self, ctx: Context, report: Report) -> None:
        if self.parent.learn(report):
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
        rate: own volume as a share of that of the others.
        interval: steps between looks.
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
        if self.parent.settled(ctx):
            self._act(ctx)

    def report(self, ctx: Context, report: Report) -> None:
        if isinstance(report, Fill) and report.order_id in self.parent.children:
            self._volume -= report.quantity
        if self.parent.learn(report):
            self._act(ctx)

    def _act(self, ctx: Context) -> None:
        if ctx.now >= self.parent.deadline:
            self.parent.take_rest(ctx)
            return
        due = min(self.parent.left, floor(self.rate * max(0, self._volume)) - self.parent.filled)
        if due > 0:
            # The touch alone: what is taken deeper would not be seen to leave it, but be left out all the same.
            self.parent.take(ctx, due, levels_max=1)


@define
class SweepBest:
    """Takes all that is displayed at the best price of all venues, at every interval; the rest at the deadline."""

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
        if self.parent.settled(ctx):
            self._act(ctx)

    def report(self, ctx: Context, report: Report) -> None:
        if self.parent.learn(report):
            self._act(ctx)

    def _act(self, ctx: Context) -> None:
        if ctx.now >= self.parent.deadline:
            self.parent.take_rest(ctx)
        else:
            self.parent.take(ctx, self.parent.left, levels_max=1)


@define
class FixedSplit:
    """The published split, as real orders: at every interval it withdraws what rests and splits what is left anew.

    Below 1000 lots a tenth is sent as market orders, else two fifths, to displayed lots from the cheapest venue up; the
    rest joins the touch of the venues in equal parts. `published_run` gives the source's own numbers, whose limit
    orders fill at once.
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
        if self.parent.settled(ctx):
            self._act(ctx)

    def report(self, ctx: Context, report: Report) -> None:
        if self.parent.learn(report):
            self._act(ctx)

    def _act(self, ctx: Context) -> None:
        parent, left = self.parent, self.parent.left
        if ctx.now >= parent.deadline:
            parent.take_rest(ctx)
            return
        market = floor(published_split(left, len(parent.places))[0])
        if market:
            parent.take(ctx, market)
        post(ctx, parent, equal_parts(left - market, len(parent.places)))


def post(ctx: Context, parent: ParentOrder, lots: list[int]) -> None:
    """Join the touch of each venue with as many lots; a venue without a price on that side is left out."""
    for place, (state, quantity) in enumerate(zip(parent.states(ctx), lots, strict=True)):
        price, _ = touch(state, parent.side)
        if quantity > 0 and price is not None:
            parent.send(ctx, place, quantity, price, rests=True)
