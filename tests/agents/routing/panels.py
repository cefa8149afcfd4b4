"""Label tables with one winner that switches, and what routers see of them."""

from __future__ import annotations

import numpy as np

from agents.routing import paths
from marketsim.streams import Streams


def switching(rows: int, *, n: int = 5, stay: float = 0.99, seed: int = 0):
    """Labels (rows, n): the winner stays with probability `stay`, else another one follows."""
    rng = Streams(seed).stream("panel")
    moves = np.where(rng.random(rows) < stay, 0, rng.integers(1, n, rows))
    winners = np.cumsum(moves) % n
    return np.where(np.arange(n) == winners[:, None], 1, -1)


def balanced(rows: int, *, n: int = 5, stay: float = 0.99, seed: int = 0):
    """A switching winner in n rows x `rows`, in which every venue wins equally often."""
    labels = switching(rows, n=n, stay=stay, seed=seed)
    return np.concatenate([np.roll(labels, place, axis=1) for place in range(n)])


def shuffled(labels, *, seed: int = 0):
    return labels[Streams(seed).stream("shuffle").permutation(len(labels))]


def seen(policy, labels, *, mode: str, context: str, seed: int):
    """(contexts, bits, draws) of one run."""
    rows, n = labels.shape
    draws = Streams(seed).stream("agent:router").random((rows - 1, 1 + policy.n_draws(n)))
    contexts = paths.contexts_of(draws[:, 0], n, mode=mode)
    return contexts, paths.bits_of(labels, contexts, context=context), draws[:, 1:]


def follow(policy, labels, contexts, bits, draws):
    """(choices, the state at the end) of one run, step after step in NumPy as in the event loop."""
    state, choices = policy.initial(labels.shape[1], np), []
    for row, context, bit, draw in zip(labels[1:], contexts, bits, draws, strict=True):
        choices.append(policy.choose(row if policy.foresees else state, context, bit, draw, np))
        state = policy.learn(state, context, bit, choices[-1], row[choices[-1]], draw, np)
    return np.array(choices), state


def many(policy, labels, *, mode: str, context: str, seeds: int):
    """The same with a leading axis of seeds."""
    runs = [seen(policy, labels, mode=mode, context=context, seed=seed) for seed in range(seeds)]
    return tuple(np.stack(part) for part in zip(*runs, strict=True))


def mean_regret(policy, labels, *, mode: str = paths.RANDOM, context: str = paths.LABEL, seeds: int = 4) -> float:
    """Per run, over seeds."""
    contexts, bits, draws = many(policy, labels, mode=mode, context=context, seeds=seeds)
    choices, _ = paths.follow_batched(policy, labels, contexts, bits, draws)
    regrets = [paths.regrets(labels, *pair, may_choose_context=policy.may_choose_context).sum()
               for pair in zip(contexts, choices, strict=True)]  # fmt: skip
    return float(np.mean(regrets))
