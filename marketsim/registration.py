"""What an agent or a venue must look like, checked before anything runs."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

from attrs import define, field, frozen

from marketsim.errors import RegistrationError
from marketsim.protocols import Venue
from marketsim.types import Order

HOOKS = {"start": 1, "decide": 2, "review": 1, "arrive": 1, "wake": 1, "report": 2}
"""Agent hooks and how many arguments the kernel gives each."""

_CALLED = [*HOOKS, "observes"]
_RESERVED = ("pool:", "tape:")
_VENUE_CALLS = {"submit": 2, "cancel": 3, "state": 1, "estimate_impact": 3, "clock": 1, "next_clock": 1}


@define(eq=False)
class AgentSlot:
    """What the kernel keeps about one agent: the hooks that it has, by name, its delays, its place in the list."""

    agent: Any
    agent_id: str
    role: str
    place: int
    hooks: dict[str, Callable[..., Any]]
    observes: Callable[[str, str], bool]
    observation_delay: int
    market_data_delay: int | Mapping[str, int]
    order_latency: int | Mapping[str, int]
    report_latency: int | Mapping[str, int]
    arrival_rate: float
    key: int = 0
    context: Any = field(default=None)


@frozen(eq=False)
class VenueSlot:
    """What the simulation keeps about one venue: its name, the markets it trades, the message types it takes."""

    name: str
    venue: Venue
    markets: tuple[str, ...]
    messages: tuple[type, ...]


def steps(delay: int | Mapping[str, int], venue: str) -> int:
    """The delay in steps for `venue`; a venue that a mapping leaves out has none."""
    return delay if type(delay) is int else delay.get(venue, 0)  # type: ignore[union-attr]


def agent_slot(agent: Any, place: int) -> AgentSlot:
    """Read an agent.

    Raises:
        RegistrationError: no agent_id, no hook, a misspelt hook, a hook of the wrong arity, a bad delay or rate.
    """
    agent_id = getattr(agent, "agent_id", None)
    what = f"agent {agent_id!r} ({type(agent).__name__})"
    if type(agent_id) is not str or not agent_id or agent_id.startswith(_RESERVED):
        wanted = f"a non-empty str that does not start with {' or '.join(_RESERVED)}"
        raise RegistrationError(f"{what}: agent_id must be {wanted}")
    hooks = {name: hook for name in HOOKS if callable(hook := getattr(agent, name, None))}
    _refuse_misspelt(agent, what)
    if not hooks:
        raise RegistrationError(f"{what} has no hook; wanted at least one of {', '.join(HOOKS)}")
    for name, hook in hooks.items():
        _check_arity(hook, HOOKS[name], f"{what}.{name}")
    if "review" in hooks:
        review_interval(agent)
    rate = getattr(agent, "arrival_rate", 0.0) if "arrive" in hooks else 0.0
    if "arrive" in hooks and not (type(rate) in {int, float} and 0 < rate <= 1e300):
        raise RegistrationError(f"{what} has arrive but arrival_rate {rate!r}; wanted a number above 0, per time unit")
    observes = getattr(agent, "observes", lambda _market, _tier: True)
    if not callable(observes):
        raise RegistrationError(f"{what}.observes: got {observes!r}, wanted a method of (market, tier)")
    _check_arity(observes, 2, f"{what}.observes")
    return AgentSlot(
        agent=agent,
        agent_id=agent_id,
        role=str(getattr(agent, "role", type(agent).__name__)),
        place=place,
        hooks=hooks,
        observes=observes,
        observation_delay=_delay(agent, "observation_delay", what),
        market_data_delay=_delay_by_venue(agent, "market_data_delay", what),
        order_latency=_delay_by_venue(agent, "order_latency", what),
        report_latency=_delay_by_venue(agent, "report_latency", what),
        arrival_rate=float(rate),
    )


def check_delays(slot: AgentSlot, venues: Collection[str]) -> None:
    """Raise `RegistrationError` where a delay names a venue that does not exist: a slip would mean no delay at all."""
    for name in ("market_data_delay", "order_latency", "report_latency"):
        delay = getattr(slot, name)
        for venue in delay if isinstance(delay, Mapping) else ():
            if venue not in venues:
                there = ", ".join(venues)
                raise RegistrationError(f"agent {slot.agent_id!r}.{name}: no venue {venue!r}; there are {there}")


def review_interval(agent: Any) -> int:
    """The agent's current review interval in steps; it may change it between reviews."""
    interval = getattr(agent, "review_interval", None)
    if type(interval) is not int or interval < 1:
        name = getattr(agent, "agent_id", "?")
        raise RegistrationError(f"agent {name!r} has review but review_interval {interval!r}; wanted an int from 1")
    return interval


