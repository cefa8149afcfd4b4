"""Why a live order cannot be changed: the refusals that all venues with waiting orders share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marketsim.gateway import Refusal, check_order_id, check_quantity
from marketsim.types import Reason, Reduce, Replace

OwnerOf = Callable[[int], str | None]
"""The owner of a live order, by its id; None where there is no such order."""


def withdrawal_refusal(order_id: Any, owner: Any, owner_of: OwnerOf) -> Refusal | None:
    """Why `owner` cannot withdraw an order."""
    if refusal := check_order_id(order_id):
        return refusal
    found = owner_of(order_id)
    if found is None:
        return Reason.UNKNOWN_ORDER, f"order_id: got {order_id}, which is not live"
    if found != owner:
        return Reason.NOT_OWNER, f"order_id: got {order_id}, which belongs to another account"
    return None


def reduction_refusal(message: Reduce, owner_of: OwnerOf, *, step: int) -> Refusal | None:
    """Why lots, a multiple of `step`, cannot be taken off an order."""
    order_id, quantity, owner, _ = message
    refusal = check_quantity(quantity) or withdrawal_refusal(order_id, owner, owner_of)
    if refusal is None and quantity % step:
        return Reason.OFF_GRID, f"quantity: got {quantity}, wanted a multiple of {step}"
    return refusal


def replacement_refusal(message: Replace, owner_of: OwnerOf) -> Refusal | None:
    """Why the order that is to be replaced cannot give way; whether the new one may enter is the venue's to judge."""
    refusal = withdrawal_refusal(message.order_id, message.owner, owner_of)
    if refusal is None and message.order.owner != message.owner:
        return Reason.NOT_OWNER, "the new order has another owner than the replaced one"
    return refusal
