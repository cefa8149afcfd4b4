"""Trades of one symbol on several venues, from files: which columns, which venue, which unit of time.

Times are milliseconds since 1970. The rows of a venue are joined over its files, stripped of repeated ids and sorted.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from experiments.strict import read_toml, strict_converter, structured
from marketsim.checks import flag, integer, name, one_of
from marketsim.errors import ConfigError, InputError, refusal, shown, unreadable
from marketsim.table_files import Column, IsoTimes, Numbers, Stamps, Texts, bad_cell, read_columns
from marketsim.tape import TradeTape

_NS = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}

CONFIG = "feeds.toml"
"""Name of the file by which a folder says what its files are."""


_converter = strict_converter()
_converter.register_structure_hook(str | int, lambda value, _: value)


def _filter(instance: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, dict) or any(type(each) not in {str, int} for each in value.values()):
        where = f"{type(instance).__name__}.{attribute.name}"
        raise ConfigError(refusal(where, shown(value), "text or an int by column"))


def _path(instance: Any, attribute: Any, value: Any) -> None:
    name(instance, attribute, value)
    if "\0" in value:
        where = f"{type(instance).__name__}.{attribute.name}"
        raise ConfigError(refusal(where, shown(value), "the name of a file, or a pattern, without NUL"))


@frozen(kw_only=True)
class Candle:
    """What makes a feed one of candles: their length and columns. Its price is the close, its quantity the volume.

    A candle counts as one trade at its close, in the last millisecond of the candle: it is known when the candle has
    closed. A candle without volume is no trade.
    """

    length_ms: int = field(default=60_000, validator=integer(1))
    opening: str = field(default="open", validator=name)
    high: str = field(default="high", validator=name)
    low: str = field(default="low", validator=name)


@frozen(kw_only=True)
class Feed:
    """Files of trades, or of candles, and what their columns mean.

    Args:
        path: a `.csv`, `.csv.gz` or `.parquet` file beside the configuration; with `*`, all that match, by name.
        venue: name of the venue whose trades these are, or
        venue_column: the column that names it.
        time, unit: column of time stamps, and what it counts: "s", "ms", "us", "ns", or "iso" (dates as text or as
            Parquet timestamps). Fractions of a millisecond are cut off after sorting. Of a candle, when it opens.
        price: column of prices, above 0.
        quantity: column of quantities, above 0; empty: none.
        trade_id: column of ids that tell a trade from its repetition; empty: every row is a trade.
        where: keep the rows whose column equals the value.
        header: names of all columns of CSV files without a header line.
        candle: given for candles.
    """

    path: str = field(validator=_path)
    venue: str = ""
    venue_column: str = ""
    time: str = field(default="time", validator=name)
    unit: str = field(default="ms", validator=one_of(*_NS, "iso"))
    price: str = field(default="price", validator=name)
    quantity: str = ""
    trade_id: str = ""
    where: dict[str, str | int] = field(factory=dict, validator=_filter)
    header: tuple[str, ...] = field(default=(), converter=tuple)
    candle: Candle | None = None

    def __attrs_post_init__(self) -> None:
        if bool(self.venue) == bool(self.venue_column):
            got = f"got venue {self.venue!r} and venue_column {self.venue_column!r}"
            raise ConfigError(f"Feed of {self.path!r}: {got}, wanted exactly one of them")

    def files(self, folder: Path) -> list[Path]:
        """The files of this feed, by name.

        Raises:
            InputError: a pattern that no file matches.
        """
        if "*" not in self.path:
            return [folder / self.path]
        try:
            found = sorted(folder.glob(self.path))
        except (NotImplementedError, ValueError) as error:
            wanted = "a pattern of files beside the configuration"
            raise InputError(refusal(f"{folder / CONFIG}, path", shown(self.path), wanted)) from error
        if not found:
            raise InputError(refusal(str(folder), f"no file {shown(self.path)}", "at least one"))
        return found


def _feeds(value: Iterable[Feed]) -> tuple[Feed, ...]:
    return tuple(value)


@frozen(kw_only=True)
class Sources:
    """Where the trades of one symbol on several venues are, and what must be said of them.

    Args:
        feeds: the files.
        symbol: what is traded.
        fungible: a lot bought at one venue can be sold at another. If not, the best price of several is a matter of
            their basis, and a study of it must say so.
        note: what a reader of a report must know.
        width_ms: the bucket that suits the data.
        common: study only the time during which every venue was recorded.
    """

    feeds: tuple[Feed, ...] = field(converter=_feeds)
    symbol: str = ""
    fungible: bool = field(default=True, validator=flag)
    note: str = ""
    width_ms: int = field(default=1000, validator=integer(1))
    common: bool = field(default=False, validator=flag)


@frozen(eq=False, kw_only=True)
class Tapes:
    """Trades by venue; None for a venue that has none. `sources` says what they are.

    `repeated` counts the rows of each venue that repeated an id and were left out.
    """

    trades: dict[str, TradeTape | None]
    sources: Sources
    repeated: dict[str, int] = field(factory=dict)

    def common_window(self) -> tuple[int, int]:
        """[start, end) in ms in which every venue that has trades was recorded: latest first to earliest last trade.

        Raises:
            InputError: no trades at all, or no such time.
        """
        tapes = [tape for tape in self.trades.values() if tape is not None]
        if not tapes:
            raise InputError("got no trades at any venue, wanted some")
        start, end = max(int(tape.times[0]) for tape in tapes), min(int(tape.times[-1]) + 1 for tape in tapes)
        if start >= end:
            raise InputError(f"got no common time: the last venue starts at {start} ms and the first ends at {end} ms")
        return start, end

    def window(self) -> tuple[int | None, int | None]:
        """What `sources.common` asks for: the common window, or (None, None) for all."""
        return self.common_window() if self.sources.common else (None, None)


@frozen
class _Rows:
    """Rows of one venue; stamps in ns. `files[file[i]]`, `rows[i]` is where row i was read."""

    stamps: NDArray[np.int64]
    prices: NDArray[np.float64]
    quantities: NDArray[np.float64] | None
    ids: NDArray[np.str_] | None
    rows: NDArray[np.int64]
    file: NDArray[np.int64]
    files: tuple[str, ...]
    columns: tuple[str, str, str]

    def take(self, keep: Any) -> _Rows:
        return evolve(
            self,
            stamps=self.stamps[keep],
            prices=self.prices[keep],
            quantities=None if self.quantities is None else self.quantities[keep],
            ids=None if self.ids is None else self.ids[keep],
            rows=self.rows[keep],
            file=self.file[keep],
        )


def read_tapes(sources: Sources, folder: str | Path) -> Tapes:
    """Read every feed and join what belongs to one venue.

    Venues come in the order of the feeds; those named by a column, by name.

    Raises:
        InputError: naming file, row, column, what came and what was wanted; or two rows of one id that differ.
    """
    parts: dict[str, list[_Rows]] = {feed.venue: [] for feed in sources.feeds if feed.venue}
    for feed in sources.feeds:
        for file in feed.files(Path(folder)):
            for venue, rows in _read_feed(feed, file).items():
                parts.setdefault(venue, []).append(rows)
    trades: dict[str, TradeTape | None] = {}
    repeated: dict[str, int] = {}
    for venue, several in parts.items():
        kept = _ordered(_joined(several))
        once = _once(kept)
        repeated[venue] = len(kept.stamps) - len(once.stamps)
        trades[venue] = _tape(once)
    return Tapes(trades=trades, sources=sources, repeated=repeated)


def read_folder(folder: str | Path) -> Tapes:
    """Read a folder by its `feeds.toml`, or by what is known of a folder of its name.

    Raises:
        InputError: no such folder, or one that does not say what its files are; else as `read_tapes`.
        ConfigError: a `feeds.toml` that cannot be understood.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(refusal(str(folder), "no such folder", "one with the files of trades"))
    sources = read_sources(folder / CONFIG) if (folder / CONFIG).is_file() else PRESETS.get(folder.resolve().name)
    if sources is None:
        known = ", ".join(PRESETS)
        got = f"neither {CONFIG} in it nor a known name"
        raise InputError(refusal(str(folder), got, f"{CONFIG} or one of {known}"))
    return read_tapes(sources, folder)


