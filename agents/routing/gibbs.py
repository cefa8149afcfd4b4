"""The Ising model by Gibbs sampling with THRML: the reference engine, and the one for many spins."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from attrs import field, frozen

from agents.routing.extra import load
from agents.routing.ising import spin_count
from agents.routing.policy import Array, Namespace
from marketsim.checks import integer, number

_WORD = 2**32


@frozen
class Gibbs:
    """THRML's own `IsingEBM`, sampling program and schedule.

    Every free spin is a block of its own. THRML updates the spins of one block at once, each given the others' old
    values, which is right only where they do not interact; on a full graph one block of all spins samples another
    distribution, without a word. Clamped spins are a clamped block.

    Args:
        warmup: sweeps before the first sample.
        samples: how many.
        thinning: sweeps from one sample to the next.
        beta: inverse temperature.
    """

    warmup: int = field(default=50, validator=integer(0))
    samples: int = field(default=100, validator=integer(1))
    thinning: int = field(default=4, validator=integer(1))
    beta: float = field(default=1.0, validator=number(above=0.0))

    @property
    def n_draws(self) -> int:
        return 4

    def marginals(self, theta: Array, context: Array, bit: Array, draws: Array, xp: Namespace, /) -> Array:
        n = spin_count(theta.shape[0])
        seen = xp.where(xp.arange(n) == context, bit, 0) * 1.0
        return self._means(theta, seen, 1, draws[:2], xp)[:n]

    def moments(self, theta: Array, draws: Array, xp: Namespace, /) -> Array:
        return self._means(theta, xp.zeros(spin_count(theta.shape[0])), 0, draws[2:3], xp)

    def conditional_moments(self, theta: Array, seen: Array, clamped: int, draws: Array, xp: Namespace, /) -> Array:
        return self._means(theta, seen, clamped, draws[3:4], xp)

    def _means(self, theta: Array, seen: Array, clamped: int, draws: Array, xp: Namespace) -> Array:
        jax = load("jax", "inference='thrml'")
        means = _sampler(spin_count(theta.shape[0]), clamped, self)
        # One precision for both paths: a sum of 100 samples turns on single Bernoulli draws.
        with jax.enable_x64(True):
            answer = means(theta, seen, draws)
            return np.asarray(answer) if xp is np else answer


@lru_cache(maxsize=64)
def _sampler(n: int, clamped: int, settings: Gibbs) -> Callable[[Array, Array, Array], Array]:
    jax = load("jax", "inference='thrml'")
    numpy, draw = jax.numpy, _spins(n, clamped, settings)
    left, right = np.triu_indices(n, 1)

    def means(theta: Array, seen: Array, draws: Array) -> Array:
        # THRML programs fix which nodes are clamped: the spins that were seen are moved to the front, and back after.
        places = numpy.arange(n)
        order = numpy.argsort(numpy.where(seen != 0, places - n, places))
        theta = numpy.asarray(theta, numpy.float32)
        couplings = numpy.zeros((n, n), numpy.float32).at[left, right].set(theta[n:])
        couplings = (couplings + couplings.T)[order][:, order]
        words = numpy.broadcast_to((draws * _WORD).astype(numpy.uint32), (2,))
        key = jax.random.wrap_key_data(words, impl="threefry2x32")
        spins = draw(theta[:n][order], couplings[left, right], seen[order[:clamped]] > 0, key)
        spins = spins[:, numpy.argsort(order)]
        return numpy.concatenate([spins, spins[:, left] * spins[:, right]], axis=1).mean(axis=0)

    return jax.jit(means)  # type: ignore[no-any-return]


def _spins(n: int, clamped: int, settings: Gibbs) -> Callable[[Array, Array, Array, Any], Array]:
    """A function from (biases, couplings, clamped bits, key) to spins of shape (samples, n)."""
    jax, thrml, models = (load(name, "inference='thrml'") for name in ("jax", "thrml", "thrml.models"))
    nodes = [thrml.SpinNode() for _ in range(n)]
    edges = [(nodes[i], nodes[j]) for i in range(n) for j in range(i + 1, n)]
    free = [thrml.Block([node]) for node in nodes[clamped:]]
    held = [thrml.Block(nodes[:clamped])] if clamped else []
    everything = [thrml.Block(nodes)]
    schedule = thrml.SamplingSchedule(settings.warmup, settings.samples, settings.thinning)

    def draw(biases: Array, couplings: Array, bits: Array, key: Any) -> Array:
        numpy = jax.numpy
        model = models.IsingEBM(nodes, edges, biases, couplings, numpy.asarray(settings.beta, numpy.float32))
        program = models.IsingSamplingProgram(model, free, clamped_blocks=held)
        first, rest = jax.random.split(key)
        start = models.hinton_init(first, model, program.gibbs_spec.free_blocks, ())
        shown = [bits] if clamped else []
        (states,) = thrml.sample_states(rest, program, schedule, start, shown, everything)
        return 2.0 * states.reshape(settings.samples, n) - 1.0

    return draw
