"""What a run leaves behind."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from marketsim.columns import Table
from marketsim.ledger import Ledger
from marketsim.protocols import FairValue


@frozen(eq=False)
class Result:
    """The logs and accounts of one run; everything that is measured is computed from this and the fair value.

    `fills`, `orders` and `quotes` are tables (see `marketsim.columns` for their columns; `.frame()` gives pandas).
    `agents` and `venues` are the objects themselves as the run left them.
    """

    fills: Table
    orders: Table
    quotes: Table
    ledger: Ledger
    roles: dict[str, str]
    agents: dict[str, Any]
    venues: dict[str, Any]
    fair_value: FairValue | None
    horizon: int
    seed: int
    events: int

    def role(self, account: str) -> str:
        """The role of an account; accounts that are not agents (pools, tapes) are their own role's prefix."""
        return self.roles.get(account, account.partition(":")[0])
