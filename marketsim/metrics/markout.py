"""Markout: what a leg is worth later, against what was paid for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketsim.errors import ConfigError
from marketsim.metrics.logs import (
    Columns,
    Floats,
    Integers,
    Log,
    QuoteHistory,
    columns_of,
    dot,
    fair_marks,
    quote_mids,
    roles_of,
    weighted_mean,
)
from marketsim.protocols import FairValue

_LEG = ("market", "venue", "time", "side", "price")


def markouts(fills: Log, fair: FairValue, horizons: Sequence[int], *, end: int) -> Floats:
    """Markout of every leg against fair value: side x (fair(t + H) - price), in ticks per lot.

    The two legs of a trade have one mark and one price, so their markouts are exactly opposite.

    Args:
        fills: the fill log, one row per leg (maker, taker and auction alike).
        horizons: the H, in steps, each at least 0.
        end: the run's horizon, in steps.

    Returns:
        Shape (legs, horizons); nan where t + H lies beyond `end`.

    Raises:
        ConfigError: a horizon is negative or not an integer.

    >>> from marketsim.columns import FILL_COLUMNS, Table
    >>> from marketsim.fairvalue import PoissonJumps
    >>> truth = PoissonJumps(opening={"A": 100.0}, horizon=50, jump_times={"A": [7]}, jump_sizes={"A": [5.0]})
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills = Table(FILL_COLUMNS)
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5))
    >>> markouts(fills, truth, [0, 10, 100], end=50).tolist()
    [[-2.0, 3.0, nan], [2.0, -3.0, nan]]
    """
    columns = columns_of(fills, *_LEG)
    return _against(columns, fair_marks(fair, columns["market"], _later(columns, horizons), end=end))


def markouts_to_mid(fills: Log, quotes: Log, horizons: Sequence[int], *, end: int) -> Floats:
    """Markout of every leg against its venue's mid: side x (mid(t + H) - price), in ticks per lot.

    The mid at a time is that of the last two-sided quote at or before it, as it stands at the end of the step. At H = 0
    it is therefore the mid after everything that happened in the step of the fill; see `marketsim.metrics.spreads` for
    the mid before.

    Args:
        fills: the fill log.
        quotes: the quote log.
        horizons: the H, in steps, each at least 0.
        end: the run's horizon, in steps.

    Returns:
        Shape (legs, horizons); nan where t + H lies beyond `end`, and where there was no two-sided quote yet.

    Raises:
        ConfigError: a horizon is negative or not an integer.

    >>> from marketsim.columns import FILL_COLUMNS, QUOTE_COLUMNS, Table
    >>> fills, quotes = Table(FILL_COLUMNS), Table(QUOTE_COLUMNS)
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5))
    >>> quotes.extend([(0, "shop", "A", 98, 102, None), (8, "shop", "A", 101, 105, 102)])
    >>> markouts_to_mid(fills, quotes, [0, 10], end=50).tolist()
    [[-2.0, 1.0], [2.0, -1.0]]
    """
    columns, history = columns_of(fills, *_LEG), QuoteHistory(quotes)
    return _against(columns, quote_mids(history, columns, _later(columns, horizons), end=end))


def _later(columns: Columns, horizons: Sequence[int]) -> Integers:
    """When each leg is marked, in steps, shape (legs, horizons)."""
    steps = np.array([_step(horizon) for horizon in horizons], dtype=np.int64)
    return columns["time"].astype(np.int64)[:, None] + steps


def _against(columns: Columns, marks: Floats) -> Floats:
    side, price = columns["side"].astype(np.float64), columns["price"].astype(np.float64)
    return side[:, None] * (marks - price[:, None])


def _step(horizon: Any) -> int:
    if not isinstance(horizon, (int, np.integer)) or isinstance(horizon, bool) or horizon < 0:
        raise ConfigError(f"markout horizon: got {horizon!r}, wanted steps, an int of at least 0")
    return int(horizon)


def markout_table(
    fills: Log,
    marked: npt.NDArray[np.float64],
    horizons: Sequence[int],
    roles: Mapping[str, str],
    *,
    by: Sequence[str] = ("role", "liquidity"),
) -> pd.DataFrame:
    """Markouts by role and liquidity.

    Args:
        fills: the fill log that `marked` was computed from.
        marked: markouts in ticks per lot, shape (legs, horizons).
        horizons: the H, in steps, of the columns of `marked`.
        roles: role by account; others have their own prefix as role.
        by: what to group by: "role", "liquidity", "market", "venue", "owner".

    Returns:
        One row per group and horizon: the columns of `by`, `horizon` (steps), `fills` (legs), `lots`, `missing` and
        `missing_lots` (legs and lots whose markout is nan, and which the rest of the row leaves out), `per_fill` (mean
        over legs, ticks per lot), `per_lot` (quantity-weighted mean, ticks per lot), `total` (tick-lots).

    Raises:
        ConfigError: shapes do not fit, or there is no such column to group by.

    >>> from marketsim.columns import FILL_COLUMNS, Table
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills = Table(FILL_COLUMNS)
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5))
    >>> table = markout_table(fills, np.array([[-2.0], [2.0]]), [10], {"ann": "noise"})
    >>> print(table[["role", "liquidity", "horizon", "lots", "per_lot", "total"]])
        role liquidity  horizon  lots  per_lot  total
    0  noise     taker       10     3     -2.0   -6.0
    1   pool     maker       10     3      2.0    6.0
    """
    columns = columns_of(fills, "owner", "market", "venue", "liquidity", "quantity")
    if marked.shape != (len(columns["quantity"]), len(horizons)):
        wanted = (len(columns["quantity"]), len(horizons))
        raise ConfigError(f"markouts: got shape {marked.shape}, wanted {wanted}, legs by horizons")
    columns["role"] = roles_of(columns["owner"], roles)
    unknown = [name for name in by if name not in columns or name == "quantity"]
    if unknown or not by:
        raise ConfigError(f"by: got {tuple(by)!r}, wanted some of role, liquidity, market, venue, owner")
    keys = pd.MultiIndex.from_arrays([pd.Index(columns[name], dtype=object) for name in by])
    code, groups = pd.factorize(keys, sort=True)
    rows = []
    for number, group in enumerate(groups):
        members = np.flatnonzero(code == number)
        lots = columns["quantity"][members]
        for place, horizon in enumerate(horizons):
            row = dict(zip(by, group, strict=True))
            rows.append(row | {"horizon": int(horizon)} | _summary(marked[members, place], lots))
    names = [*by, "horizon", "fills", "lots", "missing", "missing_lots", "per_fill", "per_lot", "total"]
    return pd.DataFrame(rows, columns=names)


def _summary(values: Floats, lots: npt.NDArray[Any]) -> dict[str, float]:
    known = ~np.isnan(values)
    values, weights = values[known], lots[known]
    return {
        "fills": len(lots),
        "lots": int(lots.sum()),
        "missing": int((~known).sum()),
        "missing_lots": int(lots[~known].sum()),
        "per_fill": float(values.mean()) if len(values) else float("nan"),
        "per_lot": weighted_mean(values, weights),
        "total": dot(values, weights),
    }
