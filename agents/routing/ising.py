"""The Ising model on a full graph, by exact enumeration of its 2^n states, in NumPy and in JAX.

Spins x are -1 or +1; the energy is -beta (h.x + sum over i<j of J_ij x_i x_j). Parameters are one vector `theta` of
length d = n (n + 1) / 2: the n biases h, then the couplings J_ij by rows of the upper triangle. The statistics f(x)
have the same layout: x, then x_i x_j. Then log p(x) = beta theta.f(x) - log Z, an exponential family.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt
from typing import NamedTuple, Protocol

import numpy as np
from attrs import field, frozen

from agents.routing.policy import Array, Namespace, softmax
from marketsim.checks import number
from marketsim.errors import ConfigError

SPINS_MAX = 16
"""The tables of 16 spins take 90 MB, and double with the next one, as does the time: sample instead."""

FEW_SPINS = 8
"""Spins up to which `Exact.prepare` works out every answer; of more spins there are too many."""

_PROBABLE = 1e-200
"""Of a context bit less probable than this too few digits are prepared."""


class Inference(Protocol):
    """Expectations under the model. Sampling engines use `draws`, `n_draws` uniforms; exact ones use none."""

    @property
    def n_draws(self) -> int: ...
    @property
    def beta(self) -> float: ...

    def marginals(self, theta: Array, context: Array, bit: Array, draws: Array, xp: Namespace, /) -> Array:
        """Shape (n,): E[x | x_context = bit]."""

    def moments(self, theta: Array, draws: Array, xp: Namespace, /) -> Array:
        """Shape (d,): E[f(x)]."""

    def conditional_moments(self, theta: Array, seen: Array, clamped: int, draws: Array, xp: Namespace, /) -> Array:
        """Shape (d,): E[f(x) | x_i = seen_i where seen_i is not 0]; `clamped` is how many those are."""


class _Tables(NamedTuple):
    spins: Array  # (states, n)
    features: Array  # (states, d)
    scaled: Array  # beta times features
    log_mask: Array  # (n, 2, states): 0 where the state has spin i down or up, else -inf


class Prepared(NamedTuple):
    """The answers to all that an event loop can ask of one theta.

    `weights` (states,) are probabilities; `answers` (n, 2, n + 1) are, by context and bit, the marginals times the
    bit's probability, and last that probability.
    """

    weights: Array
    answers: Array

    def given(self, context: int, up: bool) -> tuple[list[float], float] | None:
        """The marginals given the context's bit times a positive number, and that number; None of too small a one."""
        *scores, scale = self.answers[context, int(up)].tolist()
        return (scores, scale) if scale > _PROBABLE else None


def spin_count(theta_length: int) -> int:
    """n, from d = n (n + 1) / 2."""
    n = (isqrt(8 * theta_length + 1) - 1) // 2
    if n < 1 or n * (n + 1) // 2 != theta_length:
        raise ConfigError(f"theta: got {theta_length} parameters, wanted n (n + 1) / 2: n biases, then the couplings")
    return n


def split_theta(theta: Array) -> tuple[Array, Array]:
    """(biases (n,), symmetric couplings (n, n) with a zero diagonal), in NumPy."""
    theta = np.asarray(theta)
    n = spin_count(len(theta))
    couplings = np.zeros((n, n))
    couplings[np.triu_indices(n, 1)] = theta[n:]
    return theta[:n].copy(), couplings + couplings.T


@lru_cache(maxsize=8)
def _tables(length: int, beta: float) -> _Tables:
    n = spin_count(length)
    if n > SPINS_MAX:
        raise ConfigError(f"exact inference: got {n} spins, wanted at most {SPINS_MAX}; use inference='thrml'")
    spins = 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1) - 1.0
    left, right = np.triu_indices(n, 1)
    features = np.concatenate([spins, spins[:, left] * spins[:, right]], axis=1)
    up = spins.T > 0
    log_mask = np.where(np.stack([~up, up], axis=1), 0.0, -np.inf)
    return _Tables(spins, features, features if beta == 1.0 else beta * features, log_mask)


@lru_cache(maxsize=8)
def _questions(length: int, beta: float) -> Array:
    # (2 n (n + 1), states): by context and bit, the spins and a 1 where the state agrees, and 0 where it does not.
    tables = _tables(length, beta)
    sums = np.concatenate([tables.spins.T, np.ones((1, len(tables.spins)))])
    agrees = np.isfinite(tables.log_mask)[:, :, None]
    return np.ascontiguousarray((agrees * sums).reshape(-1, len(tables.spins)))


@frozen
class Exact:
    """Enumeration of all states: no sampling noise, 2^n work."""

    beta: float = field(default=1.0, validator=number(above=0.0))

    @property
    def n_draws(self) -> int:
        return 0

    def marginals(self, theta: Array, context: Array, bit: Array, _draws: Array, xp: Namespace, /) -> Array:
        tables = _tables(theta.shape[0], self.beta)
        mask = xp.asarray(tables.log_mask)[context, (bit > 0) * 1]
        # The mask joins before the maximum is taken: a clamped state may be as unlikely as it likes.
        return softmax(xp.asarray(tables.scaled) @ theta + mask, xp) @ xp.asarray(tables.spins)

    def moments(self, theta: Array, _draws: Array, xp: Namespace, /) -> Array:
        tables = _tables(theta.shape[0], self.beta)
        return softmax(xp.asarray(tables.scaled) @ theta, xp) @ xp.asarray(tables.features)

    def conditional_moments(self, theta: Array, seen: Array, _clamped: int, _draws: Array, xp: Namespace, /) -> Array:
        tables = _tables(theta.shape[0], self.beta)
        agreeing = xp.asarray(tables.spins) @ seen > xp.abs(seen).sum() - 0.5
        energies = xp.where(agreeing, xp.asarray(tables.scaled) @ theta, -xp.inf)
        return softmax(energies, xp) @ xp.asarray(tables.features)

    def prepare(self, theta: Array) -> Prepared | None:
        """The answers to all that can be asked of `theta`, in NumPy; None of more spins than `FEW_SPINS`.

        The event loop prepares them when it has learned: a decision asks for one, and when it is due a call of NumPy
        takes longer than the sums of five numbers in it.
        """
        length = len(theta)
        n = spin_count(length)
        if n > FEW_SPINS:
            return None
        weights = softmax(_tables(length, self.beta).scaled @ theta, np)
        return Prepared(weights, (_questions(length, self.beta) @ weights).reshape(n, 2, n + 1))

    def prepared_moments(self, prepared: Prepared) -> Array:
        """Shape (d,): E[f(x)]."""
        n = len(prepared.answers)
        return prepared.weights @ _tables(n * (n + 1) // 2, self.beta).features
