"""Liquidity providers: one that quotes around a belief, one that quotes around public news."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, exp, floor, log
from typing import Any

from attrs import Attribute, define, field

from agents.belief import ScalarBelief
from marketsim.checks import delay, integer, kind, mapping_of, name, number, optional
from marketsim.errors import ConfigError
from marketsim.protocols import Context, Delay
from marketsim.types import Fill, Levels, Liquidity, Order, Report, Side, Signal, VenueState, limit_order


@define
class EndogenousSpread:
    """A half-spread per market that follows what the maker's own fills were worth; it has no other source.

    A fill is marked at the public mid of a later review, fees included, and the half-spread h moves against the
    markout, h <- h - gain x markout / (mid x lots quoted), within its bounds. So it rests where the maker expects
    neither to gain nor to lose at that mark, the zero-profit condition of Glosten and Milgrom (1985).

    Args:
        initial: as a fraction of the price, as all half-spreads are.
        floor: least.
        cap: most.
        gain: a full quote filled at h from the mid narrows h by this share of itself.
        idle: share by which h narrows at a review without a fill to judge or to wait for. At 0, a spread that has
            become too wide to trade stays.
        patience: reviews with a mid that pass before the one that judges a fill. At 0, a fill that emptied the maker's
            own quote is marked at a mid that has moved for that reason alone; at 1, the quote has been renewed.

    Raises:
        ConfigError: an argument out of bounds, or an initial half-spread that is not from floor to cap.

    >>> spread = EndogenousSpread(initial=0.001, patience=0)
    >>> bid = limit_order("ACME", Side.BUY, quantity=10, price=999)
    >>> bought, _ = trade(bid, against="ann", price=999, quantity=10, now=5)
    >>> spread.learn(bought)
    >>> spread.judge("ACME", mid=1001.0, lots=10)  # 20 tick-lots gained: 0.001 - 0.25 x 20 / (1001 x 10)
    >>> round(spread.at("ACME"), 6)
    0.0005
    """

    initial: float = field(validator=number(0.0, 0.5))
    floor: float = field(default=1e-5, validator=number(0.0, 0.5))
    cap: float = field(default=0.05, validator=number(0.0, 0.5))
    gain: float = field(default=0.25, validator=number(above=0.0))
    idle: float = field(default=0.0, validator=number(0.0, 1.0))
    patience: int = field(default=1, validator=integer(0))
    _half_spreads: dict[str, float] = field(factory=dict, init=False, repr=False)
    _waiting: dict[str, list[tuple[Fill, int]]] = field(factory=dict, init=False, repr=False)  # and reviews to come

    def __attrs_post_init__(self) -> None:
        if not self.floor <= self.initial <= self.cap:
            wanted = f"a value from floor {self.floor} to cap {self.cap}"
            raise ConfigError(f"EndogenousSpread.initial: got {self.initial}, wanted {wanted}")

    def at(self, market: str) -> float:
        """The half-spread in `market` now."""
        return self._half_spreads.get(market, self.initial)

    def learn(self, fill: Fill) -> None:
        """Remember an own fill; mints, burns and settlements are no trades."""
        if fill.liquidity is not Liquidity.TRANSFER:
            self._waiting.setdefault(fill.market, []).append((fill, self.patience))

    def judge(self, market: str, mid: float | None, lots: int) -> None:
        """Move the half-spread by the fills that are due.

        Args:
            market: whose fills.
            mid: public, ticks; None changes nothing.
            lots: of a full quote on one side.
        """
        if mid is None:
            return
        waiting = self._waiting.get(market, [])
        self._waiting[market] = [(fill, reviews - 1) for fill, reviews in waiting if reviews > 0]
        markout = sum(fill.side * (fill.quantity * mid - fill.money) for fill, reviews in waiting if reviews == 0)
        half = self.at(market) - self.gain * markout / (mid * lots)
        if not waiting:
            half *= 1 - self.idle
        self._half_spreads[market] = min(self.cap, max(self.floor, half))


def _half_spread(instance: MarketMaker, attribute: Attribute[Any], value: float | EndogenousSpread) -> None:
    if not isinstance(value, EndogenousSpread):
        number(0.0, 0.5)(instance, attribute, value)


@define
class MarketMaker:
    """Quotes both sides around its belief, stale by its observation delay, and re-quotes at every review.

    At a review it cancels its quotes and posts new ones at belief x (1 -+ half_spread), held inside the opposite best
    price so that they never cross. It may carry inventory worth up to its budget; a side that would go beyond is not
    quoted. Quotes themselves cost nothing. `review_interval` and the delays are in steps.

    Args:
        beliefs: by market, in log ticks.
        assumed_precision: of every signal, in 1 / log price^2; None: each signal's own, 1 / sigma^2.
        quantity: lots a side.
        budget: tick-lots of net inventory, per market.
        half_spread: as a fraction of the price, fixed, or one that follows the maker's own realised markout.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from math import log
    >>> from agents.belief import ScalarBelief
    >>> from venues.clob import ContinuousBook
    >>> beliefs, book = {"ACME": ScalarBelief(log(1000.4), 1e4)}, ContinuousBook(("ACME",))
    >>> maker = MarketMaker("maker", beliefs, None, quantity=5, budget=50_000, half_spread=0.002)
    >>> result = Simulation(venues={"book": book}, agents=[maker]).run(500)
    >>> book.state("ACME").bids, book.state("ACME").asks  # 998.4 and 1002.4, rounded away from the belief
    (((998, 5),), ((1003, 5),))
    """

    agent_id: str = field(validator=name)
    beliefs: Mapping[str, ScalarBelief] = field(validator=mapping_of(kind(ScalarBelief)))
    assumed_precision: float | None = field(validator=optional(number(above=0.0)))
    quantity: int = field(validator=integer(1))
    budget: int = field(validator=integer(0))
    half_spread: float | EndogenousSpread = field(default=0.0005, validator=_half_spread)
    review_interval: int = field(default=500, validator=integer(1))
    observation_delay: int = field(default=50, validator=integer(0))
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="lp", validator=name)

    def observes(self, market: str, tier: str) -> bool:
        return market in self.beliefs and tier != "public"

    def decide(self, ctx: Context, signal: Signal) -> None:  # noqa: ARG002 - it only learns; it quotes at reviews
        precision = signal.sigma**-2 if self.assumed_precision is None else self.assumed_precision
        self.beliefs[signal.market].observe(log(signal.value), precision, signal.time)

    def review(self, ctx: Context) -> None:
        for market, belief in self.beliefs.items():
            self._quote(ctx, market, exp(belief.mean))

    def report(self, ctx: Context, report: Report) -> None:  # noqa: ARG002 - it answers at reviews
        if isinstance(self.half_spread, EndogenousSpread) and isinstance(report, Fill):
            self.half_spread.learn(report)

    def _quote(self, ctx: Context, market: str, centre: float) -> None:
        own = [order for order in ctx.open_orders.values() if order.market == market]
        state, half_spread = ctx.state(market), self.half_spread
        if isinstance(half_spread, EndogenousSpread):
            half_spread.judge(market, state.mid, self.quantity)
            half_spread = half_spread.at(market)
        bid, ask = uncrossing_quotes(state, own, centre, half_spread)
        cancel_quotes(ctx, market)
        held = ctx.inventory(market)
        for side, price in affordable_sides(held, self.quantity, self.budget, centre, bid, ask):
            ctx.submit(limit_order(market, side, quantity=self.quantity, price=price))


@define
class NewsMaker:
    """Quotes both sides around the last public news, and again whenever it was hit.

    The liquidity provider of Budish, Cramton and Shim (QJE 2015) with a reaction delay: between a jump and its
    `observation_delay` later, its quotes are stale.

    Args:
        centre: ticks, the public value at the start.
        half_spread: ticks.
        quantity: lots a side.
        highest: ticks, the most that the market can be worth: quotes stay inside, and a bid at 0 or less is not made.
        observation_delay: steps.
        order_latency: steps.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from marketsim import fairvalue, information
    >>> from venues.clob import ContinuousBook
    >>> jump = {"jump_times": {"ACME": [150]}, "jump_sizes": {"ACME": [10.0]}}
    >>> truth = fairvalue.PoissonJumps(opening={"ACME": 1000.0}, horizon=200, **jump)
    >>> maker, book = NewsMaker("maker", "ACME", 1000.0, half_spread=2.0), ContinuousBook(("ACME",))
    >>> world = {"fair_value": truth, "information": information.PublicNews()}
    >>> quotes = Simulation(venues={"book": book}, agents=[maker], **world).run(200).quotes.frame()
    >>> quotes[["time", "best_bid", "best_ask"]].dropna().astype(int).values.tolist()  # stale for 50 steps
    [[0, 998, 1002], [200, 1008, 1012]]
    """

    agent_id: str = field(validator=name)
    market: str = field(validator=name)
    centre: float = field(validator=number(above=0.0))
    half_spread: float = field(validator=number(0.0))
    quantity: int = field(default=1, validator=integer(1))
    highest: int | None = field(default=None, validator=optional(integer(1)))
    observation_delay: int = field(default=50, validator=integer(0))
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="lp", validator=name)

    def observes(self, market: str, tier: str) -> bool:
        return market == self.market and tier == "public"

    def start(self, ctx: Context) -> None:
        self._quote(ctx)

    def decide(self, ctx: Context, signal: Signal) -> None:
        self.centre = signal.value
        self._quote(ctx)

    def report(self, ctx: Context, report: Report) -> None:
        if isinstance(report, Fill) and report.liquidity is not Liquidity.TRANSFER:
            self._quote(ctx)

    def _quote(self, ctx: Context) -> None:
        cancel_quotes(ctx, self.market)
        bid, ask = floor(self.centre - self.half_spread), ceil(self.centre + self.half_spread)
        if bid > 0 or self.highest is None:
            ctx.submit(limit_order(self.market, Side.BUY, quantity=self.quantity, price=bid))
        if self.highest is None or ask < self.highest:
            ctx.submit(limit_order(self.market, Side.SELL, quantity=self.quantity, price=ask))


def cancel_quotes(ctx: Context, market: str) -> None:
    """Ask for every open order of the agent in `market` to be withdrawn.

    >>> from types import SimpleNamespace
    >>> orders = [limit_order(market, Side.BUY, quantity=5, price=99) for market in ("A", "B")]
    >>> resting = dict(enumerate(orders, start=7))  # by order id
    >>> cancel_quotes(SimpleNamespace(open_orders=resting, cancel=print), "A")
    7
    """
    for order_id, order in list(ctx.open_orders.items()):
        if order.market == market:
            ctx.cancel(order_id)


def uncrossing_quotes(state: VenueState, own: Iterable[Order], centre: float, half_spread: float) -> tuple[int, int]:
    """(bid, ask) in ticks at centre x (1 -+ half_spread), each at least a tick inside the opposite best of others.

    Args:
        state: of the market.
        own: the maker's own orders in it, which are about to be withdrawn.
        centre: ticks.
        half_spread: as a fraction of the price.

    >>> state = VenueState(998, 1000, ((998, 5),), ((1000, 5),))
    >>> uncrossing_quotes(state, [], centre=1003.0, half_spread=0.001)  # unbounded, the bid would be 1001
    (999, 1005)
    """
    quotes = list(own)
    bid, ask = floor(centre * (1 - half_spread)), ceil(centre * (1 + half_spread))
    best_ask = _best_of_others(quotes, Side.SELL, state.asks)
    best_bid = _best_of_others(quotes, Side.BUY, state.bids)
    return (
        bid if best_ask is None else min(bid, best_ask - 1),
        ask if best_bid is None else max(ask, best_bid + 1),
    )


def affordable_sides(
    held: int, quantity: int, budget: int, centre: float, bid: int, ask: int
) -> list[tuple[Side, int]]:
    """The sides, each with its price, on which a full fill keeps the net inventory within `budget` tick-lots.

    Args:
        held: lots, negative for a short position.
        quantity: lots of a full quote.
        budget: tick-lots, either way.
        centre: ticks at which a lot is valued.
        bid: ticks.
        ask: ticks.

    >>> affordable_sides(held=40, quantity=10, budget=45_000, centre=1000.0, bid=999, ask=1001)
    [(<Side.SELL: -1>, 1001)]
    """
    buys = [(Side.BUY, bid)] if (held + quantity) * centre <= budget else []
    sells = [(Side.SELL, ask)] if (held - quantity) * centre >= -budget else []
    return buys + sells


def _best_of_others(own: Iterable[Order], side: Side, levels: Levels) -> int | None:
    mine: dict[int, int] = {}
    for order in own:
        if order.side is side and order.price is not None:
            mine[order.price] = mine.get(order.price, 0) + order.quantity
    return next((price for price, quantity in levels if price not in mine or quantity > mine[price]), None)
