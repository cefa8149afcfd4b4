"""Uniform-price clearing: published cases, brute force over all prices, and where a price lies in its interval."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from random import Random

import pytest

from tests.auction_books import SOUND_RULES, auction, demand, market_only, random_side, supply
from tests.data import data_path
from venues.clearing import PRICE_RULES, Claim, Clearing, clear

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
