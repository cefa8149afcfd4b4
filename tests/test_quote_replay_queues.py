"""Recorded quotes as a venue, rule 4: where an order stands in the queue, and when its turn comes."""

from __future__ import annotations

import pytest
from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim import Accepted, Feed, Side
from marketsim.types import Liquidity
from tests.quote_replay_orders import ASKS, MODELS, buy, filled, kinds, venue_with
from venues.quote_replay import Quote


def test_rule_4_trades_fill_what_reaches_beyond_the_displayed_queue():
    venue = venue_with()
    assert kinds(venue.submit(buy(1, 10, 99), 0)) == [Accepted]
    assert venue.ahead(1) == 50
    assert venue.submit(Feed("A", 99, 20, "v"), 1) == []
    assert venue.ahead(1) == 30
    venue.submit(Quote("A", ((99, 30),), ASKS, "v"), 1)  # the traded lots leave the tape: no cancellation
    assert venue.ahead(1) == 30
    reports = venue.submit(Feed("A", 99, 36, "v"), 2)
    assert filled(reports) == [(99, 6)]
    assert [r.liquidity for r in reports] == [Liquidity.MAKER, Liquidity.TAKER]
    assert filled(venue.submit(Feed("A", 99, 36, "v"), 2)) == [(99, 4)]
    assert venue.ahead(1) is None


@pytest.mark.parametrize(("queue", "ahead"), [("displayed", 10), ("proportional", 25), ("none", 0)])
def test_rule_4_cancels_shorten_the_queue_as_its_model_says(queue, ahead):
    venue = venue_with(queue=queue)
    venue.submit(buy(1, 10, 99), 0)
    venue.submit(Quote("A", ((99, 80),), ASKS, "v"), 1)  # 30 more, behind
    venue.submit(Quote("A", ((99, 40),), ASKS, "v"), 2)  # 40 of 80 cancelled
    assert venue.ahead(1) == ahead


@define
class HalfQueue:
    def joins(self, shown):
        return None if shown is None else shown // 2

    def cancelled(self, ahead, lots, shown):
        return ahead


def test_rule_4_a_queue_model_of_ones_own():
    venue = venue_with(queue=HalfQueue())
    venue.submit(buy(1, 10, 99), 0)
    assert filled(venue.submit(Feed("A", 99, 27, "v"), 1)) == [(99, 2)]


def test_rule_4_never_more_ahead_than_is_displayed():
    venue = venue_with(queue="proportional")
    venue.submit(buy(1, 10, 99), 0)
    venue.submit(Quote("A", ((98, 70),), ASKS, "v"), 1)
    assert venue.ahead(1) == 0


def test_rule_4_an_order_out_of_sight_joins_when_its_price_is_shown():
    venue = venue_with()
    venue.submit(buy(1, 10, 90), 0)
    assert venue.ahead(1) is None
    venue.submit(Quote("A", ((91, 5), (90, 8)), ASKS, "v"), 1)
    assert venue.ahead(1) == 8
    venue.submit(Quote("A", ((95, 5),), ASKS, "v"), 2)  # out of sight again: nothing is known to have left
    assert venue.ahead(1) == 8
    venue.submit(Quote("A", ((90, 3),), ASKS, "v"), 3)
    assert venue.ahead(1) == 3


@pytest.mark.parametrize("removals", ["cancelled", "traded"])
def test_rule_4_traded_lots_that_leave_the_tape_bit_by_bit_count_once(removals):
    venue = venue_with(removals=removals)
    venue.submit(buy(1, 10, 99), 0)
    venue.submit(Feed("A", 99, 20, "v"), 1)
    for now, size in enumerate((50, 40, 30), start=2):
        assert venue.submit(Quote("A", ((99, size),), ASKS, "v"), now) == []
        assert venue.ahead(1) == 30
    venue.submit(Quote("A", ((99, 25),), ASKS, "v"), 5)
    assert venue.ahead(1) == 25


def test_rule_4_a_trade_beyond_the_limit_leaves_nothing_ahead():
    venue = venue_with()
    venue.submit(buy(1, 10, 99), 0)
    assert filled(venue.submit(Feed("A", 98, 4, "v"), 1)) == [(99, 4)]
    assert venue.ahead(1) == 0


def test_rule_4_sides_and_prices_of_trades():
    venue = venue_with(queue="none")
    venue.submit(buy(1, 10, 99), 0)
    venue.submit(buy(2, 10, 101)._replace(side=Side.SELL), 0)
    for order_id, side in ((3, Side.BUY), (4, Side.SELL)):
        venue.submit(buy(order_id, 10, 100)._replace(side=side), 0)
        assert venue.submit(Feed("A", 100, 5, "v"), 1) == []  # at the midpoint: of neither side
        venue.cancel(order_id, "ann", 1)
    assert filled(venue.submit(Feed("A", 98, 4, "v"), 2)) == [(99, 4)]  # a seller would have met the better bid
    assert filled(venue.submit(Feed("A", 101, 3, "v"), 3)) == [(101, 3)]
    shared = venue_with(queue="none")
    for order_id in (1, 2, 3):
        shared.submit(buy(order_id, 4, 99), 0)
    reports = shared.submit(Feed("A", 99, 9, "v"), 1)
    assert [(r.order_id, r.quantity) for r in reports if r.owner == "ann"] == [(1, 4), (2, 4), (3, 1)]


event = st.one_of(
    st.tuples(st.just("quote"), st.integers(97, 99), st.integers(1, 60)),
    st.tuples(st.just("trade"), st.integers(97, 101), st.integers(1, 40)),
)


def passive_fill(events, queue: str, removals: str = "cancelled") -> int:
    """Lots that a bid for 100 at 99 has got."""
    venue = venue_with(queue=queue, removals=removals)
    venue.submit(buy(1, 100, 99), 0)
    got = 0
    for now, (kind, price, lots) in enumerate(events):
        message = Feed("A", price, lots, "v") if kind == "trade" else Quote("A", ((price, lots),), ASKS, "v")
        got += sum(quantity for _, quantity in filled(venue.submit(message, now)))
        ahead = venue.ahead(1)
        assert ahead is None or ahead >= 0
    return got


@given(events=st.lists(event, max_size=30), removals=st.sampled_from(["cancelled", "traded"]))
@settings(max_examples=120, deadline=None)
def test_a_shorter_queue_never_fills_less(events, removals):
    none, displayed, proportional = (
        passive_fill(events, queue, removals) for queue in ("none", "displayed", "proportional")
    )
    assert none >= displayed >= proportional
    if removals == "cancelled":
        assert none <= sum(lots for kind, price, lots in events if kind == "trade" and price <= 99)


@given(events=st.lists(event, max_size=20), more=st.integers(0, 40), queue=st.sampled_from(MODELS))
@settings(max_examples=80, deadline=None)
def test_larger_trades_never_fill_less(events, more, queue):
    larger = [(kind, price, lots + more * (kind == "trade")) for kind, price, lots in events]
    assert passive_fill(larger, queue) >= passive_fill(events, queue)
