"""The hybrid: the published split, exact optimality and uncrossedness on random streams, and its arguments."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan
from random import Random

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.ledger import Ledger
from marketsim.simulation import Simulation
from marketsim.types import Cancelled, Fill, Rejected, Side, limit_order, market_order
from tests.hybrid_orders import (
    BUY,
    RULES,
    SELL,
    accounted,
    at_market,
    cost,
    filled,
    legs_of,
    limit,
    look,
    pooled,
    random_message,
    uncrossed,
)
from venues.constant_product import ConstantProduct
from venues.hybrid import Hybrid
from venues.layers import Facing, PoolDepth, share

# The published number: pool (1000, 1000), asks 50 at 1.01 and 100 at 1.05, buy 100.

UNIT = 10**9


def published(base=1000, first=50, second=100, quantity=100, **options):
    venue = Hybrid(("A",), base=base * UNIT, quote=base * UNIT * 100, **options)
    if first:
        venue.submit(limit(1, SELL, first * UNIT, 101), 0)
    if second:
        venue.submit(limit(2, SELL, second * UNIT, 105), 0)
    return venue.submit(at_market(3, BUY, quantity * UNIT), 0)


def test_published_split_costs_102_390153_and_takes_24_0999_from_the_pool():
    reports = published()
    assert filled(reports, 3) == 100 * UNIT
    assert cost(reports, 3) / UNIT / 100 == pytest.approx(102.390153, abs=5e-7)
    (pool,) = legs_of(reports, "pool:mix")
    assert pool[0] / UNIT == pytest.approx(24.0999, abs=5e-5)
    assert legs_of(reports, "ann") == [(50 * UNIT, 101), (100 * UNIT - 50 * UNIT - pool[0], 105)]


def test_published_costs_of_either_alone():
    book = [Facing(101, 50 * UNIT), Facing(105, 50 * UNIT)]
    assert sum(price * lots for price, lots, _ in book) == 10_300 * UNIT
    alone = ConstantProduct(("A",), base=1000 * UNIT, quote=100_000 * UNIT).estimate_impact("A", BUY, 100 * UNIT)[1]
    assert alone / UNIT / 100 == pytest.approx(111.1111, abs=5e-5)
    assert cost(published(), 3) < min(alone, 10_300 * UNIT)


@pytest.mark.parametrize("larger", [{"base": 1100}, {"first": 60}, {"second": 150}, {"base": 2000, "first": 90}])
def test_published_cost_falls_with_the_depth_of_either(larger):
    assert cost(published(**larger), 3) <= cost(published(), 3)


# The split, against brute force


books = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 6)), max_size=4)
fees = st.sampled_from([0, 0, 1, 3000, 100_000, 900_000])


@given(books, st.integers(2, 40), st.integers(1, 600), fees, st.integers(1, 30), st.integers(1, 3), st.booleans())
def test_no_other_division_is_cheaper_to_the_tick_lot(levels, base, quote, fee, quantity, step, buy):
    side = BUY if buy else SELL
    levels = sorted(((price, lots * step) for price, lots in dict(levels).items()), reverse=not buy)
    quantity *= step
    depth = PoolDepth(base, quote, fee, 1, step)
    lots = share(side, quantity, None, [Facing(*level) for level in levels], depth).lots

    def value(taken):
        money, left = side * depth.money(side, taken), quantity - taken
        for price, resting in levels:
            met = min(resting, left)
            money, left = money + side * price * met, left - met
        return left, money  # most lots first, then least cost

    most = base - 1 if buy else quantity
    possible = [value(taken) for taken in range(0, min(most, quantity) + 1, step)]
    assert lots % step == 0
    if buy or depth.money(SELL, lots):
        assert value(lots) == min(possible)


@given(st.integers(1, 60), st.integers(1, 3000), fees, st.integers(1, 3), st.integers(1, 80), st.sampled_from(Side))
def test_lots_up_to_a_limit_are_those_whose_own_price_is_within_it(base, quote, fee, step, price, side):
    depth = PoolDepth(base, quote, fee, 1, step)
    lots = depth.lots(side, price)
    kept = Fraction(10**6 - fee, 10**6)

    def exact(taken):
        if side is BUY:
            return quote * Fraction(taken) / (kept * (base - taken))
        return quote * kept * taken / (base + kept * taken)

    assert lots % step == 0
    assert depth.lots(side, price, inside=True) <= lots
    if lots:
        assert side * depth.money(side, lots) <= side * price * lots
        # A seller may go one step on where the pool, which rounds in its own favour, is left with a bid at the limit.
        if side is BUY or not depth.after(SELL, lots - step).pays(price):
            assert side * (exact(lots) - exact(lots - step)) <= side * price * step
    if side is SELL or lots + step < base:
        assert side * (exact(lots + step) - exact(lots)) > side * price * step


@given(
    books, st.integers(5, 200), st.integers(5, 20_000), st.integers(1, 60), st.integers(0, 300), st.sampled_from(Side)
)
def test_costs_no_more_than_either_alone_nor_with_less_depth(levels, base, quote, quantity, more, side):
    facing = [Facing(*level) for level in sorted(dict(levels).items(), reverse=side is SELL)]

    def trades(levels, base, quote):
        venue = pooled(base, quote)
        for place, (price, lots, _) in enumerate(levels, start=1):
            # Those that meet the pool at once change it: they are no part of this.
            if venue.submit(limit(place, side.opposite, lots, price, post_only=True), 0)[0].__class__ is Rejected:
                return None
        reports = venue.submit(at_market(99, side, quantity), 0)
        return filled(reports, 99), side * cost(reports, 99)

    both = trades(facing, base, quote)
    alone = ConstantProduct(("A",), base=base, quote=quote).estimate_impact("A", side, quantity)
    if both is None or both[0] < quantity:
        return
    if alone[0] == quantity:
        assert both[1] <= side * alone[1]
    resting = sum(level.lots for level in facing)
    if resting >= quantity:
        left, money = quantity, 0
        for price, lots, _ in facing:
            met = min(lots, left)
            left, money = left - met, money + price * met
        assert both[1] <= side * money
    for fewer in range(len(facing)):
        less = trades(facing[:fewer] + facing[fewer + 1 :], base, quote)
        assert less is None or less[0] < quantity or both[1] <= less[1]
    deeper = trades(facing, base * (1 + more), quote * (1 + more))
    assert deeper is None or deeper[1] <= both[1]


@pytest.mark.parametrize(("base", "quote", "price"), [(5, 7, 3), (5, 7, 6), (5, 14, 6)])
def test_whole_money_does_not_leave_the_pool_bidding_the_price_of_an_ask(base, quote, price):
    # Without a fee a lot sold back pays what it cost, rounded up: that may be the very price the pool was to stop at.
    venue = pooled(base, quote)
    venue.submit(limit(1, SELL, 50, price), 0)
    reports = venue.submit(at_market(2, BUY, 20), 0)
    assert legs_of(reports, "pool:mix")
    assert venue.state("A").best_bid < venue.state("A").best_ask == price


@pytest.mark.parametrize("self_trade", RULES)
@pytest.mark.parametrize(("base", "fee"), [(150, 0), (3000, 0), (40, 0), (500, 3000), (12, 1)])
def test_stays_uncrossed_and_conserves_and_drains(base, fee, self_trade):
    rng = Random(f"{base}/{fee}/{self_trade}")
    venue = pooled(base, base * 100, pool_fee_ppm=fee, self_trade=self_trade)
    ledger = Ledger()
    for order_id in range(1, 400):
        live = venue.orders("A")
        before = look(venue)
        if live and rng.random() < 0.1:
            old = rng.choice(live)
            message, reports = None, venue.cancel(old.order_id, old.owner, 0)
        else:
            message = random_message(rng, venue, order_id, live)
            reports = venue.submit(message, 0)
        accounted(message, reports)
        if type(reports[0]) is Rejected:
            assert look(venue) == before
        ledger.post([leg for leg in reports if type(leg) is Fill])
        ledger.check()
        uncrossed(venue)
        held = ledger.inventory.get("pool:mix", {}).get("A", 0), ledger.cash.get("pool:mix", 0)
        assert venue.reserves("A") == (base + held[0], base * 100 + held[1])
    for order in venue.orders("A"):
        assert [type(report) for report in venue.cancel(order.order_id, order.owner, 0)] == [Cancelled]
    uncrossed(venue)
    assert venue.orders("A") == []
    assert len(ledger.inventory) > 3


def test_a_lot_bought_back_and_forth_never_gains():
    rng = Random(5)
    venue = pooled(60, 6000)
    held = cash = 0
    for order_id in range(1, 500):
        side = rng.choice(list(Side))
        reports = venue.submit(at_market(order_id, side, rng.randint(1, 9)), 0)
        held += side * filled(reports, order_id)
        cash -= side * cost(reports, order_id)
    reports = venue.submit(at_market(1000, SELL if held > 0 else BUY, abs(held)), 0)
    assert filled(reports, 1000) == abs(held)
    assert cash + (1 if held > 0 else -1) * cost(reports, 1000) <= 0


# In a simulation


@define
class Trader:
    agent_id: str
    review_interval: int = 2

    def review(self, ctx):
        rng, state = ctx.rng, ctx.state("A")
        if ctx.open_orders and rng.random() < 0.3:
            ctx.cancel(next(iter(ctx.open_orders)))
            return
        side = BUY if rng.random() < 0.5 else SELL
        lots = int(rng.integers(1, 30))
        if rng.random() < 0.5 or state.mid is None:
            ctx.submit(market_order("A", side, quantity=lots))
        else:
            price = max(1, int(state.mid) + int(rng.integers(-6, 7)))
            ctx.submit(limit_order("A", side, quantity=lots, price=price))


@pytest.mark.parametrize("layer", ["pool", "ladder"])
def test_simulation_conserves_and_the_account_is_the_reserves(layer):
    venue = Hybrid(("A",), base=1000, quote=1_000_000, layer=layer)
    result = Simulation(venues={"mix": venue}, agents=[Trader("ann"), Trader("bob", 3)], seed=3).run(1500)
    ledger = result.ledger
    ledger.check()
    fills = result.fills.frame()
    house = fills[fills["owner"] == "pool:mix"]
    assert len(house) > 50
    assert fills["liquidity"].nunique() == 2
    assert fills["order_id"].nunique() > 100
    held, cash = ledger.inventory["pool:mix"]["A"], ledger.cash["pool:mix"]
    if layer == "pool":
        assert venue.reserves("A") == (1000 + held, 1_000_000 + cash)
        base, quote = venue.reserves("A")
        assert base * quote >= 10**9
    assert cash == -sum(house["side"].astype(int) * house["money"])


# Construction


@pytest.mark.parametrize("bad", [nan, inf, True, 0, -1, 2**80, 1.5, "5", None])
@pytest.mark.parametrize("name", ["base", "levels", "size", "lot", "price_step", "quantity_step", "depth"])
def test_bad_counts_are_refused(name, bad):
    with pytest.raises(ConfigError):
        Hybrid(("A",), **{"base": 10, "quote": 1000, name: bad})


@pytest.mark.parametrize(
    "bad",
    [
        {"quote": 0}, {"quote": nan}, {"quote": 2**80, "base": 1}, {"layer": "clob"}, {"layer": None},
        {"pool_fee_ppm": 10**6}, {"pool_fee_ppm": -1}, {"spread": nan}, {"spread": -0.1}, {"spread": True},
        {"decay": 0}, {"decay": 1.1}, {"decay": inf}, {"self_trade": "no"}, {"min_price": 2**80},
        {"taker_fee_ppm": -1}, {"maker_fee_ppm": -5}, {"base": {"B": 5}}, {"base": {}}, {"markets": ()},
        {"markets": ["A"]}, {"layer": "ladder", "quote": 2**80, "base": 1},
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(bad):
    with pytest.raises(ConfigError):
        Hybrid(**{"markets": ("A",), "base": 10, "quote": 1000} | bad)
