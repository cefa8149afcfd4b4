"""The decisions of a study: when the parent order comes, what is known by then, and a market in which to execute it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from agents.execution.cost import Floats
from agents.execution.parent import ParentOrder
from experiments.quotes.feed import QuoteFeed, replay_venues, venue_name
from experiments.quotes.outflow import OutflowWindow, decreases, outflow_samples
from experiments.quotes.read import read_quotes
from experiments.quotes.tape import Ints, QuoteTape
from experiments.sor.books import MARKET, Watcher, fair_value, simulate, venue_names
from experiments.sor.config import SYNTHETIC, SorStudy
from marketsim.errors import ConfigError
from marketsim.result import Result
from marketsim.simulation import Simulation
from marketsim.types import Side

SAMPLES_MAX = 200
OVERLAP = 4
"""Of past horizons in a file, each begins a quarter of a horizon after the one before it."""


class NoOrderError(ConfigError):
    """At this decision no order can be executed, and why; the study leaves it out and says so."""


@frozen
class Decision:
    """When a parent order comes: the seed of a simulated market, or a time stamp of a file, in nanoseconds."""

    number: int
    label: str
    at: int
    part: str


@frozen(eq=False)
class Episode:
    """A parent order's market, and what is known when it comes.

    Args:
        decision: which.
        start, deadline: steps of the parent order in a run of `run`.
        venues: names.
        quotes: what they show from the decision to the deadline without the order.
        arrival: midpoint of the best prices at the decision; the best ask where there are no bids. Ticks.
        fair: the fair value at the decision in ticks, None where nobody knows it.
        queues: lots displayed at each best bid, (K,).
        sample: shape (n, K): lots that left each best bid over past horizons, from before the decision only.
        history: the sample, where the agent cannot have seen it by itself.
        curve: lots that left the touch in each slice of the last horizon before the decision.
        run: executes agents in this market.
    """

    decision: Decision
    start: int
    deadline: int
    venues: tuple[str, ...]
    quotes: QuoteTape
    arrival: float
    fair: float | None
    queues: tuple[int, ...]
    sample: Floats
    history: tuple[tuple[float, ...], ...]
    curve: tuple[float, ...]
    run: Callable[[Sequence[Any]], Result]

    def parent(self, quantity: int) -> ParentOrder:
        """A fresh order to buy so many lots."""
        return ParentOrder(MARKET, Side.BUY, quantity, self.deadline, self.start, self.venues)


def read(study: SorStudy) -> QuoteTape | None:
    """The file of the study; None for the simulated market.

    Raises:
        InputError: the file cannot be read, or with bad = "refuse" its first bad row.
    """
    if study.data == SYNTHETIC:
        return None
    return read_quotes(study.data, tick_size=study.tick_size, lot_size=study.lot_size, bad=study.bad)


def decisions_of(study: SorStudy, tape: QuoteTape | None) -> tuple[Decision, ...]:
    """Seeds, or times of a file with equally many quotes between them, no two closer than the horizon.

    The first in-sample share of them is the part "in", the others "out": no order of one part is still at work, or
    measured, when the first of the other comes. A file shorter than two horizons has none.
    """
    times = list(range(study.first_seed, study.first_seed + study.seeds)) if tape is None else _times(study, tape)
    label = "seed {}".format if tape is None else _stamp
    first = round(study.in_sample * len(times))
    return tuple(
        Decision(number, label(time), time, "in" if number < first else "out") for number, time in enumerate(times)
    )


def _times(study: SorStudy, tape: QuoteTape) -> list[int]:
    horizon = study.horizon * study.step_ns
    begin, end = int(tape.times[0]) + horizon, int(tape.times[-1]) - horizon
    inside = tape.times[(tape.times >= begin) & (tape.times <= end)]
    if not len(inside):
        return []
    places = np.linspace(0, len(inside) - 1, study.decisions + 1).astype(np.int64)[:-1]
    times: list[int] = []
    for time in inside[places].tolist():
        if not times or time > times[-1] + horizon:
            times.append(time)
    return times


def _stamp(time_ns: int) -> str:
    return f"{np.datetime64(time_ns // 10**6, 'ms')}Z"


def episode_of(study: SorStudy, tape: QuoteTape | None, decision: Decision) -> Episode:
    """What the decision of a study is about.

    Raises:
        NoOrderError: there is no quote on one side, or too little was recorded before it.
    """
    return _simulated(study, decision) if tape is None else _recorded(study, tape, decision)


def _simulated(study: SorStudy, decision: Decision) -> Episode:
    start, names = study.books.lookback, venue_names(study.books)
    watcher = Watcher(names, start, start + study.horizon, study.interval)
    simulate(study, decision.at, [watcher])
    tape = watcher.tape(decision.label, step_ns=study.step_ns, tick_size=study.tick_size, lot_size=study.lot_size)
    time = start * study.step_ns
    return Episode(
        decision=decision,
        start=start,
        deadline=start + study.horizon,
        venues=names,
        fair=fair_value(study, decision.at).at(MARKET, start),
        sample=watcher.outflow.windows(max(1, round(study.horizon / study.interval))),
        history=(),
        run=partial(simulate, study, decision.at),
        **_known(study, tape, time),
    )


def _recorded(study: SorStudy, tape: QuoteTape, decision: Decision) -> Episode:
    known = _known(study, tape, decision.at)
    sample = np.zeros((0, len(tape.publishers)))
    if tape.bids is not None:
        sample = past_outflows(study, tape, decision.at)
        if not len(sample):
            raise NoOrderError("some publisher has no past horizon of quotes")
    return Episode(
        decision=decision,
        start=0,
        deadline=study.horizon,
        venues=tuple(map(venue_name, tape.publishers)),
        fair=None,
        sample=sample,
        history=tuple(map(tuple, sample.tolist())),
        run=partial(_replay, study, tape, decision.at),
        **known,
    )


def past_outflows(study: SorStudy, tape: QuoteTape, before_ns: int) -> Floats:
    """Shape (n, K): lots that left the best bids over horizons that end before a time; a row is of one horizon."""
    horizon = study.horizon * study.step_ns
    window = OutflowWindow(horizon, samples_max=SAMPLES_MAX, stride_ns=max(1, horizon // OVERLAP))
    columns = [
        outflow_samples(tape, publisher, side=Side.BUY, before_ns=before_ns, window=window)
        for publisher in tape.publishers
    ]
    shortest = min(map(len, columns))
    return np.stack([column[len(column) - shortest :] for column in columns], axis=1).astype(np.float64)


def _replay(study: SorStudy, tape: QuoteTape, start_ns: int, agents: Sequence[Any]) -> Result:
    feed: Any = QuoteFeed(tape, MARKET, step=study.step_ns, start=start_ns)
    venues = replay_venues(tape, MARKET, queue=study.queue)
    return Simulation(venues=venues, agents=agents, sources=[feed]).run(study.horizon)


def _known(study: SorStudy, tape: QuoteTape, time_ns: int) -> dict[str, Any]:
    horizon = study.horizon * study.step_ns
    quotes = between(tape, time_ns, time_ns + horizon)
    standing = {int(quotes.publisher[row]): int(row) for row in np.flatnonzero(quotes.times == time_ns)}
    rows = [standing.get(place) for place in range(len(tape.publishers))]
    asks = [quotes.asks.levels(row)[0] for row in rows if row is not None and quotes.asks.levels(row)]
    bids = [() if row is None or quotes.bids is None else quotes.bids.levels(row) for row in rows]
    if not asks or (tape.bids is not None and not any(bids)):
        raise NoOrderError("no venue shows an ask, or none a bid")
    best_ask = min(price for price, _ in asks)
    best_bid = max((levels[0][0] for levels in bids if levels), default=best_ask)
    return {
        "quotes": quotes,
        "arrival": (best_bid + best_ask) / 2,
        "queues": tuple(levels[0][1] if levels else 0 for levels in bids),
        "curve": volume_curve(tape, time_ns, horizon, study.slices),
    }


def between(tape: QuoteTape, first_ns: int, last_ns: int) -> QuoteTape:
    """The quotes from one time to another, both included; each publisher's standing quote is its first, at `first_ns`.

    Trades are left out.
    """
    keep = (tape.times >= first_ns) & (tape.times <= last_ns)
    for place in range(len(tape.publishers)):
        mine = tape.publisher == place
        if not (mine & (tape.times == first_ns)).any():
            keep[np.flatnonzero(mine & (tape.times < first_ns))[-1:]] = True
    none = np.zeros(0, dtype=np.int64)
    return evolve(
        tape,
        times=np.maximum(tape.times[keep], first_ns),
        publisher=tape.publisher[keep],
        bids=None if tape.bids is None else tape.bids.take(keep),
        asks=tape.asks.take(keep),
        trade_times=none,
        trade_publisher=none,
        trade_prices=none,
        trade_sizes=none,
    )


def volume_curve(tape: QuoteTape, before_ns: int, horizon_ns: int, slices: int) -> tuple[float, ...]:
    """Lots that left the best prices in each of `slices` equal parts of the last horizon before a time.

    A flat curve where none did.
    """
    begin = before_ns - horizon_ns
    total: NDArray[np.float64] = np.zeros(slices)
    sides = [(Side.SELL, tape.asks)] + ([] if tape.bids is None else [(Side.BUY, tape.bids)])
    for place in range(len(tape.publishers)):
        mine = (tape.publisher == place) & (tape.times < before_ns)
        times: Ints = tape.times[mine][1:]
        part = np.maximum((times - begin) * slices // horizon_ns, -1)
        for side, ladder in sides:
            left = decreases(ladder.prices[mine, 0], ladder.sizes[mine, 0], side)
            total += np.bincount(part[part >= 0], weights=left[part >= 0], minlength=slices)
    return tuple(total.tolist()) if total.any() else (1.0,) * slices
