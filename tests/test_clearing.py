"""Uniform-price clearing: published cases, brute force over all prices, and fifteen invariants of a call auction."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from marketsim.errors import ConfigError, ConservationError
from marketsim.types import Side
from tests.data import data_path
from venues.clearing import ALLOCATIONS, PRICE_RULES, Claim, Clearing, HypotheticalClear, clear, ration

BUY, SELL = Side.BUY, Side.SELL
SOUND_RULES = ("midpoint", "reference", "k")
SOUND_ALLOCATIONS = ("batch-pro-rata", "pro-rata", "time")

# A busy machine is no failure.
unhurried = settings(deadline=None)

prices = st.integers(-6, 9)
lots = st.integers(1, 6)
references = st.none() | st.integers(-12, 15)
shares_of_way = st.fractions(0, 1, max_denominator=12)


def sides(price=prices, most=6):
    return st.lists(st.tuples(price, lots, st.integers(0, 2)), max_size=most)


def numbered(*books):
    """Claims of each side with ids that count on over the sides."""
    order_id, out = 0, []
    for book in books:
        claims = []
        for price, quantity, batch in book:
            order_id += 1
            claims.append(Claim(price, quantity, batch, order_id))
        out.append(claims)
    return out


limit_books = st.tuples(sides(), sides()).map(lambda books: numbered(*books))
books = st.tuples(sides(st.none() | prices), sides(st.none() | prices)).map(lambda pair: numbered(*pair))


def entries(claims):
    return [(claim.price, claim.quantity) for claim in claims]


def auction(bids, asks, *, allocation="batch-pro-rata", lot_step=1, **rules):
    outcome = clear(entries(bids), entries(asks), **rules)
    if outcome.price is None:
        return outcome, [0] * len(bids), [0] * len(asks)
    deal = {"rule": allocation, "step": lot_step}
    return (
        outcome,
        ration(BUY, outcome.price, outcome.volume, bids, **deal),
        ration(SELL, outcome.price, outcome.volume, asks, **deal),
    )


def demand(bids, price):
    return sum(quantity for limit, quantity in bids if limit is None or limit >= price)


def supply(asks, price):
    return sum(quantity for limit, quantity in asks if limit is None or limit <= price)


def random_side(rng, *, market_share):
    return [
        (None if rng.random() < market_share else rng.randint(-4, 8), rng.randint(1, 5))
        for _ in range(rng.randint(0, 6))
    ]


def market_only(bids, asks):
    return all(price is None for price, _ in bids) and all(price is None for price, _ in asks)


# --- published cases ---


@pytest.mark.parametrize(
    ("bids", "asks", "price", "volume"),
    [
        ([(202, 200), (201, 200), (200, 300)], [(200, 100), (198, 200), (197, 400)], 200, 700),
        ([(202, 400), (201, 200)], [(199, 300), (198, 200)], 201, 500),
        ([(202, 300), (201, 200)], [(199, 400), (198, 200)], 199, 500),
    ],
    ids=["one-price", "surplus-of-demand", "surplus-of-supply"],
)
@pytest.mark.parametrize("rule", SOUND_RULES)
def test_xetra_examples(bids, asks, price, volume, rule):
    assert clear(bids, asks, rule=rule, reference=200) == Clearing(price, volume, price, price)


def test_xetra_examples_tell_the_volume_midpoint_apart():
    second = clear([(202, 400), (201, 200)], [(199, 300), (198, 200)], rule="volume_midpoint")
    third = clear([(202, 300), (201, 200)], [(199, 400), (198, 200)], rule="volume_midpoint")
    assert (second.price, third.price) == (200, 200)


@pytest.mark.parametrize(("ask", "quantity", "price"), [(998, 40, 1000), (998, 41, 998), (1002, 40, 1002)])
def test_euronext_pure_market_order(ask, quantity, price):
    outcome = clear([(None, 40)], [(ask, quantity)], rule="reference", reference=1000)
    assert (outcome.price, outcome.volume) == (price, 40)


def test_euronext_example_with_market_to_limit_orders():
    bids = [Claim(None, 50, 0, 1), Claim(1010, 90, 0, 2), Claim(990, 10, 0, 3)]
    asks = [Claim(None, 40, 0, 4), Claim(1008, 100, 0, 5), Claim(1015, 60, 0, 6)]
    outcome, _, _ = auction(bids, asks, rule="reference", reference=1000)
    assert outcome == Clearing(1008, 140, 1008, 1010)
    bids.append(Claim(None, 20, 0, 7))
    outcome, bought, sold = auction(bids, asks, rule="reference", reference=1000)
    assert outcome == Clearing(1010, 140, 1010, 1010)
    assert bought == [50, 70, 0, 20]
    assert sold == [40, 100, 0]


def vega_cases():
    return [
        "leftover-at-cross",
        "self-match",
        "eight-orders",
        "volume-beyond-best",
        "midpoint-1",
        "midpoint-2",
        "eleven-orders",
    ]


@pytest.mark.parametrize("case", vega_cases())
def test_vega_vectors(case):
    vectors = json.loads(data_path("auction-vectors-vega/auction_vectors.json").read_text())["vectors"]
    assert [vector["id"] for vector in vectors] == vega_cases()
    vector = next(vector for vector in vectors if vector["id"] == case)
    claims = {
        side: [Claim(o["price"], o["volume"], 0, o["seq"]) for o in vector["orders"] if o["side"] == side]
        for side in ("buy", "sell")
    }
    outcome, bought, sold = auction(claims["buy"], claims["sell"], rule="volume_midpoint", allocation="time")
    assert (outcome.price, outcome.volume) == (vector["price"], vector["volume"])
    assert sum(bought) == sum(sold) == vector.get("fill_sizes_sum", vector["volume"])
    if "max_volume_range" in vector:
        assert [outcome.low, outcome.high] == vector["max_volume_range"]
    if "fills" in vector:
        for side, shares in (("buy", bought), ("sell", sold)):
            expected = Counter()
            for fill in vector["fills"]:
                expected[fill[side]] += fill["size"]
            got = {claim.order_id: share for claim, share in zip(claims[side], shares, strict=True) if share}
            assert got == expected


@pytest.mark.parametrize(
    ("quantity", "interval", "price"), [(3, (100, 100), 100), (5, (100, 110), 105), (8, (110, 110), 110)]
)
def test_stale_ask_hit_by_limits_at_the_truth(quantity, interval, price):
    # Demand at the truth, 110, below, at and above the size of a stale ask at 100.
    outcome = clear([(110, quantity)], [(100, 5)])
    assert (outcome.low, outcome.high, outcome.price) == (*interval, price)
    assert clear([(110, quantity)], [(100, 5)], rule="volume_midpoint").price == 105


# --- against brute force over all prices ---


def test_brute_force_volume_interval_and_market_clearing():
    # Prices on a grid four times as fine as the limits stand for the real line.
    rng, fine = Random(1), 4
    traded = 0
    for _ in range(4000):
        share = rng.choice((0, 0, 0.3))
        bids, asks = random_side(rng, market_share=share), random_side(rng, market_share=share)
        outcome = clear(bids, asks, reference=rng.choice((None, 3)))
        wide = (
            [(None if p is None else fine * p, q) for p, q in bids],
            [(None if p is None else fine * p, q) for p, q in asks],
        )
        grid = range(-6 * fine, 10 * fine + 1)
        volume = max(min(demand(wide[0], p), supply(wide[1], p)) for p in grid)
        if volume == 0 or (market_only(bids, asks) and outcome.price is None):
            assert outcome == Clearing(None, 0, None, None)
            continue
        traded += 1
        assert outcome.volume == volume
        fair = [p for p in grid if is_market_clearing(*wide, p, volume)]
        low, high = fair[0], fair[-1]
        assert fair == list(range(low, high + 1)), "the prices are no interval"
        assert outcome.low == (None if low == grid[0] else low // fine)
        assert outcome.high == (None if high == grid[-1] else high // fine)
        assert low % fine == high % fine == 0
        assert is_market_clearing(bids, asks, outcome.price, volume)
    assert traded > 2000


def is_market_clearing(bids, asks, price, volume):
    better_bids = [quantity for limit, quantity in bids if limit is not None and limit > price]
    better_asks = [quantity for limit, quantity in asks if limit is not None and limit < price]
    return (
        min(demand(bids, price), supply(asks, price)) == volume
        and (not better_bids or sum(better_bids) + demand([b for b in bids if b[0] is None], price) <= volume)
        and (not better_asks or sum(better_asks) + supply([a for a in asks if a[0] is None], price) <= volume)
    )


def test_brute_force_cascade_selects_the_same_interval():
    rng, fine = Random(2), 4
    grid = range(-6 * fine, 10 * fine + 1)
    compared = 0
    for _ in range(4000):
        bids, asks = random_side(rng, market_share=0), random_side(rng, market_share=0)
        outcome = clear(bids, asks)
        if outcome.price is None:
            continue
        compared += 1
        curve = [
            (demand([(fine * p, q) for p, q in bids], x), supply([(fine * p, q) for p, q in asks], x), x) for x in grid
        ]
        most = max(min(d, s) for d, s, _ in curve)
        curve = [point for point in curve if min(point[:2]) == most]
        least = min(abs(d - s) for d, s, _ in curve)
        curve = [point for point in curve if abs(point[0] - point[1]) == least]
        if all(d > s for d, s, _ in curve):
            curve = curve[-1:]
        elif all(d < s for d, s, _ in curve):
            curve = curve[:1]
        # The cascade leaves out an end of the interval at which the imbalance jumps: one step of the fine grid.
        assert curve[0][2] - fine * outcome.low in (0, 1)
        assert fine * outcome.high - curve[-1][2] in (0, 1)
    assert compared > 2000


def test_volume_midpoint_is_the_middle_of_all_volume_maximal_prices():
    rng = Random(3)
    unsound = 0
    for _ in range(3000):
        bids, asks = random_side(rng, market_share=0.1), random_side(rng, market_share=0.1)
        outcome = clear(bids, asks, rule="volume_midpoint")
        limits = sorted({price for price, _ in bids + asks if price is not None})
        volumes = {price: min(demand(bids, price), supply(asks, price)) for price in limits}
        if not limits or max(volumes.values()) == 0:
            assert outcome.price is None
            continue
        best = [price for price in limits if volumes[price] == max(volumes.values())]
        assert (outcome.low, outcome.high, outcome.volume) == (best[0], best[-1], volumes[best[0]])
        assert outcome.price == (best[0] + best[-1]) // 2
        unsound += not is_market_clearing(bids, asks, outcome.price, outcome.volume)
    assert unsound > 300


def test_adding_a_buy_can_lower_the_volume_midpoint_but_no_sound_price():
    bids, asks, more = [(10, 5)], [(0, 5)], (4, 5)
    before, after = clear(bids, asks), clear([*bids, more], asks)
    assert (before.price, after.price) == (5, 7)
    # Ten lots at 4 raise the volume and draw the range of volume-maximal prices down.
    asks = [(0, 5), (3, 5)]
    before, after = (clear(each, asks, rule="volume_midpoint") for each in (bids, [*bids, more]))
    assert (before.price, after.price) == (5, 3)


# --- where the price lies in its interval ---


@pytest.mark.parametrize(
    ("rule", "reference", "k", "price"),
    [
        ("midpoint", None, 0, 103),
        ("midpoint", 100, 0, 103),
        ("midpoint", 104, 0, 104),
        ("reference", None, 0, 103),
        ("reference", 99, 0, 100),
        ("reference", 105, 0, 105),
        ("reference", 110, 0, 107),
        ("k", None, 0, 100),
        ("k", None, 1, 107),
        ("k", None, Fraction(3, 7), 103),
        ("k", 104, Fraction(1, 2), 104),
    ],
)
def test_price_within_the_interval(rule, reference, k, price):
    outcome = clear([(107, 5)], [(100, 5)], rule=rule, reference=reference, k=Fraction(k))
    assert outcome == Clearing(price, 5, 100, 107)


@pytest.mark.parametrize("rule", ["midpoint", "k"])
@pytest.mark.parametrize("reference", [None, 90, 120])
def test_half_open_interval_takes_the_finite_end(rule, reference):
    assert clear([(None, 3)], [(100, 3)], rule=rule, reference=reference) == Clearing(100, 3, 100, None)
    assert clear([(100, 3)], [(None, 3)], rule=rule, reference=reference) == Clearing(100, 3, None, 100)


@pytest.mark.parametrize(("reference", "above", "below"), [(None, 100, 100), (90, 100, 90), (120, 120, 100)])
def test_half_open_interval_draws_the_reference_in(reference, above, below):
    assert clear([(None, 3)], [(100, 3)], rule="reference", reference=reference).price == above
    assert clear([(100, 3)], [(None, 3)], rule="reference", reference=reference).price == below


def test_market_orders_on_both_sides_clear_inside_the_book_they_meet_in():
    assert clear([(None, 3), (90, 1)], [(None, 3), (110, 1)]) == Clearing(100, 3, 90, 110)


def test_more_market_orders_than_limits_clear_at_the_last_limit_on_either_side():
    assert clear([(None, 9), (105, 2)], [(100, 3)]) == Clearing(105, 3, 105, None)
    assert clear([(100, 3)], [(None, 9), (95, 2)]) == Clearing(95, 3, None, 95)


@pytest.mark.parametrize("rule", PRICE_RULES)
def test_market_orders_only_trade_at_the_reference_or_not_at_all(rule):
    assert clear([(None, 3)], [(None, 2)], rule=rule) == Clearing(None, 0, None, None)
    assert clear([(None, 3)], [(None, 2)], rule=rule, reference=7) == Clearing(7, 2, None, None)


@pytest.mark.parametrize(("reference", "price"), [(None, 100), (0, 100), (102, 100), (103, 105), (200, 105)])
def test_price_goes_to_the_grid_point_nearer_the_reference(reference, price):
    assert clear([(105, 1)], [(100, 1)], reference=reference, step=5).price == price
    assert clear([(105, 1)], [(100, 1)], rule="reference", reference=reference, step=5).price == price


def test_equal_distance_to_the_reference_goes_to_the_lower_grid_point():
    assert clear([(110, 1)], [(100, 1)], reference=105, step=10).price == 100


# --- the invariants ---


@unhurried
@given(books, references, st.sampled_from(PRICE_RULES), st.sampled_from(ALLOCATIONS))
def test_invariant_01_one_price(book, reference, rule, allocation):
    outcome, bought, sold = auction(*book, rule=rule, reference=reference, allocation=allocation)
    assert (outcome.price is None) == (outcome.volume == 0)
    if outcome.price is None:
        return
    # One price serves both sides: nobody for whom it is unacceptable, and both sides fill the one volume.
    assert type(outcome.price) is int
    assert sum(bought) == sum(sold) == outcome.volume


@unhurried
@given(books, references, st.sampled_from(PRICE_RULES), st.sampled_from(ALLOCATIONS), shares_of_way)
def test_invariant_02_limits_are_respected(book, reference, rule, allocation, k):
    outcome, bought, sold = auction(*book, rule=rule, reference=reference, allocation=allocation, k=k)
    for side, claims, shares in ((BUY, book[0], bought), (SELL, book[1], sold)):
        for claim, share in zip(claims, shares, strict=True):
            if share and claim.price is not None:
                assert side * outcome.price <= side * claim.price


@unhurried
@given(books, st.sampled_from(PRICE_RULES))
def test_invariant_03_volume_is_the_maximum_over_all_prices(book, rule):
    bids, asks = entries(book[0]), entries(book[1])
    outcome = clear(bids, asks, rule=rule, reference=0)
    assert outcome.volume == max(min(demand(bids, price), supply(asks, price)) for price in range(-20, 21))


@unhurried
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


@unhurried
@given(books, references, st.sampled_from(PRICE_RULES), st.sampled_from(ALLOCATIONS))
def test_invariant_05_lots_bought_equal_lots_sold(book, reference, rule, allocation):
    outcome, bought, sold = auction(*book, rule=rule, reference=reference, allocation=allocation)
    assert sum(bought) == sum(sold) == outcome.volume
    for claims, shares in ((book[0], bought), (book[1], sold)):
        assert all(0 <= share <= claim.quantity for claim, share in zip(claims, shares, strict=True))


@unhurried
@given(limit_books, references, st.sampled_from(SOUND_RULES), st.sampled_from(SOUND_ALLOCATIONS))
def test_invariant_06_surplus_is_the_assignment_optimum(book, reference, rule, allocation):
    _, bought, sold = auction(*book, rule=rule, reference=reference, allocation=allocation)
    surplus = sum(claim.price * share for claim, share in zip(book[0], bought, strict=True))
    surplus -= sum(claim.price * share for claim, share in zip(book[1], sold, strict=True))
    units = [[claim.price for claim in side for _ in range(claim.quantity)] for side in book]
    gains = np.maximum(np.subtract.outer(units[0], units[1]), 0) if all(units) else np.zeros((0, 0))
    assert surplus == gains[linear_sum_assignment(gains, maximize=True)].sum()


@unhurried
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


@unhurried
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


@unhurried
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


@unhurried
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


@unhurried
@given(limit_books, prices, lots)
def test_invariant_11_another_buy_weakly_raises_interval_and_volume(book, price, quantity):
    bids, asks = entries(book[0]), entries(book[1])
    before, after = clear(bids, asks), clear([*bids, (price, quantity)], asks)
    assert after.volume >= before.volume
    if before.price is not None:
        assert after.low >= before.low
        assert after.high >= before.high


@unhurried
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


@unhurried
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


@unhurried
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


@unhurried
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
