"""Recorded quotes in the engine: one venue per publisher, told in time, and conserved."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import define, evolve, field

from experiments.quotes.feed import QuoteFeed, replay_venues
from experiments.quotes.read import read_quotes
from marketsim import Feed, Fill, Side, Simulation, limit_order, market_order
from marketsim.errors import ConfigError
from tests.data import data_path
from tests.experiments.quotes.days import START_NS, write
from venues.quote_replay import Quote

SECOND = 10**9


@define
class Buyer:
    """At each of its times buys some at every venue, and keeps what it saw."""

    plan: dict
    agent_id: str = "buyer"
    seen: list = field(factory=list)
    fills: list = field(factory=list)

    def start(self, ctx):
        for time in self.plan:
            ctx.wake_at(time)

    def wake(self, ctx):
        for venue, quantity, price in self.plan[ctx.now]:
            state = ctx.state("A", venue=venue)
            self.seen.append((ctx.now, venue, state.bids, state.asks))
            order = (
                market_order("A", Side.BUY, quantity=quantity)
                if price is None
                else limit_order("A", Side.BUY, quantity=quantity, price=price)
            )
            ctx.submit(order, venue=venue)

    def report(self, ctx, report):
        if type(report) is Fill:
            self.fills.append((report.time, report.venue, report.price, report.quantity))


def run(tape, plan, horizon, **options):
    buyer = Buyer(plan)
    feed = QuoteFeed(tape, "A", **options)
    result = Simulation(venues=replay_venues(tape, "A"), agents=[buyer], sources=[feed]).run(horizon)
    result.ledger.check()
    return buyer, result


def test_the_first_rows_of_the_published_day_as_an_execution():
    tape = read_quotes(data_path("l1-aapl-20240801-head5/l1_head5.csv"))
    buyer, result = run(tape, {0: [("publisher-2", 5000, None)], 992: [("publisher-2", 5000, None)]}, 1000)
    levels = tape.asks.levels(0)
    taken = sum(lots for _, lots in levels)
    assert [fill[2:] for fill in buyer.fills[:10]] == list(levels)
    assert taken == 1882  # far from 5000: the naive price is a benchmark, not an execution
    # Only the best level has changed by the second quote: 46 lots, the other sizes are those that were taken.
    assert buyer.fills[10:] == [(992, "publisher-2", 22283, 46)]
    money = sum(price * lots for price, lots in levels) + 22283 * 46
    assert result.ledger.cash == {"buyer": -money, "tape:publisher-2": money}


@pytest.mark.parametrize("displayed", [421, 400, 250])
def test_a_bid_gets_what_the_recorded_trades_reach_beyond_the_displayed_queue(displayed):
    tape = read_quotes(data_path("l1-aapl-20240801-head5/l1_head5.csv"))
    sizes = tape.bids.sizes.copy()
    sizes[0, 0] = displayed
    # Five steps between the first quote and its trades: 190 + 10 + 100 + 121 lots at 222.81.
    tape = evolve(tape, times=tape.times - np.array([5, 0]), bids=evolve(tape.bids, sizes=sizes))
    buyer, _ = run(tape, {1: [("publisher-2", 500, 22281)]}, 10)
    assert sum(lots for _, _, _, lots in buyer.fills) == 421 - displayed
    assert {(time, price) for time, _, price, _ in buyer.fills} <= {(5, 22281)}


def test_a_day_is_told_in_time(tmp_path):
    tape = read_quotes(write(tmp_path))
    feed = QuoteFeed(tape, "A", step=30 * SECOND)
    told = []
    while (now := feed.next_time()) is not None:
        told += [(now, message) for message in feed.emit()]
    assert (told[0], told[1]) == (
        (0, Quote("A", ((999, 50),), ((1001, 30),), "publisher-2")),
        (0, Quote("A", ((998, 10),), ((1002, 40),), "publisher-39")),
    )
    assert [now for now, _ in told] == [0, 0, 1, 2, 2, 2, 3, 7]
    assert [(now, message) for now, message in told if type(message) is Feed] == [
        (2, Feed("A", 998, 5, "publisher-39")),
    ]
    assert type(told[4][1]) is Feed  # after the quote of its row, which shows the book before it
    assert (len(feed), feed.emit()) == (0, [])


def test_what_was_before_the_start_is_told_at_once(tmp_path):
    feed = QuoteFeed(read_quotes(write(tmp_path)), "A", step=SECOND, start=START_NS + 70 * SECOND)
    assert feed.next_time() == 0
    assert feed.emit() == [
        Quote("A", ((999, 20),), ((1003, 30),), "publisher-2"),
        Quote("A", ((998, 5),), ((1000, 10),), "publisher-39"),
    ]
    assert feed.next_time() == 20


def test_two_publishers_are_two_venues(tmp_path):
    plan = {1: [("publisher-2", 40, None), ("publisher-39", 12, 998)], 61: [("publisher-39", 15, None)]}
    buyer, result = run(read_quotes(write(tmp_path)), plan, 200, step=SECOND)
    assert buyer.seen == [
        (1, "publisher-2", ((999, 50),), ((1001, 30),)),
        (1, "publisher-39", ((998, 10),), ((1002, 40),)),
        (61, "publisher-39", ((998, 5),), ((1000, 10),)),
    ]
    assert buyer.fills == [(1, "publisher-2", 1001, 30), (61, "publisher-39", 1000, 10)]
    assert result.ledger.inventory["tape:publisher-2"] == {"A": -30}


@pytest.mark.parametrize("cut", [10, 30, 59, 60, 89, 100])
def test_the_future_changes_nothing_seen_before(tmp_path, cut):
    tape = read_quotes(write(tmp_path))
    later = (tape.times - START_NS) // SECOND > cut
    poisoned = evolve(tape, asks=evolve(tape.asks, prices=tape.asks.prices + 10**6 * later[:, None]))
    plan = {time: [("publisher-2", 3, None), ("publisher-39", 3, None)] for time in range(1, 120, 7)}
    buyers = [run(each, plan, 200, step=SECOND)[0] for each in (tape, poisoned)]
    one, other = ([row for row in buyer.seen + buyer.fills if row[0] <= cut] for buyer in buyers)
    assert one == other
    assert one


def test_a_recorded_session_replays_to_its_end():
    tape = read_quotes(data_path("databento-arl-20250717-mbo/mbp10.csv.gz"))
    hours = (int(tape.times[-1]) - int(tape.times[0])) // SECOND
    buyer, result = run(
        tape, {hours // 2: [("publisher-2", 50, None), ("publisher-2", 5000, None)]}, hours + 1, step=SECOND
    )
    state = result.venues["publisher-2"].state("A")
    assert (state.bids, state.asks) == (tape.bids.levels(len(tape) - 1), tape.asks.levels(len(tape) - 1))
    _, _, _, first = buyer.seen[0]
    assert sum(fill[3] for fill in buyer.fills) == sum(lots for _, lots in first)


def test_bad_feeds_are_refused(tmp_path):
    tape = read_quotes(write(tmp_path))
    for bad in ({"step": 0}, {"step": 1.0}, {"start": 1.5}):
        with pytest.raises(ConfigError, match="QuoteFeed"):
            QuoteFeed(tape, "A", **bad)
    with pytest.raises(ConfigError, match="market"):
        QuoteFeed(tape, "")
