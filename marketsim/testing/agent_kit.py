"""The checks of an agent: it is run in small markets, with and without others, and watched."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from attrs import frozen

from marketsim.errors import ConfigError, MarketsimError, RegistrationError
from marketsim.registration import agent_slot
from marketsim.simulation import Simulation
from marketsim.testing.agent_world import Blocked, Neighbour, Signals, Watched, World
from marketsim.testing.failures import Broken, CheckReport, Outcome, check_named, outcome_of
from marketsim.testing.reference import ReferenceBook
from marketsim.testing.reference_auction import ReferenceAuction
from marketsim.types import Reason, Rejected

Factory = Callable[[], Any]

HORIZON = 400
_SILLY = (Reason.QUANTITY, Reason.PRICE, Reason.SIDE, Reason.KIND, Reason.OWNER, Reason.ORDER_ID, Reason.MARKET)


@frozen
class AgentCheck:
    """One named check: `judge(world)` raises `Broken`, or answers why it does not apply.

    >>> check: AgentCheck = next(agent_checks())
    >>> check.name, check.rule
    ('registration', 'the shape of an agent, and a factory that makes fresh ones')
    """

    name: str
    rule: str
    judge: Callable[[World], str | None]


def _registration(world: World) -> None:
    try:
        agent_slot(world.factory(), 0)
    except RegistrationError as error:
        raise Broken(
            "registration", "an agent_id, hooks of the right form, delays of whole steps", str(error)
        ) from None
    one, two = world.factory(), world.factory()
    if one is two or one.agent_id != two.agent_id:
        came = f"{'the same object' if one is two else 'other ids'}: {one.agent_id!r}, {two.agent_id!r}"
        raise Broken("registration", "a fresh agent with the same id from every call of the factory", came)


def _venues(world: World) -> Iterator[Any]:
    yield ReferenceBook(world.markets)
    yield ReferenceAuction(world.markets)


def _run(world: World, venue: Any, others: Iterable[Any], rule: str, **options: Any) -> tuple[Any, Watched]:
    watched = Watched(world.factory(), **options)
    source = Signals(world.markets, world.price, HORIZON, world.seed)
    try:
        simulation = Simulation(venues={"kit": venue}, agents=[watched, *others], sources=[source], seed=world.seed)
        result = simulation.run(HORIZON)
    except (MarketsimError, AttributeError) as error:
        raise Broken(rule, f"a run of {HORIZON} steps without an error", str(error)) from None
    return result, watched


def _crowd(world: World, *, sides: tuple[int, ...] = (1, -1)) -> list[Neighbour]:
    names = (("neighbour-1", 2), ("neighbour-2", 3), ("neighbour-3", 7))
    return [Neighbour(name, world.markets, world.price, interval, sides) for name, interval in names]


def _empty(world: World) -> None:
    for venue in _venues(world):
        _run(world, venue, [], "empty")


def _one_sided(world: World) -> None:
    for sides in ((1,), (-1,)):
        for venue in _venues(world):
            _run(world, venue, _crowd(world, sides=sides), "one-sided")


def _busy(world: World) -> None:
    for venue in _venues(world):
        _run(world, venue, _crowd(world), "busy")


def _refusing(world: World) -> None:
    agent_id = world.factory().agent_id
    for venue in _venues(world):
        _run(world, Blocked(venue, agent_id), _crowd(world), "refusing")


def _well_formed(world: World) -> None:
    for venue in _venues(world):
        _, watched = _run(world, venue, _crowd(world), "well-formed", listening=True)
        for report in watched.heard:
            if type(report) is Rejected and report.reason in _SILLY:
                raise Broken("well-formed", "no order that any venue would refuse for its form", str(report))


def _context(world: World) -> None:
    for venue in _venues(world):
        _run(world, venue, _crowd(world), "context", guarded=True)


def _logs(result: Any, *, without: str = "") -> tuple[str, str]:
    fills, orders = result.fills.frame(), result.orders.frame()
    if without:
        fills, orders = fills[fills["owner"] != without], orders[orders["owner"] != without]
        fills = fills.drop(columns=["order_id", "match_id"])
        orders = orders.drop(columns=["order_id"]).sort_values(["submitted", "owner"], kind="stable")
    return fills.to_csv(index=False), orders.to_csv(index=False)


def _determinism(world: World) -> None:
    for first, second in zip(_venues(world), _venues(world), strict=True):
        one, _ = _run(world, first, _crowd(world), "determinism")
        two, _ = _run(world, second, _crowd(world), "determinism")
        if _logs(one) != _logs(two):
            raise Broken("determinism", "the same fills and orders from the same seed", "two runs differ")


def _randomness(world: World) -> None:
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 it is what must not be used
    try:
        for venue in _venues(world):
            before = random.getstate(), str(np.random.get_state())  # noqa: NPY002
            _run(world, venue, _crowd(world), "randomness")
            if (random.getstate(), str(np.random.get_state())) != before:  # noqa: NPY002
                raise Broken("randomness", "draws from ctx.rng alone", "a global generator was used")
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def _disturbs_nobody(world: World) -> None:
    agent_id = world.factory().agent_id
    for first, second in zip(_venues(world), _venues(world), strict=True):
        with_it, _ = _run(world, Blocked(first, agent_id), _crowd(world), "disturbs-nobody")
        source = Signals(world.markets, world.price, HORIZON, world.seed)
        without = Simulation(venues={"kit": second}, agents=_crowd(world), sources=[source], seed=world.seed)
        if _logs(with_it, without=agent_id) != _logs(without.run(HORIZON), without=agent_id):
            came = "somebody else's fills or orders changed"
            raise Broken("disturbs-nobody", "a run as without the agent, when the venue refuses all it sends", came)


def agent_checks() -> Iterator[AgentCheck]:
    """Every check of an agent.

    >>> [check.name for check in agent_checks()][:5]
    ['registration', 'empty', 'one-sided', 'busy', 'refusing']
    """
    yield AgentCheck("registration", "the shape of an agent, and a factory that makes fresh ones", _registration)
    yield AgentCheck("empty", "it lives on empty books", _empty)
    yield AgentCheck("one-sided", "it lives with buyers alone, and with sellers alone", _one_sided)
    yield AgentCheck("busy", "it lives among others, on a book and on an auction", _busy)
    yield AgentCheck("refusing", "it lives where everything it sends is refused", _refusing)
    yield AgentCheck("well-formed", "no order of it is refused for its form", _well_formed)
    yield AgentCheck("context", "it acts and looks through the public parts of ctx only", _context)
    yield AgentCheck("determinism", "the same seed gives the same run", _determinism)
    yield AgentCheck("randomness", "it draws from ctx.rng, never from a global generator", _randomness)
    yield AgentCheck("disturbs-nobody", "while it does not trade, it changes nothing for others", _disturbs_nobody)


def _world(factory: Factory, seed: int, markets: tuple[str, ...] | None, price: int) -> World:
    if not callable(factory):
        raise ConfigError(f"check_agent: factory: got {factory!r}, wanted a callable that makes a fresh agent")
    if markets is None:
        agent = factory()
        named = getattr(agent, "markets", None) or getattr(agent, "market", None)
        markets = (named,) if type(named) is str else named
        if type(markets) is not tuple:
            raise ConfigError("check_agent: the agent has neither market nor markets; say markets=(...)")
    return World(factory, seed, markets, price)


def _outcome(check: AgentCheck, world: World) -> Outcome:
    options = f"seed={world.seed}, markets={world.markets!r}, price={world.price}"
    return outcome_of(
        check.name, lambda: check.judge(world), call="replay_agent", arguments=options, seed=world.seed
    )  # fmt: skip


def check_agent(
    factory: Factory, *, seed: int = 0, markets: tuple[str, ...] | None = None, price: int = 10_000
) -> CheckReport:
    """Run every check on the agents that `factory` makes.

    Args:
        factory: makes a fresh agent, the same each time.
        seed: of the runs.
        markets: what is traded; by default the agent's `markets` or `market`.
        price: ticks around which the others trade and the signals lie.

    Returns:
        An outcome for each check: passed, failed or not applicable (with a reason).

    Raises:
        ConfigError: an argument is out of bounds, or the markets cannot be told.

    >>> class Misspelt:
    ...     agent_id, market = "ann", "ACME"
    ...     def on_review(self, ctx):
    ...         ctx.submit(market_order(self.market, Side.BUY, quantity=3))
    >>> report = check_agent(Misspelt)
    >>> report.ok, report.failures[0].came
    (False, "agent 'ann' (Misspelt) has a method 'on_review', which is never called; did you mean 'review'?")
    """
    world = _world(factory, seed, markets, price)
    name = type(factory()).__name__
    return CheckReport(name, seed, tuple(_outcome(check, world) for check in agent_checks()))


def replay_agent(
    factory: Factory, check: str, *, seed: int = 0, markets: tuple[str, ...] | None = None, price: int = 10_000
) -> None:
    """Run one check of an agent, as the message of a `CheckFailure` says; arguments as in `check_agent`.

    Raises:
        CheckFailure: the agent breaks the rule.
        ConfigError: there is no check of this name, an argument is out of bounds, or the markets cannot be told.

    >>> class Hopeful:
    ...     agent_id, market, review_interval = "ann", "ACME", 100
    ...     def review(self, ctx):
    ...         ctx.submit(limit_order(self.market, Side.BUY, quantity=1, price=ctx.state(self.market).best_ask - 1))
    >>> replay_agent(Hopeful, "empty")
    Traceback (most recent call last):
        ...
    marketsim.testing.failures.CheckFailure: check 'empty' failed
      expected: a run of 400 steps without an error
      came:     agent 'ann' (Watched.review) at time 100, seed 0: TypeError: unsupported operand type(s) for -: ...
      ...
    """
    __tracebackhide__ = True
    found = check_named(check, agent_checks())
    _outcome(found, _world(factory, seed, markets, price)).raise_failure()
