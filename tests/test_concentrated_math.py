"""The arithmetic of concentrated liquidity: the contract's own results, recorded trading, and the theory."""

from __future__ import annotations

import csv
import gzip
import json
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache
from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data import data_path
from venues.concentrated_math import (
    _ROOT_POWERS,
    MAX_INDEX,
    MAX_SQRT_PRICE,
    MIN_INDEX,
    MIN_SQRT_PRICE,
    Q96,
    Pool,
    SwapError,
    amount0_between,
    amount1_between,
    amounts_of,
    index_at,
    max_liquidity,
    sqrt_price_at,
    sqrt_price_of,
    swap,
    swap_step,
    with_liquidity,
)

# The contract


@cache
def vectors() -> list[dict]:
    return json.loads((data_path("univ3-core-swap-vectors") / "v3_swap_vectors.json").read_text())["pools"]


def vector_pool(entry: dict) -> tuple[Pool, int, int]:
    start = int(entry["start_sqrt_price_x96"])
    pool = Pool(start, index_at(start), entry["fee_pips"], entry["tick_spacing"])
    base = money = 0
    for position in entry["positions"]:
        place = (position["tick_lower"], position["tick_upper"], int(position["liquidity"]))
        amounts = amounts_of(pool, *place, up=True)
        base, money = base + amounts[0], money + amounts[1]
        pool = with_liquidity(pool, *place)
    return pool, base, money


def vector_amount(case: dict) -> int:
    if case["kind"] == "to_price":
        return 2**255 - 1
    return int(case["amount"]) if case["kind"] == "exact_in" else -int(case["amount"])


def test_every_swap_of_the_contracts_own_tests_comes_out_to_the_last_unit():
    exact = refused = 0
    for entry in vectors():
        pool, base, money = vector_pool(entry)
        for case in entry["swaps"]:
            limit = case["sqrt_price_limit_x96"]
            limit = None if limit is None else int(limit)
            arguments = (pool, case["zero_for_one"], vector_amount(case))
            if case.get("expected_error"):
                with pytest.raises(SwapError):
                    swap(*arguments, sqrt_price_limit=limit)
                refused += 1
                continue
            found = swap(*arguments, sqrt_price_limit=limit)
            got = {
                "amount0Before": str(base),
                "amount1Before": str(money),
                "amount0Delta": str(found.amount0),
                "amount1Delta": str(found.amount1),
                "tickBefore": pool.price_index,
                "tickAfter": found.pool.price_index,
                "feeGrowthGlobal0X128Delta": str(found.pool.growth0),
                "feeGrowthGlobal1X128Delta": str(found.pool.growth1),
            }
            assert got == case["expected"], (entry["description"], case)
            exact += 1
    assert (exact, refused) == (190, 50)


