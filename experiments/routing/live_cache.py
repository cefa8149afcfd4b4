"""Downloaded trades on disk: one Parquet file per exchange, symbol and hour, with the spans of time it holds whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from attrs import frozen

from marketsim.errors import InputError, refusal, shown, unreadable

HOUR = 3_600_000
Span = tuple[int, int]
"""[from, to) in ms."""


@frozen
class Shelf:
    """The hours of one symbol at one exchange.

    Args:
        folder: of the exchange.
        symbol: as the exchange spells it.
    """

    folder: Path
    symbol: str

    def path(self, hour: int) -> Path:
        """The file of an hour, numbered from 1970."""
        stem = str(np.datetime64(hour, "h").astype("datetime64[h]"))
        return self.folder / self.symbol.replace("/", "-").replace(":", "-") / f"{stem}.parquet"

    def files(self, start: int, end: int) -> list[Path]:
        """The files there are of the hours of [start, end)."""
        paths = [self.path(hour) for hour in range(start // HOUR, (end - 1) // HOUR + 1)]
        return [path for path in paths if path.is_file()]

    def spans(self, start: int, end: int) -> list[Span]:
        """What is held whole of the hours of [start, end), in order, neighbours joined."""
        found = [span for path in self.files(start, end) for span in _read_spans(path)]
        return union(found)

    def missing(self, start: int, end: int) -> list[Span]:
        """What is not held whole of [start, end), in order."""
        holes: list[Span] = []
        at = start
        for lower, upper in self.spans(start, end):
            if at < min(lower, end):
                holes.append((at, min(lower, end)))
            at = max(at, upper)
        return [*holes, (at, end)] if at < end else holes

    def next_id(self, at: int) -> str | None:
        """The id of the first trade that is held at or after `at` with all that lies between; None if there is none."""
        for lower, upper in self.spans(at, at + HOUR):
            if lower <= at < upper:
                held = pd.concat([pd.read_parquet(path) for path in self.files(at, min(upper, at + HOUR))])
                later = held[(held["time_ms"] >= at) & (held["time_ms"] < upper)]
                if len(later):
                    first = later[later["time_ms"] == later["time_ms"].min()]
                    return str(min(first["id"], key=lambda text: (len(text), text)))
        return None

    def add(self, trades: pd.DataFrame, whole_from: int, whole_to: int) -> None:
        """Keep trades, and note that [whole_from, whole_to) is now whole; a trade that is held already is kept once."""
        hours = trades["time_ms"] // HOUR
        touched = dict.fromkeys([*hours.unique().tolist(), *_hours(whole_from, whole_to)])
        for hour in sorted(touched):
            path = self.path(hour)
            span = (max(whole_from, hour * HOUR), min(whole_to, (hour + 1) * HOUR))
            rows, spans = trades[hours == hour], [span] if span[0] < span[1] else []
            if path.is_file():
                rows, spans = pd.concat([pd.read_parquet(path), rows]), spans + _read_spans(path)
            rows = rows.drop_duplicates("id").sort_values(["time_ms"], kind="stable")
            _write(path, rows, union(spans), self.symbol)


def union(spans: list[Span]) -> list[Span]:
    """The same times as spans that neither touch nor overlap, in order.

    >>> union([(5, 7), (0, 2), (2, 3)])
    [(0, 3), (5, 7)]
    """
    joined: list[Span] = []
    for lower, upper in sorted(spans):
        if joined and lower <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(upper, joined[-1][1]))
        else:
            joined.append((lower, upper))
    return joined


def length(spans: list[Span]) -> int:
    """Ms in spans that do not overlap."""
    return sum(upper - lower for lower, upper in spans)


def listed(folder: Path) -> dict[str, bool]:
    """Whether the exchange of this folder lists a symbol, for those that were asked for before."""
    path = folder / "listed.json"
    if not path.is_file():
        return {}
    said = path.read_bytes()
    try:
        return {str(symbol): bool(there) for symbol, there in json.loads(said).items()}
    except (ValueError, AttributeError, RecursionError) as error:
        wanted = "a JSON table of symbols; delete it to ask again"
        raise InputError(refusal(str(path), shown(said), wanted)) from error


def remember_listed(folder: Path, has: dict[str, bool]) -> None:
    """Note which symbols the exchange of this folder lists."""
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(listed(folder) | has, indent=2) + "\n"
    part = folder / "listed.json.part"
    part.write_text(content, encoding="utf-8")
    part.replace(folder / "listed.json")


def _hours(start: int, end: int) -> range:
    return range(start // HOUR, (end - 1) // HOUR + 1) if start < end else range(0)


def _read_spans(path: Path) -> list[Span]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    again = "; delete it to download it again"
    try:
        told = (pq.read_schema(path).metadata or {}).get(b"spans")
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, f"a Parquet file of this cache{again}") from error
    try:
        return [(int(lower), int(upper)) for lower, upper in json.loads(told or b"")]
    except (ValueError, TypeError, RecursionError) as error:
        wanted = f"[[start, end], ...] in ms, as a file of this cache has{again}"
        raise InputError(refusal(f"{path}: is no file of this cache: 'spans'", shown(told), wanted)) from error


def _write(path: Path, rows: pd.DataFrame, spans: list[Span], symbol: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"time_ms": pa.int64(), "price": pa.float64(), "quantity": pa.float64(), "id": pa.string()}
    told = {"spans": json.dumps(spans), "symbol": symbol}
    schema = pa.schema([pa.field(column, kind) for column, kind in kinds.items()], metadata=told)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A run that stops while it writes must not leave half a file in the cache.
    part = path.with_suffix(".part")
    pq.write_table(pa.Table.from_pandas(rows[list(kinds)], schema=schema, preserve_index=False), part)
    part.replace(path)
