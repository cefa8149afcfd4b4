"""A constant-product pool called `amm`, messages to it, and strategies for their integers."""

from __future__ import annotations

from hypothesis import strategies as st

from marketsim.types import Burn, Fill, Mint, Side, TimeInForce, market_order
from venues.constant_product import ConstantProduct

ACME = "ACME"
# Reals become integers at this many units to 1.0; results then err by rounding only, 1e-12 a swap.
SCALE = 10**12

amounts = st.one_of(st.integers(1, 4), st.integers(1, 10**6), st.integers(2**53 - 4, 2**53))
fees = st.one_of(st.just(0), st.sampled_from([1, 3000, 999_999]), st.integers(0, 999_999))
sides = st.sampled_from(Side)


def make_pool(base=1000, quote=100_000, **options):
    return ConstantProduct((ACME,), base=base, quote=quote, **options)


def order(side, quantity, *, tif=TimeInForce.IOC, owner="ann", order_id=1):
    return market_order(ACME, side, quantity=quantity, tif=tif)._replace(order_id=order_id, owner=owner, venue="amm")


def mint(liquidity, *, owner="lp"):
    return Mint(ACME, liquidity, order_id=1, owner=owner, venue="amm")


def burn(liquidity, *, owner="lp"):
    return Burn(ACME, liquidity, order_id=1, owner=owner, venue="amm")


def money_of(reports):
    assert [type(report) for report in reports] == [Fill, Fill], reports
    return reports[0].money


def snapshot(pool):
    return pool.reserves(ACME), pool.positions(ACME), pool.shares(ACME), pool.state(ACME)
