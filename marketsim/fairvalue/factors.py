"""Log prices driven by a few common factors that walk at random."""

from __future__ import annotations

from math import log, sqrt
from typing import Any, Self

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from marketsim.checks import flag, integer, names, number
from marketsim.fairvalue.table import (
    PriceTable,
    finite_array,
    horizon_steps,
    read_only,
    require,
    tick_money,
)
from marketsim.gateway import PRICE_MAX


def _factor_path(instance: LatentFactorWalk, attribute: Any, value: NDArray[np.float64]) -> None:
    finite_array(None, instance.loadings.shape[-1])(instance, attribute, value)


def _by_market(instance: LatentFactorWalk, attribute: Any, value: NDArray[np.float64]) -> None:
    finite_array(len(instance.markets), *([None] * (attribute.name == "loadings")))(instance, attribute, value)


@frozen(eq=False, kw_only=True)
class LatentFactorWalk:
    """log price of market m at t = alpha_m + beta_m . f(t) + eps_m, with f a Gaussian random walk.

    alpha_m = log(level / tick_size) - beta_m . f(0), so every market opens at level x exp(eps_m). `walk_var` 0 is the
    frozen world: f stays at f(0), and all else is drawn as in the moving one.

    Args:
        markets: names, M of them.
        loadings: beta, array (M, k).
        eps: idiosyncratic offsets of the log prices, array (M,).
        factors: f, array (horizon + 1, k).
        level: opening price without offset, in money.
        tick_size: money per tick.
        walk_var: variance of each factor's increment per step.
        martingale: lower the log price of market m by half of `walk_var` x |beta_m|^2 per step, so that the price
            itself, not its logarithm, has no drift.

    Raises:
        ConfigError: an argument or a price out of bounds.

    >>> rng = np.random.default_rng(1)
    >>> fair = LatentFactorWalk.draw(rng, 100, ("A", "B"), n_factors=2, walk_var=0.0)
    >>> fair.at("A", 0) == fair.at("A", 100)
    True
    """

    markets: tuple[str, ...] = field(validator=names)
    loadings: NDArray[np.float64] = field(converter=read_only, validator=_by_market)
    eps: NDArray[np.float64] = field(converter=read_only, validator=_by_market)
    factors: NDArray[np.float64] = field(converter=read_only, validator=_factor_path, repr=False)
    level: float = field(default=100.0, validator=number(1e-6, PRICE_MAX))
    tick_size: float = field(default=0.01, validator=tick_money)
    walk_var: float = field(default=1e-6, validator=number(0, 1))
    martingale: bool = field(default=False, validator=flag)
    _table: PriceTable = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        # The form log(level / tick_size) + eps + beta . (f(t) - f(0)) makes the opening prices free of rounding in
        # f, and sums written out, not a matrix product, make the bits independent of the BLAS library.
        logs = np.empty((len(self.markets), len(self.factors)))
        logs[:] = (log(self.level / self.tick_size) + self.eps)[:, None]
        # Factor by factor: a subtraction of rows of k numbers costs four times as much.
        moved = [factor - factor[0] for factor in self.factors.T]
        for market, beta in enumerate(self.loadings.tolist()):
            for weight, factor in zip(beta, moved, strict=True):
                logs[market] += weight * factor
        if self.martingale:
            logs -= 0.5 * self.market_walk_var[:, None] * np.arange(len(self.factors))
        with np.errstate(over="ignore"):
            prices = np.exp(logs, out=logs)
        prices.setflags(write=False)
        object.__setattr__(self, "_table", PriceTable("LatentFactorWalk", self.markets, prices))

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        horizon: int,
        markets: tuple[str, ...],
        *,
        n_factors: int = 3,
        loading_sd: float = 0.15,
        primary_mean: float = 1.5,
        primary_sd: float = 0.2,
        eps_sd: float = 0.12,
        level: float = 100.0,
        tick_size: float = 0.01,
        walk_var: float = 1e-6,
        martingale: bool = False,
    ) -> Self:
        """A world at random.

        Loadings are N(0, loading_sd) in every factor, then market m's primary factor (m modulo n_factors) is redrawn
        as N(primary_mean, primary_sd); eps is N(0, eps_sd) and f(0) is N(0, I); all of these are standard deviations.

        Draws come from five children of `rng`, in this order: loadings, primary loadings, eps, f(0), walk (step by
        step, factor by factor). So `walk_var` and the horizon change no other draw, a longer horizon and a further
        market append draws, and `walk_var` 0 draws no walk.
        """
        require(cls, "horizon", horizon, horizon_steps)
        require(cls, "markets", markets, names)
        require(cls, "n_factors", n_factors, integer(1, 1000))
        require(cls, "primary_mean", primary_mean, number(-100, 100))
        require(cls, "walk_var", walk_var, number(0, 1))
        for argument, spread in (("loading_sd", loading_sd), ("primary_sd", primary_sd), ("eps_sd", eps_sd)):
            require(cls, argument, spread, number(0, 100))
        of_loadings, of_primary, of_eps, of_start, of_walk = rng.spawn(5)
        count = len(markets)
        loadings = loading_sd * of_loadings.standard_normal((count, n_factors))
        each = np.arange(count)
        loadings[each, each % n_factors] = primary_mean + primary_sd * of_primary.standard_normal(count)
        eps = eps_sd * of_eps.standard_normal(count)
        factors = np.zeros((horizon + 1, n_factors))
        if walk_var > 0:
            # In place: at 40,000 steps a new array costs more than the sum that fills it.
            walk = factors[1:]
            of_walk.standard_normal(out=walk)
            np.cumsum(walk, axis=0, out=walk)
            walk *= sqrt(walk_var)
        factors += of_start.standard_normal(n_factors)
        factors.setflags(write=False)
        return cls(
            markets=markets, loadings=loadings, eps=eps, factors=factors,
            level=level, tick_size=tick_size, walk_var=walk_var, martingale=martingale,
        )  # fmt: skip

    @property
    def horizon(self) -> int:
        """The last step that has a price."""
        return self._table.horizon

    @property
    def alpha(self) -> NDArray[np.float64]:
        """log(level / tick_size) - beta_m . f(0), array (M,), so that exp(alpha + beta . f + eps) is in ticks."""
        shared: NDArray[np.float64] = (self.loadings * self.factors[0]).sum(axis=1)
        return log(self.level / self.tick_size) - shared

    @property
    def market_walk_var(self) -> NDArray[np.float64]:
        """Variance per step of each market's log price, walk_var x |beta_m|^2, array (M,)."""
        squares: NDArray[np.float64] = (self.loadings**2).sum(axis=1)
        return self.walk_var * squares

    def at(self, market: str, time: int, /) -> float:
        """Price in ticks at step `time`; `ConfigError` for an unknown market or a time outside 0 to `horizon`."""
        return self._table.at(market, time)

    def values(self, market: str, times: ArrayLike, /) -> NDArray[np.float64]:
        """Prices at an integer array of times, in its shape."""
        return self._table.values(market, times)

    def path(self, market: str, /) -> NDArray[np.float64]:
        """Read-only prices of steps 0 to `horizon`."""
        return self._table.path(market)
