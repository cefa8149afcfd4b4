"""The seams: what a venue, an agent, a fair value, an information process and a source of events look like.

All are structural. A plugin needs no base class; it imports value types only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

from marketsim.types import Feed, Message, Order, Report, Settle, Side, Signal, VenueState

Delay: TypeAlias = int | Mapping[str, int]
"""Steps, the same for every venue or by venue name."""


class Venue(Protocol):
    """A trading mechanism. It holds no time source, no randomness and no accounts.

    A venue may also declare, as attributes:

    - `messages`, a tuple of the message types that `submit` takes; without it, only `Order`.
    - `separate_markets = True`, where its markets share nothing: an order, a cancel, a `Reduce` or a `Replace` changes
      what `state` answers (impact included) for no market but those its reports name, and a refused one for none. Only
      these are then asked after such a message, so that an order costs the same however many markets there are; after
      anything else all are. Where the promise is false, recorded quotes and what delayed agents see go stale without a
      word: the check `separate-markets` of `marketsim.testing` holds a venue to it. A subclass inherits the promise,
      and says False where it breaks it.
    """

    @property
    def markets(self) -> tuple[str, ...]:
        """Names of the markets traded here."""

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take a message at `now` and answer with every effect it has.

        An order's quantity is accounted for in full: fills + expired + cancelled + accepted (what rests) = quantity,
        or the one report is `Rejected` and nothing changed.
        """

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """Withdraw what is left of `order_id`: `Cancelled`, or `Rejected` when it is not live or not `owner`'s."""

    def state(self, market: str, /) -> VenueState:
        """What the public sees now. Calling it changes nothing."""

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots available, money for them in tick-lots) of a market order, from public information only."""

    def clock(self, now: int, /) -> list[Report]:
        """The venue's own time has come; a call between the times it names must change nothing."""

    def next_clock(self, now: int, /) -> int | None:
        """The next time, later than `now`, at which `clock` must be called, or None. Asked again after every call."""


class FairValue(Protocol):
    """The truth: a price in ticks for every market at every time. The same question always gets the same answer."""

    @property
    def markets(self) -> tuple[str, ...]: ...

    def at(self, market: str, time: int, /) -> float:
        """Price in ticks at `time`, from 0 to the horizon it was built for."""


class Source(Protocol):
    """Events from outside: signals, recorded trades. Runs at rank 0, pulled by the kernel one instant at a time."""

    def next_time(self) -> int | None:
        """Time of the next events, never earlier than the last ones; None at the end."""

    def emit(self, truth: FairValue, /) -> Iterable[Signal | Feed | Order | Settle]:
        """The events of `next_time()`, and move on. `truth` refuses any later time."""


class InformationProcess(Protocol):
    """Turns the truth into signals for one run."""

    def source(self, truth: FairValue, horizon: int, streams: Any, /) -> Source: ...


class Context(Protocol):
    """All that an agent can see and do. It never shows the truth, and what it shows is delayed as the agent is."""

    @property
    def now(self) -> int: ...

    @property
    def rng(self) -> Any:
        """The agent's own `numpy.random.Generator`: nobody else's draws move it, and its draws move nobody."""

    @property
    def cash(self) -> int:
        """Tick-lots, by the reports that have reached the agent."""

    @property
    def open_orders(self) -> Mapping[int, Order]:
        """Own live orders by id, `quantity` being what is left, by the reports that have reached the agent.

        A live view: go over `list(ctx.open_orders)` where the loop submits or replaces.
        """

    def inventory(self, market: str, /) -> int:
        """Lots held (negative: short), by the reports that have reached the agent."""

    def submit(self, order: Order | Message, /, *, venue: str | None = None) -> int:
        """Send a message; returns the order's id at once. `venue` may be left out where one venue has the market."""

    def cancel(self, order_id: int, /) -> None: ...

    def reduce(self, order_id: int, /, *, quantity: int) -> None:
        """Take `quantity` lots off an own order, which keeps its place in the queue."""

    def replace(self, order_id: int, /, *, quantity: int, price: int | None = None) -> int:
        """Cancel an own order and submit it anew with `quantity` and `price` (None: as before); returns the new id."""

    def wake_at(self, time: int, /) -> None:
        """Ask for a `wake` call at `time`, the present included."""

    def state(self, market: str, /, *, venue: str | None = None) -> VenueState: ...

    def estimate_impact(
        self, market: str, side: Side, quantity: int, /, *, venue: str | None = None
    ) -> tuple[int, int]: ...


@runtime_checkable
class Agent(Protocol):
    """Any object with an `agent_id` and at least one hook.

    Hooks, each called only where it exists: `start(ctx)`, `decide(ctx, signal)`, `review(ctx)` every
    `review_interval` steps, `arrive(ctx)` at Poisson `arrival_rate` per time unit, `wake(ctx)`, `report(ctx, report)`.
    `observes(market, tier) -> bool` selects signals. Optional delays in steps, each an integer or a mapping by venue:
    `observation_delay` (signals; an integer only), `market_data_delay`, `order_latency`, `report_latency`. Optional
    `role` groups agents in reports.
    """

    @property
    def agent_id(self) -> str: ...
