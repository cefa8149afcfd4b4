"""Swaps through the pools' public interface, with typed legs, against nothing but the arithmetic of each pool.

Every swap is a market order of 1 to 100 units, buys and sells in turn, so that a pool stays near where it opened. The
floors keep the state in local variables, check nothing, publish nothing and report nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import exp, log
from typing import Any

from experiments.benchmarks.rounds import OURS, Prepare, Rate, Run, take_turns
from marketsim.streams import Streams
from marketsim.types import Fill, Side, market_order
from venues.concentrated import ConcentratedPool
from venues.concentrated_math import sqrt_price_of
from venues.constant_product import ConstantProduct
from venues.lmsr import LMSR

SWAPS = 10_000
FLOOR = "arithmetic floor"
_TURN = 500
_PPM, _FEE = 1_000_000, 3_000
_BASE, _QUOTE = 10**9, 10**11
_B, _UNIT = 10_000, 1_000
_LIQUIDITY, _PRICE = 10**9, 2_500


def workload(swaps: int, lots: int, *, seed: int = 1) -> list[int]:
    """Signed lots, a buy above zero and a sell below, each a multiple of `lots` from 1 to 100 times as much."""
    sizes = Streams(seed).stream("swaps").integers(1, 101, swaps).tolist()
    return [lots * size * (1 if place % 2 else -1) for place, size in enumerate(sizes)]


def _through(make: Callable[[], Any], sizes: list[int]) -> Run:
    """Orders built beforehand, submitted to the pool; ends with the money that buyers paid less what sellers got."""
    pool = make()
    orders = [
        market_order("X", Side.BUY if lots > 0 else Side.SELL, quantity=abs(lots))._replace(
            order_id=place + 1, owner="agent", venue="pool"
        )
        for place, lots in enumerate(sizes)
    ]
    money = 0

    def run(first: int, last: int) -> int:
        nonlocal money
        submit = pool.submit
        for now in range(first, last):
            leg = submit(orders[now], now)[0]
            if type(leg) is Fill:
                money += leg.side * leg.money
        return money

    return run


def _constant_product_floor(sizes: list[int]) -> Run:
    base, quote = _BASE, _QUOTE
    kept = _PPM - _FEE

    def run(first: int, last: int) -> int:
        nonlocal base, quote
        for lots in sizes[first:last]:
            if lots > 0:
                quote += -(-quote * lots * _PPM // ((base - lots) * kept))
            else:
                net = -lots * kept
                quote -= quote * net // (base * _PPM + net)
            base -= lots
        return quote - _QUOTE

    return run


def _lmsr_floor(sizes: list[int]) -> Run:
    """Two outcomes in floating point, where the venue has 50 digits: its money is within a tick-lot per swap of it."""
    sold, opened = 0, log(2)
    cost = opened

    def run(first: int, last: int) -> int:
        nonlocal sold, cost
        for lots in sizes[first:last]:
            sold += lots
            cost = log(1 + exp(sold / _B))
        return round(_B * _UNIT * (cost - opened))

    return run


def _concentrated_floor(sizes: list[int]) -> Run:
    """Within one range, whose liquidity is the virtual reserve of Uniswap v3 Core, section 6.2."""
    root, money, scaled = sqrt_price_of(_PRICE), 0, _LIQUIDITY << 96
    kept = _PPM - _FEE

    def run(first: int, last: int) -> int:
        nonlocal root, money
        for lots in sizes[first:last]:
            if lots > 0:
                after = -(-scaled * root // (scaled - lots * root))
                paid = -(-_LIQUIDITY * (after - root) >> 96)
                money += paid - (-paid * _FEE // kept)
            else:
                net = -lots * kept // _PPM
                after = -(-scaled * root // (scaled + net * root))
                money -= _LIQUIDITY * (root - after) >> 96
            root = after
        return money

    return run


def _concentrated() -> ConcentratedPool:
    return ConcentratedPool(("X",), price=_PRICE, fee_ppm=_FEE, positions=((75_000, 81_000, _LIQUIDITY),))


POOLS: dict[str, tuple[int, Callable[[], Any], Callable[[list[int]], Run]]] = {
    "constant-product": (1_000, lambda: ConstantProduct(("X",), base=_BASE, quote=_QUOTE, fee_ppm=_FEE),
                         _constant_product_floor),
    "lmsr": (1, lambda: LMSR(("X", "Y"), b=_B, unit=_UNIT), _lmsr_floor),
    "concentrated": (10, _concentrated, _concentrated_floor),
}  # fmt: skip
"""By the venue's name: lots of the smallest swap, how to make the pool, and its floor."""


def contestants(pool: str, swaps: int) -> dict[str, Prepare]:
    """The venue and its floor on the same `swaps` swaps."""
    lots, make, floor = POOLS[pool]
    sizes = workload(swaps, lots)
    return {OURS: partial(_through, make, sizes), FLOOR: partial(floor, sizes)}


def measure(pool: str, *, rounds: int = 7, swaps: int = SWAPS) -> list[Rate]:
    """Swaps per second; `pool` is one of `POOLS`."""
    return take_turns(contestants(pool, swaps), length=swaps, turn=_TURN, rounds=rounds)
