"""One side of a batch auction: whole levels dealt at once get what `ration` says of every order."""

from __future__ import annotations

from random import Random

import pytest

from marketsim.errors import ConservationError
from marketsim.types import Order, OrderKind, Side, TimeInForce
from venues._call_market import Ladder, Waiting
from venues.clearing import ALLOCATIONS, PRICE_RULES, Claim, clear, ration


def waiting(rng: Random, side: Side, order_id: int) -> Waiting:
    price = None if rng.random() < 0.1 else rng.randint(95, 105)
    kind = OrderKind.LIMIT if price is not None else OrderKind.MARKET_TO_LIMIT
    order = Order("X", side, rng.randint(1, 9), price, kind, TimeInForce.GTC, False, order_id, "ann", "fba")
    return Waiting(order, price, order.quantity, rng.randint(0, 2), order_id)


def side_of(rng: Random, side: Side) -> tuple[Ladder, list[Waiting]]:
    own = [waiting(rng, side, 2 * place + 1 + (side < 0)) for place in range(rng.randint(1, 30))]
    ladder = Ladder(side)
    for each in own:
        ladder.add(each)
    return ladder, own


@pytest.mark.parametrize("rule", ALLOCATIONS)
@pytest.mark.parametrize("price_rule", PRICE_RULES)
def test_a_deal_is_the_ration_of_all_orders(rule: str, price_rule: str) -> None:
    rng, dealt_whole = Random(f"{rule} {price_rule}"), 0
    for _ in range(150):
        sides = [side_of(rng, Side.BUY), side_of(rng, Side.SELL)]
        bids, asks = ([(each.price, each.left) for each in own] for _, own in sides)
        outcome = clear(bids, asks, rule=price_rule, reference=100)
        if outcome.price is None:
            continue
        for ladder, own in sides:
            reaching = list(ladder.reaching(outcome.price))
            claims = [Claim(each.price, each.left, each.batch, each.order.order_id) for each in reaching]
            shares = ration(ladder.side, outcome.price, outcome.volume, claims, rule=rule)
            wanted = [(each.order, lots) for each, lots in zip(reaching, shares, strict=True) if lots]
            dealt = ladder.deal(outcome.price, outcome.volume, rule=rule, step=1)
            assert list(zip(dealt.orders, dealt.lots, strict=True)) == wanted
            assert sorted(dealt.filled) == sorted(order.order_id for order, lots in wanted if lots == order.quantity)
            left = {order.order_id: order.quantity - lots for order, lots in wanted}
            rest = {each.order.order_id: left.get(each.order.order_id, each.order.quantity) for each in own}
            there = {each.order.order_id: each.left for each in ladder.reaching(None)}
            assert there == {order_id: lots for order_id, lots in rest.items() if lots}
            assert sum(lots for _, lots in ladder.entries()) == sum(there.values())
            dealt_whole += len(dealt.filled)
    assert dealt_whole > 100


def test_what_is_published_follows_every_change_at_every_depth() -> None:
    rng = Random(5)
    ladder, own = side_of(rng, Side.SELL)
    while own:
        each = rng.choice(own)
        ladder.take(each, rng.randint(1, each.left))
        own = [other for other in own if other.left]
        levels: dict[int, int] = {}
        for other in own:
            if other.price is not None:
                levels[other.price] = levels.get(other.price, 0) + other.left
        for depth in (3, 1, 100):
            assert ladder.published(depth) == tuple(sorted(levels.items()))[:depth]


@pytest.mark.parametrize("rule", ALLOCATIONS)
def test_more_than_takes_part_cannot_be_dealt(rule: str) -> None:
    ladder, own = side_of(Random(3), Side.BUY)
    lots = sum(each.left for each in own if each.price is None or each.price >= 100)
    with pytest.raises(ConservationError, match="take part"):
        ladder.deal(100, lots + 1, rule=rule, step=1)
