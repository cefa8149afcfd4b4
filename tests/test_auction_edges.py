"""Batch auctions: what an estimate promises is what a clear does, and places in the queue outlive a new limit."""

from __future__ import annotations

from copy import deepcopy
from fractions import Fraction
from itertools import pairwise, product
from random import Random

import pytest

from marketsim.errors import ConfigError
from marketsim.types import Fill, Reason, Side, TimeInForce
from tests.fba_orders import BUY, MTL, SELL, accepted, at_market, filled, limit, price_of
from venues.batch_pool import BatchPool
from venues.clearing import PRICE_RULES, clear
from venues.fba import BatchAuction
from venues.pooled_auction import PooledAuction


def traded(venue, side, quantity, now):
    """(lots, money) of a market order at the next clear of a copy of the venue."""
    venue = deepcopy(venue)
    venue.submit(at_market(900, side, quantity, "taker")._replace(venue="fba"), now)
    due = venue.next_clock(now)
    legs = [leg for leg in venue.clock(due) if type(leg) is Fill and leg.order_id == 900] if due is not None else []
    return sum(leg.quantity for leg in legs), sum(leg.money for leg in legs)


def auction(price_rule, allocation, **options):
    return BatchAuction(
        ("A",), 10, price_rule=price_rule, allocation=allocation, k=0.3, reference={"A": 100}, depth=100, **options
    )


def pooled(price_rule, allocation, **options):
    return PooledAuction(
        ("A",), 10, base=300, quote=30_000, price_rule=price_rule, allocation=allocation, k=0.3, reference={"A": 100},
        depth=100, **options
    )  # fmt: skip


RULES = [
    *[(auction, *both) for both in product(PRICE_RULES, ("batch-pro-rata", "pro-rata", "time", "pro_rata_all"))],
    *[(pooled, *both) for both in product(("midpoint", "reference", "k"), ("batch-pro-rata", "pro-rata", "time"))],
]


@pytest.mark.parametrize(("make", "price_rule", "allocation"), RULES)
def test_an_estimate_is_what_a_market_order_trades_at_the_next_clear(make, price_rule, allocation):
    # One order a level: then the levels, which the estimate knows, are the orders, which the clear knows.
    rng = Random(f"{price_rule}/{allocation}")
    some = 0
    for grid, lots in ((1, 1), (5, 3)):
        for _ in range(3):
            venue = make(price_rule, allocation, price_step=grid, quantity_step=lots)
            prices = rng.sample(range(80, 125, grid), 26 if grid == 1 else 7)
            for order_id, price in enumerate(prices, start=1):
                venue.submit(limit(order_id, rng.choice(list(Side)), lots * rng.choice((2, 5)), price), 1)
            for side in Side:
                for quantity in (lots, 7 * lots, 40 * lots):
                    estimate = venue.estimate_impact("A", side, quantity)
                    assert estimate == traded(venue, side, quantity, 2)
                    some += estimate[0] > 0
    assert some > 10


@pytest.mark.parametrize("make", [auction, pooled])
def test_lots_short_of_a_step_are_worth_nothing(make):
    venue = make("midpoint", "pro-rata", quantity_step=3)
    venue.submit(limit(1, SELL, 9, 101), 1)
    assert venue.estimate_impact("A", BUY, 2) == (0, 0)
    assert venue.estimate_impact("A", BUY, 4) == venue.estimate_impact("A", BUY, 3)


def test_an_order_that_gets_its_limit_at_a_clear_keeps_its_place_whatever_its_number():
    venue = auction("midpoint", "time")
    accepted(venue, 1, at_market(50, BUY, 10, "ann", kind=MTL, tif=TimeInForce.GTC))
    accepted(venue, 2, limit(10, BUY, 5, 100, "bob"), limit(20, BUY, 5, 100, "cat"), limit(3, SELL, 6, 100, "dan"))
    assert filled(venue.clock(10)) == {50: 6, 3: 6}
    assert [(order.order_id, order.quantity) for order in venue.orders("A")] == [(50, 4), (10, 5), (20, 5)]
    accepted(venue, 11, limit(4, SELL, 7, 100, "dan"))
    assert filled(venue.clock(20)) == {50: 4, 10: 3, 4: 7}


@pytest.mark.parametrize("side", Side)
def test_a_newcomer_that_could_meet_its_own_order_is_refused_on_either_side(side):
    venue = auction("midpoint", "time", self_trade="refuse-newest")
    accepted(venue, 1, limit(1, side, 5, 100, "ann"), limit(2, side, 5, 100 - side * 5, "bob"))
    (refusal,) = venue.submit(limit(3, side.opposite, 5, 100, "ann"), 2)
    assert refusal.reason is Reason.SELF_TRADE
    accepted(venue, 2, limit(3, side.opposite, 5, 100 + side, "ann"), limit(4, side.opposite, 5, 100, "bob"))


@pytest.mark.parametrize(("min_price", "low", "trade"), [(90, 90, (90, 16)), (1, 1, (37, 250)), (None, -3, (37, 250))])
def test_a_pool_trades_at_no_price_below_the_least(min_price, low, trade):
    venue = PooledAuction(("A",), 10, base=300, quote=30_000, min_price=min_price)
    venue.submit(limit(1, SELL, 250, low), 1)
    (leg,) = [leg for leg in venue.clock(10) if type(leg) is Fill and leg.owner == "pool:fba"]
    # At the price p the pool buys (30000 - 300 p) / (2 p) lots.
    assert (leg.price, leg.quantity) == trade


