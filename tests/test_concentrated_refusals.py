"""What a concentrated pool refuses, and that it changes nothing."""

from __future__ import annotations

from math import isqrt

import pytest

from marketsim.errors import ConfigError
from marketsim.types import Feed, OrderKind, Reason, Rejected, TimeInForce, limit_order
from tests.concentrated_orders import BUY, SELL, M, burn, everything, make, mint, order
from venues.concentrated import ConcentratedPool
from venues.concentrated_math import MAX_INDEX, MAX_SQRT_PRICE, MIN_SQRT_PRICE, Q96, sqrt_price_at, sqrt_price_of

REFUSED = [
    (order(BUY, 0), Reason.QUANTITY),
    (order(BUY, 2**53 + 1), Reason.QUANTITY),
    (order(BUY, 5)._replace(quantity=True), Reason.QUANTITY),
    (order(BUY, 5)._replace(quantity=5.0), Reason.QUANTITY),
    (order(BUY, 5)._replace(side=1), Reason.SIDE),
    (order(BUY, 5)._replace(market="OTHER"), Reason.MARKET),
    (order(BUY, 5, order_id=0), Reason.ORDER_ID),
    (order(BUY, 5, owner=""), Reason.OWNER),
    (order(BUY, 5, owner="pool:amm"), Reason.SELF_TRADE),
    (order(BUY, 5, tif=TimeInForce.GTC), Reason.KIND),
    (limit_order(M, BUY, quantity=5, price=10)._replace(order_id=1, owner="ann"), Reason.UNSUPPORTED),
    (order(BUY, 5)._replace(kind=OrderKind.MARKET_TO_LIMIT), Reason.UNSUPPORTED),
    (Feed(M, 5, 5, "amm"), Reason.UNSUPPORTED),
    (mint(0, -60, 60), Reason.QUANTITY),
    (mint(True, -60, 60), Reason.QUANTITY),
    (mint(2**53 + 1, -60, 60), Reason.QUANTITY),
    (mint(5.5, -60, 60), Reason.QUANTITY),
    (mint(2**53, -MAX_INDEX // 60 * 60 + 60, 60), None),
    (mint(5, -60, 60, owner=""), Reason.OWNER),
    (mint(5, -60, 60, owner="pool:amm"), Reason.SELF_TRADE),
    (mint(5, -60, 60)._replace(market="OTHER"), Reason.MARKET),
    (mint(5, -60, 60)._replace(market=["ACME"]), Reason.MARKET),
    (mint(5, -61, 60), Reason.OFF_GRID),
    (mint(5, -60, 61), Reason.OFF_GRID),
    (mint(5, 60, 60), Reason.PRICE),
    (mint(5, 60, -60), Reason.PRICE),
    (mint(5, True, 60), Reason.PRICE),
    (mint(5, 0.0, 60), Reason.PRICE),
    (mint(5, -887_280, 60), Reason.PRICE),
    (mint(5, -60, 2**80), Reason.PRICE),
    (burn(5, -60, 60), Reason.NOT_OWNER),
    (burn(5, -600, 600, owner="ann"), Reason.NOT_OWNER),
    (burn(0, -600, 600), Reason.QUANTITY),
    (burn(1001, -600, 600), Reason.QUANTITY),
    (burn(5, -600, 600, owner=""), Reason.OWNER),
    (burn(5, -600, 601), Reason.OFF_GRID),
]


@pytest.mark.parametrize(("message", "reason"), [case for case in REFUSED if case[1]])
def test_what_is_refused_says_why_and_changes_nothing(message, reason):
    pool = make((-600, 600, 10**12), fee_ppm=3000, spacing=60)
    pool.submit(mint(1000, -600, 600), 0)
    before = everything(pool)
    (answer,) = pool.submit(message, 7)
    assert type(answer) is Rejected
    assert (answer.reason, answer.time) == (reason, 7)
    assert answer.detail
    assert everything(pool) == before


def test_a_mint_for_which_the_pool_would_ask_too_many_lots_is_refused():
    pool = make(sqrt_price=sqrt_price_at(-800_040), spacing=60)
    (answer,) = pool.submit(mint(2**53), 0)
    assert (answer.reason, pool.reserves(M)) == (Reason.QUANTITY, (0, 0))
    assert "lots" in answer.detail


def test_a_burn_of_the_pools_own_position_is_refused():
    pool = make((-600, 600, 10**12), spacing=60)
    for owner in ("ann", "pool:amm", ""):
        (answer,) = pool.submit(burn(1, -600, 600, owner=owner), 0)
        assert type(answer) is Rejected


def test_nothing_rests_so_nothing_can_be_cancelled_and_no_clock_runs():
    pool = make((-600, 600, 10**12))
    pool.submit(order(BUY, 10), 0)
    assert [report.reason for report in pool.cancel(1, "ann", 1)] == [Reason.UNKNOWN_ORDER]
    assert [report.reason for report in pool.cancel(True, "ann", 1)] == [Reason.ORDER_ID]
    assert pool.clock(5) == []
    assert pool.next_clock(5) is None


BAD = [0, -1, 1.5, float("nan"), float("inf"), True, 2**80, "5", None]


@pytest.mark.parametrize(
    "arguments",
    [{"price": bad} for bad in BAD]
    + [{"sqrt_price_x96": bad} for bad in [*BAD[:6], MIN_SQRT_PRICE - 1, MAX_SQRT_PRICE]]
    + [{"price": 5, "sqrt_price_x96": Q96}, {}]
    + [{"price": 5, "fee_ppm": bad} for bad in [-1, 10**6, 0.5, True, None, 2**80]]
    + [{"price": 5, "index_spacing": bad} for bad in BAD]
    + [{"price": 5, "positions": bad} for bad in [[(-60, 60, 5)], 5, None, (5,), ((-60, 60),), ([-60, 60, 5],)]]
    + [{"price": 5, "positions": ((-60, 60, bad),)} for bad in [*BAD[:6], 2**128]]
    + [{"price": 5, "positions": ((bad, 60, 5),)} for bad in [60, 120, -61, -887_280, True, 0.0, None]]
    + [{"price": 5, "positions": ((-60, 60, 2**112), (-60, 0, 2**113))}],
)
def test_arguments_that_cannot_be_run_are_refused(arguments):
    with pytest.raises(ConfigError, match="ConcentratedPool"):
        ConcentratedPool((M,), **arguments)


@pytest.mark.parametrize("markets", [(), ("A", "B"), ("",), "ACME", ["ACME"], (1,)])
def test_a_pool_trades_one_market(markets):
    with pytest.raises(ConfigError, match="markets"):
        ConcentratedPool(markets, price=5)


def test_questions_about_another_market_or_no_quantity_are_refused():
    pool = make((-600, 600, 10**12))
    for ask in (pool.state, pool.reserves, pool.snapshot):
        with pytest.raises(ConfigError, match="market"):
            ask("OTHER")
    with pytest.raises(ConfigError, match="market"):
        pool.held("OTHER", "lp", -600, 600)
    for side, quantity in ((BUY, 0), (BUY, True), (1, 5), (SELL, 1.5)):
        with pytest.raises(ConfigError):
            pool.estimate_impact(M, side, quantity)


def test_an_opening_price_is_in_ticks():
    assert make(price=2500).snapshot(M).sqrt_price == sqrt_price_of(2500) == 50 * Q96
    assert make(sqrt_price=isqrt(7 << 192)).snapshot(M) == make(price=7).snapshot(M)
