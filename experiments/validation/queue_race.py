"""The race of two queues: which of the best queues empties first, and so which way the price moves.

Bid and ask are one tick apart. At either, orders of one lot come at rate lambda, market orders take one at rate mu and
cancellations withdraw one at rate theta, mu + theta = lambda, all Poisson and independent. When a queue is empty the
price moves by a tick to its side, and the queues start anew with n lots at the bid and p at the ask. The probability
that the next move is up is

    p_up(n, p) = 1/pi int_0^pi (2 - cos t - sqrt((2 - cos t)^2 - 1))^p sin(n t) cos(t / 2) / sin(t / 2) dt.

Source: Cont and de Larrard, Price dynamics in a Markovian limit order market, SIAM Journal on Financial Mathematics
4(1), 2013 (probability of an upward move, balanced flow), with a point mass as the law of the queues after a move.

The run: a continuous book; limit orders and cancellations come from one Poisson agent, which also opens the new queues
in the instant of a move, market orders from another. A step is a millionth of the unit of time, so that two events
hardly ever fall on one. A sample is one race, 1 for a move up. The length of a race has no mean, so after 50 units of
time one is called off (about 3 % of them at most) and counts as p_up of the queues it has reached, which by optional
stopping leaves the expectation as it is. By Wald's identity the race that the end of the run cuts off shifts the mean
by at most one over the number of races.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import define, field

from agents.flow import Investor
from experiments.validation.check import Check, Line, Scale, mean_line
from marketsim import Accepted, Report, Side, Simulation, Streams, limit_order
from marketsim.protocols import Context
from venues.clob import ContinuousBook

MARKET = "ACME"
OPENING = 1_000_000
LIMIT, MARKET_ORDER, CANCEL = 1.0, 0.4, 0.6
"""Rates at each best queue."""
STEPS_PER_UNIT = 1_000_000
LONGEST = 50 * STEPS_PER_UNIT


@define
class Queues:
    """Limit orders and cancellations at the two best prices, and the new queues after a race.

    Args:
        sizes: lots at the bid and at the ask at the start of a race.
        bid: ticks.
    """

    sizes: tuple[int, int]
    bid: int = OPENING
    agent_id: str = "queues"
    arrival_rate: float = 2 * (LIMIT + CANCEL)
    outcomes: list[float] = field(factory=list, init=False)
    _called_off_at: int = field(default=0, init=False)

    def start(self, ctx: Context) -> None:
        self._open(ctx)

    def arrive(self, ctx: Context) -> None:
        side = Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
        if ctx.rng.random() < LIMIT / (LIMIT + CANCEL):
            self._post(ctx, side)
        else:
            queue = [order_id for order_id, order in ctx.open_orders.items() if order.side is side]
            ctx.cancel(queue[int(ctx.rng.integers(len(queue)))])

    def report(self, ctx: Context, report: Report) -> None:
        if isinstance(report, Accepted):
            return
        state = ctx.state(MARKET)
        if state.best_bid is None or state.best_ask is None:
            up = state.best_ask is None
            self.bid += 1 if up else -1
            self._end(ctx, float(up))

    def wake(self, ctx: Context) -> None:
        if ctx.now == self._called_off_at:
            state = ctx.state(MARKET)
            self._end(ctx, p_up(state.bids[0][1], state.asks[0][1]))

    def _end(self, ctx: Context, outcome: float) -> None:
        self.outcomes.append(outcome)
        for order_id in list(ctx.open_orders):
            ctx.cancel(order_id)
        self._open(ctx)

    def _open(self, ctx: Context) -> None:
        self._called_off_at = ctx.now + LONGEST
        ctx.wake_at(self._called_off_at)
        for side, lots in zip(Side, self.sizes, strict=True):
            for _ in range(lots):
                self._post(ctx, side)

    def _post(self, ctx: Context, side: Side) -> None:
        price = self.bid if side is Side.BUY else self.bid + 1
        ctx.submit(limit_order(MARKET, side, quantity=1, price=price))


def p_up(bid: int, ask: int) -> float:
    """Probability that the queue of `ask` lots empties before that of `bid` lots."""
    # The midpoint rule: the integrand is bounded, and 0 is no midpoint.
    t = (np.arange(20_000) + 0.5) * np.pi / 20_000
    base = 2 - np.cos(t)
    decay = (base - np.sqrt(base * base - 1)) ** ask
    return float(np.mean(decay * np.sin(bid * t) * np.cos(t / 2) / np.sin(t / 2)))


def outcomes(sizes: tuple[int, int], seed: int, units: int) -> list[float]:
    """How the races of a run over `units` of time ended, see `p_up`."""
    queues = Queues(sizes)
    Simulation(
        venues={"clob": ContinuousBook((MARKET,))},
        agents=[queues, Investor("takers", MARKET, arrival_rate=2 * MARKET_ORDER)],
        seed=seed,
        time_unit=STEPS_PER_UNIT,
    ).run(units * STEPS_PER_UNIT)
    return queues.outcomes


def run(scale: Scale) -> Sequence[Line]:
    """The share of moves up, from five pairs of queues."""
    # Units of time; long enough for errors of about 1 % in a full run.
    units = {(1, 1): 15_000, (2, 1): 15_000, (3, 1): 15_000, (5, 1): 15_000, (1, 3): 80_000}
    root = Streams(scale.seed)
    lines = []
    for sizes, full in units.items():
        found = outcomes(sizes, root.key(f"queues {sizes}"), scale.pick(quick=full // 25, full=full))
        lines.append(
            mean_line(
                f"p_up{sizes}",
                p_up(*sizes),
                found,
                allowed=1 / len(found),
                because="the race that the end of the run cuts off",
            )
        )
    return lines


CHECK = Check(name="queue-race", title="Cont and de Larrard's race of queues through the book", run=run)
