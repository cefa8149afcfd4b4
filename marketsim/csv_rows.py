r"""Rows of CSV files, within bounds: a small file, packed or not, can neither fill the memory nor be read for hours.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder:
...     path = Path(folder, "trades.csv")
...     _ = path.write_text("time,price\n5,100.5\n")
...     with open_text(path) as file:
...         print(list(rows_of(file, "trades.csv")))
[(1, ['time', 'price']), (2, ['5', '100.5'])]
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

from marketsim.errors import InputError, refusal

LINE_MAX = 2**17
"""Characters of a line."""
BLANK_MAX = 1000
"""Lines that follow each other and hold nothing."""

# What a byte that is no UTF-8 becomes by Python's error handler `surrogateescape`.
_ESCAPED = re.compile("[\udc80-\udcff]")


def open_text(path: str | Path) -> TextIO:
    """A CSV file, plain or packed by gzip; bytes that are no UTF-8 are kept as surrogates, which `rows_of` refuses."""
    if str(path).lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return Path(path).open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def rows_of(file: TextIO, path: str) -> Iterator[tuple[int, list[str]]]:
    """The number of every row, which is its last line, from 1, and its cells.

    No more is read than a line or two beyond the first one that is refused.

    Raises:
        InputError: naming the file and the row: a line or a cell that is too long, too many blank lines, no UTF-8.
    """
    reader = csv.reader(_lines(file, path))
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        most = csv.field_size_limit()
        where = f"{path}, row {reader.line_num}"
        raise InputError(refusal(where, f"a cell of more than {most} characters", "at most as many")) from error


def full_rows(rows: Iterator[tuple[int, list[str]]], path: str, width: int) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold something.

    Raises:
        InputError: one has not `width` cells.
    """
    for line, cells in rows:
        if not cells:
            continue
        if len(cells) != width:
            raise _bad_line(path, line, f"{len(cells)} fields", f"{width}, as many as there are columns")
        yield line, cells


def _lines(file: TextIO, path: str) -> Iterator[str]:
    blank = 0
    for number, line in enumerate(iter(partial(file.readline, LINE_MAX + 1), ""), 1):
        if len(line) > LINE_MAX:
            raise _bad_line(path, number, f"a line of more than {LINE_MAX} characters", "at most as many")
        blank = 0 if len(line) > 2 or line.strip("\r\n") else blank + 1
        if blank > BLANK_MAX:
            raise _bad_line(path, number, f"more than {BLANK_MAX} blank lines in a row", "at most as many")
        if not line.isascii() and (escaped := _ESCAPED.search(line)):
            got = f"the byte 0x{ord(escaped[0]) - 0xDC00:x} in place {escaped.start() + 1}"
            raise _bad_line(path, number, got, "text in UTF-8")
        yield line


def _bad_line(path: str, number: int, got: str, wanted: str) -> InputError:
    return InputError(refusal(f"{path}, row {number}", got, wanted))
