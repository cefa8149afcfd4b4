"""The Ising router: clamp what was seen, choose the venue most likely to be best given it."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np
from attrs import field, frozen

from agents.routing.gibbs import Gibbs
from agents.routing.ising import Exact, Inference, spin_count
from agents.routing.learning import (
    OBSERVED_LIKELIHOOD,
    RULES,
    SOURCE,
    IsingState,
    Rates,
    initial_state,
    observed_likelihood,
    source_rule,
)
from agents.routing.policy import INFORMATION, TWO_BITS, Array, Namespace, observed, pick, pick_scaled
from marketsim.checks import flag, kind, one_of
from marketsim.errors import ConfigError


@frozen
class IsingPolicy:
    """One spin per venue, up where the venue has the best price; see `ising` for the model, `learning` for the rules.

    Args:
        rule: "observed-likelihood" or "source".
        inference: `Exact()` or `Gibbs()`.
        rates: of learning.
        couplings: False holds all couplings at zero: what is left are biases, as an ablation.
        learns_from: "context+choice" or "choice".
        may_choose_context: whether the context venue may be chosen.
    """

    name: ClassVar[str] = "ising"
    foresees: ClassVar[bool] = False

    rule: str = field(default=OBSERVED_LIKELIHOOD, validator=one_of(*RULES))
    inference: Inference = field(factory=Exact)
    rates: Rates = field(factory=Rates, validator=kind(Rates))
    couplings: bool = field(default=True, validator=flag)
    learns_from: str = field(default=TWO_BITS, validator=one_of(*INFORMATION))
    may_choose_context: bool = field(default=False, validator=flag)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.inference, (Exact, Gibbs)):
            raise ConfigError(f"IsingPolicy.inference: got {self.inference!r}, wanted Exact() or Gibbs()")
        two_may_be_one = self.may_choose_context and self.learns_from == TWO_BITS
        if isinstance(self.inference, Gibbs) and two_may_be_one and self.rule == OBSERVED_LIKELIHOOD:
            wanted = (
                "learns_from='choice', or may_choose_context=False: a sampling program clamps a fixed number of spins"
            )
            raise ConfigError(
                f"IsingPolicy: got Gibbs() with context+choice where both may be one venue, wanted {wanted}"
            )

    def n_draws(self, n_venues: int, /) -> int:
        return n_venues + self.inference.n_draws

    def initial(self, n_venues: int, xp: Namespace, /) -> IsingState:
        return initial_state(n_venues, self.rates.window if self.rule == SOURCE else 0, xp)

    def choose(self, state: IsingState, context: Array, bit: Array, draws: Array, xp: Namespace, /) -> Array:
        theta, inference = state.theta, self.inference
        if state.prepared is not None and (answer := state.prepared.given(context, bit > 0)):
            return pick_scaled(*answer, context, draws, self.may_choose_context)
        n = spin_count(theta.shape[0])
        means = inference.marginals(theta, context, bit, draws[n:], xp)
        return pick(means, context, draws[:n], self.may_choose_context, xp)

    def learn(
        self, state: IsingState, context: Array, bit: Array, choice: Array, outcome: Array, draws: Array,
        xp: Namespace, /,
    ) -> IsingState:  # fmt: skip
        theta, beta, inference = state.theta, self.inference.beta, self.inference
        n = spin_count(theta.shape[0])
        seen = observed(n, context, bit, choice, outcome, self.learns_from, xp)
        if type(inference) is Exact and state.prepared is not None:
            free = inference.prepared_moments(state.prepared)
        else:
            free = inference.moments(theta, draws[n:], xp)
        if self.rule == SOURCE:
            state = source_rule(state, seen, free, self.rates, beta, xp)
        else:
            clamped = 2 if self.learns_from == TWO_BITS else 1
            given = inference.conditional_moments(theta, seen, clamped, draws[n:], xp)
            state = state._replace(theta=observed_likelihood(theta, given, free, self.rates, beta))
        if not self.couplings:
            state = state._replace(theta=state.theta * xp.asarray(_biases_only(n)))
        if xp is np and type(inference) is Exact:
            return state._replace(prepared=inference.prepare(state.theta))
        return state


@lru_cache(maxsize=32)
def _biases_only(n: int) -> Array:
    return np.concatenate([np.ones(n), np.zeros(n * (n - 1) // 2)])
