"""The Ising model by sums over its states, one after another."""

from __future__ import annotations

from itertools import product
from math import exp

import numpy as np

from agents.routing.ising import split_theta


def theta_of(biases, couplings):
    """The parameter vector, from biases (n,) and a symmetric matrix of couplings (n, n)."""
    return np.concatenate([biases, couplings[np.triu_indices(len(biases), 1)]])


def by_sums(theta, seen, beta: float = 1.0):
    """(log Z, E[x], E[x x^T]) over the states that agree with `seen`, one state after another."""
    biases, couplings = split_theta(theta)
    total, first, second = 0.0, 0.0, 0.0
    for state in product((-1.0, 1.0), repeat=len(biases)):
        x = np.array(state)
        if any(bit and bit != spin for bit, spin in zip(seen, x, strict=True)):
            continue
        weight = exp(beta * (biases @ x + x @ couplings @ x / 2))
        total, first, second = total + weight, first + weight * x, second + weight * np.outer(x, x)
    return np.log(total), first / total, second / total
