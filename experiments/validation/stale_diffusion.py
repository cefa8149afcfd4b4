"""What a late quote costs when the public value walks at random, and the spread that pays for it.

The value moves by N(0, sigma^2) at every step. A maker quotes at V(t - d) -+ h, late by d steps; a fast taker looks
at V(t) and takes one lot of a quote on the wrong side of it. What it sees is off by X ~ N(0, s^2) with s = sigma
sqrt(d), so that at each look, with phi and Q the normal density and upper tail,

    bleed E(|X| - h)^+ = 2 (s phi(h/s) - h Q(h/s)),   hit rate 2 Q(h/s),   loss per fill = bleed / hit rate.

With a uninformed lots for every look, all filled and each paying h, the maker breaks even at a h = bleed, that is at
h* = kappa(a) sigma sqrt(d) with kappa(1) = 0.436327 and kappa(1/5) = 0.937368: the break-even half-spread grows with
the square root of the delay. (kappa(1) is also the zero-profit spread of Budish, Cramton and Shim, Quarterly Journal of
Economics 130(4), 2015, for as many normal jumps as investors: what matters is only how far the quote is off.)

Derived from E(|X| - h)^+ of a normal X, as in Copeland and Galai, Journal of Finance 38(5), 1983: a quote is an option
given away, and its holder is the faster one. sigma = 1 unit of 10,000 ticks.

The run: a continuous book, a maker that re-quotes on public news d steps late at 10 t, and the sniper of Budish,
Cramton and Shim at 10 t + 5. Both look once every d steps, so that the displacements of successive looks are
independent and each look is a sample. Uninformed lots come at 10 t + 8, as many buys as sells, so that each pays h and
luck cancels. The break-even half-spread is searched for by bisection over runs of the engine on one seed; each seed
gives one sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil, sqrt

import numpy as np
from attrs import define
from scipy.optimize import brentq
from scipy.stats import norm

from agents.market_maker import NewsMaker
from agents.sniper import Sniper
from experiments.validation.bulletins import Bulletins
from experiments.validation.check import Check, Line, Scale, mean_line
from experiments.validation.pictures import Series, compare
from marketsim import Result, Side, Signal, Simulation, Streams, market_order
from marketsim.fairvalue import PoissonJumps
from marketsim.metrics import net_gains
from marketsim.metrics.logs import Columns, Floats
from marketsim.protocols import Context
from venues.clob import ContinuousBook

MARKET = "ACME"
UNIT = 10_000
OPENING = 20_000 * UNIT + 0.5  # between two ticks: at h = 0 bid and ask must not be one price
PERIOD, TAKES, PAYS = 10, 5, 8
LOTS = 5  # quoted a side, of which the fast taker takes one
TABLE = ((50, 0.0), (50, 5.0), (50, 10.0), (10, 5.0), (1, 1.0), (1, 0.5))
DELAYS = (1, 10, 50)  # of the break-even half-spreads
UNINFORMED = (1.0, 0.2)  # lots a look
CHORD = "the search ends with a chord sigma sqrt(d) / 16 wide"
ROUNDING = "quotes are rounded outwards by less than a tick, 1/10,000 of a unit"


def bleed(half_spread: float, spread_of_value: float) -> float:
    """What a look costs the maker: E(|X| - h)^+, X ~ N(0, s^2)."""
    ratio = half_spread / spread_of_value
    return float(2 * spread_of_value * (norm.pdf(ratio) - ratio * norm.sf(ratio)))


def hit_rate(half_spread: float, spread_of_value: float) -> float:
    """How often a look finds a quote worth taking."""
    return float(2 * norm.sf(half_spread / spread_of_value))


def looks_for(error: float, half_spread: float, spread_of_value: float) -> int:
    """Looks after which the bleed, and what a fill lost, have a relative standard error of `error` or less."""
    ratio = half_spread / spread_of_value
    square = 2 * ((1 + ratio**2) * norm.sf(ratio) - ratio * norm.pdf(ratio)) * spread_of_value**2
    return ceil((square / bleed(half_spread, spread_of_value) ** 2 - 1) / error**2)


def kappa(uninformed: float) -> float:
    """Break-even half-spread by sigma sqrt(d), where `uninformed` lots come with every look."""
    return float(brentq(lambda ratio: uninformed * ratio - bleed(ratio, 1.0), 0.0, 10.0))


@define
class Pairs:
    """Uninformed: `LOTS` bought and as many sold at every `every`-th look."""

    every: int
    agent_id: str = "uninformed"
    observation_delay: int = PAYS
    looks: int = 0

    def observes(self, market: str, tier: str) -> bool:
        return market == MARKET and tier == "public"

    def decide(self, ctx: Context, signal: Signal) -> None:
        self.looks += 1
        if self.looks % self.every == 0:
            for side in Side:
                ctx.submit(market_order(signal.market, side, quantity=LOTS))


def market(seed: int, looks: int, delay: int, half_spread: float, *, pairs_every: int | None = None) -> Result:
    """One run of `looks` looks, `delay` steps apart."""
    steps = delay * looks
    moves = UNIT * Streams(seed).stream("world").standard_normal(steps)
    times = PERIOD * np.arange(1, steps + 1)
    horizon = PERIOD * (steps + 1)
    value = PoissonJumps(
        opening={MARKET: OPENING}, horizon=horizon, jump_times={MARKET: times}, jump_sizes={MARKET: moves}
    )
    agents: list[object] = [
        NewsMaker("maker", MARKET, OPENING, half_spread * UNIT, LOTS, observation_delay=PERIOD * delay),
        Sniper("taker", MARKET, observation_delay=TAKES),
    ]
    if pairs_every is not None:
        agents.append(Pairs(pairs_every))
    simulation = Simulation(
        venues={"clob": ContinuousBook((MARKET,))},
        agents=agents,
        fair_value=value,
        information=Bulletins(times[delay - 1 :: delay].tolist()),
        seed=seed,
    )
    return simulation.run(horizon)


def gains_of(result: Result, owner: str) -> tuple[Columns, Floats]:
    """The legs of one agent, and what each gained at the value of its moment, in units."""
    fills = result.fills.columns()
    own = {name: column[fills["owner"] == owner] for name, column in fills.items()}
    if result.fair_value is None or not len(own["owner"]):
        return own, np.empty(0)
    return own, net_gains(own, result.fair_value, end=result.horizon) / UNIT


def table_lines(seed: int, looks: int, delay: int, half_spread: float) -> list[Line]:
    """Bleed, hit rate and loss per fill of one row."""
    fills, gains = gains_of(market(seed, looks, delay, half_spread), "taker")
    by_look = np.zeros(looks)
    by_look[fills["time"] // (PERIOD * delay) - 1] = gains
    s, name = sqrt(delay), f"d = {delay}, h = {half_spread:g}"
    lost, hit = bleed(half_spread, s), hit_rate(half_spread, s)
    line = partial(mean_line, allowed=1.5 / UNIT, because=ROUNDING)
    lines = [
        line(f"bleed per look, {name}", lost, by_look, unit="units"),
        line(f"hit rate, {name}", hit, by_look > 0),
    ]
    if len(gains) > 1:
        lines.append(line(f"loss per fill, {name}", lost / hit, gains, unit="units"))
    return lines


def break_even(seed: int, looks: int, delay: int, pairs_every: int) -> float:
    """The half-spread (units) at which the maker neither gains nor loses, by bisection over runs on one seed."""

    def profit(half_spread: float) -> float:
        result = market(seed, looks, delay, half_spread, pairs_every=pairs_every)
        return float(gains_of(result, "maker")[1].sum())

    low, high = 0.0, 2 * sqrt(delay)
    of_low, of_high = profit(low), profit(high)
    for _ in range(5):
        middle = (low + high) / 2
        of_middle = profit(middle)
        if of_middle < 0:
            low, of_low = middle, of_middle
        else:
            high, of_high = middle, of_middle
    return low + (high - low) * -of_low / (of_high - of_low) if of_low < 0 < of_high else low


def break_even_lines(scale: Scale) -> list[Line]:
    """Break-even half-spreads by delay and uninformed flow, and the power of the delay that they follow."""
    seeds, looks = scale.pick(quick=(6, 50), full=(16, 200))
    lines: list[Line] = []
    for uninformed in scale.pick(quick=(1.0,), full=UNINFORMED):
        found = {}
        pairs_every = round(2 * LOTS / uninformed)
        for delay in DELAYS:
            root = Streams(Streams(scale.seed).key(f"break-even {delay} {uninformed}"))
            keys = [root.key(f"run {number}") for number in range(seeds)]
            found[delay] = np.array([break_even(key, looks, delay, pairs_every) for key in keys])
            name = break_even_name(uninformed, delay)
            predicted = kappa(uninformed) * sqrt(delay)
            chord = partial(mean_line, allowed=0.002 * sqrt(delay), because=CHORD)
            lines.append(chord(name, predicted, found[delay], unit="units"))
        powers = [np.polyfit(np.log(DELAYS), np.log(row), 1)[0] for row in zip(*found.values(), strict=True)]
        lines.append(mean_line(f"power of the delay in h*, a = {uninformed:g}", 0.5, powers))
    return lines


def break_even_name(uninformed: float, delay: int) -> str:
    """How the line of one break-even half-spread is called."""
    return f"break-even half-spread, a = {uninformed:g}, d = {delay}"


def run(scale: Scale) -> Sequence[Line]:
    """The table, row by row, then the break-even half-spreads."""
    lines = []
    for row, (delay, half_spread) in enumerate(TABLE):
        seed = Streams(scale.seed).key(f"table {row}")
        looks = scale.pick(quick=400, full=looks_for(0.018, half_spread, sqrt(delay)))
        lines += table_lines(seed, looks, delay, half_spread)
    return lines + break_even_lines(scale)


def draw(lines: Sequence[Line], path: str) -> None:
    """Break-even half-spread by delay."""
    found = {line.name: line for line in lines}
    series = []
    for uninformed in UNINFORMED:
        names = {delay: break_even_name(uninformed, delay) for delay in DELAYS}
        measured = {delay: found[name] for delay, name in names.items() if name in found}
        predicted = {delay: kappa(uninformed) * sqrt(delay) for delay in range(1, max(DELAYS) + 1)}
        series.append(Series(f"{uninformed:g} uninformed lots a look", predicted, measured))
    compare(path, series, across="delay d, steps", up="break-even half-spread, units", scales=("log", "log"))


CHECK = Check(
    name="stale-diffusion",
    title="Late quotes on a diffusion: bleed, hits and the square root of the delay",
    run=run,
    draw=draw,
)
