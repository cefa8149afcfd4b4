"""How much was traded, by whom and when, and how much of the time somebody quoted both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketsim.errors import ConfigError
from marketsim.metrics.logs import Integers, Log, codes, columns_of, roles_of
from marketsim.result import role_of


def volume(fills: Log) -> int:
    """Lots traded, each counted once: the quantity of all buying legs.

    >>> from marketsim.columns import FILL_COLUMNS, Table
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills = Table(FILL_COLUMNS)
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5))
    >>> volume(fills)
    3
    """
    columns = columns_of(fills, "side", "quantity")
    return int(columns["quantity"][columns["side"] > 0].sum())


def activity_table(fills: Log, roles: Mapping[str, str], *, end: int) -> pd.DataFrame:
    """Legs and lots by role.

    Args:
        fills: the fill log.
        roles: role by account.
        end: the run's horizon, in steps.

    Returns:
        One row per role, indexed by it: `fills` (legs), `lots`, of these `bought` and `sold`, `maker_fills`,
        `taker_fills`, `auction_fills` (legs), `second_half_share` (share of the legs later than end / 2).

    >>> from marketsim.columns import FILL_COLUMNS, Table
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills = Table(FILL_COLUMNS)
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5))
    >>> table = activity_table(fills, {"ann": "noise"}, end=50)
    >>> print(table[["fills", "lots", "bought", "sold", "taker_fills", "second_half_share"]])
           fills  lots  bought  sold  taker_fills  second_half_share
    role
    noise      1     3       3     0            1                0.0
    pool       1     3       0     3            0                0.0
    """
    columns = columns_of(fills, "owner", "time", "side", "quantity", "liquidity")
    role, lots = roles_of(columns["owner"], roles), columns["quantity"]
    late = columns["time"] * 2 > end
    rows = {}
    for name in sorted(dict.fromkeys(role)):
        some = role == name
        row: dict[str, float] = {"fills": int(some.sum()), "lots": int(lots[some].sum())}
        row |= {"bought": int(lots[some & (columns["side"] > 0)].sum())}
        row |= {"sold": int(lots[some & (columns["side"] < 0)].sum())}
        for way in ("maker", "taker", "auction"):
            row[f"{way}_fills"] = int((columns["liquidity"][some] == way).sum())
        rows[name] = row | {"second_half_share": float(late[some].mean())}
    names = ["fills", "lots", "bought", "sold", "maker_fills", "taker_fills", "auction_fills", "second_half_share"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names).rename_axis("role")


def quoting_table(orders: Log, roles: Mapping[str, str], *, end: int) -> pd.DataFrame:
    """The share of the run during which each owner had limit orders waiting on both sides of a market.

    An order counts from its arrival until it ends, [arrived, ended), or until `end` while it lives; in an auction it
    counts too while it waits for the clear. Orders that can not rest (market, IOC, FOK) and refused ones do not. The
    orders of one owner at all venues of a market count together.

    Args:
        orders: the order log.
        roles: role by account.
        end: the run's horizon, in steps, at least 1.

    Returns:
        One row per owner and market with such orders: `owner`, `role`, `market`, `bid`, `ask`, `two_sided` (shares of
        the steps from 0 to `end`).

    Raises:
        ConfigError: `end` is below 1.

    >>> from marketsim.testing import ReferenceBook
    >>> class Maker:
    ...     agent_id, role, review_interval = "ann", "maker", 20
    ...     def start(self, ctx):
    ...         ctx.submit(limit_order("A", Side.BUY, quantity=3, price=99))
    ...     def review(self, ctx):
    ...         ctx.submit(limit_order("A", Side.SELL, quantity=3, price=101))
    >>> run = Simulation(venues={"book": ReferenceBook(("A",))}, agents=[Maker()]).run(horizon=50)
    >>> print(quoting_table(run.orders, run.roles, end=50))
      owner   role market  bid  ask  two_sided
    0   ann  maker      A  1.0  0.6        0.6
    """
    names = ["owner", "role", "market", "bid", "ask", "two_sided"]
    return pd.DataFrame(quoting_rows(orders, roles, end=end), columns=names)


def quoting_rows(orders: Log, roles: Mapping[str, str], *, end: int) -> list[dict[str, Any]]:
    """The rows of `quoting_table`, of the same arguments, as plain dictionaries.

    >>> order = {"owner": "ann", "market": "A", "kind": "limit", "tif": "gtc", "outcome": "live"}
    >>> order |= {"side": 1, "arrived": 0, "ended": -1}
    >>> quoting_rows({name: np.array([value]) for name, value in order.items()}, {"ann": "lp"}, end=50)
    [{'owner': 'ann', 'role': 'lp', 'market': 'A', 'bid': 1.0, 'ask': 0.0, 'two_sided': 0.0}]
    """
    if end < 1:
        raise ConfigError(f"end: got {end!r}, wanted steps of at least 1")
    columns = columns_of(orders, "owner", "market", "kind", "tif", "side", "arrived", "ended", "outcome")
    rests = (columns["kind"] != "market") & (columns["tif"] == "gtc") & (columns["arrived"] >= 0)
    rests &= columns["outcome"] != "rejected"
    owner, owners = codes(columns["owner"])
    market, markets = codes(columns["market"])
    ended = np.minimum(np.where(columns["ended"] < 0, end, columns["ended"]), end)
    rows: list[dict[str, Any]] = []
    for o, owner_name in enumerate(owners):
        for m, market_name in enumerate(markets):
            some = np.flatnonzero(rests & (owner == o) & (market == m))
            if len(some):
                bid, ask, both = _covered(columns["side"][some], columns["arrived"][some], ended[some])
                shares = {"bid": bid / end, "ask": ask / end, "two_sided": both / end}
                row = {"owner": owner_name, "role": role_of(owner_name, roles), "market": market_name}
                rows.append(row | shares)
    return rows


def _covered(side: npt.NDArray[np.int64], since: Integers, until: Integers) -> tuple[int, int, int]:
    # Steps covered by at least one buy order, by at least one sell order, and by both, from the changes in time order.
    times = np.concatenate((since, until))
    sort = np.argsort(times, kind="stable")
    gaps = np.diff(times[sort])
    live = []
    for sign in (1, -1):
        own = (side == sign).astype(np.int64)
        live.append((np.cumsum(np.concatenate((own, -own))[sort]) > 0)[:-1])
    bid, ask = live
    return int(gaps[bid].sum()), int(gaps[ask].sum()), int(gaps[bid & ask].sum())
