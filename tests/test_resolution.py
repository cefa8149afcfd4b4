"""Events that resolve: settlement through the ledger."""

from __future__ import annotations

from fractions import Fraction

import pytest
from attrs import define

from agents.flow import Investor
from agents.market_maker import NewsMaker
from agents.sniper import Sniper
from marketsim.errors import ConfigError, PluginError
from marketsim.fairvalue import ConstantFairValue
from marketsim.information import Combined, PoissonSignals, PublicNews
from marketsim.metrics import exact_wealth
from marketsim.resolution import Resolution, UntilResolution, resolution
from marketsim.simulation import Simulation
from marketsim.streams import Streams
from marketsim.types import Liquidity, Reason, Settle, VenueState, limit_order
from tests.events import BUY, HORIZON, MARKETS, PAYOUT, RESOLVES, drawn, event, order, run
from venues.clob import ContinuousBook
from venues.fba import BatchAuction
from venues.lmsr import LMSR


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
