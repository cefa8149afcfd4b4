"""Who is how much richer: wealth at one common mark, and gains at the fair value of the moment."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import isfinite

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketsim.errors import ConfigError, ConservationError
from marketsim.ledger import Ledger
from marketsim.metrics.logs import Columns, Floats, Log, codes, columns_of, dot, fair_marks, role_of, roles_of
from marketsim.protocols import FairValue

_LEG = ("owner", "market", "time", "side", "quantity", "price", "money", "fee")
FEES = "fees"


def exact_wealth(ledger: Ledger, marks: Mapping[str, float]) -> dict[str, Fraction]:
    """Cash plus inventory at `marks`, in tick-lots, of every account, and of `fees:<venue>` for the fees of each venue.

    Marks are floats and so have exact values as fractions: the sum over all accounts is exactly zero, not nearly.

    Args:
        marks: ticks by market, for every market in which somebody has traded.

    Raises:
        ConfigError: a mark is missing or not finite.

    >>> ledger = Ledger()
    >>> ledger.cash, ledger.inventory = {"ann": -3, "bob": 3}, {"ann": {"m": 1}, "bob": {"m": -1}}
    >>> exact_wealth(ledger, {"m": 5.5})
    {'ann': Fraction(5, 2), 'bob': Fraction(-5, 2)}
    """
    fractions: dict[str, Fraction] = {}
    for held in ledger.inventory.values():
        for market in held:
            if market not in marks or not isfinite(marks[market]):
                raise ConfigError(f"mark of market {market!r}: got {marks.get(market)!r}, wanted a finite number")
            fractions[market] = Fraction(marks[market])
    wealth = {
        account: cash + sum((lots * fractions[market] for market, lots in _held(ledger, account)), Fraction(0))
        for account, cash in ledger.cash.items()
    }
    return wealth | {f"{FEES}:{venue}": Fraction(fees) for venue, fees in ledger.fees.items()}


def _held(ledger: Ledger, account: str) -> list[tuple[str, int]]:
    return list(ledger.inventory.get(account, {}).items())


def wealth_table(ledger: Ledger, marks: Mapping[str, float], roles: Mapping[str, str]) -> pd.DataFrame:
    """Wealth of every account at one common mark, for example fair value at the horizon.

    Args:
        marks: ticks by market.
        roles: role by account.

    Returns:
        One row per account, then one per venue that took fees (account `fees:<venue>`, role "fees"): `account`,
        `role`, `cash` (tick-lots), `lots:<market>` for each market that anybody holds or held, `wealth` (tick-lots, the
        float nearest to the exact value).

    Raises:
        ConfigError: a mark is missing or not finite.
        ConservationError: the exact wealth of all rows does not sum to zero.
    """
    wealth = exact_wealth(ledger, marks)
    if total := sum(wealth.values(), Fraction(0)):
        raise ConservationError(f"wealth over all accounts and fees is {float(total)} tick-lots, not 0")
    markets = list(dict.fromkeys(market for held in ledger.inventory.values() for market in held))
    rows = []
    for account, worth in wealth.items():
        venue = account.removeprefix(f"{FEES}:")
        is_fees = account not in ledger.cash
        cash = ledger.fees[venue] if is_fees else ledger.cash[account]
        held = dict(_held(ledger, account))
        row: dict[str, object] = {"account": account, "role": FEES if is_fees else role_of(account, roles)}
        row |= {"cash": cash} | {f"lots:{market}": held.get(market, 0) for market in markets}
        rows.append(row | {"wealth": float(worth)})
    names = ["account", "role", "cash", *(f"lots:{market}" for market in markets), "wealth"]
    return pd.DataFrame(rows, columns=names)


def pnl_by_role(fills: Log, fair: FairValue, roles: Mapping[str, str], *, end: int) -> pd.DataFrame:
    """What each role gained at the fair value of the moment of each fill.

    Args:
        fills: the fill log.
        roles: role by account.
        end: the run's horizon, in steps.

    Returns:
        One row per role, indexed by it: `fills` (legs), `lots`, `pnl` = sum of side x quantity x (fair(t) - price),
        `fees`, `pnl_net` = sum of side x (quantity x fair(t) - money), all tick-lots. `pnl` sums to zero over all
        roles wherever the legs of a match have one price, `pnl_net` to minus the fees. They differ by the fees, and in
        a pool by the rounding of its price.
    """
    columns = columns_of(fills, *_LEG)
    marks = fair_marks(fair, columns["market"], columns["time"], end=end)
    gross = _value(columns, marks)
    # Money may exceed 64 bits and is then a column of Python integers.
    paid = columns["money"].astype(np.float64)
    net = columns["side"] * (columns["quantity"] * marks - paid)
    role = roles_of(columns["owner"], roles)
    rows = {}
    for name in sorted(dict.fromkeys(role)):
        some = role == name
        rows[name] = {
            "fills": int(some.sum()),
            "lots": int(columns["quantity"][some].sum()),
            "pnl": float(gross[some].sum()),
            "fees": int(columns["fee"][some].sum()),
            "pnl_net": float(net[some].sum()),
        }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["fills", "lots", "pnl", "fees", "pnl_net"])
    return table.rename_axis("role")


def _value(columns: Columns, marks: Floats) -> Floats:
    lots = (columns["side"] * columns["quantity"]).astype(np.float64)
    return lots * (marks - columns["price"].astype(np.float64))


def pnl_decomposition(fills: Log, fair: FairValue, roles: Mapping[str, str], *, end: int) -> pd.DataFrame:
    """Gain over a run, split into what was gained at the fills and what the inventory then gained.

    total = sum of side x quantity x (fair(end) - price) = at_fill + carry, where at_fill takes fair value at each fill
    and carry is the sum over steps of inventory x change of fair value. The three are computed separately, so that
    their agreement is a check.

    Args:
        fills: the fill log, in order of time.
        roles: role by account.
        end: the run's horizon, in steps.

    Returns:
        One row per role, indexed by it: `at_fill`, `carry`, `total` (tick-lots).
    """
    columns = columns_of(fills, *_LEG)
    role = roles_of(columns["owner"], roles)
    at_fill = fair_marks(fair, columns["market"], columns["time"], end=end)
    at_end = fair_marks(fair, columns["market"], np.full(len(role), end), end=end)
    gained, total = _value(columns, at_fill), _value(columns, at_end)
    lots = (columns["side"] * columns["quantity"]).astype(np.int64)
    market, markets = codes(columns["market"])
    rows = {}
    for name in sorted(dict.fromkeys(role)):
        mine = role == name
        carry = 0.0
        for number in range(len(markets)):
            some = np.flatnonzero(mine & (market == number))
            if len(some):
                # Between two fills the inventory is what all fills so far have added up to.
                path = np.append(at_fill[some], at_end[some[0]])
                carry += dot(np.diff(path), np.cumsum(lots[some]))
        rows[name] = {"at_fill": float(gained[mine].sum()), "carry": carry, "total": float(total[mine].sum())}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["at_fill", "carry", "total"]).rename_axis("role")


def role_transfers(fills: Log, fair: FairValue, roles: Mapping[str, str], *, end: int) -> pd.DataFrame:
    """Who paid whom: what the role of the row gained from the role of the column at fair-at-fill, in tick-lots.

    The counterparties of a leg are the legs of the other side of the same match (venue, market, match id), pro rata to
    their quantity: in a book the one other leg, in an auction the whole other side of the clear. Antisymmetric, with a
    diagonal of zeros, both exactly in floats; a row sums to the role's `pnl` of `pnl_by_role` up to rounding. Where two
    legs of a match have different prices, what passes between them is reckoned at the average of the two.

    Args:
        fills: the fill log.
        roles: role by account.
        end: the run's horizon, in steps.
    """
    columns = columns_of(fills, "match_id", "venue", *_LEG)
    role = roles_of(columns["owner"], roles)
    names = sorted(dict.fromkeys(role))
    if not names:
        return pd.DataFrame(dtype=np.float64)
    place = np.searchsorted(np.array(names, dtype=object), role)
    match = _matches(columns)
    marks = fair_marks(fair, columns["market"], columns["time"], end=end)
    edge = marks - columns["price"].astype(np.float64)
    lots = columns["quantity"].astype(np.float64)
    shape = (int(match.max()) + 1, len(names))
    cell, buys = match * len(names) + place, columns["side"] > 0

    def summed(values: Floats, some: npt.NDArray[np.bool_]) -> Floats:
        sums: Floats = np.bincount(cell[some], weights=values[some], minlength=shape[0] * shape[1]).astype(np.float64)
        return sums.reshape(shape)

    bought, sold = summed(lots, buys), summed(lots, ~buys)
    bought_edge, sold_edge = summed(lots * edge, buys), summed(lots * edge, ~buys)
    per_lot = np.divide(1.0, bought.sum(axis=1), out=np.zeros(shape[0]), where=bought.sum(axis=1) > 0)[:, None]
    pairs = "mr,mc->rc"
    gained = (np.einsum(pairs, bought_edge * per_lot, sold) + np.einsum(pairs, bought * per_lot, sold_edge)) / 2
    return pd.DataFrame(gained - gained.T, index=pd.Index(names, name="role"), columns=pd.Index(names, name="from"))


def _matches(columns: Columns) -> npt.NDArray[np.intp]:
    # Dense numbers of the (venue, market, match id) that occur; match ids are unique in a venue only.
    venue, venues = codes(columns["venue"])
    market, markets = codes(columns["market"])
    match, _ = pd.factorize(columns["match_id"])
    dense, _ = pd.factorize((match * len(venues) + venue) * len(markets) + market)
    return dense.astype(np.intp)
