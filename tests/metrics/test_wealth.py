from fractions import Fraction
from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.errors import ConfigError, ConservationError
from marketsim.ledger import Ledger
from marketsim.metrics import exact_wealth, pnl_by_role, pnl_decomposition, role_transfers, wealth_table
from marketsim.types import Fill, Liquidity, Side
from tests.metrics.build import Paths, fills, leg

FAIR = Paths({"m": [100.0, 101.5, 103.0, 98.0], "n": [10.0, 10.0, 11.0, 12.0]})
ROLES = {"ann": "noise", "bob": "lp", "cat": "noise"}


def _ledger(*matches):
    ledger = Ledger()
    for number, match in enumerate(matches):
        ledger.post(
            Fill(
                number, 0, row["owner"], row.get("market", "m"), "v", row["time"], Side(row["side"]), row["quantity"],
                row["price"], row["money"], row.get("fee", 0), Liquidity.TAKER, None, None,
            )
            for row in match
        )  # fmt: skip
    return ledger


def test_wealth_by_hand():
    ledger = _ledger(
        [leg("ann", 1, 2, 101, 0, fee=3), leg("bob", -1, 2, 101, 0)],
        [leg("ann", -1, 5, 10, 1, market="n"), leg("pool:amm", 1, 5, 10, 1, market="n")],
    )
    ledger.open("cat")
    table = wealth_table(ledger, {"m": 100.5, "n": 12.0}, ROLES).set_index("account")
    assert table["role"].to_dict() == {
        "ann": "noise",
        "bob": "lp",
        "pool:amm": "pool",
        "cat": "noise",
        "fees:v": "fees",
    }
    assert table["cash"].tolist() == [-205 + 50, 202, -50, 0, 3]
    assert table["lots:m"].tolist() == [2, -2, 0, 0, 0]
    assert table["lots:n"].tolist() == [-5, 0, 5, 0, 0]
    assert table["wealth"].tolist() == [-155 + 201 - 60, 202 - 201, 10, 0, 3]


def test_wealth_refuses_a_missing_or_endless_mark():
    ledger = _ledger([leg("ann", 1, 2, 101, 0), leg("bob", -1, 2, 101, 0)])
    for marks in ({}, {"m": float("nan")}, {"m": float("inf")}):
        with pytest.raises(ConfigError, match="'m'"):
            wealth_table(ledger, marks, ROLES)


def test_wealth_notices_a_lot_from_nowhere():
    ledger = _ledger([leg("ann", 1, 2, 101, 0), leg("bob", -1, 2, 101, 0)])
    ledger.inventory["bob"]["m"] += 1
    with pytest.raises(ConservationError, match="not 0"):
        wealth_table(ledger, {"m": 1e-300}, ROLES)


legs = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cat", "pool:amm"]),
        st.sampled_from(["ann", "bob", "cat", "pool:amm"]),
        st.sampled_from(["m", "n"]),
        st.integers(1, 10**9),
        st.integers(1, 10**9),
        st.integers(0, 3),
        st.integers(0, 50),
    ),
    max_size=12,
)


def _matches(trades):
    return [
        (
            leg(buyer, 1, lots, price, time, market=market, match_id=number, fee=fee),
            leg(seller, -1, lots, price, time, market=market, match_id=number, liquidity="maker"),
        )
        for number, (buyer, seller, market, lots, price, time, fee) in enumerate(sorted(trades, key=lambda t: t[5]))
    ]


@settings(max_examples=40)
@given(legs, st.floats(1e-3, 1e6), st.floats(1e-3, 1e6))
def test_wealth_sums_to_exactly_nothing(trades, mark_m, mark_n):
    ledger = _ledger(*_matches(trades))
    wealth = exact_wealth(ledger, {"m": mark_m, "n": mark_n})
    assert sum(wealth.values(), Fraction(0)) == 0
    table = wealth_table(ledger, {"m": mark_m, "n": mark_n}, ROLES)
    assert sum(table["cash"].tolist()) == 0
    assert all(float(worth) == row for worth, row in zip(wealth.values(), table["wealth"], strict=True))


