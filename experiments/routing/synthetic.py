"""Made-up trades of one symbol on several venues, of which the truth is known.

One price walks at random; the leader trades at it, each follower at what it was a known lag ago. One venue at a time
pays a premium, and who pays it changes by a Markov chain. Each venue trades at the times of its own Poisson process.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from experiments.limits import BUCKET_MS_MAX, MS_MAX, STEPS_MAX
from experiments.routing.tapes import Sources, Tapes
from marketsim.checks import integer, name, number
from marketsim.errors import ConfigError
from marketsim.streams import Streams
from marketsim.tape import TradeTape


@frozen(kw_only=True)
class Quoting:
    """How one venue trades.

    Args:
        venue: name.
        trades: expected number per 10 000 s.
        lag_ms: how long after the leader it has a price; 0 for the leader.
        noise: standard deviation of each of its trade prices around that price.
    """

    venue: str = field(validator=name)
    trades: float = field(default=1000.0, validator=number(0.0))
    lag_ms: int = field(default=0, validator=integer(0, 600_000))
    noise: float = field(default=1.0, validator=number(0.0))


PUBLISHED = (
    Quoting(venue="binanceus", trades=609.0, lag_ms=1500),
    Quoting(venue="coinbaseexchange", trades=2479.0),
    Quoting(venue="kraken", trades=1592.0, lag_ms=500),
    Quoting(venue="bitfinex", trades=3160.0, lag_ms=300),
    Quoting(venue="bitstamp", trades=120.0, lag_ms=3000),
)
"""Five exchanges with the numbers of trades in 10 000 s that the source's live window had; lags and noise are ours."""


def _quotings(instance: Any, attribute: Any, value: Any) -> None:
    venues = [quoting.venue for quoting in value]
    if not venues or len(dict.fromkeys(venues)) != len(venues):
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {venues!r}, wanted different venues")


@frozen(kw_only=True)
class LeadLag:
    """A made-up market.

    Args:
        venues: how each trades; the leader is one whose lag is 0.
        duration_ms: from `start_ms` on.
        start_ms: a multiple of `bucket_ms`.
        bucket_ms: the premium may move to another venue at the beginning of each bucket of this width.
        persistence: chance that it stays. When it moves, every other venue is as likely.
        premium: what the best venue pays above its price.
        level: price at the beginning.
        volatility: standard deviation of the price's change in a second.
        grid_ms: the price moves once in so many ms.
        tick_size: prices are multiples of it.
    """

    venues: tuple[Quoting, ...] = field(default=PUBLISHED, converter=tuple, validator=_quotings)
    duration_ms: int = field(default=10_000_000, validator=integer(1, MS_MAX))
    start_ms: int = field(default=0, validator=integer(0, MS_MAX))
    bucket_ms: int = field(default=1000, validator=integer(1, BUCKET_MS_MAX))
    persistence: float = field(default=0.99, validator=number(0.0, 1.0))
    premium: float = field(default=20.0, validator=number(0.0))
    level: float = field(default=70_000.0, validator=number(above=0.0))
    volatility: float = field(default=3.0, validator=number(0.0))
    grid_ms: int = field(default=100, validator=integer(1, BUCKET_MS_MAX))
    tick_size: float = field(default=0.01, validator=number(above=0.0))

    def __attrs_post_init__(self) -> None:
        if self.start_ms % self.bucket_ms:
            raise ConfigError(f"LeadLag.start_ms: got {self.start_ms}, wanted a multiple of {self.bucket_ms} ms")
        if self.duration_ms > STEPS_MAX * min(self.bucket_ms, self.grid_ms):
            wanted = f"at most {STEPS_MAX} times bucket_ms and grid_ms"
            raise ConfigError(f"LeadLag.duration_ms: got {self.duration_ms}, wanted {wanted}")
        if min(quoting.lag_ms for quoting in self.venues):
            raise ConfigError("LeadLag.venues: got a lag everywhere, wanted a leader, whose lag_ms is 0")


@frozen(eq=False)
class Synthetic:
    """Made-up trades and the truth about them.

    Args:
        tapes: the trades, times in ms.
        best: (T,) the place among the venues of the one with the premium, by bucket.
        starts: (T,) ms at which the buckets begin.
    """

    tapes: Tapes
    best: NDArray[np.int64]
    starts: NDArray[np.int64]


def synthetic(config: LeadLag, seed: int) -> Synthetic:
    """Draw a market. A venue's draws are its own: another rate, lag or noise of one leaves the others as they were.

    Raises:
        ConfigError: a price that falls to 0; volatility or premium do not suit the level.
    """
    streams = Streams(seed)
    starts = config.start_ms + np.arange(0, config.duration_ms, config.bucket_ms, dtype=np.int64)
    best = _best(config, len(starts), streams)
    path_times, path = _path(config, streams)
    trades: dict[str, TradeTape | None] = {}
    for place, quoting in enumerate(config.venues):
        times = _times(config, quoting, streams)
        moves = np.searchsorted(path_times, times - quoting.lag_ms, side="right") - 1
        paying = best[(times - config.start_ms) // config.bucket_ms] == place
        noise = streams.stream(f"noise:{quoting.venue}").normal(size=len(times)) * quoting.noise
        prices = np.round((path[moves] + config.premium * paying + noise) / config.tick_size) * config.tick_size
        if len(prices) and not prices.min() > 0:
            raise ConfigError(f"LeadLag: got a price of {prices.min()} at {quoting.venue}, wanted all above 0")
        trades[quoting.venue] = TradeTape(times, prices, name=quoting.venue) if len(times) else None
    sources = Sources(feeds=(), symbol="synthetic", note="Made-up trades.", width_ms=config.bucket_ms)
    return Synthetic(Tapes(trades=trades, sources=sources), best, starts)


def _best(config: LeadLag, size: int, streams: Streams) -> NDArray[np.int64]:
    n, draws = len(config.venues), streams.stream("best")
    moved = draws.random(size) >= config.persistence
    # Moving on by 1 to n - 1 places makes every other venue equally likely.
    jumps = np.where(moved, draws.integers(1, max(n, 2), size=size), 0)
    jumps[0] = draws.integers(n)
    best: NDArray[np.int64] = np.cumsum(jumps) % n
    return best


def _path(config: LeadLag, streams: Streams) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    # Times in ms, which begin before the trades do by the longest lag, and the leader's price from each until the next.
    grid = config.grid_ms
    before = -(-max(quoting.lag_ms for quoting in config.venues) // grid)
    # The draws after the start come first, so that a longer lag does not move them.
    after = streams.stream("path").normal(size=-(-config.duration_ms // grid))
    early = streams.stream("path before").normal(size=before)
    step = config.volatility * (grid / 1000) ** 0.5
    levels = np.concatenate([-np.cumsum(early)[::-1], [0.0], np.cumsum(after)])
    times = config.start_ms + np.arange(-before, len(after) + 1, dtype=np.int64) * grid
    return times, config.level + step * levels


def _times(config: LeadLag, quoting: Quoting, streams: Streams) -> NDArray[np.int64]:
    draws = streams.stream(f"times:{quoting.venue}")
    count = draws.poisson(quoting.trades * config.duration_ms / 1e7)
    return np.sort(config.start_ms + draws.integers(config.duration_ms, size=count, dtype=np.int64))
