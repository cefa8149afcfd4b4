"""The hybrid against brute force: how an order divides, what the layers quote, and what the public is shown."""

from __future__ import annotations

from collections import Counter
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
from tests.hybrid_orders import BUY, IOC, SELL, at_market, cost, filled, laddered, legs_of, limit, look, pooled, reason
from venues._quotes import LadderLayer
from venues.constant_product import swap_exact_out
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


def test_no_more_levels_are_shown_than_the_depth():
    quotes = laddered().state("A")
    shown = laddered(depth=2).state("A")
    assert (shown.bids, shown.asks) == (quotes.bids[:2], quotes.asks[:2])


def test_a_clock_leaves_every_market_with_the_quotes_that_it_wants():
    venue = Hybrid(("A", "B"), base=1, quote=1000, layer="ladder")
    venue.submit(at_market(1, BUY, 100), 0)
    venue.clock(1)
    venue.submit(limit(2, BUY, 1, 900), 1)
    assert venue.next_clock(1) is None


def test_a_market_order_has_no_price_that_could_be_off_the_grid():
    assert filled(pooled(price_step=10).submit(at_market(1, BUY, 5), 0), 1) == 5


def test_a_sell_below_the_least_price_is_refused_though_the_pool_bids_more():
    venue = pooled(min_price=50)
    before = look(venue)
    assert reason(venue.submit(limit(1, SELL, 5, 49), 0)) is Reason.PRICE
    assert look(venue) == before
    assert pooled(min_price=None).submit(limit(1, BUY, 5, -49), 0) == [Accepted(1, "ann", "A", "mix", 0, 5)]


def test_the_replaced_order_is_no_price_for_a_market_to_limit_order():
    venue = laddered()
    venue.submit(at_market(2, BUY, 1000), 0)
    venue.submit(limit(1, SELL, 5, 1003), 0)
    before = look(venue)
    order = at_market(3, BUY, 5, "ann", tif=TimeInForce.GTC, kind=OrderKind.MARKET_TO_LIMIT)
    assert reason(venue.submit(Replace(1, order, "ann", "mix"), 0)) is Reason.NO_LIQUIDITY
    assert look(venue) == before
    assert filled(venue.submit(order, 0), 3) == 5


def test_nobody_replaces_an_order_by_one_of_another_account():
    venue = pooled()
    venue.submit(limit(1, BUY, 5, 90), 0)
    before = look(venue)
    assert reason(venue.submit(Replace(1, limit(2, BUY, 5, 91, "bob"), "ann", "mix"), 0)) is Reason.NOT_OWNER
    assert look(venue) == before


def test_own_orders_that_give_way_are_cancelled_now():
    venue = pooled(self_trade="cancel-maker")
    venue.submit(limit(1, SELL, 5, 102, "bob"), 3)
    reports = venue.submit(at_market(2, BUY, 20), 7)
    assert Cancelled(1, "bob", "A", "mix", 7, 5, 0) in reports
    assert {report.time for report in reports} == {7}


@pytest.mark.parametrize("message", [None, Reduce(1, 30, "ann", "mix")])
def test_what_is_withdrawn_is_shown_no_longer(message):
    venue = pooled()
    fresh = venue.state("A")
    venue.submit(limit(1, BUY, 30, 98), 0)
    assert venue.state("A") != fresh
    if message is None:
        venue.cancel(1, "ann", 1)
    else:
        venue.submit(message, 1)
    assert venue.state("A") == fresh


@pytest.mark.parametrize(("side", "met", "far"), [(BUY, (105, 103), 80), (SELL, (95, 97), 120)])
def test_what_a_mint_trades_adds_up_order_by_order(side, met, far):
    # The pool bids 90 and asks 112 before it, 99 and 101 after it.
    venue, lots = pooled(10, 1000, taker_fee_ppm=50_000), {1: 4, 2: 3, 3: 2, 4: 6}
    venue.submit(limit(1, side.opposite, lots[1], 80 if side is SELL else 120, post_only=True), 0)
    for order_id, price in zip((2, 3, 4), (*met, far), strict=True):
        venue.submit(limit(order_id, side, lots[order_id], price, post_only=True), 0)
    mint = venue.submit(Mint("A", 9900, order_id=9, owner="lp", venue="mix"), 7)
    assert {order.order_id: order.quantity for order in venue.orders("A")} == {1: 4, 4: 6}
    swept = [leg for leg in mint if leg.order_id in lots]
    assert [(leg.order_id, leg.quantity) for leg in swept] == [(2, 3), (3, 2)]
    assert all(leg.side is side and leg.fee == 0 and side * leg.price <= side * met[1] for leg in swept)
    assert {leg.time for leg in mint} == {7}
    assert venue.state("A").last_price == swept[-1].price
    # Both legs of a match share its id, and no other match has it.
    matches = Counter(leg.match_id for leg in mint + venue.submit(at_market(10, side, 5), 8))
    assert (len(matches), set(matches.values())) == (5, {2})


def test_lots_that_go_off_an_order_are_on_the_grid_too():
    venue = pooled(quantity_step=5)
    venue.submit(limit(1, BUY, 20, 90), 0)
    assert reason(venue.submit(Reduce(1, 3, "ann", "mix"), 0)) is Reason.OFF_GRID


def test_an_estimate_knows_more_levels_than_are_shown():
    venue = laddered(depth=2)
    for order_id in range(1, 21):
        venue.submit(limit(order_id, SELL, 1, 1100 + order_id), 0)
    lots, money = venue.estimate_impact("A", BUY, 10**6)
    reports = venue.submit(at_market(21, BUY, 10**6), 0)
    assert (lots, money) == (175 + 20, cost(reports, 21)) == (filled(reports, 21), cost(reports, 21))


def test_the_fee_of_the_pool_is_that_of_a_pool_alone():
    reports = pooled(pool_fee_ppm=3000).submit(at_market(1, BUY, 10), 0)
    assert cost(reports, 1) == swap_exact_out(100_000, 1000, 10, fee_ppm=3000)


def test_without_a_least_price_a_ladder_quotes_below_zero():
    bids = Hybrid(("A",), base=1, quote=3, layer="ladder", spread=0.9, min_price=None).state("A").bids
    assert bids == ((1, 80), (0, 56), (-2, 39))


def test_a_ladder_opens_at_any_price_that_is_one():
    assert Hybrid(("A",), base=3, quote=3 * 2**53, layer="ladder").state("A").best_bid > 0
    with pytest.raises(ConfigError, match="quote / base up to 2"):
        Hybrid(("A",), base=3, quote=3 * 2**53 + 1, layer="ladder")
