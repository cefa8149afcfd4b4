"""A sniper at the scoring rule, against the published numbers of moving its price."""

from __future__ import annotations

from math import ceil, exp, floor, log

import numpy as np
import pytest
from attrs import define, field

from agents.sniper import Sniper
from marketsim.errors import ConfigError
from marketsim.types import Fill, Signal
from tests.events import BUY, MARKETS, PAYOUT, RESOLVES, SELL, drawn, order, run
from venues.fba import BatchAuction
from venues.lmsr import LMSR


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
