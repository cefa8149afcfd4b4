"""Edges of the concentrated pool: the most that fits, where steps and ranges end, coarse rounding of the contract."""

from __future__ import annotations

from fractions import Fraction
from itertools import count
from math import ceil

import pytest

from marketsim.errors import ConfigError, ConservationError
from marketsim.types import Fill, Reason
from tests.concentrated_orders import BUY, SELL, M, burn, make, mint, order
from venues.concentrated_math import (
    MAX_INDEX,
    MAX_SQRT_PRICE,
    MIN_SQRT_PRICE,
    Q96,
    Pool,
    SwapError,
    amount0_between,
    amount1_between,
    amounts_of,
    first_price,
    index_at,
    max_liquidity,
    price_after_input,
    price_after_output,
    sqrt_price_at,
    swap,
    swap_step,
    with_liquidity,
)

MOST = 2**53


@pytest.mark.parametrize("spacing", [1, 60, 6900, 16383])
def test_the_most_liquidity_fits_at_all_indices_at_once_and_one_more_does_not(spacing):
    # With a spacing of 6900 there are 257 indices, which divide 2**128 - 1.
    indices = 2 * len(range(spacing, MAX_INDEX + 1, spacing)) + 1
    most = max_liquidity(spacing)
    assert most * indices < 2**128 <= (most + 1) * indices


def test_as_much_liquidity_as_fits_at_one_index_may_begin_there_and_no_more():
    most = max_liquidity(60)
    assert make((-60, 60, most), spacing=60).snapshot(M).liquidity == most
    with pytest.raises(ConfigError, match=f"liquidity: got {most + 1}"):
        make((-60, 60, most + 1), spacing=60)
    pool = make((-60, 60, most - 5), spacing=60)
    assert pool.submit(mint(6, -60, 0), 0)[0].reason is Reason.QUANTITY
    assert {type(report) for report in pool.submit(mint(5, -60, 0), 0)} == {Fill}


def test_a_mint_may_ask_for_2_to_the_53_lots_and_for_no_fraction_of_a_lot_more():
    asked = []
    for upper in range(4):
        low, high = sqrt_price_at(-14_000), sqrt_price_at(upper)
        lots = Fraction((high - low) << 96, low * high)  # for a unit of liquidity
        fits = int(MOST / lots)
        pool = make(sqrt_price=sqrt_price_at(-20_000))
        (refusal,) = pool.submit(mint(fits + 1, -14_000, upper), 0)
        assert refusal.reason is Reason.QUANTITY
        asked.append(pool.submit(mint(fits, -14_000, upper), 0)[0].quantity)
        assert asked[-1] == ceil(fits * lots)
    assert max(asked) == MOST


@pytest.mark.parametrize(("side", "end", "index"), [(BUY, 60, 60), (SELL, -60, -61)])
def test_a_trade_ends_where_liquidity_does_and_all_fees_go_to_its_only_owner(side, end, index):
    """Adams et al., Uniswap v3 Core (2021), section 6.3: a range is left at its upper end, and below its lower one."""
    pool = make(fee_ppm=500_000, spacing=60)
    pool.submit(mint(10**15, -60, 60), 0)
    pool.submit(order(side, MOST), 1)
    assert pool.snapshot(M)[:2] == (sqrt_price_at(end), index)
    pool.submit(burn(10**15, -60, 60), 2)
    assert max(pool.reserves(M)) <= 4


@pytest.mark.parametrize("owed", [(0, 10**12), (10**12, 0)])
def test_a_pool_that_owes_more_than_it_has_of_either_is_a_bug(owed, monkeypatch):
    pool = make()
    pool.submit(mint(10**9, -60, 60), 0)
    monkeypatch.setattr("venues.concentrated_math.amounts_of", lambda *_, **__: owed)
    with pytest.raises(ConservationError, match="owes more than it has"):
        pool.submit(burn(10**9, -60, 60), 1)


