"""Columns of a study's table that say where the LP's gain came from, and who paid whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from marketsim.metrics import FEES, attribute, bin_shares, counterparty_shares, transfer_matrix

Columns = Mapping[str, npt.NDArray[Any]]

OPENING_EDGES = (0, 500, 1000, 2000, 4000, 8000)
"""Steps since the opening at which a new bin begins; the last has no end."""
AGE_EDGES = (0, 1, 10, 50, 100, 250, 500, 1000)
"""Ages in steps of the quote that was hit at which a new bin begins; the last has no end."""
UNIT = 1000
"""Steps of the unit of time that gains are given per."""


@frozen(eq=False)
class Legs:
    """The legs of one run, one row per leg, with what is known of each.

    Attributes:
        fills: columns of the fill log, trades only.
        gains: at fair-at-fill, fees included, in money.
        ages: of the quote behind the leg, in steps.
        roles: role by account.
        names: all roles, in the order of the columns.
    """

    fills: Columns
    gains: npt.NDArray[np.float64]
    ages: npt.NDArray[np.int64]
    roles: Mapping[str, str]
    names: tuple[str, ...]


def bin_names(edges: Sequence[int]) -> list[str]:
    """The names of the bins that `edges` begin.

    >>> bin_names((0, 10))
    ['0_10', '10_end']
    """
    return [f"{low}_{high}" for low, high in pairwise([*edges, "end"])]


def attributed(legs: Legs, own: npt.NDArray[np.bool_], *, lot_size: float) -> dict[str, float]:
    """`lp_pnl_*`, `lp_fills_*`, `lp_lots_*` by time since the opening, age of the quote hit, and counterparty.

    Each family sums to `lp_pnl` (money), `lp_fills` (legs) and `lp_lots` (lots of size 1), up to rounding. In a batch a
    leg is divided over its counterparties pro rata, and the fills against a role are then no whole number.

    Args:
        own: which of the legs are the LP's.
        lot_size: what one lot of the logs is, in lots of size 1.
    """
    families = {
        "opening": (bin_names(OPENING_EDGES), bin_shares(legs.fills["time"][own], OPENING_EDGES)),
        "age": (bin_names(AGE_EDGES), bin_shares(legs.ages[own], AGE_EDGES)),
        "against": (list(legs.names), counterparty_shares(legs.fills, legs.roles, legs.names)[own]),
    }
    row: dict[str, float] = {}
    for family, (groups, shares) in families.items():
        parts = attribute(legs.gains[own], legs.fills["quantity"][own], shares)
        measured = {"pnl": parts.gains, "fills": parts.fills, "lots": parts.lots * lot_size}
        for measure, values in measured.items():
            names = [f"lp_{measure}_{family}_{group}" for group in groups]
            row |= dict(zip(names, values.tolist(), strict=True))
    return row


def averages(pnl: float, fills: float, lots: float, *, end: int) -> dict[str, float]:
    """The LP's gain per fill, per lot of size 1 and per `UNIT` steps, in money; nan where it never traded.

    >>> averages(-6.0, 3, 1.5, end=2000)
    {'lp_pnl_per_fill': -2.0, 'lp_pnl_per_lot': -4.0, 'lp_pnl_per_unit': -3.0}
    """
    return {
        "lp_pnl_per_fill": pnl / fills if fills else float("nan"),
        "lp_pnl_per_lot": pnl / lots if lots else float("nan"),
        "lp_pnl_per_unit": pnl * UNIT / end,
    }


def transfers(legs: Legs, fair: Any, *, end: int, money_scale: float) -> dict[str, float]:
    """`transfer_<role>_<other>`, in money: what the role gained from the other at fair-at-fill; "fees" is a role.

    Every pair of roles is there both ways round, each exactly minus the other; `math.fsum` over all is exactly 0. Those
    of one role sum to its net gain, up to rounding.
    """
    gained = (transfer_matrix(legs.fills, fair, legs.roles, legs.names, end=end) * money_scale).tolist()
    names = [*legs.names, FEES]
    return {
        f"transfer_{role}_{other}": each
        for role, row in zip(names, gained, strict=True)
        for other, each in zip(names, row, strict=True)
        if role != other
    }
