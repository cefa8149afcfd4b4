"""Capital of an agent that trades on a budget: what is committed, what is reserved, how much still fits."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from marketsim.checks import integer, number
from marketsim.protocols import Context
from marketsim.types import Fill, Report, Side, market_order

_HALVINGS = 24


@define
class Capital:
    """A budget in tick-lots that trading uses up for good, buys and sells alike.

    A fill commits its money. An order on its way reserves its estimated cost times `safety` until it has ended.

    Args:
        budget: tick-lots.
        safety: factor on every estimate, at least 1.
    """

    budget: int = field(validator=integer(0))
    safety: float = field(default=1.08, validator=number(1.0))
    committed: int = 0
    _reserved: dict[int, int] = field(factory=dict)

    @property
    def left(self) -> int:
        """Tick-lots neither committed nor reserved, never below zero."""
        return max(0, self.budget - self.committed - sum(self._reserved.values()))

    def largest(self, quantity: int, cost: Callable[[int], int | None]) -> tuple[int, int]:
        """The largest of quantity, quantity / 2, ... that fits, and its cost; (0, 0) where none does.

        Args:
            quantity: lots of a full order.
            cost: tick-lots of that many lots, rising with their number; None where there is no offer.
        """
        left = self.left

        def fitting(halvings: int) -> int | None:
            lots = quantity >> halvings
            money = cost(lots) if lots else 0
            return money if money is not None and self.with_safety(money) <= left else None

        # Cost rises with quantity, so what fits does so from some number of halvings on: bisection on that number.
        low, high = 0, _HALVINGS
        money = fitting(0)
        if money is not None:
            return quantity, money
        while high - low > 1:
            middle = (low + high) // 2
            if fitting(middle) is None:
                low = middle
            else:
                high = middle
        money = fitting(high)
        lots = quantity >> high
        return (lots, money) if money is not None and lots else (0, 0)

    def with_safety(self, money: int) -> int:
        return round(abs(money) * self.safety)

    def reserve(self, order_id: int, money: int) -> None:
        """Set the estimate for an order aside, safety included."""
        self._reserved[order_id] = self.with_safety(money)

    def learn(self, ctx: Context, report: Report) -> None:
        """Commit what a fill cost, whichever its side; free what an order that has ended did not spend."""
        if isinstance(report, Fill):
            self.committed += abs(report.money)
        if report.order_id not in ctx.open_orders:
            self._reserved.pop(report.order_id, None)


def take(ctx: Context, capital: Capital, market: str, side: Side, quantity: int) -> None:
    """Send a market order of up to `quantity` lots, as large as the estimated cost allows."""

    def cost(lots: int) -> int | None:
        available, money = ctx.estimate_impact(market, side, lots)
        return money if available else None

    affordable, money = capital.largest(quantity, cost)
    if affordable:
        capital.reserve(ctx.submit(market_order(market, side, quantity=affordable)), money)
