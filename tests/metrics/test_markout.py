import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.metrics import (
    columns_of,
    half_spreads,
    markout_table,
    markouts,
    markouts_to_mid,
    role_of,
    spread_legs,
    spread_table,
)
from tests.metrics.build import Paths, fills, leg, quotes

ROLES = {"ann": "noise", "bob": "lp"}


def test_first_trade_of_glosten_and_milgrom():
    # Value 0 or 1000, prior one half, informed share mu = 0.3: the ask is 500 (1 + mu), and so is the posterior mean
    # after a buy. Effective half-spread and impact are both mu / 2, the realised half-spread is nothing.
    log = fills(leg("ann", 1, 1, 650, 0, mid_before=500.0), leg("ann", -1, 1, 350, 4, mid_before=500.0))
    history = quotes((0, 600, 700, 650), (4, 300, 400, 350))
    legs = spread_legs(log, reference="mid_before", horizon=0, end=9, quotes=history)
    assert legs["effective"].tolist() == [150.0, 150.0]
    assert legs["impact"].tolist() == [150.0, 150.0]
    assert legs["realised"].tolist() == [0.0, 0.0]


def test_roll_price_is_the_value_plus_a_constant_half_spread():
    rng = np.random.default_rng(1)
    value = 1000 + np.cumsum(rng.integers(-3, 4, 200)).astype(float)
    sign = rng.choice([-1, 1], 200)
    log = fills(*(leg("ann", int(q), 1, int(m + 5 * q), t) for t, (q, m) in enumerate(zip(sign, value, strict=True))))
    table = spread_table(spread_legs(log, reference="fair", horizon=0, end=199, fair=Paths({"m": value})), ROLES)
    assert table.query("role == 'noise'")["effective"].tolist() == [5.0]


FAIR = Paths({"m": [100.0, 101.0, 103.0, 98.0]})
TRADE = fills(
    leg("ann", 1, 2, 102, 1, mid_before=100.5, mid_after=101.5),
    leg("bob", -1, 2, 102, 1, liquidity="maker", mid_before=100.5, mid_after=101.5),
)


def test_markouts_by_hand():
    found = markouts(TRADE, FAIR, [0, 1, 2, 3], end=3)
    assert found[0].tolist()[:3] == [-1.0, 1.0, -4.0]
    assert found[1].tolist()[:3] == [1.0, -1.0, 4.0]
    assert np.isnan(found[:, 3]).all()


def test_markout_ends_with_the_run_though_the_fair_value_goes_on():
    assert np.isnan(markouts(TRADE, FAIR, [1], end=1)).all()
    assert not np.isnan(markouts(TRADE, FAIR, [1], end=2)).any()


def test_markouts_to_the_mid_use_the_last_two_sided_quote():
    history = quotes((1, 100, 102, None), (2, 99, None, None), (3, 104, 106, 102), (3, 108, 110, 102))
    found = markouts_to_mid(TRADE, history, [0, 1, 2, 3], end=3)
    # Mids 101 at step 1, still 101 at step 2 (one side empty), 109 at the end of step 3.
    assert found[0].tolist()[:3] == [-1.0, -1.0, 7.0]
    assert np.isnan(found[0, 3])
    early = fills(leg("ann", 1, 1, 102, 0))
    assert np.isnan(markouts_to_mid(early, history, [0], end=3)).all()


def test_mids_are_those_of_the_fills_own_venue_and_market():
    other = quotes((0, 8, 12, None), market="n", venue="w")
    assert np.isnan(markouts_to_mid(TRADE, other, [0], end=3)).all()
    theirs = fills(leg("ann", 1, 1, 9, 0, market="n", venue="w"))
    assert markouts_to_mid(theirs, other, [0], end=3).tolist() == [[1.0]]


