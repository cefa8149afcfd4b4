"""How the Ising router learns from the few bits that it was shown. Two rules, by name."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from attrs import field, frozen

from agents.routing.ising import Prepared
from agents.routing.policy import Array, Namespace, set_at
from marketsim.checks import integer, number

SOURCE = "source"
OBSERVED_LIKELIHOOD = "observed-likelihood"
RULES = (OBSERVED_LIKELIHOOD, SOURCE)


class IsingState(NamedTuple):
    """Parameters (d,) and, for the source's rule, the pairs seen lately (window, pairs) with their running sums.

    `prepared` holds answers worked out from `theta`, where somebody did.
    """

    theta: Array
    window: Array
    place: Array
    pair_sum: Array
    pair_count: Array
    prepared: Prepared | None = None


@frozen
class Rates:
    """How fast a rule learns and forgets.

    Args:
        rate: of a step along the gradient.
        discount: what is left of every parameter after a step.
        damping: share of a step that reaches a venue which was not seen, through its couplings ("source" only).
        window: steps over which pairs are averaged ("source" only).
    """

    rate: float = field(default=0.05, validator=number(above=0.0))
    discount: float = field(default=0.995, validator=number(0.0, 1.0))
    damping: float = field(default=0.3, validator=number(0.0))
    window: int = field(default=200, validator=integer(1))


def initial_state(n: int, window: int, xp: Namespace) -> IsingState:
    """All parameters zero, nothing seen. `window` 0 keeps no history."""
    pairs = n * (n - 1) // 2
    kept = pairs if window else 0
    empty = xp.zeros(kept)
    # A batch of runs copies its windows at every step: the product of two bits fits into a byte.
    return IsingState(xp.zeros(n + pairs), xp.zeros((window, kept), xp.int8), xp.asarray(0), empty, empty)


def observed_likelihood(theta: Array, given: Array, free: Array, rates: Rates, beta: float) -> Array:
    """One step up the log likelihood of the bits that were seen, after discounting.

    Its gradient by theta is beta (E[f | seen] - E[f]), the positive and the negative phase of a Boltzmann machine with
    hidden units (Ackley, Hinton, Sejnowski 1985). Venues that were not seen are the hidden units.

    Args:
        theta: parameters (d,).
        given: E[f | seen] (d,).
        free: E[f] (d,).
    """
    return rates.discount * theta + rates.rate * beta * (given - free)


def source_rule(state: IsingState, seen: Array, free: Array, rates: Rates, beta: float, xp: Namespace) -> IsingState:
    """The rule of the published notebook.

    h <- discount h + rate beta (x - E[x]) on venues that were seen, plus damping rate beta (J x) on the others;
    J <- discount J + rate beta (mean of x_i x_j in the window - E[x_i x_j]) on pairs in the window. It sets bits that
    were seen by selection against unconditional moments, which is the gradient of no likelihood.

    Args:
        seen: bits (n,), 0 where not seen.
        free: E[f] (d,) at the parameters before the step.
    """
    n, step = seen.shape[0], rates.rate * beta
    left, right, places = _pairs(n)
    biases, couplings = state.theta[:n], state.theta[n:]
    shown = xp.abs(seen)
    matrix = xp.concatenate([couplings, xp.zeros(1)])[xp.asarray(places)]
    influence = rates.damping * step * (matrix @ seen) * (1.0 - shown)
    biases = rates.discount * biases + step * (seen - free[:n] * shown) + influence
    new, old = seen[xp.asarray(left)] * seen[xp.asarray(right)], state.window[state.place]
    pair_sum = state.pair_sum + new - old
    pair_count = state.pair_count + xp.abs(new) - xp.abs(old)
    innovation = pair_sum / xp.maximum(pair_count, 1.0) - free[n:]
    couplings = rates.discount * couplings + xp.where(pair_count > 0, step * innovation, 0.0)
    window = set_at(state.window, state.place, new.astype(xp.int8), xp)
    place = (state.place + 1) % rates.window
    return IsingState(xp.concatenate([biases, couplings]), window, place, pair_sum, pair_count)


@lru_cache(maxsize=32)
def _pairs(n: int) -> tuple[Array, Array, Array]:
    """(i, j) of every coupling, and the matrix (n, n) of their places; the diagonal points one past the end."""
    left, right = np.triu_indices(n, 1)
    places = np.full((n, n), len(left))
    places[left, right] = places[right, left] = np.arange(len(left))
    return left, right, places
