"""Edges of the auction with a pool: its smallest and largest trades, its floor, orders that wait without a price."""

from __future__ import annotations

from itertools import product

import pytest

from marketsim.types import OrderKind, Reason, Rejected, Replace, Side, TimeInForce
from tests.pooled_auction_orders import BUY, SELL, accepted, at_market, auction, fills, limit, pool_trade
from venues.batch_pool import BatchPool

HIGHEST = 2**53


def to_limit(order_id, side, quantity, owner="bob"):
    return at_market(order_id, side, quantity, owner, OrderKind.MARKET_TO_LIMIT, TimeInForce.GTC)


def trade(venue, order, now=0):
    """(price, lots bought) of the pool at the clear after `order`."""
    accepted(venue, now, order)
    reports = venue.clock(venue.next_clock(now))
    return fills(reports)[0].price, -pool_trade(reports)


# The curve, by trying every price


@pytest.mark.parametrize(("grid", "step"), [(1, 1), (5, 1), (1, 2), (3, 2)])
def test_the_ends_of_the_curve_are_those_of_a_search_through_all_prices(grid, step):
    for base, quote in product(range(1, 8), (1, 2, 10, 11, 40)):
        pool = BatchPool(base, quote, grid, step)
        prices = range(grid, grid * (quote // grid + 3), grid)
        sold = {price: pool.lots(SELL, price) for price in prices}
        bought = {price: pool.lots(BUY, price) for price in prices}
        # At the price p it trades |p x - y| / (2 p) lots, whole steps of them.
        assert all(sold[p] == max(p * base - quote, 0) // (2 * p * step) * step for p in prices)
        assert all(bought[p] == max(quote - p * base, 0) // (2 * p * step) * step for p in prices)
        assert pool.best(SELL) == min((price for price in prices if sold[price]), default=None)
        assert pool.best(BUY) == max((price for price in prices if bought[price]), default=None)
        for floor in (grid, 2 * grid, 12 * grid):
            least = [price for price in prices if price >= floor and sold[price] == max(sold.values()) > 0]
            assert pool.last(SELL, floor) == min(least, default=floor)
            most = [price for price in prices if price >= floor and bought[price] == bought.get(floor, 0) > 0]
            assert pool.last(BUY, floor) == max(most, default=floor)
            assert type(pool.last(BUY, floor)) is int


def test_a_curve_ends_at_the_highest_price_on_the_grid():
    assert BatchPool(3, HIGHEST).best(SELL) == HIGHEST
    assert BatchPool(3, HIGHEST + 1).best(SELL) is None
    last = BatchPool(3, 2 * HIGHEST, price_step=3).last(SELL, 3)
    assert (last, type(last)) == (HIGHEST // 3 * 3, int)


# Trades at the ends


def test_a_pool_of_one_lot_buys():
    # It bids 1000 / (1 + 8) = 111.1 for the fourth, 90.9 for the fifth: the middle of the limit and the fourth.
    assert trade(auction(1, 1000), limit(1, SELL, 4, 100)) == (105, 4)


def test_a_pool_buys_at_the_lowest_price_and_sells_at_the_highest():
    assert trade(auction(8, 10), limit(1, SELL, 5, 1)) == (1, 1)  # (10 - 8) / 2
    assert trade(auction(3, HIGHEST), limit(1, BUY, 1, HIGHEST)) == (HIGHEST, -1)


def test_a_pool_may_buy_as_many_lots_as_an_order_can_have():
    assert trade(auction(4, 4 * HIGHEST), limit(1, SELL, HIGHEST, 1)) == (1, HIGHEST)


def test_a_pool_buys_at_its_floor_and_not_below():
    assert trade(auction(min_price=99), limit(1, SELL, 9, 99)) == (99, 5)  # (100000 - 99000) / 198
    venue = auction(min_price=100)
    accepted(venue, 0, to_limit(1, SELL, 9))
    assert venue.next_clock(0) is None


def test_more_at_market_than_a_pool_buys_down_to_its_floor_gets_the_price_of_its_last_lot():
    # From 66 up it buys (3000 - 1980) / 132 = 7.7 lots, and bids 3000 / (30 + 14) = 68.2 for the seventh.
    assert trade(auction(30, 3000, min_price=66), at_market(1, SELL, 20)) == (68, 7)


def test_an_estimate_is_that_of_the_whole_steps_in_it():
    venue = auction(400, 40_000, quantity_step=10)
    accepted(venue, 0, limit(1, SELL, 20, 103), limit(2, BUY, 20, 97))
    for side, quantity in product(Side, range(1, 100, 3)):
        whole = quantity - quantity % 10
        assert venue.estimate_impact("A", side, quantity) == (
            venue.estimate_impact("A", side, whole) if whole else (0, 0)
        )


# A clear


def test_a_pool_is_of_the_batch_that_ends():
    # At 101 the pool sells 4 lots, and so does ann: pro rata within the batch.
    venue = auction(pi=1)
    accepted(venue, 5, limit(1, SELL, 4, 101), limit(2, BUY, 4, 101, "bob"))
    assert [(leg.owner, leg.quantity) for leg in fills(venue.clock(6))] == [("bob", 4), ("ann", 2), ("pool:mix", 2)]


@pytest.mark.parametrize("order", [limit(1, BUY, 50, 104), at_market(1, BUY, 50), at_market(1, SELL, 7)])
def test_the_mids_of_a_clear_are_those_that_the_public_saw(order):
    venue = auction()
    accepted(venue, 3, order)
    before = venue.state("A").mid
    legs = fills(venue.clock(10))
    assert {(leg.mid_before, leg.mid_after) for leg in legs} == {(before, venue.state("A").mid)}
    assert before is not None


# Orders that wait without a price


def test_an_order_put_in_the_place_of_another_may_wait_without_a_price():
    venue = auction()
    accepted(venue, 0, limit(1, BUY, 5, 50, "bob"))
    assert venue.next_clock(0) is None
    assert len(venue.submit(Replace(1, to_limit(2, BUY, 5), "bob", "mix"), 0)) == 2
    assert venue.next_clock(0) == 10


def test_an_order_that_got_its_price_asks_for_no_other_clear():
    venue = auction()
    accepted(venue, 0, to_limit(1, BUY, 1000))
    assert pool_trade(venue.clock(10)) == 499
    assert len(venue.orders("A")) == 1
    assert venue.next_clock(10) is None


def test_a_refused_order_to_another_market_is_only_refused():
    venue = auction()
    (report,) = venue.submit(to_limit(1, BUY, 5)._replace(market="B"), 0)
    assert (type(report), report.reason) == (Rejected, Reason.MARKET)


def test_a_refusal_of_the_account_of_the_pool_says_why():
    (report,) = auction().submit(limit(1, BUY, 5, 99, "pool:mix"), 0)
    assert report.detail.startswith("the pool's account trades")


def test_an_order_that_got_its_limit_asks_for_no_more_clears():
    venue = auction(base=1000, quote=100_000)
    accepted(venue, 0, to_limit(1, BUY, 1000))
    assert fills(venue.clock(10))
    assert venue.next_clock(10) is None
    accepted(venue, 11, to_limit(2, BUY, 5))
    assert venue.next_clock(11) == 20
    venue.cancel(2, "bob", 12)
    assert venue.next_clock(12) is None


@pytest.mark.parametrize("far", [0, 1, 1000])
def test_an_order_that_cannot_trade_does_not_change_who_does(far):
    # At 101 the pool offers 4950 lots, bob 10, and ann wants 10: bob's part is a fiftieth of a lot.
    venue = auction(base=10**6, quote=10**8)
    accepted(venue, 0, limit(1, BUY, 10, 101, "ann"), limit(2, SELL, 10, 101, "bob"))
    if far:
        accepted(venue, 0, limit(3, BUY, far, 1, "cat"))
    legs = {leg.owner: leg.quantity for leg in fills(venue.clock(10))}
    assert legs == {"ann": 10, "pool:mix": 10}
