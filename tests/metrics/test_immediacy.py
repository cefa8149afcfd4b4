import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.metrics import immediacy_table, shortfall_legs, unfilled_orders
from tests.metrics.build import Paths, fills, leg, orders, quotes

FAIR = Paths({"m": [100.0, 101.0, 103.0, 98.0, 97.0]})
ROLES = {"ann": "noise", "bob": "investor", "cat": "lp"}


def test_a_filled_order_by_hand():
    book = orders({"order_id": 7, "quantity": 3, "submitted": 1, "ended": 2, "filled": 3})
    log = fills(leg("cat", -1, 3, 105, 2, liquidity="maker"), leg("ann", 1, 3, 105, 2, order_id=7))
    legs = shortfall_legs(book, log, FAIR, end=4)
    assert legs[["leg", "order_id", "wait", "cost", "execution", "delay"]].to_numpy().tolist() == [[1, 7, 1, 4, 2, 2]]
    row = immediacy_table(book, log, quotes(), FAIR, ROLES, end=4).loc["noise"]
    assert row[["orders", "submitted", "filled", "expired", "unfilled_share", "shortfall"]].tolist() == [
        1, 3, 3, 0, 0.0, 12.0,
    ]  # fmt: skip
    assert row[["cost", "execution", "delay", "delay_sd", "wait_mean"]].tolist() == [4.0, 2.0, 2.0, 0.0, 1.0]


def test_means_are_by_lot_and_the_roles_add_up():
    book = orders(
        {"order_id": 1, "quantity": 1, "submitted": 0, "ended": 2, "filled": 1},
        {"order_id": 2, "quantity": 3, "submitted": 2, "ended": 3, "filled": 3},
        {"order_id": 3, "owner": "bob", "side": -1, "quantity": 2, "submitted": 1, "ended": 3, "filled": 2},
        {"order_id": 4, "owner": "cat", "quantity": 9, "submitted": 1, "ended": 3, "filled": 9},
    )
    log = fills(
        leg("ann", 1, 1, 104, 2, order_id=1, liquidity="auction"),
        leg("ann", 1, 3, 99, 3, order_id=2, liquidity="auction", fee=2),
        leg("bob", -1, 2, 99, 3, order_id=3, liquidity="maker"),
        leg("cat", 1, 9, 99, 3, order_id=4, liquidity="auction"),
    )
    table = immediacy_table(book, log, quotes(), FAIR, ROLES, end=4)
    noise = table.loc["noise"]
    assert noise["cost"] == (4.0 * 1 - 4.0 * 3) / 4
    assert noise["execution"] == (1.0 * 1 + 1.0 * 3) / 4
    assert noise["delay"] == (3.0 * 1 - 5.0 * 3) / 4
    assert noise["delay_sd"] == pytest.approx(np.sqrt((9 * 1 + 25 * 3) / 4 - 9))
    assert noise["wait_mean"] == (2 * 1 + 1 * 3) / 4
    assert noise["fees"] == 2
    investor = table.loc["investor"]
    assert investor[["cost", "execution", "delay", "maker_lots"]].tolist() == [2.0, -1.0, 3.0, 2]
    assert table.loc["all", "shortfall"] == noise["shortfall"] + investor["shortfall"] == -8.0 + 4.0
    assert table.loc["all", "wait_mean"] == (2 * 1 + 1 * 3 + 2 * 2) / 6
    assert "lp" not in table.index


def test_unfilled_lots_by_hand():
    book = orders(
        {"order_id": 1, "quantity": 5, "submitted": 0, "ended": 1, "filled": 2, "expired": 3, "outcome": "expired"},
        {"order_id": 2, "side": -1, "quantity": 4, "submitted": 2, "ended": -1, "outcome": "live"},
        {"order_id": 3, "quantity": 6, "submitted": 3, "ended": 3, "outcome": "rejected"},
        {"order_id": 4, "quantity": 7, "submitted": 1, "ended": 3, "cancelled": 7, "outcome": "cancelled"},
    )
    history = quotes((1, 99, 106, None), (2, None, None, 102), (3, 90, 95, 102), (4, None, 95, 102))
    table = unfilled_orders(book, history, FAIR, end=4).set_index("order_id")
    assert table["unfilled"].tolist() == [3, 4, 6, 0]
    assert table["at"].tolist()[:3] == ["best", "last", "best"]
    # Buy at 106 what was worth 100; sell at the last price 102 (no bid at the end) what was worth 103; 95 against 98.
    assert table["cost"].tolist()[:3] == [6.0, 1.0, -3.0]
    log = fills(leg("ann", 1, 2, 101, 1, order_id=1))
    row = immediacy_table(book, log, history, FAIR, ROLES, end=4).loc["noise"]
    names = ["submitted", "filled", "cancelled", "expired", "rejected", "live", "at_best", "at_last", "at_fair"]
    assert row[names].tolist() == [22, 2, 7, 3, 6, 4, 9, 4, 0]
    assert row["expired_share"] == 3 / 22
    assert row["unfilled_share"] == 13 / 22
    assert row["unfilled_shortfall"] == 3 * 6.0 + 4 * 1.0 + 6 * -3.0
    assert row["unfilled_cost"] == row["unfilled_shortfall"] / 13
    assert row["filled_shortfall"] == 2 * 1.0
    assert row["shortfall"] == 6.0
    assert row["missing"] == 0


