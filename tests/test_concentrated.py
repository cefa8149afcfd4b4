"""The concentrated pool: published amounts, the limit of a full range, positions and fees, and whole runs."""

from __future__ import annotations

from math import isqrt, log, sqrt

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.ledger import Ledger
from marketsim.simulation import Simulation
from marketsim.types import (
    Burn,
    Expired,
    Feed,
    Fill,
    Liquidity,
    Mint,
    Order,
    OrderKind,
    Reason,
    Rejected,
    Side,
    TimeInForce,
    limit_order,
    market_order,
)
from venues.concentrated import ConcentratedPool, range_share_market
from venues.concentrated_math import MAX_INDEX, MAX_SQRT_PRICE, MIN_SQRT_PRICE, Q96, sqrt_price_at, sqrt_price_of
from venues.constant_product import swap_exact_in, swap_exact_out

M = "ACME"
BUY, SELL = Side.BUY, Side.SELL
UNIT = 10**9  # lots and tick-lots in one unit of the published examples, where the price is about 1 tick
WHOLE = (-887_220, 887_220)


def order(side, quantity, *, owner="ann", order_id=1, tif=TimeInForce.IOC):
    return market_order(M, side, quantity=quantity, tif=tif)._replace(order_id=order_id, owner=owner, venue="amm")


def mint(liquidity, lower=None, upper=None, *, owner="lp"):
    return Mint(M, liquidity, lower, upper, 1, owner, "amm")


def burn(liquidity, lower=None, upper=None, *, owner="lp"):
    return Burn(M, liquidity, lower, upper, 1, owner, "amm")


def make(*positions, price=None, sqrt_price=None, fee_ppm=0, spacing=1):
    at = {"price": price} if price is not None else {"sqrt_price_x96": sqrt_price or Q96}
    return ConcentratedPool((M,), fee_ppm=fee_ppm, index_spacing=spacing, positions=positions, **at)


def everything(pool):
    """All that a refusal must leave alone."""
    held = {key: (at.liquidity, at.inside0, at.inside1, at.owed0, at.owed1) for key, at in pool._held.items()}
    edges = {index: (edge.gross, edge.outside0, edge.outside1) for index, edge in pool._edges.items()}
    return pool.snapshot(M), pool.reserves(M), pool.state(M), held, edges, pool._matches


class Accounts:
    """A ledger beside one pool: what each account would hold, and whether the pool's account follows its reserves."""

    def __init__(self, pool):
        self.pool, self.ledger, self.opening = pool, Ledger(), pool.reserves(M)

    def send(self, message, now=0):
        reports = self.pool.submit(message, now)
        self.ledger.post([report for report in reports if type(report) is Fill])
        self.ledger.check()
        assert self.reserves_by_account() == self.pool.reserves(M)
        assert min(self.pool.reserves(M)) >= 0
        return reports

    def has(self, owner, market=M):
        return self.ledger.cash.get(owner, 0), self.ledger.inventory.get(owner, {}).get(market, 0)

    def reserves_by_account(self):
        money, lots = self.has("pool:amm")
        return self.opening[0] + lots, self.opening[1] + money


# Published amounts


def test_the_reserves_of_a_range_are_those_of_the_formulas():
    # L = 1000 units over [0.81, 1.21] at price 1: x = 90.909091, y = 100; the nearest indices are 0.005 % off.
    base, money = make((-2107, 1906, 1000 * UNIT)).reserves(M)
    assert base / UNIT == pytest.approx(90.909091, rel=2e-4)
    assert money / UNIT == pytest.approx(100, rel=2e-4)
    assert base == pytest.approx(1000 * UNIT * (1 - 1.0001 ** (-1906 / 2)), abs=1)
    assert money == pytest.approx(1000 * UNIT * (1 - 1.0001 ** (-2107 / 2)), abs=1)


