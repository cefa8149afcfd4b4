"""The hybrid: the published split, exact optimality and uncrossedness on random streams, then each layer's rules."""

from __future__ import annotations

from fractions import Fraction
from itertools import count
from math import inf, nan
from random import Random

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import ConfigError, PastError
from marketsim.ledger import Ledger
from marketsim.simulation import Simulation
from marketsim.types import (
    Accepted,
    Burn,
    Cancelled,
    Expired,
    Fill,
    Liquidity,
    Mint,
    Order,
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
from venues.constant_product import ConstantProduct
from venues.hybrid import Hybrid
from venues.layers import Facing, LadderDepth, PoolDepth, share

BUY, SELL = Side.BUY, Side.SELL
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK
RULES = ("allow", "cancel-taker", "cancel-maker", "cancel-both", "decrement")


def limit(order_id, side, quantity, price, owner="ann", market="A", **more):
    return Order(market, side, quantity, price, order_id=order_id, owner=owner, venue="mix", **more)


def at_market(order_id, side, quantity, owner="bob", market="A", tif=IOC, kind=OrderKind.MARKET):
    return Order(market, side, quantity, None, kind, tif, order_id=order_id, owner=owner, venue="mix")


def pooled(base=1000, quote=100_000, **options):
    return Hybrid(("A",), base=base, quote=quote, **options)


def laddered(**options):
    return Hybrid(("A",), base=1, quote=1000, layer="ladder", **options)


def legs_of(reports, owner):
    return [(leg.quantity, leg.price) for leg in reports if type(leg) is Fill and leg.owner == owner]


def cost(reports, order_id):
    return sum(leg.money for leg in reports if type(leg) is Fill and leg.order_id == order_id)


def filled(reports, order_id):
    return sum(leg.quantity for leg in reports if type(leg) is Fill and leg.order_id == order_id)


def reason(reports):
    (report,) = reports
    assert type(report) is Rejected
    return report.reason


def look(venue, now=0):
    reserves = venue.reserves("A") if venue.reserves else None
    return venue.state("A"), venue.orders("A"), reserves, venue.next_clock(now)


def uncrossed(venue, market="A"):
    state = venue.state(market)
    if None not in (state.best_bid, state.best_ask):
        assert state.best_bid < state.best_ask, state
    if venue.layer == "pool":
        base, quote = venue.reserves(market)
        pool = PoolDepth(base, quote, venue.pool_fee_ppm, 1, venue.quantity_step)
        for order in venue.orders(market):
            # The next step of lots, to the tick-lot: not one resting order could trade with the pool within its limit.
            step, price = venue.quantity_step, order.price
            if order.side is BUY and base > step:
                assert pool.money(BUY, step) > price * step, (order, base, quote)
            if order.side is SELL:
                assert pool.money(SELL, step) < price * step, (order, base, quote)


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


# Random streams


def random_message(rng, venue, order_id, live):
    price, lots = rng.randint(90, 110), rng.randint(1, 30)
    side, owner = rng.choice(list(Side)), rng.choice(["ann", "bob", "cat"])
    draw = rng.random()
    if draw < 0.08:
        kind = rng.choice([Mint, Burn])
        return kind("A", rng.choice([1, 3, 50, 2000]), order_id=order_id, owner=owner, venue="mix")
    if draw < 0.16 and live:
        old = rng.choice(live)
        return Reduce(old.order_id, lots, old.owner, "mix")
    if draw < 0.24 and live:
        old = rng.choice(live)
        return Replace(old.order_id, limit(order_id, side, lots, price, old.owner), old.owner, "mix")
    if draw < 0.4:
        return at_market(order_id, side, lots * 2, owner, tif=rng.choice([IOC, FOK]))
    if draw < 0.45:
        return at_market(order_id, side, lots, owner, tif=TimeInForce.GTC, kind=OrderKind.MARKET_TO_LIMIT)
    tif = rng.choice([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, IOC, FOK])
    return limit(order_id, side, lots, price, owner, tif=tif, post_only=tif is TimeInForce.GTC and rng.random() < 0.2)


def accounted(message, reports):
    order = message.order if type(message) is Replace else message
    if type(order) is Order and type(reports[0]) is not Rejected:
        assert sum(each.quantity for each in reports if each.order_id == order.order_id) == order.quantity
        assert all(order.accepts(leg.price) for leg in reports if type(leg) is Fill and leg.order_id == order.order_id)


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


# The pool, rule by rule


def test_limit_trades_with_the_pool_up_to_its_price_and_rests_the_remainder():
    venue = pooled()
    reports = venue.submit(limit(1, BUY, 50, 102), 0)
    # The pool's 10th lot costs 100000 x 1000 / (990 x 991) = 101.93, the 11th 102.14.
    assert legs_of(reports, "pool:mix") == [(10, 101)]
    assert reports[0].money == 1011  # ceil(100000 x 10 / 990)
    assert reports[-1] == Accepted(1, "ann", "A", "mix", 0, 40)
    assert venue.state("A").best_bid == 102
    assert venue.state("A").best_ask == 103


def test_whole_order_within_the_pool_leaves_the_book_alone_and_is_gone():
    venue = pooled()
    reports = venue.submit(limit(1, SELL, 5, 98), 0)
    assert [type(report) for report in reports] == [Fill, Fill]
    assert venue.orders("A") == []
    assert reason(venue.cancel(1, "ann", 0)) is Reason.UNKNOWN_ORDER


def test_book_comes_first_at_equal_prices():
    ladder = LadderDepth((), ((101, 5), (102, 5)))
    assert share(BUY, 5, None, [Facing(101, 5)], ladder).lots == 0
    assert share(BUY, 7, 101, [Facing(101, 5)], ladder).lots == 2


def test_fok_counts_book_and_pool():
    for quantity, whole in ((20, True), (21, False)):
        venue = pooled()
        venue.submit(limit(1, SELL, 10, 102), 0)
        before = look(venue)
        # Ten lots of the pool are within 102, and ten of the book.
        reports = venue.submit(limit(2, BUY, quantity, 102, "bob", tif=FOK), 0)
        assert filled(reports, 2) == (quantity if whole else 0)
        if not whole:
            assert reports == [Expired(2, "bob", "A", "mix", 0, quantity)]
            assert look(venue) == before


def test_market_order_for_more_than_there_is_expires_the_rest():
    venue = pooled(10, 1000)
    venue.submit(limit(1, SELL, 4, 500), 0)
    reports = venue.submit(at_market(2, BUY, 100), 0)
    assert filled(reports, 2) == 13  # all lots of the pool but one, and those of the book
    assert reports[-1] == Expired(2, "bob", "A", "mix", 0, 87)


def test_sell_for_which_the_pool_would_pay_nothing_expires():
    venue = pooled(1000, 10)
    assert venue.state("A").best_bid is None
    assert venue.submit(at_market(1, SELL, 5), 0) == [Expired(1, "bob", "A", "mix", 0, 5)]
    assert venue.reserves("A") == (1000, 10)


def test_post_only_and_market_to_limit_are_refused_where_the_pool_would_trade():
    venue = pooled()
    before = look(venue)
    assert reason(venue.submit(limit(1, BUY, 5, 101, post_only=True), 0)) is Reason.POST_ONLY
    order = at_market(2, BUY, 5, tif=TimeInForce.GTC, kind=OrderKind.MARKET_TO_LIMIT)
    assert reason(venue.submit(order, 0)) is Reason.UNSUPPORTED
    assert look(venue) == before
    assert type(venue.submit(limit(3, BUY, 5, 100, post_only=True), 0)[0]) is Accepted


def test_mint_that_brings_the_pool_to_a_resting_order_trades_with_it():
    venue = pooled(100, 10_000)
    venue.submit(limit(1, BUY, 30, 101), 0)  # the pool's next lot costs 10000 / 99
    assert venue.reserves("A") == (100, 10_000)
    reports = venue.submit(Mint("A", 9000, order_id=2, owner="lp", venue="mix"), 0)
    swept = [leg for leg in reports if type(leg) is Fill and leg.order_id == 1]
    assert [(leg.owner, leg.liquidity, leg.fee) for leg in swept] == [("ann", Liquidity.MAKER, 0)]
    assert 0 < swept[0].quantity <= 30
    assert swept[0].money <= 101 * swept[0].quantity
    uncrossed(venue)
    ledger = Ledger()
    ledger.post([leg for leg in reports if type(leg) is Fill])
    ledger.check()


@pytest.mark.parametrize(
    ("rule", "own", "taken"),
    [("cancel-taker", [5], 1), ("cancel-both", [], 1), ("cancel-maker", [], 40), ("decrement", [], 35)],
)
def test_self_trade_prevention_meets_the_pool(rule, own, taken):
    # The first lot of the pool costs 100.1, the second 100.3, the sixth 101.1; bob's own 5 lots rest at 101.
    venue = pooled(self_trade=rule)
    venue.submit(limit(1, SELL, 5, 101, "bob"), 0)
    reports = venue.submit(at_market(2, BUY, 40), 0)
    got = filled(reports, 2)
    assert [order.quantity for order in venue.orders("A")] == own
    assert got == taken or (taken == 1 and 0 < got < 6)
    assert legs_of(reports, "pool:mix")[0][0] == got
    assert sum(each.quantity for each in reports if each.order_id == 2) == 40
    uncrossed(venue)


def test_fee_is_charged_alike_on_lots_from_either_and_only_the_makers_leg_pays_the_makers():
    venue = pooled(taker_fee_ppm=10_000, maker_fee_ppm=1000)
    venue.submit(limit(1, SELL, 50, 101), 0)
    reports = venue.submit(at_market(2, BUY, 20), 0)
    bought = [(leg.owner, leg.money, leg.fee) for leg in reports]
    assert bought == [("bob", 509, 6), ("pool:mix", 503, 0), ("bob", 1531, 16), ("ann", 1513, 2)]
    assert len({leg.match_id for leg in reports}) == 2


def test_replace_is_one_step_and_a_refused_one_changes_nothing():
    venue = pooled()
    venue.submit(limit(1, BUY, 30, 99), 0)
    before = look(venue)
    for bad, why in (
        (Replace(1, limit(2, BUY, 5, 98, "bob"), "bob", "mix"), Reason.NOT_OWNER),
        (Replace(7, limit(2, BUY, 5, 98), "ann", "mix"), Reason.UNKNOWN_ORDER),
        (Replace(1, limit(2, BUY, 5, 102, post_only=True), "ann", "mix"), Reason.POST_ONLY),
        (Replace(1, limit(1, BUY, 5, 98), "ann", "mix"), Reason.DUPLICATE_ORDER),
        (Replace(1, "no order", "ann", "mix"), Reason.UNSUPPORTED),
    ):
        assert reason(venue.submit(bad, 0)) is why
        assert look(venue) == before
    reports = venue.submit(Replace(1, limit(2, BUY, 20, 102), "ann", "mix"), 0)
    assert [type(report) for report in reports] == [Cancelled, Fill, Fill, Accepted]
    assert [(order.order_id, order.quantity) for order in venue.orders("A")] == [(2, 10)]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (limit(1, BUY, 5, 99), Reason.DUPLICATE_ORDER),
        (limit(2, BUY, 0, 99), Reason.QUANTITY),
        (limit(2, BUY, 5, 99.0), Reason.PRICE),
        (limit(2, BUY, 5, -3), Reason.PRICE),
        (limit(2, BUY, True, 99), Reason.QUANTITY),
        (limit(2, BUY, 5, 99, market="Z"), Reason.MARKET),
        (Reduce(9, 1, "ann", "mix"), Reason.UNKNOWN_ORDER),
        (Reduce(1, 1, "eve", "mix"), Reason.NOT_OWNER),
        (Mint("Z", 5, owner="lp", venue="mix"), Reason.MARKET),
        (Burn("A", 5, owner="lp", venue="mix"), Reason.NOT_OWNER),
        ("nonsense", Reason.UNSUPPORTED),
    ],
)
def test_refusals_change_nothing(message, why):
    venue = pooled()
    venue.submit(limit(1, SELL, 5, 105), 0)
    before = look(venue)
    assert reason(venue.submit(message, 0)) is why
    assert look(venue) == before


