"""The concentrated pool: published amounts, the limit of a full range, orders, and whole runs."""

from __future__ import annotations

from math import log

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from marketsim.simulation import Simulation
from marketsim.types import Burn, Expired, Fill, Liquidity, Mint, Order, Reason, Rejected, TimeInForce, market_order
from tests.concentrated_orders import BUY, SELL, UNIT, WHOLE, Accounts, M, everything, make, order
from venues.concentrated import ConcentratedPool
from venues.concentrated_math import Q96, sqrt_price_at
from venues.constant_product import swap_exact_in, swap_exact_out

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
