"""The logarithmic market scoring rule: published numbers, then examples, then runs."""

from __future__ import annotations

from decimal import getcontext, localcontext
from math import exp, inf, log, nan

import pytest
from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.flow import Investor
from marketsim.errors import PluginError
from marketsim.simulation import Simulation
from marketsim.types import Fill, Liquidity, Reason, Rejected, Settle, Side, TimeInForce, VenueState, market_order
from tests.lmsr_orders import SHARE, money_of, order, outcomes, snapshot, sold
from venues.lmsr import LMSR, lmsr_cost, lmsr_prices

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


@settings(max_examples=5)
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