def test_pnl_by_hand():
    log = fills(
        leg("ann", 1, 2, 102, 1, fee=3), leg("bob", -1, 2, 102, 1),
        leg("cat", -1, 4, 10, 2, market="n"), leg("bob", 1, 4, 10, 2, market="n", money=41),
    )  # fmt: skip
    table = pnl_by_role(log, FAIR, ROLES, end=3)
    assert table.loc["noise", ["fills", "lots", "pnl", "fees", "pnl_net"]].tolist() == [2, 6, -1.0 - 4.0, 3, -8.0]
    assert table.loc["lp", ["fills", "lots", "pnl", "fees", "pnl_net"]].tolist() == [2, 6, 1.0 + 4.0, 0, 4.0]


def test_decomposition_by_hand():
    log = fills(leg("ann", 1, 2, 102, 1), leg("bob", -1, 2, 102, 1), leg("ann", -1, 2, 99, 2), leg("bob", 1, 2, 99, 2))
    table = pnl_decomposition(log, FAIR, ROLES, end=3)
    # At the fills 2 (101.5 - 102) - 2 (103 - 99); two lots held from 101.5 to 103; nothing held after that.
    assert table.loc["noise"].tolist() == [-9.0, 3.0, -6.0]
    assert table.loc["lp"].tolist() == [9.0, -3.0, 6.0]


@settings(max_examples=40)
@given(legs)
def test_gains_sum_to_nothing_and_decompose(trades):
    matches = _matches(trades)
    log = fills(*(row for match in matches for row in match))
    parts = pnl_decomposition(log, FAIR, ROLES, end=3)
    scale = sum(lots * (price + 200) for _, _, _, lots, price, _, _ in trades) + 1
    assert (np.abs(parts["at_fill"] + parts["carry"] - parts["total"]) <= 1e-9 * scale).all()
    gains = pnl_by_role(log, FAIR, ROLES, end=3)
    assert abs(gains["pnl"].sum()) <= 1e-9 * scale
    assert abs(gains["pnl_net"].sum() + gains["fees"].sum()) <= 1e-9 * scale
    # Marked at the last fair value, the ledger says the same.
    wealth = wealth_table(_ledger(*matches), {"m": 98.0, "n": 12.0}, ROLES)
    worth = wealth[wealth["role"] != "fees"].groupby("role")["wealth"].sum()
    for role in parts.index:
        assert worth[role] == pytest.approx(parts.loc[role, "total"] - gains.loc[role, "fees"], abs=1e-9 * scale)


def test_transfers_by_hand():
    log = fills(
        # A clear of 6 lots at 100 while fair value is 103: buyers gain 3 a lot, 4 of 6 lots from the LP.
        leg("ann", 1, 5, 100, 2, liquidity="auction"), leg("eve", 1, 1, 100, 2, liquidity="auction"),
        leg("bob", -1, 4, 100, 2, liquidity="auction"), leg("cat", -1, 2, 100, 2, liquidity="auction"),
        # The same match id at another venue and in another market is another match.
        leg("eve", 1, 2, 101, 2, venue="w"), leg("cat", -1, 2, 101, 2, venue="w"),
        leg("bob", 1, 2, 10, 2, market="n"), leg("eve", -1, 2, 10, 2, market="n"),
    )  # fmt: skip
    table = role_transfers(log, FAIR, ROLES, end=3)
    assert table.index.tolist() == table.columns.tolist() == ["eve", "lp", "noise", "fees"]
    assert table.loc["noise", "lp"] == pytest.approx(5 * 4 / 6 * 3)
    assert table.loc["eve", "lp"] == pytest.approx(1 * 4 / 6 * 3 - 2 * 1)
    assert table.loc["eve", "noise"] == pytest.approx(1 * 2 / 6 * 3 + 2 * 2)


def test_transfers_through_a_pool_by_hand():
    # Fair value 103: the pool sells 3 lots at about 102 and rounds up to 307 tick-lots, the venue takes 5 on top.
    log = fills(leg("ann", 1, 3, 102, 2, money=312, fee=5), leg("pool:v", -1, 3, 102, 2, money=307, liquidity="maker"))
    table = role_transfers(log, FAIR, ROLES, end=3)
    assert (table.loc["pool", "noise"], table.loc["noise", "fees"], table.loc["pool", "fees"]) == (-2.0, -5.0, 0.0)
    named = role_transfers(log, FAIR, ROLES, end=3, names=("noise", "lp", "pool"))
    assert named.index.tolist() == ["noise", "lp", "pool", "fees"]
    assert named.loc["noise"].tolist() == [0.0, 0.0, 2.0, -5.0]
    with pytest.raises(ConfigError, match="'pool:v' is 'pool'; wanted one of noise, lp"):
        role_transfers(log, FAIR, ROLES, end=3, names=("noise", "lp"))


