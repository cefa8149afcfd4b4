"""The only place where cash and inventory move."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from marketsim.errors import ConservationError
from marketsim.types import Fill, Side


class Ledger:
    """Cash (tick-lots) per account, inventory (lots) per account and market, fees per venue, all unbounded integers.

    All accounts start at zero, so that after any run cash over all accounts plus fees is zero and inventory over all
    accounts is zero in every market.

    >>> ledger = Ledger()
    >>> buy = market_order("ACME", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> ledger.post(trade(buy, against="house", price=100, quantity=3, now=0, fee=2))
    >>> ledger.cash, ledger.inventory["ann"], ledger.fees
    ({'ann': -302, 'house': 300}, {'ACME': 3}, {'shop': 2})
    """

    def __init__(self) -> None:
        self.cash: dict[str, int] = {}
        self.fees: dict[str, int] = {}
        self.inventory: dict[str, dict[str, int]] = {}

    def open(self, account: str) -> None:
        """Make sure that `account` exists, so that one that never trades still stands in the wealth table."""
        self.cash.setdefault(account, 0)
        self.inventory.setdefault(account, {})

    def post(self, fills: Iterable[Fill]) -> None:
        """Move what the legs of one venue call say, all or nothing.

        Raises:
            ConservationError: the legs of a match do not balance in lots, in money, or are not integers.
        """
        fills = tuple(fills)
        lots: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        money: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        for fill in fills:
            match_id, _, owner, market, venue, _, side, quantity, price, paid, fee, _, _, _ = fill
            if type(side) is not Side or type(owner) is not str or not owner:
                raise ConservationError(f"a leg must have a Side and an owner, got {fill}")
            if not (type(quantity) is type(paid) is type(fee) is type(price) is int and quantity > 0):
                raise ConservationError(f"a leg must have integer amounts and a positive quantity, got {fill}")
            match = (venue, market, match_id)
            lots[match] += side * quantity
            money[match] += side * paid - fee
        for (venue, market, match_id), left in lots.items():
            if left or money[venue, market, match_id]:
                gap = money[venue, market, match_id]
                raise ConservationError(
                    f"match {match_id} of market {market!r} at venue {venue!r} leaves {left} lots and {gap} tick-lots "
                    f"over; buys and sells must balance, and money must balance but for the fees"
                )
        for _, _, owner, market, venue, _, side, quantity, _, paid, fee, _, _, _ in fills:
            self.open(owner)
            self.cash[owner] -= side * paid
            held = self.inventory[owner]
            held[market] = held.get(market, 0) + side * quantity
            if fee:
                self.fees[venue] = self.fees.get(venue, 0) + fee

    def check(self) -> None:
        """Raise `ConservationError` unless cash plus fees, and inventory per market, sum to zero."""
        if total := sum(self.cash.values()) + sum(self.fees.values()):
            raise ConservationError(f"cash over all accounts plus fees is {total} tick-lots, not 0")
        totals: dict[str, int] = {}
        for held in self.inventory.values():
            for market, lots in held.items():
                totals[market] = totals.get(market, 0) + lots
        for market, lots in totals.items():
            if lots:
                raise ConservationError(f"inventory of market {market!r} over all accounts is {lots} lots, not 0")
