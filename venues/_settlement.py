"""What a venue refuses when the event of a market resolves."""

from __future__ import annotations

from collections.abc import Mapping

from marketsim.errors import shown
from marketsim.gateway import PRICE_MAX, Refusal
from marketsim.types import Reason, Settle


def settle_refusal(message: Settle, markets: tuple[str, ...], settled: Mapping[str, int]) -> Refusal | None:
    """Why a market that is settled by itself cannot be settled by `message`; `settled` is ticks by settled market.

    A settlement price need be on no grid and may lie below a venue's lowest limit: an outcome that did not happen
    pays 0.
    """
    market, price, _ = message
    if type(market) is not str or market not in markets:
        return Reason.MARKET, f"market: got {shown(market)}, wanted one of {', '.join(markets)}"
    if type(price) is not int or abs(price) > PRICE_MAX:
        return Reason.PRICE, f"price: got {shown(price)}, wanted an int of at most 2**53 either way"
    return closed(market, settled)


def closed(market: str, settled: Mapping[str, int]) -> Refusal | None:
    """Why `market` takes no more messages, if it has settled."""
    if market not in settled:
        return None
    return Reason.CLOSED, f"market: got {market}, which has settled at {settled[market]}"
