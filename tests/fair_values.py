"""Worlds and fair values of every kind for tests of fair values."""

from __future__ import annotations

from math import erfc, exp, pi, sqrt

import numpy as np
import pytest

from marketsim.fairvalue import ConstantFairValue, HistoricalPath, LatentFactorWalk, OrnsteinUhlenbeck, PoissonJumps
from marketsim.streams import Streams

MARKETS = ("A", "B", "C")
LEVELS = {"A": 9_000.0, "B": 10_000.0, "C": 11_000.0}


def world(seed=1):
    return Streams(seed).stream("world")


def phi(x):
    return exp(-x * x / 2) / sqrt(2 * pi)


def tail(x):
    return erfc(x / sqrt(2)) / 2


def unit_walk(seed, horizon, *, walk_var=1e-6, count=1, **options):
    """Markets with loading 1 on a factor of their own, and nothing else."""
    return LatentFactorWalk(
        markets=tuple(f"m{i}" for i in range(count)),
        loadings=np.eye(count),
        eps=np.zeros(count),
        factors=np.vstack(
            [np.zeros(count), np.cumsum(sqrt(walk_var) * world(seed).standard_normal((horizon, count)), axis=0)]
        ),
        walk_var=walk_var,
        **options,
    )


def every_kind():
    return [
        ConstantFairValue(LEVELS),
        LatentFactorWalk.draw(world(), 40, MARKETS),
        PoissonJumps.draw(world(), 40, LEVELS, jumps_per_step=0.2, size=5.0),
        OrnsteinUhlenbeck.draw(world(), 40, LEVELS, mean_reversion=0.05, volatility=0.01),
        HistoricalPath.from_arrays(
            {m: ([0, 3, 41], [1.0, 2.0, 1.5]) for m in MARKETS}, step=1, tick_size=0.01, horizon=40
        ),
    ]


kinds = pytest.mark.parametrize("fair", every_kind(), ids=lambda fair: type(fair).__name__)
