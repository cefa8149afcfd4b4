"""What the market maker of a logarithmic scoring rule pays for information.

An LMSR with liquidity b prices the n outcomes of an event. Somebody who knows the news trades until its prices are the
probabilities given the news: from prices p_0 to p_T, by whatever way. The market maker's loss, marked at p_T, is then

    b KL(p_T || p_0) = b sum_i p_T,i ln(p_T,i / p_0,i),

and once the outcome w is known and paid it is b ln(p_T,w / p_0,w), which is -b ln p_0,w if the trading revealed it in
full. The expected loss on full revelation is b times the entropy of p_0, from even prices always b ln n, the bound.
No other feature of the path counts. Here b is 100 shares of 100,000 lots, and money is in payouts of a share.

Sources: Hanson, Logarithmic market scoring rules for modular combinatorial information aggregation, Journal of
Prediction Markets 1(1), 2007; Chen and Pennock, A utility framework for bounded-loss market makers, 2007.

The run: the LMSR venue, the probability martingale of an event with Poisson news, public news of it, and one trader
that at every piece of news holds b ln(p_i / p_0,i), less the same for the last outcome, of outcome i. The event settles
at the end where the outcome is paid. Losses are those of the pool's account. A sample is one seed: one event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import comb, exp, factorial, log

from attrs import define, field, frozen

from experiments.validation.check import Check, Line, Scale, mean_line
from marketsim import Side, Signal, Simulation, Streams, market_order
from marketsim.fairvalue import ProbabilityMartingale
from marketsim.information import PublicNews
from marketsim.metrics import exact_wealth
from marketsim.protocols import Context
from marketsim.resolution import resolution
from venues.lmsr import LMSR
from venues.pool import pool_account

B = 100.0
LOTS = 100_000
"""Lots of a share."""
PAYOUT = 1_000
"""Ticks that a lot of the winning outcome pays."""
HORIZON = 400
EVEN, UNEVEN = {"yes": 0.5, "no": 0.5}, {"yes": 0.2, "no": 0.8}
THIRDS = {"red": 1 / 3, "green": 1 / 3, "blue": 1 / 3}
ROUNDING = "positions are whole lots, and the last price of the winner is not quite 1"
SLACK = 1e-3
"""Payouts, of a loss of some 20 to 160."""


@frozen
class Loss:
    """Of one event: what the market maker lost and b KL(p_T || p_0), both in payouts of a share, and the outcome."""

    paid: float
    divergence: float
    outcome: str


@define
class Revealer:
    """Brings the prices of an LMSR to the probabilities of the last public news."""

    prior: Mapping[str, float]
    agent_id: str = "revealer"
    _scores: dict[str, float] = field(factory=dict, init=False)

    def decide(self, ctx: Context, signal: Signal) -> None:
        self._scores[signal.market] = B * LOTS * log(signal.value / PAYOUT / self.prior[signal.market])
        *markets, last = self.prior
        if signal.market != last:
            return  # the news of one step comes market by market
        for market in markets:
            missing = round(self._scores[market] - self._scores[last]) - ctx.inventory(market)
            if missing:
                side = Side.BUY if missing > 0 else Side.SELL
                ctx.submit(market_order(market, side, quantity=abs(missing)))


def loss(prior: Mapping[str, float], seed: int, *, pieces: float, accuracy: float, settled: bool) -> Loss:
    """One event with `pieces` pieces of news on average: the market maker's loss, settled or marked just before."""
    rng = Streams(seed).stream("world")
    truth = ProbabilityMartingale.draw(
        rng, HORIZON, prior, news_per_step=pieces / (HORIZON - 1), accuracy=accuracy, payout=PAYOUT
    )
    opening = tuple(round(B * LOTS * log(probability)) for probability in prior.values())
    simulation = Simulation(
        venues={"lmsr": LMSR(tuple(prior), round(B * LOTS), PAYOUT, opening=opening)},
        agents=[Revealer(prior)],
        fair_value=truth,
        information=PublicNews(),
        sources=[resolution(truth)],
    )
    end = HORIZON if settled else HORIZON - 1
    result = simulation.run(end)
    marks = {market: truth.at(market, end) for market in prior}
    # An event without news has no trade, and the ledger then no account of the pool.
    gained = exact_wealth(result.ledger, marks).get(pool_account("lmsr"), Fraction(0))
    return Loss(
        paid=-float(gained) / (PAYOUT * LOTS),
        divergence=B * sum(relative_entropy(marks[market] / PAYOUT, prior[market]) for market in prior),
        outcome=truth.outcome,
    )


