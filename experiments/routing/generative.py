"""The generative side study: which directions prices move in together, by an Ising model.

A state is one bucket: +1 for a venue whose next price is higher, else -1. Models are fitted to the same states:
trained step by step by either learning rule with every spin seen and no discount, the exact maximum of the likelihood,
and one without couplings. Each is sampled, and marginals and correlations of the samples set against those of the data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from attrs import frozen
from numpy.typing import NDArray

from agents.routing.catalogue import INFERENCE
from agents.routing.ising import SPINS_MAX, Exact, spin_count
from agents.routing.learning import RULES, SOURCE, Rates, initial_state, observed_likelihood, source_rule
from marketsim.errors import ConfigError
from marketsim.streams import Streams

Floats = NDArray[np.float64]

LIKELIHOOD, UNCOUPLED = "exact maximum likelihood", "no couplings"
SEED = 1
"""Of the states drawn from the models."""
_STEPS_MAX = 200
_PARAMETER_MAX = 12.0
"""Where a spin never moves, or two always move together, the likelihood has no maximum: parameters stop here."""
_GRADIENT_MIN = 1e-12


@frozen(eq=False)
class Fitted:
    """One model: parameters (d,), what a sample of it looks like, and how far from the data.

    Args:
        marginals: of the sample, P(up) (n,).
        correlations: of the sample (n, n).
        errors: `marginal_mae`, `marginal_mse` (of P(up)), `correlation_mae`, `correlation_mse` (pairs i < j), and
            `moment_error`, the largest gap between the model's exact moments and the data's.
    """

    name: str
    theta: Floats
    marginals: Floats
    correlations: Floats
    errors: dict[str, float]


@frozen(eq=False)
class Generative:
    """The data's marginals (n,) and correlations (n, n), and the models fitted to `states` states."""

    venues: tuple[str, ...]
    states: int
    samples: int
    sampler: str
    marginals: Floats
    correlations: Floats
    models: tuple[Fitted, ...]

    def table(self) -> pd.DataFrame:
        """A row per model with its errors."""
        return pd.DataFrame([{"model": model.name} | model.errors for model in self.models])


def statistics_of(states: Any) -> Floats:
    """Shape (S, d): spins, then products of pairs, as `agents.routing.ising` orders them."""
    left, right = np.triu_indices(states.shape[1], 1)
    spins = np.asarray(states, np.float64)
    return np.concatenate([spins, spins[:, left] * spins[:, right]], axis=1)


def likelihood_fit(states: Any) -> Floats:
    """Parameters (d,) of greatest likelihood, by Newton's method with halved steps; the likelihood is concave."""
    target, n = statistics_of(states).mean(axis=0), states.shape[1]
    features = _features(n)
    theta = np.zeros(len(target))
    value = _likelihood(features, theta, target)
    for _ in range(_STEPS_MAX):
        weights = _probabilities(features, theta)
        mean = weights @ features
        gradient = target - mean
        if np.abs(gradient).max() < _GRADIENT_MIN:
            break
        spread = (features * weights[:, None]).T @ features - np.outer(mean, mean)
        step = np.linalg.solve(spread + 1e-12 * np.eye(len(theta)), gradient)
        for _halving in range(30):
            tried = np.clip(theta + step, -_PARAMETER_MAX, _PARAMETER_MAX)
            reached = _likelihood(features, tried, target)
            if reached >= value:
                break
            step = step / 2
        if np.abs(tried - theta).max() < _GRADIENT_MIN:
            break
        theta, value = tried, reached
    return theta


def trained_fit(states: Any, rule: str) -> Floats:
    """Parameters (d,) after one pass over the states by a rule of `agents.routing.learning`, without discount."""
    rates, engine = Rates(discount=1.0), Exact()
    spins, features = np.asarray(states, np.float64), statistics_of(states)
    state = initial_state(spins.shape[1], rates.window if rule == SOURCE else 0, np)
    for seen, given in zip(spins, features, strict=True):
        free = engine.moments(state.theta, None, np)
        if rule == SOURCE:
            state = source_rule(state, seen, free, rates, engine.beta, np)
        else:
            state = state._replace(theta=observed_likelihood(state.theta, given, free, rates, engine.beta))
    return np.asarray(state.theta, np.float64)


