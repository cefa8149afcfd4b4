"""Positions and what was added to them: from a file, from the fills of agents, or at regular times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from attrs import field, frozen

from experiments.features.books import stamps
from marketsim.checks import name
from marketsim.errors import bad_type
from marketsim.metrics import Log, trades
from marketsim.table_files import Column, Numbers, Texts, bad_cell, read_columns, read_header

LONG, SHORT = "long", "short"
SIDES = {LONG: 1, SHORT: -1}
POSITION = "position"
SCORES = ("predicted_edge_bps", "probability")
_NUMBER = re.compile(r"[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?")


@frozen(eq=False)
class Entries:
    """Positions, numbered from 0.

    Args:
        table: `symbol`, `side` (of `SIDES`), `time_ms` since 1970, and `predicted_edge_bps` and `probability` of the
            prediction it was entered on, nan where a model is still to give them.
        adds: `entry`, the number of a position, and `time_ms` of each add to it.
    """

    table: pd.DataFrame
    adds: pd.DataFrame

    @property
    def scored(self) -> bool:
        """Whether they came with predictions."""
        return bool(self.table[list(SCORES)].notna().all(axis=None))


@frozen
class _Signed:
    """Finite numbers of either sign, float64."""

    name: str = field(validator=name)
    wanted: str = field(default="a finite number", init=False)

    def cell(self, text: str, /) -> float | None:
        return float(text) if _NUMBER.fullmatch(text) else None

    def array(self, values: list[Any], /) -> npt.NDArray[Any]:
        return np.array(values, dtype=np.float64)

    def arrow(self, column: Any, path: str, rows: npt.NDArray[np.int64], /) -> npt.NDArray[Any]:
        import pyarrow as pa

        if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
            bad_type(path, self.name, column.type, "numbers")
        values: npt.NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        for place in np.flatnonzero(~np.isfinite(values))[:1]:
            bad_cell(path, rows[place], self.name, values[place], self.wanted)
        return values


def read_entries(path: str | Path, unit: str, symbols: Sequence[str]) -> Entries:
    """Read entries with the predictions they were made on.

    Wanted columns: `symbol`, `side` ("long" or "short"), `time`, `predicted_edge_bps` and `probability`. With a column
    `position`, the later rows of one position, in order of time, are adds to it; without, each row is a position.

    Args:
        path: a `.csv`, `.csv.gz` or `.parquet` file.
        unit: of `time`, as of `experiments.features.books.stamps`.
        symbols: that there are bars of.

    Raises:
        InputError: naming file, row, column, what came and what was wanted.
    """
    columns: list[Column] = [Texts("symbol"), Texts("side"), stamps("time", unit)]
    columns += [_Signed(SCORES[0]), Numbers(SCORES[1], zero=True)]
    if POSITION in read_header(path):
        columns.append(Texts(POSITION))
    values, rows = read_columns(path, columns)
    table = pd.DataFrame({column.name: each for column, each in zip(columns, values, strict=True)})
    wanted = {
        "symbol": (table["symbol"].isin(symbols), f"one of {', '.join(symbols)}"),
        "side": (table["side"].isin(list(SIDES)), "long or short"),
        SCORES[1]: (table[SCORES[1]] <= 1, "a number from 0 to 1"),
    }
    for column, (good, said) in wanted.items():
        for place in np.flatnonzero(~good.to_numpy(dtype=bool))[:1]:
            bad_cell(str(path), rows[place], column, table[column].iloc[place], said)
    table["time_ms"] = -(-table["time"].to_numpy(dtype=np.int64) // 10**6)
    if POSITION not in table:
        table[POSITION] = np.arange(len(table))
    table["row"] = rows
    table = table.sort_values("time_ms", kind="stable", ignore_index=True)
    _refuse_mixed(str(path), table)
    return _numbered(table)


def positions_of(fills: Log, market: str, owners: Sequence[str], *, step_ns: int, origin_ns: int = 0) -> Entries:
    """Positions that agents took in a run, without predictions.

    A position opens with the fill that takes an agent's inventory from zero, or across it; later fills that make the
    same position larger are adds. What closes it does not matter: its rows ask whether it should have been kept.

    Args:
        fills: of a `Result`.
        market: whose fills; it becomes the symbol.
        owners: agents, each by itself.
        step_ns, origin_ns: nanoseconds a step, and of step 0 since 1970.
    """
    legs = pd.DataFrame(trades(fills))
    found = []
    for number, owner in enumerate(owners):
        own = legs[(legs["owner"] == owner) & (legs["market"] == market)]
        # Fills of one step are one trade: they cannot be told apart in time.
        signed = (own["side"].astype(np.int64) * own["quantity"]).groupby(own["time"].to_numpy()).sum()
        held, before = signed.cumsum(), signed.cumsum().shift(fill_value=0)
        opened = (held != 0) & (np.sign(held) != np.sign(before))
        larger = (np.sign(held) == np.sign(before)) & (held.abs() > before.abs())
        number_in = opened.cumsum()
        for step in signed.index[opened | larger]:
            side = LONG if held[step] > 0 else SHORT
            found.append((market, side, int(step) * step_ns + origin_ns, (number, int(number_in[step]))))
    table = pd.DataFrame(found, columns=["symbol", "side", "time", POSITION])
    table["time_ms"] = -(-table["time"].to_numpy(dtype=np.int64) // 10**6)
    return _numbered(table.assign(**dict.fromkeys(SCORES, np.nan)).sort_values("time_ms", kind="stable"))


def regular_entries(opening: Mapping[str, pd.Series], bucket_ms: int, every: int) -> Entries:
    """A position on either side at the close of every `every`-th bucket of the clock, without predictions.

    Args:
        opening: when the buckets of each symbol open, in ms.
        bucket_ms: width of a bucket.
    """
    frames = []
    for symbol, times in opening.items():
        chosen = times[times // bucket_ms % every == 0].to_numpy(dtype=np.int64) + bucket_ms
        frames += [pd.DataFrame({"symbol": symbol, "side": side, "time_ms": chosen}) for side in SIDES]
    table = pd.concat(frames).sort_values("time_ms", kind="stable", ignore_index=True)
    return _numbered(table.assign(**dict.fromkeys(SCORES, np.nan), **{POSITION: np.arange(len(table))}))


def _numbered(table: pd.DataFrame) -> Entries:
    """Entries of a table in order of time: the first row of a position opens it."""
    entry = pd.factorize(table[POSITION])[0].astype(np.int64)
    first = ~table.duplicated(POSITION).to_numpy()
    columns = ["symbol", "side", "time_ms", *SCORES]
    adds = pd.DataFrame({"entry": entry[~first], "time_ms": table["time_ms"].to_numpy(dtype=np.int64)[~first]})
    return Entries(table.loc[first, columns].reset_index(drop=True), adds)


def _refuse_mixed(path: str, table: pd.DataFrame) -> None:
    for column in ("symbol", "side"):
        expected = table.groupby(POSITION, sort=False)[column].transform("first")
        for place in np.flatnonzero(table[column].to_numpy() != expected.to_numpy())[:1]:
            said = f"{expected.iloc[place]!r}, as in the row that opens this position"
            bad_cell(path, table["row"].iloc[place], column, table[column].iloc[place], said)
