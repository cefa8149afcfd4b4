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

    >>> from marketsim.testing import PostedPrice
    >>> venue: Venue = PostedPrice(("ACME",), price=100)
    >>> buy = market_order("ACME", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> [(leg.owner, leg.side.name, leg.money) for leg in venue.submit(buy, 0)]
    [('ann', 'BUY', 300), ('house', 'SELL', 300)]
    >>> venue.state("ACME").mid, venue.estimate_impact("ACME", Side.SELL, 7)
    (100.0, (7, 700))
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
    """The truth: a price in ticks for every market at every time. The same question always gets the same answer.

    >>> class Ramp:
    ...     markets = ("ACME",)
    ...     def at(self, market, time):
    ...         return 1000.0 + 0.5 * time
    >>> truth: FairValue = Ramp()
    >>> truth.at("ACME", 8)
    1004.0
    """

    @property
    def markets(self) -> tuple[str, ...]:
        """Names of the markets that have a price."""

    def at(self, market: str, time: int, /) -> float:
        """Price in ticks at `time`, from 0 to the horizon it was built for."""


class Source(Protocol):
    """Events from outside: signals, recorded trades. Runs at rank 0, pulled by the kernel one instant at a time.

    >>> from marketsim.tape import TradeFeed, TradeTape
    >>> tape = TradeTape([0, 7], [100.0, 101.0])
    >>> source: Source = TradeFeed(tape, "BTC", "tape", tick_size=0.5, step=5)
    >>> while (time := source.next_time()) is not None:
    ...     print(time, [feed.price for feed in source.emit(None)])
    0 [200]
    2 [202]
    """

    def next_time(self) -> int | None:
        """Time of the next events, never earlier than the last ones; None at the end."""

    def emit(self, truth: FairValue, /) -> Iterable[Signal | Feed | Order | Settle]:
        """The events of `next_time()`, and move on. `truth` refuses any later time."""


class InformationProcess(Protocol):
    """Turns the truth into signals for one run.

    >>> from marketsim.fairvalue import PoissonJumps
    >>> from marketsim.information import PublicNews
    >>> truth = PoissonJumps(opening={"A": 100.0}, horizon=9, jump_times={"A": [5]}, jump_sizes={"A": [1.0]})
    >>> process: InformationProcess = PublicNews()
    >>> process.source(truth, 9, Streams(1)).next_time()
    5
    """

    def source(self, truth: FairValue, horizon: int, streams: Any, /) -> Source:
        """The signals of one run up to `horizon`, drawn from named `streams` (`marketsim.Streams`)."""


class Context(Protocol):
    """All that an agent can see and do. It never shows the truth, and what it shows is delayed as the agent is.

    >>> from marketsim.testing import PostedPrice
    >>> class Buyer:
    ...     agent_id, report_latency = "ann", 2
    ...     def start(self, ctx: Context) -> None:
    ...         ctx.submit(limit_order("ACME", Side.BUY, quantity=3, price=ctx.state("ACME").best_ask))
    ...     def report(self, ctx: Context, report: Report) -> None:
    ...         print(f"step {ctx.now}: {ctx.cash} tick-lots, {ctx.inventory('ACME')} lots")
    >>> result = Simulation(venues={"shop": PostedPrice(("ACME",), price=100)}, agents=[Buyer()]).run(horizon=10)
    step 2: -300 tick-lots, 3 lots
    """

    @property
    def now(self) -> int:
        """The present step."""

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

    def cancel(self, order_id: int, /) -> None:
        """Ask the venue to withdraw what is left of an own order; the answer is a report."""

    def reduce(self, order_id: int, /, *, quantity: int) -> None:
        """Take `quantity` lots off an own order, which keeps its place in the queue."""

    def replace(self, order_id: int, /, *, quantity: int, price: int | None = None) -> int:
        """Cancel an own order and submit it anew with `quantity` and `price` (None: as before); returns the new id."""

    def wake_at(self, time: int, /) -> None:
        """Ask for a `wake` call at `time`, the present included."""

    def state(self, market: str, /, *, venue: str | None = None) -> VenueState:
        """The public state of `market`, `market_data_delay` steps old."""

    def estimate_impact(
        self, market: str, side: Side, quantity: int, /, *, venue: str | None = None
    ) -> tuple[int, int]:
        """(lots available, money for them in tick-lots) of a market order, from what the agent may see."""


@runtime_checkable
class Agent(Protocol):
    """Any object with an `agent_id` and at least one hook.

    Hooks, each called only where it exists: `start(ctx)`, `decide(ctx, signal)`, `review(ctx)` every
    `review_interval` steps, `arrive(ctx)` at Poisson `arrival_rate` per time unit, `wake(ctx)`, `report(ctx, report)`.
    `observes(market, tier) -> bool` selects signals. Optional delays in steps, each an integer or a mapping by venue:
    `observation_delay` (signals; an integer only), `market_data_delay`, `order_latency`, `report_latency`. Optional
    `role` groups agents in reports.

    >>> from marketsim.testing import PostedPrice
    >>> class Watcher:
    ...     agent_id, review_interval = "ann", 4
    ...     def review(self, ctx):
    ...         print(f"step {ctx.now}: {ctx.state('ACME').best_ask} ticks")
    >>> result = Simulation(venues={"shop": PostedPrice(("ACME",), price=100)}, agents=[Watcher()]).run(horizon=10)
    step 4: 100 ticks
    step 8: 100 ticks
    >>> isinstance(Watcher(), Agent)
    True
    """

    @property
    def agent_id(self) -> str:
        """Its name and its account, unique in a run."""
