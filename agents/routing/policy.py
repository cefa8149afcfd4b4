"""What a routing policy is, and the small array functions that all policies share.

A policy is a frozen value of pure functions over a tuple of arrays. Every function takes the array namespace `xp`,
NumPy in the event loop and `jax.numpy` in a batched study: given the same uniform draws, both paths decide alike.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A NumPy or JAX array; traced under jit."""
Namespace: TypeAlias = Any
"""`numpy` or `jax.numpy`."""
State: TypeAlias = Any
"""A tuple of arrays, or of tuples of them; None where one of the two paths has no need of a part."""

ONE_BIT = "choice"
TWO_BITS = "context+choice"
INFORMATION = (ONE_BIT, TWO_BITS)
"""What a policy learns from at each step: the chosen venue's outcome, or the context venue's bit as well."""

TIE = 1e-6
"""Width of the noise that breaks ties: above rounding, so that both paths break them alike, below any real gap."""


class Policy(Protocol):
    """Chooses one of n venues at each step, and learns from what it was shown.

    A bit, or outcome, is +1 where the venue had the best price of the bucket and -1 where it had not. `draws` are
    `n_draws(n)` uniforms on [0, 1), new at each step, the same ones for `choose` and `learn`.
    """

    name: ClassVar[str]
    foresees: ClassVar[bool]
    """Whether it is shown the labels themselves in place of a state; a yardstick then, never an agent."""

    @property
    def learns_from(self) -> str:
        """One of `INFORMATION`."""

    @property
    def may_choose_context(self) -> bool:
        """Whether the context venue itself may be chosen."""

    def __hash__(self) -> int:
        """Equal policies share one compiled program."""

    def n_draws(self, n_venues: int, /) -> int: ...
    def initial(self, n_venues: int, xp: Namespace, /) -> State: ...

    def choose(self, state: State, context: Array, bit: Array, draws: Array, xp: Namespace, /) -> Array:
        """Index of the chosen venue, given the context venue's index and its bit."""

    def learn(
        self, state: State, context: Array, bit: Array, choice: Array, outcome: Array, draws: Array, xp: Namespace, /
    ) -> State:
        """The state after the bucket has closed and the chosen venue's outcome is known."""


@lru_cache(maxsize=256)
def barrier(n_venues: int, may_choose_context: bool) -> Array:
    """Shape (n, n): what is added to the scores, by context venue; -inf where a venue may not be chosen."""
    table = np.zeros((n_venues, n_venues))
    if not may_choose_context:
        np.fill_diagonal(table, -np.inf)
    table.flags.writeable = False
    return table


def pick(scores: Array, context: Array, noise: Array, may_choose_context: bool, xp: Namespace) -> Array:
    """Index of the highest score among the venues that may be chosen; `noise`, n uniforms, breaks ties."""
    scores = scores + noise * TIE
    if xp is not np:
        return (scores + xp.asarray(barrier(scores.shape[0], may_choose_context))[context]).argmax()
    if not may_choose_context:
        scores[context] = -np.inf  # the same as the barrier, in a quarter of the time
    return scores.argmax()


def pick_scaled(scores: list[float], scale: float, context: int, noise: Array, may_choose_context: bool) -> int:
    """`pick` from scores that are all `scale` times too large, for the event loop.

    The handful of floats is faster as a list than as an array, and to scale the noise saves dividing the scores.
    """
    width, choice, top = TIE * scale, 0, -inf
    if not may_choose_context:
        scores[context] = -inf
    for venue, share in enumerate(noise.tolist()):
        score = scores[venue] + width * share
        if score > top:
            choice, top = venue, score
    return choice


def observed(
    n_venues: int, context: Array, bit: Array, choice: Array, outcome: Array, learns_from: str, xp: Namespace
) -> Array:
    """Shape (n,): the bits that were seen, 0 elsewhere. Of two bits of one venue the outcome counts, being later."""
    if xp is np:
        bits = np.zeros(n_venues)
        if learns_from == TWO_BITS:
            bits[context] = bit
        bits[choice] = outcome
        return bits
    venues = xp.arange(n_venues)
    seen = xp.where(venues == context, bit, 0) if learns_from == TWO_BITS else xp.zeros(n_venues)
    return xp.where(venues == choice, outcome, seen) * 1.0


def softmax(scores: Array, xp: Namespace) -> Array:
    """Probabilities proportional to exp(scores)."""
    weights = xp.exp(scores - scores.max())
    return weights / weights.sum()


def add_at(array: Array, place: Any, value: Array, xp: Namespace) -> Array:
    """A copy of `array` with `value` added at `place`."""
    if xp is np:
        changed = array.copy()
        changed[place] += value
        return changed
    return array.at[place].add(value)


def set_at(array: Array, place: Any, value: Array, xp: Namespace) -> Array:
    """A copy of `array` with `value` at `place`."""
    if xp is np:
        changed = array.copy()
        changed[place] = value
        return changed
    return array.at[place].set(value)