@pytest.mark.parametrize(("zero_for_one", "end"), [(True, MIN_SQRT_PRICE + 1), (False, MAX_SQRT_PRICE - 1)])
def test_a_swap_without_limit_or_liquidity_stops_one_inside_the_end_of_all_prices(zero_for_one, end):
    pool = Pool(Q96, 0, 0, 60)
    assert swap(pool, zero_for_one, 5)[:3] == (0, 0, pool._replace(sqrt_price=end, price_index=index_at(end)))


@pytest.mark.parametrize("spacing", [1, 60])
def test_a_step_ends_with_the_256_candidates_that_the_contract_looks_through_at_a_time(spacing):
    """Uniswap v3's `TickBitmap`: words of 256 candidates, from its own downwards, from the next one upwards."""
    for place in (-513, -512, -257, -256, -255, -2, -1, 0, 1, 254, 255, 256):
        index = place * spacing
        pool = Pool(sqrt_price_at(index), index, 0, spacing)
        pool = with_liquidity(pool, -2000 * spacing, 2000 * spacing, 10**18)
        down = next(found for found in count(place, -1) if found % 256 == 0)
        up = next(found for found in count(place + 1) if found % 256 == 255)
        assert swap(pool, True, 10**24).steps[0].sqrt_price == sqrt_price_at(down * spacing)
        assert swap(pool, False, 10**24).steps[0].sqrt_price == sqrt_price_at(up * spacing)


@pytest.mark.parametrize("index", [-60, -7, 7, 60])
def test_a_step_that_just_holds_what_is_to_go_out_reaches_its_target(index):
    target, between = sqrt_price_at(index), amount1_between if index < 0 else amount0_between
    held = between(Q96, target, 10**9, up=False)
    assert swap_step(Q96, target, 10**9, -held, 3000).sqrt_price == target
    before = swap_step(Q96, target, 10**9, 1 - held, 3000).sqrt_price
    assert min(Q96, target) < before < max(Q96, target)


@pytest.mark.parametrize("index", [-1, 1])
def test_a_step_with_nothing_to_swap_stays_where_it_is(index):
    assert swap_step(Q96, sqrt_price_at(index), 1, 0, 3000) == (Q96, 0, 0, 0)


def test_an_input_that_needs_more_than_256_bits_is_rounded_coarsely_to_the_traders_loss():
    """Uniswap v3's `SqrtPriceMath`: the exact fraction only where its denominator is below 2**256."""
    price, liquidity = 3 << 158, 1 << 126
    numerator = liquidity << 96
    first = (2**256 - numerator) // price
    assert numerator + first * price == 2**256
    for amount in (first - 1, first, first + 1, 2**98):
        exact = ceil(Fraction(numerator * price, numerator + amount * price))
        beyond = price_after_input(price, liquidity, amount, zero_for_one=True) - exact
        assert beyond == 0 if amount < first else 0 < beyond < exact >> 60


def test_an_output_may_leave_the_least_price_but_not_none():
    assert price_after_output(Q96, Q96, Q96 - 1, zero_for_one=True) == 1
    with pytest.raises(SwapError, match="amount: got"):
        price_after_output(Q96, Q96, Q96, zero_for_one=True)


def test_a_range_holds_money_as_soon_as_the_price_is_above_its_lower_end():
    price, liquidity = sqrt_price_at(1) - 1, 10**9
    money = Fraction((price - Q96) * liquidity, Q96)
    assert money > 10_000
    assert amounts_of(Pool(price, 0, 0, 1), 0, 60, liquidity, up=False) == (
        amount0_between(price, sqrt_price_at(60), liquidity, up=False),
        int(money),
    )


def test_above_a_range_that_ends_at_the_price_the_first_price_is_where_the_next_one_begins():
    pool = with_liquidity(with_liquidity(Pool(Q96, -1, 0, 60), -60, 0, 5), 60, 120, 5)
    assert pool.liquidity == 5
    assert first_price(pool, zero_for_one=True) == Q96
    assert first_price(pool, zero_for_one=False) == sqrt_price_at(60)
