"""Rounding and round trips at every pool, over very many integers that prefer the edges of what is allowed.

A case draws a pool and a trade and holds them to exact integers: what comes in is rounded up and what goes out down, by
less than a unit, and nobody gains by going there and back. The tests by hypothesis hold fewer cases to the same rules
and shrink what they find; here a failure is run again by its name alone, and shows the integers.
"""

from __future__ import annotations

from bisect import bisect_right
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from random import Random

import pytest

from marketsim.types import Burn, Fill, Mint, Rejected, Side, limit_order, market_order
from venues.batch_pool import BatchPool
from venues.concentrated_math import Q96, Pool, index_at, last_price, sqrt_price_at, swap, swap_step, with_liquidity
from venues.constant_product import ConstantProduct, swap_exact_in, swap_exact_out
from venues.hybrid import Hybrid
from venues.layers import PoolDepth
from venues.lmsr import LMSR

BUY, SELL = Side.BUY, Side.SELL
PPM, MOST = 10**6, 2**53
FEES = (0, 0, 1, 500, 3000, 10_000, 500_000, PPM - 1)
_ROUND = [10**power for power in range(16)] + [2**power for power in range(54)]
EDGES = sorted({near for whole in _ROUND for near in (whole - 1, whole, whole + 1) if 1 <= near <= MOST})


def amount(rng, most=MOST):
    """From 1 to `most`: beside a power or beside `most` in half the cases, else of any number of digits."""
    kind = rng.random()
    if kind < 0.4:
        return EDGES[rng.randrange(bisect_right(EDGES, most))]
    if kind < 0.5:
        return max(1, most - rng.randrange(4))
    return rng.randint(1, min(most, 1 << rng.randint(0, most.bit_length())))


def traded(venue, side, quantity, owner="eve", market="A"):
    order = market_order(market, side, quantity=quantity)._replace(order_id=7, owner=owner, venue="pool")
    return venue.submit(order, 0)


def balance(reports, owner="eve"):
    """(money, lots) that the reports leave an owner with."""
    legs = [leg for leg in reports if type(leg) is Fill and leg.owner == owner]
    lots = sum(leg.side * leg.quantity for leg in legs if leg.market == "A")
    return -sum(leg.side * leg.money for leg in legs), lots


def there_and_back(venue, side, quantity):
    """Trade, trade back what was filled, and judge; whether anything was filled at all."""
    out = traded(venue, side, quantity)
    _, lots = balance(out)
    if not lots:
        return False
    money, left = balance(out + traded(venue, side.opposite, abs(lots)))
    assert left or money <= 0, money
    return True


# One case each. They return whether there was something to judge.


def constant_product_amounts(rng):
    x, y, dx, fee = amount(rng), amount(rng), amount(rng), rng.choice(FEES)
    dy, kept = swap_exact_in(x, y, dx, fee_ppm=fee), dx * (PPM - fee)
    assert (x * PPM + kept) * (y - dy) >= x * y * PPM > (x * PPM + kept) * (y - dy - 1)
    if y == 1:
        return False
    wanted = amount(rng, y - 1)
    asked = swap_exact_out(x, y, wanted, fee_ppm=fee)
    assert swap_exact_in(x, y, asked, fee_ppm=fee) >= wanted
    assert asked == 1 or swap_exact_in(x, y, asked - 1, fee_ppm=fee) < wanted
    return True


def constant_product_round_trip(rng):
    pool = ConstantProduct(("A",), base=amount(rng), quote=amount(rng), fee_ppm=rng.choice(FEES))
    x, y = pool.reserves("A")
    judged = there_and_back(pool, rng.choice((BUY, SELL)), amount(rng))
    base, quote = pool.reserves("A")
    assert base * quote >= x * y
    return judged


def constant_product_shares(rng):
    pool = ConstantProduct(("A",), base=amount(rng), quote=amount(rng), fee_ppm=rng.choice(FEES))
    x, y, shares = *pool.reserves("A"), pool.shares("A")
    liquidity = amount(rng)
    reports = pool.submit(Mint("A", liquidity, order_id=1, owner="eve", venue="pool"), 0)
    if type(reports[0]) is Rejected:
        return False
    base, quote = pool.reserves("A")
    # Each asset in proportion to the shares, rounded up.
    for before, after in ((x, base), (y, quote)):
        assert 0 <= (after - before) * shares - before * liquidity < shares
    reports += pool.submit(Burn("A", liquidity, order_id=1, owner="eve", venue="pool"), 0)
    money, lots = balance(reports)
    assert money <= 0
    assert lots <= 0
    return True


