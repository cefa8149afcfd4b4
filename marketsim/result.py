"""What a run leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
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

    >>> from marketsim.testing import PostedPrice
    >>> class Buyer:
    ...     agent_id, role = "ann", "noise"
    ...     def start(self, ctx):
    ...         ctx.submit(market_order("ACME", Side.BUY, quantity=3))
    >>> result = Simulation(venues={"shop": PostedPrice(("ACME",), price=100)}, agents=[Buyer()]).run(horizon=10)
    >>> print(result.fills.frame()[["owner", "time", "side", "quantity", "price", "money"]])
       owner  time  side  quantity  price  money
    0    ann     0     1         3    100    300
    1  house     0    -1         3    100    300
    >>> result.role("ann"), result.ledger.cash
    ('noise', {'ann': -300, 'house': 300})
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
        """The role of an account of this run, as `role_of` gives it."""
        return role_of(account, self.roles)


def role_of(account: str, roles: Mapping[str, str]) -> str:
    """The role of `account`; an account that is no agent (a pool, a tape) has its own prefix as its role.

    >>> role_of("pool:amm", {"ann": "noise"})
    'pool'
    """
    return roles.get(account, account.partition(":")[0])
