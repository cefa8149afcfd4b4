"""Append-only tables kept as columns: the fill log, the order log, the quote log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_CHUNK = 16_384


class Table:
    """Rows appended one by one, stored as NumPy columns in chunks.

    Column kinds: "int" (int64), "float" (float64; None is stored as nan), "name" (str or Enum, stored as codes).

    Args:
        kinds: kind by column name, in the order of the row's fields.

    >>> table = Table({"time": "int", "mid": "float", "venue": "name"})
    >>> table.extend([(0, 99.5, "book"), (7, None, "book")])
    >>> {name: column.tolist() for name, column in table.columns().items()}
    {'time': [0, 7], 'mid': [99.5, nan], 'venue': ['book', 'book']}
    """

    def __init__(self, kinds: dict[str, str]) -> None:
        self.kinds = kinds
        self._rows: list[tuple[Any, ...]] = []
        self._chunks: list[list[np.ndarray[Any, Any]]] = []
        self._codes: dict[str, dict[Any, int]] = {name: {} for name, kind in kinds.items() if kind == "name"}
        self._stored = 0

    def append(self, row: tuple[Any, ...]) -> None:
        """Add one row, a tuple in the order of `kinds`."""
        self._rows.append(row)
        if len(self._rows) >= _CHUNK:
            self._compact()

    def extend(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add several rows."""
        self._rows.extend(rows)
        if len(self._rows) >= _CHUNK:
            self._compact()

    def __len__(self) -> int:
        return self._stored + len(self._rows)

    def columns(self) -> dict[str, np.ndarray[Any, Any]]:
        """Every column as one array; names as an object array of str."""
        columns = self._stored_columns()
        for name, codes in self._codes.items():
            labels = np.array([_label(value) for value in codes], dtype=object)
            columns[name] = labels[columns[name]] if len(labels) else np.empty(0, dtype=object)
        return columns

    def frame(self) -> pd.DataFrame:
        """The table as a pandas DataFrame; names as categoricals, in order of first appearance."""
        import pandas as pd

        columns: dict[str, Any] = dict(self._stored_columns())
        for name, codes in self._codes.items():
            categories = pd.Index([_label(value) for value in codes], dtype="object")
            columns[name] = pd.Categorical.from_codes(columns[name], categories=categories)
        return pd.DataFrame(columns)

    def digest(self) -> str:
        """SHA-256 of the content; the same for the same rows, whatever the process or the chunking."""
        sha = hashlib.sha256()
        for name, column in self.columns().items():
            sha.update(f"{name}:{self.kinds[name]}:{len(column)}\n".encode())
            if column.dtype == object:
                for value in map(str, column):
                    sha.update(f"{len(value)}:{value}".encode())
            else:
                sha.update(np.ascontiguousarray(column).astype(column.dtype.newbyteorder("<")).tobytes())
        return sha.hexdigest()

    def _stored_columns(self) -> dict[str, np.ndarray[Any, Any]]:
        self._compact()
        columns: dict[str, np.ndarray[Any, Any]] = {}
        for number, (name, kind) in enumerate(self.kinds.items()):
            empty = np.empty(0, np.float64 if kind == "float" else np.int64)
            parts = [chunk[number] for chunk in self._chunks]
            columns[name] = np.concatenate(parts) if parts else empty
        return columns

    def _compact(self) -> None:
        if not self._rows:
            return
        rows, self._rows = self._rows, []
        self._chunks.append(
            [
                self._store(name, kind, values)
                for (name, kind), values in zip(self.kinds.items(), zip(*rows, strict=True), strict=True)
            ]
        )
        self._stored += len(rows)

    def _store(self, name: str, kind: str, values: tuple[Any, ...]) -> np.ndarray[Any, Any]:
        if kind == "float":
            return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        if kind == "name":
            codes = self._codes[name]
            # Most names are strings already, and asking each whether it is an Enum costs more than to store it.
            labels = [value if type(value) is str else _label(value) for value in values]
            return np.array([codes.setdefault(label, len(codes)) for label in labels], dtype=np.int32)
        column = np.array(values)
        if column.dtype == np.int64:
            return column
        for value in values:
            if not isinstance(value, int):
                raise TypeError(f"column {name!r}: got {value!r}, wanted an int")
        try:
            return np.array(values, dtype=np.int64)
        except OverflowError:  # money of orders at the very edge of the gateway's bounds
            return np.array(values, dtype=object)


def _label(value: Any) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)


FILL_COLUMNS = {
    "match_id": "int",
    "order_id": "int",
    "owner": "name",
    "market": "name",
    "venue": "name",
    "time": "int",
    "side": "int",
    "quantity": "int",
    "price": "int",
    "money": "int",
    "fee": "int",
    "liquidity": "name",
    "mid_before": "float",
    "mid_after": "float",
}
"""One row per leg of a fill: the fields of `marketsim.Fill`, side as +1 or -1."""

ORDER_COLUMNS = {
    "order_id": "int",
    "owner": "name",
    "market": "name",
    "venue": "name",
    "kind": "name",
    "tif": "name",
    "side": "int",
    "quantity": "int",
    "price": "float",
    "submitted": "int",
    "arrived": "int",
    "ended": "int",
    "filled": "int",
    "cancelled": "int",
    "expired": "int",
    "outcome": "name",
}
"""One row per order, when it ends or when the run does (outcome "live"); `submitted` is when the agent sent it,
`arrived` when the venue got it (-1: never), `ended` when it ended (-1: never)."""

QUOTE_COLUMNS = {
    "time": "int",
    "venue": "name",
    "market": "name",
    "best_bid": "float",
    "best_ask": "float",
    "last_price": "float",
}
"""One row whenever the best prices or the last trade price of a market change."""