def any_price(rng):
    if rng.random() < 0.5:
        return sqrt_price_at(rng.randint(-887_272, 887_271))
    return max(Q96 >> 20, min(Q96 << 20, Q96 * amount(rng, 2**20) // amount(rng, 2**20) + rng.randint(-1, 1)))


def concentrated_step(rng):
    price, target, liquidity = any_price(rng), any_price(rng), amount(rng, 2**127)
    given, sign, fee = amount(rng, 2**128 - 1), rng.choice((1, -1)), rng.choice(FEES)
    after, amount_in, amount_out, paid = swap_step(price, target, liquidity, sign * given, fee)
    low, high = min(price, after), max(price, after)
    assert min(price, target) <= low <= high <= max(price, target)
    base, money = (liquidity * Q96 * (high - low), low * high), (liquidity * (high - low), Q96)
    (into, per_in), (out_of, per_out) = (base, money) if price >= target else (money, base)
    assert 0 <= amount_in * per_in - into < per_in
    assert amount_out * per_out <= out_of
    assert paid * PPM >= (amount_in + paid) * fee
    if sign > 0:
        assert out_of - amount_out * per_out < per_out
        assert amount_in + paid == given or (after == target and amount_in + paid < given)
    else:
        assert amount_out == given or (after == target and amount_out < given)
    return price != after


def concentrated_pool(rng):
    spacing, start = rng.choice((1, 10, 60, 200)), rng.randint(-3000, 3000)
    price = rng.choice((sqrt_price_at(start), sqrt_price_at(start) + 1, sqrt_price_at(start + 1) - 1))
    pool = Pool(price, index_at(price), rng.choice(FEES), spacing)
    for _ in range(rng.randint(1, 3)):
        lower = rng.randint(-4000 // spacing, 4000 // spacing) * spacing
        upper = lower + rng.randint(1, 2000 // spacing) * spacing
        pool = with_liquidity(pool, lower, upper, amount(rng, 10**15))
    return pool


def concentrated_round_trip(rng):
    pool, selling, given = concentrated_pool(rng), rng.random() < 0.5, amount(rng)
    if (end := last_price(pool, selling)) is None:
        return False
    there = swap(pool, selling, given, sqrt_price_limit=end)
    spent, got = (there.amount0, -there.amount1) if selling else (there.amount1, -there.amount0)
    if not got:
        return False
    back = swap(there.pool, not selling, got, sqrt_price_limit=last_price(there.pool, not selling))
    assert -(back.amount0 if selling else back.amount1) <= spent
    return True


EXACT = Context(prec=100, Emax=MAX_EMAX, Emin=MIN_EMIN)


def exact_price(opening, side, quantity, b, unit):
    """Of a trade in the first outcome, by the definition of the rule to a hundred digits."""
    with localcontext(EXACT):
        first, *others = (Decimal(sold) / b for sold in (opening[0] + side * quantity, *opening))
        resting = sum(sold.exp() for sold in others[1:])
        return unit * b * ((first.exp() + resting) / (others[0].exp() + resting)).ln()


def scoring_rule(rng):
    b, unit, quantity, side = amount(rng), amount(rng), amount(rng), rng.choice((BUY, SELL))
    opening = tuple(rng.choice((-1, 1)) * amount(rng, 8 * min(b, 2**49)) for _ in range(rng.randint(2, 4)))
    maker = LMSR(("A", "B", "C", "D")[: len(opening)], b, unit, opening=opening)
    reports = traded(maker, side, quantity)
    if type(reports[0]) is Rejected:
        return False
    with localcontext(EXACT):
        favour = reports[0].money * side - exact_price(opening, side, quantity, b, unit)
    # A unit where 50 digits cannot tell the price from a whole number, and as much as the hundred digits err.
    assert -Decimal("1e-50") <= favour <= 1 + Decimal("1e-12"), favour
    money, left = balance(reports + traded(maker, side.opposite, quantity))
    assert left or money <= 0, money
    return True


def hybrid_depth(rng):
    x, y, fee, step, side = (
        amount(rng),
        amount(rng),
        rng.choice(FEES),
        rng.choice((1, 1, 2, 10)),
        rng.choice((BUY, SELL)),
    )
    price = max(1, y // x + rng.randint(-2, 2)) if rng.random() < 0.7 else amount(rng)
    depth, kept = PoolDepth(x, y, fee, 1, step), PPM - fee
    lots = depth.lots(side, price)
    assert lots % step == 0
    assert side * depth.money(side, lots) <= side * price * lots
    # The next step of lots has a price of its own that is beyond the limit.
    if side is SELL:
        end = x * PPM + kept * lots
        assert y * kept * x * PPM < price * end * (end + kept * step)
    elif lots + step < x:
        assert y * x * PPM > price * kept * (x - lots) * (x - lots - step)
    return lots > 0


def hybrid_round_trip(rng):
    base, quote = amount(rng, 10**9), amount(rng, 10**12)
    venue = Hybrid(("A",), base=base, quote=quote, pool_fee_ppm=rng.choice(FEES))
    for order_id, side in ((1, BUY), (2, SELL)):
        price = max(1, quote // base - side * rng.randint(0, 5))
        order = limit_order("A", side, quantity=amount(rng, 10**9), price=price, post_only=True)
        venue.submit(order._replace(order_id=order_id, owner="ann", venue="pool"), 0)
    return there_and_back(venue, rng.choice((BUY, SELL)), amount(rng, 10**9))


def batch_pool(rng):
    x, y, step, side = amount(rng), amount(rng), rng.choice((1, 1, 2, 10)), rng.choice((BUY, SELL))
    price = max(1, y // x + rng.randint(-2, 2)) if rng.random() < 0.5 else amount(rng)
    pool = BatchPool(x, y, 1, step)
    lots = pool.lots(side, price)
    if not lots:
        return False
    assert 0 <= side * (y - price * x) - 2 * price * lots < 2 * price * step
    after = BatchPool(x + side * lots, y - side * price * lots, 1, step)
    assert after.base * after.quote >= x * y
    # At the price at which it traded, or a better one for whoever traded with it, it takes nothing back.
    assert after.lots(side.opposite, price) == after.lots(side.opposite, max(1, price - side)) == 0
    return True


CASES = [
    constant_product_amounts,
    constant_product_round_trip,
    constant_product_shares,
    concentrated_step,
    concentrated_round_trip,
    scoring_rule,
    hybrid_depth,
    hybrid_round_trip,
    batch_pool,
]


def judge(case, cases, seed):
    rng, judged, drawn = Random(f"{case.__name__}/{seed}"), 0, 0
    while judged < cases:
        judged += case(rng)
        drawn += 1
        assert drawn <= 4 * cases, "most cases have nothing to judge"


@pytest.mark.parametrize("case", CASES)
def test_ten_thousand_cases(case):
    judge(case, 10_000, 1)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("case", CASES)
def test_a_million_cases(case, part):
    judge(case, 250_000, 2 + part)
