"""One ready-made fair value of each kind, for the conformance kit."""

from __future__ import annotations

from marketsim.fairvalue import (
    ConstantFairValue,
    HistoricalPath,
    LatentFactorWalk,
    OrnsteinUhlenbeck,
    PoissonJumps,
    ProbabilityMartingale,
)
from marketsim.streams import Streams

HORIZON = 200


def constant() -> ConstantFairValue:
    return ConstantFairValue({"ACME": 1000.0})


def historical() -> HistoricalPath:
    times = list(range(0, 2 * HORIZON + 1, 2))
    prices = [100.0 + step % 7 for step in times]
    return HistoricalPath.from_arrays({"ACME": (times, prices)}, step=2, tick_size=0.1)


def latent_factor_walk() -> LatentFactorWalk:
    return LatentFactorWalk.draw(Streams(1).stream("world"), HORIZON, ("ACME", "BOLT"))


def ornstein_uhlenbeck() -> OrnsteinUhlenbeck:
    world = Streams(1).stream("world")
    return OrnsteinUhlenbeck.draw(world, HORIZON, {"ACME": 1000.0}, mean_reversion=0.01, volatility=0.001)


def poisson_jumps() -> PoissonJumps:
    return PoissonJumps.draw(Streams(1).stream("world"), HORIZON, {"ACME": 1000.0}, jumps_per_step=0.05, size=10.0)


def probability_martingale() -> ProbabilityMartingale:
    return ProbabilityMartingale.draw(Streams(1).stream("world"), HORIZON, news_per_step=0.05, accuracy=0.7)
