"""The frequent batch auction: the published stale-quote table, the venue's rules by number, and random streams."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from random import Random

import pytest

from marketsim.errors import ConfigError, PastError
from marketsim.types import (
    Accepted,
    Cancelled,
    Expired,
    Feed,
    Fill,
    Liquidity,
    Order,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Side,
    TimeInForce,
    VenueState,
)
from venues.clearing import PRICE_RULES
from venues.fba import BatchAuction

BUY, SELL = Side.BUY, Side.SELL
MARKET, MTL = OrderKind.MARKET, OrderKind.MARKET_TO_LIMIT
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK


def limit(order_id, side, quantity, price, owner="ann", market="A", **more):
    return Order(market, side, quantity, price, order_id=order_id, owner=owner, venue="fba", **more)


def at_market(order_id, side, quantity, owner="ann", market="A", tif=IOC, kind=MARKET):
    return Order(market, side, quantity, None, kind, tif, order_id=order_id, owner=owner, venue="fba")


def accepted(venue, now, *orders):
    for order in orders:
        expected = Accepted(order.order_id, order.owner, order.market, "fba", now, order.quantity)
        assert venue.submit(order, now) == [expected]


def filled(reports):
    return {leg.order_id: leg.quantity for leg in reports if type(leg) is Fill}


def price_of(reports):
    (price,) = {leg.price for leg in reports if type(leg) is Fill}
    return price


def snapshot(venue, now):
    public = [(market, venue.state(market), venue.orders(market)) for market in venue.markets]
    return public, venue.next_clock(now)


# --- Budish, Cramton and Shim: who picks off a stale quote in a batch ---

# Demand, then the loss per lot of a stale ask at 100 for 5 lots while the truth is 110.
STALE = [("below", 3, 10), ("equal", 5, 5), ("above", 8, 0)]


def stale_quote_loss(demand, **rules):
    venue = BatchAuction(("A",), 1, **rules)
    accepted(venue, 0, limit(1, SELL, 5, 100, owner="maker"))
    accepted(venue, 60, *demand)
    legs = [leg for leg in venue.clock(61) if type(leg) is Fill and leg.owner == "maker"]
    return [(leg.quantity, 110 - leg.price) for leg in legs]


@pytest.mark.parametrize(("case", "quantity", "loss"), STALE)
def test_stale_ask_under_market_clearing(case, quantity, loss):
    assert stale_quote_loss([limit(2, BUY, quantity, 110)]) == [(min(quantity, 5), loss)]


@pytest.mark.parametrize(("case", "quantity", "loss"), STALE)
def test_stale_ask_under_volume_midpoint_loses_half_whatever_the_demand(case, quantity, loss):
    assert stale_quote_loss([limit(2, BUY, quantity, 110)], price_rule="volume_midpoint") == [(min(quantity, 5), 5)]


@pytest.mark.parametrize("rule", ["midpoint", "volume_midpoint"])
@pytest.mark.parametrize("quantity", [3, 5])
def test_stale_ask_loses_all_to_market_orders(rule, quantity):
    assert stale_quote_loss([at_market(2, BUY, quantity)], price_rule=rule) == [(quantity, 10)]


def test_stale_ask_loses_all_to_a_monopolist_and_nothing_to_two_snipers_for_the_full_size():
    assert stale_quote_loss([limit(2, BUY, 5, 100)]) == [(5, 10)]
    rivals = [limit(2, BUY, 5, 110, owner="bob"), limit(3, BUY, 5, 110, owner="cyd")]
    assert stale_quote_loss(rivals) == [(5, 0)]


# --- the venue's rules, by number ---


def test_rule_1_the_clock_runs_before_the_messages_of_its_step():
    venue = BatchAuction(("A",), 10)
    accepted(venue, 9, limit(1, SELL, 5, 100))
    accepted(venue, 9, limit(2, BUY, 5, 100))
    assert venue.next_clock(9) == 10
    assert filled(venue.clock(10)) == {1: 5, 2: 5}
    accepted(venue, 10, limit(3, SELL, 5, 100))
    accepted(venue, 10, limit(4, BUY, 5, 100))
    assert venue.next_clock(10) == 20
    assert venue.clock(10) == []
    assert filled(venue.clock(20)) == {3: 5, 4: 5}


@pytest.mark.parametrize("pi", [1, 2, 7, 10])
def test_rule_1_a_uniformly_arriving_order_waits_half_of_pi_plus_one(pi):
    waits = []
    for arrival in range(3 * pi, 4 * pi):
        venue = BatchAuction(("A",), pi)
        accepted(venue, 0, limit(1, SELL, 1, 100))
        accepted(venue, arrival, limit(2, BUY, 1, 100))
        due = venue.next_clock(arrival)
        assert filled(venue.clock(due)) == {1: 1, 2: 1}
        waits.append(due - arrival)
    assert Fraction(sum(waits), len(waits)) == Fraction(pi + 1, 2)


def test_rule_1_limits_rest_and_market_and_ioc_orders_live_for_one_clear():
    venue = BatchAuction(("A",), 10)
    accepted(venue, 3, limit(1, BUY, 5, 90), limit(2, BUY, 5, 95, tif=IOC), at_market(3, BUY, 5))
    assert venue.next_clock(3) == 10
    assert venue.clock(10) == [Expired(2, "ann", "A", "fba", 10, 5), Expired(3, "ann", "A", "fba", 10, 5)]
    assert [order.order_id for order in venue.orders("A")] == [1]
    assert venue.next_clock(10) is None


def test_rule_1_a_quiet_book_names_no_clock():
    venue = BatchAuction(("A", "B"), 10)
    accepted(venue, 0, limit(1, BUY, 5, 90), limit(2, SELL, 5, 91), limit(3, BUY, 5, 99, market="B"))
    assert venue.next_clock(0) is None
    assert venue.next_clock(10**6) is None
    assert venue.clock(20) == []
    accepted(venue, 10**6 + 4, limit(4, BUY, 1, 91))
    assert venue.next_clock(10**6 + 4) == 10**6 + 10
    # Once the only order that crosses is gone, there is nothing to clear.
    venue.cancel(4, "ann", 10**6 + 5)
    assert venue.next_clock(10**6 + 5) is None
    accepted(venue, 10**6 + 5, at_market(5, SELL, 1))
    assert venue.next_clock(10**6 + 5) == 10**6 + 10
    venue.cancel(5, "ann", 10**6 + 6)
    assert venue.next_clock(10**6 + 6) is None


def test_rule_1_a_clear_that_was_not_called_is_a_bug():
    venue = BatchAuction(("A",), 10)
    accepted(venue, 0, limit(1, BUY, 5, 90), limit(2, SELL, 5, 90))
    for call in (
        lambda: venue.submit(limit(3, BUY, 1, 80), 10),
        lambda: venue.cancel(1, "ann", 12),
        lambda: venue.clock(20),
        lambda: venue.next_clock(10),
    ):
        with pytest.raises(PastError, match="called at 10"):
            call()
    assert filled(venue.clock(10)) == {1: 5, 2: 5}


def test_rule_2_volume_is_the_smaller_of_demand_and_supply():
    venue = BatchAuction(("A",), 1)
    accepted(venue, 0, limit(1, BUY, 7, 103), limit(2, BUY, 9, 99), limit(3, SELL, 4, 98), limit(4, SELL, 9, 101))
    # 98: min(16, 4), 99: min(16, 4), 101: min(7, 13), 103: min(7, 13).
    reports = venue.clock(1)
    assert sum(leg.quantity for leg in reports if leg.side is BUY) == 7
    assert price_of(reports) == 101


def test_rule_3_the_price_is_market_clearing_and_not_merely_volume_maximal():
    prices = {}
    for rule in ("midpoint", "volume_midpoint"):
        venue = BatchAuction(("A",), 1, price_rule=rule)
        accepted(venue, 0, limit(1, BUY, 400, 202), limit(2, BUY, 200, 201))
        accepted(venue, 0, limit(3, SELL, 300, 199), limit(4, SELL, 200, 198))
        prices[rule] = price_of(venue.clock(1))
    assert prices == {"midpoint": 201, "volume_midpoint": 200}


@pytest.mark.parametrize(
    ("options", "price"),
    [
        ({}, 105),
        ({"price_rule": "reference", "reference": {"A": 103}}, 103),
        ({"price_rule": "reference", "reference": {"A": 90}}, 100),
        ({"price_rule": "reference"}, 105),
        ({"price_rule": "k", "k": 0.3}, 103),
        ({"price_rule": "k", "k": Fraction(1, 3), "reference": {"A": 200}}, 104),
        ({"price_rule": "k", "k": 0}, 100),
        ({"price_rule": "k", "k": 1.0}, 110),
    ],
)
def test_rule_4_price_within_the_interval(options, price):
    venue = BatchAuction(("A",), 1, **options)
    accepted(venue, 0, limit(1, BUY, 5, 110), limit(2, SELL, 5, 100))
    assert price_of(venue.clock(1)) == price


def test_rule_4_the_last_clear_is_the_next_reference():
    venue = BatchAuction(("A", "B"), 1, price_rule="reference", reference={"A": 50, "B": None})
    accepted(venue, 0, limit(1, BUY, 5, 110), limit(2, SELL, 5, 100))
    assert price_of(venue.clock(1)) == 100
    accepted(venue, 1, limit(3, BUY, 5, 120), limit(4, SELL, 5, 90))
    assert price_of(venue.clock(2)) == 100
    # Between two ticks: 104.5 goes towards the reference.
    other = BatchAuction(("A",), 1, reference={"A": 200})
    accepted(other, 0, limit(1, BUY, 1, 105), limit(2, SELL, 1, 104))
    assert price_of(other.clock(1)) == 105


def test_rule_4_market_orders_alone_trade_at_the_reference_or_not_at_all():
    venue = BatchAuction(("A", "B"), 5, reference={"A": 70})
    for market, first in (("A", 1), ("B", 3)):
        accepted(venue, 0, at_market(first, BUY, 5, market=market), at_market(first + 1, SELL, 3, market=market))
    reports = venue.clock(5)
    assert [(leg.market, leg.price, leg.quantity) for leg in reports if type(leg) is Fill] == [("A", 70, 3)] * 2
    assert Counter(r.order_id for r in reports if type(r) is Expired) == Counter((1, 3, 4))


def test_rule_4_market_orders_on_one_side_take_the_finite_end_or_draw_the_reference_in():
    for rule, price in (("midpoint", 100), ("k", 100), ("reference", 104)):
        venue = BatchAuction(("A",), 1, price_rule=rule, reference={"A": 104})
        accepted(venue, 0, at_market(1, BUY, 5), limit(2, SELL, 5, 100))
        assert price_of(venue.clock(1)) == price


def test_rule_4_market_to_limit_takes_the_price_of_its_first_clear():
    # Euronext's worked example: the market-to-limit buy is short of sellers and rests at the price.
    venue = BatchAuction(("A",), 10, price_rule="reference", reference={"A": 1000})
    gtc = {"tif": TimeInForce.GTC, "kind": MTL}
    accepted(venue, 0, at_market(1, BUY, 50, **gtc))
    assert venue.next_clock(0) is None
    accepted(venue, 13, limit(2, SELL, 20, 1008), limit(3, BUY, 5, 1008), at_market(4, BUY, 10))
    reports = venue.clock(20)
    assert price_of(reports) == 1008
    # Market orders share pro rata within a batch; the older batch comes first.
    assert filled(reports) == {1: 20, 2: 20}
    assert [r.order_id for r in reports if type(r) is Expired] == [4]
    assert venue.state("A").bids == ((1008, 35),)
    accepted(venue, 20, limit(5, SELL, 50, 1009))
    assert venue.next_clock(20) is None
    accepted(venue, 20, limit(6, SELL, 31, 1008))
    assert filled(venue.clock(30)) == {1: 30, 3: 1, 6: 31}


def test_rule_4_market_to_limit_keeps_its_time_priority():
    venue = BatchAuction(("A",), 1, allocation="time")
    accepted(venue, 0, at_market(1, BUY, 4, kind=MTL, tif=TimeInForce.GTC))
    accepted(venue, 0, limit(2, BUY, 5, 100), limit(3, SELL, 1, 100))
    assert filled(venue.clock(1)) == {1: 1, 3: 1}
    accepted(venue, 1, limit(4, SELL, 5, 100))
    assert filled(venue.clock(2)) == {1: 3, 2: 2, 4: 5}
    assert venue.state("A").bids == ((100, 3),)


def test_rule_4_market_to_limit_orders_wait_for_a_clear_with_a_price():
    venue = BatchAuction(("A",), 1)
    gtc = {"tif": TimeInForce.GTC, "kind": MTL}
    accepted(venue, 0, at_market(1, BUY, 4, **gtc), at_market(2, SELL, 4, **gtc))
    assert venue.next_clock(0) is None
    accepted(venue, 0, at_market(3, SELL, 1))
    assert venue.clock(1) == [Expired(3, "ann", "A", "fba", 1, 1)]
    accepted(venue, 5, limit(4, BUY, 1, 80))
    assert venue.next_clock(5) == 6
    reports = venue.clock(6)
    assert (price_of(reports), filled(reports)) == (80, {1: 4, 2: 4})


def test_rule_4_market_to_limit_orders_alone_trade_at_a_reference():
    venue = BatchAuction(("A",), 10, reference={"A": 70})
    gtc = {"tif": TimeInForce.GTC, "kind": MTL}
    accepted(venue, 0, at_market(1, BUY, 4, **gtc), at_market(2, SELL, 3, **gtc))
    assert venue.next_clock(0) == 10
    assert filled(venue.clock(10)) == {1: 3, 2: 3}
    assert venue.state("A").bids == ((70, 1),)


@pytest.mark.parametrize(("reference", "price"), [(None, 100), (100, 100), (110, 105)])
def test_rule_4_the_price_is_on_the_grid_of_the_venue(reference, price):
    venue = BatchAuction(("A",), 1, price_step=5, reference={"A": reference})
    accepted(venue, 0, limit(1, BUY, 1, 105), limit(2, SELL, 1, 100))
    assert price_of(venue.clock(1)) == price


def test_rule_5_one_price_and_only_orders_at_it_are_rationed():
    venue = BatchAuction(("A",), 1)
    accepted(venue, 0, limit(1, BUY, 5, 105), limit(2, BUY, 6, 100), limit(3, BUY, 3, 100), limit(4, SELL, 8, 95))
    reports = venue.clock(1)
    assert price_of(reports) == 100
    assert filled(reports) == {1: 5, 2: 2, 3: 1, 4: 8}
    assert venue.state("A").bids == ((100, 6),)


@pytest.mark.parametrize(
    ("allocation", "shares"),
    [
        ("batch-pro-rata", {1: 6, 2: 2, 3: 2}),
        ("pro-rata", {1: 4, 2: 3, 3: 3}),
        ("time", {1: 6, 2: 4}),
    ],
)
def test_rule_6_rationing(allocation, shares):
    venue = BatchAuction(("A",), 10, allocation=allocation)
    accepted(venue, 0, limit(1, BUY, 6, 100))
    accepted(venue, 11, limit(2, BUY, 4, 100), limit(3, BUY, 4, 100))
    accepted(venue, 12, limit(9, SELL, 10, 100))
    reports = venue.clock(20)
    bought = {leg.order_id: leg.quantity for leg in reports if leg.side is BUY}
    assert bought == shares


def test_rule_6_a_batch_is_a_span_of_time_and_not_a_count_of_clears():
    # No clear happens between orders 1 and 2, yet they are of different batches.
    venue = BatchAuction(("A",), 10)
    accepted(venue, 9, limit(1, BUY, 4, 100))
    accepted(venue, 10, limit(2, BUY, 4, 100), limit(3, SELL, 4, 100))
    assert filled(venue.clock(20)) == {1: 4, 3: 4}


def test_rule_6_reduce_keeps_the_batch_and_replace_joins_the_current_one():
    venue = BatchAuction(("A",), 10)
    accepted(venue, 0, limit(1, BUY, 8, 100), limit(2, BUY, 4, 100))
    reduced = venue.submit(Reduce(1, 4, "ann", "fba"), 10)
    assert reduced == [Cancelled(1, "ann", "A", "fba", 10, 4, 4)]
    replaced = venue.submit(Replace(2, limit(5, BUY, 4, 100), "ann", "fba"), 10)
    assert replaced == [Cancelled(2, "ann", "A", "fba", 10, 4), Accepted(5, "ann", "A", "fba", 10, 4)]
    accepted(venue, 10, limit(3, BUY, 4, 100), limit(4, SELL, 6, 100))
    assert filled(venue.clock(20)) == {1: 4, 3: 1, 5: 1, 4: 6}


def test_rule_6_lots_are_dealt_on_the_grid_of_the_venue():
    venue = BatchAuction(("A",), 1, quantity_step=10)
    accepted(venue, 0, limit(1, BUY, 30, 100), limit(2, BUY, 30, 100), limit(3, SELL, 50, 100))
    assert filled(venue.clock(1)) == {1: 30, 2: 20, 3: 50}


def test_rule_6_without_price_priority_a_clear_can_leave_a_crossed_book_for_the_next():
    venue = BatchAuction(("A",), 10, price_rule="volume_midpoint", allocation="pro_rata_all")
    accepted(venue, 0, limit(1, BUY, 10, 120), limit(2, BUY, 10, 109), limit(3, SELL, 16, 90), limit(4, SELL, 5, 110))
    assert filled(venue.clock(10)) == {1: 8, 2: 8, 3: 16}
    assert venue.state("A")[:2] == (120, 110)
    assert venue.next_clock(10) == 20
    assert filled(venue.clock(20)) == {1: 2, 4: 2}
    assert venue.next_clock(20) is None


def test_rule_6_the_published_rule_dilutes_better_prices():
    venue = BatchAuction(("A",), 1, price_rule="volume_midpoint", allocation="pro_rata_all")
    accepted(venue, 0, limit(1, BUY, 2, 110), limit(2, BUY, 40, 101), limit(3, SELL, 21, 91))
    reports = venue.clock(1)
    # 21 lots at any price from 91 to 101; the bid at 110 gets no more of them than its share of the demand.
    assert price_of(reports) == 96
    assert filled(reports) == {1: 1, 2: 20, 3: 21}


def test_rule_7_self_trade_prevention_refuses_the_newest():
    venue = BatchAuction(("A", "B"), 1, self_trade="refuse-newest")
    accepted(venue, 0, limit(1, SELL, 5, 100))
    for order in (limit(2, BUY, 5, 100), limit(2, BUY, 5, 101), at_market(2, BUY, 5)):
        (report,) = venue.submit(order, 0)
        assert (type(report), report.reason) == (Rejected, Reason.SELF_TRADE)
    accepted(venue, 0, limit(2, BUY, 5, 99), limit(3, BUY, 5, 100, market="B"), limit(4, BUY, 1, 100, owner="bob"))
    # A replacement may take the place of the very order that it would have met.
    assert type(venue.submit(Replace(1, limit(5, BUY, 5, 101), "ann", "fba"), 0)[1]) is Accepted
    assert BatchAuction(("A",), 1).submit(limit(1, SELL, 5, 100), 0)


def test_rule_7_no_account_is_on_both_sides_of_a_clear():
    for seed in range(30):
        log, _ = replay(random_stream(seed, owners=2), 4, self_trade="refuse-newest")
        sides = defaultdict(set)
        for report in log:
            if type(report) is Fill:
                sides[report.match_id, report.owner].add(report.side)
        assert all(len(both) == 1 for both in sides.values())
    # The same streams trade with themselves where that is allowed.
    log, _ = replay(random_stream(0, owners=2), 4)
    sides = defaultdict(set)
    for report in log:
        if type(report) is Fill:
            sides[report.match_id, report.owner].add(report.side)
    assert any(len(both) == 2 for both in sides.values())


def test_rule_8_open_state_is_the_book_as_it_stands():
    venue = BatchAuction(("A",), 10, depth=2)
    accepted(venue, 0, limit(1, BUY, 5, 101), limit(2, BUY, 5, 99), limit(3, BUY, 2, 98), limit(4, SELL, 3, 100))
    accepted(venue, 1, limit(5, BUY, 1, 101), at_market(6, SELL, 50), limit(7, SELL, 1, 104))
    state = venue.state("A")
    assert state[:5] == (101, 100, ((101, 6), (99, 5)), ((100, 3), (104, 1)), None)
    assert venue.state("A") is state
    reports = venue.clock(10)
    assert venue.state("A").last_price == price_of(reports)


def test_rule_8_sealed_state_is_the_book_at_the_last_batch_boundary():
    venue = BatchAuction(("A",), 10, published="sealed")
    empty = venue.state("A")
    assert empty[:5] == VenueState()[:5]
    accepted(venue, 1, limit(1, BUY, 5, 99))
    assert venue.state("A") is empty
    assert venue.estimate_impact("A", SELL, 5) == (0, 0)
    assert venue.next_clock(1) == 10
    assert venue.clock(10) == []
    assert venue.state("A").bids == ((99, 5),)
    assert venue.next_clock(10) is None
    # Changes within the batch stay hidden: new orders, and what became of the old ones.
    accepted(venue, 12, limit(2, SELL, 5, 90))
    assert venue.submit(Reduce(1, 2, "ann", "fba"), 13) == [Cancelled(1, "ann", "A", "fba", 13, 2, 3)]
    assert venue.state("A").bids == ((99, 5),)
    assert venue.state("A").asks == ()
    assert venue.estimate_impact("A", SELL, 5) == (5, 495)
    (report,) = venue.cancel(2, "ann", 14)
    assert report == Cancelled(2, "ann", "A", "fba", 14, 5)
    assert venue.next_clock(14) == 20
    venue.clock(20)
    assert venue.state("A").bids == ((99, 3),)


def test_rule_8_estimate_is_a_hypothetical_clear_of_the_public_book():
    venue = BatchAuction(("A",), 10, depth=2)
    accepted(venue, 0, limit(1, SELL, 5, 100), limit(2, SELL, 5, 102), limit(3, SELL, 5, 103), at_market(4, BUY, 5))
    assert venue.estimate_impact("A", BUY, 3) == (3, 300)
    assert venue.estimate_impact("A", BUY, 7) == (7, 714)
    # The third level is not public, nor is the market order that waits.
    assert venue.estimate_impact("A", BUY, 50) == (10, 1020)
    assert venue.estimate_impact("A", SELL, 5) == (0, 0)
    assert venue.state("A").estimate(BUY, 7) == (7, 714)
    for arguments in (("Z", BUY, 1), ("A", 1, 1), ("A", BUY, 0), ("A", BUY, 1.0), ("A", BUY, True), ("A", BUY, 2**80)):
        with pytest.raises(ConfigError):
            venue.estimate_impact(*arguments)


def test_rule_8_an_estimate_comes_true_where_nothing_else_happens():
    for seed in range(200):
        rng = Random(seed)
        rules = {"price_rule": rng.choice(PRICE_RULES), "reference": {"A": rng.choice((None, 10))}}
        venue = BatchAuction(("A",), 1, **rules)
        for order_id in range(1, rng.randint(2, 8)):
            venue.submit(limit(order_id, rng.choice((BUY, SELL)), rng.randint(1, 5), rng.randint(5, 15)), 0)
        side, quantity = rng.choice((BUY, SELL)), rng.randint(1, 9)
        estimate = venue.estimate_impact("A", side, quantity)
        accepted(venue, 0, at_market(99, side, quantity))
        legs = [leg for leg in venue.clock(1) if type(leg) is Fill and leg.order_id == 99]
        assert estimate == (sum(leg.quantity for leg in legs), sum(leg.money for leg in legs))


# --- reports ---


def test_legs_of_a_clear_share_one_match_and_name_the_mids_around_it():
    venue = BatchAuction(("A", "B"), 10, fee_ppm=1000)
    accepted(venue, 0, limit(1, SELL, 5, 100, "ann"), limit(2, BUY, 3, 104, "bob"), limit(3, SELL, 1, 110, "cyd"))
    accepted(venue, 0, limit(4, BUY, 1, 90, "cyd"), limit(5, SELL, 1, 50, market="B"), limit(6, BUY, 1, 50, market="B"))
    first, second, *other = venue.clock(10)
    assert first == Fill(1, 2, "bob", "A", "fba", 10, BUY, 3, 100, 301, 1, Liquidity.AUCTION, 102.0, 95.0)
    assert second == Fill(1, 1, "ann", "A", "fba", 10, SELL, 3, 100, 299, 1, Liquidity.AUCTION, 102.0, 95.0)
    assert [(leg.match_id, leg.market, leg.mid_before, leg.mid_after) for leg in other] == [(2, "B", 50.0, None)] * 2


def test_fees_round_up_and_are_never_negative():
    venue = BatchAuction(("A",), 1, fee_ppm=1, min_price=None)
    accepted(venue, 0, limit(1, SELL, 1, -3), limit(2, BUY, 1, -3))
    legs = venue.clock(1)
    assert [(leg.side, leg.money, leg.fee) for leg in legs] == [(BUY, -2, 1), (SELL, -4, 1)]


def test_markets_clear_independently():
    def run(markets):
        venue = BatchAuction(("A", "B"), 5)
        rng, log = Random(7), []
        for order_id in range(1, 200):
            market, side = rng.choice("AB"), rng.choice((BUY, SELL))
            order = limit(order_id, side, rng.randint(1, 5), rng.randint(90, 110), market=market)
            now = order_id
            if venue.next_clock(now - 1) == now:
                log += venue.clock(now)
            if market in markets:
                venue.submit(order, now)
        return [report._replace(match_id=0) for report in log if type(report) is Fill and report.market == "A"]

    alone, together = run("A"), run("AB")
    assert alone == together
    assert len(alone) > 50


# --- refusals ---

NAN, INF = float("nan"), float("inf")
BAD_ORDERS = [
    *(({"quantity": bad}, Reason.QUANTITY) for bad in (0, -1, 1.0, NAN, INF, True, 2**80, None, "5")),
    *(({"price": bad}, Reason.PRICE) for bad in (0, -4, 100.0, NAN, INF, True, 2**80, None, "100")),
    *(({"order_id": bad}, Reason.ORDER_ID) for bad in (0, -1, True, 2**80, None, 1.0)),
    *(({"owner": bad}, Reason.OWNER) for bad in ("", None, 3)),
    *(({"market": bad}, Reason.MARKET) for bad in ("Z", "", None, [])),
    ({"quantity": 7}, Reason.OFF_GRID),
    ({"price": 101}, Reason.OFF_GRID),
    ({"order_id": 1}, Reason.DUPLICATE_ORDER),
    ({"tif": FOK}, Reason.KIND),
    ({"kind": MARKET}, Reason.KIND),
    ({"kind": MARKET, "price": None, "tif": FOK}, Reason.KIND),
    ({"kind": MTL, "price": None, "tif": FOK}, Reason.KIND),
    ({"post_only": 1}, Reason.KIND),
]


def busy_venue(published):
    venue = BatchAuction(("A", "B"), 10, price_step=2, quantity_step=5, published=published)
    accepted(venue, 0, limit(1, BUY, 10, 104), limit(2, SELL, 10, 110), limit(3, SELL, 5, 100))
    venue.clock(10)
    accepted(venue, 12, limit(4, BUY, 10, 110, owner="bob"), at_market(5, SELL, 5))
    return venue


@pytest.mark.parametrize("published", ["open", "sealed"])
@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize(("bad", "reason"), BAD_ORDERS)
def test_refused_orders_change_nothing(published, side, bad, reason):
    venue = busy_venue(published)
    before = snapshot(venue, 13)
    order = limit(50, side, 5, 104)._replace(**bad)
    (report,) = venue.submit(order, 13)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 13)
    (report,) = venue.submit(Replace(1, order, order.owner, "fba"), 13)
    assert type(report) is Rejected
    assert report.order_id is order.order_id
    assert snapshot(venue, 13) == before
    assert venue.clock(20) == busy_venue(published).clock(20)


@pytest.mark.parametrize("side", [1, -1, 0, None, "buy", NAN])
def test_a_side_is_a_side(side):
    venue = busy_venue("open")
    before = snapshot(venue, 13)
    (report,) = venue.submit(limit(50, side, 5, 104), 13)
    assert report.reason is Reason.SIDE
    assert snapshot(venue, 13) == before


@pytest.mark.parametrize("published", ["open", "sealed"])
@pytest.mark.parametrize(
    ("message", "reason"),
    [
        *((Reduce(1, bad, "ann"), Reason.QUANTITY) for bad in (0, -1, 1.0, NAN, INF, True, 2**80, None)),
        (Reduce(1, 3, "ann"), Reason.OFF_GRID),
        (Reduce(77, 5, "ann"), Reason.UNKNOWN_ORDER),
        (Reduce(True, 5, "ann"), Reason.ORDER_ID),
        (Reduce(1, 5, "bob"), Reason.NOT_OWNER),
        (Reduce(1, 5, ""), Reason.NOT_OWNER),
        (Replace(77, limit(50, BUY, 5, 104), "ann"), Reason.UNKNOWN_ORDER),
        (Replace(1, limit(50, BUY, 5, 104, owner="bob"), "bob"), Reason.NOT_OWNER),
        (Replace(1, limit(50, BUY, 5, 104, owner="bob"), "ann"), Reason.NOT_OWNER),
        (Replace(1, limit(1, BUY, 5, 104), "ann"), Reason.DUPLICATE_ORDER),
        (Replace(1, "order", "ann"), Reason.UNSUPPORTED),
        (Feed("A", 100, 1), Reason.UNSUPPORTED),
        ("order", Reason.UNSUPPORTED),
        (None, Reason.UNSUPPORTED),
    ],
)
def test_refused_messages_change_nothing(published, message, reason):
    venue = busy_venue(published)
    before = snapshot(venue, 13)
    (report,) = venue.submit(message, 13)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 13)
    assert snapshot(venue, 13) == before
    assert venue.clock(20) == busy_venue(published).clock(20)


@pytest.mark.parametrize(
    ("order_id", "owner", "reason"),
    [
        (77, "ann", Reason.UNKNOWN_ORDER),
        (3, "ann", Reason.UNKNOWN_ORDER),
        (1, "bob", Reason.NOT_OWNER),
        (1, None, Reason.NOT_OWNER),
        *((bad, "ann", Reason.ORDER_ID) for bad in (True, 1.0, NAN, None, -1, 0, 2**80, [1])),
    ],
)
def test_refused_cancels_change_nothing(order_id, owner, reason):
    venue = busy_venue("open")
    before = snapshot(venue, 13)
    (report,) = venue.cancel(order_id, owner, 13)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 13)
    assert snapshot(venue, 13) == before


@pytest.mark.parametrize(
    "arguments",
    [
        *({"pi": bad} for bad in (0, -1, 1.0, NAN, INF, True, 2**80, None)),
        *({"markets": bad} for bad in ((), ["A"], ("A", "A"), ("",), "A")),
        *({"k": bad} for bad in (-0.1, 1.1, NAN, INF, True, 2**80, None, Fraction(3, 2))),
        *({name: bad} for name in ("price_rule", "allocation", "published", "self_trade") for bad in ("best", None, 1)),
        *(
            {name: bad}
            for name in ("price_step", "quantity_step", "depth")
            for bad in (0, -1, 1.0, NAN, True, 2**80, None)
        ),
        *({"min_price": bad} for bad in (1.0, NAN, INF, True, 2**80)),
        *({"fee_ppm": bad} for bad in (-1, 1.0, NAN, INF, True, 2**80, None)),
        *({"reference": {"A": bad}} for bad in (0, -5, 1.0, NAN, INF, True, 2**80)),
        {"reference": {"Z": 5}},
        {"reference": 5},
        {"reference": {"A": 5}, "price_step": 2},
    ],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ConfigError):
        BatchAuction(**{"markets": ("A",), "pi": 10, **arguments})


def test_unknown_market_is_an_error():
    with pytest.raises(ConfigError, match="Z"):
        BatchAuction(("A",), 10).state("Z")


def test_post_only_orders_are_limits():
    venue = BatchAuction(("A",), 1)
    accepted(venue, 0, limit(1, BUY, 5, 100, post_only=True), limit(2, SELL, 5, 100, post_only=True))
    assert filled(venue.clock(1)) == {1: 5, 2: 5}


def test_reducing_all_that_is_left_withdraws_the_order():
    venue = BatchAuction(("A",), 1)
    accepted(venue, 0, limit(1, BUY, 5, 100))
    assert venue.submit(Reduce(1, 9, "ann", "fba"), 0) == [Cancelled(1, "ann", "A", "fba", 0, 5)]
    assert venue.orders("A") == []
    accepted(venue, 0, limit(1, BUY, 5, 100))


# --- random streams ---

SETUPS = [
    {},
    {"published": "sealed"},
    {"price_rule": "reference", "allocation": "pro-rata", "reference": {"A": 100}},
    {"price_rule": "k", "k": 0.25, "allocation": "time", "fee_ppm": 2500},
    {"price_rule": "volume_midpoint", "allocation": "pro_rata_all"},
    {"price_rule": "volume_midpoint", "allocation": "pro_rata_all", "published": "sealed"},
    {"self_trade": "refuse-newest", "depth": 1},
]


def random_stream(seed, *, length=120, owners=4):
    """(time, call) pairs; ids refer to orders that may be gone, and belong to anybody."""
    rng, now, out = Random(seed), 0, []
    for order_id in range(1, length + 1):
        now += rng.choice((0, 0, 1, 1, 2, 9))
        market, owner = rng.choice("AB"), f"owner{rng.randrange(owners)}"
        side, quantity, price = rng.choice((BUY, SELL)), rng.randint(1, 9), rng.randint(95, 105)
        order = limit(order_id, side, quantity, price, owner, market, tif=rng.choice((TimeInForce.GTC,) * 4 + (IOC,)))
        kind = rng.random()
        if kind < 0.12:
            order = at_market(order_id, side, quantity, owner, market)
        elif kind < 0.2:
            order = at_market(order_id, side, quantity, owner, market, TimeInForce.GTC, MTL)
        other = rng.randint(1, order_id)
        kind = rng.random()
        if kind < 0.1:
            out.append((now, ("cancel", other)))
        elif kind < 0.2:
            out.append((now, ("reduce", other, quantity)))
        elif kind < 0.3:
            out.append((now, ("replace", other, order)))
        else:
            out.append((now, ("order", order)))
    return out


def apply(venue, now, call, owners):
    match call:
        case ("order", order):
            owners[order.order_id] = order.owner
            return venue.submit(order, now)
        case ("cancel", other):
            return venue.cancel(other, owners.get(other, "owner0"), now)
        case ("reduce", other, quantity):
            return venue.submit(Reduce(other, quantity, owners.get(other, "owner0"), "fba"), now)
        case ("replace", other, order):
            owner = owners.get(other, "owner0")
            owners[order.order_id] = owner
            return venue.submit(Replace(other, order._replace(owner=owner), owner, "fba"), now)


def replay(stream, pi, *, every_step=False, **setup):
    """The log, and the public states at the end of each step of the stream."""
    venue = BatchAuction(("A", "B"), pi, **setup)
    log, states, owners = [], [], {}
    calls = defaultdict(list)
    for now, call in stream:
        calls[now].append(call)
    for now in range(max(calls) + pi + 1):
        if every_step or (now and venue.next_clock(now - 1) == now):
            log += venue.clock(now)
        for call in calls[now]:
            log += apply(venue, now, call, owners)
            if every_step:
                # Also between the messages of a step, where there is nothing to do.
                assert venue.clock(now) == []
        states.append([venue.state(market) for market in venue.markets])
    return log, (venue, states)


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("pi", [1, 3, 10])
def test_lazy_clock_and_clock_at_every_step_give_one_log_and_one_public_state(setup, pi):
    fills = 0
    for seed in range(4):
        stream = random_stream(seed)
        lazy, (_, states) = replay(stream, pi, **setup)
        every, (_, states_again) = replay(stream, pi, every_step=True, **setup)
        assert lazy == every
        assert states == states_again
        fills += sum(type(report) is Fill for report in lazy)
    assert fills > 50


@pytest.mark.parametrize("setup", SETUPS)
def test_streams_conserve_quantity_and_money_and_drain_to_empty(setup):
    for seed in range(6):
        log, (venue, _) = replay(random_stream(seed + 100), 4, **setup)
        accounts = defaultdict(Counter)
        matches = defaultdict(int)
        for report in log:
            if type(report) is Rejected:
                continue
            accounts[report.order_id][type(report).__name__] += report.quantity
            if type(report) is Fill:
                assert report.liquidity is Liquidity.AUCTION
                assert report.money == report.price * report.quantity + report.side * report.fee
                assert report.fee == -(-report.price * report.quantity * setup.get("fee_ppm", 0) // 10**6)
                matches[report.match_id, report.market, report.time, report.price] += report.side * report.quantity
        assert not any(matches.values())
        assert len(matches) == len({match_id for match_id, *_ in matches})
        waiting = Counter({order.order_id: order.quantity for market in "AB" for order in venue.orders(market)})
        for order_id, account in accounts.items():
            gone = account["Fill"] + account["Expired"] + account["Cancelled"]
            assert account["Accepted"] == gone + waiting[order_id]
        now = 10**6
        for market in venue.markets:
            for order in venue.orders(market):
                if venue.next_clock(now) == now + 1:
                    now += 1
                (report,) = venue.cancel(order.order_id, order.owner, now)
                assert (report.quantity, report.remaining) == (order.quantity, 0)
        now = venue.next_clock(now) or now
        venue.clock(now)
        assert venue.next_clock(now) is None
        for market in venue.markets:
            assert venue.orders(market) == []
            assert venue.state(market)[:4] == (None, None, (), ())


def test_a_clock_is_named_exactly_where_a_clear_would_change_something():
    for seed in range(10):
        venue, owners = BatchAuction(("A", "B"), 1), {}
        for now, (_, call) in enumerate(random_stream(seed, length=200)):
            due = venue.next_clock(now - 1) if now else None
            before = [venue.orders(market) for market in venue.markets]
            reports = venue.clock(now)
            assert bool(reports) == (due == now)
            assert (before != [venue.orders(market) for market in venue.markets]) == (due == now)
            apply(venue, now, call, owners)


@pytest.mark.parametrize("setup", [setup for setup in SETUPS if setup.get("allocation") != "pro_rata_all"])
def test_a_clear_with_price_priority_leaves_an_uncrossed_book(setup):
    clears = 0
    for seed in range(4):
        venue, owners = BatchAuction(("A", "B"), 7, **setup), {}
        due = None
        for now, call in random_stream(seed):
            if due is not None and due <= now:
                clears += any(type(report) is Fill for report in venue.clock(due))
                for market in venue.markets:
                    bid, ask, *_ = venue.state(market)
                    assert None in (bid, ask) or bid < ask
            apply(venue, now, call, owners)
            due = venue.next_clock(now)
    assert clears > 20
