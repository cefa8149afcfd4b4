"""Background flow without information: followers of the last move, and traders without intelligence."""

from __future__ import annotations

from math import ceil, floor

from attrs import define, field

from agents.market_maker import cancel_quotes
from marketsim.checks import delay, integer, name, names, number, optional
from marketsim.protocols import Context, Delay
from marketsim.types import Side, limit_order, market_order

_ORDERS_HELD = 10


@define
class Momentum:
    """Buys after the mid rose and sells after it fell, with market orders, up to a bound on its position.

    At a review it compares the mid with the one it saw `lookback` reviews ago; reviews that found no mid are not
    counted. Orders on their way count as filled, so that a delay never takes it beyond the bound.

    Args:
        quantity: lots an order.
        lookback: reviews.
        threshold: least move it follows, as a fraction of the earlier mid.
        position_max: lots, long or short; None: those of ten orders.
    """

    agent_id: str = field(validator=name)
    market: str = field(validator=name)
    quantity: int = field(default=10, validator=integer(1))
    lookback: int = field(default=1, validator=integer(1))
    threshold: float = field(default=0.0, validator=number(0.0))
    position_max: int | None = field(default=None, validator=optional(integer(0)))
    review_interval: int = field(default=100, validator=integer(1))
    market_data_delay: Delay = field(default=0, validator=delay)
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="background", validator=name)
    _mids: list[float] = field(factory=list, init=False, repr=False)

    def review(self, ctx: Context) -> None:
        mid = ctx.state(self.market).mid
        if mid is None:
            return
        self._mids.append(mid)
        if len(self._mids) <= self.lookback:
            return
        move = mid - self._mids.pop(0)
        if move == 0 or abs(move) < self.threshold * (mid - move):
            return
        side = Side.BUY if move > 0 else Side.SELL
        lots = min(self.quantity, self._room(ctx, side))
        if lots > 0:
            ctx.submit(market_order(self.market, side, quantity=lots))

    def _room(self, ctx: Context, side: Side) -> int:
        most = _ORDERS_HELD * self.quantity if self.position_max is None else self.position_max
        coming = [order.quantity for order in ctx.open_orders.values() if order.side is side]
        return most - side * ctx.inventory(self.market) - sum(coming)


@define
class ZeroIntelligence:
    """Poisson arrivals of limit orders at random prices, never at a loss against a private value.

    The budget-constrained trader of Gode and Sunder (Journal of Political Economy 101, 1993), "ZI-C": at an arrival it
    draws a market, a side, and a private value uniform within +- `width` of the public mid (where there is none, of the
    last price; where there is neither, it waits for the next arrival). As a buyer it bids uniformly between the lower
    end of that band and its value, as a seller it asks uniformly between its value and the upper end. What is left of
    its earlier order is withdrawn first.

    Args:
        quantity: lots an order.
        width: of the band on either side, as a fraction of the mid.
        arrival_rate: per time unit.
    """

    agent_id: str = field(validator=name)
    markets: tuple[str, ...] = field(validator=names)
    quantity: int = field(default=1, validator=integer(1))
    width: float = field(default=0.01, validator=number(0.0, 0.5))
    arrival_rate: float = field(default=1.0, validator=number(above=0.0))
    market_data_delay: Delay = field(default=0, validator=delay)
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="background", validator=name)

    def arrive(self, ctx: Context) -> None:
        # All four draws are made at every arrival, so that an empty book moves no later draw.
        market = self.markets[int(ctx.rng.integers(len(self.markets)))]
        side = Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
        worth, shade = ctx.rng.random(), ctx.rng.random()
        for held in self.markets:
            cancel_quotes(ctx, held)
        state = ctx.state(market)
        reference = state.last_price if state.mid is None else state.mid
        if reference is not None:
            price = constrained_price(side, reference, self.width, worth, shade)
            ctx.submit(limit_order(market, side, quantity=self.quantity, price=price))


def constrained_price(side: Side, reference: float, width: float, worth: float, shade: float) -> int:
    """Limit price in ticks of a trader who never trades at a loss, at least 1.

    Args:
        side: of the order.
        reference: ticks.
        width: of the band on either side, as a fraction of the reference.
        worth: place of the private value in the band, from 0 to 1.
        shade: place of the price between the lower end of its range and the upper one, from 0 to 1.

    >>> constrained_price(Side.BUY, 1000.0, 0.1, 0.5, 0.5), constrained_price(Side.SELL, 1000.0, 0.1, 0.5, 0.5)
    (950, 1050)
    """
    low, high = reference * (1 - width), reference * (1 + width)
    value = low + worth * (high - low)
    # Rounded away from a loss.
    price = floor(low + shade * (value - low)) if side > 0 else ceil(value + shade * (high - value))
    return max(1, price)