def uncoupled_fit(states: Any) -> Floats:
    """Biases that give the marginals, and no couplings: the floor that a coupled model must beat."""
    n = states.shape[1]
    edge = 1.0 - 1e-9
    means = np.clip(np.asarray(states, np.float64).mean(axis=0), -edge, edge)
    return np.concatenate([np.arctanh(means), np.zeros(n * (n - 1) // 2)])


def study_directions(states: Any, venues: tuple[str, ...], *, samples: int, inference: str = "exact") -> Generative:
    """Fit the models to states (S, n), sample each, and compare.

    Args:
        samples: states drawn from each model.
        inference: "exact" draws independent states; "thrml" by Gibbs sampling, 4 sweeps apart.

    Raises:
        ConfigError: fewer than two states, or more venues than can be enumerated.
    """
    if len(states) < 2 or states.shape[1] > SPINS_MAX:
        raise ConfigError(f"study_directions: got states of shape {states.shape}, wanted (2 or more, <= {SPINS_MAX})")
    target = statistics_of(states).mean(axis=0)
    marginals, correlations = _described(target)
    fits = {
        **{f"trained, {rule}": trained_fit(states, rule) for rule in RULES},
        LIKELIHOOD: likelihood_fit(states),
        UNCOUPLED: uncoupled_fit(states),
    }
    models = []
    for name, theta in fits.items():
        drawn = _drawn(theta, samples, inference, Streams(SEED).stream(f"generative:{name}").random(samples + 4))
        up, together = _described(drawn)
        errors = _errors("marginal", up - marginals) | _errors("correlation", _pairs(together) - _pairs(correlations))
        errors["moment_error"] = float(np.abs(Exact().moments(theta, None, np) - target).max())
        models.append(Fitted(name, theta, up, together, errors))
    sampler = "independent draws" if inference == "exact" else "Gibbs sampling"
    return Generative(venues, len(states), samples, sampler, marginals, correlations, tuple(models))


def _features(n: int) -> Floats:
    return statistics_of(2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1) - 1.0)


def _probabilities(features: Floats, theta: Floats) -> Floats:
    energies = features @ theta
    weights = np.exp(energies - energies.max())
    return np.asarray(weights / weights.sum(), np.float64)


def _likelihood(features: Floats, theta: Floats, target: Floats) -> float:
    energies = features @ theta
    top = energies.max()
    return float(theta @ target - top - np.log(np.exp(energies - top).sum()))


def _drawn(theta: Floats, samples: int, inference: str, uniforms: Floats) -> Floats:
    """Mean statistics (d,) of a sample."""
    if inference != "exact":
        engine: Any = INFERENCE[inference]
        return np.asarray(engine(samples=samples).moments(theta, uniforms[:4], np), np.float64)
    features = _features(spin_count(len(theta)))
    places = np.searchsorted(np.cumsum(_probabilities(features, theta)), uniforms[:samples])
    return np.asarray(features[np.minimum(places, len(features) - 1)].mean(axis=0), np.float64)


def _described(moments: Floats) -> tuple[Floats, Floats]:
    """P(up) (n,) and correlations (n, n) from mean statistics; a spin that never moves correlates with none."""
    n = spin_count(len(moments))
    means = moments[:n]
    products = np.eye(n)
    left, right = np.triu_indices(n, 1)
    products[left, right] = products[right, left] = moments[n:]
    spread = np.sqrt(np.maximum(1.0 - means**2, 0.0))
    scale = np.outer(spread, spread)
    covariance = products - np.outer(means, means)
    correlations = np.divide(covariance, scale, out=np.zeros((n, n)), where=scale > 1e-12)
    np.fill_diagonal(correlations, 1.0)
    return (1.0 + means) / 2.0, correlations


def _pairs(matrix: Floats) -> Floats:
    return np.asarray(matrix[np.triu_indices(len(matrix), 1)], np.float64)


def _errors(what: str, gaps: Floats) -> dict[str, float]:
    return {f"{what}_mae": float(np.abs(gaps).mean()), f"{what}_mse": float((gaps**2).mean())}