def test_off_grid_is_refused_and_the_pool_trades_whole_steps():
    venue = pooled(price_step=2, quantity_step=5)
    for bad in (limit(1, BUY, 7, 100), limit(1, BUY, 5, 101)):
        assert reason(venue.submit(bad, 0)) is Reason.OFF_GRID
    reports = venue.submit(limit(1, BUY, 50, 102), 0)
    assert filled(reports, 1) % 5 == 0
    assert filled(reports, 1) > 0
    assert venue.state("A").best_ask % 2 == 0


def test_estimate_is_what_a_market_order_pays():
    rng = Random(11)
    for case in range(60):
        venue = pooled(rng.randint(5, 300), rng.randint(500, 30_000), pool_fee_ppm=rng.choice([0, 3000]))
        for order_id in range(1, 30):
            venue.submit(limit(order_id, rng.choice(list(Side)), rng.randint(1, 9), rng.randint(50, 150)), 0)
        side, quantity = rng.choice(list(Side)), rng.randint(1, 200)
        estimate = venue.estimate_impact("A", side, quantity)
        assert venue.state("A").estimate(side, quantity) == estimate
        reports = venue.submit(at_market(99, side, quantity), 0)
        assert (filled(reports, 99), cost(reports, 99)) == estimate, case


def test_markets_have_reserves_of_their_own():
    venue = Hybrid(("A", "B"), base={"A": 10, "B": 1000}, quote={"A": 1000, "B": 1000})
    venue.submit(at_market(1, BUY, 3, market="B"), 0)
    assert venue.reserves("A") == (10, 1000)
    assert venue.reserves("B")[0] == 997


