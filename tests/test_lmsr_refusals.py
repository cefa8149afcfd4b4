"""What a market maker of the scoring rule refuses, and that it changes nothing."""

from __future__ import annotations

from math import inf, nan

import pytest

from marketsim.errors import ConfigError
from marketsim.types import Burn, Mint, OrderKind, Reason, Reduce, Rejected, Side, TimeInForce, limit_order
from tests.lmsr_orders import order, snapshot
from venues.lmsr import LMSR, lmsr_cost, lmsr_prices

BAD_NUMBERS = [nan, inf, -inf, True, 0, -1, 2**80, 1.0, None, "1"]
GOOD = order("yes", Side.BUY, 1)
LIMIT = limit_order("yes", Side.BUY, quantity=1, price=100)._replace(order_id=1, owner="ann", venue="event")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        *[(GOOD._replace(quantity=bad), Reason.QUANTITY) for bad in BAD_NUMBERS],
        *[(GOOD._replace(order_id=bad), Reason.ORDER_ID) for bad in BAD_NUMBERS],
        *[(GOOD._replace(side=bad), Reason.SIDE) for bad in (1, -1, 0, None, nan)],
        *[(GOOD._replace(owner=bad), Reason.OWNER) for bad in ("", None, 7)],
        *[(GOOD._replace(market=bad), Reason.MARKET) for bad in ("", "maybe", None, ["yes"])],
        (GOOD._replace(price=100), Reason.KIND),
        (GOOD._replace(tif=TimeInForce.GTC), Reason.KIND),
        (GOOD._replace(quantity=2**53), Reason.NO_LIQUIDITY),
        (LIMIT, Reason.UNSUPPORTED),
        (LIMIT._replace(tif=TimeInForce.FOK), Reason.UNSUPPORTED),
        (LIMIT._replace(kind=OrderKind.MARKET_TO_LIMIT, price=None), Reason.UNSUPPORTED),
        (Reduce(1, 1, "ann", "event"), Reason.UNSUPPORTED),
        (Mint("yes", 1, owner="ann", venue="event"), Reason.UNSUPPORTED),
        (Burn("yes", 1, owner="ann", venue="event"), Reason.UNSUPPORTED),
        ("buy", Reason.UNSUPPORTED),
    ],
)
def test_what_the_market_maker_refuses_changes_nothing(message, reason):
    maker = LMSR(("yes", "no"), 100, 1000)
    maker.submit(order("yes", Side.BUY, 30), 0)
    before, state = snapshot(maker), maker.state("yes")
    (report,) = maker.submit(message, 9)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 9)
    assert report.detail
    assert snapshot(maker) == before
    assert maker.state("yes") is state
    assert maker.submit(order("no", Side.BUY, 1), 9)[0].match_id == 2


@pytest.mark.parametrize("order_id", [1, 2, nan, True, None, 2**80, "1"])
def test_there_is_never_anything_to_cancel(order_id):
    maker = LMSR(("yes", "no"), 100, 1000)
    maker.submit(order("yes", Side.BUY, 1), 0)
    state = maker.state("yes")
    (report,) = maker.cancel(order_id, "ann", 4)
    expected = Reason.UNKNOWN_ORDER if type(order_id) is int and order_id < 3 else Reason.ORDER_ID
    assert (type(report), report.reason) == (Rejected, expected)
    assert maker.state("yes") is state


@pytest.mark.parametrize(
    "options",
    [
        *[{"b": bad} for bad in BAD_NUMBERS],
        *[{"unit": bad} for bad in BAD_NUMBERS],
        *[{"opening": (0, bad)} for bad in (nan, inf, True, 2**80, 1.0, None)],
        *[{"opening": bad} for bad in ((), (0,), (0, 0, 0), [0, 0], 0)],
        *[{"markets": bad} for bad in ((), ("yes",), ("yes", "yes"), ("yes", ""), ["yes", "no"], "yes", None)],
    ],
)
def test_a_market_maker_that_cannot_be_is_refused(options):
    with pytest.raises(ConfigError, match="LMSR"):
        LMSR(**{"markets": ("yes", "no"), "b": 100, "unit": 1000} | options)


def test_questions_about_nothing_are_errors():
    maker = LMSR(("yes", "no"), 100, 1000)
    for ask in (maker.state, maker.reserves, maker.probability):
        for market in ("maybe", None):
            with pytest.raises(ConfigError, match="yes, no"):
                ask(market)
    for bad in BAD_NUMBERS:
        with pytest.raises(ConfigError):
            maker.estimate_impact("yes", Side.BUY, bad)
        with pytest.raises(ConfigError):
            maker.state("yes").estimate(Side.SELL, bad)
        with pytest.raises(ConfigError):
            lmsr_cost((0, 0), bad)
        if bad not in (0, -1) or bad is None:
            with pytest.raises(ConfigError):
                lmsr_prices((0, bad), 100)
    with pytest.raises(ConfigError):
        maker.estimate_impact("yes", 1, 1)
    with pytest.raises(ConfigError):
        lmsr_cost((), 100)
