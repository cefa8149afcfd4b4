"""Order-flow imbalance: the published slope, its two forms against each other, and hostile input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.metrics import event_imbalance, impact_regression, snapshot_imbalance

nan = float("nan")


def stylised_book(orders, depth, seed):
    """Cont, Kukanov and Stoikov's book, `depth` lots at every price behind the best; lot by lot, (lots, 4).

    `bought` lots have come to the bids in all, `taken` lots have gone from the asks, and `gap` keeps the two apart.
    """
    rng = np.random.default_rng(seed)
    gap, sides, signs = 5 * depth, [], []
    sizes = rng.integers(1, 121, orders)
    for buy, widen, size in zip(rng.random(orders) < 0.5, rng.random(orders) < 0.5, sizes.tolist(), strict=True):
        widens = gap < 4 * depth or (widen and gap < 6 * depth)
        gap += size if widens else -size
        sides.append(int(buy == widens))
        signs.append(1 if buy else -1)
    steps = np.repeat(np.array(signs)[:, None] * np.eye(2, dtype=int)[sides], sizes, axis=0)
    bought, taken = np.concatenate((np.zeros((1, 2), dtype=int), steps)).cumsum(axis=0).T
    bids, asks = -(-bought // depth), taken // depth + 5
    return np.stack((bids, bought - (bids - 1) * depth, asks, depth - taken % depth), axis=1).astype(float)


def test_the_slope_on_the_stylised_book_is_one_over_twice_the_depth():
    depth, window = 100, 5000
    book = stylised_book(20_000, depth, 7)
    assert (book[:, 0] < book[:, 2]).all()
    flow = event_imbalance(*book.T)
    flow = flow[: len(flow) // window * window].reshape(-1, window).sum(axis=1)
    mid = ((book[:, 0] + book[:, 2]) / 2)[::window][: len(flow) + 1]
    fit = impact_regression(flow, np.diff(mid))
    assert fit.standard_error < 0.007 / (2 * depth)  # else 2 % would be luck
    assert fit.slope == pytest.approx(1 / (2 * depth), rel=0.02)
    # The mid is where the flow so far has put it, to less than a tick (theory: the rounding of two queues).
    assert np.abs(mid - mid[0] - np.append(0, np.cumsum(flow)) / (2 * depth)).max() < 1


def test_the_equation_of_the_paper_case_by_case():
    quotes = [(99, 5, 101, 4), (99, 7, 101, 4), (100, 3, 101, 1), (98, 6, 102, 2), (98, 6, 100, 9), (98, 1, 100, 3)]
    # +2 bid lots; bid rose to 3 and 3 ask lots went; bid fell from 3, ask rose from 1; ask fell to 9; -5 bid, +6 ask.
    assert event_imbalance(*zip(*quotes, strict=True)).tolist() == [2, 6, -2, -9, 1]


def test_an_empty_side_is_a_price_that_fell_and_its_return_a_price_that_rose():
    bids, sizes = [99, nan, nan, 98], [5, 0, 0, 4]
    asks, others = [101, 101, nan, 101], [4, 4, 0, 2]
    assert event_imbalance(bids, sizes, asks, others).tolist() == [-5, 4, 4 - 2]
    bid_part, ask_part = snapshot_imbalance(bids, sizes, asks, others)
    assert bid_part.tolist() == [-5 * 99, 0, 4 * 98]
    assert ask_part.tolist() == [0, 4 * 101, -2 * 101]


def test_what_is_not_known_is_nan_and_only_there():
    flow = event_imbalance([99, nan, 99, 99], [1, 1, 1, 1], [101] * 4, [1, 1, nan, 1])
    assert np.isnan(flow).tolist() == [True, True, True]
    assert event_imbalance([nan, 99, 99], [0, 1, 2], [101] * 3, [1, 1, 1]).tolist() == [1, 1]
    assert np.isnan(event_imbalance([nan, nan], [0, 1], [101] * 2, [1, 1])).all()


def by_hand(side, price, size, before, size_before):
    """One part of the snapshot imbalance, as the specification says it."""
    if side == "bid":
        if price > before:
            return size * price
        return (size - size_before) * price if price == before else -size_before * before
    if price < before:
        return -size * price
    return -(size - size_before) * price if price == before else size_before * before


@given(st.lists(st.tuples(*[st.integers(1, 4)] * 4), min_size=1, max_size=12))
def test_snapshot_parts_are_those_of_the_specification(quotes):
    bids, sizes, asks, others = np.array(quotes, dtype=float).T
    bid_part, ask_part = snapshot_imbalance(bids, sizes, asks, others)
    for row in range(1, len(quotes)):
        (b0, q0, a0, r0), (b, q, a, r) = quotes[row - 1 : row + 1]
        assert bid_part[row - 1] == by_hand("bid", b, q, b0, q0)
        assert ask_part[row - 1] == by_hand("ask", a, r, a0, r0)
    assert len(bid_part) == len(ask_part) == len(quotes) - 1


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=20))
def test_where_the_best_prices_stay_the_snapshots_say_what_the_events_do(sizes):
    bids, asks = np.array(sizes, dtype=float).T + 1
    stay = np.full(len(bids), 10.0)
    events = event_imbalance(stay, bids, stay + 1, asks)
    bid_parts, ask_parts = snapshot_imbalance(stay, bids, stay + 1, asks)
    ends = [0, -1]
    one_bid, one_ask = snapshot_imbalance(stay[ends], bids[ends], stay[ends] + 1, asks[ends])
    assert one_bid[0] / 10 + one_ask[0] / 11 == pytest.approx(events.sum())
    assert one_bid[0] + one_ask[0] == pytest.approx(bid_parts.sum() + ask_parts.sum())


def test_where_a_best_price_moves_within_the_window_they_differ():
    quotes = np.array([(10, 5, 12, 4), (9, 7, 12, 4), (11, 8, 12, 4)], dtype=float)
    bid_part, _ = snapshot_imbalance(*quotes[[0, 2]].T)
    assert event_imbalance(*quotes.T).tolist() == [-5, 8]  # 5 lots taken away, then 8 new ones: 3 more
    assert bid_part[0] / 11 == 8  # the snapshots see a rise to 8 lots


def test_levels_side_by_side_are_levels_one_by_one():
    rng = np.random.default_rng(3)
    sides = [rng.integers(1, 5, (6, 3)).astype(float) for _ in range(4)]
    together = event_imbalance(*sides)
    assert together.shape == (5, 3)
    for level in range(3):
        assert together[:, level].tolist() == event_imbalance(*(side[:, level] for side in sides)).tolist()


@pytest.mark.parametrize(
    "quotes", [([], [], [], []), ([1], [1], [2], [1, 2]), (1, 1, 2, 1), ([1], [-1], [2], [1]), ([1], [1], [2], [-0.5])]
)
def test_what_is_no_row_of_quotes_is_refused(quotes):
    with pytest.raises(ConfigError, match="order-flow imbalance"):
        event_imbalance(*quotes)


@pytest.mark.parametrize(
    ("x", "y"),
    [([1, 2], [1, 2]), ([1, 2, 3], [1, 2]), ([1, 2, nan], [1, 2, 3]), ([2, 2, 2], [1, 2, 3]), ([[1]] * 3, [1, 2, 3])],
)
def test_a_regression_without_an_answer_is_refused(x, y):
    with pytest.raises(ConfigError, match="impact_regression"):
        impact_regression(x, y)


def test_the_standard_error_is_that_of_the_slope():
    rng = np.random.default_rng(5)
    x = rng.normal(size=40)
    slopes = [impact_regression(x, 2 * x + rng.normal(size=40))[0] for _ in range(500)]
    fit = impact_regression(x, 2 * x + rng.normal(size=40))
    assert np.std(slopes) == pytest.approx(1 / np.sqrt(((x - x.mean()) ** 2).sum()), rel=0.15)
    assert fit.standard_error == pytest.approx(np.std(slopes), rel=0.4)
