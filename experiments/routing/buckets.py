"""Trades of several venues cut into buckets of time: who has which price, and who has the best.

The price of a venue in a bucket is that of its last trade in it, carried forward, never backward. What is said of a
bucket depends on nothing after it, and is known when it has closed, at its start plus the width.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from marketsim.checks import integer, names
from marketsim.errors import ConfigError, InputError
from marketsim.tape import TradeTape

BUCKETS_MAX = 10_000_000
"""Bound of the number of buckets of a panel, which a wrong unit of time would pass."""

_WIDTH = re.compile(r"([1-9][0-9]{0,11}) ?(ms|s)")


def width_ms(width: int | str) -> int:
    """A width of buckets in ms: an int of ms, or text like "1 s" or "250 ms".

    Raises:
        ConfigError: anything else.

    >>> width_ms("60 s"), width_ms(1000)
    (60000, 1000)
    """
    parts = _WIDTH.fullmatch(width) if type(width) is str else None
    if parts:
        return int(parts[1]) * (1000 if parts[2] == "s" else 1)
    if type(width) is not int or width < 1:
        raise ConfigError(f"width: got {width!r}, wanted ms as an int of at least 1, or text like '1 s' or '250 ms'")
    return width


def _sealed(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


def _integers(value: ArrayLike) -> NDArray[np.int64]:
    return _sealed(np.array(value, dtype=np.int64))


def _numbers(value: ArrayLike) -> NDArray[np.float64]:
    return _sealed(np.array(value, dtype=np.float64))


@frozen(eq=False)
class Panel:
    """Prices of n venues in T buckets that follow one another; read-only arrays.

    Args:
        venues: names.
        starts: (T,) int64 ms, the bucket's number times `width`.
        prices: (T, n) float64, the price each venue has when the bucket closes; nan before its first trade.
        width: ms.
        counts: (T, n) int64, trades of the venue in the bucket; by default one wherever there is a price.
        spans: first and last trade of each venue in ms, or None; by default unknown.

    Raises:
        InputError: shapes that do not fit, a price that is not above 0, or a price that is lost again.
    """

    venues: tuple[str, ...] = field(validator=names)
    starts: NDArray[np.int64] = field(converter=_integers, repr=False)
    prices: NDArray[np.float64] = field(converter=_numbers, repr=False)
    width: int = field(validator=integer(1))
    counts: NDArray[np.int64] = field(kw_only=True, converter=_integers, repr=False)
    spans: tuple[tuple[int, int] | None, ...] | None = field(default=None, kw_only=True, repr=False)
    best: NDArray[np.bool_] = field(init=False, repr=False)
    """(T, n): every venue at the highest price of the bucket."""

    @counts.default
    def _one_each(self) -> NDArray[np.bool_]:
        return np.isfinite(self.prices)

    @best.default
    def _find_best(self) -> NDArray[np.bool_]:
        known = np.where(np.isnan(self.prices), -np.inf, self.prices)
        return _sealed(np.isfinite(known) & (known == known.max(axis=1, keepdims=True, initial=-np.inf)))

    def __attrs_post_init__(self) -> None:
        shape = (len(self.starts), len(self.venues))
        if self.prices.shape != shape or self.counts.shape != shape:
            got = f"got prices of shape {self.prices.shape} and counts of shape {self.counts.shape}"
            raise InputError(f"Panel: {got}, wanted {shape}, buckets x venues")
        if len(self.starts) and not ((np.diff(self.starts) == self.width).all() and self.starts[0] % self.width == 0):
            raise InputError(f"Panel: got starts that are not successive multiples of the width, {self.width} ms")
        known = np.isfinite(self.prices)
        if (known & (self.prices <= 0)).any() or np.isinf(self.prices).any():
            raise InputError("Panel: got a price that is not a finite number above 0")
        if (known[:-1] & ~known[1:]).any() or not known.any(axis=1).all():
            raise InputError("Panel: got a bucket without any price, or a price that is lost again, wanted it carried")

    def __len__(self) -> int:
        return len(self.starts)

    def labels(self, ties: Literal["draw", "shared"] = "shared", draws: ArrayLike | None = None) -> NDArray[np.int8]:
        """+1 for the venue at the best price, -1 for the others.

        Args:
            ties: "shared": every venue at the best price is +1. "draw": one of them.
            draws: for "draw", a number from [0, 1) per bucket, used or not, so that later ties change no earlier one.

        Returns:
            (T, n) int8.
        """
        if ties == "shared" and draws is None:
            return np.where(self.best, 1, -1).astype(np.int8)
        if ties != "draw" or draws is None:
            raise ConfigError(f"labels: got ties {ties!r} and draws {draws is not None}, wanted draws for 'draw' only")
        chances = np.asarray(draws, dtype=np.float64)
        if chances.shape != self.starts.shape or not ((chances >= 0) & (chances < 1)).all():
            raise ConfigError(f"labels: got draws of shape {chances.shape}, wanted {len(self)} numbers from [0, 1)")
        tied = self.best.sum(axis=1)
        place = np.minimum((chances * tied).astype(np.int64), tied - 1)
        chosen = self.best & (self.best.cumsum(axis=1) == place[:, None] + 1)
        return np.where(chosen, 1, -1).astype(np.int8)

    def directions(self) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Whether each venue's price is higher in the next bucket, from the first bucket with all prices on.

        Returns:
            Starts (S,) of the buckets that have a next one, and (S, n) int8: +1 if the next price is higher, else -1.
            Known only when the next bucket has closed: what a model is fitted to, never what a router sees.
        """
        full = ~np.isnan(self.prices).any(axis=1)
        first = int(full.argmax()) if full.any() else len(self)
        moves = np.diff(self.prices[first:], axis=0)
        return self.starts[first : first + len(moves)], np.where(moves > 0, 1, -1).astype(np.int8)

    def coverage(self) -> pd.DataFrame:
        """How much of the panel each venue's own trades cover.

        Returns:
            A row per venue: `trades`; `first`, `last` (ms; missing if there are none); `own_share` of buckets with a
            trade of its own, `price_share` with a price, `best_share` at the best price, `tied_share` at the best price
            with another; `carried_best_share`: of the buckets in which it was best, those in which its price was only
            carried; `carried_max`: most successive buckets on a carried price.
        """
        spans = self.spans or (None,) * len(self.venues)
        return pd.DataFrame([self._cover(venue, spans[i], i) for i, venue in enumerate(self.venues)]).astype(
            {"first": "Int64", "last": "Int64"}
        )

    def _cover(self, venue: str, span: tuple[int, int] | None, i: int) -> dict[str, Any]:
        own, best, known = self.counts[:, i] > 0, self.best[:, i], ~np.isnan(self.prices[:, i])
        tied = best & (self.best.sum(axis=1) > 1)
        size = max(len(self), 1)
        return {
            "venue": venue,
            "trades": int(self.counts[:, i].sum()),
            "first": span and span[0],
            "last": span and span[1],
            "own_share": own.sum() / size,
            "price_share": known.sum() / size,
            "best_share": best.sum() / size,
            "tied_share": tied.sum() / size,
            "carried_best_share": (best & ~own).sum() / max(best.sum(), 1),
            "carried_max": _longest(known & ~own),
        }


