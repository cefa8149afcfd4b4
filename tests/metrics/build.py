"""Small logs and a small truth, written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from marketsim.columns import FILL_COLUMNS, ORDER_COLUMNS, QUOTE_COLUMNS, Table


class Paths:
    """A fair value with nothing but what the protocol asks for, so that metrics need no more."""

    def __init__(self, paths: Mapping[str, Sequence[float]]) -> None:
        self.paths = paths

    @property
    def markets(self) -> tuple[str, ...]:
        return tuple(self.paths)

    def at(self, market: str, time: int, /) -> float:
        if type(time) is not int or not 0 <= time < len(self.paths[market]):
            raise IndexError(time)
        return float(self.paths[market][time])


def _table(kinds: Mapping[str, str], defaults: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(dict(kinds))
    for row in rows:
        whole = {**defaults, **row}
        assert whole.keys() <= kinds.keys() | {"money"}, whole
        table.append(tuple(whole[name] for name in kinds))
    return table


def leg(owner: str, side: int, quantity: int, price: int, time: int, **more: Any) -> dict[str, Any]:
    fee = more.get("fee", 0)
    return {
        "owner": owner,
        "side": side,
        "quantity": quantity,
        "price": price,
        "time": time,
        "money": price * quantity + side * fee,
        **more,
    }


def fills(*rows: Mapping[str, Any]) -> Table:
    defaults = {
        "match_id": 1,
        "order_id": 0,
        "market": "m",
        "venue": "v",
        "fee": 0,
        "liquidity": "taker",
        "mid_before": None,
        "mid_after": None,
    }
    return _table(FILL_COLUMNS, defaults, rows)


def orders(*rows: Mapping[str, Any]) -> Table:
    defaults = {
        "owner": "ann",
        "market": "m",
        "venue": "v",
        "kind": "market",
        "tif": "ioc",
        "side": 1,
        "quantity": 1,
        "price": None,
        "submitted": 0,
        "arrived": 0,
        "ended": 0,
        "filled": 0,
        "cancelled": 0,
        "expired": 0,
        "outcome": "filled",
    }
    return _table(ORDER_COLUMNS, defaults, rows)


def quotes(*rows: tuple[int, float | None, float | None, float | None], market: str = "m", venue: str = "v") -> Table:
    """Each row (time, best bid, best ask, last price)."""
    table = Table(QUOTE_COLUMNS)
    for time, bid, ask, last in rows:
        table.append((time, venue, market, bid, ask, last))
    return table


def empty_columns(kinds: Mapping[str, str]) -> dict[str, np.ndarray[Any, Any]]:
    return Table(dict(kinds)).columns()
