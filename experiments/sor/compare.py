"""What an order cost, against what the same shares would have cost at benchmark prices.

Savings are (benchmark / average price - 1) in basis points, as the published study has them. An order with shares left
has none: its average price is not that of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from agents.execution.parent import ParentOrder
from agents.execution.published import published_run
from experiments.pages.numbers import Estimate, mean_of
from experiments.quotes.benchmarks import first_best_ask, size_weighted_ask, time_weighted_ask
from experiments.quotes.tape import QuoteTape
from experiments.sor.config import SorStudy
from experiments.sor.market import Episode
from experiments.statistics import without_rounding

BENCHMARKS = ("naive", "twap", "vwap")
PUBLISHED = "published rule"
BASIS_POINTS = 10_000.0


def benchmark_prices(tape: QuoteTape) -> dict[str, float]:
    """Money a share: first best ask, mean ask by minutes, mean ask by displayed size. None is an execution.

    Raises:
        InputError: no ask at all.
    """
    ticks = (first_best_ask(tape), time_weighted_ask(tape), size_weighted_ask(tape))
    return {name: price_of(value, tape.tick_size) for name, value in zip(BENCHMARKS, ticks, strict=True)}


def price_of(ticks: float, tick_size: float) -> float:
    """Money a share, the float nearest to the decimal product.

    >>> price_of(22283, 0.01)
    222.83
    """
    return float(Decimal(repr(ticks)) * Decimal(repr(tick_size)))


def savings(average: float, benchmark: float) -> float:
    """Basis points of the average price that the benchmark lies above it.

    >>> round(savings(222.82089575141703, 222.83), 5)
    0.40859
    """
    return BASIS_POINTS * (benchmark / average - 1.0)


def measured(study: SorStudy, episode: Episode, parent: ParentOrder) -> dict[str, Any]:
    """One order: lots as shares, prices and costs as money a share, savings and slippage in basis points.

    `shortfall` is what a share cost above the arrival price, with fees paid and rebates earned; `shortfall_fair` the
    same above the fair value where that is known. Both, the slippage and the savings are None for an incomplete order,
    and `reason` says why.
    """
    passive = sum(child.filled for child in parent.children.values() if child.kind == "limit")
    filled, unit = parent.filled, study.lot_size
    fees = (study.fee * (filled - passive) - study.rebate * passive) * unit
    total = price_of(parent.money, study.tick_size) * unit
    complete = parent.unfilled == 0
    row: dict[str, Any] = {
        "quantity": parent.quantity * unit,
        "filled": filled * unit,
        "unfilled": parent.unfilled * unit,
        "overfilled": max(0, filled - parent.quantity) * unit,
        "passive": passive * unit,
        "complete": complete,
        "reason": "" if complete else f"{parent.unfilled * unit:.15g} of {parent.quantity * unit:.15g} shares unfilled",
        "total_cost": total,
        "fees": fees,
        "average_price": total / (filled * unit) if filled else None,
        "arrival": price_of(episode.arrival, study.tick_size),
    }
    row |= compared(row["average_price"] if complete else None, benchmark_prices(episode.quotes))
    row |= dict.fromkeys(("slippage", "shortfall", "shortfall_fair"))
    if complete:
        with_fees = (total + fees) / (filled * unit)
        row["slippage"] = BASIS_POINTS * (row["average_price"] / row["arrival"] - 1.0)
        row["shortfall"] = with_fees - row["arrival"]
        if episode.fair is not None:
            row["shortfall_fair"] = with_fees - episode.fair * study.tick_size
    return row


def compared(average: float | None, benchmarks: dict[str, float]) -> dict[str, float | None]:
    """The benchmark prices, and the savings against each: None without an average price of a whole order."""
    found: dict[str, float | None] = dict(benchmarks)
    for name, price in benchmarks.items():
        found[f"savings_{name}"] = None if average is None else savings(average, price)
    return found


def snapshots(tape: QuoteTape) -> Iterator[list[tuple[float, float]]]:
    """(ask, displayed shares) of the publishers that have a quote, of each time stamp."""
    asks, rows = tape.asks, len(tape)
    first = 0
    while first < rows:
        last = first
        while last < rows and tape.times[last] == tape.times[first]:
            last += 1
        yield [
            (price_of(int(asks.prices[row, 0]), tape.tick_size), int(asks.sizes[row, 0]) * tape.lot_size)
            for row in range(first, last)
            if asks.sizes[row, 0]
        ]
        first = last


def published_table(tape: QuoteTape, quantity: float) -> pd.DataFrame:
    """The quotes by the source's own rules: three benchmark prices, and its router with its model of fills.

    Columns: `row`, `total_cost`, `average_price`, `filled`, `unfilled`, `reason`, `savings_naive`, `savings_twap`,
    `savings_vwap`. No row is an execution; a benchmark price fills nothing.
    """
    prices = benchmark_prices(tape)
    rows: list[dict[str, Any]] = [
        {"row": name, "total_cost": quantity * price, "average_price": price} for name, price in prices.items()
    ]
    run = published_run(snapshots(tape), quantity)
    # The rule buys parts of what is left for ever: below a millionth of a share it is done.
    left = run.left if run.left > 1e-6 else 0.0
    row = {"row": PUBLISHED, "total_cost": run.cost, "average_price": run.average if run.filled else None}
    row |= {
        "filled": run.filled,
        "unfilled": left,
        "reason": f"{left:.6g} of {quantity:g} shares unfilled" if left else "",
    }
    found = compared(None if left else run.average, prices)
    rows.append(row | {name: value for name, value in found.items() if name.startswith("savings")})
    return pd.DataFrame(rows)


def common(orders: pd.DataFrame) -> pd.DataFrame:
    """The orders that may be compared: those at the decisions that every policy completed that completed any at all."""
    able = orders[orders.groupby("policy")["complete"].transform("any")]
    return able[able.groupby("number")["complete"].transform("all")]


def ranking(orders: pd.DataFrame) -> list[str]:
    """Policies by mean shortfall over the decisions of `common`, the cheapest first; those without one are left out."""
    means = common(orders).groupby("policy", sort=False)["shortfall"].mean()
    return [str(name) for name in means.sort_values(kind="stable").index]


def estimate(orders: pd.DataFrame, policy: str, column: str) -> Estimate:
    """Mean and standard error over decisions of one policy's `column`."""
    return mean_of(orders.loc[orders["policy"] == policy, column].to_numpy(dtype=np.float64, na_value=np.nan))


def difference(orders: pd.DataFrame, policy: str, other: str, column: str = "shortfall") -> Estimate:
    """Mean difference of two policies at the same decision, and its standard error; `orders` are comparable ones."""
    table = orders.pivot_table(index="number", columns="policy", values=column)
    return mean_of(without_rounding(table[policy], table[other]))
