"""The logarithmic market scoring rule: published numbers, then properties of its integers, then examples."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal, getcontext, localcontext
from math import exp, inf, log, nan

import pytest
from attrs import define
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agents.flow import Investor
from marketsim.errors import ConfigError, PluginError
from marketsim.ledger import Ledger
from marketsim.simulation import Simulation
from marketsim.types import (
    Burn,
    Fill,
    Liquidity,
    Mint,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Settle,
    Side,
    TimeInForce,
    VenueState,
    limit_order,
    market_order,
)
from venues.lmsr import LMSR, lmsr_cost, lmsr_prices

# Reals become integers at this many lots a share; the winning lot pays one tick, so money is in units of 1 / SHARE.
SHARE = 10**9

lots = st.one_of(st.integers(1, 4), st.integers(1, 10**4), st.sampled_from([10**9, 2**53 - 1, 2**53]))
liquidities = st.one_of(st.integers(1, 4), st.integers(1, 10**6), st.sampled_from([2**53 - 1, 2**53]))
units = st.one_of(st.integers(1, 4), st.integers(1, 10**6), st.sampled_from([2**53 - 1, 2**53]))
sides = st.sampled_from(Side)


def outcomes(count):
    return tuple(f"o{number}" for number in range(count))


def order(market, side, quantity, *, tif=TimeInForce.IOC, owner="ann", order_id=1):
    return market_order(market, side, quantity=quantity, tif=tif)._replace(
        order_id=order_id, owner=owner, venue="event"
    )


def money_of(reports):
    assert [type(report) for report in reports] == [Fill, Fill], reports
    return reports[0].money


def snapshot(maker):
    return (
        [maker.reserves(market) for market in maker.markets],
        [maker.probability(market) for market in maker.markets],
        [maker.state(market) for market in maker.markets],
    )


def exact_cost(maker, quantities):
    # C(q) x unit to 120 digits, the obvious way.
    with localcontext(Context(prec=120, Emax=MAX_EMAX, Emin=MIN_EMIN)):
        return maker.unit * maker.b * sum((Decimal(q) / maker.b).exp() for q in quantities).ln()


def sold(maker):
    return [-maker.reserves(market)[0] for market in maker.markets]


# Published numbers


def test_fifty_shares_at_even_prices_cost_28_09_and_move_the_price_to_62_percent():
    maker = LMSR(("yes", "no"), 100 * SHARE, 1)
    money = money_of(maker.submit(order("yes", Side.BUY, 50 * SHARE), 0))
    assert money / SHARE == pytest.approx(28.092980, abs=5e-7)
    assert maker.probability("yes") == pytest.approx(0.622459, abs=5e-7)
    assert float(lmsr_prices((50, 0), 100)[0]) == pytest.approx(1 / (1 + exp(-0.5)), abs=1e-15)
    assert float(lmsr_cost((50, 0), 100)) == pytest.approx(100 * log(exp(0.5) + 1), abs=1e-12)


def test_moving_the_price_from_50_to_90_percent_costs_160_94_for_219_72_shares():
    maker = LMSR(("yes", "no"), 100 * SHARE, 1)
    wanted = round(100 * SHARE * log(9))
    assert wanted / SHARE == pytest.approx(219.722458, abs=5e-7)
    assert money_of(maker.submit(order("yes", Side.BUY, wanted), 0)) / SHARE == pytest.approx(160.943791, abs=5e-7)
    assert maker.probability("yes") == pytest.approx(0.9, abs=1e-9)


@pytest.mark.parametrize(("chance", "entropy"), [(0.5, 69.314718), (0.2, 50.040242)])
def test_expected_loss_on_full_revelation_is_b_times_the_entropy_of_the_opening(chance, entropy):
    expected = 0.0
    for winner, probability in (("yes", chance), ("no", 1 - chance)):
        opening = (0, round(100 * SHARE * log((1 - chance) / chance)))
        maker = LMSR(("yes", "no"), 100 * SHARE, 1, opening=opening)
        assert maker.probability("yes") == pytest.approx(chance, abs=1e-9)
        for _ in range(10):  # by whatever path
            maker.submit(order(winner, Side.BUY, 400 * SHARE), 0)
        maker.submit(Settle("yes", int(winner == "yes")), 1)
        maker.submit(Settle("no", int(winner == "no")), 1)
        loss = -sum(maker.reserves(market)[1] for market in maker.markets) / SHARE
        assert loss == pytest.approx(-100 * log(probability), abs=1e-7)
        assert loss <= maker.loss_bound / SHARE + 1e-9
        expected += probability * loss
    assert expected == pytest.approx(entropy, abs=5e-7)


def test_the_loss_bound_is_b_log_n_from_an_even_opening_and_minus_b_log_p_of_the_least_likely_else():
    assert LMSR(("yes", "no"), 100 * SHARE, 1).loss_bound / SHARE == pytest.approx(69.314718, abs=5e-7)
    assert LMSR(outcomes(5), 1000, 10**6).loss_bound == int(1000 * 10**6 * log(5))
    uneven = LMSR(("yes", "no"), 100 * SHARE, 1, opening=(0, round(100 * SHARE * log(4))))
    assert uneven.loss_bound / SHARE == pytest.approx(-100 * log(0.2), abs=1e-6)


# Properties of the integers

trades = st.lists(st.tuples(st.integers(0, 4), sides, lots), max_size=8)


@settings(deadline=None)
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


@settings(deadline=None)
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


@settings(deadline=None)
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


@settings(deadline=None)
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


@settings(deadline=None)
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


@settings(deadline=None)
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


# Examples


def test_both_legs_of_a_buy_and_what_the_public_sees_of_it():
    maker = LMSR(("yes", "no"), 100, 1000)
    before = {market: maker.state(market) for market in maker.markets}
    assert before["yes"][:5] == (500, 500, (), (), None)
    reports = maker.submit(order("yes", Side.BUY, 50), 7)
    taker = Fill(1, 1, "ann", "yes", "event", 7, Side.BUY, 50, 562, 28_093, 0, Liquidity.TAKER, 500.0, 622.5)
    assert reports == [
        taker,
        taker._replace(order_id=0, owner="pool:event", side=Side.SELL, liquidity=Liquidity.MAKER),
    ]
    assert (maker.reserves("yes"), maker.reserves("no")) == ((-50, 28_093), (0, 0))
    assert maker.state("yes")[:5] == (622, 623, (), (), 562)
    assert maker.state("no")[:5] == (377, 378, (), (), None)  # nothing traded there, yet its price moved
    assert all(maker.state(market) is maker.state(market) for market in maker.markets)
    assert all(maker.state(market) is not before[market] for market in maker.markets)


def test_equal_prices_are_whole_ticks_where_the_unit_divides():
    for count in (2, 3, 6, 7):
        for level in range(0, 20_000, 500):
            maker = LMSR(outcomes(count), 12_345, 42_000, opening=(level,) * count)
            assert [maker.state(market)[:2] for market in maker.markets] == [(42_000 // count,) * 2] * count


def test_outcomes_may_be_sold_short_as_far_as_something_is_paid():
    maker = LMSR(("yes", "no"), 10, 100)
    assert money_of(maker.submit(order("yes", Side.SELL, 100), 0)) == 693  # 10 ln 2 less 10 ln(1 + e**-10), times 100
    assert maker.reserves("yes") == (100, -693)
    (report,) = maker.submit(order("yes", Side.SELL, 100), 0)
    assert (type(report), report.reason) == (Rejected, Reason.NO_LIQUIDITY)
    assert maker.state("yes")[:2] == (0, 1)
    assert maker.state("no")[:2] == (99, 100)


def test_at_the_far_end_of_the_scale_a_lot_costs_at_least_one_and_at_most_the_unit():
    maker = LMSR(("yes", "no"), 1, 1000)
    maker.submit(order("yes", Side.BUY, 2**53), 0)
    assert maker.estimate_impact("yes", Side.BUY, 1) == (0, 0)  # sold out
    assert maker.estimate_impact("yes", Side.SELL, 1) == (1, 999)
    assert maker.estimate_impact("no", Side.BUY, 1) == (1, 1)
    assert maker.estimate_impact("no", Side.BUY, 2**53) == (2**53, 694)  # back to even: 1000 ln 2 rounded up
    assert maker.estimate_impact("no", Side.SELL, 1) == (0, 0)
    assert (maker.state("yes")[:2], maker.state("no")[:2]) == ((999, 1000), (0, 1))


def test_fok_trades_in_full_like_ioc():
    fills = LMSR(("yes", "no"), 10, 100).submit(order("yes", Side.BUY, 999, tif=TimeInForce.FOK), 0)
    assert fills == LMSR(("yes", "no"), 10, 100).submit(order("yes", Side.BUY, 999), 0)


def test_the_decimal_context_of_the_caller_neither_matters_nor_changes():
    with localcontext() as context:
        context.prec = 3
        context.clear_flags()
        money = money_of(LMSR(("yes", "no"), 100, 10**9).submit(order("yes", Side.BUY, 50), 0))
        assert getcontext().prec == 3
        assert not any(context.flags.values())
    assert money == money_of(LMSR(("yes", "no"), 100, 10**9).submit(order("yes", Side.BUY, 50), 0)) == 28_092_980_363


def test_settlement_closes_all_outcomes_and_pays_out_the_makers_lots():
    maker = LMSR(outcomes(3), 100, 1000)
    paid = money_of(maker.submit(order("o1", Side.BUY, 10), 0))
    got = money_of(maker.submit(order("o2", Side.SELL, 5), 0))
    chances = [maker.probability(market) for market in maker.markets]
    assert maker.submit(Settle("o0", 0), 1) == []
    (refused,) = maker.submit(order("o1", Side.BUY, 1), 1)
    assert (type(refused), refused.reason) == (Rejected, Reason.CLOSED)
    assert maker.state("o1") == VenueState(last_price=round(paid / 10))
    assert maker.state("o1") is maker.state("o1")
    assert maker.estimate_impact("o1", Side.BUY, 1) == maker.state("o1").estimate(Side.BUY, 1) == (0, 0)
    assert maker.reserves("o1") == (-10, paid)
    assert maker.submit(Settle("o1", 1000), 2) == maker.submit(Settle("o2", 0), 2) == []
    assert [maker.reserves(market) for market in maker.markets] == [(0, 0), (0, paid - 10_000), (0, -got)]
    assert [maker.probability(market) for market in maker.markets] == chances


@pytest.mark.parametrize(
    ("settled", "message", "reason"),
    [
        *[([], Settle("o0", bad), Reason.PRICE) for bad in (-1, 1001, nan, inf, True, None, 0.0, 2**80)],
        *[([], Settle(bad, 0), Reason.MARKET) for bad in ("other", "", None, [])],
        ([("o0", 0)], Settle("o0", 0), Reason.CLOSED),
        ([("o0", 600)], Settle("o1", 401), Reason.PRICE),
        ([("o0", 600), ("o1", 300)], Settle("o2", 99), Reason.PRICE),
        ([("o0", 0), ("o1", 0)], Settle("o2", 0), Reason.PRICE),
    ],
)
def test_outcomes_settle_once_and_pay_the_unit_in_all(settled, message, reason):
    maker = LMSR(outcomes(3), 100, 1000)
    maker.submit(order("o1", Side.BUY, 10), 0)
    for market, price in settled:
        assert maker.submit(Settle(market, price), 1) == []
    before = snapshot(maker)
    (report,) = maker.submit(message, 2)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 2)
    assert report.detail
    assert snapshot(maker) == before


BAD_NUMBERS = [nan, inf, -inf, True, 0, -1, 2**80, 1.0, None, "1"]
GOOD = order("yes", Side.BUY, 1)
LIMIT = limit_order("yes", Side.BUY, quantity=1, price=100)._replace(order_id=1, owner="ann", venue="event")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        *[(GOOD._replace(quantity=bad), Reason.QUANTITY) for bad in BAD_NUMBERS],
        *[(GOOD._replace(order_id=bad), Reason.ORDER_ID) for bad in BAD_NUMBERS],
        *[(GOOD._replace(side=bad), Reason.SIDE) for bad in (1, -1, 0, None, nan)],
        *[(GOOD._replace(owner=bad), Reason.OWNER) for bad in ("", None, 7)],
        *[(GOOD._replace(market=bad), Reason.MARKET) for bad in ("", "maybe", None, ["yes"])],
        (GOOD._replace(price=100), Reason.KIND),
        (GOOD._replace(tif=TimeInForce.GTC), Reason.KIND),
        (GOOD._replace(quantity=2**53), Reason.NO_LIQUIDITY),
        (LIMIT, Reason.UNSUPPORTED),
        (LIMIT._replace(tif=TimeInForce.FOK), Reason.UNSUPPORTED),
        (LIMIT._replace(kind=OrderKind.MARKET_TO_LIMIT, price=None), Reason.UNSUPPORTED),
        (Reduce(1, 1, "ann", "event"), Reason.UNSUPPORTED),
        (Mint("yes", 1, owner="ann", venue="event"), Reason.UNSUPPORTED),
        (Burn("yes", 1, owner="ann", venue="event"), Reason.UNSUPPORTED),
        ("buy", Reason.UNSUPPORTED),
    ],
)
def test_what_the_market_maker_refuses_changes_nothing(message, reason):
    maker = LMSR(("yes", "no"), 100, 1000)
    maker.submit(order("yes", Side.BUY, 30), 0)
    before, state = snapshot(maker), maker.state("yes")
    (report,) = maker.submit(message, 9)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 9)
    assert report.detail
    assert snapshot(maker) == before
    assert maker.state("yes") is state
    assert maker.submit(order("no", Side.BUY, 1), 9)[0].match_id == 2


@pytest.mark.parametrize("order_id", [1, 2, nan, True, None, 2**80, "1"])
def test_there_is_never_anything_to_cancel(order_id):
    maker = LMSR(("yes", "no"), 100, 1000)
    maker.submit(order("yes", Side.BUY, 1), 0)
    state = maker.state("yes")
    (report,) = maker.cancel(order_id, "ann", 4)
    expected = Reason.UNKNOWN_ORDER if type(order_id) is int and order_id < 3 else Reason.ORDER_ID
    assert (type(report), report.reason) == (Rejected, expected)
    assert maker.state("yes") is state


@pytest.mark.parametrize(
    "options",
    [
        *[{"b": bad} for bad in BAD_NUMBERS],
        *[{"unit": bad} for bad in BAD_NUMBERS],
        *[{"opening": (0, bad)} for bad in (nan, inf, True, 2**80, 1.0, None)],
        *[{"opening": bad} for bad in ((), (0,), (0, 0, 0), [0, 0], 0)],
        *[{"markets": bad} for bad in ((), ("yes",), ("yes", "yes"), ("yes", ""), ["yes", "no"], "yes", None)],
    ],
)
def test_a_market_maker_that_cannot_be_is_refused(options):
    with pytest.raises(ConfigError, match="LMSR"):
        LMSR(**{"markets": ("yes", "no"), "b": 100, "unit": 1000} | options)


def test_questions_about_nothing_are_errors():
    maker = LMSR(("yes", "no"), 100, 1000)
    for ask in (maker.state, maker.reserves, maker.probability):
        for market in ("maybe", None):
            with pytest.raises(ConfigError, match="yes, no"):
                ask(market)
    for bad in BAD_NUMBERS:
        with pytest.raises(ConfigError):
            maker.estimate_impact("yes", Side.BUY, bad)
        with pytest.raises(ConfigError):
            maker.state("yes").estimate(Side.SELL, bad)
        with pytest.raises(ConfigError):
            lmsr_cost((0, 0), bad)
        if bad not in (0, -1) or bad is None:
            with pytest.raises(ConfigError):
                lmsr_prices((0, bad), 100)
    with pytest.raises(ConfigError):
        maker.estimate_impact("yes", 1, 1)
    with pytest.raises(ConfigError):
        lmsr_cost((), 100)


def test_a_venue_clock_is_not_needed():
    maker = LMSR(("yes", "no"), 100, 1000)
    assert (maker.clock(5), maker.next_clock(5)) == ([], None)


# In a simulation


@define
class Noise:
    agent_id: str
    arrival_rate: float = 200.0

    def arrive(self, ctx):
        side = Side.BUY if ctx.rng.integers(2) else Side.SELL
        market = ("rain", "sun", "snow")[ctx.rng.integers(3)]
        ctx.submit(market_order(market, side, quantity=int(ctx.rng.integers(1, 100))))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32))
def test_in_a_simulation_the_account_is_the_reserves(seed):
    maker = LMSR(("rain", "sun", "snow"), 500, 100)
    result = Simulation(venues={"event": maker}, agents=[Noise("noise")], seed=seed).run(2000)
    account = result.ledger.inventory["pool:event"]
    assert len(result.fills) > 300
    assert [maker.reserves(market)[0] for market in maker.markets] == [account[market] for market in maker.markets]
    assert sum(maker.reserves(market)[1] for market in maker.markets) == result.ledger.cash["pool:event"]
    assert result.ledger.fees == {}
    assert max(sold(maker)) * 100 - result.ledger.cash["pool:event"] <= maker.loss_bound


class _Resolution:
    """Settles YES at the unit and NO at nothing, at step 50."""

    def __init__(self) -> None:
        self._left = [Settle("YES", 1000, "ev"), Settle("NO", 0, "ev")]

    def next_time(self):
        return 50 if self._left else None

    def emit(self, _truth):
        events, self._left = self._left, []
        return events


def test_an_event_resolves_through_the_exchange():
    maker = LMSR(("YES", "NO"), 1000, 1000)
    agents = [Investor("ann", "YES", arrival_rate=300.0), Investor("bob", "NO", arrival_rate=300.0)]
    result = Simulation(venues={"ev": maker}, agents=agents, sources=[_Resolution()], seed=3).run(90)
    ledger = result.ledger
    ledger.check()
    assert sum(ledger.cash.values()) == 0
    assert all(lots == 0 for held in ledger.inventory.values() for lots in held.values())
    assert -ledger.cash["pool:ev"] <= maker.loss_bound
    assert sum(maker.reserves(market)[1] for market in maker.markets) == ledger.cash["pool:ev"]
    fills, orders = result.fills.frame(), result.orders.frame()
    assert (fills["liquidity"] == "transfer").sum() >= 2
    late = orders[orders["arrived"] > 50]
    assert len(late)
    assert (late["outcome"] == "rejected").all()


def test_an_event_at_two_venues_cannot_be_settled_at_one():
    venues = {"ev": LMSR(("YES", "NO"), 1000, 1000), "other": LMSR(("YES", "NO"), 1000, 1000)}
    with pytest.raises(PluginError, match="trades at other too"):
        Simulation(venues=venues, sources=[_Resolution()], seed=3).run(90)