def read_sources(path: str | Path) -> Sources:
    """`Sources` from a TOML file: the fields of `Sources`, and `[[feeds]]` with those of `Feed`."""
    try:
        told = read_toml(Path(path))
    except OSError as error:
        raise unreadable(path, "a TOML file") from error
    return structured(_converter, told, Sources, str(path))


def _read_feed(feed: Feed, file: Path) -> dict[str, _Rows]:
    candle = feed.candle
    columns: dict[str, Column] = {
        "stamps": IsoTimes(feed.time) if feed.unit == "iso" else Stamps(feed.time, _NS[feed.unit]),
        "prices": Numbers(feed.price),
    }
    if feed.venue_column:
        columns["venues"] = Texts(feed.venue_column)
    if feed.trade_id:
        columns["ids"] = Texts(feed.trade_id)
    if feed.quantity:
        columns["quantities"] = Numbers(feed.quantity, zero=candle is not None)
    if candle:
        columns |= {"open": Numbers(candle.opening), "high": Numbers(candle.high), "low": Numbers(candle.low)}
    arrays, rows = read_columns(file, list(columns.values()), where=feed.where, header=feed.header or None)
    table = dict(zip(columns, arrays, strict=True))
    found = _Rows(
        stamps=table["stamps"],
        prices=table["prices"],
        quantities=table.get("quantities"),
        ids=table.get("ids"),
        rows=rows,
        file=np.zeros(len(rows), dtype=np.int64),
        files=(str(file),),
        columns=(feed.time, feed.price, feed.quantity or "quantity"),
    )
    if candle:
        _check_candles(found, table, candle)
        found = evolve(found, stamps=found.stamps + (candle.length_ms - 1) * 10**6, ids=found.stamps.astype(np.str_))
    traded = np.ones(len(rows), dtype=np.bool_) if found.quantities is None else found.quantities > 0
    if "venues" not in table:
        return {feed.venue: found.take(traded)}
    return {str(venue): found.take(traded & (table["venues"] == venue)) for venue in np.unique(table["venues"])}


