"""A trader who alone knows the value, hiding among others in a batch: Kyle's auctions, one and many.

The value is v ~ N(p0, S0), S0 = Sigma_0. In each of N auctions noise traders send u ~ N(0, s^2 / N) lots in all, the
insider x lots, and makers who earn nothing in expectation set one price by the net flow alone, p_n = p_{n-1} +
lambda_n (x_n + u_n). For N = 1

    x = beta (v - p0), beta = s / sqrt(S0), lambda = sqrt(S0) / (2 s): profit s sqrt(S0) / 2, and Var(v - p) = S0 / 2.

M insiders who all know v trade beta = s / sqrt(M S0) each: together they earn sqrt(M) / (M + 1) s sqrt(S0), and
Var(v - p) = S0 / (M + 1): competition pays less and tells more. For N auctions the constants follow backwards from
alpha_N = 0 with a = alpha_n lambda_n,

    beta_n = (1 - 2 a) / (2 lambda_n (1 - a)),   lambda_n^2 s^2 / N = S_n (1 - 2 a) / (2 (1 - a)),
    S_{n-1} = S_n / (1 - beta_n lambda_n),   alpha_{n-1} = 1 / (4 lambda_n (1 - alpha_n lambda_n)),

and the insider's profit rises from 0.5 to 1 in s sqrt(S0): to a monopolist of information frequent batches are worth
more, the pi-curve of the arms race upside down.

Source: Kyle, Continuous auctions and insider trading, Econometrica 53(6), 1985, theorems 1 and 2; M insiders as in
Admati and Pfleiderer, Review of Financial Studies 1(1), 1988.

The run (sqrt(S0) is 1e6 ticks): the shipped batch auction; insiders and noise send market orders. A maker posts Kyle's
pricing rule as a ladder, one lot at p_{n-1} +- lambda (k - 1/2), k = 1, 2, ..., so that the midpoint of the clearing
prices at a net flow of y lots is p_{n-1} + lambda y; nobody computes a price for the venue. Game follows game, each
with a new value. Products of value and noise, whose means are known, serve as control variates.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, sqrt

import numpy as np
from attrs import define, field, frozen

from agents.market_maker import cancel_quotes
from experiments.validation.bulletins import Bulletins
from experiments.validation.check import Check, Line, Scale, mean_line
from experiments.validation.pictures import Series, compare
from marketsim import Fill, Report, Side, Signal, Simulation, Streams, limit_order, market_order
from marketsim.fairvalue import PriceTable
from marketsim.metrics import net_gains
from marketsim.metrics.logs import Floats
from marketsim.protocols import Context
from venues.fba import BatchAuction

MARKET = "ACME"
UNIT = 10**6  # ticks: sqrt(S0)
CENTRE = 100 * UNIT
NOISE = 8  # lots: s of one auction
PERIOD, POSTS, TRADES = 10, 1, 5  # a clear every PERIOD steps, the ladder and the orders so long after it
PROFIT = "profit of the insiders"
WHOLE_LOTS = "orders are whole lots: rounding adds 1/6 lot^2 a sender to the 64 of noise"


@frozen
class Auction:
    """Constants of one auction in units of s = sqrt(S0) = 1: price impact, intensity, S_n after it, profit to come."""

    impact: float
    intensity: float
    variance: float
    profit: float


def one_auction(insiders: int) -> Auction:
    """The single auction with so many insiders; `intensity` is of each, `profit` of all together."""
    root = sqrt(insiders)
    return Auction(root / (insiders + 1), 1 / root, 1 / (insiders + 1), root / (insiders + 1))


def sequence(auctions: int) -> list[Auction]:
    """The constants of one insider's auctions; `profit` of the first is the whole."""
    variance, alpha, delta, found = 1.0, 0.0, 0.0, []
    for _ in range(auctions):
        # The cubic that ties lambda to S_n has three real roots; Kyle's is the smaller of the two above 0.
        roots = np.roots([-2 * alpha / auctions, 2 / auctions, 2 * alpha * variance, -variance])
        impact = float(min(root for root in roots.real if root > 0))
        slack = 1 - alpha * impact
        intensity = (1 - 2 * alpha * impact) / (2 * impact * slack)
        delta += alpha * impact**2 / auctions  # what noise of this auction adds to the profits of later ones
        before = variance / (1 - intensity * impact)
        alpha = 1 / (4 * impact * slack)
        found.append(Auction(impact, intensity, variance, alpha * before + delta))
        variance = before
    # Solved backwards from S_N = 1, where only the ratio of S_n to S_0 counts.
    root = sqrt(variance)
    return [
        Auction(each.impact / root, each.intensity * root, each.variance / variance, each.profit / root)
        for each in reversed(found)
    ]


