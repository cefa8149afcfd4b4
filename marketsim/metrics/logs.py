"""What every metric reads: logs as columns, roles, fair values and quotes as functions of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketsim.columns import Table
from marketsim.errors import ConfigError
from marketsim.fairvalue import fair_values
from marketsim.protocols import FairValue
from marketsim.result import role_of
from marketsim.types import Liquidity

Columns: TypeAlias = dict[str, npt.NDArray[Any]]
"""A log as arrays of one length, by column name."""

Log: TypeAlias = Table | pd.DataFrame | Mapping[str, npt.NDArray[Any]]
"""A log in any of its forms: the table of a `Result`, its frame, or its columns."""

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]


def columns_of(log: Log, *needed: str) -> Columns:
    """The columns of `log`.

    Args:
        needed: names of columns that must be there; all that the log has, where none is named.

    Raises:
        ConfigError: a needed column is missing.

    >>> columns_of({"time": np.array([3, 4])}, "time")["time"].tolist()
    [3, 4]
    """
    # A table's `columns` is a method; frames and mappings both answer to names.
    build = getattr(log, "columns", None)
    columns: Any = build() if callable(build) else log
    names = needed or tuple(columns)
    missing = [name for name in names if name not in columns]
    if missing:
        raise ConfigError(f"the log has no column {', '.join(missing)}; it has {', '.join(map(str, columns))}")
    return {name: np.asarray(columns[name]) for name in names}


def trades(fills: Log) -> Columns:
    """The legs of the fill log that are trades, as columns: mints, burns and settlements are left out.

    The prices of those are what a transfer was booked at, not what anybody bid, and no mark says what they gained.

    >>> log = {"liquidity": np.array(["maker", "transfer"]), "quantity": np.array([3, 4])}
    >>> trades(log)["quantity"].tolist()
    [3]
    """
    columns = columns_of(fills)
    kept = columns["liquidity"] != Liquidity.TRANSFER.value
    return columns if kept.all() else {name: column[kept] for name, column in columns.items()}


def codes(names: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], list[str]]:
    """(code of each row, name of each code), names in order of first appearance.

    >>> codes(np.array(["b", "a", "b"], dtype=object))
    (array([0, 1, 0]), ['b', 'a'])
    """
    code, labels = pd.factorize(np.asarray(names, dtype=object))
    return code.astype(np.intp), [str(label) for label in labels]


def roles_of(owners: npt.NDArray[Any], roles: Mapping[str, str]) -> npt.NDArray[Any]:
    """The role of each row's owner, as an object array of str, shape (rows,).

    >>> roles_of(np.array(["ann", "pool:shop", "ann"], dtype=object), {"ann": "noise"}).tolist()
    ['noise', 'pool', 'noise']
    """
    code, labels = codes(owners)
    if not labels:
        return np.empty(0, dtype=object)
    return np.array([role_of(label, roles) for label in labels], dtype=object)[code]


def fair_marks(fair: FairValue, markets: npt.NDArray[Any], times: npt.ArrayLike, *, end: int) -> Floats:
    """The fair value of `markets[i]` at `times[i]`, in ticks; nan before 0 and after `end`.

    Args:
        markets: names, shape (n,).
        times: steps, shape (n,), or (n, k) for k times of each.
        end: the run's horizon, in steps.

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> truth = ConstantFairValue({"A": 100.0, "B": 50.0})
    >>> fair_marks(truth, np.array(["A", "B", "A"], dtype=object), [5, 5, 51], end=50).tolist()
    [100.0, 50.0, nan]
    """
    steps = np.asarray(times, dtype=np.int64)
    values = np.full(steps.shape, np.nan)
    within = (steps >= 0) & (steps <= end)
    code, labels = codes(markets)
    for number, market in enumerate(labels):
        own = (within.T & (code == number)).T  # turned round, so that rows match whether there are columns or not
        if own.any():
            values[own] = fair_values(fair, market, steps[own])
    return values


def steps_to(end: int) -> Integers:
    """Steps 0 to `end`, both included.

    Raises:
        ConfigError: `end` is negative.

    >>> steps_to(3).tolist()
    [0, 1, 2, 3]
    """
    if end < 0:
        raise ConfigError(f"end: got {end!r}, wanted steps of at least 0")
    return np.arange(end + 1, dtype=np.int64)


def fair_paths(fair: FairValue, markets: Sequence[str], *, end: int) -> Floats:
    """The fair value at every step from 0 to `end`, in ticks, shape (markets, end + 1).

    Raises:
        ConfigError: `end` is negative.

    >>> from marketsim.fairvalue import PoissonJumps
    >>> truth = PoissonJumps(opening={"A": 100.0}, horizon=50, jump_times={"A": [3]}, jump_sizes={"A": [5.0]})
    >>> fair_paths(truth, ["A"], end=4).tolist()
    [[100.0, 100.0, 100.0, 105.0, 105.0]]
    """
    steps = steps_to(end)
    return np.array([fair_values(fair, market, steps) for market in markets]).reshape(len(markets), len(steps))


class QuoteHistory:
    """The quote log as step functions of time, one per venue and market: the state at the end of each step.

    Args:
        quotes: the quote log, in order of time.

    >>> history = QuoteHistory(
    ...     {
    ...         "time": np.array([0, 5]),
    ...         "venue": np.array(["v", "v"], dtype=object),
    ...         "market": np.array(["m", "m"], dtype=object),
    ...         "best_bid": np.array([99.0, np.nan]),
    ...         "best_ask": np.array([101.0, 102.0]),
    ...         "last_price": np.array([np.nan, 99.0]),
    ...     }
    ... )
    >>> history.mid("v", "m", np.array([4, 5])).tolist(), history.public_price("v", "m", np.array([4, 5])).tolist()
    ([100.0, 100.0], [100.0, 99.0])
    """

    _NAMES = ("best_bid", "best_ask", "last_price")

    def __init__(self, quotes: Log) -> None:
        columns = columns_of(quotes, "time", "venue", "market", *self._NAMES)
        self._rows: dict[tuple[str, str], Columns] = {
            (venue, market): {name: columns[name][rows] for name in ("time", *self._NAMES)}
            for venue, market, rows in by_venue_market(columns)
        }

    def venue_of(self, market: str) -> str | None:
        """The one venue that quotes `market`; None where there is none.

        Raises:
            ConfigError: several venues quote it.
        """
        named = [venue for venue, name in self._rows if name == market]
        if len(named) > 1:
            raise ConfigError(f"market {market!r} is quoted at {', '.join(named)}: say which venue is meant")
        return named[0] if named else None

    def mid(self, venue: str, market: str, times: npt.ArrayLike) -> Floats:
        """The mid in ticks at the last two-sided quote at or before each time; nan before the first one."""
        rows = self._rows.get((venue, market))
        if rows is None:
            return np.full(np.shape(times), np.nan)
        mids = (rows["best_bid"] + rows["best_ask"]) / 2
        known = ~np.isnan(mids)
        return _last_known(rows["time"][known], mids[known], times)

    def public_price(self, venue: str, market: str, times: npt.ArrayLike) -> Floats:
        """The mid in ticks where the quote at the time is two-sided, else the last trade price, else nan."""
        rows = self._rows.get((venue, market))
        if rows is None:
            return np.full(np.shape(times), np.nan)
        mids = (rows["best_bid"] + rows["best_ask"]) / 2
        return _last_known(rows["time"], np.where(np.isnan(mids), rows["last_price"], mids), times)

    def at(self, venue: str, market: str, name: str, times: npt.ArrayLike) -> Floats:
        """Column `name` ("best_bid", "best_ask" or "last_price", ticks) as it stands at each time; nan where empty."""
        rows = self._rows.get((venue, market))
        if rows is None:
            return np.full(np.shape(times), np.nan)
        return _last_known(rows["time"], rows[name], times)


def _last_known(since: Integers, values: Floats, times: npt.ArrayLike) -> Floats:
    place = np.searchsorted(since, np.asarray(times, dtype=np.int64), side="right")
    return np.concatenate(([np.nan], values))[place]


def by_venue_market(columns: Columns) -> list[tuple[str, str, npt.NDArray[np.intp]]]:
    """(venue, market, rows) for every pair that occurs in `columns`.

    >>> columns = {"venue": np.array(["book", "book", "pool"]), "market": np.array(["A", "B", "A"])}
    >>> [(venue, market, rows.tolist()) for venue, market, rows in by_venue_market(columns)]
    [('book', 'A', [0]), ('book', 'B', [1]), ('pool', 'A', [2])]
    """
    venue, venues = codes(columns["venue"])
    market, markets = codes(columns["market"])
    groups = []
    for v, venue_name in enumerate(venues):
        for m, market_name in enumerate(markets):
            rows = np.flatnonzero((venue == v) & (market == m))
            if len(rows):
                groups.append((venue_name, market_name, rows))
    return groups


def quote_mids(history: QuoteHistory, columns: Columns, times: npt.ArrayLike, *, end: int) -> Floats:
    """The mid at `times[i]` of the venue and market of row i of `columns`, in ticks; nan after `end` and before any.

    >>> from marketsim.columns import QUOTE_COLUMNS, Table
    >>> quotes = Table(QUOTE_COLUMNS)
    >>> quotes.extend([(1, "book", "A", 98, 102, None), (3, "book", "A", 98, 103, None)])
    >>> rows = {"venue": np.array(["book"] * 4), "market": np.array(["A"] * 4)}
    >>> quote_mids(QuoteHistory(quotes), rows, [0, 2, 3, 51], end=50).tolist()
    [nan, 100.0, 100.5, nan]
    """
    steps = np.asarray(times, dtype=np.int64)
    mids = np.full(steps.shape, np.nan)
    for venue, market, rows in by_venue_market(columns):
        mids[rows] = history.mid(venue, market, steps[rows])
    mids[steps > end] = np.nan
    return mids


def dot(values: npt.NDArray[Any], weights: npt.NDArray[Any]) -> float:
    """The sum of values x weights, to the same last bit on any machine.

    Both have one shape, (n,). The `@` operator hands long arrays to threads, whose number decides the order of summing.

    >>> dot(np.array([2.0, -1.0]), np.array([3, 4]))
    2.0
    """
    return float(np.sum(values * weights.astype(np.float64)))


def weighted_mean(values: Floats, weights: npt.NDArray[Any]) -> float:
    """The mean of `values` with `weights`; nan where the weights sum to nothing.

    >>> weighted_mean(np.array([2.0, -1.0]), np.array([3, 1]))
    1.25
    """
    total = float(weights.sum())
    return dot(values, weights) / total if total else float("nan")
