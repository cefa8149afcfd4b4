"""What all pools share: names of accounts and share markets, the legs of swaps and transfers, the common refusals."""

from __future__ import annotations

from typing import Any

from marketsim.errors import ConfigError, shown
from marketsim.gateway import Refusal, check_order, check_order_id, check_quantity
from marketsim.types import (
    Burn,
    Fill,
    Liquidity,
    Mint,
    Order,
    OrderKind,
    Reason,
    Rejected,
    Report,
    Side,
    trade,
)

PPM = 1_000_000
"""Fees are given in millionths."""


def pool_account(venue: str) -> str:
    """The account that holds the reserves of the venue of this name.

    >>> pool_account("amm")
    'pool:amm'
    """
    return f"pool:{venue}"


def share_market(market: str) -> str:
    """The market whose lots are the shares of a pool that trades `market`. Nobody trades it; the ledger conserves it.

    >>> share_market("ACME")
    'ACME/shares'
    """
    return f"{market}/shares"


def nearest_tick(money: int, quantity: int) -> int:
    """The price money / quantity in ticks, rounded to the nearest, a half down.

    >>> nearest_tick(7, 2), nearest_tick(8, 3)
    (3, 3)
    """
    return (2 * money + quantity - 1) // (2 * quantity)


def swap_legs(
    order: Order,
    *,
    quantity: int,
    money: int,
    now: int,
    match_id: int,
    mids: tuple[float | None, float | None],
) -> list[Report]:
    """The taker's and the pool's leg of `order` trading `quantity` lots for exactly `money` tick-lots.

    The price is money / quantity to the nearest tick. A fee that stays in the pool is part of `money`, and the fee of
    both legs is 0: that field is for what leaves the two accounts.
    """
    price = nearest_tick(money, quantity)
    account = pool_account(order.venue)
    return trade(
        order, against=account, price=price, quantity=quantity, now=now, money=money, match_id=match_id, mids=mids
    )


def transfer_legs(
    message: Mint | Burn,
    *,
    market: str,
    side: Side,
    quantity: int,
    money: int,
    now: int,
    match_id: int,
    mids: tuple[float | None, float | None],
) -> list[Report]:
    """Both legs of a transfer between the sender of `message`, who is on `side`, and the pool; none for no lots.

    Neither leg belongs to an order (id 0). The price is money / quantity to the nearest tick, 0 for a gift of lots.
    """
    if quantity == 0:
        return []
    price = nearest_tick(money, quantity)
    parties = ((message.owner, side), (pool_account(message.venue), side.opposite))
    return [
        Fill(
            match_id, 0, owner, market, message.venue, now, leg, quantity, price, money, 0, Liquidity.TRANSFER, *mids
        )
        for owner, leg in parties
    ]  # fmt: skip


def order_refusal(order: Order, markets: tuple[str, ...]) -> Refusal | None:
    """Why a pool cannot take `order`: what the gateway refuses, and every order but a market order."""
    refusal = check_order(order, markets)
    if refusal is None and order.kind is not OrderKind.MARKET:
        return Reason.UNSUPPORTED, f"kind: got {order.kind.value}; a pool takes market orders only"
    return refusal


def liquidity_refusal(message: Mint | Burn, markets: tuple[str, ...]) -> Refusal | None:
    """Why a pool cannot take `message`, by types and bounds of everything but its range (lower, upper)."""
    if refusal := check_quantity(message.liquidity):
        return refusal[0], "liquidity as a " + refusal[1]
    if type(message.owner) is not str or not message.owner:
        return Reason.OWNER, f"owner: got {shown(message.owner)}, wanted a non-empty str"
    if type(message.market) is not str or message.market not in markets:
        return Reason.MARKET, f"market: got {shown(message.market)}, wanted one of {', '.join(markets)}"
    # 0 is the id of a message that no kernel has stamped, and no report on it needs another.
    return None if type(message.order_id) is int and message.order_id == 0 else check_order_id(message.order_id)


def burn_refusal(message: Burn, held: int) -> Refusal | None:
    """Why the sender of `message`, who has `held` shares, cannot take out as many as it says."""
    if held == 0:
        return Reason.NOT_OWNER, f"{message.owner} holds no such shares"
    if message.liquidity > held:
        return Reason.QUANTITY, f"liquidity: got {message.liquidity}, wanted up to the {held} shares held"
    return None


def nothing_to_cancel(order_id: int, owner: str, now: int) -> list[Report]:
    """The answer to every cancel at a venue where nothing ever rests."""
    refusal = check_order_id(order_id)
    if refusal is None:
        refusal = Reason.UNKNOWN_ORDER, f"order_id: got {order_id}, wanted that of a live order: nothing rests here"
    return [Rejected(order_id, refusal[0], owner, time=now, detail=refusal[1])]


def require_market(venue: Any, market: str) -> None:
    """Raise `ConfigError` where `venue` does not trade `market`."""
    if market not in venue.markets:
        wanted = ", ".join(venue.markets)
        raise ConfigError(f"{type(venue).__name__}: market: got {market!r}, wanted one of {wanted}")


def require_question(side: Side, quantity: int) -> None:
    """Raise `ConfigError` unless `side` and `quantity` could be those of an order; for estimates."""
    if type(side) is not Side:
        raise ConfigError(f"impact: side: got {side!r}, wanted Side.BUY or Side.SELL")
    if refusal := check_quantity(quantity):
        raise ConfigError(f"impact: {refusal[1]}")
