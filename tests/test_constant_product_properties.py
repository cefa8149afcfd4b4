"""The constant-product pool: properties of its integers."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from hypothesis import assume, given
from hypothesis import strategies as st

from marketsim.ledger import Ledger
from marketsim.types import Fill, Reason, Rejected, Side
from tests.constant_product_orders import ACME, amounts, burn, fees, make_pool, mint, money_of, order, sides, snapshot
from venues.constant_product import swap_exact_in, swap_exact_out
from venues.pool import nearest_tick


@given(amounts, amounts, amounts, fees)
def test_exact_in_never_lowers_the_product_and_pays_the_most_that_does_not(x, y, dx, fee_ppm):
    dy = swap_exact_in(x, y, dx, fee_ppm=fee_ppm)
    kept = dx * (1 - Fraction(fee_ppm, 10**6))
    assert (x + dx) * (y - dy) >= x * y
    assert (x + kept) * (y - dy) >= x * y > (x + kept) * (y - dy - 1)
    assert 0 <= dy < y


@given(amounts, amounts, amounts, fees)
def test_exact_out_asks_the_least_that_exact_in_would_pay_as_much_for(x, y, dy, fee_ppm):
    assume(dy < y)
    dx = swap_exact_out(x, y, dy, fee_ppm=fee_ppm)
    assert (x + dx) * (y - dy) >= x * y
    assert swap_exact_in(x, y, dx, fee_ppm=fee_ppm) >= dy
    assert dx == 1 or swap_exact_in(x, y, dx - 1, fee_ppm=fee_ppm) < dy


@given(amounts, amounts, st.lists(st.integers(1, 10**6), min_size=1, max_size=5))
def test_without_fee_a_split_buy_costs_the_same_but_for_rounding_in_the_pools_favour(base, quote, parts):
    assume(sum(parts) < base)
    whole, split = make_pool(base, quote), make_pool(base, quote)
    at_once = money_of(whole.submit(order(Side.BUY, sum(parts)), 0))
    in_parts = sum(money_of(split.submit(order(Side.BUY, part), 0)) for part in parts)
    # A tick-lot rounded up at reserve x is worth x / (x - Q) at the end.
    assert at_once <= in_parts <= at_once + len(parts) * Fraction(base, base - sum(parts))


@given(amounts, amounts, amounts, fees, sides)
def test_round_trips_never_profit_and_lose_with_a_fee(base, quote, quantity, fee_ppm, first):
    pool = make_pool(base, quote, fee_ppm=fee_ppm)
    out = pool.submit(order(first, quantity), 0)
    assume(type(out[0]) is Fill)
    back = pool.submit(order(first.opposite, quantity), 1)
    if type(back[0]) is Rejected:  # a sell back for nothing
        assert (first, back[0].reason) == (Side.BUY, Reason.NO_LIQUIDITY)
        return
    gain = -first * out[0].money + first * back[0].money
    assert gain < 0 if fee_ppm else gain <= 0


@given(
    amounts,
    amounts,
    fees,
    st.lists(st.tuples(st.sampled_from(["buy", "sell", "mint", "burn"]), amounts), max_size=12),
)
def test_any_sequence_keeps_accounts_equal_to_reserves_and_value_per_share_from_falling(base, quote, fee_ppm, steps):
    pool, ledger = make_pool(base, quote, fee_ppm=fee_ppm), Ledger()
    for time, (what, amount) in enumerate(steps):
        message = {
            "buy": order(Side.BUY, amount),
            "sell": order(Side.SELL, amount),
            "mint": mint(amount),
            "burn": burn(amount),
        }[what]
        before = snapshot(pool)
        (x, y), _, shares, state = before
        reports = pool.submit(message, time)
        if type(reports[0]) is Rejected:
            assert len(reports) == 1
            assert snapshot(pool) == before
            assert pool.state(ACME) is state
            continue
        ledger.post(reports)
        ledger.check()
        (new_x, new_y), new_shares = pool.reserves(ACME), pool.shares(ACME)
        assert min(new_x, new_y) >= 1
        assert new_x * new_y * shares**2 >= x * y * new_shares**2
        account = ledger.inventory["pool:amm"]
        assert (base + account.get(ACME, 0), quote + ledger.cash["pool:amm"]) == (new_x, new_y)
        assert pool.positions(ACME).get("lp", 0) == ledger.inventory.get("lp", {}).get("ACME/shares", 0)
        assert isqrt(base * quote) - account.get("ACME/shares", 0) == new_shares


@given(amounts, amounts, fees, amounts, amounts, sides)
def test_mint_then_burn_never_profits_also_around_own_trades(base, quote, fee_ppm, shares, quantity, side):
    pool, ledger = make_pool(base, quote, fee_ppm=fee_ppm), Ledger()
    ledger.post(pool.submit(mint(shares), 0))
    traded = pool.submit(order(side, quantity, owner="lp"), 1)
    if type(traded[0]) is Fill:
        ledger.post(traded)
        ledger.post(pool.submit(burn(shares), 2))
        # Trading back to no inventory leaves nothing but a loss.
        held = ledger.inventory["lp"][ACME]
        if held:
            back = pool.submit(order(Side.SELL if held > 0 else Side.BUY, abs(held), owner="lp"), 3)
            assume(type(back[0]) is Fill)
            ledger.post(back)
    else:
        ledger.post(pool.submit(burn(shares), 2))
        assert ledger.inventory["lp"][ACME] <= 0
    assert ledger.cash["lp"] <= 0


@given(amounts, amounts, fees, amounts, sides)
def test_the_estimate_is_what_happens_and_an_old_state_keeps_its_own(base, quote, fee_ppm, quantity, side):
    pool = make_pool(base, quote, fee_ppm=fee_ppm)
    old = pool.state(ACME)
    estimate = pool.estimate_impact(ACME, side, quantity)
    assert old.estimate(side, quantity) == estimate
    report = pool.submit(order(side, quantity), 0)[0]
    if type(report) is Rejected:
        assert report.reason is Reason.NO_LIQUIDITY
        assert estimate == (0, 0)
    else:
        assert estimate == (report.quantity, report.money)
        assert pool.state(ACME) is not old
        assert pool.state(ACME).impact != old.impact
    assert old.estimate(side, quantity) == estimate


@given(amounts, amounts, fees)
def test_public_prices_bracket_the_marginal_prices_after_the_fee_by_less_than_a_tick(base, quote, fee_ppm):
    state = make_pool(base, quote, fee_ppm=fee_ppm).state(ACME)
    kept = 1 - Fraction(fee_ppm, 10**6)
    price = Fraction(quote, base)
    assert 0 <= price * kept - state.best_bid < 1
    if base == 1:
        assert state.best_ask is None
    else:
        assert 0 <= state.best_ask - price / kept < 1
        assert state.best_bid <= state.best_ask


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_nearest_tick_is_within_half_a_tick_and_halves_go_down(money, quantity):
    gap = nearest_tick(money, quantity) - Fraction(money, quantity)
    assert -Fraction(1, 2) <= gap < Fraction(1, 2)
    assert nearest_tick(2 * money * quantity + quantity, 2 * quantity) == money
