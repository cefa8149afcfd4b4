"""The frequent batch auction: the published stale-quote table, and rules 1 to 5, when it clears and at what price."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest

from marketsim.errors import PastError
from marketsim.types import Expired, Fill, TimeInForce
from tests.fba_orders import BUY, IOC, MTL, SELL, accepted, at_market, filled, limit, price_of
from venues.fba import BatchAuction

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
