"""The hybrid of a book and a ladder of quotes."""

from __future__ import annotations

from itertools import count
from random import Random

import pytest

from marketsim.errors import PastError
from marketsim.types import Fill, Mint, Order, OrderKind, Reason, Rejected, TimeInForce
from tests.hybrid_orders import (
    BUY,
    RULES,
    SELL,
    accounted,
    at_market,
    laddered,
    legs_of,
    limit,
    look,
    random_message,
    reason,
    uncrossed,
)
from venues.hybrid import Hybrid


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
