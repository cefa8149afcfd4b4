"""Budish, Cramton and Shim: at the break-even spread a market maker earns exactly what each of its snipers earns.

The public value V jumps at rate lambda_J by +-J; investors arrive at rate lambda_I and trade one unit at once, buying
or selling with equal chance. One of N equally fast firms quotes one unit at V - x and V + x, the N - 1 others snipe.
News reaches all N at one instant and the book serves their messages one by one in random order, so the cancel comes
first with probability 1/N. With L(x) = E[(|J| - x)^+], per unit of time

    maker: lambda_I x - lambda_J L(x) (N - 1)/N,    each sniper: lambda_J L(x)/N,

equal where lambda_I x = lambda_J L(x), whatever N: there each firm earns lambda_I x/N. Away from it, maker minus sniper
is lambda_I x - lambda_J L(x): below zero at half of that spread, above zero at one and a half times of it.

Source: Budish, Cramton and Shim, The High-Frequency Trading Arms Race, Quarterly Journal of Economics 130(4), 2015,
section VI (indifference of maker and sniper under exogenous entry). The spread is s = 2x.

Four worlds with lambda_I = 1, each with its break-even half-spread x*: B1, lambda_J = 1/10, J = 1, x* = 1/11; B2,
lambda_J = 1, J = 1, x* = 1/2; B4, lambda_J = 1/2, |J| exponential of mean 1, x* = .351734; B6, lambda_J = 1, J standard
normal, x* = .436327.

The run: a continuous book; news at odd steps, investors at even ones. Two kinds of noise are taken out of the flows.
The number of investors and the sizes of the jumps in a world are known, so their deviation from the expectation is
subtracted (control variates; `adaptive-maker` tests that both have the right rates and law). And each world is
run N times with each firm once as the maker: since one firm is first in each race, the cancel wins it in exactly one of
the N runs. So flows are exact but for whole ticks. That the firm which comes first really is random is tested apart, in
many races with the same maker.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, pi, sqrt

import numpy as np
from attrs import define, field, frozen
from scipy.optimize import brentq
from scipy.special import ndtr

from agents.market_maker import NewsMaker
from agents.sniper import Sniper
from experiments.validation.check import Check, Line, Scale, mean_line
from marketsim import Result, Side, Simulation, Streams, market_order
from marketsim.fairvalue import PoissonJumps
from marketsim.fairvalue.jumps import SizeLaw
from marketsim.information import PublicNews
from marketsim.metrics import net_gains
from marketsim.metrics.logs import Floats
from marketsim.protocols import Context
from venues.clob import ContinuousBook

MARKET = "ACME"
UNIT = 1_000_000
OPENING = 1000 * UNIT
STEPS = 1000
"""Of a unit of time."""
FIRMS = (2, 4, 10)
TICKS = "half-spreads and jumps are whole ticks, 1/1,000,000 of a unit"


@frozen
class Row:
    """One parameter set: rates per unit of time; `law` of |J|, with mean (or for "normal" deviation) 1."""

    name: str
    jump_rate: float
    law: SizeLaw
    investor_rate: float = 1.0

    def tail(self, x: float) -> float:
        """Pr(|J| > x)."""
        if self.law == "fixed":
            return float(x < 1)
        return exp(-x) if self.law == "exponential" else 2 * float(ndtr(-x))

    def overshoot(self, x: float) -> float:
        """L(x) = E[(|J| - x)^+]."""
        if self.law == "fixed":
            return max(1 - x, 0.0)
        if self.law == "exponential":
            return exp(-x)
        return 2 * exp(-x * x / 2) / sqrt(2 * pi) - x * self.tail(x)

    def surplus(self, x: float) -> float:
        """What the maker earns more than a sniper, per unit of time."""
        return self.investor_rate * x - self.jump_rate * self.overshoot(x)

    def break_even(self) -> float:
        """The half-spread at which maker and sniper earn the same."""
        return float(brentq(self.surplus, 0.0, 10.0, xtol=1e-12))


ROWS = (
    Row("B1, J = 1", 0.1, "fixed"),
    Row("B2, J = 1", 1.0, "fixed"),
    Row("B4, J exponential", 0.5, "exponential"),
    Row("B6, J normal", 1.0, "normal"),
)


@define
class Investors:
    """Poisson arrivals of one lot, bought or sold by the toss of a coin, at even steps only."""

    rate: float
    agent_id: str = "investors"
    came: int = field(default=0, init=False)

    def start(self, ctx: Context) -> None:
        self._plan(ctx)

    def wake(self, ctx: Context) -> None:
        self.came += 1
        side = Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
        ctx.submit(market_order(MARKET, side, quantity=1))
        self._plan(ctx)

    def _plan(self, ctx: Context) -> None:
        ctx.wake_at(ctx.now + 2 * max(1, round(ctx.rng.exponential(STEPS / 2 / self.rate))))


def world_of(row: Row, seed: int, span: int) -> PoissonJumps:
    """Jumps at any step over `span` units of time."""
    return PoissonJumps.draw(
        Streams(seed).stream("world"),
        span * STEPS,
        {MARKET: OPENING},
        jumps_per_step=row.jump_rate / STEPS,
        size=UNIT,
        law=row.law,
    )


def news(row: Row, seed: int, span: int) -> PoissonJumps:
    """Jumps of whole ticks at odd steps over `span` units of time."""
    drawn = world_of(row, seed, span)
    steps, sizes = drawn.jump_times[MARKET], drawn.jump_sizes[MARKET]
    # Of several jumps in one pair of steps the first is kept, so that there is one race for one jump.
    steps, kept = np.unique((steps - 1) // 2 * 2 + 1, return_index=True)
    return PoissonJumps(
        opening=drawn.opening,
        horizon=drawn.horizon,
        jump_times={MARKET: steps},
        jump_sizes={MARKET: np.rint(sizes[kept])},
    )


def simulate(world: PoissonJumps, firms: int, maker: int, half_spread: int, investor_rate: float, seed: int) -> Result:
    """One run in which firm number `maker` quotes and the others snipe."""
    names = [f"firm-{number}" for number in range(firms)]
    quoting = NewsMaker(names.pop(maker), MARKET, OPENING, half_spread, observation_delay=0)
    sniping = [Sniper(name, MARKET, observation_delay=0) for name in names]
    return Simulation(
        venues={"clob": ContinuousBook((MARKET,))},
        agents=[quoting, *sniping, *([Investors(investor_rate)] if investor_rate else [])],
        fair_value=world,
        information=PublicNews(),
        seed=seed,
    ).run(world.horizon)


def flows(row: Row, firms: int, x: float, seed: int, span: int) -> tuple[float, float]:
    """(maker's, each sniper's) gain per unit of time at half-spread `x` in one world, over all choices of the maker."""
    world, half_spread = news(row, seed, span), round(x * UNIT)
    expected = row.jump_rate * row.overshoot(x)
    snipable = np.maximum(np.abs(world.jump_sizes[MARKET]) - half_spread, 0).sum() / UNIT / span - expected
    made, sniped = [], []
    for maker in range(firms):
        result = simulate(world, firms, maker, half_spread, row.investor_rate, seed)
        fills = result.fills.columns()
        gains = net_gains(fills, world, end=result.horizon) / UNIT / span
        roles = np.array([result.role(owner) for owner in fills["owner"]], dtype=object)
        extra = result.agents["investors"].came / span - row.investor_rate
        made.append(gains[roles == "lp"].sum() - x * extra + snipable * (firms - 1) / firms)
        sniped.append(gains[roles == "sniper"].sum() / (firms - 1) - snipable / firms)
    return float(np.mean(made)), float(np.mean(sniped))


def race_wins(firms: int, races: int, seed: int) -> Floats:
    """For each of many jumps, 1 where the maker's cancel came before every sniper, else 0."""
    steps = 1 + 2 * np.arange(races)
    sizes = UNIT * np.where(np.arange(races) % 2, -1.0, 1.0)
    world = PoissonJumps(
        opening={MARKET: OPENING},
        horizon=2 * races,
        jump_times={MARKET: steps},
        jump_sizes={MARKET: sizes},
    )
    fills = simulate(world, firms, 0, UNIT // 10, 0.0, seed).fills.columns()
    lost = np.isin(steps, fills["time"])
    return np.where(lost, 0.0, 1.0)


def _exact(name: str, predicted: float, measured: Sequence[float]) -> Line:
    return Line(
        name=name,
        predicted=predicted,
        measured=float(np.mean(measured)),
        samples=len(measured),
        allowed=5e-6,
        because=TICKS,
        unit="units per unit of time",
    )


def run(scale: Scale) -> Sequence[Line]:
    """Flows at the break-even spread, maker minus sniper away from it, and who wins races."""
    worlds, jumps = scale.pick(quick=(1, 12), full=(2, 100))
    root, lines = Streams(scale.seed), []
    for row in ROWS:
        x, span = row.break_even(), round(jumps / row.jump_rate)
        seeds = [root.key(f"{row.name} {number}") for number in range(worlds)]
        for firms in FIRMS:
            made, sniped = zip(*(flows(row, firms, x, seed, span) for seed in seeds), strict=True)
            share = row.investor_rate * x / firms
            lines.append(_exact(f"{row.name}, N = {firms}: maker at s*", share, made))
            lines.append(_exact(f"{row.name}, N = {firms}: each sniper at s*", share, sniped))
        for times in (0.5, 1.5):
            both = [flows(row, 4, times * x, seed, span) for seed in seeds]
            gaps = [maker - sniper for maker, sniper in both]
            lines.append(_exact(f"{row.name}, N = 4: maker minus sniper at {times} s*", row.surplus(times * x), gaps))
    for firms in FIRMS:
        # A share of 1/N has a relative error of sqrt((N - 1)/races).
        races = scale.pick(quick=100, full=2900) * (firms - 1)
        wins = race_wins(firms, races, root.key(f"races {firms}"))
        lines.append(mean_line(f"races won by the cancel, N = {firms}", 1 / firms, wins))
    return lines


CHECK = Check(
    name="budish-cramton-shim",
    title="Maker and snipers earn the same at the break-even spread of Budish, Cramton and Shim",
    run=run,
)
