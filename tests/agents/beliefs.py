"""What tests ask of a belief beyond what it says itself."""

from __future__ import annotations

from math import sqrt

import numpy as np


def variance_of(belief, market, time):
    """Variance of the log price of `market` at `time` for a `FactorBelief`: beta P beta'."""
    loading = np.array(belief.loadings[market])
    return float(loading @ np.array(belief.covariance_at(time)) @ loading)


def z_score(nis):
    """Distance of the mean of normalised innovations squared from 1, in the standard errors of a filter that fits."""
    return (nis.mean - 1) / sqrt(2 / nis.count)
