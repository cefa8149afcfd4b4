"""Edges of the pools: rounded constants against decimals, names in refusals, fees of nothing, estimates."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal, localcontext
from random import Random

import pytest

from marketsim.errors import ConfigError, MarketsimError
from marketsim.testing.generate import random_program
from marketsim.testing.program import Cancel
from marketsim.types import Feed, Fill, Reason, Side, market_order
from tests.concentrated_orders import BUY, SELL, Accounts, burn, make, mint, order
from tests.trust.registered import fresh, profile_of
from venues.concentrated import range_share_market
from venues.concentrated_math import MAX_INDEX, MIN_INDEX, Q96, _root_powers, amount1_between, index_at, sqrt_price_at
from venues.constant_product import swap_exact_in, swap_exact_out
from venues.lmsr import lmsr_cost, lmsr_prices
from venues.pool_measures import impermanent_loss, lvr_rate
from venues.replay import ReplayVenue


def test_the_powers_of_the_root_are_the_nearest_integers_to_their_exact_values():
    """Adams et al., Uniswap v3 Core (2021), section 6.1: sqrt(1.0001) to powers of two, at 128 binary digits."""
    powers = _root_powers()
    assert len(powers) == 20
    with localcontext(prec=120):
        root = Decimal("1.0001").sqrt()
        assert powers == tuple(int((root ** -(2**k) * 2**128).to_integral_value()) for k in range(20))


def test_an_index_is_that_of_its_own_price_and_of_those_up_to_the_next():
    for index in [*range(MIN_INDEX, MAX_INDEX, 3571), *range(-40, 40), MAX_INDEX - 1]:
        price = sqrt_price_at(index)
        assert index_at(price) == index
        if index > MIN_INDEX:
            assert index_at(price - 1) == index - 1


def test_a_range_is_named_by_its_market_and_ends():
    assert range_share_market("ACME", -20, 60) == "ACME/shares[-20,60]"


def test_a_swap_is_free_where_no_fee_is_named():
    assert swap_exact_in(10**9, 10**9, 10**8) == 10**17 // (11 * 10**8) == 10**18 // (11 * 10**9)
    assert swap_exact_out(10**9, 10**9, 10**8) == -(-(10**17) // (9 * 10**8))


@pytest.mark.parametrize("swap", [swap_exact_in, swap_exact_out])
@pytest.mark.parametrize("bad", [(0, 5, 1), (5, 0, 1), (5, 5, 0)])
def test_a_refused_swap_names_the_function_and_what_came(swap, bad):
    with pytest.raises(MarketsimError, match=rf"^{swap.__name__}: got .*\({', '.join(map(str, bad))}\)"):
        swap(*bad)
    with pytest.raises(MarketsimError, match=rf"^{swap.__name__}: fee_ppm: got 1000000"):
        swap(5, 5, 1, fee_ppm=10**6)


def test_losses_of_nothing_are_nothing():
    assert lvr_rate(0.0, 5.0) == lvr_rate(0.04, 0.0) == 0.0
    assert impermanent_loss(1) == 0
    # The same for a ratio and its inverse, to the last bit where the inverse is exact.
    assert all(impermanent_loss(2.0**power) == impermanent_loss(2.0**-power) for power in range(1, 40))
    for arguments, name in (((-1.0, 5.0), "variance"), ((1.0, -5.0), "value")):
        with pytest.raises(ConfigError, match=rf"lvr_rate: {name}: got -"):
            lvr_rate(*arguments)


@pytest.mark.parametrize(
    "name", ["clob", "concentrated", "constant-product", "hybrid", "lmsr", "quote-replay", "replay"]
)
def test_an_estimate_is_what_a_market_order_trades_now(name):
    rng, profile, venue = Random(name), profile_of(name), fresh(name)
    lots = 0
    for now, message in random_program(profile, Random(8), 60):
        if venue.next_clock(now - 1) == now:
            venue.clock(now)
        if type(message) is Cancel:
            venue.cancel(message.order_id, message.owner, now)
        elif message is not None:
            venue.submit(message._replace(venue="kit"), now)
        market, side = rng.choice(venue.markets), rng.choice(list(Side))
        quantity = rng.randint(1, 30) * profile.quantity_step
        order = market_order(market, side, quantity=quantity)._replace(order_id=10**6, owner="taker", venue="kit")
        reports = deepcopy(venue).submit(order, now)
        legs = [leg for leg in reports if type(leg) is Fill and leg.order_id == 10**6]
        traded = sum(leg.quantity for leg in legs), sum(leg.money - leg.side * leg.fee for leg in legs)
        assert venue.estimate_impact(market, side, quantity) == traded
        assert venue.state(market).estimate(side, quantity) == traded
        lots += traded[0]
    assert lots > 100


def test_fees_are_shared_where_the_price_stands_at_the_lower_end_of_a_range():
    """Adams et al. (2021), section 6.3: a range holds its lower end."""
    accounts = Accounts(make((-600, 600, 10**15), fee_ppm=500_000, spacing=60))
    accounts.send(mint(10**15, 0, 600))
    accounts.send(order(BUY, 10**9))
    assert accounts.pool.snapshot("ACME").price_index == 0
    accounts.send(burn(10**15, 0, 600))
    # At 1 tick a lot half of what came in is fee, 10**9 tick-lots, and half of that the second position's.
    assert sum(accounts.has("lp")) == pytest.approx(5 * 10**8, rel=0.01)


def test_a_swap_that_ends_a_range_at_the_end_of_a_stretch_goes_on_with_the_next_ones_liquidity():
    # The contract looks for the next range among 256 indices at a time; here one ends with its stretch.
    thin, thick, end = 10**12, 3 * 10**12, sqrt_price_at(-256)
    pool = make((-256, 512, thin), (-512, -256, thick))
    paid = sum(leg.money for leg in pool.submit(order(SELL, 2 * 10**10), 0) if leg.owner == "ann")
    after = pool.snapshot("ACME").sqrt_price
    assert sqrt_price_at(-512) < after < end
    exact = amount1_between(end, Q96, thin, up=False) + amount1_between(after, end, thick, up=False)
    assert abs(paid - exact) <= 2


def test_a_recorded_price_at_which_all_is_taken_is_no_level():
    tape = ReplayVenue(("A",))
    order = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="tape")
    (refusal,) = tape.submit(order, 0)
    assert (refusal.reason, refusal.detail) == (Reason.NO_LIQUIDITY, "no trade has been recorded yet")
    tape.submit(Feed("A", 100, 3), 1)
    assert tape.state("A").asks == ((100, 3),)
    tape.submit(order, 2)
    assert (tape.state("A").bids, tape.state("A").asks) == ((), ())


def test_a_range_may_be_as_wide_as_the_prices_go():
    pool = make()
    reports = pool.submit(mint(10**9, MIN_INDEX, MAX_INDEX), 0)
    assert {type(report) for report in reports} == {Fill}


def test_the_bounds_of_lots_and_liquidity_are_inside():
    most = 2**53
    assert lmsr_prices((most, -most), most)[0] == pytest.approx(Decimal(2).exp() / (1 + Decimal(2).exp()))
    assert lmsr_prices((1, 1), 1) == (Decimal("0.5"), Decimal("0.5"))
    for quantities, b in (((most + 1, 0), 5), ((0, -most - 1), 5), ((0, 0), most + 1), ((0, 0), 0), ((), 5)):
        for function in (lmsr_prices, lmsr_cost):
            with pytest.raises(ConfigError):
                function(quantities, b)


def test_a_pool_without_liquidity_says_what_it_was_asked_for():
    (refusal,) = make().submit(order(BUY, 5), 4)
    assert (refusal.reason, refusal.time) == (Reason.NO_LIQUIDITY, 4)
    assert "BUY 5 lots" in refusal.detail
