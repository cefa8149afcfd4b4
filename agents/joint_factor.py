"""The informed trader that sees markets as one: signals of any of them move its belief about all."""

from __future__ import annotations

from math import log

from attrs import define, field

from agents.belief import Innovations
from agents.edge import EdgeTrading
from agents.factor_belief import FactorBelief
from marketsim.checks import delay, integer, kind, name
from marketsim.protocols import Context, Delay
from marketsim.types import Report, Signal


@define
class JointFactorTrader:
    """Believes in common factors, and trades where a market's mid disagrees with them.

    On every signal it updates the factors at the signal's own precision, 1 / sigma^2, and considers the signal's
    market; on every review it considers all markets, the one with the largest |edge| first, so that it has first call
    on the budget. It knows of no idiosyncratic offset. `review_interval` and the delays are in steps.

    Args:
        belief: about the factors of all its markets.
        trading: when, how and how much it trades.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from math import exp, log
    >>> from types import SimpleNamespace
    >>> from agents import capital, edge, factor_belief
    >>> loadings = {"A": (1.0,), "B": (0.5,)}
    >>> belief = factor_belief.FactorBelief({"A": log(1000), "B": log(500)}, loadings, precision=1e4)
    >>> ann = JointFactorTrader("ann", belief, edge.EdgeTrading(capital.Capital(0), quantity=10))
    >>> ctx = SimpleNamespace(state=lambda market: VenueState())  # no quotes yet
    >>> ann.decide(ctx, Signal("B", "routine", time=0, value=510.0, sigma=0.01))
    >>> {market: round(exp(belief.mean_log(market))) for market in loadings}  # ticks
    {'A': 1008, 'B': 502}
    """

    agent_id: str = field(validator=name)
    belief: FactorBelief = field(validator=kind(FactorBelief))
    trading: EdgeTrading = field(validator=kind(EdgeTrading))
    review_interval: int = field(default=5000, validator=integer(1))
    observation_delay: int = field(default=0, validator=integer(0))
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="informed", validator=name)

    @property
    def nis(self) -> Innovations:
        """How well the belief fits."""
        return self.belief.nis

    def observes(self, market: str, tier: str) -> bool:
        return market in self.belief.loadings and tier != "public"

    def decide(self, ctx: Context, signal: Signal) -> None:
        self.belief.observe(signal.market, log(signal.value), signal.sigma**-2, signal.time)
        self.trading.trade(ctx, signal.market, self.belief.mean_log(signal.market))

    def review(self, ctx: Context) -> None:
        means = {market: self.belief.mean_log(market) for market in self.belief.loadings}
        # All edges are taken before the first order; markets with the same |edge| keep the belief's order.
        for market in sorted(means, key=lambda market: -abs(self.trading.edge(ctx, market, means[market]))):
            self.trading.trade(ctx, market, means[market])

    def report(self, ctx: Context, report: Report) -> None:
        self.trading.capital.learn(ctx, report)
