"""A market maker who knows no rates finds the break-even spread of Budish, Cramton and Shim from its own fills.

The world is that of `budish-cramton-shim`: where lambda_I x = lambda_J L(x), with L(x) = E[(|J| - x)^+], the maker and
each of the N - 1 snipers earn the same, and N drops out. The maker sees neither rates nor jump sizes. After each of its
fills it compares what it earned with what a sniper earned: +x from an investor, who brings a sniper nothing; -g from
being sniped, which brings one of the N - 1 snipers g. It then moves its half-spread against the difference,

    x <- x - a_n (own - sniper's),    own - sniper's = x, or -g (1 + 1/(N - 1)),    a_n = (n + 20)^(-0.7),

so it narrows where making pays better and widens where sniping does. The expected move is zero only at the break-even
spread, whatever N. The measurement is twice the average half-spread at which the maker was filled, after the first
fills (Polyak's averaging; a quote that was not hit keeps the half-spread of its time).

Source: Budish, Cramton and Shim, Quarterly Journal of Economics 130(4), 2015, section VI; the search is the stochastic
approximation of Robbins and Monro, Annals of Mathematical Statistics 22(3), 1951, with the averages of Polyak and
Juditsky, SIAM Journal on Control and Optimization 30(4), 1992.

The run: a continuous book, Poisson investors, N - 1 snipers and the searching maker, which starts at half or at twice
the break-even spread. A sample is one seed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import define, field

from agents.flow import Investor
from agents.sniper import Sniper
from experiments.validation.budish_cramton_shim import FIRMS, MARKET, OPENING, ROWS, STEPS, UNIT, world_of
from experiments.validation.check import Check, Line, Scale, mean_line
from marketsim import Fill, Side, Simulation, Streams, limit_order
from marketsim.fairvalue import PoissonJumps
from marketsim.information import PublicNews
from marketsim.protocols import Context
from marketsim.types import Report, Signal
from venues.clob import ContinuousBook

SEARCHED = tuple(zip(ROWS[1:], (60, 80, 60), (200, 1200, 500), strict=True))
"""Parameter sets, and the units of time of a search in a quick run and in a full one."""
SEARCH = "the search starts away from its goal and ends; an investor may come at the very step of the news (1 in 1000)"


@define
class AdaptiveMaker:
    """Quotes one lot a side at each of its half-spreads (ticks) around the public value, and learns each by itself.

    Args:
        rivals: snipers among whom the loss of a race is one's gain.
        settling: fills of a level that are left out of its average.
    """

    half_spreads: list[float]
    rivals: int
    settling: int
    agent_id: str = "maker"
    centre: float = OPENING
    observation_delay: int = 0
    role: str = "lp"
    fills: list[int] = field(init=False)
    _sums: list[float] = field(init=False)
    _live: dict[int, tuple[int, float]] = field(factory=dict, init=False)
    _withdrawn: dict[int, tuple[int, float]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.fills, self._sums = [0] * len(self.half_spreads), [0.0] * len(self.half_spreads)

    def observes(self, market: str, tier: str) -> bool:
        return market == MARKET and tier == "public"

    def found(self, level: int) -> float:
        """Average half-spread of the fills of a level since it settled, ticks."""
        return self._sums[level] / (self.fills[level] - self.settling)

    def start(self, ctx: Context) -> None:
        self._quote(ctx)

    def decide(self, ctx: Context, signal: Signal) -> None:
        self.centre = signal.value
        for order_id in self._live:
            ctx.cancel(order_id)
        self._withdrawn, self._live = self._live, {}
        self._quote(ctx)

    def report(self, ctx: Context, report: Report) -> None:
        if not isinstance(report, Fill):
            return
        quoted = report.order_id in self._live
        level, at = (self._live if quoted else self._withdrawn).pop(report.order_id)
        self._learn(level, at, report.side * (self.centre - report.price))
        if quoted:
            self._place(ctx, report.side, level)

    def _learn(self, level: int, at: float, own: float) -> None:
        rival = max(-own, 0.0) / self.rivals
        self.fills[level] += 1
        if self.fills[level] > self.settling:
            self._sums[level] += at
        step = (self.fills[level] + 20) ** -0.7
        self.half_spreads[level] = max(1.0, self.half_spreads[level] - step * (own - rival))

    def _quote(self, ctx: Context) -> None:
        for level in range(len(self.half_spreads)):
            for side in Side:
                self._place(ctx, side, level)

    def _place(self, ctx: Context, side: Side, level: int) -> None:
        at = self.half_spreads[level]
        order = limit_order(MARKET, side, quantity=1, price=round(self.centre - side * at))
        self._live[ctx.submit(order)] = level, at


def search(maker: AdaptiveMaker, investors: Sequence[Investor], world: PoissonJumps, lots: int, seed: int) -> None:
    """Let `maker` search through one run, among snipers who each want `lots`."""
    snipers = [Sniper(f"sniper-{number}", MARKET, quantity=lots, observation_delay=0) for number in range(maker.rivals)]
    Simulation(
        venues={"clob": ContinuousBook((MARKET,))},
        agents=[maker, *investors, *snipers],
        fair_value=world,
        information=PublicNews(),
        seed=seed,
        time_unit=STEPS,
    ).run(world.horizon)


def run(scale: Scale) -> Sequence[Line]:
    """The spread that the maker finds, for three parameter sets and three numbers of firms."""
    seeds, left_open = scale.pick(quick=(10, 0.015), full=(24, 0.003))
    root, lines = Streams(scale.seed), []
    for row, quick, full in SEARCHED:
        span, spread = scale.pick(quick=quick, full=full), 2 * row.break_even()
        for firms in FIRMS:
            found = []
            for number in range(seeds):
                seed = root.key(f"{row.name} {firms} {number}")
                start = spread / 2 * UNIT * (0.5 if number % 2 else 2.0)
                maker = AdaptiveMaker([start], rivals=firms - 1, settling=span // 10)
                search(maker, [Investor("investor", MARKET)], world_of(row, seed, span), 1, seed)
                found.append(2 * maker.found(0) / UNIT)
            lines.append(
                mean_line(
                    f"s* found, {row.name}, N = {firms}",
                    spread,
                    np.array(found),
                    allowed=left_open * spread,
                    because=SEARCH,
                    unit="units",
                )
            )
    return lines


CHECK = Check(
    name="adaptive-maker", title="A maker who knows no rates finds the break-even spread, whatever N", run=run
)
