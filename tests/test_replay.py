"""Recorded trades through the engine: what an agent sees and gets is what had happened by then."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import define, field

from marketsim import (
    Expired,
    Feed,
    Fill,
    Order,
    OrderKind,
    Reason,
    Rejected,
    Side,
    Simulation,
    TimeInForce,
    market_order,
)
from marketsim.tape import TradeFeed, TradeTape, read_trades
from tests.data import data_path
from venues.replay import ReplayVenue

MARKET = Order("A", Side.BUY, 5, None, OrderKind.MARKET, TimeInForce.IOC, order_id=1, owner="ann", venue="v")


def told(*, size: int | None = None) -> ReplayVenue:
    venue = ReplayVenue(("A",), size=size)
    assert venue.submit(Feed("A", 100, 3), 0) == []
    return venue


def test_rule_1_the_tape_sets_price_and_size():
    assert told().estimate_impact("A", Side.BUY, 10) == (3, 300)
    assert told(size=7).estimate_impact("A", Side.SELL, 10) == (7, 700)


def test_rule_2_what_is_taken_is_gone_until_the_next_trade():
    venue = told()
    first = venue.submit(MARKET, 1)
    assert [type(report) for report in first] == [Fill, Fill, Expired]
    assert (first[0].quantity, first[2].quantity) == (3, 2)
    assert [type(report) for report in venue.submit(MARKET._replace(order_id=2), 1)] == [Expired]
    venue.submit(Feed("A", 101, 9), 2)
    assert venue.submit(MARKET._replace(order_id=3), 2)[0].price == 101


def test_rule_2_limits_and_fok():
    limit = MARKET._replace(kind=OrderKind.LIMIT, price=99)
    assert type(told().submit(limit, 1)[0]) is Expired
    assert told().submit(limit._replace(price=100), 1)[0].quantity == 3
    assert [type(report) for report in told().submit(MARKET._replace(tif=TimeInForce.FOK), 1)] == [Expired]


def test_rule_3_nothing_rests():
    gtc = MARKET._replace(kind=OrderKind.LIMIT, price=100, tif=TimeInForce.GTC)
    assert told().submit(gtc, 1)[0].reason is Reason.UNSUPPORTED
    assert ReplayVenue(("A",)).submit(MARKET, 1)[0].reason is Reason.NO_LIQUIDITY
    assert told().cancel(1, "ann", 1)[0].reason is Reason.UNKNOWN_ORDER


@pytest.mark.parametrize("change", [{"market": "Z"}, {"price": 1.5}, {"price": float("nan")}, {"quantity": 0}], ids=str)
def test_bad_feeds_change_nothing(change: dict):
    venue = told()
    before = venue.state("A")
    assert type(venue.submit(Feed("A", 1, 1)._replace(**change), 1)[0]) is Rejected
    assert venue.state("A") is before


@define
class Taker:
    agent_id: str = "taker"
    review_interval: int = 4
    seen: list = field(factory=list)

    def review(self, ctx):
        self.seen.append((ctx.now, ctx.state("A").last_price))
        ctx.submit(market_order("A", Side.BUY, quantity=1))


def run(tape: TradeTape, horizon: int = 20):
    taker = Taker()
    feed = TradeFeed(tape, "A", "tape", tick_size=1.0, step=1, start=0)
    result = Simulation(venues={"tape": ReplayVenue(("A",), size=100)}, agents=[taker], sources=[feed]).run(horizon)
    return taker, result


def test_the_agent_sees_what_had_happened_by_then():
    taker, result = run(TradeTape(np.array([2, 4, 9, 19]), np.array([10.0, 11.0, 12.0, 13.0])))
    assert taker.seen == [(4, 11), (8, 11), (12, 12), (16, 12), (20, 13)]
    fills = result.fills.frame()
    assert fills[fills["owner"] == "taker"]["price"].tolist() == [11, 11, 12, 12, 13]
    assert result.ledger.cash == {"taker": -59, "tape:tape": 59}
    assert result.ledger.inventory == {"taker": {"A": 5}, "tape:tape": {"A": -5}}


@pytest.mark.parametrize("cut", range(1, 19, 3))
def test_the_future_changes_no_past_decision(cut: int):
    times = np.arange(1, 20)
    prices = 50.0 + times % 5
    poisoned = np.where(times > cut, 1e6, prices)
    taker, _ = run(TradeTape(times, prices))
    other, _ = run(TradeTape(times, poisoned))
    assert [row for row in taker.seen if row[0] <= cut] == [row for row in other.seen if row[0] <= cut]


def test_recorded_bitcoin_trades():
    path = data_path("binance-btc-20240808/trades.parquet")
    tape = read_trades(path, time="trade_time_ms", price="price", quantity="qty", where={"venue": "binance-spot"})
    start = int(tape.times[0])
    feed = TradeFeed(tape, "A", "tape", tick_size=0.01, step=1000, start=start)
    taker = Taker(review_interval=10)
    result = Simulation(venues={"tape": ReplayVenue(("A",), size=1)}, agents=[taker], sources=[feed]).run(600)
    assert len(taker.seen) == 60
    for time, price in taker.seen:
        known = tape.times <= start + 1000 * time
        assert price == round(float(tape.prices[known][-1]) * 100)
    result.ledger.check()
