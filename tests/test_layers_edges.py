"""Edges of what stands behind a book: lots within a price against every step tried in turn, and numbers at bounds."""

from __future__ import annotations

from itertools import product

import pytest

from marketsim.gateway import QUANTITY_MAX
from tests.hybrid_orders import BUY, SELL
from venues.layers import Facing, LadderDepth, PoolDepth, Share, share
from venues.pool import PPM


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("fee_ppm", [0, 250_000])
def test_a_small_pool_trades_within_a_price_what_one_step_after_the_other_says(fee_ppm, step):
    kept = PPM - fee_ppm
    for base, quote, price in product(range(3, 8), (5, 9, 15, 23), range(1, 13)):
        pool, product_of_reserves = PoolDepth(base, quote, fee_ppm, 1, step), quote * base * PPM

        # The step that ends at so many lots costs (pays) `price` or less where these reach the product of the reserves.
        def bought(lots, base=base, price=price):
            return price * kept * (base - lots) * (base - lots + step)

        def sold(lots, base=base, price=price):
            return price * (base * PPM + kept * lots) * (base * PPM + kept * (lots - step))

        ends = range(step, base, step)
        within = [lots for lots in ends if product_of_reserves <= bought(lots)]
        assert pool.lots(BUY, price) == max(within, default=0)
        # Money is whole: a pool that would bid the very price that was not to be met has traded too much.
        below = [
            lots for lots in within if product_of_reserves < bought(lots) and not pool.after(BUY, lots).pays(price)
        ]
        assert pool.lots(BUY, price, inside=True) == max(below, default=0)
        above = at_least = 0
        while product_of_reserves * kept > sold(above + step):
            above += step
        assert pool.lots(SELL, price, inside=True) == above
        # And one that still bids it has traded too little.
        while product_of_reserves * kept >= sold(at_least + step) or pool.after(SELL, at_least).pays(price):
            at_least += step
        assert pool.lots(SELL, price) == at_least


def test_a_step_that_is_a_hair_dearer_than_the_price_is_on_this_side_of_it():
    # One lot sold pays (6e13 + 1) x 5 / (6 x 5) = 1e13 + 1/6 ticks, the next less than 1e13.
    assert PoolDepth(5, 6 * 10**13 + 1, 0, 1, 1).lots(SELL, 10**13, inside=True) == 1


@pytest.mark.parametrize("step", [1, 3, 7])
def test_a_pool_buys_whole_steps_beyond_any_order_where_no_price_limits_it(step):
    pool = PoolDepth(5, 90, 0, 1, step)
    for price in (None, 0, -4):
        lots = pool.lots(SELL, price)
        assert type(lots) is int
        assert lots % step == 0
        assert lots >= QUANTITY_MAX


@pytest.mark.parametrize("lots", [QUANTITY_MAX - 6, QUANTITY_MAX - 5, QUANTITY_MAX - 4, QUANTITY_MAX])
def test_a_level_shows_no_more_lots_than_an_order_can_have(lots):
    ladder = LadderDepth(((99, 2),), ((100, lots), (102, 9)))
    assert ladder.beside(BUY, ((100, 5), (101, 3)), 3) == ((100, min(lots + 5, QUANTITY_MAX)), (101, 3), (102, 9))
    # At a price of 0 a pool buys without end.
    assert PoolDepth(5, 90, 0, 1, 1).beside(SELL, ((0, lots),), 3)[-1] == (0, QUANTITY_MAX)


def test_no_more_levels_are_shown_than_were_asked_for():
    ladder = LadderDepth(((99, 2),), ((100, 4), (102, 9)))
    assert ladder.beside(BUY, ((101, 3), (103, 3)), 2) == ((100, 4), (101, 3))
    # The pool's best price, 90 / 4 rounded up, is a level of its own.
    assert [price for price, _ in PoolDepth(5, 90, 0, 1, 1).beside(BUY, ((20, 3), (24, 1), (25, 1)), 2)] == [20, 23]


@pytest.mark.parametrize(("quantity", "own"), [(2, ()), (3, (7,))])
def test_an_order_that_the_layer_fills_to_the_last_lot_does_not_come_to_the_next_resting_one(quantity, own):
    ladder = LadderDepth((), ((100, 2), (102, 9)))
    assert share(BUY, quantity, None, [Facing(101, 0, 7)], ladder) == Share(quantity, own)
