"""One market of a batch auction: the orders that wait for its next clear, and what the public sees of them."""

from __future__ import annotations

from attrs import define, field

from marketsim.types import Side, VenueState
from venues.clearing import Ladder, Waiting


@define(eq=False)
class CallMarket:
    """Waiting bids and asks, the reference price, and the last state that was published."""

    reference: int | None
    bids: Ladder = field(factory=lambda: Ladder(Side.BUY))
    asks: Ladder = field(factory=lambda: Ladder(Side.SELL))
    last_price: int | None = None
    # Orders that live for one clear.
    lapsing: dict[int, Waiting] = field(factory=dict)
    public: VenueState | None = None
    # Sealed only: the book has changed since it was published.
    unpublished: bool = False
    due: bool = False

    def ladder(self, side: Side) -> Ladder:
        return self.bids if side is Side.BUY else self.asks

    def mid(self) -> float | None:
        bid, ask = self.bids.best(), self.asks.best()
        return None if bid is None or ask is None else (bid + ask) / 2

    def trades(self) -> bool:
        if not self.bids.levels or not self.asks.levels:
            return False
        bid, ask = self.bids.best(), self.asks.best()
        if bid is not None and ask is not None and bid >= ask:
            return True
        if not self.bids.unpriced() and not self.asks.unpriced():
            return False
        return bid is not None or ask is not None or self.reference is not None
