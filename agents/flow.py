"""Uninformed flow: noise traders and investors. Their draws do not depend on anything that happens in the market."""

from __future__ import annotations

from attrs import define, field

from agents.capital import CapitalRule, capital_rule
from marketsim.checks import delay, integer, name, names, number
from marketsim.protocols import Context, Delay
from marketsim.types import Report, Side, market_order


@define
class NoiseTrader:
    """Poisson arrivals; each sends a market order of random market, side and size, while its capital lasts.

    Args:
        markets: drawn from uniformly.
        capital: bounds the size of every order.
        quantity_mean: lots; the size is uniform within +- `jitter` of it.
        jitter: as a fraction of `quantity_mean`.
        arrival_rate: arrivals per time unit of the simulation, 1000 steps by default.
        order_latency: steps.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from agents import bootstrap, capital
    >>> from venues.clob import ContinuousBook
    >>> ladder = bootstrap.BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=50)
    >>> bob = NoiseTrader("bob", ("ACME",), capital.Capital(50_000), quantity_mean=10, arrival_rate=5.0)
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=[ladder, bob], seed=1).run(1000)
    >>> orders = result.orders.frame().groupby("owner").get_group("bob")
    >>> (orders["side"] * orders["quantity"]).tolist(), bob.capital.committed  # lots, tick-lots
    ([6, 11, -13, -6, -9, 4], 48993)
    """

    agent_id: str = field(validator=name)
    markets: tuple[str, ...] = field(validator=names)
    capital: CapitalRule = field(validator=capital_rule)
    quantity_mean: int = field(validator=integer(1))
    jitter: float = field(default=0.45, validator=number(0.0, 1.0))
    arrival_rate: float = field(default=1.2, validator=number(above=0.0))
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="noise", validator=name)

    def arrive(self, ctx: Context) -> None:
        # All three draws are made at every arrival, so that a refusal or an empty book moves no later draw.
        market = self.markets[int(ctx.rng.integers(len(self.markets)))]
        side = Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
        spread = 1.0 + self.jitter * (2.0 * ctx.rng.random() - 1.0)
        self.capital.take(ctx, market, side, max(1, round(self.quantity_mean * spread)))

    def report(self, ctx: Context, report: Report) -> None:
        self.capital.learn(ctx, report)


@define
class Investor:
    """Poisson arrivals of market orders of one fixed size, buys and sells equally likely, without a budget.

    The investors of Budish, Cramton and Shim (QJE 2015): they want to trade at once and pay the spread for it.

    Args:
        quantity: lots an order.
        arrival_rate: arrivals per time unit of the simulation, 1000 steps by default.
        order_latency: steps.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from agents.bootstrap import BootstrapLadder
    >>> from venues.clob import ContinuousBook
    >>> agents = [BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=50), Investor("ivy", "ACME", arrival_rate=4.0)]
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=agents, seed=1).run(1000)
    >>> orders = result.orders.frame().groupby("owner").get_group("ivy")
    >>> orders["side"].tolist(), result.ledger.cash["ivy"]  # tick-lots: three sold at 999, one bought at 1001
    ([-1, -1, 1, -1], 1996)
    """

    agent_id: str = field(validator=name)
    market: str = field(validator=name)
    quantity: int = field(default=1, validator=integer(1))
    arrival_rate: float = field(default=1.0, validator=number(above=0.0))
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="investor", validator=name)

    def arrive(self, ctx: Context) -> None:
        side = Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
        ctx.submit(market_order(self.market, side, quantity=self.quantity))
