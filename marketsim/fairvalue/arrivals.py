"""Arrival times of a Poisson stream."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from marketsim.errors import ConfigError

ARRIVALS_MAX = 10**8


def poisson_times(rng: np.random.Generator, rate: float, horizon: int) -> NDArray[np.float64]:
    """Increasing times in (0, horizon] of a Poisson stream of `rate` arrivals per step.

    They are running sums of exponential gaps and the only use made of `rng`, so that a longer horizon appends
    arrivals and moves none.

    Raises:
        ConfigError: more than 10**8 arrivals are to be expected.

    >>> len(poisson_times(np.random.default_rng(1), 0.0, 100))
    0
    """
    expected = rate * horizon
    if not 0 <= expected <= ARRIVALS_MAX:
        raise ConfigError(f"poisson_times: got {expected} expected arrivals, wanted at most {ARRIVALS_MAX}")
    if expected == 0:
        return np.empty(0)
    chunk = int(expected + 4 * sqrt(expected)) + 8
    gaps = rng.standard_exponential(chunk)
    # One running sum over all gaps, chunks or not: its rounding must not depend on the chunk.
    with np.errstate(over="ignore"):
        while (times := np.cumsum(gaps) / rate)[-1] <= horizon:
            gaps = np.concatenate([gaps, rng.standard_exponential(chunk)])
    return times[: int(np.searchsorted(times, horizon, side="right"))]
