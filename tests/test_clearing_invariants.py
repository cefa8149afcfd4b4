"""Uniform-price clearing: fifteen invariants of a call auction."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from tests.auction_books import (
    BUY,
    SELL,
    SOUND_ALLOCATIONS,
    SOUND_RULES,
    auction,
    books,
    demand,
    entries,
    limit_books,
    lots,
    prices,
    references,
    shares_of_way,
    supply,
)
from venues.clearing import ALLOCATIONS, PRICE_RULES, Claim, Clearing, clear, ration


@given(books, references, st.sampled_from(PRICE_RULES), st.sampled_from(ALLOCATIONS))
def test_invariant_01_one_price(book, reference, rule, allocation):
    outcome, bought, sold = auction(*book, rule=rule, reference=reference, allocation=allocation)
    assert (outcome.price is None) == (outcome.volume == 0)
    if outcome.price is None:
        return
    # One price serves both sides: nobody for whom it is unacceptable, and both sides fill the one volume.
    assert type(outcome.price) is int
    assert sum(bought) == sum(sold) == outcome.volume


@given(books, references, st.sampled_from(PRICE_RULES), st.sampled_from(ALLOCATIONS), shares_of_way)
def test_invariant_02_limits_are_respected(book, reference, rule, allocation, k):
    outcome, bought, sold = auction(*book, rule=rule, reference=reference, allocation=allocation, k=k)
    for side, claims, shares in ((BUY, book[0], bought), (SELL, book[1], sold)):
        for claim, share in zip(claims, shares, strict=True):
            if share and claim.price is not None:
                assert side * outcome.price <= side * claim.price


@given(books, st.sampled_from(PRICE_RULES))
def test_invariant_03_volume_is_the_maximum_over_all_prices(book, rule):
    bids, asks = entries(book[0]), entries(book[1])
    outcome = clear(bids, asks, rule=rule, reference=0)
    assert outcome.volume == max(min(demand(bids, price), supply(asks, price)) for price in range(-20, 21))


@given(books, references, st.sampled_from(SOUND_RULES), st.sampled_from(SOUND_ALLOCATIONS), shares_of_way)
def test_invariant_04_no_strictly_better_order_stays_unfilled(book, reference, rule, allocation, k):
    outcome, bought, sold = auction(*book, rule=rule, reference=reference, allocation=allocation, k=k)
    if outcome.price is None:
        return
    assert outcome.low is None or outcome.low <= outcome.price
    assert outcome.high is None or outcome.price <= outcome.high
    for side, claims, shares in ((BUY, book[0], bought), (SELL, book[1], sold)):
        for claim, share in zip(claims, shares, strict=True):
            if claim.price is not None and side * claim.price > side * outcome.price:
                assert share == claim.quantity
    # A market order is short only where the other side is used up.
    for claims, shares, others in ((book[0], bought, book[1]), (book[1], sold, book[0])):
        if any(claim.price is None and share < claim.quantity for claim, share in zip(claims, shares, strict=True)):
            assert outcome.volume == sum(claim.quantity for claim in others)


@given(books, references, st.sampled_from(PRICE_RULES), st.sampled_from(ALLOCATIONS))
def test_invariant_05_lots_bought_equal_lots_sold(book, reference, rule, allocation):
    outcome, bought, sold = auction(*book, rule=rule, reference=reference, allocation=allocation)
    assert sum(bought) == sum(sold) == outcome.volume
    for claims, shares in ((book[0], bought), (book[1], sold)):
        assert all(0 <= share <= claim.quantity for claim, share in zip(claims, shares, strict=True))


@given(limit_books, references, st.sampled_from(SOUND_RULES), st.sampled_from(SOUND_ALLOCATIONS))
def test_invariant_06_surplus_is_the_assignment_optimum(book, reference, rule, allocation):
    _, bought, sold = auction(*book, rule=rule, reference=reference, allocation=allocation)
    surplus = sum(claim.price * share for claim, share in zip(book[0], bought, strict=True))
    surplus -= sum(claim.price * share for claim, share in zip(book[1], sold, strict=True))
    units = [[claim.price for claim in side for _ in range(claim.quantity)] for side in book]
    gains = np.maximum(np.subtract.outer(units[0], units[1]), 0) if all(units) else np.zeros((0, 0))
    assert surplus == gains[linear_sum_assignment(gains, maximize=True)].sum()


@given(books, st.sampled_from(SOUND_ALLOCATIONS))
def test_invariant_07_priorities(book, allocation):
    outcome, bought, sold = auction(*book, allocation=allocation, reference=0)
    for side, claims, shares in ((BUY, book[0], bought), (SELL, book[1], sold)):
        pairs = list(zip(claims, shares, strict=True))
        for place, (claim, share) in enumerate(pairs):
            for later, (other, other_share) in enumerate(pairs):
                rank = [(0, 0) if each.price is None else (1, -side * each.price) for each in (claim, other)]
                if rank[0] != rank[1]:
                    ahead = rank[0] < rank[1]
                elif allocation == "batch-pro-rata":
                    ahead = claim.batch < other.batch
                else:
                    ahead = allocation == "time" and place < later
                if ahead and other_share:
                    assert share == claim.quantity
                equal = rank[0] == rank[1] and (allocation == "pro-rata" or claim.batch == other.batch)
                if equal and allocation != "time":
                    # Fair within one lot each: share / quantity is the same but for rounding.
                    assert abs(share * other.quantity - other_share * claim.quantity) < claim.quantity + other.quantity
    assert outcome.volume == sum(bought)


@given(
    books, st.sampled_from(PRICE_RULES), st.sampled_from(("batch-pro-rata", "pro-rata", "pro_rata_all")), st.randoms()
)
def test_invariant_08_permuting_orders_of_a_batch_changes_nothing(book, rule, allocation, random):
    outcome, bought, sold = auction(*book, rule=rule, allocation=allocation, reference=1)
    shuffled = [random.sample(side, len(side)) for side in book]
    again, *shares = auction(*shuffled, rule=rule, allocation=allocation, reference=1)
    assert again == outcome
    for side, before, mixed, after in zip(book, (bought, sold), shuffled, shares, strict=True):
        assert dict(zip(side, before, strict=True)) == dict(zip(mixed, after, strict=True))


@given(
    books,
    references,
    st.sampled_from(PRICE_RULES),
    st.sampled_from(ALLOCATIONS),
    st.tuples(st.integers(-50, 50), st.integers(2, 7)),
)
def test_invariant_09_shift_and_scale(book, reference, rule, allocation, change):
    shift, scale = change
    outcome, bought, sold = auction(*book, rule=rule, reference=reference, allocation=allocation)

    def moved(price):
        return None if price is None else scale * (price + shift)

    larger = [[Claim(moved(c.price), scale * c.quantity, c.batch, c.order_id) for c in side] for side in book]
    again, *shares = auction(
        *larger, rule=rule, reference=moved(reference), allocation=allocation, step=scale, lot_step=scale
    )
    assert again == Clearing(moved(outcome.price), scale * outcome.volume, moved(outcome.low), moved(outcome.high))
    assert shares == [[scale * share for share in side] for side in (bought, sold)]


@given(books, references, st.sampled_from(PRICE_RULES), st.sampled_from(ALLOCATIONS), shares_of_way)
def test_invariant_10_mirror(book, reference, rule, allocation, k):
    def flipped(price):
        return None if price is None else -price

    outcome, bought, sold = auction(*book, rule=rule, reference=reference, allocation=allocation, k=k)
    mirrored = [[claim._replace(price=flipped(claim.price)) for claim in side] for side in (book[1], book[0])]
    again, bought_again, sold_again = auction(
        *mirrored, rule=rule, reference=flipped(reference), allocation=allocation, k=1 - k
    )
    assert (again.volume, again.low, again.high) == (outcome.volume, flipped(outcome.high), flipped(outcome.low))
    if reference is not None or outcome.price is None:
        assert again.price == flipped(outcome.price)
    else:
        # Without a reference both go down: the same price, or the two neighbours of the one between the ticks.
        assert outcome.price + again.price in (0, -1)
    if again.price == flipped(outcome.price):
        assert (sold_again, bought_again) == (bought, sold)


@given(limit_books, prices, lots)
def test_invariant_11_another_buy_weakly_raises_interval_and_volume(book, price, quantity):
    bids, asks = entries(book[0]), entries(book[1])
    before, after = clear(bids, asks), clear([*bids, (price, quantity)], asks)
    assert after.volume >= before.volume
    if before.price is not None:
        assert after.low >= before.low
        assert after.high >= before.high


@given(limit_books)
def test_invariant_12_out_of_the_money_orders_never_change_the_volume(book):
    bids, asks = entries(book[0]), entries(book[1])
    outcome = clear(bids, asks)
    assume(outcome.price is not None)
    bids = [bid for bid in bids if bid[0] >= outcome.price]
    asks = [ask for ask in asks if ask[0] <= outcome.price]
    again = clear(bids, asks)
    assert again.volume == outcome.volume
    assert again.low <= outcome.low <= outcome.high <= again.high


@given(books, references, st.sampled_from(SOUND_RULES), st.sampled_from(SOUND_ALLOCATIONS))
def test_invariant_13_clearing_the_rest_again_trades_nothing(book, reference, rule, allocation):
    outcome, *shares = auction(*book, rule=rule, reference=reference, allocation=allocation)
    assume(outcome.price is not None)
    rest = [
        [
            (claim.price, claim.quantity - share)
            for claim, share in zip(side, dealt, strict=True)
            if share < claim.quantity
        ]
        for side, dealt in zip(book, shares, strict=True)
    ]
    assert clear(*rest, reference=outcome.price).volume == 0
    limits = [[price for price, _ in side if price is not None] for side in rest]
    assert not all(limits) or max(limits[0]) < min(limits[1])


@given(books, st.sampled_from(("batch-pro-rata", "pro-rata", "pro_rata_all")), st.data())
def test_invariant_14_splitting_an_order_changes_nothing(book, allocation, data):
    bids, asks = book
    large = [place for place, claim in enumerate(bids) if claim.quantity > 1]
    assume(large)
    place = data.draw(st.sampled_from(large))
    parent = bids[place]
    first = data.draw(st.integers(1, parent.quantity - 1))
    children = [parent._replace(quantity=first), parent._replace(quantity=parent.quantity - first, order_id=99)]
    outcome, bought, sold = auction(bids, asks, allocation=allocation, reference=0)
    split = [*bids[:place], *bids[place + 1 :], *children]
    again, split_bought, split_sold = auction(split, asks, allocation=allocation, reference=0)
    assert again == outcome
    assert split_sold == sold
    others = bought[:place] + bought[place + 1 :]
    # But for the lots that rounding moves: one for each order.
    assert all(abs(a - b) <= 1 for a, b in zip(others, split_bought[:-2], strict=True))
    assert abs(bought[place] - sum(split_bought[-2:])) <= 2


def test_invariant_14_splitting_is_exact_where_the_shares_are_whole():
    whole = [Claim(10, 4, 0, 1), Claim(10, 8, 0, 2)]
    split = [Claim(10, 4, 0, 1), Claim(10, 6, 0, 2), Claim(10, 2, 0, 3)]
    assert ration(BUY, 10, 6, whole) == [2, 4]
    assert ration(BUY, 10, 6, split) == [2, 3, 1]


def continuous_book(orders):
    """Volume and prices of each arrival under continuous matching, by the shortest possible statement of it."""
    resting, out = {BUY: [], SELL: []}, []
    for side, price, wanted in orders:
        volume, paid, quantity = 0, set(), wanted
        others = resting[side.opposite]
        others.sort(key=lambda other: side * other[0])
        while quantity and others and (price is None or side * others[0][0] <= side * price):
            take = min(quantity, others[0][1])
            paid.add(others[0][0])
            others[0][1] -= take
            quantity -= take
            volume += take
            if not others[0][1]:
                others.pop(0)
        if quantity and price is not None:
            resting[side].append([price, quantity])
        out.append((volume, paid))
    return out


def test_invariant_15_one_order_per_clear_is_continuous_matching_in_volume_but_not_in_price():
    rng, priced_alike = Random(4), True
    for _ in range(60):
        orders = [
            (rng.choice((BUY, SELL)), None if rng.random() < 0.2 else rng.randint(1, 9), rng.randint(1, 5))
            for _ in range(60)
        ]
        book = {BUY: [], SELL: []}
        for step, ((side, price, quantity), (volume, paid)) in enumerate(
            zip(orders, continuous_book(orders), strict=True)
        ):
            book[side].append(Claim(price, quantity, step, step + 1))
            outcome, *shares = auction(book[BUY], book[SELL])
            assert outcome.volume == volume
            priced_alike = priced_alike and (not volume or paid == {outcome.price})
            for each, dealt in zip((BUY, SELL), shares, strict=True):
                rest = [c._replace(quantity=c.quantity - share) for c, share in zip(book[each], dealt, strict=True)]
                book[each] = [claim for claim in rest if claim.quantity and claim.price is not None]
    assert not priced_alike
