"""The hybrid against brute force: how an order divides, what the layers quote, and what the public is shown."""

from __future__ import annotations

from copy import deepcopy
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from attrs import field, frozen

from marketsim.errors import ConfigError
from marketsim.types import (
    Accepted,
    Cancelled,
    Fill,
    Mint,
    Order,
    OrderKind,
    Reason,
    Reduce,
    Replace,
    Side,
    TimeInForce,
    walk,
)
from tests.hybrid_orders import BUY, IOC, SELL, at_market, filled, laddered, legs_of, limit, pooled, reason
from venues._quotes import LadderLayer
from venues.hybrid import Hybrid
from venues.layers import LadderDepth, PoolDepth, amounts, share

POOLS = [(60, 6000), (50, 20), (7, 90), (40, 39), (4, 1)]


@pytest.mark.parametrize("fee_ppm", [0, 3000, 250_000])
@pytest.mark.parametrize(("base", "quote"), POOLS)
def test_the_division_of_a_buy_is_the_cheapest_and_of_a_sell_the_dearest(base, quote, fee_ppm):
    """Angeris, Evans, Chitra and Boyd (2022): equal marginal prices are optimal; here to the whole tick-lot."""
    rng, pool = Random(base), PoolDepth(base, quote, fee_ppm, 1, 1)
    middle = quote // base
    for _ in range(25):
        prices = rng.sample(range(max(1, middle - 9), middle + 11), 3)
        for side in Side:
            levels = [(price, rng.randint(1, 9)) for price in sorted(prices, reverse=side is SELL)]
            quantity = rng.randint(1, min(base - 1, 20))
            lots, passed = share(side, quantity, None, [(*level, 0) for level in levels], pool)
            assert passed == ()

            def money(lots, side=side, levels=levels, quantity=quantity):
                met, paid = walk(levels, quantity - lots)
                return side * (pool.money(side, lots) + paid) if met + lots == quantity else None

            divisions = [cost for lots in range(quantity + 1) if (cost := money(lots)) is not None]
            if (cost := money(lots)) is not None:
                assert cost == min(divisions), (side, levels, quantity, lots)


