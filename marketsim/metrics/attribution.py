"""Where a gain came from: when it was made, from how old a quote, and against whom.

Every leg is divided over groups by shares that sum to 1, so that what the groups gained sums to what was gained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from attrs import frozen

from marketsim.errors import ConfigError
from marketsim.metrics.immediacy import rows_of
from marketsim.metrics.logs import Floats, Integers, Log, codes, columns_of
from marketsim.metrics.wealth import match_numbers, role_places


@frozen(eq=False)
class Attribution:
    """What each group has of a total: `gains` (in the unit given), `fills` (legs) and `lots`, arrays (groups,).

    `fills` and `lots` are whole numbers where every leg belongs to one group, and may be fractions where it does not.

    >>> by_age: Attribution = attribute([3.0, -1.0], [2, 4], bin_shares([5, 40], [0, 10]))
    >>> by_age.gains.tolist(), by_age.fills.tolist(), by_age.lots.tolist()
    ([3.0, -1.0], [1.0, 1.0], [2.0, 4.0])
    """

    gains: Floats
    fills: Floats
    lots: Floats


def attribute(gains: npt.ArrayLike, lots: npt.ArrayLike, shares: npt.ArrayLike) -> Attribution:
    """Divide the gains, the number and the lots of legs over groups.

    Args:
        gains: of each leg, in any unit, shape (legs,).
        lots: of each leg, shape (legs,).
        shares: how much of each leg belongs to each group, shape (legs, groups); rows that sum to 1 leave nothing out.

    Raises:
        ConfigError: shapes do not fit.

    >>> attribute([3.0, -1.0], [2, 4], [[1.0, 0.0], [0.5, 0.5]]).gains.tolist()
    [2.5, -0.5]
    """
    each, gained, size = (np.asarray(part, dtype=np.float64) for part in (shares, gains, lots))
    if each.ndim != 2 or gained.shape != size.shape or gained.shape != each.shape[:1]:
        got = f"gains {gained.shape}, lots {size.shape}, shares {each.shape}"
        raise ConfigError(f"attribute: got shapes of {got}; wanted (legs,), (legs,), (legs, groups)")
    # Not a matrix product: its last bit depends on the machine.
    of_gains, of_lots = (np.einsum("l,lg->g", part, each) for part in (gained, size))
    return Attribution(gains=of_gains, fills=each.sum(axis=0), lots=of_lots)


def bin_shares(values: npt.ArrayLike, edges: Sequence[float]) -> Floats:
    """A 1 in the bin that each value lies in: [edges[0], edges[1]), [edges[1], edges[2]), ..., [edges[-1], infinity).

    Args:
        values: shape (legs,), none of them nan or below `edges[0]`.
        edges: increasing.

    Returns:
        Shape (legs, edges), zeros and ones, one 1 a row.

    Raises:
        ConfigError: edges that do not increase, or a value outside all bins.

    >>> bin_shares([0, 9, 10, 500], [0, 10]).tolist()
    [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    """
    bounds, each = np.asarray(edges, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if not len(bounds) or not (np.diff(bounds) > 0).all():
        raise ConfigError(f"bin_shares: got edges {tuple(edges)!r}, wanted increasing numbers, at least one")
    if len(outside := each[~(each >= bounds[0])]):
        raise ConfigError(f"bin_shares: got the value {outside[0]}, wanted at least {bounds[0]}, the first edge")
    shares: Floats = np.eye(len(bounds))[np.searchsorted(bounds, each, side="right") - 1]
    return shares


def quote_ages(fills: Log, orders: Log) -> Integers:
    """How old the quote behind each leg was: steps from when its agent sent the order to the fill.

    A leg without an order (one of a pool) trades at a price that the owner's last leg in that market left behind: its
    age is the steps since that one, or since step 0 where it is the first.

    Args:
        fills: the fill log, in order of time.
        orders: the order log.

    Returns:
        Steps, shape (legs,), at least 0.

    >>> from marketsim.columns import FILL_COLUMNS, Table
    >>> fills, orders = Table(FILL_COLUMNS), {"order_id": np.array([1]), "submitted": np.array([3])}
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5))
    >>> quote_ages(fills, orders).tolist()
    [2, 5]
    """
    fill, order = columns_of(fills, "order_id", "owner", "market", "time"), columns_of(orders, "order_id", "submitted")
    place, found = rows_of(order["order_id"], fill["order_id"])
    time = fill["time"].astype(np.int64)
    since = np.zeros(len(time), dtype=np.int64)
    since[found] = order["submitted"][place[found]]
    bare = np.flatnonzero(~found)
    if len(bare):
        (owner, _), (market, markets) = codes(fill["owner"][bare]), codes(fill["market"][bare])
        whose = owner * len(markets) + market
        sort = np.argsort(whose, kind="stable")
        again = np.flatnonzero(np.diff(whose[sort]) == 0)
        since[bare[sort[again + 1]]] = time[bare[sort[again]]]
    return time - since


def counterparty_shares(fills: Log, roles: Mapping[str, str], names: Sequence[str]) -> Floats:
    """With whom each leg traded: the share that each role has of the other side of its match, by lots.

    In a book the other side is the one other leg, in a batch the whole other side of the clear.

    Args:
        fills: the fill log; both sides of every match.
        roles: role by account.
        names: the roles, in the order of the columns.

    Returns:
        Shape (legs, names); rows sum to 1, or are zeros where the match has no other side.

    Raises:
        ConfigError: a leg's role is not among `names`.

    >>> from marketsim.columns import FILL_COLUMNS, Table
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills = Table(FILL_COLUMNS)
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5))
    >>> counterparty_shares(fills, {"ann": "noise"}, ["noise", "pool"]).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    columns = columns_of(fills, "match_id", "venue", "market", "owner", "side", "quantity")
    place, match, buys = role_places(columns["owner"], roles, names), match_numbers(columns), columns["side"] > 0
    lots = np.zeros((2, int(match.max(initial=-1)) + 1, len(names)))
    np.add.at(lots, (buys.astype(np.intp), match, place), columns["quantity"].astype(np.float64))
    other = lots[1 - buys.astype(np.intp), match]
    total = other.sum(axis=1, keepdims=True)
    shares: Floats = np.divide(other, total, out=np.zeros_like(other), where=total > 0)
    return shares
