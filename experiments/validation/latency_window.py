"""The window effect: a batch exposes a slow maker only to news that breaks just before a clear.

A maker who reacts delta_slow after news is picked off in the book by a taker who reacts delta_fast after it, always. A
batch auction that clears every pi steps forgives the difference delta = delta_slow - delta_fast, unless a clear falls
between the two: the taker's order is in one batch, the maker's cancel in the next. News comes at any moment of the
interval alike, so that the quote is stale at the clear with probability

    min(1, delta/pi),

and the expected loss per piece of news shrinks from J - h (jump less half-spread) in the same proportion, as long as
nobody competes on price: here one taker, who bids the maker's quote.

Source: Budish, Cramton and Shim, The High-Frequency Trading Arms Race, Quarterly Journal of Economics 130(4), 2015,
section VII (a batch auction reduces the value of a tiny speed advantage).

The run: jumps of 2 units with h = 1/2, one at each moment of the interval and for each sign, in random order and far
enough apart that the maker has answered one before the next. Each moment comes up equally often, so the share of
jumps that hit a stale quote is exact, not an estimate. An order sent at the step of a clear joins the next one (the
clock runs before the messages of its step), for the maker's cancel as for the taker's order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.market_maker import NewsMaker
from agents.sniper import Sniper
from experiments.validation.check import Check, Line, Scale
from marketsim import Simulation, Streams, Venue
from marketsim.fairvalue import PoissonJumps
from marketsim.information import PublicNews
from marketsim.metrics import net_gains
from venues.clob import ContinuousBook
from venues.fba import BatchAuction

MARKET = "ACME"
UNIT = 1000
OPENING = 1000 * UNIT
JUMP, HALF_SPREAD = 2.0, 0.5
FAST = 2
INTERVALS = (1, 2, 5, 10, 20, 50, 100)
DELTAS = (1, 10, 19, 20, 30)
"""Beside 5, at pi = 20."""


def news(pi: int, apart: int, repeats: int, seed: int) -> PoissonJumps:
    """Jumps up and down at each step of an interval of `pi`, `repeats` times, shuffled; neighbours `apart` or more."""
    rng = Streams(seed).stream("world")
    cases = np.tile(np.array([(phase, sign) for phase in range(pi) for sign in (-1, 1)]), (repeats, 1))
    rng.shuffle(cases)
    window = pi * (2 + apart // pi)
    times = window * np.arange(1, len(cases) + 1) + cases[:, 0]
    return PoissonJumps(
        opening={MARKET: OPENING},
        horizon=window * (len(cases) + 2),
        jump_times={MARKET: times},
        jump_sizes={MARKET: JUMP * UNIT * cases[:, 1]},
    )


def sniped(venue: Venue, world: PoissonJumps, delta: int, seed: int) -> tuple[float, float]:
    """(share of jumps that hit a stale quote, what the maker lost per jump) of one run."""
    maker = NewsMaker("maker", MARKET, OPENING, HALF_SPREAD * UNIT, observation_delay=FAST + delta)
    taker = Sniper("taker", MARKET, limit="quote", observation_delay=FAST)
    result = Simulation(
        venues={"venue": venue},
        agents=[maker, taker],
        fair_value=world,
        information=PublicNews(),
        seed=seed,
    ).run(world.horizon)
    jumps = len(world.jump_times[MARKET])
    fills = result.fills.columns()
    own = fills["owner"] == "maker"
    gained = float(net_gains(fills, world, end=result.horizon)[own].sum()) / UNIT
    return float(fills["quantity"][own].sum()) / jumps, -gained / jumps


def run(scale: Scale) -> Sequence[Line]:
    """The share of jumps that hit a stale quote and the loss per jump, against pi and against delta."""
    root, lines = Streams(scale.seed), []
    repeats = scale.pick(quick=1, full=10)
    for pi, delta in [(0, 5), *((pi, 5) for pi in INTERVALS), *((20, delta) for delta in DELTAS)]:
        name = f"pi = {pi}, delta = {delta}" if pi else f"book, delta = {delta}"
        seed = root.key(name)
        world = news(max(pi, 1), FAST + delta, repeats, seed)
        venue: Venue = BatchAuction((MARKET,), pi) if pi else ContinuousBook((MARKET,))
        share, lost = sniped(venue, world, delta, seed)
        expected = min(1.0, delta / pi) if pi else 1.0
        jumps = len(world.jump_times[MARKET])
        lines.append(Line(name=f"share sniped, {name}", predicted=expected, measured=share, samples=jumps))
        loss = expected * (JUMP - HALF_SPREAD)
        lines.append(
            Line(name=f"maker's loss per jump, {name}", predicted=loss, measured=lost, samples=jumps, unit="units")
        )
    return lines


def draw(lines: Sequence[Line], file: str) -> None:
    """The share of jumps sniped against pi, measured beside min(1, delta/pi)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shares = {line.name: line for line in lines}
    found = [shares[f"share sniped, pi = {pi}, delta = 5"].measured for pi in INTERVALS]
    fine = np.geomspace(INTERVALS[0], INTERVALS[-1], 200)
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot(fine, np.minimum(1, 5 / fine), color="#0072B2", label="min(1, delta/pi), delta = 5")
    axes.plot(INTERVALS, found, "o", color="#D55E00", label="measured")
    axes.set(xscale="log", xlabel="batch interval pi (steps)", ylabel="share of jumps that hit a stale quote")
    axes.set_ylim(0, 1.05)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(file, dpi=100)


CHECK = Check(name="latency-window", title="Sniping probability min(1, delta/pi) in a batch", run=run, draw=draw)
