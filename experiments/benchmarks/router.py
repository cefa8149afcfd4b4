"""One exact routing decision, timed where it is made: by the router, in the event loop.

Five venues replay trades at random prices, and the Ising router sells one lot at every step. What is timed is the call
of the policy from the router: the marginals of all venues given the context, and the choice among them. Each call is
timed by itself, and the median over calls taken, which what else the machine does hardly moves.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any, ClassVar

import numpy as np
from attrs import define, field

from agents.routing.ising_policy import IsingPolicy
from agents.routing.policy import Array, Namespace, State
from agents.routing.router import Router
from marketsim import Simulation
from marketsim.streams import Streams
from marketsim.tape import TradeFeed, TradeTape
from venues.replay import ReplayVenue

DECISIONS = 2_000
MICROSECONDS_MAX, MICROSECONDS_AIM = 20.0, 5.0
VENUES = tuple(f"venue-{number}" for number in range(5))


@define(eq=False)  # by identity, so that it can be hashed, as a policy can
class Timed:
    """A policy that notes how many nanoseconds each of its calls takes."""

    name: ClassVar[str] = "timed"
    foresees: ClassVar[bool] = False

    policy: IsingPolicy
    choosing: list[int] = field(factory=list)
    learning: list[int] = field(factory=list)

    @property
    def learns_from(self) -> str:
        return self.policy.learns_from

    @property
    def may_choose_context(self) -> bool:
        return self.policy.may_choose_context

    def n_draws(self, n_venues: int, /) -> int:
        return self.policy.n_draws(n_venues)

    def initial(self, n_venues: int, xp: Namespace, /) -> State:
        return self.policy.initial(n_venues, xp)

    def choose(self, *known: Any) -> Array:
        start = perf_counter_ns()
        choice = self.policy.choose(*known)
        self.choosing.append(perf_counter_ns() - start)
        return choice

    def learn(self, *known: Any) -> State:
        start = perf_counter_ns()
        state = self.policy.learn(*known)
        self.learning.append(perf_counter_ns() - start)
        return state


def decide(decisions: int = DECISIONS, *, seed: int = 1) -> tuple[Router, Timed]:
    """A run of `decisions` decisions: the router with what it decided, and the times."""
    timed = Timed(IsingPolicy())
    router = Router("router", "X", VENUES, timed, bucket=1, mode="random")
    prices = Streams(seed).stream("router").integers(100, 104, (len(VENUES), decisions))
    feeds = [
        TradeFeed(TradeTape(np.arange(decisions), own.astype(float)), "X", venue, tick_size=1.0, step=1)
        for venue, own in zip(VENUES, prices, strict=True)
    ]
    venues = {venue: ReplayVenue(("X",), size=10) for venue in VENUES}
    Simulation(venues=venues, agents=[router], sources=feeds, seed=seed).run(decisions)
    return router, timed


def measure(*, rounds: int = 5, decisions: int = DECISIONS) -> dict[str, list[float]]:
    """Microseconds of a call, median of each round: "choose" is the decision, "learn" the lesson of the last one."""
    found: dict[str, list[float]] = {"choose": [], "learn": []}
    for _ in range(rounds):
        _, timed = decide(decisions)
        found["choose"].append(float(np.median(timed.choosing)) / 1e3)
        found["learn"].append(float(np.median(timed.learning)) / 1e3)
    return found
