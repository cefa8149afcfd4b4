"""The constant-product pool: published numbers, then properties of its integers, then examples."""

from __future__ import annotations

from fractions import Fraction
from math import inf, isqrt, nan, sqrt
from types import SimpleNamespace

import numpy as np
import pytest
from attrs import define
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.fairvalue import ConstantFairValue
from marketsim.ledger import Ledger
from marketsim.simulation import Simulation
from marketsim.types import (
    Burn,
    Fill,
    Liquidity,
    Mint,
    Order,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Settle,
    Side,
    TimeInForce,
    limit_order,
    market_order,
)
from venues.constant_product import ConstantProduct, swap_exact_in, swap_exact_out
from venues.pool import nearest_tick
from venues.pool_measures import impermanent_loss, loss_versus_rebalancing, lvr_rate

ACME = "ACME"
# Reals become integers at this many units to 1.0; results then err by rounding only, 1e-12 a swap.
SCALE = 10**12

amounts = st.one_of(st.integers(1, 4), st.integers(1, 10**6), st.integers(2**53 - 4, 2**53))
fees = st.one_of(st.just(0), st.sampled_from([1, 3000, 999_999]), st.integers(0, 999_999))
sides = st.sampled_from(Side)


def make_pool(base=1000, quote=100_000, **options):
    return ConstantProduct((ACME,), base=base, quote=quote, **options)


def order(side, quantity, *, tif=TimeInForce.IOC, owner="ann", order_id=1):
    return market_order(ACME, side, quantity=quantity, tif=tif)._replace(order_id=order_id, owner=owner, venue="amm")


def mint(liquidity, *, owner="lp"):
    return Mint(ACME, liquidity, order_id=1, owner=owner, venue="amm")


def burn(liquidity, *, owner="lp"):
    return Burn(ACME, liquidity, order_id=1, owner=owner, venue="amm")


def money_of(reports):
    assert [type(report) for report in reports] == [Fill, Fill], reports
    return reports[0].money


def snapshot(pool):
    return pool.reserves(ACME), pool.positions(ACME), pool.shares(ACME), pool.state(ACME)


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
        losses.append(loss_versus_rebalancing(fills, truth, account="pool:amm") / unit / unit)
        expected.append(rate)
    assert np.mean(expected) == pytest.approx(0.00998, rel=0.05)
    assert np.mean(losses) == pytest.approx(np.mean(expected), rel=0.033)  # four standard errors


# Properties of the arithmetic


@settings(deadline=None)
@given(amounts, amounts, amounts, fees)
def test_exact_in_never_lowers_the_product_and_pays_the_most_that_does_not(x, y, dx, fee_ppm):
    dy = swap_exact_in(x, y, dx, fee_ppm=fee_ppm)
    kept = dx * (1 - Fraction(fee_ppm, 10**6))
    assert (x + dx) * (y - dy) >= x * y
    assert (x + kept) * (y - dy) >= x * y > (x + kept) * (y - dy - 1)
    assert 0 <= dy < y


@settings(deadline=None)
@given(amounts, amounts, amounts, fees)
def test_exact_out_asks_the_least_that_exact_in_would_pay_as_much_for(x, y, dy, fee_ppm):
    assume(dy < y)
    dx = swap_exact_out(x, y, dy, fee_ppm=fee_ppm)
    assert (x + dx) * (y - dy) >= x * y
    assert swap_exact_in(x, y, dx, fee_ppm=fee_ppm) >= dy
    assert dx == 1 or swap_exact_in(x, y, dx - 1, fee_ppm=fee_ppm) < dy


@settings(deadline=None)
@given(amounts, amounts, st.lists(st.integers(1, 10**6), min_size=1, max_size=5))
def test_without_fee_a_split_buy_costs_the_same_but_for_rounding_in_the_pools_favour(base, quote, parts):
    assume(sum(parts) < base)
    whole, split = make_pool(base, quote), make_pool(base, quote)
    at_once = money_of(whole.submit(order(Side.BUY, sum(parts)), 0))
    in_parts = sum(money_of(split.submit(order(Side.BUY, part), 0)) for part in parts)
    # A tick-lot rounded up at reserve x is worth x / (x - Q) at the end.
    assert at_once <= in_parts <= at_once + len(parts) * Fraction(base, base - sum(parts))


@settings(deadline=None)
@given(amounts, amounts, amounts, fees, sides)
def test_round_trips_never_profit_and_lose_with_a_fee(base, quote, quantity, fee_ppm, first):
    pool = make_pool(base, quote, fee_ppm=fee_ppm)
    out = pool.submit(order(first, quantity), 0)
    assume(type(out[0]) is Fill)
    back = pool.submit(order(first.opposite, quantity), 1)
    if type(back[0]) is Rejected:  # a sell back for nothing
        assert (first, back[0].reason) == (Side.BUY, Reason.NO_LIQUIDITY)
        return
    gain = -first * out[0].money + first * back[0].money
    assert gain < 0 if fee_ppm else gain <= 0


