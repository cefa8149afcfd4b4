"""Who is how much richer: wealth at one common mark, and gains at the fair value of the moment.

>>> from marketsim.columns import FILL_COLUMNS, Table
>>> from marketsim.fairvalue import ConstantFairValue
>>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
>>> fills = Table(FILL_COLUMNS)
>>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5, fee=1))
>>> print(role_transfers(fills, ConstantFairValue({"A": 100.0}), {"ann": "noise"}, end=50))
from   noise  pool  fees
role
noise    0.0  -6.0  -1.0
pool     6.0   0.0   0.0
fees     1.0   0.0   0.0
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketsim.errors import ConfigError, ConservationError
from marketsim.ledger import Ledger
from marketsim.metrics.logs import Columns, Floats, Log, codes, columns_of, dot, fair_marks, roles_of
from marketsim.protocols import FairValue
from marketsim.result import role_of

_LEG = ("owner", "market", "time", "side", "quantity", "price", "money", "fee")
FEES = "fees"


def exact_wealth(ledger: Ledger, marks: Mapping[str, float]) -> dict[str, Fraction]:
    """Cash plus inventory at `marks`, in tick-lots, of every account, and of `fees:<venue>` for the fees of each venue.

    Marks are floats and so have exact values as fractions: the sum over all accounts is exactly zero, not nearly.

    Args:
        marks: ticks by market, for every market in which somebody has traded.

    Raises:
        ConfigError: a mark is missing or not finite.

    >>> from marketsim.ledger import Ledger
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

    >>> from marketsim.ledger import Ledger
    >>> ledger = Ledger()
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> ledger.post(trade(buy, against="pool:shop", price=102, quantity=3, now=5, fee=1))
    >>> print(wealth_table(ledger, {"A": 100.5}, {"ann": "noise"}))
         account   role  cash  lots:A  wealth
    0        ann  noise  -307       3    -5.5
    1  pool:shop   pool   306      -3     4.5
    2  fees:shop   fees     1       0     1.0
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

    >>> from marketsim.columns import FILL_COLUMNS, Table
    >>> from marketsim.fairvalue import ConstantFairValue
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills = Table(FILL_COLUMNS)
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5, fee=1))
    >>> print(pnl_by_role(fills, ConstantFairValue({"A": 100.0}), {"ann": "noise"}, end=50))
           fills  lots  pnl  fees  pnl_net
    role
    noise      1     3 -6.0     1     -7.0
    pool       1     3  6.0     0      6.0
    """
    columns = columns_of(fills, *_LEG)
    gross = _value(columns, fair_marks(fair, columns["market"], columns["time"], end=end))
    net = net_gains(columns, fair, end=end)
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


def net_gains(fills: Log, fair: FairValue, *, end: int) -> Floats:
    """What each leg gained at the fair value of its moment, fees and rounding included.

    Args:
        fills: the fill log.
        end: the run's horizon, in steps.

    Returns:
        side x (quantity x fair(t) - money), tick-lots, shape (legs,).

    >>> from marketsim.columns import FILL_COLUMNS, Table
    >>> from marketsim.fairvalue import ConstantFairValue
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills = Table(FILL_COLUMNS)
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5, fee=1))
    >>> net_gains(fills, ConstantFairValue({"A": 100.0}), end=50).tolist()
    [-7.0, 6.0]
    """
    columns = columns_of(fills, "market", "time", "side", "quantity", "money")
    marks = fair_marks(fair, columns["market"], columns["time"], end=end)
    # Money may exceed 64 bits and is then a column of Python integers.
    gains: Floats = columns["side"] * (columns["quantity"] * marks - columns["money"].astype(np.float64))
    return gains


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

    >>> from marketsim.columns import FILL_COLUMNS, Table
    >>> from marketsim.fairvalue import PoissonJumps
    >>> truth = PoissonJumps(opening={"A": 100.0}, horizon=50, jump_times={"A": [7]}, jump_sizes={"A": [5.0]})
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills = Table(FILL_COLUMNS)
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5))
    >>> print(pnl_decomposition(fills, truth, {"ann": "noise"}, end=50))
           at_fill  carry  total
    role
    noise     -6.0   15.0    9.0
    pool       6.0  -15.0   -9.0
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


def role_transfers(
    fills: Log, fair: FairValue, roles: Mapping[str, str], *, end: int, names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Who paid whom: what the role of the row gained from the role of the column at fair-at-fill, in tick-lots.

    Fees are a role of their own, "fees": what a role paid of them is lost to it. Before fees a leg gains
    g = side x (quantity x fair - money) + fee, and the legs of a match (venue, market, match id) gain nothing together,
    whatever a pool rounds. With w the share that a leg has of its side's lots, and G what all buyers gain, the buying
    leg b gains from the selling leg s

        g_b w_s - g_s w_b - G w_b w_s

    which is what the one lost to the other where there are but two, is pro rata to quantity in a batch, and sums over
    s to g_b and over b to -g_s also where legs of one side differ in price.

    The table is a matrix minus its own transpose, so that each entry is exactly minus its mirror image, the diagonal
    exactly 0, and `math.fsum` over all entries exactly 0. A row sums to the role's `pnl_net` of `pnl_by_role`, and that
    of "fees" to all fees, up to rounding. A match with one side only counts for its fees alone.

    Args:
        fills: the fill log.
        roles: role by account.
        end: the run's horizon, in steps.
        names: the roles of rows and columns, in this order, before "fees"; if left out those that occur, sorted.

    Raises:
        ConfigError: a leg's role is not among `names`.
    """
    columns = columns_of(fills, "match_id", "venue", *_LEG)
    if names is None:
        names = sorted(dict.fromkeys(roles_of(columns["owner"], roles)))
    index = [*names, FEES]
    gained = transfer_matrix(columns, fair, roles, names, end=end)
    return pd.DataFrame(gained, index=pd.Index(index, name="role"), columns=pd.Index(index, name="from"))


