"""The sniper: takes stale quotes when public news breaks."""

from __future__ import annotations

from math import ceil, floor

from attrs import define, field

from marketsim.checks import delay, flag, integer, name, number, one_of
from marketsim.protocols import Context, Delay
from marketsim.types import Side, Signal, TimeInForce, limit_order, market_order


@define
class Sniper:
    """On public news it sends one immediate-or-cancel order for whatever is quoted on the wrong side of the new value.

    The sniper of Budish, Cramton and Shim (QJE 2015). In front of a pool, which takes no limit orders, it sends one
    market order for as many lots as pay: it is then the arbitrageur who moves the pool's price to the value.

    Args:
        quantity: lots it demands, of what is quoted better than the new value.
        limit: what it bids. "value" bids the new value, as snipers who compete must. "quote" bids the stale quote
            itself, as a sniper who is alone would: in a uniform-price auction it pays no more than it has to.
        margin: ticks by which a quote must be stale to be worth taking.
        market_orders_only: for venues that take no limit orders. It then demands the largest number of lots, up to
            `quantity`, whose last one still costs less than the value, by the venue's estimate; `limit` says nothing.
            Nothing bounds what such an order pays: two that come at once both push the price, and so overshoot.
        observation_delay: steps.
        order_latency: steps.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from agents.market_maker import NewsMaker
    >>> from marketsim import fairvalue, information
    >>> from venues.clob import ContinuousBook
    >>> jump = {"jump_times": {"ACME": [5]}, "jump_sizes": {"ACME": [10.0]}}
    >>> truth = fairvalue.PoissonJumps(opening={"ACME": 1000.0}, horizon=100, **jump)
    >>> agents = [NewsMaker("maker", "ACME", 1000.0, half_spread=2.0), Sniper("sniper", "ACME")]
    >>> world = {"fair_value": truth, "information": information.PublicNews()}
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=agents, **world).run(100)
    >>> result.fills.frame()[["time", "owner", "price"]].values.tolist()  # a step after the jump to 1010
    [[6, 'sniper', 1002], [6, 'maker', 1002]]
    """

    agent_id: str = field(validator=name)
    market: str = field(validator=name)
    quantity: int = field(default=1, validator=integer(1))
    limit: str = field(default="value", validator=one_of("value", "quote"))
    margin: float = field(default=0.0, validator=number(0.0))
    market_orders_only: bool = field(default=False, validator=flag)
    observation_delay: int = field(default=1, validator=integer(0))
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="sniper", validator=name)

    def observes(self, market: str, tier: str) -> bool:
        return market == self.market and tier == "public"

    def decide(self, ctx: Context, signal: Signal) -> None:
        if self.market_orders_only:
            self._arbitrage(ctx, signal.value)
            return
        state = ctx.state(self.market)
        # The dearest price still worth paying, and the cheapest still worth receiving.
        highest, lowest = floor(signal.value - self.margin), ceil(signal.value + self.margin)
        if state.best_ask is not None and state.best_ask < highest:
            self._take(ctx, Side.BUY, highest, [level for level in state.asks if level[0] < highest])
        elif state.best_bid is not None and state.best_bid > lowest:
            self._take(ctx, Side.SELL, lowest, [level for level in state.bids if level[0] > lowest])

    def _take(self, ctx: Context, side: Side, value: int, stale: list[tuple[int, int]]) -> None:
        price = value if self.limit == "value" or not stale else stale[-1][0]
        quantity = min(self.quantity, sum(lots for _, lots in stale)) if stale else self.quantity
        ctx.submit(limit_order(self.market, side, quantity=quantity, price=price, tif=TimeInForce.IOC))

    def _arbitrage(self, ctx: Context, value: float) -> None:
        for side in Side:
            quantity = self._paying(ctx, side, value - side * self.margin)
            if quantity:
                ctx.submit(market_order(self.market, side, quantity=quantity))
                return

    def _paying(self, ctx: Context, side: Side, bound: float) -> int:
        """The most lots whose last one is bought below `bound` ticks, or sold above it; 0 where none is."""

        def pays(quantity: int) -> bool:
            lots, money = ctx.estimate_impact(self.market, side, quantity)
            if lots < quantity:
                return False
            but_last = ctx.estimate_impact(self.market, side, quantity - 1)[1] if quantity > 1 else 0
            return side * (bound - (money - but_last)) > 0

        # A pool's price worsens with every lot, so lots pay up to some number: bisection on it.
        low, high = 0, self.quantity + 1
        while high - low > 1:
            middle = (low + high) // 2
            if pays(middle):
                low = middle
            else:
                high = middle
        return low
