"""Cells of a sweep: flat tables of plain values, their canonical text, their ids, and grids that list them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import isfinite, prod
from pathlib import Path
from typing import Any

from attrs import field, frozen

from experiments.limits import SEED_MAX, SEEDS_MAX
from experiments.strict import read_toml, strict_converter, structured
from marketsim.checks import integer, optional
from marketsim.errors import ConfigError, InputError, refusal, shown, unreadable

ID_LENGTH = 32
"""Characters of a cell's id: 128 of the 256 bits of SHA-256; 10^9 cells share one by chance with 10^-21."""

ID = "cell_id"
"""The column of the ids in a table, and so the name of no value of a cell."""

INT_MAX = 2**63 - 1
"""The largest integer that a column of a table holds."""

CELLS_MAX = 10**9
"""Cells of a grid."""


def canonical(value: Any) -> str:
    """The one JSON text of a value: keys sorted, no spaces, floats in the shortest form that reads back exactly.

    An int and a float are different: 1 and 1.0. `json.loads` gives the value back.

    >>> canonical({"pi": 10, "delay": 1.0})
    '{"delay":1.0,"pi":10}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parsed(text: Any, where: str) -> Any:
    """The value of JSON text that was read from a file; `where` names it in errors.

    Raises:
        InputError: it is no JSON text.
    """
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(refusal(where, shown(text), "JSON text, as a sweep writes it")) from error


def table_of(text: Any, where: str) -> dict[str, Any]:
    """As `parsed`, of a table."""
    value = parsed(text, where)
    if type(value) is not dict:
        raise InputError(refusal(where, shown(value), "a table"))
    return value


def ordered(value: Any) -> str:
    """As `canonical`, with the keys in the order that they have."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def cell_id(cell: Mapping[str, Any], version: str) -> str:
    """The name of a cell's result: the hash of the cell and of what computes it.

    Args:
        cell: a checked cell.
        version: the digest of the code, its settings and the plugins (`Version.digest`).
    """
    return digest(f"{version}\n{canonical(cell)}")[:ID_LENGTH]


def checked_cell(cell: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The cell as a dict.

    Raises:
        ConfigError: it is empty, or holds something else than finite numbers, 64-bit integers, text, true and false
            under a name, which is text and not `cell_id`.
    """
    if not cell:
        raise ConfigError(f"{where}: got no value, wanted at least one")
    for key, value in cell.items():
        if not _is_text(key) or key == ID:
            raise ConfigError(refusal(where, f"the name {shown(key)}", f"text other than {ID!r}"))
        fits = (
            type(value) is bool
            or _is_text(value)
            or (type(value) is int and abs(value) <= INT_MAX)
            or (type(value) is float and isfinite(value))
        )
        if not fits:
            wanted = "a finite number, an integer of 64 bits, text, true or false"
            raise ConfigError(refusal(f"{where}, {key!r}", shown(value), wanted))
    return dict(cell)


def _is_text(value: Any) -> bool:
    # Half of a surrogate pair has no place in a file.
    return type(value) is str and value == value.encode(errors="replace").decode()


def _axes(_: Any, attribute: Any, value: Mapping[str, list[Any]]) -> None:
    for key, levels in value.items():
        where = f"{attribute.name}.{key}"
        if not levels:
            raise ConfigError(f"{where}: got no value, wanted at least one")
        texts = [canonical(checked_cell({key: level}, where)) for level in levels]
        _refuse_twice(texts, where)


def _listed(cells: Iterable[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    return tuple(cells)


def _points(_: Any, _attribute: Any, value: tuple[dict[str, Any], ...]) -> None:
    cells = [checked_cell(cell, f"cells, number {number}") for number, cell in enumerate(value, 1)]
    _refuse_twice([canonical(cell) for cell in cells], "cells")


def _fixed(_: Any, attribute: Any, value: dict[str, Any]) -> None:
    if value:
        checked_cell(value, attribute.name)


def _refuse_twice(texts: list[str], where: str) -> None:
    if len(dict.fromkeys(texts)) != len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise ConfigError(refusal(where, f"{shown(twice, str)} twice", "different values"))


@frozen(kw_only=True)
class Grid:
    """Cells by axes or by a list, each with every seed.

    Every point has the same seeds, so that two points differ by what was changed and not by their luck (common random
    numbers). The order is that of the file: the first axis slowest, the seed fastest. Nothing is held in memory but
    the axes.

    Args:
        axes: the values of each axis; the cells are all their combinations.
        cells: the cells themselves, in place of axes.
        fixed: values that all cells share.
        seeds: how many seeds each point has; None for cells without a `seed`.
        first_seed: the first of them.
    """

    axes: dict[str, list[Any]] = field(factory=dict, validator=_axes)
    cells: tuple[dict[str, Any], ...] = field(default=(), converter=_listed, validator=_points)
    fixed: dict[str, Any] = field(factory=dict, validator=_fixed)
    seeds: int | None = field(default=None, validator=optional(integer(1, SEEDS_MAX)))
    first_seed: int = field(default=0, validator=integer(0, SEED_MAX))

    def __attrs_post_init__(self) -> None:
        if bool(self.axes) == bool(self.cells):
            raise ConfigError(refusal("grid", "both" if self.axes else "neither", "either [axes] or [[cells]]"))
        if self._size() > CELLS_MAX:
            raise ConfigError(refusal("grid", f"{shown(self._size())} cells", f"at most {CELLS_MAX}"))
        taken = [*self.fixed, *(["seed"] if self.seeds is not None else [])]
        for keys in (self.axes, *self.cells):
            if twice := [key for key in keys if key in taken]:
                raise ConfigError(f"grid: got {twice[0]!r} both in a cell and in `fixed` or `seeds`, wanted it once")
        if "seed" in self.fixed and self.seeds is not None:
            raise ConfigError("grid: got 'seed' in `fixed` beside `seeds`, wanted one of them")

    def __len__(self) -> int:
        return self._size()

    def _size(self) -> int:
        # A `len` beyond 64 bits would be an error of Python's own.
        points = len(self.cells) or prod(len(levels) for levels in self.axes.values())
        return points * (self.seeds or 1)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        seeds = [{}] if self.seeds is None else range(self.first_seed, self.first_seed + self.seeds)
        for point in self.cells or self._crossed():
            for seed in seeds:
                yield {**self.fixed, **point, **({} if self.seeds is None else {"seed": seed})}

    def _crossed(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.axes, levels, strict=True)) for levels in product(*self.axes.values()))

    def to_dict(self) -> dict[str, Any]:
        """The grid as tables that TOML can hold."""
        tables = {"axes": self.axes, "cells": list(self.cells), "fixed": self.fixed, "seeds": self.seeds}
        return {key: value for key, value in tables.items() if value} | {"first_seed": self.first_seed}


_converter = strict_converter()


def grid_from_dict(values: dict[str, Any], where: str) -> Grid:
    """A grid from tables.

    Raises:
        ConfigError: an unknown key, a value that no cell may hold, one given twice; `where` names the tables.
    """
    return structured(_converter, values, Grid, where)


def load_grid(path: Path) -> Grid:
    """Read a grid from a TOML file; raises `ConfigError` naming the file and what is wrong."""
    try:
        values = read_toml(path)
    except OSError as error:
        raise unreadable(path, "a TOML file") from error
    return grid_from_dict(values, str(path))
