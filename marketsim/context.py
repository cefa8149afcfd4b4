"""What one agent can see and do: its own view of account and orders, and the actions the kernel takes from it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from marketsim.errors import ConfigError
from marketsim.exchange import Exchange
from marketsim.streams import Streams
from marketsim.types import (
    Accepted,
    Cancelled,
    Fill,
    Order,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Report,
    Side,
    VenueState,
    whole,
)


class Run(Protocol):
    """What a context asks of the run that it belongs to; `Simulation` answers."""

    streams: Streams
    exchange: Exchange

    @property
    def now(self) -> int: ...
    def send(self, sender: str, venue: str, message: Any) -> None: ...
    def send_cancel(self, sender: str, venue: str, order_id: int) -> None: ...
    def refuse(self, sender: str, order_id: int, reason: Reason) -> None: ...
    def wake(self, sender: str, time: int) -> None: ...
    def observed_state(self, observer: str, market: str, venue: str | None) -> VenueState: ...
    def observed_impact(
        self, observer: str, market: str, side: Side, quantity: int, venue: str | None
    ) -> tuple[int, int]: ...


class AgentContext:
    """The `Context` of one agent. Cash, inventory and open orders follow the reports that have reached the agent."""

    __slots__ = ("_agent_id", "_inventory", "_open", "_rng", "_run", "cash", "open_orders")

    def __init__(self, run: Run, agent_id: str) -> None:
        self._run = run
        self._agent_id = agent_id
        self._rng: np.random.Generator | None = None
        self._inventory: dict[str, int] = {}
        self._open: dict[int, Order] = {}
        self.cash = 0
        self.open_orders: Mapping[int, Order] = MappingProxyType(self._open)

    @property
    def now(self) -> int:
        return self._run.now

    @property
    def rng(self) -> np.random.Generator:
        if self._rng is None:
            self._rng = self._run.streams.stream(f"agent:{self._agent_id}")
        return self._rng

    def inventory(self, market: str, /) -> int:
        return self._inventory.get(market, 0)

    def submit(self, message: Any, /, *, venue: str | None = None) -> int:
        run = self._run
        if type(message) is Order:
            order_id = run.exchange.orders.next_id()
            market = message.market if type(message.market) is str else ""
            name = run.exchange.venue_of(market, venue)
            if name is None:
                run.refuse(self._agent_id, order_id, Reason.MARKET)
                return order_id
            order = message._replace(order_id=order_id, owner=self._agent_id, venue=name)
            self._open[order_id] = order
            run.send(self._agent_id, name, order)
            return order_id
        if type(message) in {Replace, Reduce}:
            raise ConfigError(f"{type(message).__name__} is not submitted: call ctx.{type(message).__name__.lower()}")
        return self._submit_other(message, venue)

    def cancel(self, order_id: int, /) -> None:
        run = self._run
        if order := self._own_or_refuse(order_id):
            run.send_cancel(self._agent_id, order.venue, order_id)

    def reduce(self, order_id: int, /, *, quantity: int) -> None:
        if order := self._own_or_refuse(order_id):
            message = Reduce(order_id, whole(quantity), self._agent_id, order.venue)
            self._run.send(self._agent_id, order.venue, message)

    def replace(self, order_id: int, /, *, quantity: int, price: int | None = None) -> int:
        run = self._run
        new_id = run.exchange.orders.next_id()
        old = self._own_or_refuse(order_id, refused_id=new_id)
        if old is not None:
            order = old._replace(order_id=new_id, quantity=whole(quantity))
            if price is not None:
                order = order._replace(price=whole(price), kind=OrderKind.LIMIT)
            self._open[new_id] = order
            run.send(self._agent_id, old.venue, Replace(order_id, order, self._agent_id, old.venue))
        return new_id

    def wake_at(self, time: int, /) -> None:
        self._run.wake(self._agent_id, time)

    def state(self, market: str, /, *, venue: str | None = None) -> VenueState:
        return self._run.observed_state(self._agent_id, market, venue)

    def estimate_impact(
        self, market: str, side: Side, quantity: int, /, *, venue: str | None = None
    ) -> tuple[int, int]:
        return self._run.observed_impact(self._agent_id, market, side, quantity, venue)

    def learn(self, report: Report) -> None:
        """Bring the view up to date; the kernel calls it just before the agent's own `report` hook."""
        if isinstance(report, Fill):
            side = int(report.side)
            self.cash -= side * report.money
            self._inventory[report.market] = self.inventory(report.market) + side * report.quantity
        order = self._open.get(report.order_id)
        if order is None or isinstance(report, (Accepted, Rejected)):
            return
        left = report.remaining if isinstance(report, Cancelled) else order.quantity - report.quantity
        if left > 0:
            self._open[report.order_id] = order._replace(quantity=left)
        else:
            del self._open[report.order_id]

    def forget(self, order_id: int) -> None:
        """Drop an order that was refused on arrival."""
        self._open.pop(order_id, None)

    def _own_or_refuse(self, order_id: int, *, refused_id: int | None = None) -> Order | None:
        # Own orders only, so that nothing of another's order shows, not even that it lives.
        order = self._open.get(order_id) if type(order_id) is int else None
        if order is None:
            self._run.refuse(self._agent_id, refused_id or order_id, Reason.UNKNOWN_ORDER)
        return order

    def _submit_other(self, message: Any, venue: str | None) -> int:
        fields = getattr(message, "_fields", ())
        if "owner" not in fields or "venue" not in fields:
            raise ConfigError(f"a message must be a named tuple with owner and venue, got {message!r}")
        order_id = self._run.exchange.orders.next_id()
        name = self._run.exchange.venue_of(getattr(message, "market", None), venue)
        if name is None:
            self._run.refuse(self._agent_id, order_id, Reason.MARKET)
            return order_id
        stamp: dict[str, Any] = {"owner": self._agent_id, "venue": name}
        if "order_id" in fields:
            stamp["order_id"] = order_id
        self._run.send(self._agent_id, name, message._replace(**stamp))
        return order_id
