"""Your own trades as a market: a CSV file is replayed, and an agent trades at its prices.

Nobody sees a trade before its time stamp, the agent sees it `market_data_delay` later, and what it takes is bounded by
what was traded. This script makes its own small file; put yours in its place.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from agents.background import Momentum
from marketsim import Simulation, Streams
from marketsim.fairvalue import HistoricalPath
from marketsim.metrics import markout_table, markouts
from marketsim.tape import TradeFeed, read_trades
from venues.replay import ReplayVenue

TICK, LOT, STEP_MS = 0.01, 0.001, 1000  # one step is a second


def write_example(path):
    """Two thousand made-up trades with the columns `ms`, `price` and `size`."""
    rng = Streams(1).stream("example")
    trend = np.repeat(rng.choice([-1, 1], 20), 100)  # drifts that last a hundred trades
    trades = pd.DataFrame(
        {
            "ms": np.cumsum(rng.integers(100, 3000, 2000)),
            "price": (50_000 + np.cumsum(rng.integers(-3, 4, 2000) + trend)) * TICK,
            "size": rng.integers(1, 500, 2000) * LOT,
        }
    )
    trades.round(3).to_csv(path, index=False)


path = Path("trades.csv")
if not path.exists():
    write_example(path)
tape = read_trades(path, time="ms", price="price", quantity="size")
truth = HistoricalPath.from_tapes({"COIN": tape}, step=STEP_MS, tick_size=TICK)
feed = TradeFeed(tape, "COIN", "tape", tick_size=TICK, lot_size=LOT, step=STEP_MS)
agents = [
    Momentum(f"{delay} s late", "COIN", review_interval=30, market_data_delay=delay, role=f"{delay} s late")
    for delay in (0, 10, 60)
]
venues = {"tape": ReplayVenue(("COIN",))}
result = Simulation(venues=venues, agents=agents, sources=[feed], fair_value=truth).run(truth.horizon)
later = [0, 30, 120]
marked = markouts(result.fills, truth, later, end=truth.horizon)
table = markout_table(result.fills, marked, later, result.roles)
own = table[table["liquidity"] == "taker"]
print(
    f"{len(tape)} trades replayed in {truth.horizon} steps. Markout in ticks per lot, so many seconds after the fill:"
)
print((own.pivot_table(index="role", columns="horizon", values="per_lot").round(1) + 0.0).to_string())
