"""The house that quotes a ladder of prices around the last trade: what can stand behind a book instead of a pool."""

from __future__ import annotations

from fractions import Fraction

from attrs import define, field

from marketsim.types import Burn, Levels, Mint, Order, Reason, Report, Side, rejected, trade
from venues.layers import LadderDepth
from venues.pool import pool_account


@define(eq=False)
class LadderLayer:
    """Symmetric quotes around a centre, posted by the house.

    Args:
        opening: the centre before the first trade, ticks.
        half_spread: from the centre to the best quote, as a share of the centre; the k-th is k times as far.
        sizes: lots of each quote of a side, best first.
        price_step: ticks between two prices.
        floor: the lowest price, ticks.
    """

    opening: int
    half_spread: Fraction
    sizes: tuple[int, ...]
    price_step: int
    floor: int
    depth: LadderDepth = field(init=False)
    _matches: int = field(init=False, default=0)
    # The centre of the last quotes, and all bids and asks around it.
    _around: tuple[int, Levels, Levels] | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self.depth = self._quotes(None, None, None)

    def take(self, order: Order, lots: int, now: int) -> list[Report]:
        side, account = order.side, pool_account(order.venue)
        reports: list[Report] = []
        levels, left = self.depth.asks if side is Side.BUY else self.depth.bids, lots
        for price, quantity in levels:
            taken = min(left, quantity)
            if taken == 0:
                break
            left -= taken
            self._matches += 1
            reports += trade(order, against=account, price=price, quantity=taken, now=now, match_id=self._matches)
        self.depth = self.depth.without(side, lots)
        return reports

    def change(self, message: Mint | Burn, now: int) -> list[Report]:
        return rejected(message, Reason.UNSUPPORTED, now=now, detail="quotes have no shares")

    def stale(self, centre: int | None, bid: int | None, ask: int | None) -> bool:
        return self.depth != self._quotes(centre, bid, ask)

    def renew(self, centre: int | None, bid: int | None, ask: int | None) -> None:
        self.depth = self._quotes(centre, bid, ask)

    def _quotes(self, centre: int | None, bid: int | None, ask: int | None) -> LadderDepth:
        middle = self.opening if centre is None else centre
        # The venue asks after every message, and most leave the last trade price as it was.
        if self._around is None or self._around[0] != middle:
            self._around = middle, *self._all_around(middle)
        _, bids, asks = self._around
        # A passive quote gives way to what it would trade with.
        return LadderDepth(
            bids if ask is None else tuple([level for level in bids if level[0] < ask]),
            asks if bid is None else tuple([level for level in asks if level[0] > bid]),
        )

    def _all_around(self, middle: int) -> tuple[Levels, Levels]:
        grid = self.price_step
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        for place, lots in enumerate(self.sizes, start=1):
            away = abs(middle) * self.half_spread * place
            # Outwards to the grid, a step at least, so that the two sides never meet.
            low = min((middle - away) // grid, (middle - 1) // grid) * grid
            high = max(-((-middle - away) // grid), middle // grid + 1) * grid
            if lots and low >= self.floor:
                bids[low] = bids.get(low, 0) + lots
            if lots and high >= self.floor:
                asks[high] = asks.get(high, 0) + lots
        return tuple(bids.items()), tuple(asks.items())
