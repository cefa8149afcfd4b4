"""THRML sampling against exact enumeration."""

from __future__ import annotations

import numpy as np
import pytest

from agents.routing.gibbs import Gibbs
from agents.routing.ising import Exact
from tests.agents.routing.test_ising import model, partly_seen

thrml = pytest.importorskip("thrml")
DRAWS = np.array([0.1, 0.7, 0.3, 0.9])
SAMPLES = 4000


def standard_errors(exact):
    # A product of spins is -1 or +1: its variance is one less the square of its mean.
    return np.sqrt(np.maximum(1 - exact**2, 1e-9) / SAMPLES)


def assert_within_four_errors(exact, sampled):
    assert np.abs((sampled - exact) / standard_errors(exact)).max() < 4


@pytest.mark.parametrize("n", range(3, 9))
def test_moments_agree_with_enumeration(n):
    theta = model(n, scale=0.25)
    assert_within_four_errors(Exact().moments(theta, DRAWS, np), Gibbs(samples=SAMPLES).moments(theta, DRAWS, np))


@pytest.mark.parametrize("n", [3, 8])
def test_conditional_moments_agree_with_enumeration(n):
    theta, seen = model(n, scale=0.25), partly_seen(n)
    clamped = int(np.abs(seen).sum())
    exact, sampled = (
        engine.conditional_moments(theta, seen, clamped, DRAWS, np) for engine in (Exact(), Gibbs(samples=SAMPLES))
    )
    assert 1 < clamped < n
    assert_within_four_errors(exact, sampled)


def test_marginals_given_any_context():
    theta, engine = model(4, scale=0.4), Gibbs(samples=SAMPLES)
    for context in range(4):
        for bit in (-1, 1):
            exact = Exact().marginals(theta, context, bit, DRAWS, np)
            sampled = engine.marginals(theta, context, bit, DRAWS, np)
            assert sampled[context] == bit
            assert_within_four_errors(exact, sampled)


def test_draws_decide_the_sample():
    theta, engine = model(4, scale=0.4), Gibbs(samples=SAMPLES)
    first, again, other = (engine.marginals(theta, 0, 1, draws, np) for draws in (DRAWS, DRAWS, 1 - DRAWS))
    assert first.tolist() == again.tolist() != other.tolist()


def test_one_block_of_all_spins_would_be_wrong():
    """The trap that single-spin blocks avoid; were it harmless, the tests above would show nothing."""
    import jax
    from thrml.models import IsingEBM, IsingSamplingProgram, hinton_init

    nodes = [thrml.SpinNode() for _ in range(3)]
    edges = [(nodes[0], nodes[1]), (nodes[0], nodes[2]), (nodes[1], nodes[2])]
    # Updated all at once, an antiferromagnetic triangle swings between all up and all down.
    ebm = IsingEBM(nodes, edges, jax.numpy.zeros(3), jax.numpy.full(3, -2.0), jax.numpy.array(1.0))
    program = IsingSamplingProgram(ebm, [thrml.Block(nodes)], clamped_blocks=[])
    keys = jax.random.split(jax.random.key(0))
    start = hinton_init(keys[0], ebm, program.gibbs_spec.free_blocks, ())
    schedule = thrml.SamplingSchedule(50, 500, 4)
    (states,) = thrml.sample_states(keys[1], program, schedule, start, [], [thrml.Block(nodes)])
    spins = 2.0 * np.asarray(states) - 1
    exact = Exact().moments(np.array([0.0, 0.0, 0.0, -2.0, -2.0, -2.0]), DRAWS, np)[3:]
    assert np.abs((spins.T @ spins / len(spins))[np.triu_indices(3, 1)] - exact).max() > 0.3
