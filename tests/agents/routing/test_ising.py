"""The Ising model by enumeration: against sums written out, NumPy against JAX, gradients against differences."""

from __future__ import annotations

from itertools import product
from math import tanh

import numpy as np
import pytest

from agents.routing.ising import Exact, spin_count, split_theta
from marketsim.errors import ConfigError
from marketsim.streams import Streams
from tests.agents.routing.sums import by_sums, theta_of

jax = pytest.importorskip("jax")
NONE = np.zeros(0)


def model(n: int, seed: int = 0, scale: float = 0.7):
    return scale * Streams(seed).stream(f"model{n}").standard_normal(n * (n + 1) // 2)


def partly_seen(n: int, seed: int = 0):
    bits = Streams(seed).stream(f"seen{n}").integers(-1, 2, n)
    bits[0] = 1
    return bits.astype(float)


def test_one_spin_and_a_pair_have_their_closed_forms():
    assert Exact().moments(np.array([0.3]), NONE, np) == pytest.approx([tanh(0.3)], abs=1e-14)
    pair = Exact(beta=2.0).moments(np.array([0.0, 0.0, 0.4]), NONE, np)
    assert pair == pytest.approx([0.0, 0.0, tanh(0.8)], abs=1e-14)
    clamped = Exact().marginals(np.array([0.1, 0.2, 0.4]), 0, -1, NONE, np)
    assert clamped == pytest.approx([-1.0, tanh(0.2 - 0.4)], abs=1e-14)


@pytest.mark.parametrize("n", range(2, 9))
@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_moments_are_the_sums_over_states(n, beta):
    theta, seen, engine = model(n), partly_seen(n), Exact(beta)
    upper = np.triu_indices(n, 1)
    for clamped in (np.zeros(n), seen):
        _, first, second = by_sums(theta, clamped, beta)
        got = engine.conditional_moments(theta, clamped, int(np.abs(clamped).sum()), NONE, np)
        assert got == pytest.approx(np.concatenate([first, second[upper]]), abs=1e-12)
    assert engine.moments(theta, NONE, np) == pytest.approx(
        engine.conditional_moments(theta, np.zeros(n), 0, NONE, np), abs=1e-12
    )
    for context, bit in product(range(n), (-1, 1)):
        one = np.where(np.arange(n) == context, bit, 0)
        assert engine.marginals(theta, context, bit, NONE, np) == pytest.approx(by_sums(theta, one, beta)[1], abs=1e-12)


@pytest.mark.parametrize("n", [2, 5, 8])
def test_numpy_is_jax(n):
    theta, seen, engine = model(n), partly_seen(n), Exact()
    with jax.enable_x64(True):
        xp = jax.numpy
        marginals = jax.jit(lambda context, bit: engine.marginals(xp.asarray(theta), context, bit, NONE, xp))
        for context, bit in product(range(n), (-1, 1)):
            got = marginals(context, bit)
            assert np.abs(np.asarray(got) - engine.marginals(theta, context, bit, NONE, np)).max() < 1e-12
        assert np.abs(engine.moments(xp.asarray(theta), NONE, xp) - engine.moments(theta, NONE, np)).max() < 1e-12
        given = engine.conditional_moments(xp.asarray(theta), xp.asarray(seen), 0, NONE, xp)
        assert np.abs(given - engine.conditional_moments(theta, seen, 0, NONE, np)).max() < 1e-12


def test_a_clamped_state_may_be_as_unlikely_as_it_likes():
    theta = np.full(15, 200.0)
    # Energies up to 585 and above 600: without and with a shift of the exponent.
    for size in (200.0, 39.0, 41.0, 1e-3):
        for bit in (-1, 1):
            means = Exact().marginals(np.full(15, size), 2, bit, NONE, np)
            assert means[2] == bit
            one = np.where(np.arange(5) == 2, bit, 0.0)
            general = Exact().conditional_moments(np.full(15, size), one, 1, NONE, np)[:5]
            assert means == pytest.approx(general, abs=1e-12)
    seen = np.array([-1.0, 0.0, 1.0, 0.0, 0.0])
    assert np.isfinite(Exact().conditional_moments(theta, seen, 2, NONE, np)).all()


@pytest.mark.parametrize("n", [2, 3, 5])
def test_the_gradient_of_the_observed_likelihood(n):
    theta, seen, engine = model(n, seed=1), partly_seen(n, seed=2), Exact(beta=0.8)

    def log_likelihood(at):
        return by_sums(at, seen, 0.8)[0] - by_sums(at, np.zeros(n), 0.8)[0]

    step = 1e-5
    numerical = [
        (log_likelihood(theta + step * unit) - log_likelihood(theta - step * unit)) / (2 * step)
        for unit in np.eye(len(theta))
    ]
    gradient = engine.conditional_moments(theta, seen, 0, NONE, np) - engine.moments(theta, NONE, np)
    assert engine.beta * gradient == pytest.approx(numerical, abs=1e-8)


@pytest.mark.parametrize("n", [10, 11])
def test_many_spins_go_the_general_way_to_the_same_end(n):
    theta, one = model(n, scale=0.3), np.where(np.arange(n) == 3, -1.0, 0.0)
    means = Exact().marginals(theta, 3, -1, NONE, np)
    assert means == pytest.approx(Exact().conditional_moments(theta, one, 1, NONE, np)[:n], abs=1e-12)


def test_parameters_go_to_a_vector_and_back():
    theta = model(4)
    assert theta_of(*split_theta(theta)).tolist() == theta.tolist()
    assert [spin_count(length) for length in (1, 3, 6, 10, 15)] == [1, 2, 3, 4, 5]
    with pytest.raises(ConfigError, match="got 4 parameters"):
        spin_count(4)
    with pytest.raises(ConfigError, match="got 17 spins"):
        Exact().moments(np.zeros(17 * 18 // 2), NONE, np)
