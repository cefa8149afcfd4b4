"""How long one run of the centre cell takes, and whether quiet time is free."""

from __future__ import annotations

from time import process_time
from typing import Any

import numpy as np
from attrs import define, frozen

from experiments.benchmarks.rounds import Spread, spread
from experiments.pi_curve.cell import Cell, simulate
from experiments.pi_curve.config import Study
from experiments.pi_curve.measures import measure
from marketsim.fairvalue import ConstantFairValue
from marketsim.metrics import convergence_time, fair_paths, net_gains, public_prices, trades, volume
from marketsim.metrics.logs import roles_of
from marketsim.protocols import Context
from marketsim.result import Result
from marketsim.simulation import Simulation
from marketsim.types import Side, limit_order
from venues.clob import ContinuousBook
from venues.fba import BatchAuction

CELLS = (("clob", 0), ("fba", 1), ("fba", 10), ("fba", 50), ("fba", 200))
RUN_SECONDS_MAX = 0.05
QUIET_RATIO_MAX = 1.2


@frozen
class CellSeconds:
    """Median CPU seconds of one run: the simulation, all measures of it, and those alone that the source has too."""

    simulation: float
    measures: float
    source_measures: float


def measure_as_source(result: Result) -> dict[str, float]:
    """What the published system says of a run: gains and legs by role, lots, the LP's late legs, convergence.

    Gains are at the fair value of the moment of each fill, in tick-lots; convergence is the first step at which every
    mid is within 2 % of the truth.
    """
    fair: Any = result.fair_value
    fills, end = trades(result.fills), result.horizon
    gains, role = net_gains(fills, fair, end=end), roles_of(fills["owner"], result.roles)
    row: dict[str, float] = {"volume": volume(fills)}
    for name in dict.fromkeys(role):
        own = role == name
        row |= {f"{name}_pnl": float(gains[own].sum()), f"{name}_fills": int(own.sum())}
    late = fills["time"][role == "lp"] * 2 > end
    row["lp_second_half_share"] = float(late.mean()) if len(late) else float("nan")
    public = public_prices(result.quotes, fair.markets, end=end)
    return row | {"convergence_time": convergence_time(public, fair_paths(fair, fair.markets, end=end))}


def cell_seconds(*, seeds: int = 15, cells: tuple[tuple[str, int], ...] = CELLS) -> dict[tuple[str, int], CellSeconds]:
    """CPU seconds of a run of 8000 steps, by mechanism and batch interval."""
    study, found = Study(), {}
    simulate(study, Cell("base", "fba", 10, 1))  # what is loaded once is not part of a run
    for mechanism, pi in cells:
        times = []
        for seed in range(1, seeds + 1):
            start = process_time()
            result = simulate(study, Cell("base", mechanism, pi, seed))
            ran = process_time()
            measure(study, result, pi=pi)
            measured = process_time()
            # Of another run of the same, for the first look at a log costs more than the second.
            again = simulate(study, Cell("base", mechanism, pi, seed))
            before = process_time()
            measure_as_source(again)
            times.append((ran - start, measured - ran, process_time() - before))
        found[mechanism, pi] = CellSeconds(*np.median(np.array(times), axis=0).tolist())
    return found


@define
class Hundred:
    """Sends a hundred crossing orders in the first thousand steps, and then nothing."""

    agent_id: str = "hundred"
    sent: int = 0

    def start(self, ctx: Context) -> None:
        ctx.wake_at(5)

    def wake(self, ctx: Context) -> None:
        side = Side.BUY if self.sent % 2 else Side.SELL
        ctx.submit(limit_order("A", side, quantity=1, price=100))
        self.sent += 1
        if self.sent < 100:
            ctx.wake_at(ctx.now + 9)


def quiet_ratios(*, rounds: int = 21) -> dict[str, Spread]:
    """Ratio of the CPU time of 10^6 steps with 100 orders to that of 10^3 steps with the same 100 orders."""
    found = {}
    for name, make in (("clob", lambda: ContinuousBook(("A",))), ("fba", lambda: BatchAuction(("A",), 10))):
        ratios = []
        for _ in range(rounds):
            times = []
            for horizon in (1_000, 1_000_000):
                truth = ConstantFairValue({"A": 100.0})
                simulation = Simulation(venues={"v": make()}, agents=[Hundred()], fair_value=truth)
                start = process_time()
                simulation.run(horizon)
                times.append(process_time() - start)
            ratios.append(times[1] / times[0])
        found[name] = spread(ratios)
    return found
