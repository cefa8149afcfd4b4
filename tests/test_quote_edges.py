"""Edges of replayed quotes: what left without a trade, which side a trade took from, what a queue model is told."""

from __future__ import annotations

import pytest

from venues._quote_book import QUEUES, QuoteSide
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
    assert model.cancelled(0, 3, 10) == 0


def test_a_level_is_a_price_and_a_positive_number_of_lots_within_bounds():
    assert all(_sound(level) for level in ((2**53, 2**53), (-(2**53), 1), (0, 5)))
    bad = [(BEYOND, 1), (-BEYOND, 1), (5, BEYOND), (5, 0), (5, -1), (5.0, 1), (5, True), (5,), (5, 1, 1), [5, 1], None]
    assert not any(_sound(level) for level in bad)
