"""Tapes of trades, of a run or from a file, and the bars made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from attrs import field, frozen

from experiments.features.books import Amounts, book_quotes, stamps
from marketsim.checks import name
from marketsim.errors import InputError, bad_type, refusal
from marketsim.metrics import Log, trades
from marketsim.table_files import Column, Numbers, bad_cell, read_columns, read_header

PRICES = ("open", "high", "low", "close")
VOLUMES = ("volume", "taker_buy_volume")
QUOTED = ("spread_bps", "book_microprice_basis_bps")
_TRUE = {"true": True, "false": False, "1": True, "0": False}


def trade_tape(
    fills: Log,
    market: str,
    *,
    step_ns: int,
    origin_ns: int = 0,
    tick_size: float = 1.0,
    lot_size: float = 1.0,
) -> pd.DataFrame:
    """The trades of `market` in a run, one row a match, in order of time.

    Args:
        fills: of a `Result`.
        step_ns, origin_ns: nanoseconds a step, and of step 0 since 1970.
        tick_size, lot_size: units of money per tick, of quantity per lot.

    Returns:
        `time_ns`, `price`, `quantity` (in units) and `side`, +1 where the taker bought, -1 where it sold. A clear of an
        auction is one trade of its whole volume at its one price, with side 0: nobody takes. Mints, burns and
        settlements are no trades.
    """
    legs = pd.DataFrame(trades(fills))
    legs = legs[legs["market"] == market]
    keys = ["time", "venue", "match_id"]
    takers = legs[legs["liquidity"] == "taker"]
    auctions = legs[(legs["liquidity"] == "auction") & (legs["side"] > 0)].assign(side=0)
    rows = pd.concat((takers, auctions)).sort_index()
    table = rows.groupby(keys, sort=False).agg({"price": "last", "quantity": "sum", "side": "last"}).reset_index()
    table = table.sort_values("time", kind="stable")
    return pd.DataFrame(
        {
            "time_ns": table["time"].to_numpy(dtype=np.int64) * step_ns + origin_ns,
            "price": table["price"].to_numpy(dtype=np.float64) * tick_size,
            "quantity": table["quantity"].to_numpy(dtype=np.float64) * lot_size,
            "side": table["side"].to_numpy(dtype=np.int64),
        }
    )


@frozen
class _Flags:
    """True or false, bool."""

    name: str = field(validator=name)
    wanted: str = field(default="true or false", init=False)

    def cell(self, text: str, /) -> bool | None:
        return _TRUE.get(text.lower())

    def array(self, values: list[Any], /) -> npt.NDArray[Any]:
        return np.array(values, dtype=np.bool_)

    def arrow(self, column: Any, path: str, rows: npt.NDArray[np.int64], /) -> npt.NDArray[Any]:
        import pyarrow as pa

        if not pa.types.is_boolean(column.type):
            bad_type(path, self.name, column.type, "truths")
        if column.null_count:
            bad_cell(path, rows[column.is_null().to_numpy().argmax()], self.name, None, self.wanted)
        return np.asarray(column.to_numpy(), dtype=np.bool_)


def read_trade_tape(
    path: str | Path,
    *,
    time: str,
    price: str,
    quantity: str,
    taker_sold: str,
    unit: str = "ms",
    where: Mapping[str, str | int] | None = None,
) -> pd.DataFrame:
    """Recorded trades in the form of `trade_tape`.

    Args:
        path: a `.csv`, `.csv.gz` or `.parquet` file.
        time, price, quantity: columns.
        taker_sold: column that is true where the seller took ("buyer is maker").
        unit: of the time stamps, as of `stamps`.
        where: keep the rows whose column equals the value.

    Raises:
        InputError: naming file, row, column, what came and what was wanted; also where times fall.
        ConfigError: an unknown unit.
    """
    columns: list[Column] = [stamps(time, unit), Numbers(price), Numbers(quantity), _Flags(taker_sold)]
    (times, prices, quantities, sold), rows = read_columns(path, columns, where=where)
    _refuse_falling(path, time, times, rows)
    return pd.DataFrame({"time_ns": times, "price": prices, "quantity": quantities, "side": np.where(sold, -1, 1)})


def tape_bars(
    tape: pd.DataFrame,
    bucket_ms: int,
    *,
    books: pd.DataFrame | None = None,
    quiet: int = 0,
    end_ns: int | None = None,
) -> pd.DataFrame:
    """Bars of a tape, one a bucket [open, open + width).

    Args:
        tape: as of `trade_tape`.
        bucket_ms: width.
        books: `snapshots` of the same buckets, for the spread and the microprice basis.
        quiet: buckets without a trade, after one with, that are still part of the recording: bars of volume 0 at the
            last price. Where more follow, there is a gap.
        end_ns: when the recording ended, since 1970; None: with its last trade.

    Returns:
        `open_time_ms`, `open`, `high`, `low`, `close`, `volume`, `taker_buy_volume` (a trade without a taker adds half
        of its quantity), and `spread_bps` and `book_microprice_basis_bps` of the last snapshot in the bucket, nan
        without one.
    """
    opening = tape["time_ns"].to_numpy(dtype=np.int64) // (bucket_ms * 10**6) * bucket_ms
    bought = tape["quantity"] * (1 + tape["side"]) / 2
    grouped = tape.assign(taker_buy_volume=bought).groupby(opening)
    prices = grouped["price"].agg(["first", "max", "min", "last"]).set_axis(["open", "high", "low", "close"], axis=1)
    bars = prices.assign(volume=grouped["quantity"].sum(), taker_buy_volume=grouped["taker_buy_volume"].sum())
    bars = _with_quiet(bars, bucket_ms, quiet, end_ns).rename_axis("open_time_ms").reset_index()
    if books is None:
        return bars.assign(**dict.fromkeys(QUOTED, np.nan))
    return bars.merge(book_quotes(books)[["open_time_ms", *QUOTED]], how="left")


def _with_quiet(bars: pd.DataFrame, bucket_ms: int, quiet: int, end_ns: int | None) -> pd.DataFrame:
    if bars.empty:
        return bars
    times = bars.index.to_numpy(dtype=np.int64)
    # Whether a bucket is there depends on nothing later: up to `quiet` follow a trade until the next one or the end.
    unfinished = times[-1] if end_ns is None else end_ns // (bucket_ms * 10**6) * bucket_ms
    free = np.diff(np.append(times, unfinished)) // bucket_ms - 1
    following = np.clip(free, 0, quiet)
    number = np.concatenate([np.arange(count + 1) for count in following.tolist()])
    grid = np.repeat(times, following + 1) + number * bucket_ms
    filled = bars.reindex(grid)
    close = filled["close"].ffill()
    filled = filled.fillna({"volume": 0.0, "taker_buy_volume": 0.0})
    return filled.assign(close=close, **{each: filled[each].fillna(close) for each in ("open", "high", "low")})


def read_bars(
    path: str | Path, *, unit: str = "iso", bucket_ms: int = 1, where: Mapping[str, str | int] | None = None
) -> pd.DataFrame:
    """Recorded bars in the form of `tape_bars`.

    Wanted columns: `open_time_ms` (milliseconds since 1970) or else `timestamp`, when a bar opens; `high`, `low`,
    `close`; and where the file has them `open`, `volume`, `taker_buy_volume`, `spread_bps` and
    `book_microprice_basis_bps`.

    Args:
        path: a `.csv`, `.csv.gz` or `.parquet` file.
        unit: of `timestamp`, as of `stamps`.
        bucket_ms: width of a bar; its opening time is a multiple.
        where: keep the rows whose column equals the value.

    Returns:
        As `tape_bars`; what the file does not say is nan.

    Raises:
        InputError: naming file, row, column, what came and what was wanted; also where times do not rise or are off
            the clock, or a high or low lies inside open and close.
        ConfigError: an unknown unit.
    """
    header = read_header(path)
    time = stamps("open_time_ms", "ms") if "open_time_ms" in header else stamps("timestamp", unit)
    prices = [each for each in PRICES if each in header or each != "open"]
    volumes, quotes = ([each for each in names if each in header] for names in (VOLUMES, QUOTED))
    columns: list[Column] = [time, *(Numbers(each) for each in prices)]
    columns += [*(Numbers(each, zero=True) for each in volumes), *(Amounts(each) for each in quotes)]
    (times, *values), rows = read_columns(path, columns, where=where)
    _refuse_falling(path, time.name, times, rows, least=1)
    _refuse(path, time.name, times, rows, times % (bucket_ms * 10**6) != 0, f"a multiple of {bucket_ms * 10**6} ns")
    bars = pd.DataFrame(dict(zip((*prices, *volumes, *quotes), values, strict=True)))
    own = bars[prices]
    outside = (own["high"] < own.max(axis=1)) | (own["low"] > own.min(axis=1))
    if outside.any():
        at = int(np.flatnonzero(outside)[0])
        got = ", ".join(f"{each} {value}" for each, value in own.iloc[at].items())
        raise InputError(refusal(f"{path}, row {rows[at]}", got, "low <= open, close <= high"))
    for each in quotes:
        _refuse(path, each, bars[each].to_numpy(), rows, np.isinf(bars[each]), "a finite number, or nothing")
    bars.insert(0, "open_time_ms", times // 10**6)
    return bars.reindex(columns=["open_time_ms", *PRICES, *VOLUMES, *QUOTED])


def quote_bars(bids: pd.DataFrame, asks: pd.DataFrame) -> pd.DataFrame:
    """Bars of the mid from bars of bid and ask, of the buckets that both have.

    Args:
        bids, asks: as of `read_bars`.

    Returns:
        As `tape_bars`: open, high, low and close are means of both (the high and low of the mid itself may lie
        inside), `spread_bps` = (ask close - bid close) / mid x 1e4, below 0 where the feed says so.
    """
    both = bids.merge(asks, on="open_time_ms", suffixes=("_bid", "_ask"))
    prices = {each: (both[f"{each}_bid"] + both[f"{each}_ask"]) / 2 for each in PRICES}
    spread = (both["close_ask"] - both["close_bid"]) / prices["close"] * 1e4
    unknown = dict.fromkeys(VOLUMES, np.nan)
    frame = pd.DataFrame({"open_time_ms": both["open_time_ms"], **prices})
    return frame.assign(**unknown, spread_bps=spread, book_microprice_basis_bps=np.nan)


def _refuse_falling(
    path: str | Path, column: str, times: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], least: int = 0
) -> None:
    bad = np.flatnonzero(np.diff(times) < least)
    if len(bad):
        got = f"{times[bad[0] + 1]} ns after {times[bad[0]]}"
        wanted = "times that rise" if least else "times that do not fall"
        raise InputError(refusal(f"{path}, row {rows[bad[0] + 1]}, column {column!r}", got, wanted))


def _refuse(
    path: str | Path, column: str, values: npt.NDArray[Any], rows: npt.NDArray[np.int64], bad: Any, wanted: str
) -> None:
    """Refuse the first row that is `bad`."""
    places = np.flatnonzero(bad)
    if len(places):
        bad_cell(str(path), rows[places[0]], column, values[places[0]], wanted)