# The ladder


def test_ladder_opens_with_three_levels_of_80_56_and_39_lots_around_the_centre():
    state = laddered().state("A")
    assert state.asks == ((1003, 80), (1005, 56), (1008, 39))
    assert state.bids == ((997, 80), (995, 56), (992, 39))


def test_ladder_sizes_are_scaled_by_the_lot_and_spread_is_that_of_the_best_quotes():
    venue = Hybrid(("A",), base=1, quote=100_000, layer="ladder", lot=100)
    assert venue.state("A").asks == ((100_250, 8000), (100_500, 5600), (100_750, 3920))
    assert venue.state("A").best_ask - venue.state("A").best_bid == 500


def test_ladder_is_reduced_until_the_next_step_and_then_follows_the_last_price():
    venue = laddered()
    assert venue.next_clock(4) is None
    reports = venue.submit(at_market(1, BUY, 100), 4)
    assert legs_of(reports, "pool:mix") == [(80, 1003), (20, 1005)]
    assert venue.state("A").asks == ((1005, 36), (1008, 39))
    assert venue.next_clock(4) == 5
    assert venue.clock(5) == []
    assert venue.state("A").bids == ((1002, 80), (999, 56), (997, 39))
    assert venue.state("A").asks == ((1008, 80), (1011, 56), (1013, 39))
    assert venue.next_clock(5) is None