@pytest.mark.parametrize("make", [auction, pooled])
def test_match_ids_count_up(make):
    venue, seen = make("midpoint", "time"), []
    for now in range(1, 60, 10):
        venue.submit(limit(now, BUY, 5, 103), now)
        venue.submit(limit(now + 1, SELL, 5, 99), now)
        seen.append({leg.match_id for leg in venue.clock(now + 9) if type(leg) is Fill})
    assert all(len(ids) == 1 for ids in seen)
    assert all(max(one) < max(two) for one, two in pairwise(seen))
    assert min(seen[0]) == 1


def test_the_levels_shown_are_the_orders_and_what_the_pool_trades_up_to_them():
    rng = Random(3)
    for _ in range(10):
        venue = pooled("midpoint", "time")
        for order_id in range(1, 9):
            venue.submit(limit(order_id, rng.choice(list(Side)), rng.randint(1, 9), rng.randint(85, 115)), 1)
        state, pool = venue.state("A"), BatchPool(300, 30_000)
        for side, levels, best in ((BUY, state.bids, state.best_bid), (SELL, state.asks, state.best_ask)):
            own = [order for order in venue.orders("A") if order.side is side]
            assert best == levels[0][0] == side * max(side * price for price in [*_prices(own), pool.best(side)])
            assert {price for price, _ in levels} == {*_prices(own), pool.best(side)}
            for place, (price, _) in enumerate(levels, start=1):
                lots = sum(order.quantity for order in own if side * order.price >= side * price)
                assert sum(quantity for _, quantity in levels[:place]) == lots + pool.lots(side, price)


def _prices(orders):
    return [order.price for order in orders]


def test_the_account_of_the_pool_may_not_send_orders():
    (refusal,) = pooled("midpoint", "time").submit(limit(1, SELL, 5, 100, "pool:fba"), 7)
    assert (refusal.reason, refusal.time, refusal.owner) == (Reason.OWNER, 7, "pool:fba")


def test_a_pool_has_both_reserves_or_none():
    assert PooledAuction(("A",), 10, base=1, quote=5).reserves("A") == (1, 5)
    for base, quote in ((0, 5), (5, 0)):
        with pytest.raises(ConfigError, match=r"wanted both 0, or both positive"):
            PooledAuction(("A",), 10, base=base, quote=quote)


def test_a_pool_that_would_pay_nothing_asks_for_no_clear():
    venue = PooledAuction(("A",), 10, base=1000, quote=10)
    venue.submit(limit(1, SELL, 5, 1), 1)
    assert venue.next_clock(1) is None
    assert BatchPool(1000, 10).best(BUY) is None
    assert [BatchPool(1000, 100_000).lots(side, price) for side in Side for price in (0, -1)] == [0, 0, 0, 0]


def test_the_last_price_of_a_pool_is_that_of_its_last_lot_or_the_floor_without_one():
    # Of 3 lots and 300 tick-lots it asks 300 / (3 - 2) for the first, and never a second.
    assert BatchPool(3, 300).last(SELL, 1) == 300
    assert BatchPool(3, 300).last(SELL, 400) == 400
    # It bids 300 / (3 + 2 d) for the d-th, down to the floor.
    assert BatchPool(3, 300).last(BUY, 200) == 200
    assert BatchPool(3, 300).last(BUY, 50) == 300 // (3 + 2)
    assert [BatchPool(0, 0).last(side, 7) for side in Side] == [7, 7]


# Options and times at their bounds


@pytest.mark.parametrize(("k", "price"), [(Fraction(0), 100), (Fraction(1), 110)])
def test_a_share_may_be_a_whole_fraction(k, price):
    # Any price from 100 to 110 clears; k says where between them.
    venue = BatchAuction(("A",), 10, price_rule="k", k=k, reference={"A": 100})
    accepted(venue, 0, limit(1, BUY, 5, 110, "ann"), limit(2, SELL, 5, 100, "bob"))
    assert price_of(venue.clock(10)) == price


@pytest.mark.parametrize("price", [5, 2**53])
def test_a_reference_may_be_the_lowest_and_the_highest_price(price):
    BatchAuction(("A",), 10, min_price=5, reference={"A": price})
    with pytest.raises(ConfigError, match="reference"):
        BatchAuction(("A",), 10, min_price=5, reference={"A": price + (1 if price > 5 else -1)})


@pytest.mark.parametrize("market", [["A"], 5, "B"])
def test_what_is_no_market_is_named(market):
    with pytest.raises(ConfigError, match="wanted one of A"):
        BatchAuction(("A",), 10).state(market)


def test_batches_are_told_apart_at_times_beyond_those_of_floats():
    venue, late = BatchAuction(("A",), 1), 2**60
    accepted(venue, late, limit(1, BUY, 5, 100, "ann"))
    accepted(venue, late + 1, limit(2, BUY, 5, 100, "cat"), limit(3, SELL, 5, 100, "bob"))
    assert filled(venue.clock(late + 2)) == {1: 5, 3: 5}


def test_where_nothing_trades_volume_bounds_no_price():
    found = clear([(90, 5)], [(100, 5)], rule="volume_midpoint")
    assert (found.volume, found.price, found.low, found.high) == (0, None, None, None)
