"""The auction with a pool on random streams: without a pool it is the batch auction, and no rule is broken with one."""

from __future__ import annotations

from random import Random

import pytest

from marketsim.ledger import Ledger
from marketsim.types import Cancelled, Liquidity, OrderKind, Reduce, Rejected, Replace, Side, TimeInForce
from tests.pooled_auction_orders import BUY, IOC, SELL, at_market, auction, fills, limit, look, pool_trade
from venues.batch_pool import BatchPool
from venues.fba import BatchAuction
from venues.pooled_auction import PooledAuction

# Without a pool, a batch auction


def random_order(rng, order_id, *, mtl=True):
    side, owner = rng.choice(list(Side)), rng.choice(["ann", "bob", "cat"])
    lots, draw = rng.randint(1, 30), rng.random()
    if draw < 0.12:
        return at_market(order_id, side, lots, owner)
    if draw < 0.2 and mtl:
        return at_market(order_id, side, lots, owner, OrderKind.MARKET_TO_LIMIT, TimeInForce.GTC)
    tif = rng.choice([TimeInForce.GTC, TimeInForce.GTC, IOC, TimeInForce.FOK])
    return limit(order_id, side, lots, rng.randint(90, 110), owner, tif=tif)


def random_message(rng, venue, order_id):
    live = venue.orders("A")
    if live and rng.random() < 0.25:
        old = rng.choice(live)
        new = random_order(rng, order_id)._replace(owner=old.owner)
        reduce = Reduce(old.order_id, rng.randint(1, 20), old.owner, "mix")
        return rng.choice([reduce, Replace(old.order_id, new, old.owner, "mix")])
    return random_order(rng, order_id)


@pytest.mark.parametrize("allocation", ["batch-pro-rata", "pro-rata", "time"])
@pytest.mark.parametrize("rule", ["midpoint", "reference", "k"])
@pytest.mark.parametrize("self_trade", ["allow", "refuse-newest"])
def test_empty_pool_is_a_batch_auction(allocation, rule, self_trade):
    options = {"allocation": allocation, "price_rule": rule, "self_trade": self_trade, "fee_ppm": 1000, "depth": 4}
    rng = Random(f"{allocation}/{rule}/{self_trade}")
    plain = BatchAuction(("A",), 5, k=0.3, reference={"A": 101}, **options)
    empty = PooledAuction(("A",), 5, k=0.3, reference={"A": 101}, base=0, quote=0, **options)
    traded = 0
    for now in range(1, 300):
        assert plain.next_clock(now - 1) == empty.next_clock(now - 1)
        reports = plain.clock(now)
        assert empty.clock(now) == reports
        traded += len(fills(reports))
        for extra in range(rng.choice([0, 1, 2])):
            message = random_message(rng, plain, 10 * now + extra)
            assert empty.submit(message, now) == plain.submit(message, now)
        assert plain.state("A")[:5] == empty.state("A")[:5]
        assert plain.orders("A") == empty.orders("A")
        side, lots = rng.choice(list(Side)), rng.randint(1, 40)
        assert plain.estimate_impact("A", side, lots) == empty.estimate_impact("A", side, lots)
    assert traded > 20


# Random streams with a pool


@pytest.mark.parametrize("allocation", ["batch-pro-rata", "pro-rata", "time"])
@pytest.mark.parametrize(("base", "quote"), [(1000, 100_000), (60, 6000), (20_000, 2_000_000), (9, 1000)])
def test_random_streams_hold_the_rules(base, quote, allocation):
    rng = Random(f"{base}/{allocation}")
    venue = auction(base, quote, 5, allocation=allocation)
    ledger = Ledger()
    clears = 0
    for now in range(1, 300):
        waiting = {order.order_id: order for order in venue.orders("A")}
        before = venue.reserves("A")
        reports = venue.clock(now) if venue.next_clock(now - 1) == now else []
        legs = fills(reports)
        ledger.post(legs)
        ledger.check()
        if legs:
            clears += 1
            judge_clear(legs, waiting, BatchPool(*before), pool_trade(reports))
        account = ledger.inventory.get("pool:mix", {}).get("A", 0), ledger.cash.get("pool:mix", 0)
        after = venue.reserves("A")
        assert after == (base + account[0], quote + account[1])
        assert after[0] * after[1] >= before[0] * before[1]
        assert min(after) > 0
        for extra in range(rng.choice([0, 1, 2])):
            message = random_message(rng, venue, 10 * now + extra)
            seen = look(venue, now)
            answers = venue.submit(message, now)
            if type(answers[0]) is Rejected:
                assert look(venue, now) == seen
    assert clears > 20
    for order in venue.orders("A"):
        assert [type(report) for report in venue.cancel(order.order_id, order.owner, now)] == [Cancelled]
    assert venue.orders("A") == []
    assert venue.next_clock(now) is None


def judge_clear(legs, waiting, pool, sold):
    (price,) = {leg.price for leg in legs}
    got = {leg.order_id: leg.quantity for leg in legs if leg.order_id}
    assert {leg.liquidity for leg in legs} == {Liquidity.AUCTION}
    for order_id, lots in got.items():
        assert waiting[order_id].accepts(price)
        assert lots <= waiting[order_id].quantity
    for order_id, order in waiting.items():
        if order.price is not None and order.side * (order.price - price) > 0:
            assert got.get(order_id, 0) == order.quantity, (order, price)
    # The pool trades all that it would one tick inside the price, and no more than it would at the price.
    assert max(pool.lots(SELL, price - 1), 0) - pool.lots(BUY, price) <= sold
    assert sold <= pool.lots(SELL, price) - max(pool.lots(BUY, price + 1), 0)


def test_lazy_clock_and_clock_at_every_step_give_the_same_log_and_states():
    for seed in range(6):
        logs = []
        for eager in (False, True):
            rng, venue, log = Random(seed), auction(200, 20_000, 7), []
            for now in range(1, 200):
                if venue.next_clock(now - 1) == now:
                    log.append((now, venue.clock(now)))
                if eager:
                    assert venue.clock(now) == []
                if rng.random() < 0.3:
                    log.append((now, venue.submit(random_message(rng, venue, now), now)))
                log.append(look(venue, now))
            logs.append(log)
        assert logs[0] == logs[1]
