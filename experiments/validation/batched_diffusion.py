"""A late quote in a batch auction: what longer batches save is saved by trading less often.

The setting of `stale-diffusion`, with a batch auction every tau steps in place of the book. A clear brings together
the maker's last quotes, V(t - d) -+ h for one lot a side, and the last order of one fast taker, one lot at V(t). The
two curves meet on the whole interval from the stale quote to the value; the midpoint rule shares it, and so

    loss per fill = half of that in the book, whatever tau is: E(|X| - h)^+ / (2 P(|X| > h)), X ~ N(0, d sigma^2),
    loss per unit of time = E(|X| - h)^+ / (2 tau): it falls as 1 / tau because the number of fills does.

So totals that fall with the batch interval say nothing about the terms on which anybody trades; what the auction does
to those is the pricing rule's doing (see `first-batch`) and is there in full at tau = 1.

Source: E(|X| - h)^+ as in `stale-diffusion`; half of it from the midpoint rule where one buyer meets one seller, as in
Budish, Cramton and Shim, Quarterly Journal of Economics 130(4), 2015, section VII. sigma = 1 unit of 10,000 ticks.

The run: the engine's batch auction with market-clearing prices, the public-news maker d steps late, and a taker that
keeps one order of one lot in the batch and renews it on news, half a step after the maker. News comes when it matters:
in the last step before a clear, and d steps before that. Marked at fair value at the clear. Displacements of clears
less than d steps apart overlap, so a sample is one seed, not one clear.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import sqrt

import numpy as np
from attrs import define

from agents.market_maker import NewsMaker, cancel_quotes
from experiments.validation.bulletins import Bulletins
from experiments.validation.check import Check, Line, Scale, mean_line
from experiments.validation.stale_diffusion import bleed, gains_of, hit_rate
from marketsim import Result, Side, Signal, Simulation, Streams, limit_order
from marketsim.fairvalue import PoissonJumps
from marketsim.protocols import Context
from venues.fba import BatchAuction

MARKET = "ACME"
UNIT = 10_000
OPENING = 20_000 * UNIT
PERIOD, TAKES = 10, 5
DELAY, HALF_SPREAD = 5, 1.0
TAUS = (1, 5, 20, 100)
ROUNDING = "quotes and clears are rounded by less than a tick, 1/10,000 of a unit"


@define
class Renewing:
    """A fast taker with one order of one lot, at the value, wherever the quote it sees is on the wrong side of it."""

    agent_id: str = "taker"
    observation_delay: int = TAKES

    def observes(self, market: str, tier: str) -> bool:
        return market == MARKET and tier == "public"

    def decide(self, ctx: Context, signal: Signal) -> None:
        mine = [order for order in ctx.open_orders.values() if order.market == signal.market]
        cancel_quotes(ctx, signal.market)
        state, price = ctx.state(signal.market), round(signal.value)
        # What it sees may be its own order of the last news, which it has just withdrawn.
        own = [order.price for order in mine]
        ask = next((level for level, _ in state.asks if level not in own), None)
        bid = next((level for level, _ in state.bids if level not in own), None)
        if ask is not None and ask < price:
            ctx.submit(limit_order(signal.market, Side.BUY, quantity=1, price=price))
        elif bid is not None and bid > price:
            ctx.submit(limit_order(signal.market, Side.SELL, quantity=1, price=price))


def market(seed: int, clears: int, tau: int) -> Result:
    """One run of `clears` clears, `tau` steps apart."""
    steps = tau * clears
    moves = UNIT * Streams(seed).stream("world").standard_normal(steps)
    # Clear number k is at PERIOD x k tau, and the value last moved a step before.
    last = tau * np.arange(1, clears + 1) - 1
    news = np.unique(np.concatenate([last, last - DELAY]))
    value = PoissonJumps(
        opening={MARKET: OPENING},
        horizon=PERIOD * steps,
        jump_times={MARKET: PERIOD * np.arange(1, steps + 1)},
        jump_sizes={MARKET: moves},
    )
    simulation = Simulation(
        venues={"fba": BatchAuction((MARKET,), PERIOD * tau)},
        agents=[
            NewsMaker("maker", MARKET, OPENING, HALF_SPREAD * UNIT, observation_delay=PERIOD * DELAY),
            Renewing(),
        ],
        fair_value=value,
        information=Bulletins((PERIOD * news[news > 0]).tolist()),
        seed=seed,
    )
    return simulation.run(PERIOD * steps)


def run(scale: Scale) -> Sequence[Line]:
    """Loss per step and per fill at every tau."""
    seeds = scale.pick(quick=12, full=40)
    s = sqrt(DELAY)
    lost, hit = bleed(HALF_SPREAD, s) / 2, hit_rate(HALF_SPREAD, s)
    lines = []
    for tau in TAUS:
        root = Streams(Streams(scale.seed).key(f"tau {tau}"))
        # Overlapping displacements say less, each.
        clears = scale.pick(quick=80, full=1000 if tau < DELAY else 400)
        totals, fills = np.array([taken(root.key(f"run {number}"), clears, tau) for number in range(seeds)]).T
        per_fill = totals.sum() / max(1, fills.sum())
        # What each seed adds to the ratio of the two sums: their mean is the ratio.
        parts = per_fill + (totals - per_fill * fills) / max(1, fills.mean())
        per_step = totals / (tau * clears)
        line = partial(mean_line, unit="units", because=ROUNDING)
        lines += [
            line(f"loss per step, tau = {tau}", lost / tau, per_step, allowed=1 / UNIT / tau),
            line(f"loss per fill, tau = {tau}", lost / hit, parts, allowed=1 / UNIT),
        ]
    return lines


def taken(seed: int, clears: int, tau: int) -> tuple[float, int]:
    """What the taker gained in one run (units), and in how many fills."""
    # The first clears come before the first late quote does.
    warm = DELAY // tau + 1
    fills, gains = gains_of(market(seed, clears + warm, tau), "taker")
    counted = fills["time"] > PERIOD * tau * warm
    return float(gains[counted].sum()), int(counted.sum())


CHECK = Check(
    name="batched-diffusion",
    title="Late quotes in batches: loss per fill constant, loss per unit of time as 1/tau",
    run=run,
)