def test_the_contracts_vector_for_one_step():
    # Uniswap v3 core, SwapMath: one unit of input is enough to reach the target.
    target = isqrt(101 * Q96**2 // 100)
    step = swap_step(Q96, target, 2 * 10**18, 10**18, 600)
    assert step == (target, 9975124224178055, 9925619580021728, 5988667735148)


def test_the_ends_of_the_price_scale_are_the_contracts():
    assert MIN_SQRT_PRICE == 4295128739
    assert MAX_SQRT_PRICE == 1461446703485210103287273052203988822378723970342
    assert (sqrt_price_at(MIN_INDEX), sqrt_price_at(MAX_INDEX)) == (MIN_SQRT_PRICE, MAX_SQRT_PRICE)
    assert (index_at(MIN_SQRT_PRICE), index_at(MAX_SQRT_PRICE - 1)) == (MIN_INDEX, MAX_INDEX - 1)
    # Others of the contract's own tests: the last bits of 128 show at the far end.
    assert sqrt_price_at(250) == 80224679980005306637834519095
    assert sqrt_price_at(50_000) == 965075977353221155028623082916
    assert sqrt_price_at(500_000) == 5697689776495288729098254600827762987878
    assert sqrt_price_at(738_203) == 847134979253254120489401328389043031315994541
    # The contract's greatest liquidity at one index, for the spacings it offers.
    assert max_liquidity(10) == 1917569901783203986719870431555990
    assert max_liquidity(60) == 11505743598341114571880798222544994
    assert max_liquidity(200) == 38350317471085141830651933667504588


# Recorded trading


@cache
def recorded() -> list[dict[str, str]]:
    path = data_path("univ3-usdcweth005-20240105") / "pool_events.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def test_recorded_swaps_within_one_range_give_the_logged_amounts_and_price():
    seen = exact_in = exact_out = 0
    before: tuple[int, int] | None = None
    for row in recorded():
        if row["tx_type"] == "COLLECT":
            continue
        after = (int(row["sqrtPriceX96"]), int(row["total_liquidity"]))
        if row["tx_type"] == "SWAP" and before is not None:
            seen += 1
            amounts = (int(row["amount0"]), int(row["amount1"]))
            selling = amounts[0] > 0
            paid, got = amounts if selling else amounts[::-1]
            assert index_at(after[0]) == int(float(row["current_tick"]))
            pool = Pool(before[0], index_at(before[0]), 500, 10, before[1])
            results = [
                (found.amount0, found.amount1, found.pool.sqrt_price) == (*amounts, after[0])
                for found in (swap(pool, selling, paid), swap(pool, selling, got))
            ]
            exact_in += results[0]
            exact_out += results[1] and not results[0]
        before = after
    assert (seen, exact_in, exact_out) == (6045, 4768, 577)


def test_recorded_mints_and_burns_give_the_logged_amounts():
    counts = {"MINT": 0, "BURN": 0}
    for row in recorded():
        if row["tx_type"] not in counts:
            continue
        price, liquidity = int(row["sqrtPriceX96"]), int(row["liquidity"])
        pool = Pool(price, index_at(price), 500, 10)
        lower, upper = int(float(row["tick_lower"])), int(float(row["tick_upper"]))
        sign = 1 if row["tx_type"] == "MINT" else -1
        amounts = amounts_of(pool, lower, upper, abs(liquidity), up=sign > 0)
        assert amounts == (abs(int(row["amount0"])), abs(int(row["amount1"]))), row
        counts[row["tx_type"]] += 1
    assert counts == {"MINT": 54, "BURN": 69}


# Theory


def test_the_amounts_of_a_range_are_those_of_the_formulas():
    # L = 1000 over [0.81, 1.21] at price 1, scaled by 10**12: x = L (1 - 1/1.1), y = L (1 - 0.9).
    liquidity, low, high = 1000 * 10**12, Q96 * 9 // 10, Q96 * 11 // 10
    assert amount0_between(Q96, high, liquidity, up=False) / 10**12 == pytest.approx(90.909091, abs=1e-6)
    assert amount1_between(low, Q96, liquidity, up=False) / 10**12 == pytest.approx(100, abs=1e-6)


def test_a_swap_from_1_to_1_1_costs_the_geometric_mean_of_the_prices():
    liquidity, to = 1000 * 10**12, isqrt(11 * Q96**2 // 10)
    pool = with_liquidity(Pool(Q96, 0, 0, 1), -2107, 1906, liquidity)
    found = swap(pool, False, 10**30, sqrt_price_limit=to)
    assert -found.amount0 / 10**12 == pytest.approx(46.537411, abs=1e-6)
    assert found.amount1 / 10**12 == pytest.approx(48.808848, abs=1e-6)
    assert -found.amount1 / found.amount0 == pytest.approx(1.0488088, abs=1e-7)
    assert found.pool.sqrt_price == to


@given(st.integers(MIN_INDEX, MAX_INDEX))
def test_a_price_index_is_a_power_of_1_0001(index):
    # At the far end of the scale the 128-bit products of the contract have only 64 bits that count.
    with localcontext(prec=80):
        exact = (Decimal("1.0001") ** index).sqrt() * Q96
        assert -exact * Decimal("1e-17") <= sqrt_price_at(index) - exact <= 1 + exact * Decimal("1e-17")


@given(st.integers(MIN_SQRT_PRICE, MAX_SQRT_PRICE - 1) | st.integers(MIN_INDEX, MAX_INDEX - 1).map(sqrt_price_at))
def test_index_at_is_the_highest_index_not_above(price):
    index = index_at(price)
    assert sqrt_price_at(index) <= price < sqrt_price_at(index + 1)


@given(st.integers(MIN_INDEX, MAX_INDEX - 1))
def test_prices_just_below_an_index_belong_to_the_one_before(index):
    price = sqrt_price_at(index + 1)
    assert (index_at(price - 1), sqrt_price_at(index) < price) == (index, True)


def test_the_powers_that_prices_are_multiplied_from_are_the_nearest_128_bit_numbers():
    with localcontext(prec=120):
        exact = [(Decimal("1.0001") ** -(2**bit)).sqrt() * 2**128 for bit in range(20)]
        assert [int(power.to_integral_value(ROUND_HALF_EVEN)) for power in exact] == list(_ROOT_POWERS)


def test_sqrt_price_of_rounds_down():
    assert sqrt_price_of(4) == 2 * Q96
    assert sqrt_price_of(2) ** 2 < 2 * Q96**2 < (sqrt_price_of(2) + 1) ** 2
