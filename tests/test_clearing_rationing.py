"""Uniform-price clearing: who is rationed, and the clear that an estimate supposes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import ConfigError, ConservationError
from tests.auction_books import BUY, SELL
from venues.clearing import Claim, HypotheticalClear, clear, ration

# --- rationing ---

QUEUE = [Claim(10, 6, 0, 1), Claim(10, 4, 1, 2), Claim(12, 2, 1, 3), Claim(10, 4, 1, 4), Claim(9, 50, 0, 5)]


@pytest.mark.parametrize(
    ("rule", "volume", "shares"),
    [
        ("batch-pro-rata", 11, [6, 2, 2, 1, 0]),
        ("batch-pro-rata", 5, [3, 0, 2, 0, 0]),
        ("pro-rata", 9, [3, 2, 2, 2, 0]),
        ("time", 11, [6, 3, 2, 0, 0]),
        ("pro_rata_all", 8, [3, 2, 1, 2, 0]),
        ("pro_rata_all", 16, [6, 4, 2, 4, 0]),
    ],
)
def test_allocations(rule, volume, shares):
    assert ration(BUY, 10, volume, QUEUE, rule=rule) == shares


def test_equal_remainders_go_to_the_lower_order_id():
    claims = [Claim(10, 1, 0, 7), Claim(10, 1, 0, 3), Claim(10, 1, 0, 5)]
    assert ration(SELL, 10, 2, claims) == [0, 1, 1]


def test_lots_are_dealt_in_steps():
    claims = [Claim(10, 30, 0, 1), Claim(10, 30, 0, 2), Claim(10, 10, 0, 3)]
    assert ration(BUY, 10, 40, claims, step=10) == [20, 20, 0]


@given(st.lists(st.integers(1, 2**53), min_size=1, max_size=6), st.data())
def test_pro_rata_is_exact_for_large_quantities(quantities, data):
    volume = data.draw(st.integers(1, sum(quantities)))
    claims = [Claim(5, quantity, 0, place) for place, quantity in enumerate(quantities)]
    shares = ration(BUY, 5, volume, claims)
    assert sum(shares) == volume
    for share, quantity in zip(shares, quantities, strict=True):
        assert abs(share - Fraction(quantity * volume, sum(quantities))) < 1


def test_more_volume_than_takes_part_is_a_bug():
    with pytest.raises(ConservationError, match="17 lots"):
        ration(BUY, 10, 17, QUEUE)


def test_unknown_rules_are_errors():
    with pytest.raises(ConfigError, match="middle"):
        clear([(1, 1)], [(1, 1)], rule="middle")
    with pytest.raises(ConfigError, match="lottery"):
        ration(BUY, 1, 1, QUEUE, rule="lottery")


# --- the hypothetical clear ---


def hypothetical(bids, asks, **changes):
    rules = {"price_rule": "midpoint", "k": Fraction(1, 2), "allocation": "batch-pro-rata", "price_step": 1}
    return HypotheticalClear(bids, asks, **{"reference": None, "quantity_step": 1, **rules, **changes})


def test_hypothetical_clear_is_the_uniform_price_of_the_book_and_the_order():
    levels = ((100, 5), (102, 5))
    assert hypothetical((), levels)(BUY, 3) == (3, 300)
    assert hypothetical((), levels)(BUY, 7) == (7, 714)
    assert hypothetical((), levels)(BUY, 20) == (10, 1020)
    assert hypothetical(levels[::-1], ())(SELL, 7) == (7, 700)
    assert hypothetical((), ())(BUY, 1) == (0, 0)
    # The order competes with a crossed book, and comes before its limits.
    assert hypothetical(((104, 5),), ((100, 5),))(BUY, 2) == (2, 208)


def test_hypothetical_clear_of_the_published_rules_dilutes_the_order():
    published = hypothetical(((104, 6),), ((100, 6),), price_rule="volume_midpoint", allocation="pro_rata_all")
    assert published(BUY, 6) == (3, 306)


def test_hypothetical_clear_deals_whole_steps():
    levels = ((100, 50),)
    assert hypothetical((), levels, quantity_step=10)(BUY, 25) == (20, 2000)
    assert hypothetical((), levels, quantity_step=10)(BUY, 5) == (0, 0)
