"""How an arriving order meets a ladder: the matches it makes, and what self-trade prevention takes off both sides.

`limit` is always the lowest key of the ladder that the order may trade with.
"""

from __future__ import annotations

from itertools import islice

from marketsim.types import Order
from venues._levels import Ladder, Level

Live = dict[int, tuple[Order, Level]]
Hits = list[tuple[int, str, int, int]]  # (maker's order id, maker, lots, price)
# ((resting order, lots taken off it, lots left) ..., lots taken off the arriving order)
Prevented = tuple[list[tuple[Order, int, int]], int]


def match(live: Live, other: Ladder, limit: int, left: int) -> tuple[Hits, int]:
    """Trade `left` lots where self-trades are allowed: the matches in sequence, and the lots still left."""
    hits: Hits = []
    while left and (key := other.best) >= limit:
        level = other.levels[key]
        price, queue = other.sign * key, level.queue
        if level.quantity <= left:
            left -= level.quantity
            other.close(key)
            for order_id, resting in queue.items():
                hits.append((order_id, live.pop(order_id)[0].owner, resting, price))
            continue
        level.quantity -= left
        filled = 0
        for order_id, resting in queue.items():
            if resting > left:
                break
            hits.append((order_id, live.pop(order_id)[0].owner, resting, price))
            left -= resting
            filled += 1
        if left:
            queue[order_id] = resting - left
            hits.append((order_id, live[order_id][0].owner, left, price))
        if filled:
            for gone in list(islice(queue, filled)):
                del queue[gone]
            level.holes += filled
            if level.holes > 64:
                level.close_holes()
        return hits, 0
    return hits, left


def match_guarded(live: Live, other: Ladder, limit: int, order: Order, rule: str) -> tuple[Hits, int, Prevented]:
    """Trade `order` under a self-trade `rule`: the matches, the lots still left, and what was prevented."""
    hits: Hits = []
    withdrawn: list[tuple[Order, int, int]] = []
    left, stopped = order.quantity, 0
    while left and (key := other.best) >= limit:
        level = other.levels[key]
        level.close_holes()
        order_id, resting = next(iter(level.queue.items()))
        maker = live[order_id][0]
        if maker.owner == order.owner:
            taken, blocked = _prevented(rule, resting, left)
            stopped += blocked
            left -= blocked
            if taken:
                withdrawn.append((maker, taken, resting - taken))
        else:
            taken = min(resting, left)
            left -= taken
            hits.append((order_id, maker.owner, taken, other.sign * key))
        if taken == resting:
            level.remove(order_id)
            del live[order_id]
        elif taken:
            level.shrink(order_id, taken)
    return hits, left, (withdrawn, stopped)


def _prevented(rule: str, resting: int, arriving: int) -> tuple[int, int]:
    # Lots that self-trade prevention takes off the resting and off the arriving order.
    if rule == "decrement":
        return min(resting, arriving), min(resting, arriving)
    return (0 if rule == "cancel-taker" else resting), (0 if rule == "cancel-maker" else arriving)


def fills_whole(live: Live, other: Ladder, limit: int, order: Order, rule: str) -> bool:
    """Whether `order` would trade in full."""
    wanted = order.quantity
    for level in other.best_first():
        if level.key < limit:
            break
        if rule == "allow":
            wanted -= level.quantity
        else:
            for order_id, quantity in level.queue.items():
                if live[order_id][0].owner != order.owner:
                    wanted -= quantity
                elif rule != "cancel-maker":
                    return wanted <= 0
        if wanted <= 0:
            return True
    return False
