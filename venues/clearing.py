"""Uniform-price clearing: the one price of a call auction, and who gets how much at it.

`clear` and `ration` are pure functions on integers; prices may be negative. An order is a (price, quantity) pair, its
price None for a market order, which outranks every limit. Write B_1 >= B_2 >= ... for the prices of the single lots of
demand, best first, A_1 <= A_2 <= ... for those of supply, and k for the largest volume at which B_k >= A_k.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Final, NamedTuple, TypeAlias

from attrs import frozen

from marketsim.errors import ConfigError, ConservationError
from marketsim.types import Levels, Side

Entry: TypeAlias = tuple[int | None, int]
"""An order, or several at one price: (limit in ticks or None for none, lots)."""

PRICE_RULES: Final = ("midpoint", "reference", "k", "volume_midpoint")
ALLOCATIONS: Final = ("batch-pro-rata", "pro-rata", "time", "pro_rata_all")

HALF: Final = Fraction(1, 2)


@frozen
class Clearing:
    """The outcome of one clear.

    `price` (ticks) is None and `volume` (lots) 0 where nothing trades. `low` and `high` are the ends of the interval
    that the rule chose the price from, None where it is unbounded.

    >>> outcome = clear([(101, 3)], [(98, 3)])
    >>> outcome.price, outcome.volume, (outcome.low, outcome.high)
    (99, 3, (98, 101))
    """

    price: int | None
    volume: int
    low: int | None
    high: int | None


NOTHING: Final = Clearing(None, 0, None, None)


class Claim(NamedTuple):
    """One order at a clear: limit in ticks (None: none), lots, the batch it came in, and its id.

    >>> early, late = Claim(100, 6, batch=0, order_id=1), Claim(100, 6, batch=1, order_id=2)
    >>> ration(Side.BUY, 100, 8, [early, late])  # lots
    [6, 2]
    """

    price: int | None
    quantity: int
    batch: int
    order_id: int


def clear(
    bids: Iterable[Entry],
    asks: Iterable[Entry],
    *,
    rule: str = "midpoint",
    reference: int | None = None,
    k: Fraction = HALF,
    step: int = 1,
) -> Clearing:
    """The price and volume at which `bids` and `asks` clear. O(n log n) in the number of entries.

    The volume is the largest executable one, max over p of min(demand(p), supply(p)). Three rules choose a
    *market-clearing* price, at which no limit order strictly better than the price stays unfilled (a market order only
    where the other side is used up). These prices are the closed interval [max(A_k, B_k+1), min(B_k, A_k+1)]. It is
    also what the usual cascade leaves: maximum volume, then minimum |demand - supply|, then the highest price under a
    surplus of demand and the lowest under a surplus of supply; the cascade over all real prices selects the same
    interval but for end points.

    - "midpoint": the middle; "k": low + k (high - low). Where market orders leave one end open, the finite end.
    - "reference": the point of the interval nearest to `reference`, also where one end is open (the rule of Euronext's
      pure market orders); the middle where there is no reference.
    - "volume_midpoint": the middle of all volume-maximal prices, [A_k, B_k], where market orders leave an end open the
      outermost limit price. *Not market-clearing*: orders strictly better than the price may stay unfilled. It exists
      to reproduce published results.

    Market orders that meet market orders only trade at `reference`, or not at all without one.

    Args:
        bids: (limit in ticks or None, lots > 0), in any order; limits are multiples of `step`.
        asks: the same.
        rule: one of `PRICE_RULES`.
        reference: ticks. A price between two grid points goes to the one nearer the reference, else to the lower.
        k: the share of the way from the low end to the high one, 0 to 1, for rule "k".
        step: ticks between two grid points.

    Raises:
        ConfigError: an unknown rule.

    References:
        Budish, Cramton and Shim, QJE 130(4), 2015 (midpoint of a vertical overlap); Xetra market model (the cascade).

    >>> clear([(202, 400), (201, 200)], [(199, 300), (198, 200)])
    Clearing(price=201, volume=500, low=201, high=201)
    >>> clear([(None, 40)], [(98, 40)], rule="reference", reference=100)
    Clearing(price=100, volume=40, low=98, high=None)
    """
    if rule not in PRICE_RULES:
        raise ConfigError(f"clear: rule: got {rule!r}, wanted one of {', '.join(PRICE_RULES)}")
    buys, sells = _ladder(bids, best_is_high=True), _ladder(asks, best_is_high=False)
    volume, low, high = _meet(buys, sells, widest=rule == "volume_midpoint")
    if volume == 0:
        return NOTHING
    price = _choose(low, high, rule, reference, k, step)
    return NOTHING if price is None else Clearing(price, volume, low, high)


def ration(
    side: Side,
    price: int,
    volume: int,
    claims: Sequence[Claim],
    *,
    rule: str = "batch-pro-rata",
    step: int = 1,
) -> list[int]:
    """How `volume` lots go to the `claims` of one side of a clear at `price`. O(n log n).

    Only claims at or better than `price` take part. Better prices come first, market orders before all limits; under a
    market-clearing price only the last price level is rationed:

    - "batch-pro-rata": earlier batches first, then pro rata within the batch;
    - "pro-rata": pro rata, whatever the batch;
    - "time": first come, first served;
    - "pro_rata_all": pro rata over every claim that takes part. *It has no price priority*: a better price is diluted
      by those at the margin. It exists to reproduce published results.

    Pro rata is by largest remainder, equal remainders by the lower order id.

    Args:
        side: whose claims these are.
        price: ticks.
        volume: lots, a multiple of `step`, not above what takes part.
        claims: in the order of arrival; quantities are multiples of `step`.
        rule: one of `ALLOCATIONS`.
        step: lots are dealt in multiples of it.

    Returns:
        Lots for each claim, in the order of `claims`.

    Raises:
        ConfigError: an unknown rule.
        ConservationError: more volume than takes part.

    >>> queue = [Claim(100, 6, 0, 1), Claim(100, 3, 1, 2), Claim(100, 3, 1, 3), Claim(101, 1, 1, 4)]
    >>> ration(Side.BUY, 100, 10, queue), ration(Side.BUY, 100, 10, queue, rule="time")
    ([6, 2, 1, 1], [6, 3, 0, 1])
    """
    if rule not in ALLOCATIONS:
        raise ConfigError(f"ration: rule: got {rule!r}, wanted one of {', '.join(ALLOCATIONS)}")
    shares = [0 if limit is not None and side * limit < side * price else lots for limit, lots, _, _ in claims]
    left = volume - sum(shares)
    if left > 0:
        raise ConservationError(f"{volume} lots to deal out at {price}, but {volume - left} take part")
    if left == 0:
        return shares
    left = volume
    ranks = {place: _rank(side, claims[place], place, rule) for place, lots in enumerate(shares) if lots}
    for _, group in groupby(sorted(ranks, key=ranks.__getitem__), key=ranks.__getitem__):
        places = list(group)
        wanted = sum([shares[place] for place in places])
        if wanted > left:
            for place, lots in zip(places, _pro_rata([claims[place] for place in places], left, step), strict=True):
                shares[place] = lots
        left = max(left - wanted, 0)
    return shares


@frozen
class HypotheticalClear:
    """What a market order would get at a clear of itself and the published levels, and nothing else.

    Called with (side, lots), it answers (lots available, money for them in tick-lots, before fees). Equal to another
    one that always answers the same.

    Args:
        bids: levels as published, (ticks, lots), best first.
        asks: the same.
        reference: ticks; None for none.
        price_rule: one of `PRICE_RULES`.
        k: for rule "k", from 0 to 1.
        allocation: one of `ALLOCATIONS`.
        price_step: ticks between two prices.
        quantity_step: lots between two quantities.

    >>> rules = {"price_rule": "midpoint", "k": HALF, "allocation": "pro-rata", "price_step": 1, "quantity_step": 1}
    >>> ask = HypotheticalClear(bids=((98, 5),), asks=((101, 5), (103, 5)), reference=None, **rules)
    >>> ask(Side.BUY, 7), ask(Side.BUY, 12)  # lots, tick-lots
    ((7, 721), (10, 1030))
    """

    bids: Levels
    asks: Levels
    reference: int | None
    price_rule: str
    k: Fraction
    allocation: str
    price_step: int
    quantity_step: int

    def __call__(self, side: Side, quantity: int, /) -> tuple[int, int]:
        wanted = quantity - quantity % self.quantity_step
        if not wanted:
            return 0, 0
        own: list[Entry] = [*(self.bids if side > 0 else self.asks), (None, wanted)]
        bids, asks = (own, self.asks) if side > 0 else (self.bids, own)
        outcome = clear(bids, asks, rule=self.price_rule, reference=self.reference, k=self.k, step=self.price_step)
        if outcome.price is None:
            return 0, 0
        # It comes before all limits, and shares with them only where no price comes before another.
        filled = min(wanted, outcome.volume)
        if self.allocation == "pro_rata_all":
            claims = [Claim(price, lots, 0, place) for place, (price, lots) in enumerate(own)]
            shares = ration(side, outcome.price, outcome.volume, claims, rule=self.allocation, step=self.quantity_step)
            filled = shares[-1]
        return filled, filled * outcome.price


def _ladder(entries: Iterable[Entry], *, best_is_high: bool) -> list[Entry]:
    unpriced = 0
    levels: dict[int, int] = {}
    for price, quantity in entries:
        if price is None:
            unpriced += quantity
        else:
            levels[price] = levels.get(price, 0) + quantity
    ladder: list[Entry] = sorted(levels.items(), reverse=best_is_high)
    if unpriced:
        ladder.insert(0, (None, unpriced))
    return ladder


def _meet(buys: list[Entry], sells: list[Entry], *, widest: bool) -> tuple[int, int | None, int | None]:
    # Volume and the interval of prices. demand and supply count the lots of the levels that are used up.
    i = j = demand = supply = volume = 0
    last_buy: int | None = None
    last_sell: int | None = None
    while i < len(buys) and j < len(sells):
        buy, sell = buys[i][0], sells[j][0]
        if buy is not None and sell is not None and buy < sell:
            break
        last_buy, last_sell = buy, sell
        up_to_buy, up_to_sell = demand + buys[i][1], supply + sells[j][1]
        volume = min(up_to_buy, up_to_sell)
        if up_to_buy == volume:
            demand = volume
            i += 1
        if up_to_sell == volume:
            supply = volume
            j += 1
    if widest:
        limits = [price for price, _ in buys + sells if price is not None] if volume else []
        low = last_sell if last_sell is not None else min(limits, default=None)
        high = last_buy if last_buy is not None else max(limits, default=None)
        return volume, low, high
    next_buy, next_sell = _first_limit(buys, i), _first_limit(sells, j)
    low = next_buy if last_sell is None or (next_buy is not None and next_buy > last_sell) else last_sell
    high = next_sell if last_buy is None or (next_sell is not None and next_sell < last_buy) else last_buy
    return volume, low, high


def _first_limit(ladder: list[Entry], start: int) -> int | None:
    # Market orders that are left over bound no price: no price would fill them.
    for price, _ in ladder[start : start + 2]:
        if price is not None:
            return price
    return None


def _choose(low: int | None, high: int | None, rule: str, reference: int | None, k: Fraction, step: int) -> int | None:
    if low is None or high is None:
        return _in_open_interval(low, high, rule, reference, step)
    if rule == "reference" and reference is not None:
        return _on_grid(max(low, min(high, reference)), 1, step, reference)
    way = k if rule == "k" else HALF
    return _on_grid(low * way.denominator + way.numerator * (high - low), way.denominator, step, reference)


def _in_open_interval(low: int | None, high: int | None, rule: str, reference: int | None, step: int) -> int | None:
    end = low if low is not None else high
    if reference is None or (end is not None and rule != "reference"):
        return end
    beyond = (low is not None and reference < low) or (high is not None and reference > high)
    return end if beyond else _on_grid(reference, 1, step, None)


def _on_grid(numerator: int, denominator: int, step: int, reference: int | None) -> int:
    below = numerator // (denominator * step) * step
    if below * denominator == numerator or reference is None:
        return below
    above = below + step
    return above if abs(above - reference) < abs(reference - below) else below


def _rank(side: Side, claim: Claim, place: int, rule: str) -> tuple[int, ...]:
    # The lower the sooner; claims of one rank share pro rata.
    if rule == "pro_rata_all":
        return ()
    urgency = (0, 0) if claim.price is None else (1, -side * claim.price)
    if rule == "pro-rata":
        return urgency
    return (*urgency, claim.batch if rule == "batch-pro-rata" else place)


def _pro_rata(claims: Sequence[Claim], volume: int, step: int) -> list[int]:
    total = sum(claim.quantity for claim in claims) // step
    units = volume // step
    dealt = [divmod(units * (claim.quantity // step), total) for claim in claims]
    shares = [whole * step for whole, _ in dealt]
    spare = units - sum(whole for whole, _ in dealt)
    by_remainder = sorted(range(len(claims)), key=lambda place: (-dealt[place][1], claims[place].order_id))
    for place in by_remainder[:spare]:
        shares[place] += step
    return shares
