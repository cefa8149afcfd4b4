"""The auction with a pool: published numbers, the brute-force clear, and its rules one by one."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan
from random import Random

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import ConfigError, PastError
from marketsim.fairvalue import ConstantFairValue
from marketsim.gateway import ORDER_ID_MAX
from marketsim.simulation import Simulation
from marketsim.types import (
    Expired,
    Fill,
    Mint,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Side,
    TimeInForce,
    limit_order,
    market_order,
)
from tests.pool_losses import loss_versus_rebalancing
from tests.pooled_auction_orders import BUY, SELL, accepted, at_market, auction, fills, limit, look, pool_trade
from venues.batch_pool import BatchPool, pool_entries
from venues.clearing import clear
from venues.fba import BatchAuction
from venues.pooled_auction import PooledAuction

# Published: (100, 100) at P = 1.21 sells 8.677686, k becomes 10091.1157, and nothing is lost to rebalancing.

UNIT = 10**6


@pytest.mark.parametrize(("price", "side"), [(121, BUY), (81, SELL)])
def test_published_trade_product_and_zero_loss_versus_rebalancing(price, side):
    venue = auction(100 * UNIT, 100 * UNIT * 100)
    accepted(venue, 0, limit(1, side, 10**9, price))
    reports = venue.clock(10)
    traded = pool_trade(reports)
    base, quote = venue.reserves("A")
    exact = Fraction(price * 100 - 10_000, 2 * price)
    assert traded == side * (abs(exact * UNIT).__floor__())
    assert {leg.price for leg in fills(reports)} == {price}
    if side is BUY:
        assert traded / UNIT == pytest.approx(8.677686, abs=1e-6)
        assert base * quote / UNIT**2 / 100 == pytest.approx(10091.1157, abs=5e-5)
    # The price after the trade is the price of the trade.
    assert quote / base == pytest.approx(price, abs=1e-4)
    truth = ConstantFairValue({"A": float(price)})
    assert loss_versus_rebalancing(fills(reports), truth, account="pool:mix", end=10) == 0


@given(st.integers(1, 500), st.integers(1, 50_000), st.integers(1, 300))
def test_the_pool_trades_the_whole_lots_of_the_largest_product_and_never_loses_product(base, quote, price):
    pool = BatchPool(base, quote)
    sold = pool.lots(SELL, price) - pool.lots(BUY, price)
    exact = Fraction(price * base - quote, 2 * price)
    assert abs(sold) == abs(exact).__floor__()
    assert sold * exact >= 0

    def product(lots):
        return (base - lots) * (quote + price * lots)

    best = max(product(lots) for lots in range(sold - 2, sold + 3) if abs(lots) <= abs(exact))
    assert product(sold) == best >= base * quote


@given(st.integers(1, 200), st.integers(1, 30_000), st.integers(1, 4), st.integers(1, 3), st.sampled_from(Side))
def test_best_and_last_prices_are_where_the_curve_begins_and_ends(base, quote, grid, step, side):
    pool = BatchPool(base, quote, grid, step)
    floor = grid
    best, last = pool.best(side), pool.last(side, floor)
    if best is not None:
        assert best % grid == 0
        assert pool.lots(side, best) >= step
        assert best + side * grid <= 0 or pool.lots(side, best + side * grid) == 0
    if best is not None and best >= floor:
        most = pool.lots(side, floor) if side is BUY else (base - 1) // (2 * step) * step
        assert pool.lots(side, last) == most
        assert last + side * grid < floor or pool.lots(side, last + side * grid) < most


# The few orders that stand for the pool, against every lot at its own price


prices = st.one_of(st.integers(1, 60), st.just(None))
sides_of_book = st.lists(st.tuples(prices, st.integers(1, 9)), max_size=5)


@given(
    sides_of_book, sides_of_book, st.integers(1, 60), st.integers(1, 2500), st.integers(1, 3), st.integers(1, 3),
    st.sampled_from(["midpoint", "reference", "k"]), st.one_of(st.none(), st.integers(1, 60)),
)  # fmt: skip
def test_pool_entries_clear_as_every_lot_at_its_own_price_would(bids, asks, base, quote, grid, step, rule, reference):
    bids = [(price and price * grid, lots * step) for price, lots in bids]
    asks = [(price and price * grid, lots * step) for price, lots in asks]
    pool = BatchPool(base, quote, grid, step)
    every = {BUY: [], SELL: []}
    top = -(-quote // grid) * grid + grid
    wanted = sum(lots for _, lots in bids + asks) + step
    for side in Side:
        before = 0
        for price in range(grid, top + 1, grid) if side is SELL else range(top, 0, -grid):
            reach = min(pool.lots(side, price), wanted)
            if reach > before:
                every[side].append((price, reach - before))
                before = reach
    options = {"rule": rule, "reference": reference and reference * grid, "k": Fraction(1, 3), "step": grid}
    exact = clear(bids + every[BUY], asks + every[SELL], **options)
    bought, sold = pool_entries(bids, asks, pool, floor=1)
    if exact.volume == 0:
        assert clear(bids + bought, asks + sold, **options).volume == 0
        return
    assert clear(bids + bought, asks + sold, **options) == exact
    assert len(bought) + len(sold) < 16


# Rule by rule


def test_nothing_happens_without_orders():
    venue = auction()
    assert venue.next_clock(0) is None
    before = look(venue, 0)
    for now in range(50):
        assert venue.clock(now) == []
    assert look(venue, 0) == before


@pytest.mark.parametrize(("side", "crosses", "rests"), [(BUY, 101, 100), (SELL, 99, 100)])
def test_one_order_that_crosses_the_curve_is_due_and_one_that_does_not_is_not(side, crosses, rests):
    venue = auction()
    accepted(venue, 3, limit(1, side, 5, rests))
    assert venue.next_clock(3) is None
    accepted(venue, 4, limit(2, side, 5, crosses))
    assert venue.next_clock(4) == 10
    venue.cancel(2, "ann", 5)
    assert venue.next_clock(5) is None


def test_one_order_trades_with_the_pool_at_the_next_clear():
    venue = auction()
    accepted(venue, 3, limit(1, BUY, 50, 104))
    # At 104 the pool sells (104000 - 100000) / 208 = 19.2 lots.
    reports = venue.clock(10)
    assert [(leg.owner, leg.order_id, leg.side, leg.quantity, leg.price, leg.money) for leg in reports] == [
        ("ann", 1, BUY, 19, 104, 1976),
        ("pool:mix", 0, SELL, 19, 104, 1976),
    ]
    assert len({leg.match_id for leg in reports}) == 1
    assert venue.reserves("A") == (981, 101_976)
    assert venue.state("A").last_price == 104
    # 101976 / (981 - 2) is above 104: what is left of the order waits.
    assert venue.next_clock(10) is None
    assert [order.quantity for order in venue.orders("A")] == [31]


def test_the_pool_stands_between_orders_that_cross_each_other():
    alone = BatchAuction(("A",), 10)
    venue = auction()
    orders = [limit(1, BUY, 10, 110), limit(2, SELL, 10, 96, "bob")]
    for each in orders:
        alone.submit(each, 0)
        venue.submit(each, 0)
    assert {leg.price for leg in fills(alone.clock(10))} == {103}
    reports = venue.clock(10)
    assert {leg.price for leg in fills(reports)} == {100}  # (99, 101) bounds it: beyond, the pool would trade
    assert pool_trade(reports) == 0


def test_fee_is_the_orders_alone():
    venue = auction(fee_ppm=10_000)
    accepted(venue, 0, limit(1, BUY, 19, 104))
    reports = venue.clock(10)
    price, quantity = reports[0].price, reports[0].quantity
    fee = -(-price * quantity // 100)
    assert [(leg.money, leg.fee) for leg in reports] == [(price * quantity + fee, fee), (price * quantity, 0)]


def test_market_order_meets_the_pool_and_expires_what_it_will_not_sell():
    venue = auction(10, 1000)
    accepted(venue, 0, at_market(1, BUY, 20))
    reports = venue.clock(10)
    assert [type(report) for report in reports] == [Fill, Expired, Fill]
    assert reports[0].quantity == 4  # (10 - 1) // 2: never half of the reserve
    assert reports[0].price == 500  # 1000 / (10 - 2 x 4)
    assert venue.reserves("A") == (6, 3000)


def test_market_to_limit_is_due_where_the_pool_will_take_it_and_then_a_limit():
    venue = auction()
    accepted(venue, 0, at_market(1, BUY, 1000, kind=OrderKind.MARKET_TO_LIMIT, tif=TimeInForce.GTC))
    assert venue.next_clock(0) == 10
    reports = venue.clock(10)
    assert fills(reports, "bob")[0].quantity == 499
    assert venue.state("A").best_bid == fills(reports)[0].price


def test_public_state_shows_orders_and_pool_and_the_estimate_is_what_is_paid():
    venue = auction()
    state = venue.state("A")
    assert (state.best_bid, state.best_ask, state.mid) == (99, 101, 100)
    accepted(venue, 0, limit(1, SELL, 7, 103))
    # At 101 the pool sells 4.95 lots, at 103 14.6.
    assert venue.state("A").asks == ((101, 4), (103, 17))
    rng = Random(4)
    for order_id in range(2, 60):
        venue = auction(rng.randint(20, 2000), rng.randint(2000, 200_000))
        for place in range(1, 8):
            side = rng.choice(list(Side))
            accepted(venue, 0, limit(place, side, rng.randint(1, 20), rng.randint(90, 110)))
        while (due := venue.next_clock(0)) is not None and due < 100:
            venue.clock(due)
        side, lots = rng.choice(list(Side)), rng.randint(1, 60)
        estimate = venue.estimate_impact("A", side, lots)
        assert venue.state("A").estimate(side, lots) == estimate
        accepted(venue, 200, at_market(order_id + 100, side, lots))
        legs = fills(venue.clock(210), "bob")
        assert (sum(leg.quantity for leg in legs), sum(leg.money for leg in legs)) == estimate


def test_order_ids_at_the_end_of_their_range_do_not_collide_with_the_pools():
    venue = auction()
    accepted(venue, 0, *(limit(ORDER_ID_MAX - place, BUY, 5, 104) for place in range(6)))
    reports = venue.clock(10)
    assert pool_trade(reports) == 19
    assert sum(leg.quantity for leg in fills(reports, "ann")) == 19


def test_every_market_has_a_pool_of_its_own():
    venue = PooledAuction(("A", "B"), 10, base={"A": 10, "B": 1000}, quote={"A": 1000, "B": 100_000})
    venue.submit(limit(1, BUY, 50, 104, market="B"), 0)
    reports = venue.clock(10)
    assert {leg.market for leg in reports} == {"B"}
    assert (venue.reserves("A"), venue.reserves("B")) == ((10, 1000), (981, 101_976))


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (limit(1, BUY, 5, 99), Reason.DUPLICATE_ORDER),
        (limit(2, BUY, 0, 99), Reason.QUANTITY),
        (limit(2, BUY, 5, 99.5), Reason.PRICE),
        (limit(2, BUY, 5, 99, tif=TimeInForce.FOK), Reason.KIND),
        (Reduce(1, 1, "eve", "mix"), Reason.NOT_OWNER),
        (Replace(7, limit(2, BUY, 5, 99), "ann", "mix"), Reason.UNKNOWN_ORDER),
        (Mint("A", 5, owner="lp", venue="mix"), Reason.UNSUPPORTED),
    ],
)
def test_refusals_change_nothing(message, why):
    venue = auction()
    accepted(venue, 0, limit(1, BUY, 50, 104))
    before = look(venue, 0)
    (report,) = venue.submit(message, 0)
    assert (type(report), report.reason) == (Rejected, why)
    assert look(venue, 0) == before


def test_late_call_is_a_bug():
    venue = auction()
    accepted(venue, 3, limit(1, BUY, 50, 104))
    for call in (lambda: venue.clock(11), lambda: venue.submit(limit(2, BUY, 1, 1), 10), lambda: venue.next_clock(10)):
        with pytest.raises(PastError):
            call()


@define
class Trader:
    agent_id: str
    review_interval: int = 3

    def review(self, ctx):
        rng = ctx.rng
        if ctx.open_orders and rng.random() < 0.4:
            ctx.cancel(next(iter(ctx.open_orders)))
            return
        side, lots = (BUY if rng.random() < 0.5 else SELL), int(rng.integers(1, 20))
        if rng.random() < 0.3:
            ctx.submit(market_order("A", side, quantity=lots))
        else:
            mid = int(ctx.state("A").mid or 100)
            ctx.submit(limit_order("A", side, quantity=lots, price=max(1, mid + int(rng.integers(-5, 6)))))


def test_simulation_conserves_and_the_account_is_the_reserves():
    venue = auction(500, 500_000)
    result = Simulation(venues={"mix": venue}, agents=[Trader("ann"), Trader("bob", 4)], seed=2).run(1500)
    result.ledger.check()
    held, cash = result.ledger.inventory["pool:mix"]["A"], result.ledger.cash["pool:mix"]
    assert venue.reserves("A") == (500 + held, 500_000 + cash)
    assert cash
    base, quote = venue.reserves("A")
    assert base * quote > 500 * 500_000


@pytest.mark.parametrize(
    "bad",
    [
        {"base": 0}, {"quote": 0}, {"base": -1}, {"base": nan}, {"quote": inf}, {"base": True}, {"base": 2**80},
        {"quote": 2**80, "base": 1}, {"base": {"B": 1}}, {"price_rule": "volume_midpoint"}, {"pi": 0}, {"k": nan},
        {"allocation": "pro_rata_all"}, {"self_trade": "no"}, {"price_step": 0}, {"quantity_step": 1.5},
        {"min_price": "1"}, {"reference": {"Z": 1}}, {"fee_ppm": -1}, {"depth": 0}, {"markets": ()},
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(bad):
    with pytest.raises(ConfigError):
        PooledAuction(**{"markets": ("A",), "pi": 10, "base": 10, "quote": 1000} | bad)


@pytest.mark.parametrize("self_trade", ["allow", "refuse-newest"])
def test_nobody_trades_in_the_name_of_the_pool(self_trade: str):
    venue = PooledAuction(("A",), 10, base=10**6, quote=10**8, self_trade=self_trade)
    order = limit_order("A", BUY, quantity=30, price=110)._replace(order_id=1, owner="pool:mix", venue="mix")
    assert venue.submit(order, 3)[0].reason is Reason.OWNER
    assert venue.clock(10) == []