def test_a_taker_pays_each_maker_that_maker_s_price():
    log = fills(leg("ann", 1, 3, 102, 2, money=305), leg("bob", -1, 2, 101, 2), leg("eve", -1, 1, 103, 2))
    table = role_transfers(log, FAIR, ROLES, end=3)
    assert table.loc["noise"].to_dict() == pytest.approx({"eve": 0.0, "lp": 4.0, "noise": 0.0, "fees": 0.0})


side = st.lists(
    st.tuples(st.sampled_from(["ann", "bob", "cat", "pool:amm"]), st.integers(1, 10**6), st.integers(-9, 50)),
    min_size=1,
    max_size=4,
)


def _clear(number, buyers, sellers, price, time):
    # Lots and money balance; the last leg of the shorter side takes the rest, and rounding goes to the last seller.
    short = sum(lots for _, lots, _ in buyers) - sum(lots for _, lots, _ in sellers)
    (sellers if short > 0 else buyers).append(("eve", abs(short), 0)) if short else None
    rows = [leg(o, 1, n, price, time, fee=fee, match_id=number, money=n * price + fee + 3) for o, n, fee in buyers]
    rows += [leg(o, -1, n, price, time, fee=fee, match_id=number) for o, n, fee in sellers]
    rows[-1]["money"] += 3 * len(buyers)
    return rows


@settings(max_examples=60)
@given(st.lists(st.tuples(side, side, st.integers(20, 10**6), st.integers(0, 3)), max_size=5))
def test_transfers_sum_to_exactly_nothing_and_add_up_to_the_net_gains(clears):
    log = fills(*(row for number, clear in enumerate(clears) for row in _clear(number, *clear)))
    values = (table := role_transfers(log, FAIR, ROLES, end=3)).to_numpy()
    assert (values == -values.T).all()
    assert fsum(values.ravel()) == 0.0
    gains = pnl_by_role(log, FAIR, ROLES, end=3)
    scale = 1.0 + sum(log.columns()["quantity"] * (log.columns()["price"] + 200.0))
    for role in gains.index:
        assert table.loc[role].sum() == pytest.approx(gains.loc[role, "pnl_net"], abs=1e-12 * scale)
        assert table.loc["fees", role] == gains.loc[role, "fees"]
    assert table.loc["fees"].sum() == gains["fees"].sum()


def test_what_a_pool_rounds_is_not_lost_beside_large_sums():
    # 2^52 lots at 1000: one tick-lot of rounding is far below the last bit of the money as a float.
    lots = 2**52
    pair = (
        leg("ann", 1, lots, 1000, 3, money=1000 * lots + 1),
        leg("pool:v", -1, lots, 1000, 3, money=1000 * lots + 1),
    )
    flat = Paths({"m": [1000.0] * 4})
    assert role_transfers(fills(*pair), flat, ROLES, end=3).loc["pool", "noise"] == 1.0


def test_money_beyond_64_bits():
    huge = 2**53
    log = fills(leg("ann", 1, huge, huge, 0), leg("bob", -1, huge, huge, 0))
    table = pnl_by_role(log, FAIR, ROLES, end=3)
    assert table["pnl"].tolist() == table["pnl_net"].tolist()
    assert table.loc["lp", "pnl"] == pytest.approx(float(huge) * (huge - 100))
    ledger = _ledger([leg("ann", 1, huge, huge, 0), leg("bob", -1, huge, huge, 0)])
    assert sum(wealth_table(ledger, {"m": 0.1}, ROLES)["cash"].tolist()) == 0


def test_empty_logs():
    assert wealth_table(Ledger(), {}, {}).empty
    assert pnl_by_role(fills(), FAIR, ROLES, end=3).empty
    assert pnl_decomposition(fills(), FAIR, ROLES, end=3).empty
    assert role_transfers(fills(), FAIR, ROLES, end=3).to_dict() == {"fees": {"fees": 0.0}}
