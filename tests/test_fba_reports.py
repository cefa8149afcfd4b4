"""The frequent batch auction, rule 8 and its reports: what the public sees, and what a clear tells."""

from __future__ import annotations

from random import Random

import pytest

from marketsim.errors import ConfigError
from marketsim.types import Cancelled, Fill, Liquidity, Reduce, VenueState
from tests.fba_orders import BUY, SELL, accepted, at_market, limit, price_of
from venues.clearing import PRICE_RULES
from venues.fba import BatchAuction


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
