"""The one table of all benchmarks: what was measured beside what is asked of it.

What is asked is a ratio within one run. Where the figure to beat was measured elsewhere, it is brought to this machine
by the bare heap with 1,000 pending events, whose rate is known there and measured here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import asdict, frozen

from experiments.benchmarks import book, cell, clear, kernel, pams, pools, router
from experiments.benchmarks.rounds import OURS, Rate, Spread, ratios, spread
from marketsim.errors import ConfigError

Tell = Callable[[str], None]

THERE_HEAP = 2.07e6
"""Events per second of the bare heap, 1,000 pending, where the figures from elsewhere were measured."""
THERE_CELL = {("clob", 0): 0.04, ("fba", 1): 0.72, ("fba", 10): 0.17, ("hybrid", 0): 1.0}
"""Seconds there of one run of the centre cell in the published pi-curve system."""


@frozen
class Asked:
    """What a value has to be: at least (or at most) `limit`, and better still `aim`."""

    limit: float
    aim: float
    at_most: bool = False

    def keeps(self, value: float, margin: float = 0.0) -> bool:
        """Whether `value` is within the limit, or past it by at most this share of it."""
        return value <= self.limit * (1 + margin) if self.at_most else value >= self.limit * (1 - margin)

    def reaches(self, value: float) -> bool:
        return value <= self.aim if self.at_most else value >= self.aim


ROUTING = "routing decision, µs, reference machine"

ASKED = {
    ("book, deep", "lightmatchingengine"): Asked(2.0, 3.5),
    ("book, deep", "limit-order-book"): Asked(0.6, 1.0),
    ("kernel, 1,000 pending", kernel.SIMPY): Asked(1.2, 1.7),
    ("pi-curve cells", "published system"): Asked(10.0, 50.0),
    ("router inference, 200 seeds", "THRML, observed-likelihood"): Asked(100.0, 250.0),
    ("router inference, 200 seeds", "THRML, source"): Asked(100.0, 250.0),
    (ROUTING, ""): Asked(router.MICROSECONDS_MAX, router.MICROSECONDS_AIM, at_most=True),
    ("quiet time, clob", "10^6 over 10^3 steps"): Asked(cell.QUIET_RATIO_MAX, 1.05, at_most=True),
    ("quiet time, fba", "10^6 over 10^3 steps"): Asked(cell.QUIET_RATIO_MAX, 1.05, at_most=True),
}
"""By what is measured, and against what."""


@frozen
class Line:
    """One line of the table.

    Args:
        what: is measured.
        against: whom; empty where the value stands for itself.
        ours, theirs: rates per CPU second; None where there are none.
        value: the ratio of the two, or whatever `what` says.
        note: why there is no value.
    """

    what: str
    against: str
    ours: float | None = None
    theirs: float | None = None
    value: Spread | None = None
    note: str = ""

    @property
    def asked(self) -> Asked | None:
        return ASKED.get((self.what, self.against))

    def kept(self, margin: float = 0.0) -> bool:
        """Whether the median is within the limit, give or take; a line without a limit or a value breaks none."""
        return self.asked is None or self.value is None or self.asked.keeps(self.value.median, margin)

    @property
    def verdict(self) -> str:
        """In one word, "" where nothing is asked."""
        if self.value is None:
            return "skipped"
        if self.asked is None:
            return ""
        return "aim" if self.asked.reaches(self.value.median) else "kept" if self.kept() else "MISSED"


def lines_of(what: str, rates: list[Rate]) -> list[Line]:
    """A line for each contestant but ours."""
    ours = next(rate for rate in rates if rate.name == OURS)
    found = ratios(rates)
    return [Line(what, rate.name, ours.median, rate.median, found[rate.name]) for rate in rates if rate is not ours]


def every_line(*, quick: bool = False, tell: Tell = lambda _said: None) -> Iterator[Line]:
    """All that is measured, line by line, which takes minutes.

    Args:
        quick: less of everything but the book, whose floors are about a settled one; and no THRML.

    Raises:
        ConfigError: a peer other than PAMS is not installed.
    """
    rounds, part = (3, 5) if quick else (7, 1)
    heap = 0.0
    for pending in kernel.PENDING:
        tell(f"kernel, {pending} pending")
        rates = kernel.measure(pending, rounds=rounds, events=kernel.EVENTS // part)
        if pending == 1_000:
            heap = next(rate.median for rate in rates if rate.name == kernel.HEAP)
        yield from lines_of(f"kernel, {pending:,} pending", rates)
    for workload in book.SHARES:
        tell(f"book, {workload}")
        yield from lines_of(f"book, {workload}", book.measure(workload, rounds=rounds))
    for orders in clear.SIZES[:-1] if quick else clear.SIZES:
        tell(f"clear, {orders} orders")
        yield from lines_of(
            f"clear, {orders:,} orders", clear.measure(orders, rounds=rounds, cleared=clear.ORDERS_CLEARED // part)
        )
    for pool in pools.POOLS:
        tell(pool)
        yield from lines_of(pool, pools.measure(pool, rounds=rounds, swaps=pools.SWAPS // part))
    tell("PAMS")
    yield from pams_lines(rounds=rounds, orders=pams.ORDERS // part)
    tell("cells and routing decision")
    yield from cell_lines(heap / THERE_HEAP, seeds=3 if quick else 15)
    yield from routing_lines(heap / THERE_HEAP, rounds=rounds)
    if not quick:
        tell("THRML, which takes minutes")
        yield from sampling_lines()


def pams_lines(*, rounds: int, orders: int) -> list[Line]:
    """The line against PAMS, skipped with the reason where no interpreter has it."""
    what = f"end to end, {pams.AGENTS} agents"
    try:
        return lines_of(what, pams.measure(rounds=rounds, orders=orders))
    except ConfigError as error:
        return [Line(what, pams.PAMS, note=str(error))]


def cell_lines(speed: float, *, seeds: int) -> Iterator[Line]:
    """Our runs of the centre cell against the published system, and the cost of quiet time.

    Args:
        speed: of this machine, over that of the one where the published system was measured.
    """
    found = cell.cell_seconds(seeds=seeds, cells=tuple(THERE_CELL))
    theirs = sum(THERE_CELL.values()) / speed
    simulating = sum(each.simulation for each in found.values())
    whole = simulating + sum(each.measures for each in found.values())
    same = simulating + sum(each.source_measures for each in found.values())
    for what, ours in (("pi-curve cells", whole), ("pi-curve cells, its measures only", same)):
        ratio = theirs / ours
        yield Line(what, "published system", len(found) / ours, len(found) / theirs, Spread(ratio, ratio, ratio))
    for name, rounds in cell.quiet_ratios(rounds=2 * seeds).items():
        yield Line(f"quiet time, {name}", "10^6 over 10^3 steps", value=rounds)


def routing_lines(speed: float, *, rounds: int) -> Iterator[Line]:
    """One decision in the event loop, in microseconds here and as `speed` has it there."""
    micros = router.measure(rounds=rounds)
    yield Line("routing decision, µs, this machine", "", value=spread(micros["choose"]))
    yield Line(ROUTING, "", value=spread([each * speed for each in micros["choose"]]))
    yield Line("routing lesson, µs, this machine", "", value=spread(micros["learn"]))


def sampling_lines() -> Iterator[Line]:
    """Exact inference against THRML's sampling, in batches."""
    from experiments.benchmarks import studies

    for rule, ratio in studies.sampled_over_exact().items():
        yield Line("router inference, 200 seeds", f"THRML, {rule}", value=Spread(ratio, ratio, ratio))


def as_json(line: Line) -> dict[str, Any]:
    """All there is to know of a line, what is asked included."""
    asked = line.asked
    return asdict(line) | {"asked": None if asked is None else asdict(asked), "verdict": line.verdict}