def test_buying_from_1_to_1_1_costs_the_geometric_mean_of_both_prices():
    pool = make((-2107, 1906, 1000 * UNIT))
    lots = 46_537_410_755
    taker, house = pool.submit(order(BUY, lots), 5)
    assert taker.money / UNIT == pytest.approx(48.808848, abs=1e-6)
    assert taker.money / taker.quantity == pytest.approx(1.0488088, abs=1e-7)
    assert (pool.snapshot(M).sqrt_price / Q96) ** 2 == pytest.approx(1.1, abs=1e-9)
    assert (taker.owner, taker.side, taker.order_id, taker.quantity, taker.fee) == ("ann", BUY, 1, lots, 0)
    assert (house.owner, house.side, house.order_id, house.quantity, house.fee) == ("pool:amm", SELL, 0, lots, 0)
    assert taker.match_id == house.match_id
    assert (taker.liquidity, house.liquidity, taker.price) == (Liquidity.TAKER, Liquidity.MAKER, 1)


def test_capital_efficiency_over_the_full_range():
    # 1 / (1 - (Pa / Pb) ** (1/4)) at the geometric mean of the ends: the same money, that many times the depth.
    lower, upper = -2007, 2007  # as wide as [0.81, 1.21], to one index
    narrow, full = make((lower, upper, 1000 * UNIT)), make((*WHOLE, 1000 * UNIT))
    ratio = sum(full.reserves(M)) / sum(narrow.reserves(M))
    assert ratio == pytest.approx(1 / (1 - 1.0001 ** ((lower - upper) / 4)), rel=1e-6)
    assert ratio == pytest.approx(10.475, abs=0.005)


def test_a_fee_of_3000_ppm_on_the_full_range_gives_the_constant_product_vector():
    # x = y = 1000, dx = 100, keep 0.997: dy = 90.661089388.
    pool = make((*WHOLE, 1000 * UNIT), fee_ppm=3000, spacing=60)
    taker = pool.submit(order(SELL, 100 * UNIT), 0)[0]
    assert taker.money == 90_661_089_388


