"""The learning rules: the source's against the same rule written out step by step, the default against its gradient."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from agents.routing.catalogue import POLICIES, policy
from agents.routing.gibbs import Gibbs
from agents.routing.ising import Exact, split_theta
from agents.routing.ising_policy import IsingPolicy
from agents.routing.learning import Rates
from agents.routing.policy import ONE_BIT, TWO_BITS
from marketsim.errors import ConfigError
from marketsim.streams import Streams
from tests.agents.routing.panels import follow, seen, switching
from tests.agents.routing.sums import by_sums, theta_of

NONE = np.zeros(5)


def source_step_by_step(labels, contexts, choices, window):
    """The published rule, one venue and one pair at a time."""
    n = labels.shape[1]
    h, couplings, history = np.zeros(n), np.zeros((n, n)), deque(maxlen=window)
    for row, context, choice in zip(labels[1:], contexts, choices, strict=True):
        moments = Exact().moments(theta_of(h, couplings), NONE, np)
        means, (_, products) = moments[:n], split_theta(moments)
        bits = {context: row[context], choice: row[choice]}
        history.append(bits)
        new_h, new_couplings = 0.995 * h, 0.995 * couplings
        for i in range(n):
            if i in bits:
                new_h[i] += 0.05 * (bits[i] - means[i])
            else:
                new_h[i] += 0.3 * 0.05 * sum(couplings[i, j] * bit for j, bit in bits.items())
            for j in range(i + 1, n):
                pairs = [step[i] * step[j] for step in history if i in step and j in step]
                if pairs:
                    new_couplings[i, j] += 0.05 * (np.mean(pairs) - products[i, j])
                    new_couplings[j, i] = new_couplings[i, j]
        h, couplings = new_h, new_couplings
    return h, couplings


def test_the_source_rule_is_the_published_one():
    labels = switching(120, stay=0.9)
    router = policy("ising-source", rates=Rates(window=30))
    contexts, bits, draws = seen(router, labels, mode="random", context="label", seed=0)
    choices, state = follow(router, labels, contexts, bits, draws)
    h, couplings = split_theta(state.theta)
    expected_h, expected_couplings = source_step_by_step(labels, contexts, choices, window=30)
    assert h == pytest.approx(expected_h, abs=1e-12)
    assert couplings == pytest.approx(expected_couplings, abs=1e-12)
    assert np.abs(couplings).max() > 0.1


@pytest.mark.parametrize("learns_from", [ONE_BIT, TWO_BITS])
def test_the_default_rule_steps_along_the_gradient(learns_from):
    router = IsingPolicy(learns_from=learns_from)
    theta = 0.4 * Streams(3).stream("theta").standard_normal(15)
    state = router.initial(5, np)._replace(theta=theta)
    after = router.learn(state, 1, -1, 4, 1, NONE, np).theta
    bits = np.array([0.0, -1.0 if learns_from == TWO_BITS else 0.0, 0.0, 0.0, 1.0])

    def log_likelihood(at):
        return by_sums(at, bits)[0] - by_sums(at, np.zeros(5))[0]

    gradient = [(log_likelihood(theta + d) - log_likelihood(theta - d)) / 2e-5 for d in 1e-5 * np.eye(15)]
    assert after == pytest.approx(0.995 * theta + 0.05 * np.array(gradient), abs=1e-9)


@pytest.mark.parametrize("name", ["ising-biases", "ising-source-biases"])
def test_couplings_off_stay_off(name):
    labels, router = switching(200), policy(name)
    contexts, bits, draws = seen(router, labels, mode="random", context="label", seed=0)
    _, state = follow(router, labels, contexts, bits, draws)
    h, couplings = split_theta(state.theta)
    assert not couplings.any()
    assert np.abs(h).max() > 0.1


def arrays(state):
    """All arrays of a state, those of answers that were prepared for the event loop too."""
    return [array for part in state if part is not None for array in (part if isinstance(part, tuple) else (part,))]


@pytest.mark.parametrize("name", POLICIES)
def test_learning_changes_no_earlier_state(name):
    labels, router = switching(40), policy(name)
    contexts, bits, draws = seen(router, labels, mode="random", context="label", seed=0)
    state = router.initial(5, np)
    for row, context, bit, draw in zip(labels[1:], contexts, bits, draws, strict=True):
        before = [array.copy() for array in arrays(state)]
        choice = router.choose(row if router.foresees else state, context, bit, draw, np)
        after = router.learn(state, context, bit, choice, row[choice], draw, np)
        assert all(np.array_equal(old, new) for old, new in zip(before, arrays(state), strict=True))
        state = after


@pytest.mark.parametrize("name", POLICIES)
def test_the_context_venue_is_chosen_only_where_it_may(name):
    labels = switching(300)
    for allowed in (False, True):
        router = policy(name, may_choose_context=allowed)
        contexts, bits, draws = seen(router, labels, mode="random", context="label", seed=0)
        choices, _ = follow(router, labels, contexts, bits, draws)
        assert (choices == contexts).any() == allowed


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ConfigError, match="clamps a fixed number of spins"):
        IsingPolicy(inference=Gibbs(), may_choose_context=True)
    for options in ({"rule": "best"}, {"inference": "exact"}, {"couplings": 1}, {"learns_from": "all"}):
        with pytest.raises(ConfigError):
            IsingPolicy(**options)
    for name, options in (("isnig", {}), ("ising", {"inference": "magic"}), ("ising", {"speed": 3})):
        with pytest.raises(ConfigError):
            policy(name, **options)
    assert policy("ising", inference="thrml") == IsingPolicy(inference=Gibbs())
