"""Events that resolve: settlement through the ledger, the batch auction, and arbitrage of the scoring rule."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, exp, floor, log

import numpy as np
import pytest
from attrs import define, field

from agents.flow import Investor
from agents.market_maker import NewsMaker
from agents.sniper import Sniper
from marketsim.errors import ConfigError, PastError, PluginError
from marketsim.fairvalue import ConstantFairValue, ProbabilityMartingale
from marketsim.information import Combined, PoissonSignals, PublicNews
from marketsim.metrics import exact_wealth
from marketsim.resolution import Resolution, UntilResolution, resolution
from marketsim.simulation import Simulation
from marketsim.streams import Streams
from marketsim.types import (
    Cancelled,
    Fill,
    Liquidity,
    Reason,
    Rejected,
    Replace,
    Settle,
    Side,
    Signal,
    VenueState,
    limit_order,
    market_order,
)
from venues.clob import ContinuousBook
from venues.fba import BatchAuction
from venues.lmsr import LMSR

PAYOUT, HORIZON, RESOLVES = 1000, 400, 300
BUY, SELL = Side.BUY, Side.SELL
MARKETS = ("yes", "no")


def event(news=(), *, outcome="yes", accuracy=0.9, horizon=HORIZON, resolves=RESOLVES, payout=PAYOUT):
    return ProbabilityMartingale(
        prior={"yes": 0.5, "no": 0.5}, outcome=outcome, horizon=horizon, news_times=[time for time, _ in news],
        news=[named for _, named in news], accuracy=accuracy, payout=payout, resolves=resolves,
    )  # fmt: skip


def drawn(seed, **changed):
    options = {"news_per_step": 0.02, "accuracy": 0.7, "resolves": RESOLVES} | changed
    return ProbabilityMartingale.draw(Streams(seed).stream("world"), HORIZON, **options)


def run(venue, truth, *agents, seed=1, information=None, horizon=HORIZON):
    return Simulation(
        venues={"event": venue},
        agents=agents,
        fair_value=truth,
        information=information or PublicNews(),
        sources=[resolution(truth)],
        seed=seed,
    ).run(horizon)


def crowd():
    makers = [NewsMaker(f"lp-{market}", market, 500.0, 20.0, observation_delay=20) for market in MARKETS]
    snipers = [Sniper(f"sniper-{market}", market) for market in MARKETS]
    return [*makers, *snipers, *(Investor(f"investor-{market}", market, arrival_rate=50.0) for market in MARKETS)]


def pool_crowd():
    flow = [Investor(f"investor-{market}", market, quantity=5, arrival_rate=50.0) for market in MARKETS]
    return [Sniper("sniper", "yes", quantity=2000, market_orders_only=True), *flow]


WORLDS = {
    "clob": (lambda: ContinuousBook(MARKETS), crowd),
    "fba": (lambda: BatchAuction(MARKETS, 7), crowd),
    "sealed": (lambda: BatchAuction(MARKETS, 7, published="sealed"), crowd),
    "lmsr": (lambda: LMSR(MARKETS, 200, PAYOUT), pool_crowd),
}


# The resolution through the ledger


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", WORLDS)
def test_everybody_is_paid_out_and_all_that_is_left_is_cash_that_sums_to_zero(name, seed):
    venue, agents = WORLDS[name]
    truth = drawn(seed)
    result = run(venue(), truth, *agents(), seed=seed)
    ledger, fills = result.ledger, result.fills.columns()
    assert sum(ledger.cash.values()) + sum(ledger.fees.values()) == 0
    assert all(lots == 0 for held in ledger.inventory.values() for lots in held.values())
    wealth = exact_wealth(ledger, {market: truth.at(market, HORIZON) for market in MARKETS})
    assert sum(wealth.values()) == 0
    assert wealth == {account: Fraction(cash) for account, cash in ledger.cash.items()}
    # Each account has what its trades cost, and the payout of what it held.
    settled = fills["liquidity"] == Liquidity.TRANSFER.value
    assert settled.any()
    assert dict.fromkeys(fills["time"][settled].tolist()).keys() == {RESOLVES}
    for account, cash in ledger.cash.items():
        own = (fills["owner"] == account) & ~settled
        signed = fills["side"][own] * fills["quantity"][own]
        paid = sum(
            int(signed[fills["market"][own] == market].sum()) * int(truth.at(market, RESOLVES)) for market in MARKETS
        )
        assert cash == paid - int((fills["side"][own] * fills["money"][own]).sum())


@pytest.mark.parametrize("name", WORLDS)
def test_nothing_trades_after_the_clear_of_the_resolutions_step(name):
    venue, agents = WORLDS[name]
    result = run(venue(), drawn(1, resolves=294), *agents())
    fills = result.fills.columns()
    trades = fills["liquidity"] != Liquidity.TRANSFER.value
    # 294 is a clear of pi = 7: what was in time for it trades, and then the market closes.
    assert (fills["time"][trades].max() == 294) == (name in ("fba", "sealed"))
    assert fills["time"].max() == 294
    kinds = fills["liquidity"][fills["time"] == 294].tolist()
    assert kinds == sorted(kinds)  # "auction" before "transfer"
    assert dict.fromkeys(kinds).keys() <= {"auction", "transfer"}


class _Last:
    """Sends one order at the step of the resolution, and keeps what it is told."""

    agent_id = "last"

    def __init__(self):
        self.reports = []

    def start(self, ctx):
        ctx.submit(limit_order("yes", BUY, quantity=3, price=10))
        ctx.wake_at(RESOLVES)

    def wake(self, ctx):
        assert ctx.state("yes")[:5] == VenueState()[:5]
        ctx.submit(limit_order("yes", BUY, quantity=3, price=400))

    def report(self, ctx, report):
        self.reports.append((ctx.now, type(report), getattr(report, "reason", None)))


def test_a_resting_order_is_withdrawn_and_an_order_of_the_resolutions_step_is_refused():
    last = _Last()
    run(BatchAuction(MARKETS, 7), event(), last)
    assert [(time, kind.__name__, reason) for time, kind, reason in last.reports] == [
        (0, "Accepted", None),
        (RESOLVES, "Cancelled", None),
        (RESOLVES, "Rejected", Reason.CLOSED),
    ]


def test_news_in_time_for_the_resolution_only_reaches_a_sniper_who_finds_the_market_closed():
    sniper = Sniper("sniper", "yes", quantity=50, market_orders_only=True)
    result = run(LMSR(MARKETS, 100, PAYOUT), event([(RESOLVES - 1, "yes")]), sniper)
    assert len(result.fills) == len(result.orders.columns()["order_id"]) == 0


def test_no_signal_is_given_from_the_resolution_on_and_none_before_it_changes():
    truth = event([(50, "yes"), (299, "no")])
    inner = Combined((PublicNews(), PoissonSignals(routine_rate=3000.0)))

    def signals(process):
        source, seen = process.source(truth, HORIZON, Streams(1)), []
        while source.next_time() is not None:
            seen += source.emit(truth)
        return seen

    every, before = signals(inner), signals(UntilResolution(inner))
    assert before == [signal for signal in every if signal.time < RESOLVES]
    assert any(signal.time == RESOLVES and signal.value == 0.0 for signal in every)
    assert all(signal.value > 0 for signal in before)
    assert before[-1].time < RESOLVES


def test_a_resolution_is_one_settlement_per_market_where_it_is_traded():
    truth = event(outcome="no")
    source = resolution(truth, venues={"no": "pool"})
    assert source.next_time() == RESOLVES
    assert source.emit(truth) == [Settle("yes", 0), Settle("no", PAYOUT, "pool")]
    assert source.next_time() is None
    result = Simulation(
        venues={"a": BatchAuction(("yes",), 5), "b": BatchAuction(("no",), 5)}, sources=[resolution(truth)]
    ).run(HORIZON)
    for name, market in (("a", "yes"), ("b", "no")):
        (late,) = result.venues[name].submit(order(1, BUY, 1, market=market), HORIZON)
        assert late.reason is Reason.CLOSED


def test_what_does_not_resolve_or_pays_no_whole_ticks_is_refused():
    with pytest.raises(ConfigError, match="no step at which it resolves"):
        resolution(ConstantFairValue({"yes": 500.0}))
    with pytest.raises(ConfigError, match="no step at which it resolves"):
        UntilResolution(PublicNews()).source(ConstantFairValue({"yes": 500.0}), 10, Streams(1))

    @define
    class Half:
        markets: tuple[str, ...] = ("yes",)
        resolves: int = 5

        def at(self, market, time):
            return 0.5

    with pytest.raises(ConfigError, match="whole number"):
        resolution(Half())
    for bad in ({"time": 0}, {"prices": {"yes": 1.0}}, {"prices": {"yes": True}}, {"venues": {"yes": ""}}):
        with pytest.raises(ConfigError):
            Resolution(**({"time": 5, "prices": {"yes": 1}} | bad))


def test_two_resolutions_of_one_event_stop_the_run():
    truth = event()
    simulation = Simulation(venues={"event": BatchAuction(MARKETS, 5)}, sources=[resolution(truth), resolution(truth)])
    with pytest.raises(PluginError, match="CLOSED"):
        simulation.run(HORIZON)


# Settle at the batch auction


def order(order_id, side, quantity, price=None, *, market="yes", owner="ann"):
    made = market_order(market, side, quantity=quantity)
    if price is not None:
        made = limit_order(market, side, quantity=quantity, price=price)
    return made._replace(order_id=order_id, owner=owner, venue="event")


def waiting(**options):
    """Four orders of "yes", two of which would trade at step 10, one of them for any price, and two of "no"."""
    venue = BatchAuction(MARKETS, 10, **options)
    for made in (
        order(1, SELL, 5, 600),
        order(2, BUY, 3, 500),
        order(3, BUY, 4),
        order(4, BUY, 2, 610, owner="bob"),
        order(5, BUY, 2, 300, market="no"),
        order(6, SELL, 2, 300, market="no"),
    ):
        venue.submit(made, 4)
    return venue


@pytest.mark.parametrize("published", ["open", "sealed"])
def test_settling_withdraws_every_waiting_order_and_leaves_the_other_market_alone(published):
    venue = waiting(published=published)
    reports = venue.submit(Settle("yes", 0), 6)
    assert sorted(reports) == [
        Cancelled(1, "ann", "yes", "event", 6, 5),
        Cancelled(2, "ann", "yes", "event", 6, 3),
        Cancelled(3, "ann", "yes", "event", 6, 4),
        Cancelled(4, "bob", "yes", "event", 6, 2),
    ]
    assert (venue.orders("yes"), venue.state("yes")[:5]) == ([], VenueState()[:5])
    assert venue.estimate_impact("yes", BUY, 5) == (0, 0)
    assert venue.next_clock(6) == 10
    assert [(leg.market, leg.quantity) for leg in venue.clock(10)] == [("no", 2), ("no", 2)]
    assert venue.next_clock(10) is None


@pytest.mark.parametrize("published", ["open", "sealed"])
@pytest.mark.parametrize("first", [order(1, SELL, 5, 600), order(1, BUY, 5)])
def test_a_settled_market_needs_no_clock(published, first):
    venue = BatchAuction(MARKETS, 10, published=published)
    venue.submit(first, 4)
    venue.submit(order(2, BUY, 5, 700), 4)
    assert venue.next_clock(4) == 10
    venue.submit(Settle("yes", PAYOUT), 5)
    assert venue.next_clock(5) is None
    assert venue.clock(10) == []


def test_a_settled_market_refuses_orders_replacements_and_a_second_settlement():
    venue = waiting()
    venue.submit(Settle("yes", PAYOUT), 6)
    replacing = Replace(5, order(7, BUY, 1, 300), "ann", "event")
    for message in (order(7, BUY, 1, 500), order(7, SELL, 1), replacing, Settle("yes", PAYOUT), Settle("yes", 0)):
        (report,) = venue.submit(message, 7)
        assert (type(report), report.reason) == (Rejected, Reason.CLOSED)
        assert "settled at 1000" in report.detail
    (report,) = venue.cancel(1, "ann", 7)
    assert report.reason is Reason.UNKNOWN_ORDER
    assert [each.order_id for each in venue.orders("no")] == [5, 6]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        *[(Settle("yes", bad), Reason.PRICE) for bad in (0.0, True, None, float("nan"), 2**80, -(2**80))],
        *[(Settle(bad, 0), Reason.MARKET) for bad in ("maybe", "", None, [])],
    ],
)
def test_a_settlement_that_is_refused_changes_nothing(message, reason):
    venue = waiting()
    before = [(venue.orders(market), venue.state(market)) for market in MARKETS]
    (report,) = venue.submit(message, 6)
    assert (type(report), report.reason, report.time) == (Rejected, reason, 6)
    assert [(venue.orders(market), venue.state(market)) for market in MARKETS] == before


def test_a_clear_that_is_due_comes_before_the_settlement_of_its_step():
    venue = waiting()
    with pytest.raises(PastError):
        venue.submit(Settle("yes", PAYOUT), 10)
    assert {leg.market for leg in venue.clock(10) if type(leg) is Fill} == {"yes", "no"}
    left = [each.order_id for each in venue.orders("yes")]
    assert left
    assert [report.order_id for report in venue.submit(Settle("yes", PAYOUT), 10)] == left
    assert venue.state("yes").last_price is not None


# Arbitrage of the scoring rule, against its published numbers


@define
class _Desk:
    """What a sniper sees and does, in front of one venue."""

    venue: LMSR
    sent: list = field(factory=list)

    def estimate_impact(self, market, side, quantity):
        return self.venue.estimate_impact(market, side, quantity)

    def submit(self, made):
        self.sent.append(made)
        reports = self.venue.submit(made._replace(order_id=len(self.sent), owner="sniper", venue="event"), 0)
        assert type(reports[0]) is Fill


def told(value, *, share=1000, unit=10**6, opening=None, **options):
    """The desk of a sniper who was told that "yes" is worth `value` ticks, b = 100 shares."""
    desk = _Desk(LMSR(MARKETS, 100 * share, unit, opening=opening))
    sniper = Sniper("sniper", "yes", market_orders_only=True, **({"quantity": 10**9} | options))
    sniper.decide(desk, Signal("yes", "public", 0, value, 0.0))
    return desk


def test_from_half_to_nine_tenths_it_buys_219_72_shares_for_160_94():
    desk = told(0.9 * 10**6)
    (sent,) = desk.sent
    assert sent.side is BUY
    assert sent.quantity / 1000 == pytest.approx(219.722458, abs=0.01)
    assert desk.venue.reserves("yes")[1] / 10**9 == pytest.approx(160.943791, abs=0.01)
    assert desk.venue.probability("yes") == pytest.approx(0.9, abs=2e-6)


@pytest.mark.parametrize(("start", "truth"), [(0.5, 0.1), (0.9, 0.5), (0.9, 0.91), (0.02, 0.98), (0.4, 0.4)])
def test_it_moves_the_pool_to_the_truth_within_a_tick_and_earns_what_the_rule_loses(start, truth):
    """b [p ln(p / p0) + (1 - p) ln((1 - p) / (1 - p0))] a share, valued at the truth: b KL(truth || start)."""
    odds = round(100_000 * log(start / (1 - start)))
    desk = told(truth * 10**6, opening=(odds, 0))
    start = 1 / (1 + exp(-odds / 100_000))
    assert desk.venue.probability("yes") == pytest.approx(truth, abs=2e-6)
    lots, money = desk.venue.reserves("yes")
    gain = -lots * truth * 10**6 - money
    wanted = 100 * (truth * log(truth / start) + (1 - truth) * log((1 - truth) / (1 - start)))
    assert gain / 10**9 == pytest.approx(wanted, abs=5e-6)


@pytest.mark.parametrize("value", [0.001, 3.2, 333.3, 499.5, 500.0, 500.5, 612.0, 999.9])
@pytest.mark.parametrize("margin", [0.0, 2.5])
def test_the_last_lot_pays_the_next_would_not_and_none_before_costs_a_tick_too_much(value, margin):
    desk = told(value, share=1, unit=1000, margin=margin, quantity=2000)
    fresh = LMSR(MARKETS, 100, 1000)
    if not desk.sent:
        assert fresh.estimate_impact("yes", BUY, 1)[1] >= value - margin
        assert fresh.estimate_impact("yes", SELL, 1)[1] <= value + margin
        return
    ((_, side, quantity, *_),) = desk.sent
    money = [0, *(fresh.estimate_impact("yes", side, lots)[1] for lots in range(1, quantity + 2))]
    gains = side * (value - side * margin - np.diff(money))
    # Whole tick-lots are rounded, so that the price of a lot wavers by a tick.
    assert (gains[-2] > 0, gains[-1] > 0, gains[:-1].min() > -1) == (True, False, True)


def test_it_refuses_a_flag_that_is_none():
    with pytest.raises(ConfigError, match="market_orders_only"):
        Sniper("s", "yes", market_orders_only=1)


def test_it_takes_no_more_than_its_quantity_and_stops_at_what_there_is():
    assert [sent.quantity for sent in told(900_000.0, quantity=7).sent] == [7]
    auction = BatchAuction(("yes",), 10)
    auction.submit(order(1, SELL, 4, 480), 0)
    auction.submit(order(2, SELL, 4, 520), 0)
    desk = _Desk(auction)
    assert Sniper("s", "yes", quantity=9, market_orders_only=True)._paying(desk, BUY, 600.0) <= 8
    assert Sniper("s", "yes", quantity=9, market_orders_only=True)._paying(desk, BUY, 480.0) == 0


@pytest.mark.parametrize("seed", range(6))
def test_in_a_run_the_pool_loses_the_log_of_how_far_the_sniper_brought_it(seed):
    """-b ln(p_T / p_0) of the outcome, by whatever path, and never more than b ln 2."""
    truth, b = drawn(seed, news_per_step=0.05), 500
    pool = LMSR(MARKETS, b, PAYOUT)
    sniper = Sniper("sniper", "yes", quantity=10**6, market_orders_only=True)
    result = run(pool, truth, sniper, seed=seed)
    trades = len(result.fills)
    lost = -result.ledger.cash["pool:event"]
    assert abs(lost - PAYOUT * b * log(pool.probability(truth.outcome) / 0.5)) <= trades
    assert lost == result.ledger.cash["sniper"] <= pool.loss_bound < PAYOUT * b * log(2)
    # The news of the last step comes too late for it.
    value = truth.at("yes", RESOLVES - 2)
    assert floor(value) - 1 <= PAYOUT * pool.probability("yes") <= ceil(value) + 1