def test_book_orders_between_the_quotes_do_not_wake_the_clock_and_trade_first():
    venue = laddered()
    venue.submit(limit(1, SELL, 10, 1003), 0)
    venue.submit(limit(2, SELL, 10, 1001), 0)
    assert venue.next_clock(0) is None
    reports = venue.submit(at_market(3, BUY, 25), 0)
    assert legs_of(reports, "ann") == [(10, 1001), (10, 1003)]
    assert legs_of(reports, "pool:mix") == [(5, 1003)]


def test_quotes_that_would_meet_a_resting_order_are_left_out_until_it_goes():
    venue = laddered()
    venue.submit(limit(1, SELL, 500, 1004), 0)
    venue.submit(at_market(2, BUY, 100), 0)  # 80 of the house at 1003, 20 of the book at 1004
    venue.submit(at_market(3, BUY, 1), 0)
    venue.clock(1)
    assert venue.state("A").bids == ((1001, 80), (998, 56), (996, 39))
    venue.submit(limit(4, SELL, 5, 1001, "cat"), 1)  # sells to the house
    venue.submit(limit(5, SELL, 5, 1002, "cat"), 1)
    assert venue.state("A").last_price == 1001
    uncrossed(venue)
    venue.cancel(5, "cat", 1)
    venue.cancel(1, "ann", 1)
    venue.clock(2)
    assert venue.state("A").best_ask == 1004


def test_ladder_takes_no_shares_and_has_no_reserves():
    venue = laddered()
    assert venue.reserves is None
    assert reason(venue.submit(Mint("A", 5, owner="lp", venue="mix"), 0)) is Reason.UNSUPPORTED


def test_market_to_limit_rests_at_the_best_price_of_both():
    venue = laddered()
    order = at_market(1, BUY, 100, tif=TimeInForce.GTC, kind=OrderKind.MARKET_TO_LIMIT)
    reports = venue.submit(order, 0)
    assert legs_of(reports, "pool:mix") == [(80, 1003)]
    assert venue.orders("A")[0].price == 1003


@pytest.mark.parametrize("self_trade", RULES)
def test_lazy_clock_and_clock_at_every_step_give_the_same_log_and_states(self_trade):
    for seed in range(8):
        logs = []
        for eager in (False, True):
            rng, ids = Random(seed), count(1)
            venue = laddered(size=10, self_trade=self_trade)
            log = []
            for now in range(120):
                if eager or venue.next_clock(now - 1) == now:
                    log.append(("clock", venue.clock(now))) if venue.next_clock(now - 1) == now else venue.clock(now)
                    assert venue.clock(now) == []
                for _ in range(rng.choice([0, 0, 1, 2])):
                    message = random_message(rng, venue, next(ids), venue.orders("A"))
                    if type(message) is Order and message.price is not None:
                        message = message._replace(price=message.price + 900)
                    before = look(venue, now)
                    reports = venue.submit(message, now)
                    if type(reports[0]) is Rejected:
                        assert look(venue, now) == before
                    accounted(message, reports)
                    uncrossed(venue)
                    log.append((now, reports, venue.state("A")))
                log.append(venue.state("A"))
            logs.append([entry for entry in log if entry != ("clock", [])])
        assert logs[0] == logs[1]
        assert any(type(leg) is Fill and leg.owner == "pool:mix" for e in logs[0] if len(e) == 3 for leg in e[1])


def test_late_call_is_a_bug():
    venue = laddered()
    venue.submit(at_market(1, BUY, 5), 3)
    for call in (lambda: venue.submit(at_market(2, BUY, 5), 4), lambda: venue.cancel(1, "bob", 4)):
        with pytest.raises(PastError):
            call()
    with pytest.raises(PastError):
        venue.clock(6)


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
