"""The published split rule, by its own arithmetic."""

from __future__ import annotations

import pytest

from agents.execution.published import published_fill, published_run, published_split


def test_at_an_ask_without_end_it_is_the_naive_order_of_the_source():
    run = published_run([[(222.83, 1e12)]], 5000)
    assert run.filled == pytest.approx(5000)
    assert run.cost == pytest.approx(1_114_150.0)
    assert run.average == pytest.approx(222.83)


def test_first_snapshot_of_the_source_by_hand():
    run = published_run([[(222.83, 36)]], 5000)
    limit = 3000 * 36 / (36 + 3000)
    assert [(kind, shares) for _, kind, _, _, shares in run.log] == [("market", 36), ("limit", pytest.approx(limit))]
    assert run.cost == pytest.approx((36 + limit) * 222.83)
    assert run.left == pytest.approx(5000 - 36 - limit)


def test_split_and_fill():
    assert published_split(5000, 2) == (2000.0, 1500.0)
    assert published_split(1000, 3) == (400.0, 200.0)
    assert published_split(999, 3) == (pytest.approx(99.9), pytest.approx(299.7))
    assert published_fill(100, 300, 300) == 75
    assert published_fill(1e9, 300, 300) <= 300
    assert published_fill(0, 0, 0) == 0


def test_market_quantity_goes_from_the_cheapest_venue_up_and_ties_keep_their_order():
    run = published_run([[(10.2, 100), (10.0, 300), (10.2, 900)]], 1000)
    market = [(place, price, shares) for _, kind, place, price, shares in run.log if kind == "market"]
    assert market == [(1, 10.0, 300), (0, 10.2, 100)]
    assert [place for _, kind, place, _, _ in run.log if kind == "limit"] == [0, 1, 2]
    # Queues 100, 300 and 900, two hundred behind each.
    assert run.filled == pytest.approx(400 + 200 * 100 / 300 + 200 * 300 / 500 + 200 * 900 / 1100)


def test_it_goes_on_until_nothing_is_left_and_says_what_is():
    assert published_run([[(10.0, 50)], [], [(10.0, 50)]], 5000).left > 4800
    assert published_run([], 10).average == 0
    done = published_run([[(10.0, 1e9)]] * 200, 100)
    assert done.left == pytest.approx(0, abs=1e-6)
    assert done.filled == pytest.approx(100)
