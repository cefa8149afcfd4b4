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
    `review_interval` and the delays are in steps.

    Args:
        quantity: lots an order.
        lookback: reviews.
        threshold: least move it follows, as a fraction of the earlier mid.
        position_max: lots, long or short; None: those of ten orders.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from agents.market_maker import NewsMaker
    >>> from marketsim import fairvalue, information
    >>> from venues.clob import ContinuousBook
    >>> jump = {"jump_times": {"ACME": [150]}, "jump_sizes": {"ACME": [10.0]}}
    >>> truth = fairvalue.PoissonJumps(opening={"ACME": 1000.0}, horizon=300, **jump)
    >>> agents = [NewsMaker("maker", "ACME", 1000.0, half_spread=2.0, quantity=50), Momentum("mo", "ACME")]
    >>> world = {"fair_value": truth, "information": information.PublicNews()}
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=agents, **world).run(300)
    >>> result.ledger.inventory["mo"], result.ledger.cash["mo"]  # lots, tick-lots
    ({'ACME': 10}, -10120)
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
        markets: drawn from uniformly.
        quantity: lots an order.
        width: of the band on either side, as a fraction of the mid.
        arrival_rate: arrivals per time unit of the simulation, 1000 steps by default.
        market_data_delay: steps.
        order_latency: steps.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from agents.bootstrap import BootstrapLadder
    >>> from venues.clob import ContinuousBook
    >>> agents = [BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=5), ZeroIntelligence("zoe", ("ACME",))]
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=agents, seed=1).run(5000)
    >>> orders = result.orders.frame().groupby("owner").get_group("zoe")
    >>> list(zip(orders["side"], orders["price"], strict=True))  # ticks, within 1 % of the mid
    [(-1, 1009.0), (1, 1003.0)]
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
    """Limit price in ticks of a trader who never trades at a loss, at least 1: "ZI-C" of Gode and Sunder (1993).

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
