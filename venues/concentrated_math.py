"""Arithmetic of concentrated liquidity (Uniswap v3): pure functions on unbounded integers.

Token 0 is the base and token 1 the money. Liquidity L is sqrt(x y) of the two amounts x and y, and a price is money for
one unit of base. Prices are carried as `sqrt_price`, the square root of the price times 2**96, rounded down.

A *price index* i stands for the price 1.0001**i; ranges of liquidity begin and end at indices. It is what Uniswap calls
a tick, a word that means something else here (the price grid of a market) and is not used for it.

Every amount is rounded in the pool's favour: what comes in up, what goes out down, and the price against the trader.
The roundings, the order in which they happen and the places where a swap is cut into steps are those of the contract,
so that results agree with it to the last unit.

Sources: Adams, Zinsmeister, Salem, Keefer, Robinson, "Uniswap v3 Core" (2021): section 6.2 for swaps within a range,
6.3 for the state of an index, 6.4 for positions.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from math import isqrt, log
from typing import NamedTuple

from marketsim.errors import MarketsimError
from venues.pool import PPM

Q96 = 1 << 96
Q128 = 1 << 128

MAX_INDEX = 887_272
"""The highest price index; its mirror image `MIN_INDEX` is the lowest."""
MIN_INDEX = -MAX_INDEX

_WORD = 1 << 256  # numbers of the contract end here
_STRETCH = 256  # the contract looks for the next index with liquidity among 256 candidates at a time


class SwapError(MarketsimError, ValueError):
    """Arguments that the contract reverts on."""


class SwapStep(NamedTuple):
    """A part of a swap within one range of constant liquidity; amounts and fee are those of the tokens that move."""

    sqrt_price: int
    amount_in: int
    amount_out: int
    fee: int


class Pool(NamedTuple):
    """What a swap needs to know of a pool, immutable.

    `indices` are the price indices at which a position begins or ends, ascending, and `net` what is added to the
    liquidity when the price rises across each. `price_index` is the one below or at `sqrt_price`. `growth0` and
    `growth1` are the fees ever earned by one unit of liquidity, times 2**128. Range ends are multiples of `spacing`.
    """

    sqrt_price: int
    price_index: int
    fee_ppm: int
    spacing: int
    liquidity: int = 0
    indices: tuple[int, ...] = ()
    net: tuple[int, ...] = ()
    growth0: int = 0
    growth1: int = 0


class Crossing(NamedTuple):
    """An index that a swap crossed, and the pool's fee growth at that moment."""

    price_index: int
    growth0: int
    growth1: int


class Swap(NamedTuple):
    """The outcome of a swap: amounts from the pool's point of view (positive: paid in), and the pool as it is then."""

    amount0: int
    amount1: int
    pool: Pool
    steps: tuple[SwapStep, ...]
    crossings: tuple[Crossing, ...]