@settings(deadline=None)
@given(
    amounts,
    amounts,
    fees,
    st.lists(st.tuples(st.sampled_from(["buy", "sell", "mint", "burn"]), amounts), max_size=12),
)
def test_any_sequence_keeps_accounts_equal_to_reserves_and_value_per_share_from_falling(base, quote, fee_ppm, steps):
    pool, ledger = make_pool(base, quote, fee_ppm=fee_ppm), Ledger()
    for time, (what, amount) in enumerate(steps):
        message = {
            "buy": order(Side.BUY, amount),
            "sell": order(Side.SELL, amount),
            "mint": mint(amount),
            "burn": burn(amount),
        }[what]
        before = snapshot(pool)
        (x, y), _, shares, state = before
        reports = pool.submit(message, time)
        if type(reports[0]) is Rejected:
            assert len(reports) == 1
            assert snapshot(pool) == before
            assert pool.state(ACME) is state
            continue
        ledger.post(reports)
        ledger.check()
        (new_x, new_y), new_shares = pool.reserves(ACME), pool.shares(ACME)
        assert min(new_x, new_y) >= 1
        assert new_x * new_y * shares**2 >= x * y * new_shares**2
        account = ledger.inventory["pool:amm"]
        assert (base + account.get(ACME, 0), quote + ledger.cash["pool:amm"]) == (new_x, new_y)
        assert pool.positions(ACME).get("lp", 0) == ledger.inventory.get("lp", {}).get("ACME/shares", 0)
        assert isqrt(base * quote) - account.get("ACME/shares", 0) == new_shares


@settings(deadline=None)
@given(amounts, amounts, fees, amounts, amounts, sides)
def test_mint_then_burn_never_profits_also_around_own_trades(base, quote, fee_ppm, shares, quantity, side):
    pool, ledger = make_pool(base, quote, fee_ppm=fee_ppm), Ledger()
    ledger.post(pool.submit(mint(shares), 0))
    traded = pool.submit(order(side, quantity, owner="lp"), 1)
    if type(traded[0]) is Fill:
        ledger.post(traded)
        ledger.post(pool.submit(burn(shares), 2))
        # Trading back to no inventory leaves nothing but a loss.
        held = ledger.inventory["lp"][ACME]
        if held:
            back = pool.submit(order(Side.SELL if held > 0 else Side.BUY, abs(held), owner="lp"), 3)
            assume(type(back[0]) is Fill)
            ledger.post(back)
    else:
        ledger.post(pool.submit(burn(shares), 2))
        assert ledger.inventory["lp"][ACME] <= 0
    assert ledger.cash["lp"] <= 0


@settings(deadline=None)
@given(amounts, amounts, fees, amounts, sides)
def test_the_estimate_is_what_happens_and_an_old_state_keeps_its_own(base, quote, fee_ppm, quantity, side):
    pool = make_pool(base, quote, fee_ppm=fee_ppm)
    old = pool.state(ACME)
    estimate = pool.estimate_impact(ACME, side, quantity)
    assert old.estimate(side, quantity) == estimate
    report = pool.submit(order(side, quantity), 0)[0]
    if type(report) is Rejected:
        assert report.reason is Reason.NO_LIQUIDITY
        assert estimate == (0, 0)
    else:
        assert estimate == (report.quantity, report.money)
        assert pool.state(ACME) is not old
        assert pool.state(ACME).impact != old.impact
    assert old.estimate(side, quantity) == estimate


@settings(deadline=None)
@given(amounts, amounts, fees)
def test_public_prices_bracket_the_marginal_prices_after_the_fee_by_less_than_a_tick(base, quote, fee_ppm):
    state = make_pool(base, quote, fee_ppm=fee_ppm).state(ACME)
    kept = 1 - Fraction(fee_ppm, 10**6)
    price = Fraction(quote, base)
    assert 0 <= price * kept - state.best_bid < 1
    if base == 1:
        assert state.best_ask is None
    else:
        assert 0 <= state.best_ask - price / kept < 1
        assert state.best_bid <= state.best_ask


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_nearest_tick_is_within_half_a_tick_and_halves_go_down(money, quantity):
    gap = nearest_tick(money, quantity) - Fraction(money, quantity)
    assert -Fraction(1, 2) <= gap < Fraction(1, 2)
    assert nearest_tick(2 * money * quantity + quantity, 2 * quantity) == money


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


def test_loss_versus_rebalancing_counts_trades_of_the_account_only():
    pool = make_pool(1000, 100_000)
    reports = pool.submit(mint(100), 0) + pool.submit(order(Side.SELL, 500), 1) + pool.submit(order(Side.BUY, 100), 2)
    truth = ConstantFairValue({ACME: 100.0, "ACME/shares": 1.0})
    paid, received = reports[4].money, reports[6].money
    expected = (paid - 50_000) + (10_000 - received)
    assert loss_versus_rebalancing(reports, truth, account="pool:amm") == expected
    assert loss_versus_rebalancing(reports, truth, account="ann") == -expected


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


@settings(max_examples=5, deadline=None)
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
