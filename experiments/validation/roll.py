"""Roll's bounce: what a bid-ask spread alone does to the changes of traded prices.

The public value m walks at random, m_t = m_{t-1} + sigma z_t, and every trade is at p_t = m_t + c q_t, where c is half
the spread and q_t = +1 or -1, equally likely and independent of everything else, is the side of the taker. Then

    Cov(p_t - p_{t-1}, p_{t-1} - p_{t-2}) = -c^2,    Var(p_t - p_{t-1}) = sigma^2 + 2 c^2,

and changes that are further apart are uncorrelated: the bounce between bid and ask makes prices look mean-reverting,
and shows the spread to somebody who sees no quotes. Here c = 1/2 and sigma = 3/10 units of 10,000 ticks.

Source: Roll, A simple implicit measure of the effective bid-ask spread in an efficient market, Journal of Finance
39(4), 1984 (the covariance of price changes).

The run: a continuous book, a maker that moves its quotes to m -+ c on public news of m at steps 10 t, and a taker whose
market order reaches the book at 10 t + 5. Prices are those of the fill log. A sample is one seed: its mean product
of successive changes, whose expectation is 0, and its mean square.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import define

from agents.market_maker import NewsMaker
from experiments.validation.check import Check, Line, Scale, mean_line
from marketsim import Side, Simulation, Streams, market_order
from marketsim.fairvalue import PoissonJumps
from marketsim.information import PublicNews
from marketsim.metrics.logs import Floats
from marketsim.protocols import Context
from venues.clob import ContinuousBook

MARKET = "ACME"
UNIT = 10_000
OPENING = 20_000 * UNIT
HALF_SPREAD, SIGMA = 0.5, 0.3
PERIOD = 10
ROUNDING = "quotes are rounded outwards by less than a tick, 1/10,000 of a unit"


@define
class CoinTaker:
    """One lot, bought or sold by the toss of a coin, in the middle of every period."""

    agent_id: str = "taker"

    def start(self, ctx: Context) -> None:
        ctx.wake_at(PERIOD // 2)

    def wake(self, ctx: Context) -> None:
        side = Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
        ctx.submit(market_order(MARKET, side, quantity=1))
        ctx.wake_at(ctx.now + PERIOD)


def traded_prices(seed: int, trades: int) -> Floats:
    """Prices of successive trades in one run, in units."""
    horizon = PERIOD * trades
    moves = SIGMA * UNIT * Streams(seed).stream("world").standard_normal(trades)
    steps = PERIOD * np.arange(1, trades + 1)
    value = PoissonJumps(
        opening={MARKET: OPENING}, horizon=horizon, jump_times={MARKET: steps}, jump_sizes={MARKET: moves}
    )
    maker = NewsMaker("maker", MARKET, OPENING, HALF_SPREAD * UNIT, observation_delay=0)
    simulation = Simulation(
        venues={"clob": ContinuousBook((MARKET,))},
        agents=[maker, CoinTaker()],
        fair_value=value,
        information=PublicNews(),
        seed=seed,
    )
    fills = simulation.run(horizon).fills.columns()
    prices: Floats = fills["price"][fills["liquidity"] == "taker"] / UNIT
    return prices


def run(scale: Scale) -> Sequence[Line]:
    """Variance and the first two autocovariances of traded price changes."""
    seeds, trades = scale.pick(quick=(25, 250), full=(100, 1000))
    root = Streams(scale.seed)
    changes = [np.diff(traded_prices(root.key(f"run {number}"), trades)) for number in range(seeds)]
    squared = HALF_SPREAD**2
    # (c + tick)^2 - c^2, for c is half a unit.
    rounding = 1.1 / UNIT
    return [
        mean_line(
            "Var of price changes",
            SIGMA**2 + 2 * squared,
            [float(np.mean(change**2)) for change in changes],
            allowed=2 * rounding,
            because=ROUNDING,
            unit="units^2",
        ),
        *(
            mean_line(
                f"Cov of price changes, lag {lag}",
                predicted,
                [float(np.mean(change[lag:] * change[:-lag])) for change in changes],
                allowed=rounding,
                because=ROUNDING,
                unit="units^2",
            )
            for lag, predicted in ((1, -squared), (2, 0.0))
        ),
    ]


CHECK = Check(name="roll", title="Roll's autocovariance of traded prices through the book", run=run)
