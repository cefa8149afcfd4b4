"""The price of an event contract: payout times the probability of its outcome, until the event resolves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose, log
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from attrs import Factory, field, frozen
from numpy.typing import ArrayLike, NDArray

from marketsim.checks import integer, mapping_of, names, number
from marketsim.errors import ConfigError
from marketsim.fairvalue.arrivals import poisson_times
from marketsim.fairvalue.table import PriceTable, copied_map, horizon_steps, require
from marketsim.gateway import PRICE_MAX

EVEN: Mapping[str, float] = MappingProxyType({"yes": 0.5, "no": 0.5})
"""One event, two markets: one pays if it happens, the other if it does not."""

_payout = integer(1, PRICE_MAX)
_rate = number(0, 1000)


def _prior(instance: Any, attribute: Any, value: Any) -> None:
    names(instance, attribute, tuple(value))
    mapping_of(number(above=0, high=1))(instance, attribute, value)
    if len(value) < 2 or not isclose(sum(value.values()), 1.0, abs_tol=1e-9):
        wanted = "probabilities of two markets or more that add up to 1"
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {value!r}, wanted {wanted}")


def _steps(value: Any) -> NDArray[np.int64]:
    came = np.array(value)
    if came.ndim != 1 or (came.size and came.dtype.kind not in "iu"):
        raise ConfigError(f"ProbabilityMartingale.news_times: got {value!r}, wanted a list of integers")
    steps: NDArray[np.int64] = came.astype(np.int64)
    steps.setflags(write=False)
    return steps


def _accuracy(accuracy: float, count: int) -> None:
    require(ProbabilityMartingale, "accuracy", accuracy, number(above=0))
    if not 1 / count < accuracy < 1:
        wanted = f"more than 1/{count}, which says nothing, and less than 1, which says all"
        raise ConfigError(f"ProbabilityMartingale.accuracy: got {accuracy!r}, wanted {wanted}")


@frozen(eq=False, kw_only=True)
class ProbabilityMartingale:
    """Prices in ticks of the n markets of one event: `payout` x the probability, given all news so far, of the outcome.

    One of the outcomes will turn out true; it is drawn from the prior and hidden. A piece of news names an outcome: the
    true one with probability `accuracy` a, each other one with (1 - a) / (n - 1), and independently of all other news
    once the truth is given. By Bayes every piece multiplies the odds of the named outcome against each other one by
    a (n - 1) / (1 - a); with two outcomes the log odds move by +- log(a / (1 - a)), as they do by a trade in the model
    of Glosten and Milgrom (Journal of Financial Economics 14(1), 1985). So each price is a martingale: it jumps at
    news, in all markets at once, and at `resolves` goes to `payout` or to 0 and stays there.

    `jump_times` holds the news only, not the resolution: at `resolves` a settlement closes the markets before any
    message of that step (see `marketsim.resolution`), so there is no quote left to be stale, no news to trade on, and
    no gap for a public price to close.

    Before `resolves` no price is 0. The n prices add up to `payout`, exactly so with two; the likeliest is what the
    others leave, and so may be rounded to `payout` where its probability is within 2**-53 of 1.

    Args:
        prior: probability at time 0 by market, above 0, in all 1.
        outcome: the market that will pay.
        horizon: last step.
        news_times: steps 1 to `resolves` - 1 in order; several pieces may share a step.
        news: the market that each piece names.
        accuracy: a, above 1/n and below 1.
        payout: ticks that a lot of the true outcome pays.
        resolves: the step of the resolution, 1 to `horizon`; the horizon if left out.

    Raises:
        ConfigError: an argument out of bounds, or so much news that an unlikely outcome's price is 0 as a float.

    >>> fair = ProbabilityMartingale(
    ...     prior={"yes": 0.5, "no": 0.5}, outcome="no", horizon=9, news_times=[3, 5], news=["yes", "no"], accuracy=0.75
    ... )
    >>> [[fair.at(market, time) for time in (0, 3, 5, 9)] for market in fair.markets]
    [[500.0, 750.0, 500.0, 0.0], [500.0, 250.0, 500.0, 1000.0]]
    """

    prior: Mapping[str, float] = field(converter=copied_map, validator=_prior)
    outcome: str
    horizon: int = field(validator=horizon_steps)
    news_times: NDArray[np.int64] = field(converter=_steps, repr=False)
    news: Sequence[str] = field(converter=tuple, repr=False)
    accuracy: float
    payout: int = field(default=1000, validator=_payout)
    resolves: int = field(default=Factory(lambda self: self.horizon, takes_self=True))
    jump_times: Mapping[str, NDArray[np.int64]] = field(init=False, repr=False)
    _table: PriceTable = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        require(type(self), "resolves", self.resolves, integer(1, self.horizon))
        _accuracy(self.accuracy, len(self.prior))
        self._check_news()
        object.__setattr__(self, "jump_times", dict.fromkeys(self.markets, self.news_times))
        heard = np.searchsorted(self.news_times, np.arange(self.resolves), side="right")
        prices = np.zeros((len(self.markets), self.horizon + 1))
        prices[self.markets.index(self.outcome)] = self.payout
        prices[:, : self.resolves] = self._posteriors()[heard].T
        object.__setattr__(self, "_table", PriceTable("ProbabilityMartingale", self.markets, prices, zero=True))

    def _check_news(self) -> None:
        times, markets = self.news_times, ", ".join(self.markets)
        if self.outcome not in self.markets or any(named not in self.markets for named in self.news):
            got = f"outcome {self.outcome!r} and news of {list(dict.fromkeys(self.news))}"
            raise ConfigError(f"ProbabilityMartingale: got {got}, wanted some of {markets}")
        if len(times) != len(self.news):
            got = f"{len(times)} times and {len(self.news)} names"
            raise ConfigError(f"ProbabilityMartingale.news: got {got}, wanted one of each per piece")
        if times.size and (times[0] < 1 or times[-1] >= self.resolves or (np.diff(times) < 0).any()):
            wanted = f"steps 1 to {self.resolves - 1} in order"
            raise ConfigError(f"ProbabilityMartingale.news_times: got {times}, wanted {wanted}")

    def _posteriors(self) -> NDArray[np.float64]:
        # Prices (ticks) after 0, 1, 2, ... pieces of news, shape (pieces + 1, markets).
        count = len(self.markets)
        place = {market: number for number, market in enumerate(self.markets)}
        named = np.zeros((len(self.news) + 1, count))
        named[np.arange(1, len(named)), [place[market] for market in self.news]] = 1.0
        weight = log(self.accuracy * (count - 1) / (1 - self.accuracy))
        logs = np.log(list(self.prior.values())) + weight * np.cumsum(named, axis=0)
        odds = np.exp(logs - logs.max(axis=1, keepdims=True))
        prices: NDArray[np.float64] = self.payout * (odds / odds.sum(axis=1, keepdims=True))
        if not prices.min() > 0:
            got = f"{len(self.news)} pieces of news of accuracy {self.accuracy}"
            wanted = "fewer or less accurate ones: an outcome's price is 0 as a float before the resolution"
            raise ConfigError(f"ProbabilityMartingale: got {got}, wanted {wanted}")
        each, likeliest = np.arange(len(prices)), prices.argmax(axis=1)
        prices[each, likeliest] = 0.0
        prices[each, likeliest] = self.payout - prices.sum(axis=1)
        return prices

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        horizon: int,
        prior: Mapping[str, float] = EVEN,
        *,
        news_per_step: float,
        accuracy: float,
        payout: int = 1000,
        resolves: int | None = None,
    ) -> Self:
        """An event and its news at random.

        Draws come from four children of `rng`, in this order: the outcome, the times of news, whether each piece is
        right, which outcome a wrong one names. So a later resolution appends news and moves none, and neither the
        rate of news nor its accuracy changes the outcome.

        Args:
            rng: of the world.
            horizon: last step.
            prior: probability at time 0 by market.
            news_per_step: Poisson rate of news about the event, up to step `resolves` - 1.
            accuracy: probability that a piece of news names the true outcome.
            payout: ticks that a lot of the true outcome pays.
            resolves: the step of the resolution; the horizon if left out.
        """
        require(cls, "horizon", horizon, horizon_steps)
        require(cls, "prior", copied_map(prior), _prior)
        require(cls, "news_per_step", news_per_step, _rate)
        _accuracy(accuracy, len(prior))
        last = horizon if resolves is None else resolves
        require(cls, "resolves", last, integer(1, horizon))
        markets, count = tuple(prior), len(prior)
        of_outcome, of_times, of_right, of_wrong = rng.spawn(4)
        edges = np.cumsum(list(prior.values()))[:-1]
        truth = int(np.searchsorted(edges, of_outcome.random(), side="right"))
        # What happens within a step is there at its end.
        times = np.ceil(poisson_times(of_times, news_per_step, last - 1)).astype(np.int64)
        is_right = of_right.random(len(times)) < accuracy
        others = 1 + np.floor(of_wrong.random(len(times)) * (count - 1)).astype(np.int64)
        named = np.where(is_right, truth, (truth + others) % count)
        return cls(
            prior=prior, outcome=markets[truth], horizon=horizon, news_times=times,
            news=[markets[place] for place in named.tolist()], accuracy=accuracy, payout=payout, resolves=last,
        )  # fmt: skip

    @property
    def markets(self) -> tuple[str, ...]:
        """Names, in the order given."""
        return tuple(self.prior)

    def at(self, market: str, time: int, /) -> float:
        """Price in ticks at step `time`; `ConfigError` for an unknown market or a time outside 0 to `horizon`."""
        return self._table.at(market, time)

    def values(self, market: str, times: ArrayLike, /) -> NDArray[np.float64]:
        """Prices at an integer array of times, in its shape."""
        return self._table.values(market, times)

    def path(self, market: str, /) -> NDArray[np.float64]:
        """Read-only prices of steps 0 to `horizon`."""
        return self._table.path(market)