@given(
    st.integers(1, 10**6),
    st.integers(10**6, 10**13),
    st.integers(1, 10**12),
    st.sampled_from([BUY, SELL]),
    st.sampled_from([0, 500, 3000, 10_000]),
)
def test_the_full_range_is_a_constant_product(price, liquidity, quantity, side, fee_ppm):
    pool = make((*WHOLE, liquidity), price=price, fee_ppm=fee_ppm, spacing=60)
    root = pool.snapshot(M).sqrt_price
    base, money = liquidity * Q96 // root, liquidity * root // Q96
    available, amount = pool.estimate_impact(M, side, quantity)
    if available < quantity:
        assert (side is BUY and quantity >= base - 1) or amount == 0
        return
    # What one lot more or less is worth, and a unit for each stretch of indices that the price moves through.
    near = 4 + (3 * money // base if base else 0) + int(2 * log(1 + quantity / max(base, 1)) / 1e-4 / (256 * 60))
    if side is SELL:
        expected = swap_exact_in(base, money, quantity, fee_ppm=fee_ppm)
        assert expected - near <= amount <= expected + near
    elif quantity * 2 < base:
        expected = swap_exact_out(money, base, quantity, fee_ppm=fee_ppm)
        assert abs(amount - expected) <= 4 * near + expected // 10**6


# Orders


def test_a_trade_crosses_ranges_both_ways_and_comes_back():
    inner, outer = (-100, 100, 500 * UNIT), (-1000, 1000, 300 * UNIT)
    pool = make(inner, outer)
    assert pool.snapshot(M).liquidity == 800 * UNIT
    for side, beyond in ((BUY, 101), (SELL, -101)):
        accounts = Accounts(pool)
        opening = pool.snapshot(M)
        there = accounts.send(order(side, 10 * UNIT))[0]
        crossed = pool.snapshot(M)
        assert crossed.liquidity == 300 * UNIT
        assert crossed.price_index >= beyond if side is BUY else crossed.price_index < beyond
        back = accounts.send(order(side.opposite, 10 * UNIT))[0]
        assert pool.snapshot(M).liquidity == 800 * UNIT
        assert 0 <= side * (there.money - back.money) <= 8
        assert pool.snapshot(M).sqrt_price == pytest.approx(opening.sqrt_price, rel=1e-9)


def test_a_gap_without_liquidity_is_jumped_and_shown():
    pool = make((-200, -100, 10**12), (100, 200, 10**12))
    bid, ask = pool.state(M)[:2]
    assert (bid, ask) == (0, 2)  # 0.990 ticks rounded down, 1.010 rounded up
    shifted = make((80_000, 80_100, 10**12), (81_000, 81_100, 10**12), sqrt_price=sqrt_price_at(80_500))
    bid, ask = shifted.state(M)[:2]
    assert (bid, ask) == (int(1.0001**80_100), int(1.0001**81_000) + 1)
    assert shifted.submit(order(SELL, 10**6), 0)[0].price in {bid, bid + 1}
    assert shifted.state(M)[:2] == (bid, bid + 1)  # what it bought it sells again: the price has come down the gap


def test_the_published_prices_are_marginal_prices_after_the_fee():
    pool = make((60_000, 90_000, 10**13), price=2500, fee_ppm=3000)
    assert pool.state(M)[:2] == (2492, 2508)  # 2500 * 0.997 = 2492.5, 2500 / 0.997 = 2507.5
    assert pool.submit(order(BUY, 10**6), 0)[0].price == 2508
    assert pool.submit(order(SELL, 10**6), 0)[0].price in {2492, 2493}
    assert pool.state(M).last_price in {2492, 2493}
    assert pool.state(M).mid == 2500


def test_the_rest_of_an_order_beyond_the_last_range_expires():
    pool = make((-1000, 1000, 1000 * UNIT))
    base, money = pool.reserves(M)
    fills = pool.submit(order(BUY, base * 2), 3)
    assert [type(report) for report in fills] == [Fill, Fill, Expired]
    assert fills[2] == Expired(1, "ann", M, "amm", 3, base * 2 - fills[0].quantity)
    assert base - 5 <= fills[0].quantity <= base  # a lot less for each of the steps it takes
    assert pool.state(M).best_ask is None
    assert pool.state(M).mid is None
    assert fills[0].mid_before == 1
    assert fills[0].mid_after is None
    answer = pool.submit(order(BUY, 5, order_id=2), 4)
    assert [(type(report), report.reason) for report in answer] == [(Rejected, Reason.NO_LIQUIDITY)]
    sold = pool.submit(order(SELL, base * 5, order_id=3), 5)
    assert sold[0].quantity + sold[2].quantity == base * 5
    assert pool.state(M).best_bid is None
    assert pool.state(M).best_ask is not None
    assert pool.reserves(M)[1] <= 10
    assert money - 10 <= sold[0].money - fills[0].money <= money


def test_fill_or_kill_trades_in_full_or_changes_nothing():
    pool = make((-1000, 1000, 1000 * UNIT))
    base, _ = pool.reserves(M)
    before = everything(pool)
    assert pool.submit(order(BUY, base * 2, tif=TimeInForce.FOK), 3) == [Expired(1, "ann", M, "amm", 3, base * 2)]
    assert everything(pool) == before
    assert [type(report) for report in pool.submit(order(BUY, base // 2, tif=TimeInForce.FOK), 3)] == [Fill, Fill]


def test_less_than_a_lot_is_no_ask():
    pool = make((75_000, 81_000, 1), price=2500)
    assert pool.reserves(M) == (1, 8)  # a fiftieth of a lot, and 7.4 tick-lots
    assert pool.state(M)[:2] == (2500, None)
    assert pool.estimate_impact(M, BUY, 1) == (0, 0)
    assert pool.submit(order(BUY, 1), 0)[0].reason is Reason.NO_LIQUIDITY


def test_a_sell_that_would_be_paid_nothing_is_refused():
    pool = make((-1000, 1000, 1000 * UNIT), fee_ppm=3000)
    before = everything(pool)
    (answer,) = pool.submit(order(SELL, 1), 0)
    assert answer.reason is Reason.NO_LIQUIDITY
    assert pool.estimate_impact(M, SELL, 1) == (0, 0)
    assert everything(pool) == before
    assert pool.submit(order(SELL, 1000), 0)[0].money == 996  # 1000 less a fee of 3, and the pool's rounding


@given(st.integers(1, 2**53), st.sampled_from([BUY, SELL]), st.sampled_from([0, 3000]))
def test_the_estimate_is_the_trade_and_an_old_state_keeps_its_own(quantity, side, fee_ppm):
    pool = make((-100, 100, 10**12), (-5000, 3000, 10**13), fee_ppm=fee_ppm)
    old = pool.state(M)
    assert pool.state(M) is old
    estimate = pool.estimate_impact(M, side, quantity)
    assert old.estimate(side, quantity) == estimate
    assert pool.state(M) is old
    reports = pool.submit(order(side, quantity), 0)
    fills = [report for report in reports if type(report) is Fill]
    assert (fills[0].quantity, fills[0].money) == estimate if fills else estimate == (0, 0)
    assert old.estimate(side, quantity) == estimate
    assert sum(report.quantity for report in reports if type(report) is Expired) + estimate[0] == quantity or not fills


@given(st.integers(1, 10**15), st.integers(1, 10**15), st.sampled_from([BUY, SELL]), st.sampled_from([0, 1, 3000]))
def test_a_round_trip_never_profits(quantity, size, side, fee_ppm):
    pool = make((-100, 100, size), (-5000, 60, 10**9), (70, 3000, 10**12), fee_ppm=fee_ppm)
    accounts = Accounts(pool)
    accounts.send(order(side, quantity))
    _, lots = accounts.has("ann")
    if lots:
        accounts.send(order(SELL if lots > 0 else BUY, abs(lots)))
    money, lots = accounts.has("ann")
    assert lots or money <= 0


# Refusals

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


# Positions and fees


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


# Whole runs


@define
class Trader:
    agent_id: str
    arrival_rate: float = 20.0
    observation: list = field(factory=list)

    def arrive(self, ctx):
        side = BUY if ctx.rng.random() < 0.5 else SELL
        quantity = int(ctx.rng.integers(1, 10**6))
        self.observation.append(ctx.estimate_impact(M, side, quantity))
        ctx.submit(market_order(M, side, quantity=quantity))


@define
class Provider:
    agent_id: str
    review_interval: int = 50
    market_data_delay: int = 3
    held: list = field(factory=list)

    def review(self, ctx):
        state = ctx.state(M)
        assert state.estimate(BUY, 10)[0] in {0, 10}
        if self.held and ctx.rng.random() < 0.4:
            ctx.submit(Burn(M, *self.held.pop()))
        else:
            lower = 60 * int(ctx.rng.integers(1270, 1310))
            entry = (int(ctx.rng.integers(1, 10**9)), lower, lower + 60 * int(ctx.rng.integers(1, 30)))
            self.held.append(entry)
            ctx.submit(Mint(M, *entry))


def run(seed):
    pool = make((75_000, 81_000, 10**9), price=2500, fee_ppm=3000, spacing=60)
    opening = pool.reserves(M)
    agents = [Trader("t1"), Trader("t2"), Provider("p1"), Provider("p2")]
    return pool, opening, Simulation(venues={"amm": pool}, agents=agents, seed=seed).run(4000)


def test_in_a_run_the_pools_account_follows_its_reserves_exactly():
    pool, (base, money), result = run(11)
    ledger = result.ledger
    assert pool.reserves(M) == (base + ledger.inventory["pool:amm"][M], money + ledger.cash["pool:amm"])
    assert ledger.fees == {}
    frame = result.fills.frame()
    assert (frame.liquidity == "transfer").sum() > 20
    assert (frame.liquidity == "taker").sum() > 100
    assert set(frame.groupby("match_id").size()) == {2}
    assert set(result.orders.frame().outcome) <= {"filled", "expired", "rejected"}
    for account, held in ledger.inventory.items():
        for market, lots in held.items():
            if market != M and account != "pool:amm":
                lower, upper = map(int, market.partition("[")[2][:-1].split(","))
                assert pool.held(M, account, lower, upper) == lots


def test_the_same_seed_gives_the_same_log():
    digests = [run(seed)[2].fills.digest() for seed in (3, 3, 4)]
    assert digests[0] == digests[1] != digests[2]


def test_orders_are_named_tuples_of_the_seam():
    assert ConcentratedPool.messages == (Order, Mint, Burn)
