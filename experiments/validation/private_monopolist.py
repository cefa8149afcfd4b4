"""Private information: batching removes the race for public news, and leaves what one informed trader knows as it is.

Jumps of the value are public, at rate lambda_pub, or private, at rate lambda_prv: one trader learns of those, and the
market only when it has traded. In a continuous book N fast firms race for public news, and the maker loses to the
informed trader all of L(x) = E[(|J| - x)^+] besides, so that maker and sniper earn the same where

    lambda_I x = (lambda_pub + lambda_prv) L(x).

In a batch auction the maker's cancel of a public jump arrives with the snipers' orders, before the clear: nobody is
sniped. But the informed trader has no rival and bids no more than the maker's ask, which is then the price, so

    lambda_I x = lambda_prv L(x).

For J = 1 and lambda_I = 1 the spread s = 2x goes, by (lambda_pub, lambda_prv): (.1, 0) .181818 to 0, (.08, .02) .181818
to .039216, and (0, .1) .181818 to .181818. The last is the control: a simulator in which batching takes away adverse
selection itself has a fault.

Source: Budish, Lee and Shim, A Theory of Stock Exchange Competition and Innovation: Will the Market Fix the Market?,
Journal of Political Economy 132, 2024 (public and private information); the monopolist's bid is the strategic limit
of the auction in Budish, Cramton and Shim, QJE 130(4), 2015.

The run: investors and jumps in exactly the proportions of their rates and in random order, one to a window of 400
steps, so that no two of them share a batch. Flows of a fixed jump are straight lines in x; they are measured at
x = .02 and x = .2, and the break-even spread is where maker minus sniper crosses zero. Only who wins a race is random:
without races the answer is exact. A sample is one seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from attrs import define, frozen

from agents.market_maker import NewsMaker
from agents.sniper import Sniper
from experiments.validation.bulletins import Bulletins
from experiments.validation.check import Check, Line, Scale
from marketsim import Side, Simulation, Streams, market_order
from marketsim.fairvalue import PoissonJumps
from marketsim.metrics import net_gains
from marketsim.protocols import Context
from venues.clob import ContinuousBook
from venues.fba import BatchAuction

MARKET = "ACME"
UNIT = 1_000_000
OPENING = 1000 * UNIT
WINDOW, LONGEST = 400, 100
"""Steps that each event has to itself; the longest batch interval."""
FIRMS = 4
SPREADS = (0.02, 0.2)
"""Half-spreads at which flows are measured."""
PRIVATE, REVEALED = "routine", "tail"
"""The tiers of `marketsim.information` that carry private news here, and the same when it has been traded on."""


class Insider(Sniper):
    """A sniper who hears private news."""

    def observes(self, market: str, tier: str) -> bool:
        return market == self.market and tier == PRIVATE


class Maker(NewsMaker):
    """A maker who hears public news, and private news once it has been traded on."""

    def observes(self, market: str, tier: str) -> bool:
        return market == self.market and tier in {"public", REVEALED}


@define
class Investors:
    """One lot at each of `times`, bought or sold by the toss of a coin."""

    times: Sequence[int]
    agent_id: str = "investors"

    def start(self, ctx: Context) -> None:
        for time in self.times:
            ctx.wake_at(time)

    def wake(self, ctx: Context) -> None:
        side = Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
        ctx.submit(market_order(MARKET, side, quantity=1))


@frozen
class Mix:
    """How many investors, public and private jumps there are; with a rate of investors of 1, rates per investor."""

    investors: int
    public: int
    private: int

    def break_even(self, *, batch: bool) -> float:
        """The spread, in units."""
        rate = (self.private if batch else self.public + self.private) / self.investors
        return 2 * rate / (1 + rate)

    @property
    def name(self) -> str:
        return f"({self.public / self.investors:g}, {self.private / self.investors:g})"


MIXES = (Mix(100, 10, 0), Mix(100, 8, 2), Mix(100, 0, 10))


def flows(mix: Mix, blocks: int, pi: int, half_spread: float, seed: int) -> tuple[float, float, float]:
    """Gains of (maker, each sniper, informed trader) per unit of time, in units; `pi` = 0 is the book."""
    rng = Streams(seed).stream("world")
    counts = [blocks * mix.investors, blocks * mix.public, blocks * mix.private]
    kinds = np.repeat(["investor", "public", PRIVATE], counts)
    rng.shuffle(kinds)
    times = WINDOW * np.arange(1, len(kinds) + 1) + rng.integers(LONGEST, size=len(kinds))
    jumps = times[kinds != "investor"]
    world = PoissonJumps(
        opening={MARKET: OPENING},
        horizon=WINDOW * (len(kinds) + 2),
        jump_times={MARKET: jumps},
        jump_sizes={MARKET: UNIT * rng.choice([-1.0, 1.0], len(jumps))},
    )
    told = [(int(time), str(kind)) for time, kind in zip(times, kinds, strict=True) if kind != "investor"]
    told += [(time + WINDOW // 2, REVEALED) for time, kind in told if kind == PRIVATE]
    result = Simulation(
        venues={"venue": BatchAuction((MARKET,), pi) if pi else ContinuousBook((MARKET,))},
        agents=[
            Maker("maker", MARKET, OPENING, half_spread * UNIT, observation_delay=0),
            Insider("informed", MARKET, limit="quote", observation_delay=0),
            *(Sniper(f"sniper-{number}", MARKET, observation_delay=0) for number in range(1, FIRMS)),
            Investors(times[kinds == "investor"].tolist()),
        ],
        fair_value=world,
        information=Bulletins(*zip(*sorted(told), strict=True)),
        seed=seed,
    ).run(world.horizon)
    fills = result.fills.columns()
    gains = net_gains(fills, world, end=result.horizon) / UNIT / (blocks * mix.investors)
    gained = {name: float(gains[fills["owner"] == name].sum()) for name in result.agents}
    sniped = [gain for name, gain in gained.items() if name.startswith("sniper")]
    return gained["maker"], sum(sniped) / len(sniped), gained["informed"]


def break_even(mix: Mix, blocks: int, pi: int, seeds: Sequence[int]) -> Line:
    """The line of the spread at which maker and sniper earn the same."""
    low, high = SPREADS
    gaps = np.array([
        [maker - sniper for maker, sniper, _ in (flows(mix, blocks, pi, x, seed) for x in SPREADS)] for seed in seeds
    ])  # fmt: skip
    below, above = gaps.mean(axis=0)
    x = low - below * (high - low) / (above - below)
    # Delta method: what each seed's straight line is away from zero at x, by the slope.
    away = (gaps[:, 0] * (high - x) + gaps[:, 1] * (x - low)) / (above - below)
    where = f"batch, pi = {pi}" if pi else "book"
    return Line(
        name=f"s*, {mix.name}, {where}",
        predicted=mix.break_even(batch=pi > 0),
        measured=2 * x,
        error=2 * float(away.std(ddof=1)) / sqrt(len(seeds)) if mix.public and not pi else 0.0,
        samples=len(seeds),
        unit="units",
    )


def run(scale: Scale) -> Sequence[Line]:
    """Break-even spreads in book and batch, and the control: what a private monopolist takes, whatever the interval."""
    seeds, blocks = scale.pick(quick=(8, 1), full=(24, 10))
    root = Streams(scale.seed)
    drawn = [root.key(f"private {number}") for number in range(seeds)]
    control, (_, x) = MIXES[2], SPREADS
    lines = []
    for mix in MIXES[:2]:
        lines += [break_even(mix, blocks, 0, drawn), break_even(mix, 1, 10, drawn[:1])]
    lines += [break_even(control, 1, pi, drawn[:1]) for pi in (0, 1, 10, LONGEST)]
    book = flows(control, 1, 0, x, drawn[0])
    for pi in (1, 10, LONGEST):
        batch = flows(control, 1, pi, x, drawn[0])
        for name, here, there in (("maker", batch[0], book[0]), ("informed trader", batch[2], book[2])):
            label = f"{name}'s gain at x = {x}, {control.name}, pi = {pi} less book"
            lines.append(Line(name=label, predicted=0.0, measured=here - there, unit="units per unit of time"))
    return lines


CHECK = Check(
    name="private-monopolist", title="Batching takes away races, not a private monopolist's advantage", run=run
)
