"""Effective and realised half-spreads and price impact, leg by leg.

With q the sign of the one who wanted the trade, p its price and m the reference (ticks per lot; full spreads are twice
as wide):

    effective e = q (p - m(t)),   realised r = q (p - m(t + H)),   impact i = e - r = q (m(t + H) - m(t))

so that e = r + i for every leg (Huang and Stoll, JFE 41, 1996; SEC Rule 605). The impact is computed as e - r: against
mids, which are whole or half ticks, the identity is exact; against a fair value it holds to the rounding of one
addition (1e-9 ticks at any sensible price).

A batch auction has no taker: every leg of a clear is then reported with its own side as q. Over all legs of a clear
these sum to zero, buyers against sellers, so only the numbers by role say anything. The mid before the clear lacks the
information of the batch itself, and the mid after has it; fair value at the clear is the reference that compares with
a book.

>>> from marketsim.columns import FILL_COLUMNS, Table
>>> from marketsim.fairvalue import PoissonJumps
>>> truth = PoissonJumps(opening={"A": 100.0}, horizon=50, jump_times={"A": [7]}, jump_sizes={"A": [5.0]})
>>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
>>> fills = Table(FILL_COLUMNS)
>>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5))
>>> legs = spread_legs(fills, reference="fair", horizon=10, end=50, fair=truth)
>>> legs[["owner", "quantity", "effective", "realised", "impact"]].to_dict("records")
[{'owner': 'ann', 'quantity': 3, 'effective': 2.0, 'realised': -3.0, 'impact': 5.0}]
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from marketsim.errors import ConfigError
from marketsim.metrics.logs import (
    Columns,
    Floats,
    Log,
    QuoteHistory,
    columns_of,
    fair_marks,
    quote_mids,
    roles_of,
    weighted_mean,
)
from marketsim.protocols import FairValue

REFERENCES = ("fair", "mid_before", "mid_after")
_LEG = ("owner", "market", "venue", "time", "side", "quantity", "price", "liquidity", "mid_before", "mid_after")


def spread_legs(
    fills: Log,
    *,
    reference: str,
    horizon: int,
    end: int,
    fair: FairValue | None = None,
    quotes: Log | None = None,
) -> pd.DataFrame:
    """Effective and realised half-spread and impact of every taker leg and every auction leg.

    Maker legs are left out: theirs is the taker's with the sign turned.

    Args:
        fills: the fill log.
        reference: what m is: "fair" (fair value at t and t + H), or the mid on the fill, "mid_before" or "mid_after",
            with the venue's last two-sided quote at or before t + H as the later one.
        horizon: H in steps, at least 0.
        end: the run's horizon, in steps.
        fair: needed for "fair".
        quotes: the quote log, needed for the mids.

    Returns:
        One row per leg: `leg` (row number in the fill log), `owner`, `market`, `venue`, `liquidity`, `quantity`
        (lots), `effective`, `realised`, `impact` (ticks per lot; nan where the reference is not known).

    Raises:
        ConfigError: no such reference, a negative horizon, or `fair` or `quotes` is missing.
    """
    return pd.DataFrame(spread_columns(fills, reference=reference, horizon=horizon, end=end, fair=fair, quotes=quotes))


def spread_columns(
    fills: Log,
    *,
    reference: str,
    horizon: int,
    end: int,
    fair: FairValue | None = None,
    quotes: Log | None = None,
) -> Columns:
    """The columns of `spread_legs`, of the same arguments: of few legs a frame costs as much as the numbers in it.

    >>> from marketsim.columns import FILL_COLUMNS, Table
    >>> from marketsim.fairvalue import ConstantFairValue
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills = Table(FILL_COLUMNS)
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5))
    >>> legs = spread_columns(fills, reference="fair", horizon=10, end=50, fair=ConstantFairValue({"A": 100.0}))
    >>> legs["owner"].tolist(), legs["effective"].tolist()
    (['ann'], [2.0])
    """
    if reference not in REFERENCES or type(horizon) is not int or horizon < 0:
        wanted = f"one of {', '.join(REFERENCES)} and steps of at least 0"
        raise ConfigError(f"got reference={reference!r}, horizon={horizon!r}; wanted {wanted}")
    columns = columns_of(fills, *_LEG)
    legs = np.flatnonzero(columns["liquidity"] != "maker")
    columns = {name: column[legs] for name, column in columns.items()}
    now = columns["time"].astype(np.int64)
    later = now + horizon
    if reference == "fair":
        if fair is None:
            raise ConfigError("reference 'fair' needs a fair value")
        before, after = fair_marks(fair, columns["market"], np.stack((now, later), axis=1), end=end).T
    else:
        if quotes is None:
            raise ConfigError(f"reference {reference!r} needs the quote log")
        before = columns[reference].astype(np.float64)
        after = quote_mids(QuoteHistory(quotes), columns, later, end=end)
    sign, price = columns["side"].astype(np.float64), columns["price"].astype(np.float64)
    effective, realised, impact = half_spreads(sign, price, before, after)
    names = ("owner", "market", "venue", "liquidity", "quantity")
    return {
        "leg": legs,
        **{name: columns[name] for name in names},
        "effective": effective,
        "realised": realised,
        "impact": impact,
    }


def half_spreads(sign: Floats, price: Floats, before: Floats, after: Floats) -> tuple[Floats, Floats, Floats]:
    """(effective, realised, impact) in ticks per lot, of signs q, prices and references m(t) and m(t + H) in ticks.

    >>> [float(part) for part in half_spreads(1.0, 101.0, 100.0, 100.5)]
    [1.0, 0.5, 0.5]
    """
    effective = sign * (price - before)
    realised = sign * (price - after)
    return effective, realised, effective - realised


def spread_table(legs: pd.DataFrame, roles: Mapping[str, str]) -> pd.DataFrame:
    """Half-spreads by role and liquidity.

    Args:
        legs: of `spread_legs`.
        roles: role by account.

    Returns:
        One row per role and liquidity, and one per liquidity with role "all": `fills` (legs), `lots`, `missing` (legs
        with an unknown number, which the means leave out), quantity-weighted means `effective`, `realised`, `impact`
        (ticks per lot) and plain means over legs `effective_per_fill`, `realised_per_fill`, `impact_per_fill`.

    >>> import pandas as pd
    >>> legs = pd.DataFrame({"owner": ["ann", "bob"], "liquidity": "taker", "quantity": [1, 3]})
    >>> legs = legs.assign(effective=[2.0, 1.0], realised=[0.0, 1.0], impact=[2.0, 0.0])
    >>> table = spread_table(legs, {"ann": "informed", "bob": "noise"})
    >>> print(table[["role", "lots", "effective", "realised", "impact", "impact_per_fill"]])
           role  lots  effective  realised  impact  impact_per_fill
    0  informed     1       2.00      0.00     2.0              2.0
    1     noise     3       1.00      1.00     0.0              0.0
    2       all     4       1.25      0.75     0.5              1.0
    """
    kinds = ("effective", "realised", "impact")
    role = roles_of(legs["owner"].to_numpy(), roles)
    liquidity = legs["liquidity"].to_numpy()
    parts = np.array([legs[kind].to_numpy(dtype=np.float64) for kind in kinds])
    lots = legs["quantity"].to_numpy()
    known = ~np.isnan(parts).any(axis=0)
    rows = []
    for way in sorted(dict.fromkeys(liquidity)):
        for name in [*sorted(dict.fromkeys(role[liquidity == way])), None]:
            members = (liquidity == way) if name is None else (liquidity == way) & (role == name)
            used = members & known
            row: dict[str, object] = {"role": "all" if name is None else name, "liquidity": way}
            row |= {"fills": int(members.sum()), "lots": int(lots[members].sum())}
            row |= {"missing": int((members & ~known).sum())}
            row |= {kind: weighted_mean(part[used], lots[used]) for kind, part in zip(kinds, parts, strict=True)}
            for kind, part in zip(kinds, parts, strict=True):
                row[f"{kind}_per_fill"] = float(part[used].mean()) if used.any() else float("nan")
            rows.append(row)
    per_fill = [f"{kind}_per_fill" for kind in kinds]
    return pd.DataFrame(rows, columns=["role", "liquidity", "fills", "lots", "missing", *kinds, *per_fill])
