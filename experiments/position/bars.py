"""What a study looks at: bars of symbols, from files or from the tape of a simulated market, and its entries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from attrs import frozen

from experiments.features.books import snapshots
from experiments.features.simulated import MARKET
from experiments.features.tapes import quote_bars, read_bars, tape_bars, trade_tape
from experiments.position.config import PositionStudy
from experiments.position.entries import Entries, positions_of, read_entries, regular_entries
from experiments.position.market import run_market
from marketsim.errors import ConfigError
from marketsim.metrics import role_of
from marketsim.table_files import Texts, read_columns, read_header

TIME, SYMBOL = "open_time_ms", "symbol"
_SUFFIXES = (".gz", ".csv", ".parquet")


@frozen(eq=False)
class Source:
    """Bars and entries.

    Args:
        bars: by symbol, as of `experiments.features.tapes.tape_bars`.
        entries: of positions in them.
        files: that all of it was read from.
    """

    bars: dict[str, pd.DataFrame]
    entries: Entries
    files: tuple[Path, ...] = ()

    def times(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """When the buckets open that some symbol has, rising."""
        return np.unique(np.concatenate([bars[TIME].to_numpy(dtype=np.int64) for bars in self.bars.values()]))


def source_of(study: PositionStudy) -> Source:
    """Read the files of a study, or simulate its market.

    Raises:
        InputError: a file cannot be read, naming file, row and column.
        ConfigError: a symbol in two files, or a file without a bar.
    """
    if study.synthetic:
        return _simulated(study)
    bars: dict[str, pd.DataFrame] = {}
    for file in study.data:
        for symbol, where in _symbols(file):
            own = read_bars(file, unit=study.unit, bucket_ms=study.bucket_ms, where=where)
            _put(bars, symbol, own, file)
    if study.bid:
        both = quote_bars(
            *(read_bars(file, unit=study.unit, bucket_ms=study.bucket_ms) for file in (study.bid, study.ask))
        )
        _put(bars, symbol_of(study.bid), both, study.bid)
    files = [*study.data, *(file for file in (study.bid, study.ask, study.entries) if file)]
    entries = _regular(study, bars) if not study.entries else read_entries(study.entries, study.unit, tuple(bars))
    return Source(bars, entries, tuple(Path(file) for file in files))


def symbol_of(file: str) -> str:
    """The name of a file without its endings.

    >>> symbol_of("data/btc-perp_1m.csv.gz")
    'btc-perp_1m'
    """
    name = Path(file).name
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def _symbols(file: str) -> list[tuple[str, dict[str, str | int]]]:
    """The symbols of a file, each with what its rows have: those of its column `symbol`, or its name for all rows."""
    if SYMBOL not in read_header(file):
        return [(symbol_of(file), {})]
    (found,), _ = read_columns(file, [Texts(SYMBOL)])
    if not len(found):
        raise ConfigError(f"{file}: got no bar, wanted at least one")
    return [(symbol, {SYMBOL: symbol}) for symbol in dict.fromkeys(found.tolist())]


def _put(bars: dict[str, pd.DataFrame], symbol: str, own: pd.DataFrame, file: str) -> None:
    if symbol in bars:
        raise ConfigError(f"{file}: got the symbol {symbol!r} twice, wanted each in one file")
    if own.empty:
        raise ConfigError(f"{file}: got no bar, wanted at least one")
    bars[symbol] = own


def _regular(study: PositionStudy, bars: dict[str, pd.DataFrame]) -> Entries:
    return regular_entries({symbol: own[TIME] for symbol, own in bars.items()}, study.bucket_ms, study.entry_every)


def _simulated(study: PositionStudy) -> Source:
    market = study.market
    result, recorder = run_market(market, study.seed)
    end_ns = market.buckets * study.bucket_ms * 10**6
    tape = trade_tape(result.fills, MARKET, step_ns=study.step_ns)
    # A trade in the very last step would open one more bucket, of which nothing else is recorded.
    books = snapshots(recorder.frame(MARKET, step_ns=study.step_ns), study.bucket_ms)
    bars = tape_bars(tape[tape["time_ns"] < end_ns], study.bucket_ms, books=books, quiet=market.buckets, end_ns=end_ns)
    bars = bars[bars[TIME] < end_ns // 10**6].reset_index(drop=True)
    if bars.empty:
        raise ConfigError(f"market: got no trade in {market.buckets} buckets, wanted at least one")
    wanted = market.entries_of
    if not wanted:
        return Source({MARKET: bars}, _regular(study, {MARKET: bars}))
    owners = [agent for agent in result.agents if wanted in (agent, role_of(agent, result.roles))]
    if not owners:
        raise ConfigError(
            f"market.entries_of: got {wanted!r}, wanted one of {', '.join(sorted(result.agents))} or a role"
        )
    return Source({MARKET: bars}, positions_of(result.fills, MARKET, owners, step_ns=study.step_ns))
