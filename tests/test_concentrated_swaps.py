"""Steps and swaps of concentrated liquidity: properties of their integers, and the table of indices."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from venues.concentrated_math import (
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
    first_price,
    index_at,
    last_price,
    price_after_input,
    price_after_output,
    sqrt_price_at,
    swap,
    swap_step,
    with_liquidity,
    without,
)

# Steps and swaps

prices = st.integers(MIN_INDEX, MAX_INDEX - 1).map(sqrt_price_at) | st.integers(Q96 // 2**20, Q96 * 2**20)
amounts = st.sampled_from([1, 2, 3, 10**6 - 1, 10**6, 2**53, 2**64, 2**128 - 1]) | st.integers(1, 10**24)
liquidities = st.sampled_from([1, 2, 2**53, 2**127]) | st.integers(1, 10**24)
fees = st.sampled_from([0, 1, 500, 3000, 10_000, 500_000, 999_999])


@given(prices, prices, liquidities, amounts, st.sampled_from([1, -1]), fees)
def test_a_step_rounds_every_amount_in_the_pools_favour(price, target, liquidity, amount, sign, fee_ppm):
    after, amount_in, amount_out, fee = swap_step(price, target, liquidity, sign * amount, fee_ppm)
    selling = price >= target
    assert min(price, target) <= after <= max(price, target)
    base = Fraction(liquidity * Q96, min(price, after)) - Fraction(liquidity * Q96, max(price, after))
    money = Fraction(liquidity * abs(price - after), Q96)
    exact_in, exact_out = (base, money) if selling else (money, base)
    assert 0 <= amount_in - exact_in < 1
    assert amount_out <= exact_out
    assert fee * (10**6) >= (amount_in + fee) * fee_ppm  # at least its share of what comes in
    if sign > 0:
        assert amount_in + fee <= amount
        assert after == target or amount_in + fee == amount
        assert exact_out - amount_out < 1
    else:
        assert amount_out <= amount
        assert after == target or amount_out == amount


@given(prices, liquidities, amounts, st.booleans())
def test_the_price_moves_against_the_trader_and_never_too_little(price, liquidity, amount, selling):
    after = price_after_input(price, liquidity, amount, zero_for_one=selling)
    if not selling:
        assert 0 <= Fraction(amount * Q96, liquidity) - (after - price) < 1
        return
    exact = Fraction(liquidity * Q96 * price, liquidity * Q96 + amount * price)
    assert exact <= after <= price
    if amount * price < 2**255 and liquidity * Q96 < 2**255:
        assert after - exact < 1


def test_where_256_bits_do_not_suffice_the_price_takes_the_coarser_fraction():
    price, liquidity, amount = MAX_SQRT_PRICE - 1, 2**127, 2**97
    assert amount * price >= 2**256
    # L / (L / sqrt_price + amount), each division rounded: not the nearest price, but the contract's.
    after = price_after_input(price, liquidity, amount, zero_for_one=True)
    assert after == -(-(2**223) // (2**223 // price + amount))
    assert after > -(-(2**223) * price // (2**223 + amount * price))


@given(prices, liquidities, amounts, st.booleans())
def test_output_beyond_the_liquidity_is_refused_and_else_moves_the_price_far_enough(price, liquidity, amount, selling):
    try:
        after = price_after_output(price, liquidity, amount, zero_for_one=selling)
    except SwapError:
        held = Fraction(liquidity * price, Q96) if selling else Fraction(liquidity * Q96, price)
        assert amount > held - 1
        return
    out = amount1_between if selling else amount0_between
    assert out(price, after, liquidity, up=False) >= amount
    assert (after < price) is selling


@st.composite
def pools(draw):
    spacing = draw(st.sampled_from([1, 10, 60, 200]))
    start = draw(st.integers(-3000, 3000))
    price = draw(st.sampled_from([sqrt_price_at(start), sqrt_price_at(start) + 1, sqrt_price_at(start + 1) - 1]))
    pool = Pool(price, index_at(price), draw(fees), spacing)
    for _ in range(draw(st.integers(1, 4))):
        lower = draw(st.integers(-4000 // spacing, 4000 // spacing)) * spacing
        upper = lower + draw(st.integers(1, 2000 // spacing)) * spacing
        pool = with_liquidity(pool, lower, upper, draw(st.sampled_from([1, 10**3, 10**9, 10**15])))
    return pool


def limited(pool: Pool, selling: bool, amount: int):
    limit = last_price(pool, selling)
    return None if limit is None else swap(pool, selling, amount, sqrt_price_limit=limit)


@given(pools(), st.booleans(), amounts)
def test_there_and_back_never_profits(pool, selling, amount):
    there = limited(pool, selling, amount)
    assume(there is not None)
    got = -(there.amount1 if selling else there.amount0)
    assume(got > 0)
    back = limited(there.pool, not selling, got)
    spent, returned = (there.amount0, -back.amount0) if selling else (there.amount1, -back.amount1)
    assert returned <= spent


@given(pools(), st.booleans(), amounts, st.integers(1, 99))
def test_splitting_a_swap_gains_nothing(pool, selling, amount, percent):
    first, whole = amount * percent // 100, limited(pool, selling, amount)
    assume(whole is not None and 0 < first < amount)
    one = limited(pool, selling, first)
    two = limited(one.pool, selling, amount - first)
    got = lambda found: 0 if found is None else -(found.amount1 if selling else found.amount0)  # noqa: E731
    paid = lambda found: 0 if found is None else found.amount0 if selling else found.amount1  # noqa: E731
    if paid(one) + paid(two) <= paid(whole):
        assert got(one) + got(two) <= got(whole)


@given(pools(), st.booleans(), amounts)
def test_asking_for_what_an_input_gave_costs_no_more_than_that_input(pool, selling, amount):
    given_in = limited(pool, selling, amount)
    assume(given_in is not None)
    got = -(given_in.amount1 if selling else given_in.amount0)
    assume(got > 0)
    asked = limited(pool, selling, -got)
    assert (-asked.amount1 if selling else -asked.amount0) == got
    more = (asked.amount0 if selling else asked.amount1) - (given_in.amount0 if selling else given_in.amount1)
    # Asking for the last whole unit of a range moves the price to its very end, as in the contract, and on top every
    # step rounds up; within one step there is no such loss.
    if asked.pool.sqrt_price != sqrt_price_at(asked.pool.price_index + selling):
        assert more <= len(asked.steps) - 1


@given(pools(), st.booleans(), amounts, st.sampled_from([1, -1]))
def test_a_swap_adds_up_and_keeps_price_index_and_liquidity_together(pool, selling, amount, sign):
    before = tuple(pool)
    found = limited(pool, selling, sign * amount)
    assume(found is not None)
    assert tuple(pool) == before
    after = found.pool
    assert sqrt_price_at(after.price_index) <= after.sqrt_price <= sqrt_price_at(after.price_index + 1)
    covered = zip(after.indices, after.net, strict=True)
    assert after.liquidity == sum(net for index, net in covered if index <= after.price_index)
    paid = sum(step.amount_in + step.fee for step in found.steps)
    assert paid == (found.amount0 if selling else found.amount1)
    assert sum(step.amount_out for step in found.steps) == -(found.amount1 if selling else found.amount0)
    crossed = [crossing.price_index for crossing in found.crossings]
    assert crossed == sorted(crossed, reverse=selling)


@given(liquidities, amounts, st.booleans(), fees)
def test_the_fees_that_liquidity_earns_are_those_paid_rounded_down(liquidity, amount, selling, fee_ppm):
    pool = with_liquidity(Pool(Q96, 0, fee_ppm, 200), -887_200, 887_200, liquidity)
    found = limited(pool, selling, amount)
    growth, other = (found.pool.growth0, found.pool.growth1)[:: 1 if selling else -1]
    paid = sum(step.fee for step in found.steps) << 128
    assert paid - liquidity * len(found.steps) < growth * liquidity <= paid
    assert other == 0


@given(pools(), st.booleans())
def test_liquidity_ends_where_no_price_is_first(pool, selling):
    # Everything out: nothing is left on that side, and everything on the other.
    end = last_price(pool, selling)
    if first_price(pool, selling) is None:
        assert end is None or swap(pool, selling, 2**200, sqrt_price_limit=end)[:2] == (0, 0)
        return
    found = swap(pool, selling, 2**200, sqrt_price_limit=end)
    assert found.pool.sqrt_price == end
    assert first_price(found.pool, selling) is None
    assert last_price(found.pool, selling) is None
    assert first_price(found.pool, not selling) is not None


def test_a_price_at_the_very_end_of_a_range_finds_liquidity_beyond_the_gap():
    pool = with_liquidity(with_liquidity(Pool(Q96, 0, 0, 60), 0, 600, 10**9), -600, -300, 10**9)
    assert first_price(pool, True) == sqrt_price_at(-300)
    assert first_price(pool, False) == Q96
    below = pool._replace(price_index=-1, liquidity=0)  # the same price, come from above
    assert (first_price(below, True), first_price(below, False)) == (sqrt_price_at(-300), Q96)


def test_above_its_range_liquidity_is_all_money_and_below_all_base():
    above, below = Pool(sqrt_price_at(61) - 1, 60, 0, 60), Pool(sqrt_price_at(-60) - 1, -61, 0, 60)
    money = amount1_between(sqrt_price_at(-60), sqrt_price_at(60), 10**9, up=True)
    base = amount0_between(sqrt_price_at(-60), sqrt_price_at(60), 10**9, up=True)
    assert amounts_of(above, -60, 60, 10**9, up=True) == (0, money)
    assert amounts_of(below, -60, 60, 10**9, up=True) == (base, 0)


@pytest.mark.parametrize("selling", [True, False])
def test_liquidity_up_to_the_end_of_all_prices_ends_one_short_of_it(selling):
    pool = with_liquidity(Pool(Q96, 0, 0, 1), MIN_INDEX, MAX_INDEX, 10**6)
    end = last_price(pool, selling)
    assert end == (MIN_SQRT_PRICE + 1 if selling else MAX_SQRT_PRICE - 1)
    assert last_price(swap(pool, selling, 2**200, sqrt_price_limit=end).pool, selling) is None


# The table of indices


def test_positions_that_touch_cancel_out_at_their_border():
    pool = Pool(Q96, 0, 3000, 60)
    both = with_liquidity(with_liquidity(pool, -60, 0, 7), 0, 60, 7)
    assert (both.indices, both.net, both.liquidity) == ((-60, 0, 60), (7, 0, -7), 7)
    assert without(both, 0).indices == (-60, 60)
    gone = with_liquidity(with_liquidity(both, -60, 0, -7), 0, 60, -7)
    assert (set(gone.net), gone.liquidity) == ({0}, 0)


def test_an_index_in_use_stays_in_the_table():
    pool = with_liquidity(Pool(Q96, 0, 3000, 60), -60, 60, 7)
    for index in (-60, 60, 0, 61):
        with pytest.raises(SwapError, match="index"):
            without(pool, index)


@pytest.mark.parametrize("index", [MIN_INDEX - 1, MAX_INDEX + 1])
def test_indices_beyond_the_scale_are_refused(index):
    with pytest.raises(SwapError, match="index"):
        sqrt_price_at(index)


@pytest.mark.parametrize("price", [0, -1, MIN_SQRT_PRICE - 1, MAX_SQRT_PRICE])
def test_prices_beyond_the_scale_are_refused(price):
    with pytest.raises(SwapError, match="sqrt_price"):
        index_at(price)


def test_a_swap_of_nothing_and_a_limit_on_the_wrong_side_are_refused():
    pool = with_liquidity(Pool(Q96, 0, 3000, 60), -60, 60, 10**9)
    with pytest.raises(SwapError, match="amount"):
        swap(pool, True, 0)
    for selling, limit in ((True, Q96), (True, Q96 + 1), (False, Q96), (False, Q96 - 1)):
        with pytest.raises(SwapError, match="limit"):
            swap(pool, selling, 1, sqrt_price_limit=limit)
    for selling, limit in ((True, MIN_SQRT_PRICE), (False, MAX_SQRT_PRICE)):
        with pytest.raises(SwapError, match="limit"):
            swap(pool, selling, 1, sqrt_price_limit=limit)


@settings(max_examples=20)
@given(st.sampled_from([1, 10, 60]), st.booleans())
def test_a_gap_without_liquidity_is_crossed_in_one_step(spacing, selling):
    ends = (-600_000, -599_940) if selling else (599_940, 600_000)
    pool = with_liquidity(Pool(Q96, 0, 3000, spacing), *ends, 10**18)
    found = swap(pool, selling, -1)
    assert len(found.steps) == 2
    assert found.steps[0] == (sqrt_price_at(ends[1] if selling else ends[0]), 0, 0, 0)
