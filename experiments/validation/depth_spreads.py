"""Depth: where few investors want many units, the k-th unit of a quote breaks even at a wider spread.

Budish, Cramton and Shim with quotes of several units. Investors want at least k units with probability P_k; news brings
snipers who take every stale unit. The k-th unit's half-spread then solves lambda_I P_k x_k = lambda_J L(x_k), where
L(x) = E[(|J| - x)^+]: it is paid for by fewer investors and sniped as often. For J = 1, lambda_I = 1, lambda_J = 1/10
and P = (1, 1/2, 1/4), s_k = 2 x_k = 2 lambda_J/(lambda_I P_k + lambda_J) = .181818, .333333, .571429: the book thins
with depth although nobody knows anything that others do not.

Source: Budish, Cramton and Shim, The High-Frequency Trading Arms Race, Quarterly Journal of Economics 130(4), 2015,
section VI, multi-unit demand; formula and numbers derived from the single-unit indifference for each unit.

The run: a continuous book; three flows of investors, who want one, two or three units; N = 4 fast firms, of which three
snipe for three units each. The maker is that of `adaptive-maker`, with a half-spread for each of three units that
learns from that unit's fills alone, starting at half of the break-even spread, or at one and a half times of it. A
sample is one seed.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.flow import Investor
from experiments.validation.adaptive_maker import SEARCH, AdaptiveMaker, search
from experiments.validation.budish_cramton_shim import MARKET, OPENING, STEPS, UNIT
from experiments.validation.check import Check, Line, Scale, mean_line
from marketsim import Streams
from marketsim.fairvalue import PoissonJumps

INVESTOR_RATE, JUMP_RATE = 1.0, 0.1
AT_LEAST = (1.0, 0.5, 0.25)
"""The probability that an investor wants 1, 2 and 3 units or more."""
FIRMS = 4


def spreads() -> list[float]:
    """The break-even spread of each unit, for jumps of one unit."""
    return [2 * JUMP_RATE / (INVESTOR_RATE * wanted + JUMP_RATE) for wanted in AT_LEAST]


def investors() -> list[Investor]:
    """One flow for each size, at the rate of investors who want exactly that."""
    rates = [INVESTOR_RATE * (some - more) for some, more in zip(AT_LEAST, (*AT_LEAST[1:], 0.0), strict=True)]
    return [
        Investor(f"investors-of-{lots}", MARKET, quantity=lots, arrival_rate=rate)
        for lots, rate in enumerate(rates, start=1)
    ]


def found(seed: int, span: int, start: float) -> list[float]:
    """The spread of each unit that the maker finds in `span` units of time, from `start` times the answer."""
    world = PoissonJumps.draw(
        Streams(seed).stream("world"), span * STEPS, {MARKET: OPENING}, jumps_per_step=JUMP_RATE / STEPS, size=UNIT
    )
    first = [start * spread / 2 * UNIT for spread in spreads()]
    maker = AdaptiveMaker(first, rivals=FIRMS - 1, settling=span // 20)
    search(maker, investors(), world, len(first), seed)
    return [2 * maker.found(level) / UNIT for level in range(len(first))]


def run(scale: Scale) -> Sequence[Line]:
    """The spread of each of three units."""
    seeds, span = scale.pick(quick=(10, 400), full=(24, 4000))
    root = Streams(scale.seed)
    searches = [found(root.key(f"depth {number}"), span, (0.5, 1.5)[number % 2]) for number in range(seeds)]
    return [
        mean_line(
            f"s_{unit}, wanted by {wanted:.0%} of investors",
            spread,
            samples,
            allowed=scale.pick(quick=0.015, full=0.003) * spread,
            because=SEARCH,
            unit="units",
        )
        for unit, (spread, wanted, samples) in enumerate(
            zip(spreads(), AT_LEAST, zip(*searches, strict=True), strict=True), start=1
        )
    ]


CHECK = Check(name="depth-spreads", title="Break-even spreads of the first, second and third unit of a quote", run=run)
