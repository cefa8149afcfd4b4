"""A pi-curve in one page: what a longer batch does for the market maker, and what it costs those who wait.

Writes pi_sweep.png. `marketsim pi-curve` does the same with more worlds, controls and a report, and
`marketsim sweep` runs a function like `cell` over thousands of cells and loses none.
"""

import matplotlib as mpl
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

mpl.use("agg")
from matplotlib import pyplot as plt

HORIZON, SEEDS, PIS = 20_000, range(6), (0, 1, 10, 25, 50, 100, 200)


def cell(pi, seed):
    """One point of the curve; pi = 0 is the continuous book."""
    rng = Streams(seed).stream("world")
    truth = PoissonJumps.draw(rng, HORIZON, {"ACME": 1000.0}, jumps_per_step=1 / 1000, size=10.0)
    venue = BatchAuction(("ACME",), pi=pi) if pi else ContinuousBook(("ACME",))
    # A sniper who is alone bids the stale quote itself: only the length of the batch protects the maker.
    agents = [
        NewsMaker("maker", "ACME", 1000.0, half_spread=1.0, observation_delay=50),
        Sniper("sniper", "ACME", limit="quote"),
        Investor("investor", "ACME", arrival_rate=2.0),
    ]
    run = Simulation(venues={"x": venue}, agents=agents, fair_value=truth, information=PublicNews(), seed=seed)
    result = run.run(HORIZON)
    gains = pnl_by_role(result.fills, truth, result.roles, end=HORIZON)
    cost = immediacy_table(result.orders, result.fills, result.quotes, truth, result.roles, end=HORIZON)
    return {"pi": pi, "maker": gains["pnl_net"].get("lp", 0.0), "wait": cost.loc["all", "wait_mean"]}


cells = pd.DataFrame([cell(pi, seed) for pi in PIS for seed in SEEDS])
curve = cells.groupby("pi").agg(["mean", "sem"])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for panel, name, label in ((left, "maker", "maker's gain, ticks x lots"), (right, "wait", "wait of investors, steps")):
    panel.errorbar(range(len(PIS)), curve[name]["mean"], 2 * curve[name]["sem"], marker="o", capsize=3)
    panel.set_xticks(range(len(PIS)), ["book", *PIS[1:]])
    panel.set(xlabel="batch interval pi, steps", ylabel=label)
figure.savefig("pi_sweep.png", dpi=120)
print(curve.round(1).to_string())
print("The picture is in pi_sweep.png; bars are two standard errors.")