@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("fee_ppm", [0, 3000])
@pytest.mark.parametrize(("base", "quote"), POOLS)
def test_a_pool_trades_within_a_price_every_step_whose_marginal_price_is_within_it(base, quote, fee_ppm, step):
    pool, kept = PoolDepth(base, quote, fee_ppm, 1, step), Fraction(10**6 - fee_ppm, 10**6)

    def bought_at(lots):  # the price of the step that ends there, a lot; rising
        return Fraction(quote * base) / (kept * (base - lots) * (base - lots + step))

    def sold_at(lots):  # falling
        return quote * kept * base / ((base + kept * lots) * (base + kept * (lots - step)))

    ends = range(step, base, step)
    for price in range(-1, 3 * quote // base + 4):
        within = max([lots for lots in ends if price > 0 and bought_at(lots) <= price], default=0)
        assert pool.lots(BUY, price) == within
        below = max([lots for lots in ends if price > 0 and bought_at(lots) < price], default=0)
        # Whole money may leave the pool a bid of the very price that was not to be met; then it trades less.
        assert pool.lots(BUY, price, inside=True) <= below
        if price > 0:
            sold = 0
            while sold_at(sold + step) >= price:
                sold += step
            assert pool.lots(SELL, price) >= sold
            assert not pool.after(SELL, pool.lots(SELL, price)).pays(price)
            inside = pool.lots(SELL, price, inside=True)
            assert inside == 0 or sold_at(inside) > price
            assert sold_at(inside + step) <= price
    assert pool.lots(BUY, None) == max(ends, default=0)
    assert pool.best(BUY) == (None if base <= step else -(-bought_at(step) // 1))
    assert pool.best(SELL) == (None if sold_at(step) < 1 else sold_at(step) // 1)


@pytest.mark.parametrize("make", [pooled, lambda: pooled(pool_fee_ppm=3000, price_step=2), laddered])
def test_the_levels_shown_are_what_limits_at_their_prices_would_trade(make):
    for seed in range(2):
        venue, rng, now = make(), Random(seed), 0
        centre = 1000 if venue.layer == "ladder" else 100
        for order_id in range(1, 20):
            side, price = rng.choice(list(Side)), centre + 2 * rng.randint(-8, 8)
            venue.submit(limit(order_id, side, rng.randint(1, 20), price, rng.choice("xyz")), now)
            state = venue.state("A")
            for way, levels in ((BUY, state.asks), (SELL, state.bids)):
                assert all(way * one[0] < way * two[0] for one, two in pairwise(levels))
                lots = 0
                for price, quantity in levels:
                    lots += quantity
                    taken = deepcopy(venue).submit(limit(900, way, 10**6, price, "taker", tif=IOC), now)
                    assert filled(taken, 900) == lots
            if venue.next_clock(now) is not None:
                now += 1
                venue.clock(now)


def test_the_answers_to_a_post_only_and_a_market_to_limit_order_look_at_the_book_too():
    venue = laddered()
    venue.submit(limit(1, SELL, 10, 1001), 0)
    assert reason(venue.submit(limit(2, BUY, 5, 1001, "bob", post_only=True), 0)) is Reason.POST_ONLY
    order = at_market(3, BUY, 15, tif=TimeInForce.GTC, kind=OrderKind.MARKET_TO_LIMIT)
    reports = venue.submit(order, 0)
    assert legs_of(reports, "ann") == [(10, 1001)]
    assert reports[-1] == Accepted(3, "bob", "A", "mix", 0, 5)
    assert venue.state("A").bids[0] == (1001, 5)


def test_an_order_that_replaces_one_is_judged_without_it():
    venue = laddered()
    venue.submit(limit(1, SELL, 10, 1001), 0)
    anew = limit(2, BUY, 10, 1001, "ann", post_only=True)
    # The only sell below 1003 is the one that goes.
    reports = venue.submit(Replace(1, anew, "ann", "mix"), 0)
    assert [type(report) for report in reports] == [Cancelled, Accepted]


@pytest.mark.parametrize("rule", ["cancel-taker", "cancel-both"])
def test_an_order_that_comes_to_its_own_ends_there_with_the_layer_at_the_same_price(rule):
    venue = laddered(self_trade=rule)
    venue.submit(limit(1, SELL, 5, 1003, "bob"), 0)
    assert filled(venue.submit(at_market(2, BUY, 40), 0), 2) == 0


def test_match_ids_of_the_layer_are_odd_and_of_the_book_even():
    venue, seen = pooled(), {}
    for order_id, price in ((1, 101), (2, 102)):
        venue.submit(limit(order_id, SELL, 5, price), 0)
    for order_id in (3, 4, 5):
        for leg in venue.submit(at_market(order_id, BUY, 9), 0):
            if type(leg) is Fill:
                seen.setdefault(leg.match_id, set()).add(leg.owner)
    assert {number % 2 for number, owners in seen.items() if "pool:mix" in owners} == {1}
    assert {number % 2 for number, owners in seen.items() if "ann" in owners} == {0}
    assert all(len(owners) == 2 for owners in seen.values())


def test_what_a_mint_trades_is_gone_from_the_book():
    venue = pooled(100, 10_000)
    venue.submit(limit(1, BUY, 30, 101, post_only=True), 0)
    reports = venue.submit(Mint("A", 9000, order_id=2, owner="lp", venue="mix"), 0)
    swept = filled(reports, 1)
    assert swept > 0
    assert all(leg.match_id % 2 == 1 for leg in reports if type(leg) is Fill)
    assert [(order.order_id, order.quantity) for order in venue.orders("A")] == [(1, 30 - swept)]
    assert venue.state("A").last_price in {leg.price for leg in reports if type(leg) is Fill and leg.order_id == 1}


def test_a_mint_goes_to_the_pool_of_its_market():
    venue = Hybrid(("A", "B"), base=100, quote=10_000)
    venue.submit(Mint("B", 500, order_id=2, owner="lp", venue="mix"), 0)
    assert venue.reserves("A") == (100, 10_000)
    assert venue.reserves("B")[0] > 100


def test_a_pool_that_pays_nothing_leaves_the_bids_to_the_book():
    venue = pooled(1000, 10)
    venue.submit(limit(1, BUY, 7, 1), 0)
    # The pool asks 1 too: of the bid for 7 lots it sells what it has at that price.
    left = venue.orders("A")
    assert venue.state("A").bids == tuple((order.price, order.quantity) for order in left)


def test_an_order_that_is_reduced_before_the_clock_does_not_put_it_off():
    venue = laddered()
    venue.submit(limit(1, SELL, 10, 1010), 0)
    venue.submit(at_market(2, BUY, 5), 0)
    assert venue.submit(Reduce(1, 3, "ann", "mix"), 0) == [Cancelled(1, "ann", "A", "mix", 0, 3, 7)]
    assert venue.next_clock(0) == 1


def test_a_pool_never_asks_for_a_clock():
    venue = pooled()
    venue.submit(limit(1, BUY, 30, 102), 0)
    venue.submit(at_market(2, SELL, 50), 0)
    assert venue.next_clock(0) is None


def test_quotes_without_a_spread_lie_a_grid_step_around_the_centre():
    venue = Hybrid(("A",), base=1, quote=1005, layer="ladder", spread=0.0, price_step=10)
    state = venue.state("A")
    assert (state.bids, state.asks) == (((1000, 175),), ((1010, 175),))
    assert {type(number) for level in (*state.bids, *state.asks) for number in level} == {int}


@pytest.mark.parametrize(("min_price", "bids"), [(2, ((2, 80),)), (1, ((2, 80), (1, 95)))])
def test_quotes_below_the_least_price_are_left_out(min_price, bids):
    state = Hybrid(("A",), base=1, quote=3, layer="ladder", spread=0.4, min_price=min_price).state("A")
    assert state.bids == bids


@pytest.mark.parametrize(
    "bad", [{"A": 1}, {"A": 1, "B": 1, "C": 1}, {"A": 1, "B": 0}, {"A": 1, 2: 1}, {"A": 1, "B": 1.0}]
)
def test_reserves_by_market_are_positive_and_for_every_market(bad):
    with pytest.raises(ConfigError, match="base"):
        Hybrid(("A", "B"), base=bad, quote=100)


def test_a_ladder_is_nothing_but_its_levels():
    ladder = LadderDepth(bids=((99, 3), (98, 4)), asks=((101, 5), (103, 6)))
    assert [ladder.lots(BUY, price) for price in (100, 101, 102, 103, None)] == [0, 5, 5, 11, 11]
    assert [ladder.lots(BUY, price, inside=True) for price in (101, 102, 103, 104)] == [0, 5, 5, 11]
    assert [ladder.lots(SELL, price) for price in (100, 99, 98, 1)] == [0, 3, 7, 7]
    assert ladder.without(SELL, 4) == LadderDepth(((98, 3),), ladder.asks)


def test_a_ladder_has_no_shares():
    assert laddered().messages == (Order, Reduce, Replace)
    layer = LadderLayer(opening=100, half_spread=Fraction(1, 100), sizes=(5,), price_step=1, floor=1)
    (refusal,) = layer.change(Mint("A", 5, order_id=3, owner="lp", venue="mix"), 8)
    assert (refusal.reason, refusal.order_id, refusal.owner, refusal.time) == (Reason.UNSUPPORTED, 3, "lp", 8)


def test_amounts_are_one_for_all_markets_or_one_for_each():
    @frozen
    class Held:
        markets: tuple[str, ...]
        base: object = field(validator=amounts(2, 9))

    for good in (2, 9, {"B": 2, "A": 9}):
        assert Held(("A", "B"), good).base == good
    for bad in (1, 10, True, {"A": 5}, {"A": 5, "B": 10}, {"A": 5, "B": 5, "C": 5}):
        with pytest.raises(ConfigError, match=r"Held\.base: got"):
            Held(("A", "B"), bad)
    with pytest.raises(ConfigError, match="one for each of A, B"):
        Held(("A", "B"), {"A": 5})


def test_the_least_price_is_a_price():
    venue = pooled(min_price=50)
    assert reason(venue.submit(limit(1, BUY, 5, 49), 0)) is Reason.PRICE
    assert venue.submit(limit(1, BUY, 5, 50), 0) == [Accepted(1, "ann", "A", "mix", 0, 5)]


@pytest.mark.parametrize(("side", "price", "kept"), [(BUY, 999, (997, 39)), (SELL, 1001, (1003, 39))])
def test_quotes_that_stay_left_out_ask_for_no_clock(side, price, kept):
    venue = laddered()
    # The price moves to 1005 (995), and behind it an order rests that two of the next quotes would meet.
    venue.submit(at_market(1, side, 100), 0)
    venue.submit(limit(2, side.opposite, 5, price), 0)
    assert venue.next_clock(0) == 1
    venue.clock(1)
    state = venue.state("A")
    assert (state.bids if side is BUY else state.asks) == (kept,)
    venue.submit(limit(3, side, 1, 1000 - 100 * side), 1)
    assert venue.next_clock(1) is None