def test_without_quote_and_trade_the_unfilled_lot_is_priced_at_fair_value():
    book = orders({"order_id": 1, "quantity": 2, "submitted": 0, "ended": 3, "expired": 2, "outcome": "expired"})
    for history in (quotes(), quotes((0, 99, None, None)), quotes((0, 99, 101, None), market="n")):
        table = unfilled_orders(book, history, FAIR, end=4)
        assert table["at"].tolist() == ["fair"]
        assert table["cost"].tolist() == [-2.0]
    assert immediacy_table(book, fills(), quotes(), FAIR, ROLES, end=4).loc["noise", "at_fair"] == 2


def test_the_quote_is_that_of_the_orders_own_venue():
    book = orders({"order_id": 1, "venue": "w", "ended": 1, "expired": 1, "outcome": "expired"})
    assert unfilled_orders(book, quotes((0, 99, 105, None)), FAIR, end=4)["at"].tolist() == ["fair"]
    there = quotes((0, 99, 105, None), venue="w")
    assert unfilled_orders(book, there, FAIR, end=4)["cost"].tolist() == [5.0]


def test_a_refused_order_for_an_unknown_market_is_counted_and_not_priced():
    book = orders({"order_id": 1, "market": "?", "quantity": 4, "outcome": "rejected"})
    row = immediacy_table(book, fills(), quotes(), FAIR, ROLES, end=4).loc["noise"]
    assert row[["rejected", "missing", "shortfall"]].tolist() == [4, 4, 0.0]


def test_legs_without_an_order_are_left_out():
    book = orders({"order_id": 3, "filled": 1})
    log = fills(leg("pool:amm", -1, 1, 100, 0), leg("ann", 1, 1, 100, 0, order_id=3), leg("x", 1, 1, 9, 0, order_id=9))
    assert shortfall_legs(book, log, FAIR, end=4)["leg"].tolist() == [1]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([-1, 1]), st.integers(1, 99), st.integers(50, 150), st.integers(0, 4), st.integers(0, 4)
        ),
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_cost_is_execution_plus_delay(trades, shuffle):
    rows = [
        {"order_id": n, "side": s, "quantity": q, "filled": q, "submitted": min(a, b), "ended": max(a, b)}
        for n, (s, q, _, a, b) in enumerate(trades, start=1)
    ]
    legs = [leg("ann", s, q, p, max(a, b), order_id=n) for n, (s, q, p, a, b) in enumerate(trades, start=1)]
    shuffle.shuffle(rows)
    book, log = orders(*rows), fills(*legs)
    table = shortfall_legs(book, log, FAIR, end=4)
    assert len(table) == len(trades)
    assert (np.abs(table["cost"] - table["execution"] - table["delay"]) <= 1e-9).all()
    wanted = sum(s * q * (p - FAIR.at("m", min(a, b))) for s, q, p, a, b in trades)
    row = immediacy_table(book, log, quotes(), FAIR, ROLES, end=4).loc["noise"]
    assert row["shortfall"] == pytest.approx(wanted, abs=1e-9)


def test_empty_logs():
    assert shortfall_legs(orders(), fills(), FAIR, end=4).empty
    assert unfilled_orders(orders(), quotes(), FAIR, end=4).empty
    table = immediacy_table(orders(), fills(), quotes(), FAIR, ROLES, end=4)
    assert table.index.tolist() == ["noise", "investor", "all"]
    assert table["shortfall"].tolist() == [0.0, 0.0, 0.0]
    assert table["cost"].isna().all()
    assert table["expired_share"].isna().all()
