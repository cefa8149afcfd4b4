"""An agent of your own, proved by the kit and run at four speeds: what it is worth to hear of news sooner.

The agent takes what is quoted on the wrong side of the news. It races with nobody, but against the market maker's own
reaction, which takes 50 steps.
"""

import pandas as pd
from attrs import define

from agents.flow import Investor
from agents.market_maker import NewsMaker
from marketsim import Side, Simulation, Streams, TimeInForce, limit_order
from marketsim.fairvalue import PoissonJumps
from marketsim.information import PublicNews
from marketsim.metrics import pnl_by_role
from marketsim.testing import check_agent
from venues.clob import ContinuousBook

HORIZON, SEED = 20_000, 1


@define
class NewsTaker:
    """Buys below the news and sells above it, at once or not at all."""

    agent_id: str
    market: str
    observation_delay: int = 1
    quantity: int = 5
    role: str = "taker"

    def observes(self, market, tier):
        return market == self.market and tier == "public"

    def decide(self, ctx, signal):
        mid = ctx.state(self.market).mid
        if mid is not None and mid != signal.value:
            side = Side.BUY if mid < signal.value else Side.SELL
            price = round(signal.value) - side  # at least a tick better than the news
            ctx.submit(limit_order(self.market, side, quantity=self.quantity, price=price, tif=TimeInForce.IOC))


def run(delay):
    """Gains by role with the taker hearing of news after `delay` steps."""
    rng, opening = Streams(SEED).stream("world"), {"ACME": 1000.0}
    truth = PoissonJumps.draw(rng, HORIZON, opening, jumps_per_step=1 / 1000, size=10.0)
    maker, flow = NewsMaker("maker", "ACME", 1000.0, 1.0, 5), Investor("investor", "ACME", arrival_rate=2.0)
    agents, book = [maker, flow, NewsTaker("taker", "ACME", delay)], ContinuousBook(("ACME",))
    world = {"fair_value": truth, "information": PublicNews(), "seed": SEED}
    result = Simulation(venues={"book": book}, agents=agents, **world).run(HORIZON)
    return pnl_by_role(result.fills, truth, result.roles, end=HORIZON)["pnl_net"]


report = check_agent(lambda: NewsTaker("taker", "ACME"))
report.raise_failures()
print(f"The kit passes it: {len(report.named('passed'))} checks.\nGains in ticks x lots by role:")
print(pd.DataFrame({f"{delay} steps late": run(delay) for delay in (1, 25, 49, 51)}).T.fillna(0.0).to_string())
