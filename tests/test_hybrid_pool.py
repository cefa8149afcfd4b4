"""The hybrid of a book and a pool, rule by rule."""

from __future__ import annotations

from random import Random

import pytest

from marketsim.ledger import Ledger
from marketsim.types import (
    Accepted,
    Burn,
    Cancelled,
    Expired,
    Fill,
    Liquidity,
    Mint,
    OrderKind,
    Reason,
    Reduce,
    Replace,
    Side,
    TimeInForce,
)
from tests.hybrid_orders import BUY, FOK, SELL, at_market, cost, filled, legs_of, limit, look, pooled, reason, uncrossed
from venues.hybrid import Hybrid
from venues.layers import Facing, LadderDepth, share


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
