"""Contestants that take turns on the same work, and what their times say: rates, ratios, and how far these spread.

A machine that others use as well is now fast, now slow. Contestants that take turns every few milliseconds are slowed
alike, so that the ratio of two rates holds still where the rates do not.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from time import process_time
from typing import Any

import numpy as np
from attrs import frozen

from marketsim.extras import load

Run = Callable[[int, int], object]
"""Does the work from one place up to another."""
Prepare = Callable[[], Run]
"""Builds what a contestant needs for one round, outside its time."""
Clock = Callable[[], float]

OURS = "marketsim"
"""The contestant whose rate is divided by those of the others."""


@frozen
class Rate:
    """Units of work per CPU second of one contestant, by round."""

    name: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return float(np.median(self.rounds))


@frozen
class Spread:
    """Median, lowest and highest of one value over rounds."""

    median: float
    low: float
    high: float


def spread(values: tuple[float, ...] | list[float]) -> Spread:
    """The spread of the values of some rounds, at least one."""
    return Spread(float(np.median(values)), min(values), max(values))


def take_turns(
    contestants: Mapping[str, Prepare],
    *,
    length: int,
    turn: int,
    rounds: int,
    work: int | None = None,
    clock: Clock = process_time,
) -> list[Rate]:
    """Rates of the contestants on the work from 0 to `length`.

    Within a round each contestant does `turn` of it, then the next one does the same stretch, until all is done; the
    next round begins with another contestant, so that none is always the first to find the caches cold.

    Args:
        contestants: by name, in the order of the result.
        turn: length of a turn; the last one may be shorter.
        work: units of work in all, where they are not `length`.
        clock: CPU seconds.
    """
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(rounds):
        first = number % len(names)
        runs = {name: contestants[name]() for name in names[first:] + names[:first]}
        for name, seconds in _one_round(runs, length, turn, clock).items():
            rates[name].append((length if work is None else work) / seconds)
    return [Rate(name, tuple(values)) for name, values in rates.items()]


def ratios(rates: list[Rate], ours: str = OURS) -> dict[str, Spread]:
    """The rate of the contestant `ours` over each other one's: the spread of the ratios round by round."""
    our = next(rate for rate in rates if rate.name == ours)
    return {
        rate.name: spread([a / b for a, b in zip(our.rounds, rate.rounds, strict=True)])
        for rate in rates
        if rate is not our
    }


def peer(module: str) -> Any:
    """The library of a peer.

    Raises:
        ConfigError: it is not installed.
    """
    return load(module, "the benchmark", "bench")


def _one_round(runs: dict[str, Run], length: int, turn: int, clock: Clock) -> dict[str, float]:
    spent = dict.fromkeys(runs, 0.0)
    gc.collect()
    gc.freeze()  # what was prepared was there before: collecting garbage among it is no contestant's work
    try:
        for first in range(0, length, turn):
            last = min(first + turn, length)
            for name, run in runs.items():
                start = clock()
                run(first, last)
                spent[name] += clock() - start
    finally:
        gc.unfreeze()
    return spent