def panel(
    trades: Mapping[str, TradeTape | None],
    *,
    width: int | str = 1000,
    start: int | None = None,
    end: int | None = None,
) -> Panel:
    """Cut trades into buckets.

    Buckets run from that of `start` to that of the last ms before `end`; those at the beginning in which no venue has a
    price are dropped. A trade before `start` gives its venue a price and is otherwise not counted.

    Args:
        trades: by venue, times in ms; None: no trades.
        width: ms, or text like "1 s".
        start: ms; by default the first trade.
        end: ms, excluded; by default after the last trade.

    Raises:
        InputError: no trades in the window, or more than `BUCKETS_MAX` buckets.
    """
    step = width_ms(width)
    tapes = [tape for tape in trades.values() if tape is not None]
    if not tapes:
        raise InputError("panel: got no trades at any venue, wanted some")
    begin = min(int(tape.times[0]) for tape in tapes) if start is None else start
    stop = max(int(tape.times[-1]) + 1 for tape in tapes) if end is None else end
    first, last = begin // step, (stop - 1) // step
    if not 1 <= last - first + 1 <= BUCKETS_MAX:
        got = f"{last - first + 1} buckets of {step} ms from {begin} to {stop}"
        raise InputError(f"panel: got {got}, wanted 1 to {BUCKETS_MAX}; are times in ms?")
    size = last - first + 1
    cut = [_cut(tape, begin, stop, first * step, step, size) for tape in trades.values()]
    prices = np.stack([price for price, _, _ in cut], axis=1)
    counts = np.stack([count for _, count, _ in cut], axis=1)
    seen = ~np.isnan(prices).all(axis=1)
    if not seen.any():
        raise InputError(f"panel: got no trade before {stop}, wanted some")
    drop = int(seen.argmax())
    starts = (first + np.arange(drop, size)) * step
    spans = tuple(span for _, _, span in cut)
    return Panel(tuple(trades), starts, prices[drop:], step, counts=counts[drop:], spans=spans)


def _cut(
    tape: TradeTape | None, begin: int, stop: int, origin: int, step: int, size: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], tuple[int, int] | None]:
    if tape is None:
        return np.full(size, np.nan), np.zeros(size, dtype=np.int64), None
    before, after = (int(place) for place in np.searchsorted(tape.times, [begin, stop]))
    closes = np.minimum(origin + step * np.arange(1, size + 1), stop)
    # Place of the last trade before each bucket closes; -1 before the first trade.
    latest = np.searchsorted(tape.times, closes) - 1
    prices = np.where(latest >= 0, tape.prices[np.maximum(latest, 0)], np.nan)
    counts = np.bincount((tape.times[before:after] - origin) // step, minlength=size)
    span = (int(tape.times[before]), int(tape.times[after - 1])) if after > before else None
    return prices, counts, span


def _longest(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
