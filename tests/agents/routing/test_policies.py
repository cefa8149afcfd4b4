"""The baselines, each against its definition."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from scipy import stats

from agents.routing.ising import Exact
from agents.routing.ising_policy import IsingPolicy
from agents.routing.policy import ONE_BIT, TWO_BITS, pick
from agents.routing.tables import EpsilonGreedy, SlidingWindowUCB, Thompson, beta_draws
from agents.routing.winner import Chance, HiddenMarkov, OneHot, OneVenue, RecentWinner
from marketsim.errors import ConfigError
from marketsim.streams import Streams

NOISE = np.array([0.1, 0.5, 0.2, 0.4, 0.3])


def draws(count: int, name: str = "draws"):
    return Streams(11).stream(name).random((4000, count))


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (1.0, 8.0), (2.5, 1.2), (40.0, 100.0)])
def test_beta_draws_have_their_law(a, b):
    samples = [beta_draws(np.array([a]), np.array([b]), uniforms, np)[0] for uniforms in draws(6)]
    # The approximation is within 0.005 of the law; 4000 draws tell apart 0.031 at one in a thousand.
    assert stats.kstest(samples, stats.beta(a, b).cdf).statistic < 0.031


def test_epsilon_greedy_by_hand():
    policy = EpsilonGreedy(epsilon=0.25, discount=0.5)
    state = policy.initial(3, np)
    state = policy.learn(state, 0, 1, 2, 1, None, np)
    state = policy.learn(state, 0, 1, 2, -1, None, np)
    state = policy.learn(state, 0, -1, 1, 1, None, np)
    # Row 1 is context venue 0 with +1: a success and a failure, halved once and twice; row 0 is the same with -1.
    assert state.successes[1].tolist() == [0, 0, 0.25]
    assert state.failures[1].tolist() == [0, 0, 0.5]
    assert state.successes[0].tolist() == [0, 1, 0]
    greedy = np.array([0.25, 0.1, 0.1, 0.9])
    assert policy.choose(state, 0, 1, greedy, np) == 1  # 0.5 without a trial beats a third
    assert policy.choose(state, 0, -1, greedy, np) == 1
    assert policy.choose(state, 0, -1, np.array([0.24, 0.99, 0.1, 0.9]), np) == 2  # explores, never the context


def test_two_bits_count_the_pair_both_ways():
    state = EpsilonGreedy(learns_from=TWO_BITS).initial(3, np)
    state = EpsilonGreedy(learns_from=TWO_BITS).learn(state, 0, -1, 2, 1, None, np)
    won, lost = np.argwhere(state.successes), np.argwhere(state.failures)
    assert won.tolist() == [[0, 2]]  # given venue 0 down, venue 2 was up
    assert lost.tolist() == [[5, 0]]  # given venue 2 up, venue 0 was down


def test_thompson_follows_success_and_forgets_it():
    policy = Thompson(contextual=False)
    state = policy.initial(5, np)
    for _ in range(60):
        state = policy.learn(state, 0, 1, 3, 1, None, np)
        state = policy.learn(state, 0, 1, 2, -1, None, np)
    chosen = [int(policy.choose(state, 0, 1, row, np)) for row in draws(30)[:500]]
    assert chosen.count(3) > 350
    assert chosen.count(2) < 20
    for _ in range(3000):
        state = policy.learn(state, 0, 1, 4, 1, None, np)._replace()
    assert state.successes[0, 3] < 1e-4


def test_the_window_forgets_at_once():
    policy = SlidingWindowUCB(window=3)
    state = policy.initial(5, np)
    for choice, outcome in ((1, 1), (2, -1), (3, 1), (3, -1)):
        state = policy.learn(state, 0, 1, choice, outcome, NOISE, np)
    assert state.trials.tolist() == [0, 0, 1, 2, 0]
    assert state.successes.tolist() == [0, 0, 0, 1, 0]
    assert policy.choose(state, 0, 1, NOISE, np) == 1  # 1 and 4 have no trial; the noise of 1 is higher
    for choice in (1, 4, 2):
        state = policy.learn(state, 0, 1, choice, 1 if choice == 4 else -1, NOISE, np)
    assert policy.choose(state._replace(trials=np.ones(5)), 0, 1, NOISE, np) == 4


def probability_of_bits(bits: dict[int, int], winner: int, slack: float) -> float:
    """Up to the factor common to all winners."""
    p = 1.0
    for venue, bit in bits.items():
        p *= (1 - slack) if (bit > 0) == (venue == winner) else slack
    return p


def test_the_filter_is_the_sum_over_paths():
    n, rates, slack = 3, (0.1, 0.6), 0.05
    policy = HiddenMarkov(rates=rates, forgetting=0.0, prior=1e9, slack=slack)  # a prior so large fixes the new winner
    shown = [(0, -1, 1, -1), (1, -1, 2, 1), (0, -1, 2, 1), (2, -1, 0, 1)]
    state = policy.initial(n, np)
    for context, bit, choice, outcome in shown:
        state = policy.learn(state, context, bit, choice, outcome, None, np)
    ahead = np.zeros((len(rates), n))
    for place, rate in enumerate(rates):
        for path in product(range(n), repeat=len(shown) + 1):
            weight = 1 / (n * len(rates))
            for before, after in pairwise(path):
                weight *= (1 - rate) * (before == after) + rate / n
            for winner, (context, bit, choice, outcome) in zip(path, shown, strict=False):
                weight *= probability_of_bits({context: bit, choice: outcome}, winner, slack)
            ahead[place, path[-1]] += weight
    assert state.beliefs == pytest.approx(ahead / ahead.sum(), abs=1e-8)


def test_one_hot_steps_along_its_gradient():
    policy, slack = OneHot(), 0.01
    logits = np.array([0.3, -0.2, 0.8, 0.0])
    bits = {1: -1, 2: 1}

    def log_likelihood(h):
        p = np.exp(2 * h) / np.exp(2 * h).sum()
        return np.log(sum(p[w] * probability_of_bits(bits, w, slack) for w in range(4)))

    h = logits / 2
    gradient = [(log_likelihood(h + d) - log_likelihood(h - d)) / 2e-5 for d in 1e-5 * np.eye(4)]
    after = policy.learn(policy.initial(4, np)._replace(logits=logits), 1, -1, 2, 1, None, np).logits
    assert after / 2 == pytest.approx(0.995 * h + 0.05 * np.array(gradient), abs=1e-9)


def test_one_bit_and_two_bits_differ_by_the_context():
    for make in (OneHot, HiddenMarkov, RecentWinner):
        one, two = make(learns_from=ONE_BIT), make(learns_from=TWO_BITS)
        start = one.initial(4, np)
        first, second = (one.learn(start, 0, bit, 2, -1, None, np) for bit in (-1, 1))
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
        first, second = (two.learn(start, 0, bit, 2, -1, None, np) for bit in (-1, 1))
        assert not all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_yardsticks():
    assert OneVenue(venue=3).choose(OneVenue(venue=3).initial(5, np), 0, 1, NOISE, np) == 3
    assert OneVenue(venue=3).choose(OneVenue(venue=3).initial(5, np), 3, 1, NOISE, np) == 1
    counts = np.bincount([int(Chance().choose((), 2, 1, row, np)) for row in draws(4)], minlength=4)
    assert counts[2] == 0
    assert stats.chisquare(counts[[0, 1, 3]]).pvalue > 1e-3
    with pytest.raises(ConfigError, match="wanted an index below 3"):
        OneVenue(venue=3).initial(3, np)


@pytest.mark.parametrize("rates", [(), (0.0,), (1.5,), [0.1], (True,), (float("nan"),)])
def test_bad_rates_are_refused(rates):
    with pytest.raises(ConfigError, match="rates"):
        HiddenMarkov(rates=rates)


def test_the_event_loop_decides_as_the_marginals_do_ties_included():
    rng, ties = Streams(5).stream("decisions"), 0
    for case in range(2_000):
        n = 2 + case % 5
        # Zero, coarse and large parameters: ties of all venues, of some, and energies that need a shift.
        theta = rng.integers(-2, 3, n * (n + 1) // 2) * (0.0, 0.5, 0.3, 80.0)[case % 4]
        context, bit, noise = int(rng.integers(n)), int(2 * rng.integers(2) - 1), rng.random(n)
        policy = IsingPolicy(may_choose_context=case % 3 == 0)
        state = policy.initial(n, np)._replace(theta=theta)
        means = Exact().marginals(theta, context, bit, noise[:0], np)
        ties += len(np.unique(np.delete(means, context).round(9))) < n - 1
        wanted = pick(means, context, noise, policy.may_choose_context, np)
        assert policy.choose(state, context, bit, noise, np) == wanted
        prepared = state._replace(prepared=policy.inference.prepare(theta))
        assert policy.choose(prepared, context, bit, noise, np) == wanted
    assert ties > 500


@pytest.mark.parametrize(("n", "few"), [(2, True), (8, True), (9, False)])
def test_what_is_prepared_is_the_marginals_and_the_moments(n, few):
    engine, theta = Exact(beta=0.7), Streams(n).stream("theta").normal(size=n * (n + 1) // 2)
    moments = engine.moments(theta, theta[:0], np)
    prepared = engine.prepare(theta)
    assert (prepared is not None) == few
    if prepared is None:
        return
    assert engine.prepared_moments(prepared).tolist() == moments.tolist()
    for context in range(n):
        for bit in (-1, 1):
            scores, scale = prepared.given(context, bit > 0)
            wanted = engine.marginals(theta, context, bit, theta[:0], np)
            assert np.array(scores) / scale == pytest.approx(wanted, abs=1e-12)


def test_a_lesson_leaves_its_own_answers_prepared():
    policy, noise = IsingPolicy(), np.zeros(3)
    state = policy.initial(3, np)
    for bit in (1, -1):
        state = policy.learn(state, 0, bit, 1, bit, noise, np)
        fresh = policy.inference.prepare(state.theta)
        assert state.prepared.answers.tolist() == fresh.answers.tolist()


def test_what_is_prepared_of_an_impossible_bit_is_not_answered():
    engine, theta = Exact(), np.array([800.0, 0.0, 0.0])
    prepared = engine.prepare(theta)
    assert prepared.given(0, True) is not None
    assert prepared.given(0, False) is None
