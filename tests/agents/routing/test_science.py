"""What the study says of the policies: who follows a winner that persists, and what the controls take away."""

from __future__ import annotations

from itertools import pairwise

import pytest

from agents.routing import paths
from agents.routing.catalogue import policy
from tests.agents.routing.panels import balanced, mean_regret, shuffled

pytest.importorskip("jax")
LABELS = balanced(600, seed=3)
LEARNERS = ("hidden-markov", "ising", "ising-source", "one-hot", "thompson", "sliding-window-ucb")


@pytest.mark.parametrize("mode", paths.MODES)
@pytest.mark.parametrize("context", paths.CONTEXTS)
def test_the_filter_then_the_likelihood_then_the_source_rule_then_chance(mode, context):
    names = ("hidden-markov", "ising", "ising-source", "chance")
    regrets = [mean_regret(policy(name), LABELS, mode=mode, context=context) for name in names]
    assert regrets == sorted(regrets)
    for better, worse in pairwise(regrets):
        assert better < 0.9 * worse


def test_shuffled_rows_remove_every_advantage():
    rows = shuffled(LABELS)
    chance = mean_regret(policy("chance"), rows, seeds=8)
    for name in LEARNERS:
        assert mean_regret(policy(name), LABELS, seeds=8) < 0.7 * chance
        assert mean_regret(policy(name), rows, seeds=8) == pytest.approx(chance, rel=0.03)


def test_without_couplings_a_fixed_context_costs_the_source_rule_less():
    """Spec 2's ablation: with a fixed context, the couplings that the source's rule learns do harm."""
    full, biases = (mean_regret(policy(name), LABELS, mode="fixed") for name in ("ising-source", "ising-source-biases"))
    assert biases < 0.8 * full


def test_without_couplings_both_rules_are_one():
    assert mean_regret(policy("ising-biases"), LABELS) == mean_regret(policy("ising-source-biases"), LABELS)