def test_markout_table_by_hand():
    log = fills(
        leg("ann", 1, 2, 102, 1), leg("bob", -1, 2, 102, 1, liquidity="maker"),
        leg("ann", 1, 6, 100, 2), leg("bob", -1, 6, 100, 2, liquidity="maker"),
        leg("pool:amm", 1, 1, 99, 3, liquidity="maker"),
    )  # fmt: skip
    table = markout_table(log, markouts(log, FAIR, [0, 1], end=3), [0, 1], ROLES)
    rows = table.set_index(["role", "liquidity", "horizon"])
    noise = rows.loc[("noise", "taker", 0)]  # -1 on 2 lots, +3 on 6 lots
    assert noise[["fills", "lots", "missing", "per_fill", "per_lot", "total"]].tolist() == [2, 8, 0, 1.0, 2.0, 16.0]
    assert rows.loc[("lp", "maker", 1), "total"] == -(2 * 1.0 + 6 * -2.0)
    pool = rows.loc[("pool", "maker", 1)]
    assert pool[["fills", "missing", "missing_lots", "total"]].tolist() == [1, 1, 1, 0.0]
    assert np.isnan(pool["per_lot"])
    assert np.isnan(pool["per_fill"])


def test_markout_table_groups_by_anything_in_the_log():
    table = markout_table(TRADE, markouts(TRADE, FAIR, [0], end=3), [0], ROLES, by=("owner",))
    assert table["owner"].tolist() == ["ann", "bob"]
    assert table["total"].tolist() == [-2.0, 2.0]


@pytest.mark.parametrize("by", [(), ("age",), ("quantity",)])
def test_markout_table_refuses_unknown_groups(by):
    with pytest.raises(ConfigError, match="by:"):
        markout_table(TRADE, markouts(TRADE, FAIR, [0], end=3), [0], ROLES, by=by)


def test_markout_table_refuses_markouts_of_another_log():
    with pytest.raises(ConfigError, match="shape"):
        markout_table(TRADE, np.zeros((3, 1)), [0], ROLES)


@pytest.mark.parametrize("horizon", [-1, 1.0, True, None])
def test_markouts_refuse_bad_horizons(horizon):
    with pytest.raises(ConfigError, match="horizon"):
        markouts(TRADE, FAIR, [horizon], end=3)


def test_every_form_of_a_log_gives_the_same():
    for form in (TRADE.columns(), TRADE.frame()):
        assert np.array_equal(markouts(form, FAIR, [0, 1], end=3), markouts(TRADE, FAIR, [0, 1], end=3))
        assert markout_table(form, np.ones((2, 1)), [0], ROLES)["role"].tolist() == ["lp", "noise"]


def test_a_missing_column_is_named():
    with pytest.raises(ConfigError, match="price"):
        columns_of({"time": np.zeros(1)}, "time", "price")


def test_accounts_that_are_no_agents_have_their_prefix_as_role():
    assert [role_of(name, ROLES) for name in ("bob", "tape:replay", "eve")] == ["lp", "tape", "eve"]


def test_spreads_by_hand():
    table = spread_legs(TRADE, reference="fair", horizon=1, end=3, fair=FAIR)
    assert table["leg"].tolist() == [0]
    assert table[["effective", "realised", "impact"]].to_numpy().tolist() == [[1.0, -1.0, 2.0]]
    history = quotes((2, 99, 104, 102))
    before, after = (
        spread_legs(TRADE, reference=name, horizon=1, end=3, quotes=history) for name in ("mid_before", "mid_after")
    )
    assert before[["effective", "realised", "impact"]].to_numpy().tolist() == [[1.5, 0.5, 1.0]]
    assert after[["effective", "realised", "impact"]].to_numpy().tolist() == [[0.5, 0.5, 0.0]]


