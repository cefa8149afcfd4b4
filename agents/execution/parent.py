"""The parent order of an execution agent: its child orders, what is filled, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from marketsim.checks import integer, kind, name, names
from marketsim.errors import ConfigError
from marketsim.protocols import Context
from marketsim.types import (
    Cancelled,
    Expired,
    Fill,
    Reason,
    Rejected,
    Report,
    Side,
    TimeInForce,
    VenueState,
    limit_order,
    market_order,
)


@define
class ChildOrder:
    """One row of the child order log.

    Args:
        time: step at which it was sent.
        venue: "" where the market's only venue was meant.
        kind: "market", "take" (a limit order for one match) or "limit" (one that rests).
        quantity: lots.
        price: limit in ticks, None for a market order.
        filled: lots.
        money: tick-lots paid (negative: received), fees included.
        live: lots that rest, or are on their way.

    >>> from types import SimpleNamespace
    >>> parent = ParentOrder("ACME", Side.BUY, 10, deadline=100)
    >>> parent.send(SimpleNamespace(now=3, submit=lambda order, venue: 7), 0, 4, 99, rests=True)
    >>> parent.children[7]  # by order id
    ChildOrder(time=3, venue='', kind='limit', quantity=4, price=99, filled=0, money=0, live=4)
    """

    time: int
    venue: str
    kind: str
    quantity: int
    price: int | None
    filled: int = 0
    money: int = 0
    live: int = 0


def _venues(instance: Any, attribute: Any, value: Any) -> None:
    if value != ():
        names(instance, attribute, value)


@define
class ParentOrder:
    """A quantity to buy or sell in one market from `start` to `deadline`, over several venues.

    No lot is sent twice: before it sends anew, an agent withdraws what rests and waits until the venues have said what
    became of it (`settled`, then `learn`). At the deadline the same is done, and the rest is sent as market orders.
    A lot without a fill is never taken for filled: see `unfilled`.

    Args:
        market: what is traded.
        side: BUY or SELL.
        quantity: lots.
        deadline: step at which the rest is taken.
        start: first step at which orders are sent.
        venues: where; empty for the market's only venue.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds, or a start that is not before the deadline.

    >>> from types import SimpleNamespace
    >>> parent = ParentOrder("ACME", Side.BUY, 10, deadline=100)
    >>> parent.send(SimpleNamespace(now=0, submit=lambda order, venue: 7), 0, 4, 99, rests=True)
    >>> bid = limit_order("ACME", Side.BUY, quantity=4, price=99)._replace(order_id=7, owner="desk")
    >>> filled, _ = trade(bid, against="ann", price=99, quantity=3, now=5)
    >>> parent.learn(filled)  # nothing was withdrawn, so nothing is waited for
    False
    >>> parent.filled, parent.working, parent.left, parent.money  # lots, lots, lots, tick-lots
    (3, 1, 6, 297)
    """

    market: str = field(validator=name)
    side: Side = field(validator=kind(Side))
    quantity: int = field(validator=integer(1))
    deadline: int = field(validator=integer(1))
    start: int = field(default=0, validator=integer(0))
    venues: tuple[str, ...] = field(default=(), validator=_venues)
    children: dict[int, ChildOrder] = field(factory=dict, init=False, repr=False)
    _waiting: bool = field(default=False, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.start >= self.deadline:
            raise ConfigError(f"ParentOrder.start: got {self.start}, wanted a step before the deadline {self.deadline}")

    @property
    def places(self) -> tuple[str | None, ...]:
        """The venues, as `ctx` wants them named."""
        return self.venues or (None,)

    @property
    def filled(self) -> int:
        """Lots; more than `quantity` where too much was placed."""
        return sum(child.filled for child in self.children.values())

    @property
    def unfilled(self) -> int:
        """Lots of the parent that no fill has been reported for, whatever became of the child orders."""
        return max(0, self.quantity - self.filled)

    @property
    def working(self) -> int:
        """Lots of child orders that may still fill."""
        return sum(child.live for child in self.children.values())

    @property
    def left(self) -> int:
        """Lots that are neither filled nor working, at least 0."""
        return max(0, self.quantity - self.filled - self.working)

    @property
    def money(self) -> int:
        """Tick-lots paid for the fills (negative: received), fees included."""
        return sum(child.money for child in self.children.values())

    @property
    def average_price(self) -> float | None:
        """Ticks a filled lot, fees included; None while nothing is filled."""
        return abs(self.money) / self.filled if self.filled else None

    def states(self, ctx: Context) -> list[VenueState]:
        """Public state of each place."""
        return [ctx.state(self.market, venue=venue) for venue in self.places]

    def send(self, ctx: Context, place: int, quantity: int, price: int | None = None, *, rests: bool = False) -> None:
        """Send a child order to `places[place]`: a market order, or a limit in ticks for one match, or to rest."""
        if price is None:
            order = market_order(self.market, self.side, quantity=quantity)
        else:
            tif = TimeInForce.GTC if rests else TimeInForce.IOC
            order = limit_order(self.market, self.side, quantity=quantity, price=price, tif=tif)
        venue = self.places[place]
        order_id = ctx.submit(order, venue=venue)
        word = "market" if price is None else "limit" if rests else "take"
        self.children[order_id] = ChildOrder(ctx.now, venue or "", word, quantity, price, live=quantity)

    def take(self, ctx: Context, quantity: int, *, levels_max: int | None = None) -> None:
        """Take up to `quantity` displayed lots, best price first over all venues, with limits that live for one match.

        Args:
            ctx: of the agent.
            quantity: lots; what is not displayed is not sent.
            levels_max: best prices that are taken, None for all.
        """
        for place, lots, price in sweep(self.states(ctx), self.side, quantity, levels_max):
            self.send(ctx, place, lots, price)

    def take_rest(self, ctx: Context) -> None:
        """Send all that is left as market orders; what no venue displays goes to the one with the best price."""
        left = self.left
        plan = sweep(self.states(ctx), self.side, left, None)
        hidden = left - sum(lots for _, lots, _ in plan)
        if not plan and left:
            self.send(ctx, 0, left)
        for number, (place, lots, _) in enumerate(plan):
            self.send(ctx, place, lots + (hidden if number == 0 else 0))

    def settled(self, ctx: Context) -> bool:
        """Withdraw what rests. True where nothing was working; else `learn` says when that is so."""
        for order_id, child in self.children.items():
            if child.live and order_id in ctx.open_orders:
                ctx.cancel(order_id)
        self._waiting = self.working > 0
        return not self._waiting

    def learn(self, report: Report) -> bool:
        """Account for a report. True where it is the last one that `settled` waited for."""
        child = self.children.get(report.order_id)
        if child is None:
            return False
        if isinstance(report, Fill):
            child.filled += report.quantity
            child.money += int(report.side) * report.money
            child.live -= report.quantity
        elif isinstance(report, Expired):
            child.live -= report.quantity
        elif isinstance(report, Cancelled):
            child.live = report.remaining
        elif isinstance(report, Rejected) and report.reason is not Reason.UNKNOWN_ORDER:
            child.live = 0  # the order itself; a cancel that came too late is about an order that has ended
        if not self._waiting or self.working:
            return False
        self._waiting = False
        return True


def sweep(
    states: Sequence[VenueState], side: Side, quantity: int, levels_max: int | None
) -> list[tuple[int, int, int]]:
    """What to take where: (place of the venue, lots, worst price in ticks), venues in the order of their best price.

    Displayed lots are taken from the best price on; at one price, from the venues in their order.

    Args:
        states: of the venues; one that publishes no levels offers nothing.
        side: of the order that takes.
        quantity: lots in all.
        levels_max: how many of the different prices may be taken, best first; None for all.

    >>> here, there = VenueState(asks=((100, 5), (101, 9))), VenueState(asks=((100, 2), (102, 9)))
    >>> sweep([here, there], Side.BUY, 10, None)
    [(0, 8, 101), (1, 2, 100)]
    """
    offers = sorted(
        (int(side) * price, place, lots)
        for place, state in enumerate(states)
        for price, lots in (state.asks if side > 0 else state.bids)
    )
    prices = list(dict.fromkeys(key for key, _, _ in offers))[:levels_max]
    taken: dict[int, tuple[int, int]] = {}
    left = quantity
    for key, place, lots in offers:
        if left <= 0 or key > prices[-1]:
            break
        take = min(lots, left)
        taken[place] = (taken.get(place, (0, 0))[0] + take, int(side) * key)
        left -= take
    return [(place, lots, price) for place, (lots, price) in taken.items()]


def touch(state: VenueState, side: Side) -> tuple[int | None, int]:
    """(best price in ticks, lots displayed there) on the side where an order of `side` would rest.

    The price is None where there is none; a venue that publishes no levels displays 0 lots.

    >>> touch(VenueState(99, 101, bids=((99, 4),), asks=((101, 7),)), Side.SELL)
    (101, 7)
    """
    levels = state.bids if side > 0 else state.asks
    if levels:
        return levels[0]
    return (state.best_bid if side > 0 else state.best_ask), 0


def equal_parts(quantity: int, count: int) -> list[int]:
    """`quantity` lots in `count` whole parts that differ by at most one, larger ones first.

    >>> equal_parts(8, 3)
    [3, 3, 2]
    """
    part, more = divmod(quantity, count)
    return [part + (place < more) for place in range(count)]
