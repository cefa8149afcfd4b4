"""Informed traders with a scalar Gaussian belief per market: the naive one and the tail-aware one."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from attrs import define, field

from agents.belief import ScalarBelief
from agents.edge import EdgeTrading
from marketsim.checks import delay, integer, kind, mapping_of, name, number, optional
from marketsim.protocols import Context, Delay
from marketsim.types import Report, Signal


@define
class GaussianTrader:
    """Trades when its belief and the market's mid disagree.

    On every signal it updates the belief of that market and considers it; on every review it considers all markets.
    `review_interval` and the delays are in steps.

    Args:
        beliefs: by market, in log ticks.
        trading: when, how and how much it trades.
        assumed_precision: of every signal (naive), or None: each signal's own, 1 / sigma^2 (tail-aware).

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from math import log
    >>> from agents import belief, bootstrap, capital, edge
    >>> from marketsim import fairvalue, information
    >>> from venues.clob import ContinuousBook
    >>> trading = edge.EdgeTrading(capital.Capital(100_000), quantity=20)
    >>> ann = GaussianTrader("ann", {"ACME": belief.ScalarBelief(log(1000), 1e4)}, trading)
    >>> agents = [bootstrap.BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=50), ann]
    >>> truth, signals = fairvalue.ConstantFairValue({"ACME": 1020.0}), information.PoissonSignals(routine_rate=5.0)
    >>> world = {"fair_value": truth, "information": signals, "seed": 1}
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=agents, **world).run(1000)
    >>> result.ledger.inventory["ann"], trading.capital.committed  # lots, tick-lots
    ({'ACME': 99}, 99148)
    """

    agent_id: str = field(validator=name)
    beliefs: Mapping[str, ScalarBelief] = field(validator=mapping_of(kind(ScalarBelief)))
    trading: EdgeTrading = field(validator=kind(EdgeTrading))
    assumed_precision: float | None = field(default=None, validator=optional(number(above=0.0)))
    review_interval: int = field(default=5000, validator=integer(1))
    observation_delay: int = field(default=0, validator=integer(0))
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="informed", validator=name)

    def observes(self, market: str, tier: str) -> bool:
        return market in self.beliefs and tier != "public"

    def decide(self, ctx: Context, signal: Signal) -> None:
        precision = signal.sigma**-2 if self.assumed_precision is None else self.assumed_precision
        self.beliefs[signal.market].observe(log(signal.value), precision, signal.time)
        self.trading.trade(ctx, signal.market, self.beliefs[signal.market].mean)

    def review(self, ctx: Context) -> None:
        for market, belief in self.beliefs.items():
            self.trading.trade(ctx, market, belief.mean)

    def report(self, ctx: Context, report: Report) -> None:
        self.trading.capital.learn(ctx, report)
