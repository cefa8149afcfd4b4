"""What a batch costs in time: how long an order waits, and how far the last price lags behind the value.

With a clear every pi steps, an order that arrives in step t joins the clear at the next multiple of pi after t: here
the clock runs before the messages of its own step, so that an order of that very step waits for the whole next batch.
Orders that arrive uniformly wait 1, 2, ..., pi steps, each as often:

    mean wait = (pi + 1) / 2.

For the same reason a clear can reveal no more than the value one step before. Let the value walk with variance q a step
and let every clear reveal it: over the pi steps that its price is the last one, it is 1, 2, ..., pi moves behind, and

    mean squared gap between value and last price = q (pi + 1) / 2.

Source: as in Budish, Cramton and Shim, Quarterly Journal of Economics 130(4), 2015, section VII, where waiting is the
cost of a longer batch; the two means are sums of 1 to pi. Where a clear takes orders of its own step along, both have
pi - 1 in place of pi + 1.

The run: the engine's batch auction. Waits of one order in every step are exact; those of Poisson arrivals, from the
shipped investor, are a sample. The gap is that of the quote log to the fair value at the end of every step, where a
maker without delay quotes both sides at the value, half a tick off, and one lot trades in every batch; a batch is a
sample. q is 1 squared unit of 10,000 ticks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from attrs import define

from agents.flow import Investor
from agents.market_maker import NewsMaker
from experiments.validation.bulletins import Bulletins
from experiments.validation.check import Check, Line, Scale, mean_line
from marketsim import Result, Side, Simulation, Streams, market_order
from marketsim.fairvalue import ConstantFairValue, PoissonJumps
from marketsim.metrics import QuoteHistory, fair_paths, shortfall_legs
from marketsim.metrics.logs import Floats
from marketsim.protocols import Context, FairValue
from venues.fba import BatchAuction

MARKET = "ACME"
UNIT = 10_000
OPENING = 20_000 * UNIT + 0.5  # between two ticks: bid and ask must not be one price
PIS = (1, 2, 10, 50)
ROUNDING = "the clear is within a tick of the value, 1/10,000 of a unit"


@define
class EverySoOften:
    """One lot at market at every review, bought and sold in turn."""

    review_interval: int
    agent_id: str = "steady"
    side: Side = Side.BUY

    def review(self, ctx: Context) -> None:
        ctx.submit(market_order(MARKET, self.side, quantity=1))
        self.side = self.side.opposite


def auction(
    seed: int, pi: int, horizon: int, takers: Sequence[object], value: FairValue, news: Sequence[int]
) -> Result:
    """One run of an auction every `pi` steps with a maker that hears exact news at once."""
    # The maker quotes far more than anybody takes.
    maker = NewsMaker("maker", MARKET, OPENING, 0.0, 1000, observation_delay=0)
    simulation = Simulation(
        venues={"fba": BatchAuction((MARKET,), pi)},
        agents=[maker, *takers],
        fair_value=value,
        information=Bulletins(news),
        seed=seed,
        time_unit=1,
    )
    return simulation.run(horizon)


def waits(seed: int, pi: int, batches: int, taker: object) -> Floats:
    """Steps from submission to fill of each of the taker's orders that a clear of the run has filled."""
    value = ConstantFairValue({MARKET: OPENING})
    result = auction(seed, pi, pi * batches, [taker], value, [])
    legs = shortfall_legs(result.orders, result.fills, value, end=result.horizon)
    found: Floats = legs["wait"][legs["owner"] != "maker"].to_numpy(dtype=np.float64)
    return found


def squared_gaps(seed: int, pi: int, batches: int) -> Floats:
    """The mean over each batch of (value - price of the last clear)^2, in squared units."""
    horizon = pi * (batches + 2)
    steps = np.arange(1, horizon + 1)
    moves = UNIT * Streams(seed).stream("world").standard_normal(horizon)
    value = PoissonJumps(
        opening={MARKET: OPENING}, horizon=horizon, jump_times={MARKET: steps}, jump_sizes={MARKET: moves}
    )
    # Of the news of a batch only the last matters: that of the step before the clear.
    news = (pi * np.arange(1, batches + 3) - 1)[pi == 1 :].tolist()
    result = auction(seed, pi, horizon, [EverySoOften(pi)], value, news)
    counted = np.arange(2 * pi, horizon)
    price = QuoteHistory(result.quotes).at("fba", MARKET, "last_price", counted)
    gaps = (fair_paths(value, [MARKET], end=horizon)[0][counted] - price) / UNIT
    means: Floats = (gaps**2).reshape(batches, pi).mean(axis=1)
    return means


def run(scale: Scale) -> Sequence[Line]:
    """Waits, exact and of Poisson arrivals, and the gap, at every pi."""
    lines = []
    for pi in PIS:
        # From the first batch on, all of whose steps have an order: reviews begin at step 1.
        steady = waits(scale.seed, pi, 5, EverySoOften(1))[pi - 1 :]
        lines.append(
            Line(
                name=f"mean wait, an order in every step, pi = {pi}",
                predicted=(pi + 1) / 2,
                measured=float(steady.mean()),
                samples=len(steady),
                unit="steps",
            )
        )
    root = Streams(scale.seed)
    for pi in PIS[1:]:
        # An arrival in about 7 steps: rounding to whole steps then matters little for how they fall in the batch.
        batches = scale.pick(quick=7 * 1000, full=7 * 4000) // pi
        investor = Investor("investor", MARKET, arrival_rate=1 / 7)
        found = waits(root.key(f"Poisson {pi}"), pi, batches, investor)
        lines.append(mean_line(f"mean wait, Poisson arrivals, pi = {pi}", (pi + 1) / 2, found, unit="steps"))
    for pi in PIS:
        found = squared_gaps(root.key(f"gap {pi}"), pi, scale.pick(quick=800, full=7000))
        line = partial(mean_line, allowed=4 / UNIT, because=ROUNDING)
        lines.append(line(f"mean squared gap to the last price, pi = {pi}", (pi + 1) / 2, found, unit="units^2"))
    return lines


CHECK = Check(name="batch-waiting", title="Batches: mean wait (pi + 1)/2 and tracking error q (pi + 1)/2", run=run)