def venue_slot(name: str, venue: Any) -> VenueSlot:
    """Read a venue.

    Raises:
        RegistrationError: a call is missing or has the wrong arity, or `markets` is not a tuple of names.
    """
    what = f"venue {name!r} ({type(venue).__name__})"
    markets = getattr(venue, "markets", None)
    if type(name) is not str or not name:
        raise RegistrationError(f"{what}: the name of a venue must be a non-empty str")
    if (
        type(markets) is not tuple
        or not markets
        or any(type(market) is not str or not market for market in markets)
        or len(dict.fromkeys(markets)) != len(markets)
    ):
        raise RegistrationError(f"{what}: markets must be a non-empty tuple of distinct names, got {markets!r}")
    for call, arity in _VENUE_CALLS.items():
        function = getattr(venue, call, None)
        if not callable(function):
            raise RegistrationError(f"{what} has no {call}; a venue has {', '.join(_VENUE_CALLS)}")
        _check_arity(function, arity, f"{what}.{call}")
    messages = getattr(venue, "messages", (Order,))
    if type(messages) is not tuple or any(not isinstance(message, type) for message in messages):
        raise RegistrationError(f"{what}: messages must be a tuple of types, got {messages!r}")
    return VenueSlot(name, venue, markets, messages)


def check_source_shape(source: Any) -> None:
    """Raise `RegistrationError` where `source` lacks a call."""
    for call, arity in {"next_time": 0, "emit": 1}.items():
        function = getattr(source, call, None)
        if not callable(function):
            raise RegistrationError(f"source {type(source).__name__} has no {call}")
        _check_arity(function, arity, f"source {type(source).__name__}.{call}")


def _refuse_misspelt(agent: Any, what: str) -> None:
    for name in dir(type(agent)):
        if name.startswith("_") or name in _CALLED or not callable(getattr(agent, name, None)):
            continue
        plain = name.removeprefix("on_").removeprefix("on").lower()
        near = difflib.get_close_matches(plain, _CALLED, n=1, cutoff=0.8)
        meant = [hook for hook in near if not hasattr(agent, hook)]
        if meant or name.startswith("on_"):
            hint = f"did you mean {meant[0]!r}?" if meant else f"hooks are {', '.join(HOOKS)}"
            raise RegistrationError(f"{what} has a method {name!r}, which is never called; {hint}")


def _check_arity(function: Callable[..., Any], arity: int, what: str) -> None:
    # A plain method of just so many arguments beside `self` says so itself; to ask `inspect` of every hook of every
    # agent takes 5 % of a short run.
    code = getattr(getattr(function, "__func__", None), "__code__", None)
    if code is not None and code.co_argcount == arity + 1 and not code.co_kwonlyargcount:
        return
    try:
        inspect.signature(function).bind(*range(arity))
    except TypeError as error:
        raise RegistrationError(f"{what} must take {arity} positional arguments: {error}") from error
    except ValueError:  # a built-in without a signature
        return


def _delay(agent: Any, name: str, what: str) -> int:
    value = getattr(agent, name, 0)
    if type(value) is not int or value < 0:
        raise RegistrationError(f"{what}.{name}: got {value!r}, wanted steps, an int of at least 0")
    return value


def _delay_by_venue(agent: Any, name: str, what: str) -> int | Mapping[str, int]:
    value = getattr(agent, name, 0)
    if isinstance(value, Mapping):
        if all(type(venue) is str and type(item) is int and item >= 0 for venue, item in value.items()):
            return dict(value)
        raise RegistrationError(f"{what}.{name}: got {value!r}, wanted steps by venue, each an int of at least 0")
    return _delay(agent, name, what)
