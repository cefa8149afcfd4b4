"""What it cost a population to trade now: implementation shortfall against fair value at submission.

Per lot filled, with s the side of the order and p the price (Perold, J. Portfolio Management 14, 1988):

    cost s (p - fair(t_submit)) = execution s (p - fair(t_fill)) + delay s (fair(t_fill) - fair(t_submit))

The delay has mean zero where the order carries no information and fair value is a martingale; its standard deviation
and the waiting time say what waiting was worth. Quantity that was never filled costs s (c - fair(t_submit)) a lot,
where c is the opposite best price when the order ended: what it would have taken to fill it then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketsim.metrics.logs import (
    Columns,
    Floats,
    Integers,
    Log,
    QuoteHistory,
    by_venue_market,
    columns_of,
    dot,
    fair_marks,
    roles_of,
    weighted_mean,
)
from marketsim.protocols import FairValue

_ORDER = (
    "order_id", "owner", "market", "venue", "side", "quantity", "submitted", "ended",
    "filled", "cancelled", "expired", "outcome",
)  # fmt: skip
_FILL = ("order_id", "owner", "market", "venue", "time", "side", "quantity", "price", "fee", "liquidity")
_AT = ("best", "last", "fair")


def shortfall_legs(orders: Log, fills: Log, fair: FairValue, *, end: int) -> pd.DataFrame:
    """The cost of every leg that belongs to an order.

    Args:
        orders: the order log.
        fills: the fill log. Legs without an order (those of a pool or a tape) are left out.
        end: the run's horizon, in steps.

    Returns:
        One row per leg: `leg` (row number in the fill log), `order_id`, `owner`, `liquidity`, `quantity` (lots), `fee`
        (tick-lots), `wait` (steps from submission to fill), `cost`, `execution`, `delay` (ticks per lot).

    >>> from marketsim.fairvalue import PoissonJumps
    >>> from marketsim.testing import PostedPrice
    >>> truth = PoissonJumps(opening={"A": 100.0}, horizon=50, jump_times={"A": [2]}, jump_sizes={"A": [-1.0]})
    >>> class Buyer:
    ...     agent_id, order_latency = "ann", 4
    ...     def start(self, ctx):
    ...         ctx.submit(market_order("A", Side.BUY, quantity=3))
    >>> run = Simulation(venues={"shop": PostedPrice(("A",), price=102)}, agents=[Buyer()]).run(horizon=50)
    >>> legs = shortfall_legs(run.orders, run.fills, truth, end=50)
    >>> legs[["owner", "quantity", "wait", "cost", "execution", "delay"]].to_dict("records")
    [{'owner': 'ann', 'quantity': 3, 'wait': 4, 'cost': 2.0, 'execution': 3.0, 'delay': -1.0}]
    """
    return pd.DataFrame(_shortfalls(columns_of(orders, *_ORDER), columns_of(fills, *_FILL), fair, end))


def _shortfalls(order: Columns, fill: Columns, fair: FairValue, end: int) -> Columns:
    place, found = rows_of(order["order_id"], fill["order_id"])
    legs = np.flatnonzero(found)
    fill = {name: column[legs] for name, column in fill.items()}
    submitted = order["submitted"][place[legs]].astype(np.int64)
    time, side = fill["time"].astype(np.int64), fill["side"].astype(np.float64)
    price = fill["price"].astype(np.float64)
    at_fill, at_submit = fair_marks(fair, fill["market"], np.stack((time, submitted), axis=1), end=end).T
    return {
        "leg": legs,
        **{name: fill[name] for name in ("order_id", "owner", "liquidity", "quantity", "fee")},
        "wait": time - submitted,
        "cost": side * (price - at_submit),
        "execution": side * (price - at_fill),
        "delay": side * (at_fill - at_submit),
    }


def rows_of(order_ids: Integers, wanted: Integers) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """(row in `order_ids` of each of `wanted`, whether it is there); order ids are unique.

    Args:
        order_ids: of the order log, in any sequence, shape (orders,).
        wanted: the ids to find, shape (n,); the two arrays that come back have it too.

    >>> rows, found = rows_of(np.array([7, 3, 5]), np.array([5, 4, 7]))
    >>> rows[found].tolist(), found.tolist()
    ([2, 0], [True, False, True])
    """
    sort = np.argsort(order_ids, kind="stable")
    place = np.searchsorted(order_ids, wanted, sorter=sort)
    inside = place < len(order_ids)
    rows = np.zeros(len(wanted), dtype=np.intp)
    rows[inside] = sort[place[inside]]
    found = inside.copy()
    found[inside] = order_ids[rows[inside]] == wanted[inside]
    return rows, found


def unfilled_orders(orders: Log, quotes: Log, fair: FairValue, *, end: int) -> pd.DataFrame:
    """What every order did not get, and what that costs.

    Unfilled are the lots that expired, that were refused on arrival, and that were still live at the end of the run.
    Lots that the agent itself withdrew are not: it may have asked for them again, in another order. (A refused
    replacement counts, although the order that it was to replace lives on.)

    The price c is the opposite best of the venue's quote at the end of the step in which the order ended (for a live
    order, at the end of the run); where that side is empty the last trade price, and where there was no trade yet the
    fair value at that time.

    Args:
        orders: the order log.
        quotes: the quote log.
        end: the run's horizon, in steps.

    Returns:
        One row per order: `order_id`, `owner`, `quantity`, `filled`, `cancelled`, `expired`, `rejected`, `live`,
        `unfilled` (lots; unfilled = expired + rejected + live), `at` ("best", "last" or "fair": where c came from),
        `cost` (ticks per unfilled lot).

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> from marketsim.testing import PostedPrice
    >>> class Buyer:
    ...     agent_id = "ann"
    ...     def start(self, ctx):
    ...         ctx.submit(limit_order("A", Side.BUY, quantity=3, price=101))
    >>> run = Simulation(venues={"shop": PostedPrice(("A",), price=102)}, agents=[Buyer()]).run(horizon=50)
    >>> orders = unfilled_orders(run.orders, run.quotes, ConstantFairValue({"A": 100.0}), end=50)
    >>> orders[["owner", "filled", "rejected", "unfilled", "at", "cost"]].to_dict("records")
    [{'owner': 'ann', 'filled': 0, 'rejected': 3, 'unfilled': 3, 'at': 'best', 'cost': 2.0}]
    """
    return pd.DataFrame(_unfilled(columns_of(orders, *_ORDER), QuoteHistory(quotes), fair, end))


def _unfilled(order: Columns, history: QuoteHistory, fair: FairValue, end: int) -> Columns:
    done = order["filled"] + order["cancelled"] + order["expired"]
    left = (order["quantity"] - done).astype(np.int64)
    rejected = np.where(order["outcome"] == "rejected", left, 0)
    live = left - rejected
    unfilled = order["expired"] + left
    # A cancel may leave an order's row with nothing unfilled; its cost is then priced and never used.
    when = np.where(order["ended"] < 0, end, order["ended"]).astype(np.int64)
    price, at = _price_now(order, history, fair, when, end)
    side = order["side"].astype(np.float64)
    at_submit = _where(unfilled > 0, order, fair, order["submitted"].astype(np.int64), end)
    return {
        **{name: order[name] for name in ("order_id", "owner", "quantity", "filled", "cancelled", "expired")},
        "rejected": rejected,
        "live": live,
        "unfilled": unfilled,
        "at": at,
        "cost": side * (price - at_submit),
    }


def _price_now(
    order: Columns, history: QuoteHistory, fair: FairValue, when: Integers, end: int
) -> tuple[Floats, npt.NDArray[Any]]:
    price = np.full(len(when), np.nan)
    at = np.full(len(when), "fair", dtype=object)
    for venue, market, rows in by_venue_market(order):
        buys = order["side"][rows] > 0
        ask, bid = (history.at(venue, market, name, when[rows]) for name in ("best_ask", "best_bid"))
        best = np.where(buys, ask, bid)
        last = history.at(venue, market, "last_price", when[rows])
        price[rows] = np.where(np.isnan(best), last, best)
        at[rows] = np.where(np.isnan(best), np.where(np.isnan(last), "fair", "last"), "best")
    unknown = np.isnan(price)
    price[unknown] = _where(unknown, order, fair, when, end)[unknown]
    return price, at


def _where(mask: npt.NDArray[np.bool_], order: Columns, fair: FairValue, times: Integers, end: int) -> Floats:
    # A refused order may name a market that does not exist, of which nobody knows the fair value.
    mask = mask & np.isin(order["market"].astype(object), np.array(fair.markets, dtype=object))
    values = np.full(len(times), np.nan)
    values[mask] = fair_marks(fair, order["market"][mask], times[mask], end=end)
    return values


def immediacy_table(
    orders: Log,
    fills: Log,
    quotes: Log,
    fair: FairValue,
    roles: Mapping[str, str],
    *,
    of: Sequence[str] = ("noise", "investor"),
    end: int,
) -> pd.DataFrame:
    """Immediacy cost by role, and over all of the roles asked for (row "all").

    All legs of the roles' orders count, also those of an order that came to rest and was hit, so that mechanisms that
    name liquidity differently compare; `maker_lots` says how many those are.

    Args:
        orders: the order log.
        fills: the fill log.
        quotes: the quote log.
        roles: role by account.
        of: the roles.
        end: the run's horizon, in steps.

    Returns:
        One row per role, indexed by it. Counts: `orders`, `submitted`, `filled`, `maker_lots`, `cancelled`, `expired`,
        `rejected`, `live` (lots). Quantity-weighted means over filled lots: `cost`, `execution`, `delay` (ticks per
        lot), `delay_sd` (ticks), `wait_mean` (steps). `expired_share` and `unfilled_share` of the submitted lots, the
        second with refused and still live ones. `unfilled_cost` (ticks per unfilled lot) and the unfilled lots priced
        `at_best`, `at_last`, `at_fair`. Totals in tick-lots: `filled_shortfall`, `unfilled_shortfall`, `shortfall`
        (their sum), `fees` (not part of it). `missing` counts lots, filled or not, whose cost is not known (a market
        without a fair value) and which means and totals leave out.

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> from marketsim.testing import PostedPrice
    >>> class Buyer:
    ...     agent_id, role, order_latency = "ann", "noise", 4
    ...     def start(self, ctx):
    ...         ctx.submit(market_order("A", Side.BUY, quantity=3))
    >>> run = Simulation(venues={"shop": PostedPrice(("A",), price=102)}, agents=[Buyer()]).run(horizon=50)
    >>> truth = ConstantFairValue({"A": 100.0})
    >>> table = immediacy_table(run.orders, run.fills, run.quotes, truth, run.roles, of=["noise"], end=50)
    >>> table.loc["noise", ["filled", "cost", "wait_mean", "shortfall"]].to_dict()
    {'filled': 3.0, 'cost': 2.0, 'wait_mean': 4.0, 'shortfall': 6.0}
    """
    groups = {**{name: [name] for name in of}, "all": list(of)}
    rows = immediacy_rows(orders, fills, quotes, fair, roles, groups, end=end)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("role")


def immediacy_rows(
    orders: Log,
    fills: Log,
    quotes: Log,
    fair: FairValue,
    roles: Mapping[str, str],
    groups: Mapping[str, Sequence[str]],
    *,
    end: int,
) -> dict[str, dict[str, float]]:
    """The rows of `immediacy_table` as plain numbers, by the name of a group of roles.

    Args:
        groups: the roles of each group, by its name; the other arguments are those of `immediacy_table`.

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> from marketsim.testing import PostedPrice
    >>> class Buyer:
    ...     agent_id, role = "ann", "noise"
    ...     def start(self, ctx):
    ...         ctx.submit(market_order("A", Side.BUY, quantity=3))
    >>> run = Simulation(venues={"shop": PostedPrice(("A",), price=102)}, agents=[Buyer()]).run(horizon=50)
    >>> truth, groups = ConstantFairValue({"A": 100.0}), {"in a hurry": ["noise", "investor"]}
    >>> rows = immediacy_rows(run.orders, run.fills, run.quotes, truth, run.roles, groups, end=50)
    >>> rows["in a hurry"]["filled"], rows["in a hurry"]["shortfall"]
    (3, 6.0)
    """
    sent, legs = columns_of(orders, *_ORDER), columns_of(fills, *_FILL)
    members = [role for group in groups.values() for role in group]
    # Only the orders asked for are priced: the fair value and the quotes are looked up for each.
    sent, legs = _of(sent, roles, members), _of(legs, roles, members)
    leg, order = _shortfalls(sent, legs, fair, end), _unfilled(sent, QuoteHistory(quotes), fair, end)
    return {
        name: _row(*(part if len(groups) == 1 else _of(part, roles, group) for part in (leg, order)))
        for name, group in groups.items()
    }


def _of(columns: Columns, roles: Mapping[str, str], wanted: Sequence[str]) -> Columns:
    own = np.isin(roles_of(columns["owner"], roles), np.array(wanted, dtype=object))
    return {name: column[own] for name, column in columns.items()}


def _row(leg: Columns, order: Columns) -> dict[str, float]:
    lots = leg["quantity"].astype(np.float64)
    known = ~np.isnan(leg["cost"])
    left = order["unfilled"].astype(np.float64)
    priced = (left > 0) & ~np.isnan(order["cost"])
    mean = {name: weighted_mean(leg[name][known], lots[known]) for name in ("cost", "execution", "delay")}
    spread = weighted_mean((leg["delay"][known] - mean["delay"]) ** 2, lots[known])
    filled = dot(leg["cost"][known], lots[known])
    unfilled = dot(order["cost"][priced], left[priced])
    submitted = int(order["quantity"].sum())
    expired, rejected, live = (int(order[name].sum()) for name in ("expired", "rejected", "live"))
    return {
        "orders": len(left),
        "submitted": submitted,
        "filled": int(order["filled"].sum()),
        "maker_lots": int(leg["quantity"][leg["liquidity"] == "maker"].sum()),
        "cancelled": int(order["cancelled"].sum()),
        "expired": expired,
        "rejected": rejected,
        "live": live,
        **mean,
        "delay_sd": float(np.sqrt(spread)),
        "wait_mean": weighted_mean(leg["wait"].astype(np.float64), lots),
        "expired_share": expired / submitted if submitted else float("nan"),
        "unfilled_share": (expired + rejected + live) / submitted if submitted else float("nan"),
        "unfilled_cost": weighted_mean(order["cost"][priced], left[priced]),
        **{f"at_{at}": int(left[priced & (order["at"] == at)].sum()) for at in _AT},
        "filled_shortfall": filled,
        "unfilled_shortfall": unfilled,
        "shortfall": filled + unfilled,
        "fees": int(leg["fee"].sum()),
        "missing": int(lots[~known].sum() + left[(left > 0) & ~priced].sum()),
    }
