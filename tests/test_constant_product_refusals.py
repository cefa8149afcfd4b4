"""What a constant-product pool refuses, and that it changes nothing."""

from __future__ import annotations

from math import inf, nan

import pytest

from marketsim.errors import ConfigError
from marketsim.types import OrderKind, Reason, Reduce, Rejected, Settle, Side, TimeInForce, limit_order
from tests.constant_product_orders import ACME, burn, make_pool, mint, order, snapshot
from venues.constant_product import ConstantProduct, swap_exact_in, swap_exact_out
from venues.pool_measures import impermanent_loss, lvr_rate

BAD_NUMBERS = [nan, inf, -inf, True, 0, -1, 2**80, 1.0, None, "1"]
GOOD = order(Side.BUY, 1)
LIMIT = limit_order(ACME, Side.BUY, quantity=1, price=100)._replace(order_id=1, owner="ann", venue="amm")
BAD_MESSAGES = [
    *[(GOOD._replace(quantity=bad), Reason.QUANTITY) for bad in BAD_NUMBERS],
    *[(GOOD._replace(order_id=bad), Reason.ORDER_ID) for bad in BAD_NUMBERS],
    *[(GOOD._replace(side=bad), Reason.SIDE) for bad in (1, -1, 0, None, nan)],
    *[(GOOD._replace(owner=bad), Reason.OWNER) for bad in ("", None, 7)],
    *[(GOOD._replace(market=bad), Reason.MARKET) for bad in ("", "OTHER", "ACME/shares", None, ["ACME"])],
    (GOOD._replace(price=100), Reason.KIND),
    (GOOD._replace(tif=TimeInForce.GTC), Reason.KIND),
    (LIMIT, Reason.UNSUPPORTED),
    (LIMIT._replace(tif=TimeInForce.IOC), Reason.UNSUPPORTED),
    (LIMIT._replace(post_only=True), Reason.UNSUPPORTED),
    (LIMIT._replace(kind=OrderKind.MARKET_TO_LIMIT, price=None), Reason.UNSUPPORTED),
    *[(message(bad), Reason.QUANTITY) for message in (mint, burn) for bad in BAD_NUMBERS],
    *[(mint(1)._replace(order_id=bad), Reason.ORDER_ID) for bad in (nan, inf, True, False, -1, 2**80)],
    *[(mint(1, owner=bad), Reason.OWNER) for bad in ("", None, 7)],
    *[(mint(1)._replace(market=bad), Reason.MARKET) for bad in ("OTHER", None, [])],
    *[(mint(1)._replace(lower=bad), Reason.UNSUPPORTED) for bad in (0, 1, nan)],
    (mint(1)._replace(upper=2), Reason.UNSUPPORTED),
    (burn(31), Reason.QUANTITY),
    (burn(1, owner="stranger"), Reason.NOT_OWNER),
    (burn(1, owner="pool:amm"), Reason.NOT_OWNER),
    (Reduce(1, 1, "ann", "amm"), Reason.UNSUPPORTED),
    (Settle(ACME, 1, "amm"), Reason.UNSUPPORTED),
    ("buy", Reason.UNSUPPORTED),
]


@pytest.mark.parametrize(("message", "reason"), BAD_MESSAGES)
def test_what_a_pool_refuses_changes_nothing(message, reason):
    pool = make_pool()
    pool.submit(mint(30), 0)
    before = snapshot(pool)
    (report,) = pool.submit(message, 9)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 9)
    assert report.detail
    assert pool.state(ACME) is before[3]
    assert snapshot(pool) == before
    # The match ids go on as if nothing had come.
    assert pool.submit(order(Side.BUY, 1), 9)[0].match_id == 3


@pytest.mark.parametrize("order_id", [1, 2, nan, True, None, 2**80, "1"])
def test_there_is_never_anything_to_cancel(order_id):
    pool = make_pool()
    pool.submit(order(Side.BUY, 1), 0)
    before = snapshot(pool)
    (report,) = pool.cancel(order_id, "ann", 4)
    expected = Reason.UNKNOWN_ORDER if order_id in (1, 2) and order_id is not True else Reason.ORDER_ID
    assert (type(report), report.reason) == (Rejected, expected)
    assert pool.state(ACME) is before[3]


@pytest.mark.parametrize(
    "options",
    [
        *[{"base": bad} for bad in BAD_NUMBERS],
        *[{"quote": bad} for bad in BAD_NUMBERS],
        *[{"fee_ppm": bad} for bad in (nan, inf, True, -1, 10**6, 2**80, 0.003)],
        {"base": 2**53 + 1},
    ],
)
def test_a_pool_that_cannot_be_is_refused(options):
    with pytest.raises(ConfigError, match="ConstantProduct"):
        make_pool(**options)


@pytest.mark.parametrize("markets", [(), ("",), ("A", "B"), ["A"], "A", (1,), ("A", "A")])
def test_a_pool_has_one_market(markets):
    with pytest.raises(ConfigError, match="ConstantProduct"):
        ConstantProduct(markets, base=1, quote=1)


def test_questions_about_nothing_are_errors():
    pool = make_pool()
    for market in ("OTHER", None):
        for ask in (pool.state, pool.reserves, pool.positions, pool.shares):
            with pytest.raises(ConfigError, match="ACME"):
                ask(market)
    for bad in BAD_NUMBERS:
        with pytest.raises(ConfigError):
            pool.estimate_impact(ACME, Side.BUY, bad)
        with pytest.raises(ConfigError):
            pool.state(ACME).estimate(Side.SELL, bad)
        with pytest.raises(ConfigError):
            swap_exact_in(100, bad if bad != 2**80 else nan, 1)
        with pytest.raises(ConfigError):
            swap_exact_out(100, 100, bad)
        if bad not in (1, 0) or bad is True:
            with pytest.raises(ConfigError):
                swap_exact_in(100, 100, 1, fee_ppm=bad)
    with pytest.raises(ConfigError):
        pool.estimate_impact(ACME, 1, 1)
    for bad in (nan, inf, 0, -1.0, True, None):
        with pytest.raises(ConfigError):
            impermanent_loss(bad)
    for bad in (nan, inf, -1.0, True, None):
        with pytest.raises(ConfigError):
            lvr_rate(bad, 1.0)
        with pytest.raises(ConfigError):
            lvr_rate(1.0, bad)
