"""The frequent batch auction on random streams: lazy and eager clocks, conservation, draining, uncrossed books."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random

import pytest

from marketsim.types import Fill, Liquidity, Reduce, Rejected, Replace, TimeInForce
from tests.fba_orders import BUY, IOC, MTL, SELL, at_market, limit
from venues.fba import BatchAuction

SETUPS = [
    {},
    {"published": "sealed"},
    {"price_rule": "reference", "allocation": "pro-rata", "reference": {"A": 100}},
    {"price_rule": "k", "k": 0.25, "allocation": "time", "fee_ppm": 2500},
    {"price_rule": "volume_midpoint", "allocation": "pro_rata_all"},
    {"price_rule": "volume_midpoint", "allocation": "pro_rata_all", "published": "sealed"},
    {"self_trade": "refuse-newest", "depth": 1},
]


def random_stream(seed, *, length=120, owners=4):
    """(time, call) pairs; ids refer to orders that may be gone, and belong to anybody."""
    rng, now, out = Random(seed), 0, []
    for order_id in range(1, length + 1):
        now += rng.choice((0, 0, 1, 1, 2, 9))
        market, owner = rng.choice("AB"), f"owner{rng.randrange(owners)}"
        side, quantity, price = rng.choice((BUY, SELL)), rng.randint(1, 9), rng.randint(95, 105)
        order = limit(order_id, side, quantity, price, owner, market, tif=rng.choice((TimeInForce.GTC,) * 4 + (IOC,)))
        kind = rng.random()
        if kind < 0.12:
            order = at_market(order_id, side, quantity, owner, market)
        elif kind < 0.2:
            order = at_market(order_id, side, quantity, owner, market, TimeInForce.GTC, MTL)
        other = rng.randint(1, order_id)
        kind = rng.random()
        if kind < 0.1:
            out.append((now, ("cancel", other)))
        elif kind < 0.2:
            out.append((now, ("reduce", other, quantity)))
        elif kind < 0.3:
            out.append((now, ("replace", other, order)))
        else:
            out.append((now, ("order", order)))
    return out


def apply(venue, now, call, owners):
    match call:
        case ("order", order):
            owners[order.order_id] = order.owner
            return venue.submit(order, now)
        case ("cancel", other):
            return venue.cancel(other, owners.get(other, "owner0"), now)
        case ("reduce", other, quantity):
            return venue.submit(Reduce(other, quantity, owners.get(other, "owner0"), "fba"), now)
        case ("replace", other, order):
            owner = owners.get(other, "owner0")
            owners[order.order_id] = owner
            return venue.submit(Replace(other, order._replace(owner=owner), owner, "fba"), now)


def replay(stream, pi, *, every_step=False, **setup):
    """The log, and the public states at the end of each step of the stream."""
    venue = BatchAuction(("A", "B"), pi, **setup)
    log, states, owners = [], [], {}
    calls = defaultdict(list)
    for now, call in stream:
        calls[now].append(call)
    for now in range(max(calls) + pi + 1):
        if every_step or (now and venue.next_clock(now - 1) == now):
            log += venue.clock(now)
        for call in calls[now]:
            log += apply(venue, now, call, owners)
            if every_step:
                # Also between the messages of a step, where there is nothing to do.
                assert venue.clock(now) == []
        states.append([venue.state(market) for market in venue.markets])
    return log, (venue, states)


def test_rule_7_no_account_is_on_both_sides_of_a_clear():
    for seed in range(30):
        log, _ = replay(random_stream(seed, owners=2), 4, self_trade="refuse-newest")
        sides = defaultdict(set)
        for report in log:
            if type(report) is Fill:
                sides[report.match_id, report.owner].add(report.side)
        assert all(len(both) == 1 for both in sides.values())
    # The same streams trade with themselves where that is allowed.
    log, _ = replay(random_stream(0, owners=2), 4)
    sides = defaultdict(set)
    for report in log:
        if type(report) is Fill:
            sides[report.match_id, report.owner].add(report.side)
    assert any(len(both) == 2 for both in sides.values())


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("pi", [1, 3, 10])
def test_lazy_clock_and_clock_at_every_step_give_one_log_and_one_public_state(setup, pi):
    fills = 0
    for seed in range(4):
        stream = random_stream(seed)
        lazy, (_, states) = replay(stream, pi, **setup)
        every, (_, states_again) = replay(stream, pi, every_step=True, **setup)
        assert lazy == every
        assert states == states_again
        fills += sum(type(report) is Fill for report in lazy)
    assert fills > 50


@pytest.mark.parametrize("setup", SETUPS)
def test_streams_conserve_quantity_and_money_and_drain_to_empty(setup):
    for seed in range(6):
        log, (venue, _) = replay(random_stream(seed + 100), 4, **setup)
        accounts = defaultdict(Counter)
        matches = defaultdict(int)
        for report in log:
            if type(report) is Rejected:
                continue
            accounts[report.order_id][type(report).__name__] += report.quantity
            if type(report) is Fill:
                assert report.liquidity is Liquidity.AUCTION
                assert report.money == report.price * report.quantity + report.side * report.fee
                assert report.fee == -(-report.price * report.quantity * setup.get("fee_ppm", 0) // 10**6)
                matches[report.match_id, report.market, report.time, report.price] += report.side * report.quantity
        assert not any(matches.values())
        assert len(matches) == len({match_id for match_id, *_ in matches})
        waiting = Counter({order.order_id: order.quantity for market in "AB" for order in venue.orders(market)})
        for order_id, account in accounts.items():
            gone = account["Fill"] + account["Expired"] + account["Cancelled"]
            assert account["Accepted"] == gone + waiting[order_id]
        now = 10**6
        for market in venue.markets:
            for order in venue.orders(market):
                if venue.next_clock(now) == now + 1:
                    now += 1
                (report,) = venue.cancel(order.order_id, order.owner, now)
                assert (report.quantity, report.remaining) == (order.quantity, 0)
        now = venue.next_clock(now) or now
        venue.clock(now)
        assert venue.next_clock(now) is None
        for market in venue.markets:
            assert venue.orders(market) == []
            assert venue.state(market)[:4] == (None, None, (), ())


def test_a_clock_is_named_exactly_where_a_clear_would_change_something():
    for seed in range(10):
        venue, owners = BatchAuction(("A", "B"), 1), {}
        for now, (_, call) in enumerate(random_stream(seed, length=200)):
            due = venue.next_clock(now - 1) if now else None
            before = [venue.orders(market) for market in venue.markets]
            reports = venue.clock(now)
            assert bool(reports) == (due == now)
            assert (before != [venue.orders(market) for market in venue.markets]) == (due == now)
            apply(venue, now, call, owners)


@pytest.mark.parametrize("setup", [setup for setup in SETUPS if setup.get("allocation") != "pro_rata_all"])
def test_a_clear_with_price_priority_leaves_an_uncrossed_book(setup):
    clears = 0
    for seed in range(4):
        venue, owners = BatchAuction(("A", "B"), 7, **setup), {}
        due = None
        for now, call in random_stream(seed):
            if due is not None and due <= now:
                clears += any(type(report) is Fill for report in venue.clock(due))
                for market in venue.markets:
                    bid, ask, *_ = venue.state(market)
                    assert None in (bid, ask) or bid < ask
            apply(venue, now, call, owners)
            due = venue.next_clock(now)
    assert clears > 20
