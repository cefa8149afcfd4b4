"""The concentrated pool: positions and the fees that they earn."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.types import Liquidity, Rejected
from tests.concentrated_orders import BUY, SELL, WHOLE, Accounts, M, burn, everything, make, mint, order
from venues.concentrated import range_share_market


def test_a_mint_buys_shares_for_both_sides_of_the_range():
    pool = make(price=2500, spacing=60)
    accounts = Accounts(pool)
    reports = accounts.send(mint(10**9, 75_000, 81_000), 4)
    shares = range_share_market(M, 75_000, 81_000)
    assert [(fill.market, fill.owner, fill.side) for fill in reports] == [
        (M, "lp", SELL),
        (M, "pool:amm", BUY),
        (shares, "lp", BUY),
        (shares, "pool:amm", SELL),
    ]
    base, money = pool.reserves(M)
    assert [(fill.quantity, fill.money) for fill in reports[::2]] == [(base, 0), (10**9, money)]
    assert {(fill.liquidity, fill.order_id, fill.fee) for fill in reports} == {(Liquidity.TRANSFER, 0, 0)}
    assert len({fill.match_id for fill in reports}) == 2
    low, high = (1.0001 ** (index / 2) for index in (75_000, 81_000))
    assert base == pytest.approx(10**9 * (1 / sqrt(2500) - 1 / high), abs=1)
    assert money == pytest.approx(10**9 * (sqrt(2500) - low), abs=1)
    assert pool.held(M, "lp", 75_000, 81_000) == 10**9
    assert reports[0].mid_before is None
    assert reports[0].mid_after == 2500


@pytest.mark.parametrize(("lower", "upper", "base"), [(120, 240, True), (-240, -120, False)])
def test_a_range_beside_the_price_takes_one_side_only(lower, upper, base):
    pool = make(spacing=60)
    accounts = Accounts(pool)
    reports = accounts.send(mint(10**9, lower, upper))
    assert len(reports) == (4 if base else 2)
    assert [reserve > 0 for reserve in pool.reserves(M)] == [base, not base]
    assert (pool.state(M).best_ask is None, pool.state(M).best_bid is None) == (not base, base)


def test_no_range_means_the_whole_grid():
    pool = make(spacing=60)
    pool.submit(mint(10**9), 0)
    assert pool.held(M, "lp", *WHOLE) == 10**9
    assert pool.submit(burn(10**9, WHOLE[0]), 0)[-1].market == range_share_market(M, *WHOLE)
    assert pool.held(M, "lp", *WHOLE) == 0


def test_fees_go_to_the_liquidity_that_was_in_range_in_proportion():
    pool = make(fee_ppm=10_000, spacing=60)
    accounts = Accounts(pool)
    for owner, liquidity, lower, upper in (("one", 10**12, -600, 600), ("three", 3 * 10**12, -600, 600)):
        accounts.send(mint(liquidity, lower, upper, owner=owner))
    accounts.send(mint(10**12, 1200, 1800, owner="away"))
    accounts.send(order(SELL, 10**9))
    accounts.send(order(BUY, 99 * 10**7, order_id=2))  # what is left of the sell after its fee: back to the old price
    for owner, liquidity, lower, upper in (
        ("one", 10**12, -600, 600),
        ("three", 3 * 10**12, -600, 600),
        ("away", 10**12, 1200, 1800),
    ):
        accounts.send(burn(liquidity, lower, upper, owner=owner))
    # 1 % of a sell of 10**9 lots, and 1 / 99 of the money for the lots bought back.
    (money1, lots1), (money3, lots3), (money, lots) = (accounts.has(owner) for owner in ("one", "three", "away"))
    assert lots1 == pytest.approx(10**7 / 4, abs=3)
    assert lots3 == pytest.approx(3 * 10**7 / 4, abs=3)
    assert money3 == pytest.approx(3 * money1, abs=12)
    assert money1 + money3 == pytest.approx(10**7, rel=0.001)
    assert -2 <= money <= 0
    assert -2 <= lots <= 0
    assert all(0 <= reserve <= 6 for reserve in pool.reserves(M))


def test_liquidity_added_after_a_trade_earns_nothing_of_it_and_a_partial_burn_pays_all_fees():
    pool = make(fee_ppm=10_000, spacing=60)
    accounts = Accounts(pool)
    accounts.send(mint(10**12, -600, 600, owner="early"))
    accounts.send(order(SELL, 10**9))
    accounts.send(mint(10**12, -600, 600, owner="late"))
    before = accounts.has("early")
    accounts.send(burn(1, -600, 600, owner="early"))
    assert accounts.has("early")[1] - before[1] == pytest.approx(10**7, abs=2)
    again = accounts.has("early")
    accounts.send(burn(1, -600, 600, owner="early"))
    assert accounts.has("early") == again
    accounts.send(burn(10**12, -600, 600, owner="late"))
    money, lots = accounts.has("late")
    assert -2 <= money <= 0
    assert -2 <= lots <= 0


def test_fees_of_a_position_that_grows_are_kept_apart_from_its_new_liquidity():
    pool = make((-600, 600, 10**12), fee_ppm=10_000, spacing=60)
    accounts = Accounts(pool)
    accounts.send(mint(10**12, -600, 600))
    accounts.send(order(SELL, 10**9))
    accounts.send(mint(8 * 10**12, -600, 600))
    accounts.send(order(BUY, 99 * 10**7, order_id=2))
    accounts.send(burn(9 * 10**12, -600, 600))
    # Half of the sell and of its fee, against nine tenths of the buy.
    assert accounts.has("lp")[1] == pytest.approx(10**9 / 2 - 99 * 10**7 * 9 / 10, abs=5)


def test_fees_in_money_add_up_over_mints():
    pool = make(fee_ppm=10_000, spacing=60)
    accounts = Accounts(pool)
    accounts.send(mint(10**12, -600, 600))
    for number in range(1, 4):
        accounts.send(order(BUY, 99 * 10**7, order_id=number))
        accounts.send(mint(1, -600, 600))
        accounts.send(order(SELL, 10**9, order_id=number))
        accounts.send(mint(1, -600, 600))
    accounts.send(burn(10**12 + 6, -600, 600))
    money, lots = accounts.has("lp")
    assert money == pytest.approx(3 * 10**7, rel=0.01)
    assert lots == pytest.approx(3 * 10**7, abs=30)


actions = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "mint", "burn"]),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from([1, 2, 7, 10**3, 10**6, 10**9, 2**53]) | st.integers(1, 10**12),
        st.integers(-6, 5),
        st.integers(1, 6),
    ),
    max_size=25,
)


def perform(accounts, steps):
    pool, shares = accounts.pool, {}
    for number, (what, owner, size, lower, width) in enumerate(steps, start=1):
        range_ = (60 * lower, 60 * (lower + width))
        if what in {"buy", "sell"}:
            accounts.send(order(BUY if what == "buy" else SELL, size, owner=owner, order_id=number))
            continue
        message = (mint if what == "mint" else burn)(size, *range_, owner=owner)
        before = everything(pool)
        answer = accounts.send(message)
        if type(answer[0]) is Rejected:
            assert what == "burn"
            assert size > shares.get((owner, range_), 0)
            assert everything(pool) == before
        else:
            shares[owner, range_] = shares.get((owner, range_), 0) + (size if what == "mint" else -size)
    return shares


@given(actions, st.sampled_from([0, 1, 3000, 500_000]), st.booleans())
def test_everything_can_be_burned_and_what_is_left_is_rounding(steps, fee_ppm, house):
    # The drain: whatever happened before, every position comes out, shares and ledger agree, and the pool can pay.
    pool = make(*([(-180, 240, 10**7)] if house else []), fee_ppm=fee_ppm, spacing=60)
    accounts = Accounts(pool)
    shares = perform(accounts, steps)
    for (owner, range_), liquidity in shares.items():
        assert accounts.has(owner, range_share_market(M, *range_))[1] == liquidity == pool.held(M, owner, *range_)
        while left := pool.held(M, owner, *range_):
            accounts.send(burn(min(left, 2**53), *range_, owner=owner))
    if house:
        pool._withdraw("", (-180, 240), 10**7)
    assert pool._edges == {}
    assert pool._held == {}
    assert pool.snapshot(M).liquidity == 0
    assert pool.snapshot(M).indices == ()
    assert pool.state(M).best_bid is None
    assert pool.state(M).best_ask is None
    crossings = 8 * (len(steps) + 2)
    assert all(0 <= reserve <= crossings * (1 + (fee_ppm > 0)) for reserve in pool.reserves(M))


@given(actions)
def test_minting_and_burning_at_one_price_never_profits(steps):
    pool = make((-600, 600, 10**9), spacing=60, fee_ppm=3000)
    accounts = Accounts(pool)
    shares = perform(accounts, [step for step in steps if step[0] in {"mint", "burn"}])
    for (owner, range_), liquidity in shares.items():
        while pool.held(M, owner, *range_):
            accounts.send(burn(min(liquidity, 2**53, pool.held(M, owner, *range_)), *range_, owner=owner))
    for owner in ("ann", "bob"):
        money, lots = accounts.has(owner)
        assert money <= 0
        assert lots <= 0


@given(st.integers(1, 10**12), st.sampled_from([0, 3000]))
def test_minting_around_a_trade_of_ones_own_never_profits(size, fee_ppm):
    # Fees that a trader pays come back to its own position at most; the others' never do.
    pool = make((-600, 600, 10**9), spacing=60, fee_ppm=fee_ppm)
    accounts = Accounts(pool)
    accounts.send(mint(10**9, -120, 120, owner="eve"))
    accounts.send(order(BUY, size, owner="eve"))
    accounts.send(burn(10**9, -120, 120, owner="eve"))
    _, lots = accounts.has("eve")
    if lots:
        accounts.send(order(SELL if lots > 0 else BUY, abs(lots), owner="eve", order_id=2))
    money, lots = accounts.has("eve")
    assert lots or money <= 0
