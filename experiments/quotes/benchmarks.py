"""Benchmark prices of a recorded day: first best ask, time-weighted and size-weighted mean ask. None is an execution.

All are in ticks; a price in units of money is that times the tape's `tick_size`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.quotes.tape import QuoteTape
from marketsim.errors import InputError

MINUTE_NS = 60 * 10**9


def _asks(tape: QuoteTape) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(times, best asks, their sizes) of the quotes that have an ask."""
    prices, sizes = tape.asks.prices[:, 0], tape.asks.sizes[:, 0]
    there = sizes > 0
    if not there.any():
        raise InputError(f"{tape.name}: got no ask, wanted at least one")
    return tape.times[there], prices[there], sizes[there]


def first_best_ask(tape: QuoteTape) -> int:
    """The lowest ask of all publishers at the first time stamp that has one.

    Raises:
        InputError: no ask at all.
    """
    times, prices, _ = _asks(tape)
    return int(prices[times == times[0]].min())


def time_weighted_ask(tape: QuoteTape) -> float:
    """The mean over whole minutes from the first quote of each one's mean ask; the whole tape if it is shorter.

    A minute without quotes counts at the last ask before it. What follows the last whole minute is left out.

    Raises:
        InputError: no ask at all.
    """
    times, prices, _ = _asks(tape)
    count = max(1, int(times[-1] - times[0]) // MINUTE_NS)
    edges = np.searchsorted(times, times[0] + MINUTE_NS * np.arange(count + 1), side="left")
    means = [
        float(np.mean(prices[low:high])) if high > low else float(prices[low - 1])
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    return float(np.mean(means))


def size_weighted_ask(tape: QuoteTape) -> float:
    """The mean of all asks, weighted by their displayed sizes.

    Raises:
        InputError: no ask at all.
    """
    _, prices, sizes = _asks(tape)
    # Python integers: the sum may pass 64 bits.
    money = sum(price * size for price, size in zip(prices.tolist(), sizes.tolist(), strict=True))
    return float(money / int(sizes.sum()))
