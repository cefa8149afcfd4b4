import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.metrics import activity_table, quoting_table, volume
from tests.metrics.build import fills, leg, orders

ROLES = {"ann": "noise", "bob": "lp"}


def _quote(order_id, side, arrived, ended, **more):
    outcome = "live" if ended < 0 else "cancelled"
    row = {"owner": "bob", "kind": "limit", "tif": "gtc", "outcome": outcome, **more}
    return {"order_id": order_id, "side": side, "arrived": arrived, "ended": ended, **row}


def test_volume_and_activity_by_hand():
    log = fills(
        leg("ann", 1, 2, 102, 1), leg("bob", -1, 2, 102, 1, liquidity="maker"),
        leg("ann", -1, 3, 99, 5), leg("bob", 1, 3, 99, 5, liquidity="maker"),
        leg("ann", 1, 4, 99, 6, liquidity="auction"), leg("bob", -1, 4, 99, 6, liquidity="auction"),
    )  # fmt: skip
    assert volume(log) == 9
    table = activity_table(log, ROLES, end=10)
    names = ["fills", "lots", "bought", "sold", "maker_fills", "taker_fills", "auction_fills"]
    assert table.loc["lp", names].tolist() == [3, 9, 3, 6, 2, 0, 1]
    assert table.loc["noise", names].tolist() == [3, 9, 6, 3, 0, 2, 1]
    assert table["second_half_share"].tolist() == [1 / 3, 1 / 3]  # step 5 of 10 is not later than half


def test_quoting_by_hand():
    book = orders(
        _quote(1, 1, 2, 5), _quote(2, -1, 3, 8), _quote(3, 1, 4, 6), _quote(4, -1, 9, -1), _quote(5, 1, 9, -1),
        _quote(6, 1, 0, -1, kind="market"), _quote(7, 1, 0, -1, tif="ioc"), _quote(8, 1, 0, -1, outcome="rejected"),
        _quote(9, 1, -1, -1), _quote(10, -1, 0, -1, owner="ann"),
        _quote(11, 1, 0, 7, market="n", kind="market-to-limit"),
    )  # fmt: skip
    table = quoting_table(book, ROLES, end=10).set_index(["owner", "market"])
    assert table.loc[("bob", "m")].tolist() == ["lp", 0.5, 0.6, 0.4]  # bids [2, 6), asks [3, 8), both from 9 on
    assert table.loc[("ann", "m")].tolist() == ["noise", 0.0, 1.0, 0.0]
    assert table.loc[("bob", "n")].tolist() == ["lp", 0.7, 0.0, 0.0]


def test_an_order_that_fills_on_arrival_quotes_for_no_time():
    table = quoting_table(orders(_quote(1, 1, 4, 4), _quote(2, -1, 0, -1)), ROLES, end=10)
    assert table[["bid", "ask", "two_sided"]].to_numpy().tolist() == [[0.0, 1.0, 0.0]]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from([-1, 1]), st.integers(0, 12), st.integers(0, 12)), max_size=8))
def test_quoting_against_every_step(lives):
    rows = [_quote(n, side, min(a, b), max(a, b)) for n, (side, a, b) in enumerate(lives, start=1)]
    table = quoting_table(orders(*rows), ROLES, end=12)
    on = {side: np.zeros(12, bool) for side in (-1, 1)}
    for side, a, b in lives:
        on[side][min(a, b) : max(a, b)] = True
    if lives:
        wanted = [on[1].mean(), on[-1].mean(), (on[1] & on[-1]).mean()]
        assert table[["bid", "ask", "two_sided"]].to_numpy()[0] == pytest.approx(wanted)


def test_empty_logs():
    assert volume(fills()) == 0
    assert activity_table(fills(), ROLES, end=3).empty
    assert quoting_table(orders(), ROLES, end=3).empty
    with pytest.raises(ConfigError, match="end"):
        quoting_table(orders(), ROLES, end=0)
