"""The rules that the book and the auction of `venues.oracle` share, and those of a clear, as pure statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any, Protocol, TypeAlias

from attrs import define

from marketsim.gateway import check_order_id, check_quantity
from marketsim.types import Cancelled, Fill, Levels, Liquidity, Order, Reason, Reduce, Replace, Report, Side, VenueState

Entry: TypeAlias = tuple[int | None, int]
"""An order at a clear: limit in ticks (None: none), lots."""

Claim: TypeAlias = tuple[int | None, int, int, int]
"""An order at a clear: limit, lots, batch, order id."""

PPM = 1_000_000


class Oracle(Protocol):
    """What the shared rules ask of a venue."""

    price_step: int
    quantity_step: int
    min_price: int | None

    def find(self, order_id: int, /) -> Resting | None: ...


@define(eq=False)
class Resting:
    """A live order: its limit in ticks (None while it has none), the lots left of it, the batch it is of."""

    order: Order
    price: int | None
    left: int
    batch: int = 0


def reaches(side: Side, limit: int | None, price: int | None) -> bool:
    """Whether an order of `side` with this limit may trade at `price`; no limit reaches, and is reached by, all."""
    return limit is None or price is None or side * limit >= side * price


def levels(queue: Sequence[Resting], depth: int) -> Levels:
    """The first `depth` prices of a queue that is in the order of priority, with the lots at each."""
    total: dict[int, int] = {}
    for each in queue:
        price = each.price
        if price in total:
            total[price] += each.left
        elif price is not None:
            if len(total) == depth:
                break
            total[price] = each.left
    return tuple(total.items())


def shown(
    bids: Levels, asks: Levels, last_price: int | None, impact: Callable[[Side, int], tuple[int, int]] | None = None
) -> VenueState:
    return VenueState(bids[0][0] if bids else None, asks[0][0] if asks else None, bids, asks, last_price, impact)


def middle(bids: Levels, asks: Levels) -> float | None:
    return (bids[0][0] + asks[0][0]) / 2 if bids and asks else None


def found(order_id: int, queues: Iterable[Iterable[Resting]]) -> Resting | None:
    for queue in queues:
        for each in queue:
            if each.order.order_id == order_id:
                return each
    return None


def misfit(order: Order, venue: Oracle) -> Reason | None:
    """What is wrong with an order whatever else is in the book: the grid, then the lowest price, then its id."""
    if order.quantity % venue.quantity_step or (order.price or 0) % venue.price_step:
        return Reason.OFF_GRID
    if order.price is not None and venue.min_price is not None and order.price < venue.min_price:
        return Reason.PRICE
    return Reason.DUPLICATE_ORDER if venue.find(order.order_id) else None


def not_withdrawable(order_id: Any, owner: str, venue: Oracle) -> Reason | None:
    if refusal := check_order_id(order_id):
        return refusal[0]
    each = venue.find(order_id)
    if each is None:
        return Reason.UNKNOWN_ORDER
    return Reason.NOT_OWNER if each.order.owner != owner else None


def not_reducible(message: Reduce, venue: Oracle) -> Reason | None:
    if refusal := check_quantity(message.quantity):
        return refusal[0]
    off_grid = Reason.OFF_GRID if message.quantity % venue.quantity_step else None
    return not_withdrawable(message.order_id, message.owner, venue) or off_grid


def not_replaceable(message: Replace, venue: Oracle) -> Reason | None:
    reason = not_withdrawable(message.order_id, message.owner, venue)
    return reason or (Reason.NOT_OWNER if message.order.owner != message.owner else None)


def cancelled(each: Resting, lots: int, now: int) -> Report:
    """Take `lots` off an order, or all that is left of it."""
    lots = min(lots, each.left)
    each.left -= lots
    order = each.order
    return Cancelled(order.order_id, order.owner, order.market, order.venue, now, lots, each.left)


def leg(
    match_id: int, order: Order, lots: int, price: int, now: int, how: Liquidity, ppm: int, mids: Sequence[float | None]
) -> Fill:
    """One leg: the buyer pays the value and the fee, the seller gets the value less the fee; fees round up."""
    fee = ceil(Fraction(abs(price * lots) * ppm, PPM)) if ppm else 0
    money = price * lots + order.side * fee
    return Fill(
        match_id, order.order_id, order.owner, order.market, order.venue, now, order.side, lots, price, money, fee, how,
        mids[0], mids[1],
    )  # fmt: skip


def executable(bids: Sequence[Entry], asks: Sequence[Entry], price: int) -> int:
    """Auction rule 2: lots that `price` can execute, min(demand, supply)."""
    demand = sum(lots for limit, lots in bids if limit is None or limit >= price)
    supply = sum(lots for limit, lots in asks if limit is None or limit <= price)
    return min(demand, supply)


def slights(side: Side, orders: Sequence[Entry], price: int, volume: int) -> bool:
    """Whether a limit strictly better than `price` goes unfilled, market orders being served before all limits."""
    better = sum(lots for limit, lots in orders if limit is not None and side * limit > side * price)
    return better > 0 and better + sum(lots for limit, lots in orders if limit is None) > volume


def interval(bids: Sequence[Entry], asks: Sequence[Entry], *, widest: bool) -> tuple[int, int | None, int | None]:
    """(volume, low, high) by rules 2 and 3; an end is None where no price is beyond it. `widest`: by rule 2 alone.

    Nothing changes between two limits that is not so at one of them, nor beyond the outermost: the limits are all
    the prices to look at, and one price below and one above them stand for all that lie beyond.
    """
    if not bids or not asks:
        return 0, None, None
    limits = sorted({limit for limit, _ in [*bids, *asks] if limit is not None})
    prices = [limits[0] - 1, *limits, limits[-1] + 1] if limits else [0]
    lots = {price: executable(bids, asks, price) for price in prices}
    volume = max(lots.values())
    fair = [price for price in prices if lots[price] == volume > 0]
    if widest:
        fair = [price for price in fair if price in limits]
        return volume, min(fair, default=None), max(fair, default=None)
    fair = [p for p in fair if not slights(Side.BUY, bids, p, volume) and not slights(Side.SELL, asks, p, volume)]
    low = None if not fair or prices[0] in fair else fair[0]
    high = None if not fair or prices[-1] in fair else fair[-1]
    return volume, low, high


def clearing_price(
    low: int | None, high: int | None, *, rule: str, reference: int | None, k: Fraction, step: int
) -> int | None:
    """Rule 4: the price (ticks) within the interval, to the grid point nearer the reference, else the lower."""
    if reference is not None and (rule == "reference" or (low is None and high is None)):
        price = Fraction(reference)
        price = price if low is None else max(price, Fraction(low))
        price = price if high is None else min(price, Fraction(high))
    elif low is not None and high is not None:
        price = low + (k if rule == "k" else Fraction(1, 2)) * (high - low)
    else:
        return low if high is None else high
    below = floor(price / step) * step
    if reference is None or price == below:
        return below
    return below + step if abs(below + step - reference) < abs(below - reference) else below


def outcome(
    bids: Sequence[Entry], asks: Sequence[Entry], *, rule: str, reference: int | None, k: Fraction, step: int
) -> tuple[int, int | None]:
    """Rules 2 to 4: the volume, and the price or None where nothing trades."""
    volume, low, high = interval(bids, asks, widest=rule == "volume_midpoint")
    price = clearing_price(low, high, rule=rule, reference=reference, k=k, step=step)
    return volume, price if volume else None


def rationed(side: Side, price: int, volume: int, claims: Sequence[Claim], *, rule: str, step: int) -> list[int]:
    """Rules 5 and 6: lots for each claim, in the order of `claims`, which is that of arrival."""
    takers = [i for i, (limit, *_) in enumerate(claims) if reaches(side, limit, price)]

    def rank(i: int) -> tuple[int, ...]:
        limit, _, batch, _ = claims[i]
        better = (0, 0) if limit is None else (1, -side * limit)
        return {
            "pro_rata_all": (),
            "pro-rata": better,
            "batch-pro-rata": (*better, batch),
            "time": (*better, i),
        }[rule]

    shares = [0] * len(claims)
    for first in sorted({rank(i) for i in takers}):
        equals = [i for i in takers if rank(i) == first]
        wanted = sum(claims[i][1] for i in equals)
        if wanted <= volume:
            for i in equals:
                shares[i] = claims[i][1]
            volume -= wanted
            continue
        exact = {i: Fraction(volume * claims[i][1], wanted * step) for i in equals}
        spare = volume // step - sum(floor(part) for part in exact.values())
        largest = sorted(equals, key=lambda i: (floor(exact[i]) - exact[i], claims[i][3]))[:spare]
        for i in equals:
            shares[i] = (floor(exact[i]) + (i in largest)) * step
        break
    return shares
