"""The constant-product pool: published numbers, then examples, then a simulation."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt, sqrt
from types import SimpleNamespace

import numpy as np
import pytest
from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.fairvalue import ConstantFairValue
from marketsim.simulation import Simulation
from marketsim.types import Burn, Fill, Liquidity, Mint, Order, Reason, Rejected, Side, TimeInForce, market_order
from tests.constant_product_orders import ACME, SCALE, burn, make_pool, mint, money_of, order, snapshot
from tests.pool_losses import loss_versus_rebalancing
from venues.constant_product import ConstantProduct
from venues.pool_measures import impermanent_loss, lvr_rate

# Published numbers


def test_swap_with_fee_gives_the_textbook_amount_product_and_price():
    pool = make_pool(1000 * SCALE, 1000 * SCALE, fee_ppm=3000)
    received = money_of(pool.submit(order(Side.SELL, 100 * SCALE), 0))
    base, quote = (reserve / SCALE for reserve in pool.reserves(ACME))
    assert received / SCALE == pytest.approx(90.661089388, abs=5e-10)
    assert base * quote == pytest.approx(1_000_272.801673, abs=5e-7)
    assert quote / base == pytest.approx(0.826671737, abs=5e-10)


def test_arbitrage_to_an_outside_price_of_1_21_buys_9_09_for_10_and_gains_1():
    def gain(quantity):
        return quantity * Fraction(121, 100) - money_of(
            make_pool(100 * SCALE, 100 * SCALE).submit(order(Side.BUY, quantity), 0)
        )

    best = 100 * SCALE - isqrt(100 * SCALE * 100 * SCALE * 100 // 121)
    assert best / SCALE == pytest.approx(9.090909, abs=5e-7)
    assert best * Fraction(121, 100) - gain(best) == pytest.approx(10 * SCALE, abs=3)
    assert abs(gain(best) - SCALE) < 3
    assert gain(best) > max(gain(best - SCALE // 1000), gain(best + SCALE // 1000))


@pytest.mark.parametrize(
    ("ratio", "loss"), [(1.25, -0.006192), (2.0, -0.057191), (0.5, -0.057191), (4.0, -0.2), (0.25, -0.2), (1.0, 0.0)]
)
def test_impermanent_loss_table_and_the_same_loss_in_a_pool_that_was_arbitraged(ratio, loss):
    assert impermanent_loss(ratio) == pytest.approx(loss, abs=5e-7)
    pool = make_pool(100 * SCALE, 100 * SCALE)
    target = round(100 * SCALE / sqrt(ratio))
    if target != 100 * SCALE:
        side = Side.BUY if ratio > 1 else Side.SELL
        pool.submit(order(side, abs(100 * SCALE - target)), 0)
    base, quote = pool.reserves(ACME)
    held = 100 * SCALE * ratio + 100 * SCALE
    assert (base * ratio + quote) / held - 1 == pytest.approx(impermanent_loss(ratio), abs=1e-11)


def test_loss_versus_rebalancing_is_sigma_squared_over_8_of_the_value():
    # GBM with sigma 0.2 over one year of 1000 steps, L = 1: .00998 expected. Each path is compared with the integral of
    # its own rate, which leaves the noise of the squared returns: sqrt(2 / 1000) of the loss a path, 0.8 % over 30.
    steps, paths, sigma, unit = 1000, 30, 0.2, 10**9
    rng = np.random.default_rng(20220815)
    returns = rng.normal(-(sigma**2) / 2 / steps, sigma / sqrt(steps), size=(paths, steps))
    losses, expected = [], []
    for path in np.exp(np.cumsum(returns, axis=1)):
        ticks = path * unit
        pool = ConstantProduct((ACME,), base=unit, quote=unit * unit)
        fills, rate = [], lvr_rate(sigma**2 / steps, 2.0)
        for time, price in enumerate(path):
            base, _ = pool.reserves(ACME)
            wanted = base - round(unit / sqrt(price))
            if wanted:
                fills += pool.submit(order(Side.BUY if wanted > 0 else Side.SELL, abs(wanted)), time)
            rate += lvr_rate(sigma**2 / steps, 2 * sqrt(price))
        truth = SimpleNamespace(at=lambda _market, time, ticks=ticks: float(ticks[time]))
        losses.append(loss_versus_rebalancing(fills, truth, account="pool:amm", end=steps) / unit / unit)
        expected.append(rate)
    assert np.mean(expected) == pytest.approx(0.00998, rel=0.05)
    assert np.mean(losses) == pytest.approx(np.mean(expected), rel=0.033)  # four standard errors


# Examples


def test_both_legs_of_a_buy_and_what_the_public_sees_of_it():
    pool = make_pool(1000, 100_000, fee_ppm=3000)
    reports = pool.submit(order(Side.BUY, 200), 7)
    # 100000 x 200 / 800 = 25000, over 0.997 is 25075.2.
    taker = Fill(1, 1, "ann", ACME, "amm", 7, Side.BUY, 200, 125, 25_076, 0, Liquidity.TAKER, 100.0, 156.0)
    assert reports == [
        taker,
        taker._replace(order_id=0, owner="pool:amm", side=Side.SELL, liquidity=Liquidity.MAKER),
    ]
    assert pool.reserves(ACME) == (800, 125_076)
    assert pool.state(ACME)[:5] == (155, 157, (), (), 125)  # 156.345 x .997 = 155.9 down, / .997 = 156.8 up


def test_the_fee_of_a_sell_is_taken_in_lots_and_stays():
    free, charged = make_pool(10**9, 10**11), make_pool(10**9, 10**11, fee_ppm=500_000)
    half = money_of(free.submit(order(Side.SELL, 10**6), 0))
    assert money_of(charged.submit(order(Side.SELL, 2 * 10**6), 0)) == half
    assert charged.reserves(ACME) == (10**9 + 2 * 10**6, 10**11 - half)


def test_legs_of_mint_and_burn():
    pool = make_pool(1000, 100_000)  # 10000 shares
    first = pool.submit(mint(15), 3)  # 1.5 lots up to 2, 150 tick-lots
    assert [
        (leg.match_id, leg.order_id, leg.owner, leg.market, leg.side, leg.quantity, leg.money) for leg in first
    ] == [
        (1, 0, "lp", ACME, Side.SELL, 2, 0),
        (1, 0, "pool:amm", ACME, Side.BUY, 2, 0),
        (2, 0, "lp", "ACME/shares", Side.BUY, 15, 150),
        (2, 0, "pool:amm", "ACME/shares", Side.SELL, 15, 150),
    ]
    assert {leg.liquidity for leg in first} == {Liquidity.TRANSFER}
    assert (pool.shares(ACME), pool.positions(ACME)) == (10_015, {"lp": 15})
    last = pool.submit(burn(15), 4)  # 1.5007 lots down to 1, 150 tick-lots
    assert [(leg.side, leg.quantity, leg.money) for leg in last if leg.owner == "lp"] == [
        (Side.BUY, 1, 0),
        (Side.SELL, 15, 150),
    ]
    assert (pool.shares(ACME), pool.positions(ACME), pool.reserves(ACME)) == (10_000, {}, (1001, 100_000))


def test_a_burn_worth_less_than_a_lot_pays_money_only():
    pool = make_pool(10, 10**9)  # 100000 shares, 10 lots
    pool.submit(mint(100), 0)
    reports = pool.submit(burn(100), 1)
    assert [(leg.owner, leg.market, leg.side) for leg in reports] == [
        ("lp", "ACME/shares", Side.SELL),
        ("pool:amm", "ACME/shares", Side.BUY),
    ]


def test_a_mint_deepens_the_pool_and_changes_the_state_but_not_the_last_price():
    pool = make_pool(10_000, 1_000_000)
    pool.submit(order(Side.BUY, 100), 0)
    before = pool.state(ACME)
    pool.submit(mint(pool.shares(ACME)), 1)
    after = pool.state(ACME)
    assert after.last_price == before.last_price == 101
    assert after.estimate(Side.BUY, 5000)[1] < before.estimate(Side.BUY, 5000)[1]


@pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK])
@pytest.mark.parametrize(("side", "quantity"), [(Side.BUY, 1000), (Side.BUY, 1001), (Side.BUY, 2**53), (Side.SELL, 1)])
def test_no_price_for_the_whole_reserve_and_no_sale_for_nothing(side, quantity, tif):
    pool = make_pool(1000, 900)
    before = snapshot(pool)
    (report,) = pool.submit(order(side, quantity, tif=tif), 5)
    assert (type(report), report.reason, report.order_id, report.owner) == (
        Rejected,
        Reason.NO_LIQUIDITY,
        1,
        "ann",
    )
    assert pool.state(ACME) is before[3]
    assert snapshot(pool) == before


def test_fok_trades_in_full_like_ioc():
    fills = make_pool().submit(order(Side.BUY, 999, tif=TimeInForce.FOK), 0)
    assert fills == make_pool().submit(order(Side.BUY, 999), 0)
    assert fills[0].quantity == 999


def test_only_the_last_lot_is_never_offered():
    pool = make_pool(2, 100)
    pool.submit(order(Side.BUY, 1), 0)
    assert pool.reserves(ACME) == (1, 200)
    assert (pool.state(ACME).best_bid, pool.state(ACME).best_ask, pool.state(ACME).mid) == (200, None, None)


def test_loss_versus_rebalancing_counts_trades_of_the_account_only():
    pool = make_pool(1000, 100_000)
    reports = pool.submit(mint(100), 0) + pool.submit(order(Side.SELL, 500), 1) + pool.submit(order(Side.BUY, 100), 2)
    truth = ConstantFairValue({ACME: 100.0, "ACME/shares": 1.0})
    paid, received = reports[4].money, reports[6].money
    expected = (paid - 50_000) + (10_000 - received)
    assert loss_versus_rebalancing(reports, truth, account="pool:amm", end=2) == expected
    assert loss_versus_rebalancing(reports, truth, account="ann", end=2) == -expected


def test_a_venue_clock_is_not_needed():
    pool = make_pool()
    assert (pool.clock(5), pool.next_clock(5)) == ([], None)


# In a simulation


@define
class Noise:
    agent_id: str
    arrival_rate: float = 200.0
    refused: int = 0

    def arrive(self, ctx):
        side = Side.BUY if ctx.rng.integers(2) else Side.SELL
        ctx.submit(market_order(ACME, side, quantity=int(ctx.rng.integers(1, 2000))))

    def report(self, ctx, report):
        self.refused += type(report) is Rejected


@define
class Provider:
    agent_id: str
    review_interval: int = 100
    minted: int = 0

    def review(self, ctx):
        if ctx.now % 400:
            ctx.submit(Mint(ACME, 777))
            self.minted += 777
        else:
            ctx.submit(Burn(ACME, 1500))
            self.minted -= 1500


@settings(max_examples=5)
@given(st.integers(0, 2**32), st.sampled_from([0, 3000]))
def test_in_a_simulation_the_account_and_the_opening_reserves_are_the_reserves(seed, fee_ppm):
    pool = make_pool(10_000, 1_000_000, fee_ppm=fee_ppm)
    noise, provider = Noise("noise"), Provider("lp")
    result = Simulation(venues={"amm": pool}, agents=[noise, provider], seed=seed).run(2000)
    account = result.ledger.inventory["pool:amm"]
    assert len(result.fills) > 300
    assert pool.reserves(ACME) == (10_000 + account[ACME], 1_000_000 + result.ledger.cash["pool:amm"])
    assert pool.positions(ACME) == {"lp": provider.minted}
    assert account["ACME/shares"] == -provider.minted
    assert result.ledger.inventory["lp"]["ACME/shares"] == provider.minted
    assert result.ledger.fees == {}
    assert Order in pool.messages
