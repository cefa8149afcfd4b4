"""Quote files for tests, in the layout of Databento's MBP records."""

from __future__ import annotations

from pathlib import Path

START_NS = 1_722_519_360_000_000_000  # 2024-08-01T13:36:00Z

HEADER = "ts_event,publisher_id,action,price,size,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00"

# (seconds, publisher, action, price, size, bid, ask, bid size, ask size)
DAY = (
    (0, 2, "A", "", "", "9.99", "10.01", 50, 30),
    (0, 39, "A", "", "", "9.98", "10.02", 10, 40),
    (0, 2, "A", "", "", "9.99", "10.03", 50, 99),  # a second quote of this time and publisher
    (20, 2, "C", "", "", "9.99", "10.03", 20, 30),
    (59, 39, "T", "9.98", "5", "9.98", "10.02", 10, 20),
    (60, 39, "C", "", "", "9.98", "10.00", 5, 10),
    (90, 2, "C", "", "", "9.97", "10.04", 80, 10),
    (185, 2, "A", "", "", "9.97", "10.06", 70, 10),
)


def text(rows=DAY, header: str = HEADER) -> str:
    """The file, with times as integer nanoseconds."""
    lines = [",".join(map(str, (START_NS + row[0] * 10**9, *row[1:]))) for row in rows]
    return "\n".join((header, *lines)) + "\n"


def write(folder: Path, content: str | None = None, name: str = "day.csv") -> Path:
    """A file with that content, or the day."""
    path = folder / name
    path.write_text(text() if content is None else content, encoding="utf-8")
    return path