@frozen
class Outcome:
    """What a game brings in expectation, in units of s = sqrt(S0) = 1: all insiders, the makers, Var(v - p)."""

    insiders: float
    makers: float
    variance: float


def expected(constants: Sequence[Auction], insiders: int, rounding: float) -> Outcome:
    """What comes of trading by `constants` when every order has a `rounding` error of mean 0 and that variance.

    With 0 it is Kyle's result. An error moves the price against whoever made it, and tells nothing of the value.
    """
    informed, made, variance = 0.0, 0.0, 1.0
    for each in constants:
        left = 1 - insiders * each.intensity * each.impact  # of the gap between value and price
        noise = 1 / len(constants) + (insiders + 1) * rounding
        gain = insiders * each.intensity * left * variance
        informed += gain - each.impact * insiders * rounding
        made += each.impact * noise - gain
        variance = left**2 * variance + each.impact**2 * noise
    return Outcome(informed, made, variance)


@define
class Makers:
    """Posts the pricing rule of the auction to come as a ladder around the price of the last one."""

    slopes: tuple[float, ...]  # ticks a lot, by auction of a game
    rungs: int
    centre: int = CENTRE
    agent_id: str = "makers"

    def start(self, ctx: Context) -> None:
        ctx.wake_at(PERIOD + POSTS)

    def wake(self, ctx: Context) -> None:
        ctx.wake_at(ctx.now + PERIOD)
        auction = (ctx.now // PERIOD - 1) % len(self.slopes)
        if auction == 0:
            self.centre = CENTRE
        cancel_quotes(ctx, MARKET)
        for rung in range(self.rungs):
            away = round(self.slopes[auction] * (rung + 0.5))
            for side in Side:
                ctx.submit(limit_order(MARKET, side, quantity=1, price=self.centre - side * away))

    def report(self, ctx: Context, report: Report) -> None:  # noqa: ARG002 it posts after the clear
        if isinstance(report, Fill):
            self.centre = report.price


@define
class Insider:
    """Sends intensity x (value - middle of the ladder) lots, at market."""

    agent_id: str
    intensities: tuple[float, ...]  # lots a tick, by auction of a game
    observation_delay: int = TRADES - POSTS

    def observes(self, market: str, tier: str) -> bool:
        return market == MARKET and tier == "public"

    def decide(self, ctx: Context, signal: Signal) -> None:
        auction = (ctx.now // PERIOD - 1) % len(self.intensities)
        mid = ctx.state(MARKET).mid
        send(ctx, 0.0 if mid is None else self.intensities[auction] * (signal.value - mid))


@define
class Noise:
    """Sends N(0, NOISE^2) lots, at market, and remembers how many."""

    agent_id: str = "noise"
    observation_delay: int = TRADES - POSTS
    sent: list[float] = field(factory=list)

    observes = Insider.observes

    def decide(self, ctx: Context, signal: Signal) -> None:  # noqa: ARG002 it trades for reasons of its own
        self.sent.append(float(ctx.rng.standard_normal()))
        send(ctx, NOISE * self.sent[-1])


def send(ctx: Context, lots: float) -> None:
    """A market order of `lots`, bought or sold by their sign, rounded up or down so that the mean is right."""
    if quantity := floor(abs(lots) + ctx.rng.random()):
        ctx.submit(market_order(MARKET, Side.BUY if lots > 0 else Side.SELL, quantity=quantity))


@frozen
class Games:
    """Of each game, in units of sqrt(S0) and s: the draws behind it (games, 1 + N) and what came of it."""

    draws: Floats
    gap: Floats  # value less last price
    insiders: Floats
    makers: Floats

    def without_luck(self, samples: Floats) -> Floats:
        """Samples less what they owe to products of two draws, whose means are known: the mean stays as it is."""
        count, width = self.draws.shape
        first, second = np.triu_indices(width)
        controls = self.draws[:, first] * self.draws[:, second] - (first == second)
        table = np.column_stack([np.ones(count), controls])
        fitted, *_ = np.linalg.lstsq(table, samples, rcond=None)
        left = samples - table @ fitted
        # The error of the intercept: a degree of freedom is lost with each control, whose factors are estimates too.
        error = count * np.linalg.inv(table.T @ table)[0, 0] * (count - 1) / (count - table.shape[1])
        cleared: Floats = fitted[0] + left * sqrt(error)
        return cleared


def play(seed: int, games: int, constants: Sequence[Auction], insiders: int = 1) -> Games:
    """One run: game after game, the value drawn anew for each."""
    total = NOISE * sqrt(auctions := len(constants))  # s of all auctions, in lots
    values = Streams(seed).stream("world").standard_normal(games)
    # Game 0 begins at PERIOD; its last clear is where the next one begins, still at its own value.
    by_step = np.repeat(CENTRE + UNIT * values, PERIOD * auctions)
    truth = PriceTable("games", (MARKET,), [np.append(np.repeat(by_step[:1], PERIOD + 1), by_step)])
    slopes = tuple(each.impact * UNIT / total for each in constants)
    intensities = tuple(each.intensity * total / UNIT for each in constants)
    # The flow of one auction has a variance of at most (M + 1) NOISE^2.
    makers, noise = Makers(slopes, ceil(4 * NOISE * sqrt(insiders + 1))), Noise()
    end = PERIOD * (games * auctions + 1)
    result = Simulation(
        venues={"fba": BatchAuction((MARKET,), PERIOD, depth=1)},
        agents=[makers, *(Insider(f"insider {number}", intensities) for number in range(insiders)), noise],
        fair_value=truth,
        information=Bulletins([PERIOD * number + POSTS for number in range(1, games * auctions + 1)]),
        seed=seed,
    ).run(end)
    fills = result.fills.columns()
    game = (fills["time"] // PERIOD - 2) // auctions
    gains = net_gains(fills, truth, end=end) / (UNIT * total)
    informed, made = ~np.isin(fills["owner"], ["makers", "noise"]), fills["owner"] == "makers"
    gained = [np.bincount(game, weights=gains * own, minlength=games).astype(np.float64) for own in (informed, made)]
    price = np.full(games, float(CENTRE))
    price[game] = fills["price"]  # the last leg of a game is of its last clear
    draws = np.column_stack([values, np.reshape(noise.sent, (games, auctions))])
    return Games(draws, values - (price - CENTRE) / UNIT, *gained)


def lines_of(games: Games, insiders: int, constants: Sequence[Auction]) -> list[Line]:
    """What insiders and makers gained, and how much of the value the last price left open."""
    name = f"M = {insiders}, N = {len(constants)}"
    published = expected(constants, insiders, 0.0)
    # The share of a lot that is rounded off is uniform: p (1 - p) is 1/6 on average. s is NOISE sqrt(N) lots.
    rounded = expected(constants, insiders, 1 / (6 * NOISE**2 * len(constants)))

    def line(what: str, samples: Floats, kyle: float, shifted: float) -> Line:
        cleared = games.without_luck(samples)
        return mean_line(f"{what}, {name}", kyle, cleared, allowed=abs(shifted - kyle) + 1e-9, because=WHOLE_LOTS)

    return [
        line(PROFIT, games.insiders, published.insiders, rounded.insiders),
        line("profit of the makers", games.makers, 0.0, rounded.makers),
        line("Var(v - p) at the end", games.gap**2, published.variance, rounded.variance),
    ]


def run(scale: Scale) -> Sequence[Line]:
    """One auction with 1 to 5 insiders, then one insider with several auctions."""
    lines = []
    for insiders in scale.pick(quick=(1, 3), full=(1, 2, 3, 5)):
        constants = one_auction(insiders)
        games = play(Streams(scale.seed).key(f"M = {insiders}"), scale.pick(quick=50, full=500), [constants], insiders)
        lines += lines_of(games, insiders, [constants])
    for auctions in scale.pick(quick=(2, 4), full=(2, 4, 10)):
        steps = sequence(auctions)
        games = play(Streams(scale.seed).key(f"N = {auctions}"), scale.pick(quick=40, full=300), steps)
        lines += lines_of(games, 1, steps)
    return lines


def draw(lines: Sequence[Line], path: str) -> None:
    """Profit of one insider by the number of auctions."""
    numbers, found = range(1, 11), {line.name: line for line in lines}
    measured = {number: line for number in numbers if (line := found.get(f"{PROFIT}, M = 1, N = {number}"))}
    series = Series("one insider", {number: sequence(number)[0].profit for number in numbers}, measured)
    up = "profit of the insider, s sqrt(S0)"
    compare(path, [series], across="auctions in the same time", up=up, scales=("linear", "linear"))


CHECK = Check(
    name="kyle", title="One who knows, in batches: profit, price discovery, competition, frequency", run=run, draw=draw
)
