"""A policy's way through a table of labels: many runs at once, in JAX.

Row t of the labels (rows, n), +1 for a best venue and -1 for another, belongs to a bucket. A run has one step for each
row but the first, since before one bucket has closed nothing is known; step s is about row s + 1. This is what
`router.Router` does in the engine, where the first row is the first bucket in which some venue has a price.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from agents.routing.extra import load
from agents.routing.policy import Array, Policy, State
from marketsim.errors import ConfigError

FIXED, RANDOM = "fixed", "random"
MODES = (FIXED, RANDOM)
LABEL, LAST = "label", "last"
CONTEXTS = (LABEL, LAST)
"""What the context bit is: the winner label of the very bucket (for study), or of the last closed one.

With "last", a policy that learns two bits a step learns them from two buckets: it models what it will be shown, the
venue's label now given the context's label just before.
"""


def contexts_of(uniforms: Array, n_venues: int, *, mode: str, venue: int = 0) -> Array:
    """Context venues, of the shape of `uniforms`: `venue` throughout ("fixed"), or drawn ("random")."""
    if mode not in MODES:
        raise ConfigError(f"mode: got {mode!r}, wanted one of {', '.join(MODES)}")
    if mode == FIXED:
        return np.full(np.shape(uniforms), venue)
    return (np.asarray(uniforms) * n_venues).astype(np.int64)


def bits_of(labels: Array, contexts: Array, *, context: str) -> Array:
    """Context bits of the shape of `contexts` (..., rows - 1), from labels (rows, n)."""
    if context not in CONTEXTS:
        raise ConfigError(f"context: got {context!r}, wanted one of {', '.join(CONTEXTS)}")
    rows = np.asarray(labels)[1:] if context == LABEL else np.asarray(labels)[:-1]
    return rows[np.arange(len(rows)), contexts]


def follow_batched(policy: Policy, labels: Array, contexts: Array, bits: Array, draws: Array) -> tuple[Array, State]:
    """Many runs: vmap over seeds of a scan over steps, compiled once per policy and shape, in double precision.

    Args:
        policy: what decides.
        labels: (rows, n), the same for all runs.
        contexts: venues (seeds, rows - 1), or (rows - 1,) for all runs the same.
        bits: of the shape of `contexts`.
        draws: uniforms (seeds, rows - 1, policy.n_draws(n)). They are most of the memory: 8 bytes each.

    Returns:
        Choices (seeds, rows - 1) and the states at the end, with a leading axis of seeds, as NumPy arrays.

    Raises:
        ConfigError: an array has another shape, or JAX is not installed.
    """
    _check_shapes(policy, np.asarray(labels), contexts, bits, draws)
    jax = load("jax", "the batched path")
    with jax.enable_x64(True):
        run = _program(policy, np.ndim(contexts) == 1)
        whole = (np.asarray(array, np.int32) for array in (labels, contexts, bits))
        answer = run(*whole, np.asarray(draws, float))
        return jax.tree.map(np.asarray, answer)  # type: ignore[no-any-return]


def _check_shapes(policy: Policy, labels: Array, contexts: Array, bits: Array, draws: Array) -> None:
    if labels.ndim != 2 or labels.shape[0] < 2 or labels.shape[1] < 2:
        raise ConfigError(f"labels: got shape {labels.shape}, wanted (rows, n), at least 2 of each")
    steps, width = len(labels) - 1, policy.n_draws(labels.shape[1])
    if np.ndim(draws) != 3 or np.shape(draws)[1:] != (steps, width):
        raise ConfigError(f"draws: got shape {np.shape(draws)}, wanted (seeds, {steps}, {width})")
    for what, array in (("contexts", contexts), ("bits", bits)):
        if np.shape(array) not in {(steps,), (len(draws), steps)}:
            raise ConfigError(f"{what}: got shape {np.shape(array)}, wanted one for each of {steps} steps")
    if np.shape(contexts) != np.shape(bits):
        raise ConfigError(f"bits: got shape {np.shape(bits)}, wanted that of contexts, {np.shape(contexts)}")


@lru_cache(maxsize=64)
def _program(policy: Policy, same_contexts: bool) -> Callable[..., Any]:
    jax = load("jax", "the batched path")
    xp = jax.numpy

    def step(state: State, row: Any) -> tuple[State, Array]:
        labels, context, bit, draws = row
        shown = labels if policy.foresees else state
        choice = policy.choose(shown, context, bit, draws, xp)
        after = policy.learn(state, context, bit, choice, labels[choice], draws, xp)
        # A scan wants the state's types unchanged; only integers of two widths ever differ.
        after = jax.tree.map(lambda new, old: new.astype(old.dtype), after, state)
        return after, choice.astype(xp.int32)

    def one(labels: Array, contexts: Array, bits: Array, draws: Array) -> tuple[Array, State]:
        start = policy.initial(labels.shape[1], xp)
        state, choices = jax.lax.scan(step, start, (labels[1:], contexts, bits, draws))
        return choices, state

    seeds = None if same_contexts else 0
    return jax.jit(jax.vmap(one, in_axes=(None, seeds, seeds, 0)))  # type: ignore[no-any-return]


def regrets(labels: Array, contexts: Array, choices: Array, *, may_choose_context: bool = False) -> Array:
    """Regret of every step, of the shape of `choices` (..., rows - 1): 2 for a miss that could have been a hit, else 0.

    The best label among the venues that may be chosen, less the label of the chosen one.
    """
    rows = np.asarray(labels)[1:]
    steps = np.arange(len(rows))
    got = rows[steps, choices]
    if may_choose_context:
        return rows.max(axis=1) - got
    # Without the context venue the best label is -1 only where that venue is the one winner.
    wins = (rows > 0).sum(axis=1)
    own = rows[steps, contexts] > 0
    return np.where(wins - own > 0, 1, -1) - got
