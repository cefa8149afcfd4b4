"""How fast and how closely the public price follows fair value.

Everything here works on arrays of prices at steps 0 to T, one row per market: the fair value (`fair_paths`) and the
public price (`public_prices`), which is the mid where the public quote is two-sided, else the last trade price, as it
stands at the end of the step; nan before there is either. Prices that are not above 0 have no logarithm and count as
unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from attrs import frozen

from marketsim.errors import ConfigError
from marketsim.metrics.logs import Floats, Log, QuoteHistory, steps_to


def public_prices(
    quotes: Log, markets: Sequence[str], *, end: int, venue: str | Mapping[str, str] | None = None
) -> Floats:
    """The public price at every step from 0 to `end`.

    Args:
        quotes: the quote log.
        markets: names, in the order of the rows.
        end: the run's horizon, in steps.
        venue: where to look, one name or a name by market; may be left out where one venue quotes the market.

    Returns:
        Ticks, shape (markets, end + 1); nan where there is neither a two-sided quote nor a last price.

    Raises:
        ConfigError: `end` is negative, or several venues quote a market and none was named.

    >>> from marketsim.columns import QUOTE_COLUMNS, Table
    >>> quotes = Table(QUOTE_COLUMNS)
    >>> quotes.extend([(1, "book", "A", 98, 102, None), (3, "book", "A", 98, None, 102)])
    >>> public_prices(quotes, ["A"], end=4).tolist()
    [[nan, 100.0, 100.0, 102.0, 102.0]]
    """
    history, steps = QuoteHistory(quotes), steps_to(end)
    prices = np.full((len(markets), len(steps)), np.nan)
    for row, market in zip(prices, markets, strict=True):
        where = venue.get(market) if isinstance(venue, Mapping) else venue
        where = history.venue_of(market) if where is None else where
        if where is not None:
            row[:] = history.public_price(where, market, steps)
    return prices


_RARE = 100
"""Steps per change of the public price from which on summing piece by piece is faster than a Fourier transform."""


@frozen(eq=False)
class Discovery:
    """How far the public price is from fair value, and how late.

    `lag` (steps; nan where nothing is known) minimises `mean_squares`, the mean squared log distance between the public
    price at t and fair value at t - L, shape (max_lag + 1,); the smallest where several do. `at_bound` says that it is
    the largest lag tried, so that the true one may be larger. `compared` is the number of (market, step) pairs behind
    it, at lag 0: steps from `max_lag` on.
    `rms` is the root of the mean squared log distance at lag 0 over all steps from the first, `known` the pairs behind
    it and `unknown` those without a price.

    >>> fair = np.array([100.0, 101.0, 103.0, 102.0, 104.0, 105.0])
    >>> late = np.array([np.nan, 100.0, 101.0, 103.0, 102.0, 104.0])
    >>> found: Discovery = price_discovery(late, fair, max_lag=2)
    >>> found.lag, found.at_bound, found.known, found.unknown, round(found.rms, 4)
    (1.0, False, 5, 1, 0.0145)
    """

    lag: float
    at_bound: bool
    mean_squares: Floats
    compared: int
    rms: float
    known: int
    unknown: int


def price_discovery(public: Floats, fair: Floats, *, max_lag: int = 200) -> Discovery:
    """The lag and the root mean squared log distance of the public price, over all markets together.

    All lags are compared over the same steps, `max_lag` to T. O(T + C max_lag) per market, where the public price
    changes C times: under 1 ms for 40 000 steps and 200 changes. Where it changes at more than one step in 100,
    O(T log T), by Fourier transform, whatever the number of lags.

    Args:
        public: ticks, shape (markets, T + 1) or (T + 1,).
        fair: ticks, the same shape.
        max_lag: the largest lag tried, in steps.

    Raises:
        ConfigError: shapes differ, or `max_lag` is negative.

    >>> fair = 100 + np.sin(np.arange(500) / 20)
    >>> price_discovery(np.roll(fair, 7), fair, max_lag=20).lag
    7.0
    """
    public, fair = np.atleast_2d(public), np.atleast_2d(fair)
    if public.shape != fair.shape or public.ndim != 2 or type(max_lag) is not int or max_lag < 0:
        wanted = "two arrays of one shape, markets by steps, and a max_lag of at least 0"
        raise ConfigError(f"got shapes {public.shape} and {fair.shape}, max_lag={max_lag!r}; wanted {wanted}")
    log_public, log_fair = _log(public), _log(fair)
    known = _known(log_public - log_fair)
    squares, counts = np.zeros(max_lag + 1), np.zeros(max_lag + 1)
    scale = 0.0
    for one_public, one_fair in zip(log_public, log_fair, strict=True):
        one_squares, one_counts, one_scale = _lag_sums(one_public, one_fair, max_lag)
        squares, counts, scale = squares + one_squares, counts + one_counts, scale + one_scale
    curve = np.divide(squares, counts, out=np.full(max_lag + 1, np.nan), where=counts > 0)
    lag = float("nan")
    if counts.all():
        # Sums differ from the truth by rounding, and a constant fair value makes all lags equal: take the smallest.
        slack = 1e-13 * scale / counts.min()
        lag = float(np.flatnonzero(curve <= curve.min() + slack)[0])
    return Discovery(
        lag=lag,
        at_bound=lag == max_lag,
        mean_squares=curve,
        compared=int(counts[0]),
        rms=float(np.sqrt(np.mean(known**2))) if len(known) else float("nan"),
        known=len(known),
        unknown=public.size - len(known),
    )


def _log(prices: Floats) -> Floats:
    return np.log(prices if (prices > 0).all() else np.where(prices > 0, prices, np.nan))


def _known(values: Floats) -> Floats:
    there = ~np.isnan(values)
    return values.ravel() if there.all() else values[there]


def _lag_sums(public: Floats, fair: Floats, max_lag: int) -> tuple[Floats, Floats, float]:
    # Sum over t of (p(t) - f(t - L))^2 by its three terms, each a correlation over the steps t = max_lag .. T. Prices
    # are centred first, or the terms would cancel to noise.
    has_public, has_fair = ~np.isnan(public[max_lag:]), ~np.isnan(fair)
    if not has_public.any() or not has_fair.any():
        nothing = np.zeros(max_lag + 1)
        return nothing, nothing, 0.0
    centre = _known(fair).mean()
    p, f = public[max_lag:] - centre, fair - centre
    for centred, there in ((p, has_public), (f, has_fair)):
        if not there.all():
            centred[~there] = 0.0
    changes = np.flatnonzero(p[1:] != p[:-1]) + 1
    crossed = _crossed(f, p, changes) if len(changes) * _RARE <= len(p) else _correlation(f, p)
    np.multiply(p, p, out=p)
    np.multiply(f, f, out=f)
    of_fair, whole_public = _windowed(f, has_public), float(np.sum(p))
    if has_fair.all():
        of_public: Floats | float = whole_public
        counts = np.full(max_lag + 1, float(has_public.sum()))
    else:
        of_public = _correlation(has_fair.astype(np.float64), p)
        counts = np.rint(_windowed(has_fair.astype(np.float64), has_public))
    sums = np.maximum(of_public - 2 * crossed + of_fair, 0.0)
    return sums, counts, whole_public + float(np.sum(f))


def _crossed(longer: Floats, steps: Floats, changes: npt.NDArray[np.intp]) -> Floats:
    # The same as _correlation, of an array that is constant between its `changes`: on each piece a window of `longer`.
    lags = np.arange(len(longer) - len(steps), -1, -1)
    total = _sums(longer)
    starts = np.concatenate(([0], changes))
    windows = np.diff(total[lags[:, None] + np.append(starts, len(steps))], axis=1)
    sums: Floats = (windows * steps[starts]).sum(axis=1)
    return sums


def _sums(values: Floats) -> Floats:
    # Of the first 0, 1, 2, ... values.
    total = np.zeros(len(values) + 1)
    np.cumsum(values, out=total[1:])
    return total


def _correlation(longer: Floats, shorter: Floats) -> Floats:
    # Sum over t of longer[t - L] shorter[t - max_lag], for L = 0 .. max_lag = the difference of the lengths.
    size = 1 << (len(longer) - 1).bit_length()
    spectrum = np.fft.rfft(longer, size) * np.fft.rfft(shorter, size).conj()
    return np.fft.irfft(spectrum, size)[len(longer) - len(shorter) :: -1]


def _windowed(values: Floats, mask: npt.NDArray[np.bool_]) -> Floats:
    # Sum of values[t - L] over the steps t of the mask, for each L.
    if not mask.all():
        return _correlation(values, mask.astype(np.float64))
    total = _sums(values)
    return (total[len(mask) :] - total[: len(total) - len(mask)])[::-1]


@frozen(eq=False)
class HalfGaps:
    """How long jumps of the fair value take to reach the public price.

    `times` holds, for every jump, the steps until half the gap is closed: inf where that did not happen before the
    market's next jump or the end of the run, nan where the public price before the jump was unknown or already at the
    new fair value. `median` is over the jumps that are not nan and is inf when most never closed; `never_share` is the
    share of those that did not close.

    >>> public = np.array([[100.0, 100.0, 106.0, 106.0, 106.0]])
    >>> gaps: HalfGaps = half_gaps(public, np.array([[100.0, 110.0, 110.0, 120.0, 120.0]]), [[1, 3]])
    >>> gaps.times.tolist(), gaps.median, gaps.never_share
    ([1.0, inf], inf, 0.5)
    """

    times: Floats
    jumps: int
    unknown: int
    median: float
    never_share: float


def half_gaps(public: Floats, fair: Floats, jumps: Sequence[npt.ArrayLike]) -> HalfGaps:
    """The time until half the gap that a jump opened is closed.

    The gap of a jump at t is log fair(t) - log public(t - 1); it is half closed at the first step u >= t at which what
    is left of it, log fair(t) - log public(u), is at most half as large or has changed sign. fair(t) stays the target,
    whatever fair value does later.

    Args:
        public: ticks at every step, shape (markets, T + 1).
        fair: ticks at every step, the same shape.
        jumps: for every market the times of its jumps, in steps; repeated times count once.

    Raises:
        ConfigError: shapes differ, or a jump lies outside 0 to T.

    >>> half_gaps(np.array([[100.0, 100.0, 106.0]]), np.array([[100.0, 110.0, 110.0]]), [[1]]).times
    array([1.])
    """
    public, fair = np.atleast_2d(public), np.atleast_2d(fair)
    if public.shape != fair.shape or len(jumps) != len(fair):
        raise ConfigError(f"got shapes {public.shape}, {fair.shape} and jumps of {len(jumps)} markets; wanted the same")
    times: list[float] = []
    for one_public, one_fair, one_jumps in zip(_log(public), _log(fair), jumps, strict=True):
        starts = np.unique(np.asarray(one_jumps, dtype=np.int64))
        if len(starts) and (starts[0] < 0 or starts[-1] >= len(one_fair)):
            raise ConfigError(f"got jumps from {starts[0]} to {starts[-1]}; wanted steps from 0 to {len(one_fair) - 1}")
        stops = np.append(starts, len(one_fair))[1:]
        times += [
            _half_gap(one_public, one_fair, int(start), int(stop)) for start, stop in zip(starts, stops, strict=True)
        ]
    found = np.array(times, dtype=np.float64)
    judged = np.sort(found[~np.isnan(found)])
    # The lower and the upper middle are averaged by hand: numpy's median of inf and inf is nan.
    low, high = (judged[(len(judged) - 1) // 2], judged[len(judged) // 2]) if len(judged) else (np.nan, np.nan)
    return HalfGaps(
        times=found,
        jumps=len(found),
        unknown=len(found) - len(judged),
        median=float(low if low == high else (low + high) / 2),
        never_share=float(np.isinf(judged).mean()) if len(judged) else float("nan"),
    )


def _half_gap(public: Floats, fair: Floats, start: int, stop: int) -> float:
    gap = fair[start] - public[start - 1] if start else np.nan
    if np.isnan(gap) or gap == 0.0:
        return float("nan")
    left = (fair[start] - public[start:stop]) * np.sign(gap)
    closed = np.flatnonzero(left <= abs(gap) / 2)
    return float(closed[0]) if len(closed) else float("inf")


def convergence_time(public: Floats, fair: Floats, *, band: float = 0.02) -> float:
    """The first step at which max over markets of |public - fair| / fair is at most `band`, nan where there is none.

    Fair value is the one of the same step, not that of the opening. A market without a public price has not converged.

    Args:
        public: ticks, shape (markets, T + 1).
        fair: ticks, the same shape.
        band: relative distance.

    Raises:
        ConfigError: shapes differ.

    >>> convergence_time(np.array([[90.0, 95.0, 99.0]]), np.array([[100.0, 100.0, 100.0]]))
    2.0
    """
    public, fair = np.atleast_2d(public), np.atleast_2d(fair)
    if public.shape != fair.shape:
        raise ConfigError(f"got shapes {public.shape} and {fair.shape}; wanted the same")
    near = np.abs(public - fair) <= band * (fair if (fair > 0).all() else np.where(fair > 0, fair, np.nan))
    converged = np.flatnonzero(near.all(axis=0)) if len(near) else np.empty(0, np.intp)
    return float(converged[0]) if len(converged) else float("nan")
