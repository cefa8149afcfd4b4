"""Outflow of a queue: how many lots leave the best price within a horizon, from what was recorded before a decision.

The outflow of Cont and Kukanov, "Optimal order placement in limit order markets", Quantitative Finance 17 (2017): what
cancellations and trades take off the queue in which a limit order would wait.
"""

from __future__ import annotations

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from experiments.quotes.tape import Ints, QuoteTape
from marketsim.checks import integer
from marketsim.errors import ConfigError
from marketsim.types import Side


def decreases(prices: Ints, sizes: Ints, side: Side) -> Ints:
    """Lots that left the best price from each quote to the next, (quotes - 1,).

    At an unchanged price that is by how much the size fell; when the price gets worse, all of the size left. When it
    gets better, or where there was no quote, none is seen to leave. Lots that come and go between two quotes are not
    seen, so that this is a lower bound.

    Args:
        prices: best prices in ticks, (quotes,).
        sizes: their sizes in lots, (quotes,); 0 where there is no quote.
        side: BUY for bids, SELL for asks.

    >>> decreases(np.array([10, 10, 9, 11]), np.array([50, 30, 40, 5]), Side.BUY).tolist()
    [20, 30, 0]
    """
    was, now = sizes[:-1], sizes[1:]
    worse = (now == 0) | (side * (prices[1:] - prices[:-1]) < 0)
    same = (now > 0) & (prices[1:] == prices[:-1])
    left: Ints = np.where(worse, was, np.where(same, np.maximum(was - now, 0), 0))
    return left


@frozen
class OutflowWindow:
    """What an estimate of outflow is made of.

    Args:
        horizon_ns: over how long an order would wait.
        samples_max: how many horizons back are looked at, at most.
        stride_ns: from the end of one sample to that of the next; 0: `horizon_ns`, so that none overlap.
    """

    horizon_ns: int = field(validator=integer(1, 2**61))
    samples_max: int = field(default=1000, kw_only=True, validator=integer(1, 10**6))
    stride_ns: int = field(default=0, kw_only=True, validator=integer(0, 2**61))


def outflow_samples(
    tape: QuoteTape, publisher: str, *, side: Side, before_ns: int, window: OutflowWindow
) -> NDArray[np.int64]:
    """Outflows of one publisher's best price over past horizons, oldest first: lots, (samples,).

    Only quotes with a time stamp before `before_ns` count. Sample k is the outflow from `before_ns` - k stride -
    horizon, included, to `before_ns` - k stride, not included; those that would begin before the first quote are left
    out.

    Args:
        tape: the quotes.
        publisher: whose.
        side: of the order that would wait: BUY looks at the bids.
        before_ns: time of the decision, ns since 1970.
        window: the horizon.

    Raises:
        ConfigError: an unknown publisher, a tape without that side, or arguments of the wrong type.
    """
    if type(before_ns) is not int or type(side) is not Side:
        came = f"before_ns {before_ns!r} and side {side!r}"
        raise ConfigError(f"outflow_samples: got {came}, wanted an int and Side.BUY or Side.SELL")
    mine = (tape.publisher == tape.index(publisher)) & (tape.times < before_ns)
    ladder, times = tape.side(side), tape.times[mine]
    if len(times) < 2:
        return np.zeros(0, dtype=np.int64)
    left = decreases(ladder.prices[mine, 0], ladder.sizes[mine, 0], side)
    total = np.concatenate(([0], np.cumsum(left)))
    stride = window.stride_ns or window.horizon_ns
    span = before_ns - int(times[0]) - window.horizon_ns
    count = min(window.samples_max, span // stride + 1) if span >= 0 else 0
    ends = before_ns - stride * np.arange(count, dtype=np.int64)[::-1]
    # total[i] is what had left when quote i came: each end is that of the last quote before it.
    last = np.searchsorted(times, ends, side="left") - 1
    first = np.maximum(np.searchsorted(times, ends - window.horizon_ns, side="left") - 1, 0)
    samples: NDArray[np.int64] = total[last] - total[first]
    return samples