def transfer_matrix(fills: Log, fair: FairValue, roles: Mapping[str, str], names: Sequence[str], *, end: int) -> Floats:
    """The numbers of `role_transfers`, of the same arguments, shape (names + 1, names + 1); "fees" comes last.

    >>> from marketsim.columns import FILL_COLUMNS, Table
    >>> from marketsim.fairvalue import ConstantFairValue
    >>> buy = market_order("A", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> fills = Table(FILL_COLUMNS)
    >>> fills.extend(trade(buy, against="pool:shop", price=102, quantity=3, now=5, fee=1))
    >>> transfer_matrix(fills, ConstantFairValue({"A": 100.0}), {"ann": "noise"}, ["noise", "pool"], end=50).tolist()
    [[0.0, -6.0, -1.0], [6.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    columns = columns_of(fills, "match_id", "venue", *_LEG)
    place, match, buys = role_places(columns["owner"], roles, names), match_numbers(columns), columns["side"] > 0
    gross = _gross(columns, fair_marks(fair, columns["market"], columns["time"], end=end))
    shape = (int(match.max(initial=-1)) + 1, len(names))
    cell = match * len(names) + place

    def summed(values: Floats, some: npt.NDArray[np.bool_]) -> Floats:
        sums = np.bincount(cell[some], weights=values[some], minlength=shape[0] * shape[1])
        return sums.astype(np.float64).reshape(shape)

    lots = columns["quantity"].astype(np.float64)
    bought, sold = _shares(summed(lots, buys)), _shares(summed(lots, ~buys))
    buyers, sellers = summed(gross, buys), summed(gross, ~buys)
    both = (buyers.sum(axis=1) - sellers.sum(axis=1))[:, None] / 2
    pairs = "mr,mc->rc"
    paid = np.einsum(pairs, buyers - both * bought, sold) - np.einsum(pairs, bought, sellers)
    gained = np.zeros((len(names) + 1, len(names) + 1))
    gained[:-1, :-1] = paid
    gained[-1, :-1] = np.bincount(place, weights=columns["fee"].astype(np.float64), minlength=len(names))
    return gained - gained.T


def _gross(columns: Columns, marks: Floats) -> Floats:
    # What a leg gains before fees. Whole numbers are subtracted as whole numbers: floats would lose what a pool rounds.
    rounded = columns["side"] * (
        columns["quantity"].astype(columns["money"].dtype) * columns["price"] - columns["money"]
    )
    gross: Floats = _value(columns, marks) + (rounded + columns["fee"]).astype(np.float64)
    return gross


def _shares(lots: Floats) -> Floats:
    total = lots.sum(axis=1, keepdims=True)
    shares: Floats = np.divide(lots, total, out=np.zeros_like(lots), where=total > 0)
    return shares


def role_places(owners: npt.NDArray[Any], roles: Mapping[str, str], names: Sequence[str]) -> npt.NDArray[np.intp]:
    """The place in `names` of the role of each row's owner, shape (rows,).

    Raises:
        ConfigError: a role is not among `names`.

    >>> role_places(np.array(["pool:shop", "ann"], dtype=object), {"ann": "noise"}, ["noise", "pool"]).tolist()
    [1, 0]
    """
    code, labels = codes(owners)
    places = {name: place for place, name in enumerate(names)}
    own = [role_of(label, roles) for label in labels]
    if unknown := [f"{label!r} is {role!r}" for label, role in zip(labels, own, strict=True) if role not in places]:
        raise ConfigError(f"roles: got {', '.join(unknown)}; wanted one of {', '.join(names)}")
    return np.array([places[role] for role in own], dtype=np.intp)[code]


def match_numbers(columns: Columns) -> npt.NDArray[np.intp]:
    """Numbers from 0 of the (venue, market, match id) that occur, by leg; match ids are unique in a venue only.

    >>> legs = {"match_id": [1, 1, 1], "venue": ["book", "book", "auction"], "market": ["A", "A", "A"]}
    >>> match_numbers({name: np.array(column) for name, column in legs.items()}).tolist()
    [0, 0, 1]
    """
    venue, venues = codes(columns["venue"])
    market, markets = codes(columns["market"])
    match, _ = pd.factorize(columns["match_id"])
    dense, _ = pd.factorize((match * len(venues) + venue) * len(markets) + market)
    return dense.astype(np.intp)