def _root_powers() -> tuple[int, ...]:
    # 1.0001**-(2**k / 2) times 2**128 to the nearest integer, squared on from 512 bits so that no error reaches those.
    extra = 384
    power = isqrt((10_000 << 1024) // 10_001)
    powers: list[int] = []
    for _ in range(MAX_INDEX.bit_length()):
        powers.append((power + (1 << (extra - 1))) >> extra)
        power = power * power >> 512
    return tuple(powers)


_ROOT_POWERS = _root_powers()


@lru_cache(maxsize=8192)
def sqrt_price_at(index: int) -> int:
    """sqrt(1.0001**index) times 2**96, rounded up from 128 bits as the contract rounds it.

    Raises:
        SwapError: `index` is outside `MIN_INDEX` to `MAX_INDEX`.

    >>> sqrt_price_at(0) == 2**96
    True
    """
    if not MIN_INDEX <= index <= MAX_INDEX:
        raise SwapError(f"index: got {index}, wanted {MIN_INDEX} to {MAX_INDEX}")
    ratio = Q128
    for bit, power in enumerate(_ROOT_POWERS):
        if abs(index) >> bit & 1:
            ratio = ratio * power >> 128
    if index > 0:
        ratio = (_WORD - 1) // ratio
    return -(-ratio >> 32)


MIN_SQRT_PRICE = sqrt_price_at(MIN_INDEX)
"""The lowest valid `sqrt_price`."""
MAX_SQRT_PRICE = sqrt_price_at(MAX_INDEX)
"""The first `sqrt_price` that is too high."""


def index_at(sqrt_price: int) -> int:
    """The highest price index whose `sqrt_price_at` is not above `sqrt_price`.

    Raises:
        SwapError: `sqrt_price` is below `MIN_SQRT_PRICE`, or not below `MAX_SQRT_PRICE`.

    >>> index_at(2**96 - 1), index_at(2**96)
    (-1, 0)
    """
    if not MIN_SQRT_PRICE <= sqrt_price < MAX_SQRT_PRICE:
        raise SwapError(f"sqrt_price: got {sqrt_price}, wanted {MIN_SQRT_PRICE} to {MAX_SQRT_PRICE - 1}")
    # A logarithm in floating point lands on the index or beside it; the integers decide.
    index = max(MIN_INDEX, min(MAX_INDEX - 1, int(2 * log(sqrt_price / Q96) / log(1.0001))))
    while sqrt_price_at(index) > sqrt_price:
        index -= 1
    while sqrt_price_at(index + 1) <= sqrt_price:
        index += 1
    return index


def sqrt_price_of(price: int) -> int:
    """The `sqrt_price` of a price in whole units of money for one unit of base, rounded down."""
    return isqrt(price << 192)


def amount0_between(sqrt_a: int, sqrt_b: int, liquidity: int, *, up: bool) -> int:
    """Base that `liquidity` holds between two prices: L (1/sqrt_low - 1/sqrt_high), rounded up or down."""
    low, high = (sqrt_a, sqrt_b) if sqrt_a < sqrt_b else (sqrt_b, sqrt_a)
    numerator, denominator = (liquidity << 96) * (high - low), low * high
    return -(-numerator // denominator) if up else numerator // denominator


def amount1_between(sqrt_a: int, sqrt_b: int, liquidity: int, *, up: bool) -> int:
    """Money that `liquidity` holds between two prices: L (sqrt_high - sqrt_low), rounded up or down."""
    product = liquidity * abs(sqrt_b - sqrt_a)
    return -(-product >> 96) if up else product >> 96


def price_after_input(sqrt_price: int, liquidity: int, amount: int, *, zero_for_one: bool) -> int:
    """The `sqrt_price` after `amount` (net of fees) came in, rounded so that the trader never gains."""
    if not zero_for_one:
        return sqrt_price + (amount << 96) // liquidity
    numerator, product = liquidity << 96, amount * sqrt_price
    if product < _WORD and numerator + product < _WORD:
        return -(-numerator * sqrt_price // (numerator + product))
    # Where that fraction needs more than 256 bits, the contract takes a coarser one.
    return -(-numerator // (numerator // sqrt_price + amount))


def price_after_output(sqrt_price: int, liquidity: int, amount: int, *, zero_for_one: bool) -> int:
    """The `sqrt_price` after `amount` went out, rounded so that the trader never gains.

    Raises:
        SwapError: the liquidity does not hold `amount`.
    """
    numerator, product = liquidity << 96, amount * sqrt_price
    after = sqrt_price - -(-(amount << 96) // liquidity) if zero_for_one else numerator - product
    if after <= 0:
        raise SwapError(f"amount: got {amount}, more than liquidity {liquidity} holds")
    return after if zero_for_one else -(-numerator * sqrt_price // after)


def swap_step(sqrt_price: int, target: int, liquidity: int, remaining: int, fee_ppm: int) -> SwapStep:
    """Swap towards the `sqrt_price` `target` within a range of constant liquidity.

    Args:
        remaining: what may still come in, fee included (positive), or is still to go out (negative).
        fee_ppm: millionths of what comes in that stay in the pool as a fee.
    """
    zero_for_one = sqrt_price >= target
    into, out_of = (amount0_between, amount1_between) if zero_for_one else (amount1_between, amount0_between)
    after = target
    if remaining >= 0:
        net = remaining * (PPM - fee_ppm) // PPM
        if net < into(sqrt_price, target, liquidity, up=True):
            after = price_after_input(sqrt_price, liquidity, net, zero_for_one=zero_for_one)
    elif -remaining < out_of(sqrt_price, target, liquidity, up=False):
        after = price_after_output(sqrt_price, liquidity, -remaining, zero_for_one=zero_for_one)
    amount_in = into(sqrt_price, after, liquidity, up=True)
    amount_out = out_of(sqrt_price, after, liquidity, up=False)
    if remaining < 0:
        amount_out = min(amount_out, -remaining)
    if remaining >= 0 and after != target:
        return SwapStep(after, amount_in, amount_out, remaining - amount_in)
    return SwapStep(after, amount_in, amount_out, -(-amount_in * fee_ppm // (PPM - fee_ppm)))


def swap(pool: Pool, zero_for_one: bool, amount: int, *, sqrt_price_limit: int | None = None) -> Swap:
    """Swap until `amount` is used up or the price reaches the limit. `pool` stays as it is.

    Args:
        zero_for_one: True to give base and take money, which lowers the price.
        amount: what comes in, fee included (positive), or what is to go out (negative).
        sqrt_price_limit: where to stop; None for the end of all prices.

    Raises:
        SwapError: no amount, or a limit that the price cannot reach.

    >>> pool = Pool(2**96, 0, 0, 60, 10**6, (-600, 600), (10**6, -(10**6)))
    >>> swap(pool, True, 1000)[:2]
    (1000, -999)
    """
    limit = sqrt_price_limit
    if limit is None:
        limit = MIN_SQRT_PRICE + 1 if zero_for_one else MAX_SQRT_PRICE - 1
    lowest, highest = (MIN_SQRT_PRICE, pool.sqrt_price) if zero_for_one else (pool.sqrt_price, MAX_SQRT_PRICE)
    if not lowest < limit < highest:
        raise SwapError(f"sqrt_price_limit: got {limit}, wanted it strictly between {lowest} and {highest}")
    if amount == 0:
        raise SwapError("amount: got 0, wanted something to swap")
    steps: list[SwapStep] = []
    crossings: list[Crossing] = []
    remaining = amount
    while remaining and pool.sqrt_price != limit:
        following, place = _following(pool, zero_for_one)
        edge = sqrt_price_at(following)
        target = max(edge, limit) if zero_for_one else min(edge, limit)
        step = swap_step(pool.sqrt_price, target, pool.liquidity, remaining, pool.fee_ppm)
        steps.append(step)
        remaining += step.amount_out if amount < 0 else -step.amount_in - step.fee
        pool = _moved(pool, step, following, edge, zero_for_one)
        if step.sqrt_price == edge and place is not None:
            crossings.append(Crossing(following, pool.growth0, pool.growth1))
            net = pool.net[place]
            pool = pool._replace(liquidity=pool.liquidity + (-net if zero_for_one else net))
    paid = sum(step.amount_in + step.fee for step in steps)
    got = -sum(step.amount_out for step in steps)
    amount0, amount1 = (paid, got) if zero_for_one else (got, paid)
    return Swap(amount0, amount1, pool, tuple(steps), tuple(crossings))


def _following(pool: Pool, zero_for_one: bool) -> tuple[int, int | None]:
    # Where the next step ends at the latest, and the place in `indices` of what is crossed there. The contract ends a
    # step after each stretch of 256 candidates, which rounds once more; without liquidity there is nothing to round.
    index, spacing, indices = pool.price_index, pool.spacing, pool.indices
    if zero_for_one:
        place = bisect_right(indices, index) - 1
        end = index // spacing // _STRETCH * _STRETCH * spacing if pool.liquidity else MIN_INDEX
        end = max(end, MIN_INDEX)
        found = place >= 0 and indices[place] >= end
    else:
        place = bisect_right(indices, index)
        end = ((index // spacing + 1) // _STRETCH * _STRETCH + _STRETCH - 1) * spacing if pool.liquidity else MAX_INDEX
        end = min(end, MAX_INDEX)
        found = place < len(indices) and indices[place] <= end
    return (indices[place], place) if found else (end, None)


def _moved(pool: Pool, step: SwapStep, following: int, edge: int, zero_for_one: bool) -> Pool:
    growth0, growth1, index = pool.growth0, pool.growth1, pool.price_index
    if pool.liquidity:
        earned = step.fee * Q128 // pool.liquidity
        growth0, growth1 = (growth0 + earned, growth1) if zero_for_one else (growth0, growth1 + earned)
    if step.sqrt_price == edge:
        index = following - 1 if zero_for_one else following
    elif step.sqrt_price != pool.sqrt_price:
        index = index_at(step.sqrt_price)
    return pool._replace(sqrt_price=step.sqrt_price, price_index=index, growth0=growth0, growth1=growth1)


def first_price(pool: Pool, zero_for_one: bool) -> int | None:
    """The `sqrt_price` at which the first liquidity in that direction trades; None where there is none."""
    price, liquidity = pool.sqrt_price, pool.liquidity
    start = bisect_right(pool.indices, pool.price_index)
    for place in range(start - 1, -1, -1) if zero_for_one else range(start, len(pool.indices)):
        edge = sqrt_price_at(pool.indices[place])
        if liquidity and edge != price:
            return price
        price, liquidity = edge, liquidity + (-pool.net[place] if zero_for_one else pool.net[place])
    return None


def last_price(pool: Pool, zero_for_one: bool) -> int | None:
    """The `sqrt_price` at which liquidity ends in that direction, held within valid limits; None where it has."""
    if not pool.indices:
        return None
    end = sqrt_price_at(pool.indices[0 if zero_for_one else -1])
    if zero_for_one:
        end = max(end, MIN_SQRT_PRICE + 1)
        return end if end < pool.sqrt_price else None
    end = min(end, MAX_SQRT_PRICE - 1)
    return end if end > pool.sqrt_price else None


def amounts_of(pool: Pool, lower: int, upper: int, liquidity: int, *, up: bool) -> tuple[int, int]:
    """(base, money) that `liquidity` over the indices [lower, upper) holds at the pool's price, rounded up or down."""
    low, high = sqrt_price_at(lower), sqrt_price_at(upper)
    if pool.price_index < lower:
        return amount0_between(low, high, liquidity, up=up), 0
    if pool.price_index >= upper:
        return 0, amount1_between(low, high, liquidity, up=up)
    return (
        amount0_between(pool.sqrt_price, high, liquidity, up=up),
        amount1_between(low, pool.sqrt_price, liquidity, up=up),
    )


def with_liquidity(pool: Pool, lower: int, upper: int, liquidity: int) -> Pool:
    """The pool with `liquidity` more (or less, below zero) over the indices [lower, upper).

    An index stays in the table while its net is zero: whoever keeps count of positions takes it out with `without`.
    """
    for index, change in ((lower, liquidity), (upper, -liquidity)):
        place = bisect_left(pool.indices, index)
        indices, net = pool.indices, pool.net
        if place < len(indices) and indices[place] == index:
            net = (*net[:place], net[place] + change, *net[place + 1 :])
        else:
            indices, net = (*indices[:place], index, *indices[place:]), (*net[:place], change, *net[place:])
        pool = pool._replace(indices=indices, net=net)
    return pool._replace(liquidity=pool.liquidity + liquidity) if lower <= pool.price_index < upper else pool


def without(pool: Pool, index: int) -> Pool:
    """The pool without `index` in its table; nothing may begin or end there any more."""
    place = bisect_left(pool.indices, index)
    if place == len(pool.indices) or pool.indices[place] != index or pool.net[place]:
        raise SwapError(f"index: got {index}, which is not in the table or still in use")
    indices, net = pool.indices, pool.net
    return pool._replace(indices=(*indices[:place], *indices[place + 1 :]), net=(*net[:place], *net[place + 1 :]))


def max_liquidity(spacing: int) -> int:
    """The most liquidity that may begin or end at one index, so that all together stay below 2**128."""
    places = MAX_INDEX // spacing
    return (Q128 - 1) // (2 * places + 1)