def relative_entropy(posterior: float, prior: float) -> float:
    """One outcome's term of KL(posterior || prior), in nats."""
    return posterior * log(posterior / prior) if posterior > 0 else 0.0


def expected_divergence(prior: float, accuracy: float, pieces: float) -> float:
    """E KL(p_T || p_0) of an event of two outcomes after a Poisson number of pieces of news, `pieces` on average."""
    total = 0.0
    for count in range(60):
        of_count = exp(-pieces) * pieces**count / factorial(count)
        for hits in range(count + 1):
            first = prior * accuracy**hits * (1 - accuracy) ** (count - hits)
            second = (1 - prior) * (1 - accuracy) ** hits * accuracy ** (count - hits)
            weight, posterior = of_count * comb(count, hits) * (first + second), first / (first + second)
            total += weight * (relative_entropy(posterior, prior) + relative_entropy(1 - posterior, 1 - prior))
    return total


def revealed(scale: Scale) -> list[Line]:
    """The loss where the news reveals the outcome: of every single event, and on average."""
    root = Streams(scale.seed)

    def losses(prior: Mapping[str, float], events: int) -> list[Loss]:
        seeds = [root.key(f"revealed {len(prior)} {prior} {number}") for number in range(events)]
        return [loss(prior, seed, pieces=40.0, accuracy=0.9, settled=True) for seed in seeds]

    few = scale.pick(quick=15, full=100)
    uneven = losses(UNEVEN, scale.pick(quick=120, full=4000))
    entropy = -sum(probability * log(probability) for probability in UNEVEN.values())
    return [
        farthest("loss, two even outcomes: b ln 2", B * log(2), losses(EVEN, few)),
        farthest("loss, three even outcomes: b ln 3", B * log(3), losses(THIRDS, few)),
        *(
            farthest(
                f"loss, an outcome of prior {probability}: -b ln {probability}",
                -B * log(probability),
                [found for found in uneven if found.outcome == outcome],
            )
            for outcome, probability in UNEVEN.items()
        ),
        mean_line(
            "expected loss, prior 0.2: b H",
            B * entropy,
            [found.paid for found in uneven],
            allowed=SLACK,
            because=ROUNDING,
            unit="payouts",
        ),
    ]


def farthest(name: str, predicted: float, found: Sequence[Loss]) -> Line:
    """The loss that differs most from what each of them should be."""
    return Line(
        name=f"{name}, the farthest event",
        predicted=predicted,
        measured=max((one.paid for one in found), key=lambda paid: abs(paid - predicted)),
        samples=len(found),
        allowed=SLACK,
        because=ROUNDING,
        unit="payouts",
    )


def run(scale: Scale) -> Sequence[Line]:
    """Losses on full revelation, losses on partial revelation, and the venue's own bound."""
    root, accuracy, pieces = Streams(scale.seed), 0.7, 4.0
    seeds = [root.key(f"partial {number}") for number in range(scale.pick(quick=200, full=8000))]
    partial = [loss(UNEVEN, seed, pieces=pieces, accuracy=accuracy, settled=False) for seed in seeds]
    return [
        *revealed(scale),
        mean_line(
            "expected loss, partly revealed: b E KL",
            B * expected_divergence(UNEVEN["yes"], accuracy, pieces),
            [one.paid for one in partial],
            unit="payouts",
        ),
        Line(
            name="most that a loss differs from its own b KL",
            predicted=0.0,
            measured=max(abs(one.paid - one.divergence) for one in partial),
            samples=len(partial),
            allowed=1e-4,
            because="positions are whole lots, the opening ones too",
            unit="payouts",
        ),
        Line(
            name="the venue's bound, three outcomes: b ln 3",
            predicted=B * log(3),
            measured=LMSR(tuple(THIRDS), round(B * LOTS), PAYOUT).loss_bound / (PAYOUT * LOTS),
            allowed=2 / (PAYOUT * LOTS),
            because="it is rounded down to a tick-lot",
            unit="payouts",
        ),
    ]


CHECK = Check(name="lmsr-loss", title="What an LMSR pays for information, by whatever path it comes", run=run)
