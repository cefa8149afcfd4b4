"""How an arriving order meets a ladder: the matches it makes, and what self-trade prevention takes off both sides.

`limit` is always the lowest key of the ladder that the order may trade with.
"""

from __future__ import annotations

from marketsim.types import Order
from venues._levels import Ladder, Level

Live = dict[int, Level]
Hits = list[tuple[int, str, int, int]]  # (maker's order id, maker, lots, price)
# ((resting order, lots taken off it, lots left) ..., lots taken off the arriving order)
Prevented = tuple[list[tuple[Order, int, int]], int]


def match(live: Live, other: Ladder, limit: int, left: int) -> tuple[Hits, int]:
    """Trade `left` lots where self-trades are allowed: the matches in sequence, and the lots still left."""
    hits: Hits = []
    while left and (key := other.best) >= limit:
        level = other.levels[key]
        price, queue = other.sign * key, level.queue
        taken = level.taken
        if level.quantity <= left:
            left -= level.quantity
            other.close(key)
            for order_id, order in queue.items():
                hits.append((order_id, order.owner, order.quantity - taken, price))
                taken = 0
                del live[order_id]
            continue
        level.quantity -= left
        # From here on as if the first order were whole.
        left += taken
        gone = []
        for order_id, order in queue.items():
            resting = order.quantity
            if resting > left:
                if left > taken:
                    hits.append((order_id, order.owner, left - taken, price))
                break
            hits.append((order_id, order.owner, resting - taken, price))
            taken = 0
            left -= resting
            del live[order_id]
            gone.append(order_id)
        level.taken = left
        if gone:
            for order_id in gone:
                del queue[order_id]
            level.holes += len(gone)
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
        order_id, maker = next(iter(level.queue.items()))
        resting = maker.quantity - level.taken
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
            level.taken += taken
            level.quantity -= taken
    return hits, left, (withdrawn, stopped)


def _prevented(rule: str, resting: int, arriving: int) -> tuple[int, int]:
    # Lots that self-trade prevention takes off the resting and off the arriving order.
    if rule == "decrement":
        return min(resting, arriving), min(resting, arriving)
    return (0 if rule == "cancel-taker" else resting), (0 if rule == "cancel-maker" else arriving)


def fills_whole(other: Ladder, limit: int, order: Order, rule: str) -> bool:
    """Whether `order` would trade in full."""
    wanted = order.quantity
    for level in other.best_first():
        if level.key < limit:
            break
        if rule == "allow":
            wanted -= level.quantity
        else:
            for resting in level.orders():
                if resting.owner != order.owner:
                    wanted -= resting.quantity
                elif rule != "cancel-maker":
                    return wanted <= 0
        if wanted <= 0:
            return True
    return False
