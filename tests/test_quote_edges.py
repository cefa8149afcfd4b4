"""Edges of replayed quotes: what left without a trade, which side a trade took from, what a queue model is told."""

from __future__ import annotations

from fractions import Fraction

import pytest

from marketsim.types import Mint, Reason
from tests.quote_replay_orders import buy
from venues._quote_book import QUEUES, QuoteSide
from venues._quotes import LadderLayer
from venues.layers import LadderDepth
from venues.quote_replay import _Market, _sound

BEYOND = 2**53 + 1


def test_what_left_the_best_price_is_what_is_neither_shown_nor_traded():
    side = QuoteSide(1, {99: 10, 98: 5})
    assert side.outflow(((99, 4),)) == (99, 6)
    assert side.outflow(((98, 5),)) == (99, 10)
    assert side.outflow(((99, 12),)) is None
    # A price beyond the last level is out of sight: nothing is known to have left it.
    assert side.outflow(((100, 5),)) is None
    side.trade(99, 4)
    side.trade(99, 1)
    assert side.outflow(((99, 4),)) == (99, 1)
    assert side.outflow(((99, 5),)) is None
    assert QuoteSide(1).outflow(((99, 4),)) is None
    assert QuoteSide(1, {}).outflow(((99, 4),)) is None


def test_of_a_trade_what_still_has_to_leave_the_tape_explains_what_leaves_it():
    side = QuoteSide(1, {99: 10})
    side.trade(99, 6)
    side.move(((99, 8),), QUEUES["none"])
    assert side.outflow(((99, 2),)) == (99, 2)  # six left, and four of those were still to leave after the trade


def test_a_trade_where_the_tape_showed_nothing_explains_nothing_that_is_shown_later():
    side = QuoteSide(1, {})
    side.trade(99, 3)
    side.move(((99, 1),), QUEUES["none"])
    assert side.outflow(((98, 5),)) == (99, 1)


@pytest.mark.parametrize(
    ("bids", "asks", "taken"),
    [
        ({99: 1}, {101: 1}, {99: "bids", 100: None, 101: "asks", 90: "bids", 110: "asks"}),
        ({99: 1}, {102: 1}, {100: "bids", 101: "asks"}),
        ({99: 1}, {}, {98: "bids", 99: "bids", 100: "asks"}),
        ({}, {101: 1}, {100: "bids", 101: "asks", 102: "asks"}),
        ({}, {}, {100: None}),
    ],
)
def test_a_trade_took_from_the_side_that_its_price_is_nearer_to(bids, asks, taken):
    """Lee and Ready (1991): the quote rule; a trade at the midpoint is nobody's."""
    market = _Market(bids=QuoteSide(1, bids), asks=QuoteSide(-1, asks))
    sides = {"bids": market.bids, "asks": market.asks, None: None}
    for price, name in taken.items():
        assert market.hit_by(price) is sides[name]


@pytest.mark.parametrize("queue", QUEUES)
def test_nobody_is_ahead_of_the_first_and_no_cancel_leaves_fewer_than_nobody(queue):
    model = QUEUES[queue]
    assert model.joins(7) == (0 if queue == "none" else 7)
    assert model.joins(0) == 0
    left = {lots: model.cancelled(6, lots, 10) for lots in (0, 1, 5, 10)}
    wanted = {"displayed": [6, 5, 1, 0], "proportional": [6, 6, 3, 0], "none": [6, 6, 6, 6]}
    assert list(left.values()) == wanted[queue]
    assert model.cancelled(0, 3, 10) == model.cancelled(0, 0, 0) == 0


def test_a_queue_model_is_told_of_how_many_left_by_trades_so_many_were_cancelled():
    told = []

    class Told:
        def joins(self, shown):
            return shown

        def cancelled(self, ahead, lots, shown):
            told.append((ahead, lots, shown))
            return ahead

    side = QuoteSide(1, {99: 5})
    side.rest(buy(1, 4, 99), 99, 4, Told())
    side.trade(99, 3)
    side.move(((99, 1),), Told())
    side.trade(99, 1)
    side.move(((99, 3),), Told())
    assert told == [(2, 1, 2), (0, 0, 0)]


def test_orders_that_were_out_of_sight_all_join_when_their_prices_are_shown():
    side, displayed = QuoteSide(1), QUEUES["displayed"]
    orders = [side.rest(buy(price, 4, price), price, 4, displayed) for price in (99, 98)]
    assert [resting.ahead for resting in orders] == [None, None]
    side.move(((99, 5), (98, 7)), displayed)
    assert [resting.ahead for resting in orders] == [5, 7]


def test_a_trade_passes_over_an_order_whose_queue_is_unknown():
    side = QuoteSide(1)
    side.rest(buy(1, 4, 99), 99, 4, QUEUES["displayed"])
    known = side.rest(buy(2, 4, 99), 99, 4, QUEUES["none"])
    assert side.trade(99, 3) == [(known, 3)]


def test_a_level_is_a_price_and_a_positive_number_of_lots_within_bounds():
    assert all(_sound(level) for level in ((2**53, 2**53), (-(2**53), 1), (0, 5)))
    bad = [(BEYOND, 1), (-BEYOND, 1), (5, BEYOND), (5, 0), (5, -1), (5.0, 1), (5, True), (5,), (5, 1, 1), [5, 1], None]
    assert not any(_sound(level) for level in bad)


def ladder(opening, half_spread, sizes, *, price_step=1, floor=1):
    return LadderLayer(opening=opening, half_spread=half_spread, sizes=sizes, price_step=price_step, floor=floor)


def test_a_ladder_of_quotes_says_that_it_has_no_shares():
    (refusal,) = ladder(100, Fraction(1, 100), (5,)).change(Mint("A", 5, None, None, 1, "ann", "v"), 7)
    assert (refusal.reason, refusal.time) == (Reason.UNSUPPORTED, 7)
    assert "no shares" in refusal.detail


def test_quotes_leave_the_centre_free_where_it_lies_on_the_grid():
    assert ladder(1000, Fraction(0), (5,), price_step=10).depth == LadderDepth(((990, 5),), ((1010, 5),))


def test_a_quote_may_stand_at_the_floor_and_none_is_empty():
    assert ladder(100, Fraction(1, 100), (5, 0), floor=101).depth == LadderDepth((), ((101, 5),))


def test_every_match_with_a_quote_has_an_id_of_its_own():
    layer = ladder(100, Fraction(1, 100), (5, 5))
    legs = [leg for lots in (8, 1) for leg in layer.take(buy(7, lots), lots, 0)]
    assert [leg.quantity for leg in legs if leg.owner == "ann"] == [5, 3, 1]
    assert len({leg.match_id for leg in legs}) == 3
