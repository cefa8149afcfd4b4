"""What an agent under test meets: signals, neighbours, a venue that refuses it, and a watch over its hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from attrs import define, field, frozen

from marketsim.protocols import Context, FairValue
from marketsim.registration import HOOKS
from marketsim.testing.generate import draws
from marketsim.types import Order, Reason, Rejected, Report, Side, Signal, limit_order, market_order, rejected

_TIERS = (("routine", 0.01), ("tail", 0.02), ("public", 0.0))
_PUBLIC = (
    "now", "rng", "cash", "open_orders", "inventory", "submit", "cancel", "reduce", "replace", "wake_at", "state",
    "estimate_impact",
)  # fmt: skip


@frozen
class World:
    """The agent's factory and where its agents are run."""

    factory: Callable[[], Any]
    seed: int
    markets: tuple[str, ...]
    price: int


@define(eq=False)
class Signals:
    """A source of signals of every tier, every few steps, around one price."""

    markets: tuple[str, ...]
    price: int
    horizon: int
    seed: int
    _time: int = field(init=False, default=1)

    def next_time(self) -> int | None:
        """Every fourth step."""
        return self._time if self._time <= self.horizon else None

    def emit(self, truth: FairValue, /) -> Iterable[Signal]:  # noqa: ARG002
        """One signal for each market."""
        now, self._time = self._time, self._time + 4
        rng = draws("signals", self.seed, now)
        for market in self.markets:
            tier, sigma = rng.choice(_TIERS)
            yield Signal(market, tier, now, self.price * (1 + rng.gauss(0, 0.01)), sigma)


@define(eq=False)
class Neighbour:
    """Quotes around a price, on the sides it is given, and now and then takes."""

    agent_id: str
    markets: tuple[str, ...]
    price: int
    review_interval: int
    sides: tuple[int, ...]

    def review(self, ctx: Context) -> None:
        """One order, limit or market."""
        rng = ctx.rng
        market = self.markets[int(rng.integers(len(self.markets)))]
        side = Side(self.sides[int(rng.integers(len(self.sides)))])
        lots = int(rng.integers(1, 20))
        if rng.random() < 0.2:
            ctx.submit(market_order(market, side, quantity=lots))
            return
        away = int(rng.integers(-2, 20)) * max(1, self.price // 2000)
        ctx.submit(limit_order(market, side, quantity=lots, price=self.price - side * away))
        if len(ctx.open_orders) > 8:
            ctx.cancel(next(iter(ctx.open_orders)))


@define(eq=False)
class Blocked:
    """A venue that refuses whatever one account sends, and lets everybody else through."""

    venue: Any
    owner: str

    @property
    def markets(self) -> tuple[str, ...]:
        """Those of the venue behind."""
        return self.venue.markets  # type: ignore[no-any-return]

    @property
    def messages(self) -> tuple[type, ...]:
        """Those of the venue behind."""
        return getattr(self.venue, "messages", (Order,))

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Refuse, or pass on."""
        if getattr(message, "owner", "") == self.owner:
            return rejected(getattr(message, "order", message), Reason.CLOSED, now=now)
        return self.venue.submit(message, now)  # type: ignore[no-any-return]

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """Refuse, or pass on."""
        if owner == self.owner:
            return [Rejected(order_id, Reason.UNKNOWN_ORDER, owner, time=now)]
        return self.venue.cancel(order_id, owner, now)  # type: ignore[no-any-return]

    def state(self, market: str, /) -> Any:
        """That of the venue behind."""
        return self.venue.state(market)

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """That of the venue behind."""
        return self.venue.estimate_impact(market, side, quantity)  # type: ignore[no-any-return]

    def clock(self, now: int, /) -> list[Report]:
        """That of the venue behind."""
        return self.venue.clock(now)  # type: ignore[no-any-return]

    def next_clock(self, now: int, /) -> int | None:
        """That of the venue behind."""
        return self.venue.next_clock(now)  # type: ignore[no-any-return]


class Watched:
    """An agent behind a watch: the kernel sees its hooks and attributes, and the watch what it hears and reaches for.

    Args:
        agent: the agent.
        listening: keep every report, whether or not the agent has a `report` hook.
        guarded: show it only the public parts of its context.
    """

    def __init__(self, agent: Any, *, listening: bool = False, guarded: bool = False) -> None:
        self._agent, self._listening, self._guarded = agent, listening, guarded
        self.heard: list[Report] = []

    def __getattr__(self, name: str) -> Any:
        if name == "report" and self._listening:
            return self._listen
        value = getattr(self._agent, name)
        return self._hook(value) if name in HOOKS and callable(value) and self._guarded else value

    def _listen(self, ctx: Any, report: Report) -> Any:
        self.heard.append(report)
        own = getattr(self._agent, "report", None)
        return own(ctx, report) if own is not None else None

    def _hook(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        if hook.__code__.co_argcount == 3:
            return lambda ctx, item: hook(OnlyPublic(ctx), item)
        return lambda ctx: hook(OnlyPublic(ctx))


class OnlyPublic:
    """A context without anything that `marketsim.protocols.Context` does not name."""

    __slots__ = ("_ctx",)

    def __init__(self, ctx: Any) -> None:
        object.__setattr__(self, "_ctx", ctx)

    def __getattribute__(self, name: str) -> Any:
        if name in _PUBLIC:
            return getattr(object.__getattribute__(self, "_ctx"), name)
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        raise AttributeError(f"ctx.{name} is not for agents; they have {', '.join(_PUBLIC)}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"ctx.{name} cannot be set")
