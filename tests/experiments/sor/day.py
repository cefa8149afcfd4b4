"""A made-up day in the layout of l1_day.csv: Databento MBP-10, ISO time stamps, two publishers, a quote each 5 s."""

from __future__ import annotations

from pathlib import Path

LEVELS = [
    f"{side}_{what}_{level:02}"
    for level in range(10)
    for what, sides in (("px", ("bid", "ask")), ("sz", ("bid", "ask")), ("ct", ("bid", "ask")))
    for side in sides
]
HEADER = [
    "ts_recv", "ts_event", "rtype", "publisher_id", "instrument_id", "action", "side", "depth", "price", "size",
    "flags", "ts_in_delta", "sequence", *LEVELS, "symbol",
]  # fmt: skip
PUBLISHERS = (2, 39)
LAST = 600
SECONDS_NS = 10**9
START_NS = 1_722_519_360 * SECONDS_NS  # 2024-08-01T13:36:00Z


def stamp(second: int) -> str:
    minutes = 36 + second // 60
    return f"2024-08-01T{13 + minutes // 60}:{minutes % 60:02}:{second % 60:02}.000000000Z"


def quote(second: int, publisher: int) -> tuple[str, int, str, int]:
    """(bid, bid size, ask, ask size): sizes never repeat from one quote to the next."""
    number = second // 5 + (3 if publisher == 39 else 0)
    ask = 22283 + (number * 7) % 5 - (number // 30) % 3
    bid_size, ask_size = 40 + (number * 37) % 101, 50 + (number * 53) % 127
    return f"{(ask - 2) / 100:.2f}", bid_size, f"{ask / 100:.2f}", ask_size


def row(second: int, publisher: int, bid: str, bid_size: int, ask: str, ask_size: int) -> str:
    cells = dict.fromkeys(HEADER, "")
    cells |= {name: "0" for name in LEVELS if "_px_" not in name}
    cells |= {"ts_recv": stamp(second), "ts_event": stamp(second), "rtype": "10", "publisher_id": str(publisher)}
    cells |= {"action": "A", "side": "A", "symbol": "AAPL", "sequence": "1", "size": "0"}
    cells |= {"bid_px_00": bid, "bid_sz_00": str(bid_size), "ask_px_00": ask, "ask_sz_00": str(ask_size)}
    return ",".join(cells[name] for name in HEADER)


def good_rows(change=lambda _second, values: values) -> list[tuple[int, int, str, int, str, int]]:
    """(second, publisher, bid, bid size, ask, ask size), as a reader should keep them."""
    return [
        (second, publisher, *change(second, quote(second, publisher)))
        for second in range(0, LAST + 1, 5)
        for publisher in PUBLISHERS
    ]


def write(path: Path, *, bad: bool = False, change=lambda _second, values: values) -> Path:
    """The day as a file; `bad` adds a second quote of one time stamp, and rows 20, 21 and 22, which are no quotes."""
    lines = [row(*each) for each in good_rows(change)]
    if bad:
        crossed = row(45, 2, "230.00", 10, "222.83", 10)
        negative = row(45, 2, "222.80", 10, "222.83", -5)
        backwards = row(3, 2, "222.80", 10, "222.83", 10)
        # The first data row is row 1 of the file's quotes; the header comes before it.
        lines[19:19] = [crossed, negative, backwards]
        lines.append(row(LAST, 39, "200.00", 1, "250.00", 9999))
    path.write_text("\n".join([",".join(HEADER), *lines]) + "\n", encoding="utf-8")
    return path