def test_auction_legs_are_reported_each_with_its_own_side_and_cancel_over_a_clear():
    log = fills(
        leg("ann", 1, 4, 102, 1, liquidity="auction"),
        leg("bob", -1, 3, 102, 1, liquidity="auction"),
        leg("eve", -1, 1, 102, 1, liquidity="auction"),
    )
    table = spread_table(spread_legs(log, reference="fair", horizon=2, end=3, fair=FAIR), ROLES).set_index("role")
    assert table.loc["noise", ["effective", "realised", "impact"]].tolist() == [1.0, 4.0, -3.0]
    assert table.loc["lp", ["effective", "realised", "impact"]].tolist() == [-1.0, -4.0, 3.0]
    assert table.loc["all", ["fills", "lots", "effective", "realised"]].tolist() == [3, 8, 0.0, 0.0]
    assert table.loc["all", "effective_per_fill"] == pytest.approx(-1 / 3)


def test_spread_table_counts_what_it_leaves_out():
    log = fills(leg("ann", 1, 2, 102, 1), leg("ann", 1, 5, 102, 3))
    table = spread_table(spread_legs(log, reference="fair", horizon=1, end=3, fair=FAIR), ROLES).set_index("role")
    assert table.loc["noise", ["fills", "lots", "missing", "effective"]].tolist() == [2, 7, 1, 1.0]


@pytest.mark.parametrize(
    "arguments",
    [
        {"reference": "mid", "horizon": 0, "end": 3},
        {"reference": "fair", "horizon": -1, "end": 3, "fair": FAIR},
        {"reference": "fair", "horizon": 1, "end": 3},
        {"reference": "mid_before", "horizon": 1, "end": 3},
    ],
)
def test_spreads_refuse_bad_arguments(arguments):
    with pytest.raises(ConfigError):
        spread_legs(TRADE, **arguments)


prices = st.floats(1.0, 1e6)


@given(st.sampled_from([-1.0, 1.0]), st.integers(1, 10**6), prices, prices)
def test_effective_is_realised_plus_impact(sign, price, before, after):
    effective, realised, impact = half_spreads(sign, float(price), before, after)
    assert effective == pytest.approx(realised + impact, rel=0, abs=1e-9)
    assert impact == pytest.approx(sign * (after - before), rel=0, abs=1e-9)


@given(
    st.sampled_from([-1.0, 1.0]), st.integers(1, 2**40), st.integers(1, 2**41), st.integers(1, 2**41)
)  # twice the mids
def test_against_mids_the_identity_is_exact(sign, price, before, after):
    effective, realised, impact = half_spreads(sign, float(price), before / 2, after / 2)
    assert effective == realised + impact
    assert impact == sign * (after / 2 - before / 2)


@settings(max_examples=40)
@given(st.integers(-(2**40), 2**40), st.integers(1, 2**20), st.lists(prices, min_size=4, max_size=4))
def test_maker_and_taker_markouts_are_exactly_opposite(price, quantity, path):
    log = fills(leg("ann", 1, quantity, price, 1), leg("bob", -1, quantity, price, 1, liquidity="maker"))
    found = markouts(log, Paths({"m": path}), [0, 1, 2], end=3)
    assert (found.sum(axis=0) == 0.0).all()
    totals = markout_table(log, found, [0, 1, 2], ROLES).groupby("horizon")["total"].sum()
    assert (totals == 0.0).all()


def test_empty_logs():
    log, history = fills(), quotes()
    assert markouts(log, FAIR, [0, 1], end=3).shape == (0, 2)
    assert markouts(TRADE, FAIR, [], end=3).shape == (2, 0)
    assert markouts_to_mid(log, history, [0, 1], end=3).shape == (0, 2)
    assert np.isnan(markouts_to_mid(TRADE, history, [0], end=3)).all()
    assert markout_table(log, np.empty((0, 2)), [0, 1], ROLES).empty
    for reference in ("fair", "mid_before"):
        legs = spread_legs(log, reference=reference, horizon=1, end=3, fair=FAIR, quotes=history)
        assert legs.empty
        assert spread_table(legs, ROLES).empty
