"""Policies by the name that a configuration uses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from agents.routing.gibbs import Gibbs
from agents.routing.ising import Exact, Inference
from agents.routing.ising_policy import IsingPolicy
from agents.routing.learning import SOURCE
from agents.routing.policy import Policy
from agents.routing.tables import EpsilonGreedy, SlidingWindowUCB, Thompson
from agents.routing.winner import Chance, HiddenMarkov, OneHot, OneVenue, Oracle, RecentWinner
from marketsim.errors import ConfigError

POLICIES: dict[str, Callable[..., Policy]] = {
    "ising": IsingPolicy,
    "ising-source": partial(IsingPolicy, rule=SOURCE),
    "ising-biases": partial(IsingPolicy, couplings=False),
    "ising-source-biases": partial(IsingPolicy, rule=SOURCE, couplings=False),
    "epsilon-greedy": EpsilonGreedy,
    "thompson": Thompson,
    "discounted-thompson": partial(Thompson, contextual=False),
    "sliding-window-ucb": SlidingWindowUCB,
    "one-hot": OneHot,
    "hidden-markov": HiddenMarkov,
    "recent-winner": RecentWinner,
    "one-venue": OneVenue,
    "chance": Chance,
    "oracle": Oracle,
}

INFERENCE: dict[str, Callable[[], Inference]] = {"exact": Exact, "thrml": Gibbs}


def policy(name: str, **options: Any) -> Policy:
    """The policy of this name; `options` are its fields, and `inference` may be a name.

    Raises:
        ConfigError: there is no such policy, inference engine or option.

    >>> policy("epsilon-greedy", epsilon=0.2).epsilon
    0.2
    >>> policy("greedy")
    Traceback (most recent call last):
        ...
    marketsim.errors.ConfigError: policy: got 'greedy', wanted one of ising, ...
    """
    if name not in POLICIES:
        raise ConfigError(f"policy: got {name!r}, wanted one of {', '.join(POLICIES)}")
    engine = options.get("inference")
    if isinstance(engine, str):
        if engine not in INFERENCE:
            raise ConfigError(f"inference: got {engine!r}, wanted one of {', '.join(INFERENCE)}")
        options["inference"] = INFERENCE[engine]()
    try:
        return POLICIES[name](**options)
    except TypeError as error:
        raise ConfigError(f"policy {name!r}: {error}") from error
