"""One run: agents, venues, sources and a fair value around one kernel.

The simulation moves signals, messages and reports at each agent's delays, breaks ties among agents, and calls the
plugins' hooks. What venues do with messages is the exchange's part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from marketsim.checks import finite
from marketsim.context import AgentContext
from marketsim.errors import FAULTS, ConfigError, PluginError, RegistrationError, raised, written
from marketsim.exchange import Delivery, Exchange
from marketsim.fairvalue import GuardedFairValue
from marketsim.gateway import check_quantity
from marketsim.kernel import DECISION, MARKET_DATA, MESSAGE, REPORT, TIME_MAX, VENUE_CLOCK, Kernel
from marketsim.protocols import FairValue, InformationProcess, Source, Venue
from marketsim.registration import (
    AgentSlot,
    agent_slot,
    check_delays,
    check_source_shape,
    review_interval,
    steps,
)
from marketsim.result import Result
from marketsim.streams import Streams, mix
from marketsim.types import Order, Reason, Rejected, Replace, Side, Signal, VenueState

TIES = ("seeded", "list")


class Simulation:
    """A market in discrete time.

    Args:
        venues: venue by name; at least one.
        agents: objects with an `agent_id` and hooks; see `marketsim.protocols.Agent`.
        fair_value: the truth, which only the information process and the evaluation see.
        information: turns the truth into signals; None for a run without signals.
        sources: further events from outside, such as recorded trades.
        seed: root of all random streams.
        ties: "seeded" breaks ties among agents at one instant by a key of (seed, time, agent_id), so that a place in
            the list is no edge; "list" goes by place in the list.
        time_unit: steps per unit of time, in which arrival rates are given.
        events_per_instant_max: how many events may run at one time before the run stops with `EndlessInstantError`.

    Raises:
        RegistrationError: an agent or a venue does not look like one, or two agents share an id.

    >>> from marketsim.testing import PostedPrice
    >>> class Buyer:
    ...     agent_id, order_latency = "ann", 4
    ...     def start(self, ctx):
    ...         ctx.submit(market_order("ACME", Side.BUY, quantity=3))
    >>> result = Simulation(venues={"shop": PostedPrice(("ACME",), price=100)}, agents=[Buyer()]).run(horizon=10)
    >>> result.fills.columns()["time"].tolist(), result.ledger.cash, result.ledger.inventory["ann"]
    ([4, 4], {'ann': -300, 'house': 300}, {'ACME': 3})
    """

    def __init__(
        self,
        *,
        venues: Mapping[str, Venue],
        agents: Sequence[Any] = (),
        fair_value: FairValue | None = None,
        information: InformationProcess | None = None,
        sources: Sequence[Source] = (),
        seed: int = 0,
        ties: str = "seeded",
        time_unit: int = 1000,
        events_per_instant_max: int = 100_000,
    ) -> None:
        if ties not in TIES:
            raise ConfigError(f"ties: got {ties!r}, wanted one of {', '.join(TIES)}")
        if type(time_unit) is not int or time_unit < 1:
            raise ConfigError(f"time_unit: got {time_unit!r}, wanted an int of at least 1")
        if information is not None and fair_value is None:
            raise ConfigError("an information process needs a fair value")
        self.streams = Streams(seed)
        self._kernel = Kernel(events_per_instant_max=events_per_instant_max)
        self._ties = ties
        self._time_unit = time_unit
        self._fair_value = fair_value
        self._truth = None if fair_value is None else GuardedFairValue(fair_value, lambda: self._kernel.now)
        self._information = information
        self._sources = list(sources)
        self._agents = self._register(agents)
        history = {
            name: max((steps(agent.market_data_delay, name) for agent in self._agents.values()), default=0)
            for name in venues
        }
        for agent in self._agents.values():
            check_delays(agent, venues)
        self.exchange = Exchange(venues, history, seed=seed, agents=self._agents)
        self._has_run = False
        self._armed: dict[str, int | None] = {}
        self._alarms: dict[tuple[str, int], None] = {}
        self._places = {name: place for place, name in enumerate(venues)}
        self._observers: dict[tuple[str, str], list[AgentSlot]] = {}

    @property
    def now(self) -> int:
        """The present step."""
        return self._kernel.now

    def run(self, horizon: int) -> Result:
        """Run from time 0 to `horizon`, both included, and return what happened. A simulation runs once.

        Raises:
            PluginError: an agent, a venue, a source, the information process or the fair value raised, or answered with
                something of the wrong kind.
            ConservationError: a venue call created or destroyed cash, inventory or order quantity.
            EndlessInstantError: too many events at one time.
        """
        if type(horizon) is not int or not 1 <= horizon <= TIME_MAX:
            raise ConfigError(f"horizon: got {horizon!r}, wanted an int of at least 1 up to 2**62")
        if self._has_run:
            raise ConfigError("this simulation has run; build a new one for another run")
        self._has_run = True
        self._start(horizon)
        self._kernel.run(horizon)
        exchange = self.exchange
        exchange.ledger.check()
        return Result(
            fills=exchange.fills,
            orders=exchange.orders.close(),
            quotes=exchange.quotes.table,
            ledger=exchange.ledger,
            roles={slot.agent_id: slot.role for slot in self._agents.values()},
            agents={slot.agent_id: slot.agent for slot in self._agents.values()},
            venues={name: slot.venue for name, slot in exchange.slots.items()},
            fair_value=self._fair_value,
            horizon=horizon,
            seed=self.streams.seed,
            events=self._kernel.events,
        )

    # What a context asks for

    def send(self, sender: str, venue: str, message: Any) -> None:
        """Take `message` on its way; it reaches the venue after the sender's order latency."""
        order = message if type(message) is Order else message.order if type(message) is Replace else None
        if order is not None:
            self.exchange.orders.submitted(order, self.now)
        agent = self._agents[sender]
        self._after(steps(agent.order_latency, venue), MESSAGE, agent, self._on_message, (venue, message))

    def send_cancel(self, sender: str, venue: str, order_id: int) -> None:
        """Take a cancel on its way, as `send` does a message."""
        agent = self._agents[sender]
        self._after(steps(agent.order_latency, venue), MESSAGE, agent, self._on_cancel, (venue, order_id, sender))

    def refuse(self, sender: str, order_id: int, reason: Reason) -> None:
        """Answer a request that no venue can answer."""
        self._deliver([Delivery(sender, "", [Rejected(order_id, reason, sender, time=self.now)], [])])

    def wake(self, sender: str, time: int) -> None:
        """Call the sender's wake hook at step `time`; `RegistrationError` where it has none."""
        agent = self._agents[sender]
        if "wake" not in agent.hooks:
            raise RegistrationError(f"agent {sender!r} asked to be woken and has no wake hook")
        tie = self._tie(agent, time) if type(time) is int else 0  # the kernel refuses what is no time
        self._kernel.schedule(time, DECISION, sender, self._on_wake, agent, tie=tie)

    def observed_state(self, observer: str, market: str, venue: str | None) -> VenueState:
        """The public state that `observer` may see: as it was `market_data_delay` steps ago."""
        slot = self.exchange.slot_of(market, venue)
        delay = steps(self._agents[observer].market_data_delay, slot.name)
        if delay:
            return self.exchange.quotes.state_at(slot.name, market, self.now - delay)
        return self.exchange.state(slot, market, self.now)

    def observed_impact(
        self, observer: str, market: str, side: Side, quantity: int, venue: str | None
    ) -> tuple[int, int]:
        """(lots available, money in tick-lots), from the state that `observer` may see.

        Raises:
            ConfigError: `quantity` is no whole number of lots within bounds.
        """
        slot = self.exchange.slot_of(market, venue)
        if refusal := check_quantity(quantity):
            raise ConfigError(refusal[1])
        delay = steps(self._agents[observer].market_data_delay, slot.name)
        return self.exchange.estimate(slot, market, side, quantity, self.now, delay=delay)

    # Setting up

    def _register(self, agents: Iterable[Any]) -> dict[str, AgentSlot]:
        slots: dict[str, AgentSlot] = {}
        for place, agent in enumerate(agents):
            slot = agent_slot(agent, place)
            if slot.agent_id in slots:
                raise RegistrationError(f"two agents have the id {slot.agent_id!r}")
            slot.key = self.streams.key(f"ties:{slot.agent_id}")
            slot.context = AgentContext(self, slot.agent_id)
            slots[slot.agent_id] = slot
        return slots

    def _start(self, horizon: int) -> None:
        if self._information is not None and self._fair_value is not None:
            self._sources.append(self._informed(self._information, self._fair_value, horizon))
        for name, slot in self.exchange.slots.items():
            self.exchange.observe(slot, 0)
            self._arm(name)
        for agent in self._agents.values():
            self.exchange.ledger.open(agent.agent_id)
            self._start_agent(agent)
        for place, source in enumerate(self._sources):
            check_source_shape(source)
            self._schedule_source(source, place)

    def _start_agent(self, agent: AgentSlot) -> None:
        if "start" in agent.hooks:
            self._after(0, DECISION, agent, self._on_start, agent)
        if "review" in agent.hooks:
            self._review_later(agent)
        if "arrive" in agent.hooks:
            stream = self.streams.stream(f"arrivals:{agent.agent_id}")
            gaps = _gaps(stream, self._time_unit / agent.arrival_rate)
            self._after(next(gaps), DECISION, agent, self._on_arrival, (agent, gaps))

    def _informed(self, information: InformationProcess, truth: FairValue, horizon: int) -> Source:
        try:
            source = information.source(truth, horizon, self.streams)
            check_source_shape(source)
        except FAULTS as error:
            raise self._fault(f"information {type(information).__name__}.source", raised(error)) from error
        return source

    # Scheduling

    def _tie(self, agent: AgentSlot, time: int) -> int:
        return agent.place if self._ties == "list" else mix(agent.key, time)

    def _after(self, delay: int, rank: int, agent: AgentSlot, handler: Callable[[Any], object], argument: Any) -> None:
        time = self._kernel.now + delay
        self._kernel.schedule(time, rank, agent.agent_id, handler, argument, tie=self._tie(agent, time))

    def _review_later(self, agent: AgentSlot) -> None:
        try:
            self._after(review_interval(agent.agent), DECISION, agent, self._on_review, agent)
        except FAULTS as error:
            raise self._agent_fault(agent, "review_interval", raised(error)) from error

    def _schedule_source(self, source: Source, place: int) -> None:
        name = type(source).__name__
        try:
            time = source.next_time()
            if time is not None:
                self._kernel.schedule(time, MARKET_DATA, name, self._on_source, (source, place), tie=place)
        except FAULTS as error:
            raise self._fault(f"source {name}.next_time", raised(error)) from error

    def _arm(self, name: str) -> None:
        time = self.exchange.next_clock(name, self._kernel.now)
        if name in self._armed and time == self._armed[name]:
            return
        self._armed[name] = time
        if time is not None and (name, time) not in self._alarms:
            self._alarms[name, time] = None
            self._kernel.schedule(time, VENUE_CLOCK, name, self._on_clock, (name, time), tie=self._places[name])

    def _deliver(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            agent = self._agents.get(delivery.owner)
            if agent is not None:
                delay = steps(agent.report_latency, delivery.venue)
                self._after(delay, REPORT, agent, self._on_reports, (agent, delivery))

    # Events

    def _on_start(self, agent: AgentSlot) -> None:
        self._call(agent, "start")

    def _on_wake(self, agent: AgentSlot) -> None:
        self._call(agent, "wake")

    def _on_review(self, agent: AgentSlot) -> None:
        self._call(agent, "review")
        self._review_later(agent)

    def _on_arrival(self, argument: tuple[AgentSlot, Iterator[int]]) -> None:
        agent, gaps = argument
        self._call(agent, "arrive")
        self._after(next(gaps), DECISION, agent, self._on_arrival, argument)

    def _on_signal(self, argument: tuple[AgentSlot, Signal]) -> None:
        agent, signal = argument
        self._call(agent, "decide", signal)

    def _on_source(self, argument: tuple[Source, int]) -> None:
        source, place = argument
        emit = f"source {type(source).__name__}.emit"
        try:
            events = list(source.emit(self._truth))  # type: ignore[arg-type]
        except FAULTS as error:
            raise self._fault(emit, raised(error)) from error
        for event in events:
            if type(event) is Signal:
                if not _is_sound(event):
                    wanted = "a str for market and tier, an int for time, finite numbers for value and sigma"
                    raise self._fault(emit, f"emitted {written(event)}, wanted {wanted}")
                for agent in self._observers_of(event):
                    self._after(agent.observation_delay, DECISION, agent, self._on_signal, (agent, event))
            else:
                self._feed(event, emit)
        self._schedule_source(source, place)

    def _feed(self, event: Any, emit: str) -> None:
        try:
            name = self.exchange.slot_of(event.market, event.venue or None).name
            message = event._replace(venue=name)
        except FAULTS as error:
            raise self._fault(emit, raised(error)) from error
        if type(message) is Order:
            message = message._replace(order_id=self.exchange.orders.next_id())
            self.exchange.orders.submitted(message, self._kernel.now)
        deliveries = self.exchange.submit(name, message, self._kernel.now)
        refused = [report for each in deliveries for report in each.reports if type(report) is Rejected]
        if refused and type(message) is not Order:
            # Nobody reads the reports of recorded data: what a venue does not take would be lost without a word.
            raise self._fault(emit, f"venue {name!r} refused {written(refused[0])}")
        self._venue_called(name, deliveries)

    def _on_clock(self, argument: tuple[str, int]) -> None:
        name, time = argument
        del self._alarms[argument]
        if self._armed[name] == time:  # else the venue has since named another time
            self._armed[name] = None
            self._venue_called(name, self.exchange.clock(name, time))

    def _on_message(self, argument: tuple[str, Any]) -> None:
        name, message = argument
        self._venue_called(name, self.exchange.submit(name, message, self._kernel.now))

    def _on_cancel(self, argument: tuple[str, int, str]) -> None:
        name, order_id, sender = argument
        self._venue_called(name, self.exchange.cancel(name, order_id, sender, self._kernel.now))

    def _venue_called(self, name: str, deliveries: Iterable[Delivery]) -> None:
        self._deliver(deliveries)
        self._arm(name)

    def _on_reports(self, argument: tuple[AgentSlot, Delivery]) -> None:
        agent, delivery = argument
        context = agent.context
        for order_id in delivery.refused:
            context.forget(order_id)
        for report in delivery.reports:
            context.learn(report)
            if "report" in agent.hooks:
                self._call(agent, "report", report)

    def _observers_of(self, signal: Signal) -> list[AgentSlot]:
        key = (signal.market, signal.tier)
        if key not in self._observers:
            agents = self._agents.values()
            self._observers[key] = [agent for agent in agents if "decide" in agent.hooks and self._observes(agent, key)]
        return self._observers[key]

    def _observes(self, agent: AgentSlot, key: tuple[str, str]) -> bool:
        try:
            return bool(agent.observes(*key))
        except FAULTS as error:
            raise self._agent_fault(agent, "observes", raised(error)) from error

    def _call(self, agent: AgentSlot, hook: str, *arguments: Any) -> None:
        try:
            answer = agent.hooks[hook](agent.context, *arguments)
        except FAULTS as error:
            raise self._agent_fault(agent, hook, raised(error)) from error
        if answer is not None:
            what = f"returned {written(answer)}; hooks return nothing, act through ctx"
            raise self._agent_fault(agent, hook, what)

    def _agent_fault(self, agent: AgentSlot, call: str, what: str) -> PluginError:
        return self._fault(f"agent {agent.agent_id!r} ({type(agent.agent).__name__}.{call})", what)

    def _fault(self, who: str, what: str) -> PluginError:
        return PluginError(f"{who} at time {self.now}, seed {self.streams.seed}: {what}")


def _is_sound(signal: Signal) -> bool:
    market, tier, time, value, sigma = signal
    return type(market) is type(tier) is str and type(time) is int and finite(value) and finite(sigma)


def _gaps(stream: np.random.Generator, mean: float) -> Iterator[int]:
    """Whole steps between Poisson arrivals, at least one, without end."""
    while True:
        for gap in stream.exponential(mean, 64):
            yield max(1, round(min(float(gap), 2.0**60)))
