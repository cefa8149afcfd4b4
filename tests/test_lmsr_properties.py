"""The logarithmic market scoring rule: properties of its integers."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketsim.ledger import Ledger
from marketsim.types import Fill, Reason, Rejected, Side
from tests.lmsr_orders import exact_cost, liquidities, lots, money_of, order, outcomes, sides, snapshot, sold, units
from venues.lmsr import LMSR

trades = st.lists(st.tuples(st.integers(0, 4), sides, lots), max_size=8)


@given(st.integers(2, 5), liquidities, units, trades)
def test_loss_is_bounded_whatever_is_traded_and_accounts_are_reserves(count, b, unit, steps):
    maker, ledger = LMSR(outcomes(count), b, unit), Ledger()
    ledger.open("pool:event")
    bound = unit * b * Decimal(count).ln()
    for time, (outcome, side, quantity) in enumerate(steps):
        before = snapshot(maker)
        reports = maker.submit(order(maker.markets[outcome % count], side, quantity), time)
        if type(reports[0]) is Rejected:
            assert reports[0].reason is Reason.NO_LIQUIDITY
            assert snapshot(maker) == before
            continue
        ledger.post(reports)
        ledger.check()
        held = ledger.inventory["pool:event"]
        money = sum(maker.reserves(market)[1] for market in maker.markets)
        assert money == ledger.cash["pool:event"]
        assert [held.get(market, 0) for market in maker.markets] == [maker.reserves(m)[0] for m in maker.markets]
        assert max(sold(maker)) * unit - money <= bound
        assert max(sold(maker)) * unit - money <= maker.loss_bound


@given(st.integers(2, 4), st.integers(1, 10**4), units, trades)
def test_every_cost_is_the_exact_one_rounded_in_the_makers_favour(count, b, unit, steps):
    maker = LMSR(outcomes(count), b, unit)
    for outcome, side, wanted in steps:
        quantity = min(wanted, 10**9)
        before = exact_cost(maker, sold(maker))
        market = maker.markets[outcome % count]
        reports = maker.submit(order(market, side, quantity), 0)
        if type(reports[0]) is Rejected:
            with localcontext(Context(prec=120)):
                after = sold(maker)
                after[outcome % count] -= quantity
                assert 0 <= before - exact_cost(maker, after) < 1 + Decimal("1e-12")
            continue
        with localcontext(Context(prec=120)):
            cost = exact_cost(maker, sold(maker)) - before
            exact = cost if side > 0 else -cost
            rounded = int(exact.to_integral_value(ROUND_CEILING if side > 0 else ROUND_FLOOR))
            close = abs(exact - exact.to_integral_value()) < Decimal("1e-12")
            favour = side * (reports[0].money - exact)
            assert favour >= -Decimal("1e-60")  # the reference itself errs that much
            assert reports[0].money == rounded or (close and favour <= 1 + Decimal("1e-12"))


@given(st.integers(2, 5), liquidities, units, trades)
def test_prices_add_up_and_a_complete_set_costs_unit_to_unit_plus_n(count, b, unit, steps):
    maker = LMSR(outcomes(count), b, unit)
    for outcome, side, quantity in steps:
        maker.submit(order(maker.markets[outcome % count], side, quantity), 0)
    states = [maker.state(market) for market in maker.markets]
    assert sum(state.best_bid for state in states) <= unit <= sum(state.best_ask for state in states)
    assert all(0 <= state.best_bid <= state.best_ask <= state.best_bid + 1 <= unit for state in states)
    assert sum(maker.probability(market) for market in maker.markets) == pytest.approx(1.0, abs=1e-14)
    assume(max(sold(maker)) < 2**53)
    total = sum(money_of(maker.submit(order(market, Side.BUY, 1), 1)) for market in maker.markets)
    assert unit <= total <= unit + count


@given(st.integers(2, 4), liquidities, units, trades, st.integers(0, 3), sides, lots)
def test_round_trips_never_profit(count, b, unit, steps, outcome, first, quantity):
    maker = LMSR(outcomes(count), b, unit)
    for place, side, size in steps:
        maker.submit(order(maker.markets[place % count], side, size), 0)
    market = maker.markets[outcome % count]
    out = maker.submit(order(market, first, quantity), 1)
    assume(type(out[0]) is Fill)
    back = maker.submit(order(market, first.opposite, quantity), 2)
    if type(back[0]) is Rejected:  # a sell back for nothing
        assert first is Side.BUY
        return
    assert first * (back[0].money - out[0].money) <= 0


@given(liquidities, units, st.integers(0, 2**32), st.lists(st.integers(1, 10**4), min_size=1, max_size=5))
def test_a_split_buy_costs_the_same_but_for_rounding_and_leads_to_the_same_place(b, unit, sold_before, parts):
    whole, split = (LMSR(outcomes(3), b, unit, opening=(sold_before, 0, 7)) for _ in range(2))
    at_once = money_of(whole.submit(order("o0", Side.BUY, sum(parts)), 0))
    in_parts = sum(money_of(split.submit(order("o0", Side.BUY, part), 0)) for part in parts)
    assert at_once <= in_parts <= at_once + len(parts)
    for market in whole.markets:
        assert whole.state(market).impact == split.state(market).impact
        assert whole.state(market)[:2] == split.state(market)[:2]
        assert whole.probability(market) == split.probability(market)


@given(st.integers(2, 5), liquidities, units, trades, st.integers(0, 4), sides, lots)
def test_the_estimate_is_what_happens_and_an_old_state_keeps_its_own(count, b, unit, steps, outcome, side, quantity):
    maker = LMSR(outcomes(count), b, unit)
    for place, direction, size in steps:
        maker.submit(order(maker.markets[place % count], direction, size), 0)
    market = maker.markets[outcome % count]
    old = maker.state(market)
    estimate = maker.estimate_impact(market, side, quantity)
    assert old.estimate(side, quantity) == estimate
    report = maker.submit(order(market, side, quantity), 0)[0]
    expected = (0, 0) if type(report) is Rejected else (report.quantity, report.money)
    assert estimate == old.estimate(side, quantity) == expected
    assert 0 <= estimate[1] <= unit * quantity
