"""Trade with somebody who may know better: the spread is what the information in an order is worth.

An asset is worth 0 or 1, each as likely. Traders come one by one: with probability mu one that knows the value, and
buys if it is 1 and sells if it is 0; else one that tosses a coin. A maker that expects no gain quotes the value
expected given the trade, A = E(V | buy) and B = E(V | sell). With theta the probability of 1 given all trades so far

    A = theta (1 + mu) / (1 + mu (2 theta - 1)),   B = theta (1 - mu) / (1 - mu (2 theta - 1)),

and the price of each trade is the new theta: prices are a martingale. At theta = 1/2 the half-spread is mu / 2, and so
is the price impact E(q (V - 1/2)); the realised half-spread, what the maker keeps, is 0. The informed gain
mu (1 - mu) / 2 a trade and the others lose it. ln(theta / (1 - theta)) moves by +-ln((1 + mu) / (1 - mu)) with each
trade, by mu times that towards the truth on average; after t trades it depends on buys minus sells only, whence
E(V - theta)^2 as a binomial sum.

Source: Glosten and Milgrom, Bid, ask and transaction prices in a specialist market with heterogeneously informed
traders, Journal of Financial Economics 14(1), 1985, propositions 1 to 4. mu = 3/10; 1 is 1e12 ticks.

The run: game after game, each with a new value, in a continuous book, with a maker that quotes A and B for one lot and
learns from its own fills alone, the shipped sniper as the informed trader, and a coin tosser; whose turn it is comes
with the news. The maker quotes at 10 t, trades come at 10 t + 5. Late errors are rare: E(V - theta)^2 up to trade 60 is
measured in games where in fact nobody is informed and the maker does not know it; a game counts by the likelihood of
its buys and sells under mu over that under coins alone (importance sampling, which leaves the mean as it is).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import log

import numpy as np
from attrs import define, frozen
from scipy.stats import binom

from agents.market_maker import cancel_quotes
from agents.sniper import Sniper
from experiments.validation.bulletins import Bulletins
from experiments.validation.check import Check, Line, Scale, mean_line
from experiments.validation.pictures import Series, compare
from marketsim import Fill, Report, Side, Signal, Simulation, Streams, limit_order, market_order
from marketsim.fairvalue import PriceTable
from marketsim.metrics import half_spreads, net_gains
from marketsim.metrics.logs import Floats
from marketsim.protocols import Context
from venues.clob import ContinuousBook

MARKET = "ACME"
UNIT = 10**12
ZERO = 1000  # ticks at which a worthless asset stands: prices are above 0
PERIOD, TRADES_AT = 10, 5
MU = 0.3
TIMES = (1, 10, 30, 60)
STEP = log((1 + MU) / (1 - MU))  # by which one trade moves the log odds
ROUNDING = "prices are whole ticks of 1e-12"


def quotes(theta: float, mu: float) -> tuple[float, float]:
    """(B, A): the value expected given a sale to the maker, and given a purchase from it."""
    lean = mu * (2 * theta - 1)
    return theta * (1 - mu) / (1 - lean), theta * (1 + mu) / (1 + lean)


def error_after(trades: int, mu: float) -> float:
    """E(V - theta)^2 after so many trades from theta = 1/2."""
    right = np.arange(trades + 1)
    odds = ((1 + mu) / (1 - mu)) ** (2.0 * right - trades)
    return float(np.sum(binom.pmf(right, trades, (1 + mu) / 2) / (1 + odds) ** 2))


@frozen
class Games:
    """What came of each game: `worth` (games, 1), all else (games, trades), seen from the taker, in units."""

    worth: Floats
    side: Floats
    paid: Floats
    mid: Floats
    gain: Floats
    informed: Floats


@define
class Specialist:
    """A maker that quotes the expected value given the trade, and takes the price of its last fill as the new theta."""

    mu: float
    trades: int  # of a game
    theta: float = 0.5
    agent_id: str = "maker"
    review_interval: int = PERIOD

    def review(self, ctx: Context) -> None:
        if (ctx.now // PERIOD - 1) % self.trades == 0:
            self.theta = 0.5
        cancel_quotes(ctx, MARKET)
        bid, ask = (ZERO + round(price * UNIT) for price in quotes(self.theta, self.mu))
        ctx.submit(limit_order(MARKET, Side.BUY, quantity=1, price=bid))
        ctx.submit(limit_order(MARKET, Side.SELL, quantity=1, price=ask))

    def report(self, ctx: Context, report: Report) -> None:  # noqa: ARG002 it quotes at reviews
        if isinstance(report, Fill):
            bid, ask = quotes(self.theta, self.mu)
            # The maker's own side is the opposite of the taker's.
            self.theta = bid if report.side is Side.BUY else ask


@define
class CoinTosser:
    """Buys or sells one lot, as a coin falls, whenever it is its turn."""

    agent_id: str = "noise"
    observation_delay: int = TRADES_AT

    def observes(self, market: str, tier: str) -> bool:
        return market == MARKET and tier == "routine"

    def decide(self, ctx: Context, signal: Signal) -> None:
        side = Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
        ctx.submit(market_order(signal.market, side, quantity=1))


def market(seed: int, games: int, trades: int, informed: float) -> Games:
    """One run of games of so many trades; each turn is informed with probability `informed`."""
    of_values, of_turns = Streams(seed).stream("world").spawn(2)
    worth = of_values.integers(2, size=games)
    # Game 0 begins at PERIOD; before it nobody trades.
    steps = np.repeat(worth, PERIOD * trades)
    value = PriceTable("games", (MARKET,), [np.append(np.repeat(steps[:1], PERIOD), steps) * UNIT + float(ZERO)])
    turns = np.where(of_turns.random(games * trades) < informed, "public", "routine").tolist()
    simulation = Simulation(
        venues={"clob": ContinuousBook((MARKET,))},
        agents=[Specialist(MU, trades), Sniper("informed", MARKET, observation_delay=TRADES_AT), CoinTosser()],
        fair_value=value,
        information=Bulletins([PERIOD * number for number in range(1, games * trades + 1)], turns),
        seed=seed,
    )
    fills = simulation.run(value.horizon).fills.columns()
    own = {name: column[fills["liquidity"] == "taker"] for name, column in fills.items()}
    gains = net_gains(own, value, end=value.horizon) / UNIT
    # A turn without a trade leaves the place at 0: a price of 0 is then found to be wrong.
    place = own["time"] // PERIOD - 1
    columns = [np.zeros(games * trades) for _ in range(5)]
    paid, mid = (own["price"] - ZERO) / UNIT, (own["mid_before"] - ZERO) / UNIT
    parts = (own["side"], paid, mid, gains, own["owner"] == "informed")
    for column, part in zip(columns, parts, strict=True):
        column[place] = part
    return Games(worth[:, None].astype(np.float64), *(column.reshape(games, trades) for column in columns))


def seed_of(scale: Scale, name: str) -> int:
    """The seed of one of the runs of this check."""
    return Streams(scale.seed).key(name)


def first_trade_lines(scale: Scale) -> list[Line]:
    """Spread and impact, and who gains from whom."""
    first = market(seed_of(scale, "first"), scale.pick(quick=2500, full=48_000), 1, MU)
    # In a book that stands still the mid before a trade is theta.
    parts = half_spreads(first.side, first.paid, first.mid, first.worth)
    effective, realised, impact = (part[:, 0] for part in parts)
    gain, informed = first.gain[:, 0], first.informed[:, 0]
    line = partial(mean_line, allowed=2 / UNIT, because=ROUNDING)
    return [
        line("effective half-spread of the first trade", MU / 2, effective),
        line("price impact of the first trade", MU / 2, impact),
        line("realised half-spread of the first trade", 0.0, realised),
        line("gain of the informed in the first trade", MU * (1 - MU) / 2, gain * informed),
        line("loss of the others in the first trade", MU * (1 - MU) / 2, -gain * (1 - informed)),
    ]


def early_lines(scale: Scale) -> list[Line]:
    """What the first trades of a game bring the maker, and how fast they tell the value."""
    trades = 5
    early = market(seed_of(scale, "early"), scale.pick(quick=400, full=8000), trades, MU)
    last = np.clip(early.paid[:, -1], 1 / UNIT, 1 - 1 / UNIT)
    towards = (2 * early.worth[:, 0] - 1) * np.log(last / (1 - last))
    line = partial(mean_line, allowed=2 / UNIT, because=ROUNDING)
    return [
        line(f"gain of the maker, a trade, first {trades}", 0.0, -early.gain.mean(axis=1)),
        line(f"drift of the log odds to the truth, a trade, first {trades}", MU * STEP, towards / trades),
        line(f"E(V - price)^2 after {trades} trades", error_after(trades, MU), (early.worth[:, 0] - last) ** 2),
    ]


def path_lines(scale: Scale) -> list[Line]:
    """The error of the price after so many trades, and the price itself, which depends on buys minus sells only."""
    found = market(seed_of(scale, "path"), scale.pick(quick=80, full=3400), max(TIMES), 0.0)
    after = np.array(TIMES) - 1
    right = np.cumsum(found.side == 2 * found.worth - 1, axis=1)[:, after]
    weights = (1 + MU) ** right * (1 - MU) ** (np.array(TIMES) - right)
    squares = weights * (found.worth - found.paid[:, after]) ** 2
    of_flow = 1 / (1 + np.exp(-STEP * np.cumsum(found.side, axis=1)))
    line = partial(mean_line, allowed=2 / UNIT, because=ROUNDING)
    return [
        *(line(error_name(t), error_after(t, MU), column) for t, column in zip(TIMES, squares.T, strict=True)),
        Line(
            name="largest distance of a price from the theta of buys minus sells",
            predicted=0.0,
            measured=float(np.max(np.abs(found.paid - of_flow))),
            allowed=2 / UNIT,
            because=ROUNDING,
        ),
    ]


def error_name(trades: int) -> str:
    """How the line of the error after so many trades is called."""
    return f"E(V - price)^2 after {trades} trades, weighted"


def run(scale: Scale) -> Sequence[Line]:
    """The first trade, the first few, then the path of the error."""
    return first_trade_lines(scale) + early_lines(scale) + path_lines(scale)


def draw(lines: Sequence[Line], path: str) -> None:
    """The error of the price by the number of trades."""
    found = {line.name: line for line in lines}
    predicted = {t: error_after(t, MU) for t in range(1, max(TIMES) + 1)}
    series = Series("mu = 0.3", predicted, {t: found[error_name(t)] for t in TIMES})
    compare(path, [series], across="trades", up="mean squared error of the price, payout^2", scales=("linear", "log"))


CHECK = Check(
    name="glosten-milgrom",
    title="Informed and other traders one by one: spread, impact and the error of the price",
    run=run,
    draw=draw,
)
