"""One world, three mechanisms: who gains from whom when the price jumps and some hear of it late.

The truth jumps now and then. A market maker hears of it after 50 steps, a sniper after one, and investors trade for
reasons of their own. The seed fixes all of that, so the rows below differ by the mechanism and by nothing else.
"""

import pandas as pd

from agents.flow import Investor
from agents.market_maker import NewsMaker
from agents.sniper import Sniper
from marketsim import Simulation, Streams
from marketsim.fairvalue import PoissonJumps
from marketsim.information import PublicNews
from marketsim.metrics import immediacy_table, pnl_by_role
from venues.clob import ContinuousBook
from venues.fba import BatchAuction

HORIZON, SEED = 20_000, 1
MARKETS, OPENING = ("ACME",), 1000.0


def run(venue):
    """Gain by role, and what investors paid and waited, of the one world at `venue`."""
    truth = PoissonJumps.draw(
        Streams(SEED).stream("world"), HORIZON, {"ACME": OPENING}, jumps_per_step=1 / 1000, size=10.0
    )
    agents = [
        NewsMaker("maker", "ACME", OPENING, half_spread=1.0, observation_delay=50),
        *(Sniper(f"sniper{number}", "ACME") for number in range(3)),
        Investor("investor", "ACME", arrival_rate=2.0),
    ]
    simulation = Simulation(
        venues={"here": venue}, agents=agents, fair_value=truth, information=PublicNews(), seed=SEED
    )
    result = simulation.run(HORIZON)
    gains = pnl_by_role(result.fills, truth, result.roles, end=HORIZON)["pnl_net"]
    cost = immediacy_table(result.orders, result.fills, result.quotes, truth, result.roles, end=HORIZON).loc["all"]
    waited = {"investors pay per lot": cost["cost"], "and wait, steps": cost["wait_mean"]}
    return {**{f"{role} gains": gain for role, gain in gains.items()}, **waited}


rows = {
    "continuous book": run(ContinuousBook(MARKETS)),
    "batch auction, pi = 1": run(BatchAuction(MARKETS, pi=1)),
    "batch auction, pi = 100": run(BatchAuction(MARKETS, pi=100)),
}
print("Gains in ticks x lots, marked at the truth of the moment of each fill:")
print(pd.DataFrame(rows).T.round(2).to_string())
