"""The uniform-price clear against the two shortest ways to find its price: by sorting orders, and by bucketing them.

Half of the orders are bids and half asks, of 1 to 100 lots at prices up to 50 ticks on either side of one mean, so that
about half of them trade. The floors find the price and the volume and stop there; a venue also rations what trades,
takes it off its book, and reports every leg.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import accumulate

from experiments.benchmarks.rounds import OURS, Prepare, Rate, Run, take_turns
from marketsim.streams import Streams
from marketsim.types import Fill, Side, limit_order
from venues.clearing import clear
from venues.fba import BatchAuction

SIZES = (100, 1_000, 10_000, 100_000)
SORT, BUCKETS, VENUE = "sort floor", "bucket floor", "fba venue"
ORDERS_CLEARED = 100_000
_LOW, _HIGH = 9_950, 10_050

Orders = list[tuple[int, int]]
"""(limit in ticks, lots)"""
Outcome = tuple[int | None, int]
"""(price in ticks, lots)"""


def workload(orders: int, *, seed: int = 1) -> tuple[Orders, Orders]:
    """Bids and asks, `orders` of both together."""
    rng = Streams(seed).stream(f"clear-{orders}")
    prices = rng.integers(_LOW, _HIGH + 1, orders).tolist()
    sizes = rng.integers(1, 101, orders).tolist()
    every = list(zip(prices, sizes, strict=True))
    return every[::2], every[1::2]


def by_sorting(bids: Orders, asks: Orders) -> Outcome:
    """Midpoint and volume of the clear: both sides sorted, and walked from the best."""
    return _walked(sorted(bids, reverse=True), sorted(asks))


def by_buckets(bids: Orders, asks: Orders) -> Outcome:
    """The same from demand and supply at every price of the grid."""
    demand, supply = [0] * (_HIGH - _LOW + 1), [0] * (_HIGH - _LOW + 1)
    for price, lots in bids:
        demand[price - _LOW] += lots
    for price, lots in asks:
        supply[price - _LOW] += lots
    wanted = list(accumulate(reversed(demand)))[::-1]  # at this price or above
    offered = list(accumulate(supply))  # at this price or below
    volume = max(map(min, wanted, offered))
    if volume == 0:
        return None, 0
    # Prices at which nobody better is left out: all strictly better bids, and all strictly better asks, fill.
    left_out = zip([*wanted[1:], 0], [0, *offered[:-1]], strict=True)
    fair = [place for place, (above, below) in enumerate(left_out) if above <= volume and below <= volume]
    clearing = [place for place in fair if wanted[place] >= volume and offered[place] >= volume]
    return (2 * _LOW + clearing[0] + clearing[-1]) // 2, volume


def _walked(bids: Orders, asks: Orders) -> Outcome:
    i = j = volume = 0
    bid_left = ask_left = 0
    low = high = None
    while True:
        if not bid_left:
            if i == len(bids):
                break
            bid, bid_left = bids[i]
            i += 1
        if not ask_left:
            if j == len(asks):
                break
            ask, ask_left = asks[j]
            j += 1
        if bid < ask:
            break
        traded = min(bid_left, ask_left)
        volume += traded
        bid_left -= traded
        ask_left -= traded
        low, high = ask, bid
    if low is None or high is None:
        return None, 0
    # The next lot of either side narrows the interval of prices at which nobody better is left out.
    next_bid = bid if bid_left else bids[i][0] if i < len(bids) else low
    next_ask = ask if ask_left else asks[j][0] if j < len(asks) else high
    return (max(low, next_bid) + min(high, next_ask)) // 2, volume


def _pure(bids: Orders, asks: Orders) -> Outcome:
    outcome = clear(bids, asks)
    return outcome.price, outcome.volume


def _repeated(find: Callable[[Orders, Orders], Outcome], orders: int, _clears: int) -> Run:
    bids, asks = workload(orders)

    def run(first: int, last: int) -> Outcome:
        outcome: Outcome = None, 0
        for _ in range(first, last):
            outcome = find(bids, asks)
        return outcome

    return run


def _venue(orders: int, clears: int) -> Run:
    """The clock of a batch auction that holds the orders: each clear takes a venue of its own, filled beforehand."""
    filled = [auction(orders) for _ in range(clears)]

    def run(first: int, last: int) -> Outcome:
        outcome: Outcome = None, 0
        for place in range(first, last):
            # What is left of a venue is dropped after its clear, outside of it no time is spent on it.
            legs = [report for report in filled[place].clock(1) if type(report) is Fill]
            bought = sum([leg.quantity for leg in legs if leg.side > 0])
            outcome = (legs[0].price if legs else None), bought
        return outcome

    return run


def auction(orders: int) -> BatchAuction:
    """A batch auction that holds the workload of `orders` orders, to be cleared at time 1."""
    venue = BatchAuction(("X",), 1)
    for side, own in zip((Side.BUY, Side.SELL), workload(orders), strict=True):
        for place, (price, lots) in enumerate(own):
            order_id = 2 * place + 1 + (side < 0)
            order = limit_order("X", side, quantity=lots, price=price)
            venue.submit(order._replace(order_id=order_id, owner=f"agent-{order_id % 50}", venue="fba"), 0)
    return venue


CLEARS: dict[str, Callable[[int, int], Run]] = {
    OURS: partial(_repeated, _pure),
    VENUE: _venue,
    SORT: partial(_repeated, by_sorting),
    BUCKETS: partial(_repeated, by_buckets),
}
"""`marketsim` is the pure function `venues.clearing.clear`; what each is prepared from: orders, and how many clears."""


def measure(orders: int, *, rounds: int = 7, cleared: int = ORDERS_CLEARED) -> list[Rate]:
    """Clears per second of batches of `orders` orders; about `cleared` orders are cleared in a round."""
    clears = max(1, cleared // orders)
    contestants: dict[str, Prepare] = {name: partial(prepare, orders, clears) for name, prepare in CLEARS.items()}
    return take_turns(contestants, length=clears, turn=max(1, clears // 20), rounds=rounds)