def _check_candles(found: _Rows, table: dict[str, NDArray[Any]], candle: Candle) -> None:
    def refuse(bad: NDArray[np.bool_], column: str, values: NDArray[Any], wanted: str) -> None:
        for row in np.flatnonzero(bad)[:1]:
            bad_cell(found.files[0], found.rows[row], column, values[row], wanted)

    time, close, _ = found.columns
    low, high = table["low"], table["high"]
    refuse(found.stamps % (candle.length_ms * 10**6) != 0, time, found.stamps, f"a multiple of {candle.length_ms} ms")
    for column, values in ((candle.opening, table["open"]), (close, found.prices), (candle.high, high)):
        refuse(values < low, column, values, f"at least {candle.low!r}")
        refuse(values > high, column, values, f"at most {candle.high!r}")


def _joined(parts: list[_Rows]) -> _Rows:
    # A file that runs backward has its trades of one time stamp backward too.
    parts = [part.take(slice(None, None, -1)) if _falls(part.stamps) else part for part in parts]
    if len(parts) == 1:
        return parts[0]

    def all_of(field_name: str) -> Any:
        arrays = [getattr(part, field_name) for part in parts]
        return None if any(array is None for array in arrays) else np.concatenate(arrays)

    return evolve(
        parts[0],
        **{each: all_of(each) for each in ("stamps", "prices", "quantities", "ids", "rows")},
        file=np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts]),
        files=tuple(part.files[0] for part in parts),
    )


def _falls(stamps: NDArray[np.int64]) -> bool:
    return len(stamps) > 1 and bool(stamps[0] > stamps[-1])


def _ordered(rows: _Rows) -> _Rows:
    """By time, then by id where all ids are numbers, then as in the file."""
    ids = rows.ids
    if ids is None or not len(ids) or not np.char.isdecimal(ids).all() or np.char.str_len(ids).max() > 18:
        return rows.take(np.argsort(rows.stamps, kind="stable"))
    return rows.take(np.lexsort((ids.astype(np.int64), rows.stamps)))


def _once(rows: _Rows) -> _Rows:
    if rows.ids is None:
        return rows
    _, first, of = np.unique(rows.ids, return_index=True, return_inverse=True)
    same = first[of]
    bad = (rows.prices != rows.prices[same]) | (rows.stamps != rows.stamps[same])
    for row in np.flatnonzero(bad)[:1]:
        other, (time, price, _) = same[row], rows.columns
        at = f"{rows.files[rows.file[row]]}, row {rows.rows[row]}"
        before = f"{rows.files[rows.file[other]]}, row {rows.rows[other]}"
        got = f"{time!r} {rows.stamps[row]} ns and {price!r} {rows.prices[row]}"
        wanted = f"{rows.stamps[other]} ns and {rows.prices[other]} as at {before}"
        raise InputError(f"{at}: got id {str(rows.ids[row])!r} again with {got}, wanted {wanted}")
    return rows.take(np.sort(first))


def _tape(rows: _Rows) -> TradeTape | None:
    if not len(rows.stamps):
        return None
    return TradeTape(
        rows.stamps // 10**6,
        rows.prices,
        rows.quantities,
        name=", ".join(rows.files),
        columns=rows.columns,
        rows=rows.rows,
    )


_MINUTES = Feed(path="-", venue="-", time="open_time_ms", price="close", quantity="volume", candle=Candle())

PRESETS = {
    "binance-btc-20240808": Sources(
        feeds=(
            Feed(
                path="trades.parquet",
                venue_column="venue",
                time="trade_time_ms",
                price="price",
                quantity="qty",
                trade_id="trade_id",
            ),
        ),
        symbol="BTC",
        fungible=False,
        note="Spot (BTC against USDT), USD-M perpetual (USDT) and COIN-M perpetual (USD, contracts of 100 USD) of one "
        "operator are three contracts: the best price among them follows their basis, not the skill of a router.",
        common=True,
    ),
    "btcusd-1m-3venues-202303": Sources(
        feeds=tuple(
            evolve(_MINUTES, path=f"{venue}_btcusd_1m.csv.gz", venue=venue)
            for venue in ("binanceus", "coinbase", "kraken")
        ),
        symbol="BTC/USD",
        note="Closes of one-minute candles stand for trades. 10 to 13 March 2023 is the stablecoin crisis, in which "
        "the exchanges part by percents.",
        width_ms=60_000,
    ),
}
"""What is known of folders of these names."""
