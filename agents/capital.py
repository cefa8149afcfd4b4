"""Capital of an agent that trades on a budget: what is committed, what is reserved, how much still fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from attrs import define, field

from marketsim.checks import integer, number
from marketsim.errors import ConfigError
from marketsim.protocols import Context
from marketsim.types import Fill, Report, Side, limit_order, market_order


class CapitalRule(Protocol):
    """How an agent's budget bounds its orders. Plugins of the group `marketsim.capital` are built from a budget.

    >>> class Unbounded:
    ...     def take(self, ctx, market, side, quantity, /):
    ...         ctx.submit(market_order(market, side, quantity=quantity))
    ...         return True
    ...     def post(self, ctx, market, side, quantity, price, /):
    ...         ctx.submit(limit_order(market, side, quantity=quantity, price=price))
    ...     def learn(self, ctx, report, /): ...
    >>> from types import SimpleNamespace
    >>> Unbounded().take(SimpleNamespace(submit=print), "ACME", Side.BUY, 10)
    Order(market='ACME', side=<Side.BUY: 1>, quantity=10, price=None, ...)
    True
    """

    def take(self, ctx: Context, market: str, side: Side, quantity: int, /) -> bool:
        """Send a market order of up to `quantity` lots, as large as fits; False where the venue offers nothing."""

    def post(self, ctx: Context, market: str, side: Side, quantity: int, price: int, /) -> None:
        """Send a limit order of up to `quantity` lots at `price` ticks, as large as fits."""

    def learn(self, ctx: Context, report: Report, /) -> None:
        """Account for a report on one of the agent's orders."""


def capital_rule(instance: Any, attribute: Any, value: Any) -> None:
    """An attrs validator: the value has the methods of a `CapitalRule`.

    Raises:
        ConfigError: naming the field and the methods that are missing.

    >>> from agents.edge import EdgeTrading
    >>> EdgeTrading(capital=1000, quantity=10)
    Traceback (most recent call last):
        ...
    marketsim.errors.ConfigError: EdgeTrading.capital: got 1000 without take, post, learn, wanted a capital rule
    """
    missing = [name for name in ("take", "post", "learn") if not callable(getattr(value, name, None))]
    if missing:
        where = f"{type(instance).__name__}.{attribute.name}"
        raise ConfigError(f"{where}: got {value!r} without {', '.join(missing)}, wanted a capital rule")


def largest(quantity: int, left: int, cost: Callable[[int], int | None]) -> tuple[int, int]:
    """The most lots up to `quantity` whose cost is at most `left`, and that cost.

    Costs are close to proportional, so every other probe is a guess by proportion; those between halve what is open.

    Args:
        quantity: lots of a full order.
        left: tick-lots.
        cost: tick-lots of that many lots, rising with their number; None where so many are not offered.

    Returns:
        (lots, tick-lots), (0, 0) where not even one fits.

    >>> largest(100, 250, lambda lots: 3 * lots)
    (83, 249)
    """
    dear = cost(quantity)
    if dear is not None and dear <= left:
        return quantity, dear
    low, paid, high = 0, 0, quantity
    halve = False
    while high - low > 1:
        lots = (low + high) // 2
        if dear is not None and not halve:
            lots = min(max(low + (left - paid) * (high - low) // (dear - paid), low + 1), high - 1)
        halve = not halve
        money = cost(lots)
        if money is not None and money <= left:
            low, paid = lots, money
        else:
            high, dear = lots, money
    return low, paid


@define
class Capital:
    """A budget in tick-lots that trading uses up for good, buys and sells alike.

    A fill commits its money. An order on its way, or resting, reserves its estimated cost times `safety` until it has
    ended.

    Args:
        budget: tick-lots.
        safety: factor on every estimate, at least 1.
        committed: tick-lots of all fills so far.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from types import SimpleNamespace
    >>> capital = Capital(budget=10_000)
    >>> ctx = SimpleNamespace(submit=lambda order: 7, open_orders={})
    >>> capital.post(ctx, "ACME", Side.BUY, 20, 1000)  # 9 lots of the 20 fit: 9 x 1000 x 1.08 tick-lots
    >>> capital.left
    280
    >>> capital.learn(ctx, Cancelled(7, "ann", "ACME", "book", time=5, quantity=9))
    >>> capital.left
    10000
    """

    budget: int = field(validator=integer(0))
    safety: float = field(default=1.08, validator=number(1.0))
    committed: int = 0
    _reserved: dict[int, int] = field(factory=dict)

    @property
    def left(self) -> int:
        """Tick-lots neither committed nor reserved, never below zero."""
        return max(0, self.budget - self.committed - sum(self._reserved.values()))

    def take(self, ctx: Context, market: str, side: Side, quantity: int, /) -> bool:
        def cost(lots: int) -> int | None:
            available, money = ctx.estimate_impact(market, side, lots)
            return self._safe(money) if available else None

        least, left = cost(1), self.left
        if least is None:
            return False
        # Most orders of a study come when the budget is spent: one estimate then says it all.
        lots, reserve = largest(quantity, left, cost) if least <= left else (0, 0)
        if lots:
            self._reserved[ctx.submit(market_order(market, side, quantity=lots))] = reserve
        return True

    def post(self, ctx: Context, market: str, side: Side, quantity: int, price: int, /) -> None:
        lots, reserve = largest(quantity, self.left, lambda lots: self._safe(lots * price))
        if lots:
            self._reserved[ctx.submit(limit_order(market, side, quantity=lots, price=price))] = reserve

    def learn(self, ctx: Context, report: Report, /) -> None:
        """Commit what a fill cost, whichever its side; free what an order that has ended did not spend."""
        if isinstance(report, Fill):
            self.committed += abs(report.money)
        if report.order_id not in ctx.open_orders:
            self._reserved.pop(report.order_id, None)

    def _safe(self, money: int) -> int:
        return round(abs(money) * self.safety)
