"""Recorded quotes: the published layout as it is, one row per time and publisher, and every bad row by name."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.quotes.benchmarks import first_best_ask, size_weighted_ask, time_weighted_ask
from experiments.quotes.read import read_quotes
from marketsim.errors import ConfigError, InputError
from marketsim.types import Side
from tests.data import data_path
from tests.experiments.quotes.days import DAY, HEADER, START_NS, text, write

HEAD = "l1-aapl-20240801-head5/l1_head5.csv"


# Published


def test_the_first_rows_of_the_published_day_give_its_printed_naive_price():
    tape = read_quotes(data_path(HEAD))
    assert first_best_ask(tape) == 22283
    assert first_best_ask(tape) * 0.01 == 222.83
    assert 5000 * first_best_ask(tape) * 0.01 == 1_114_150.0


def test_the_first_rows_of_the_published_day_by_hand():
    tape = read_quotes(data_path(HEAD))
    assert (tape.publishers, tape.repeated, tape.bad, tape.hidden) == (("2",), {"2": 3}, (), 0)
    first = 1_722_519_392_491_911_683  # 2024-08-01T13:36:32.491911683Z
    assert tape.times.tolist() == [first, first + 992]
    assert (tape.asks.levels(0)[:2], tape.asks.levels(1)[:2]) == (
        ((22283, 36), (22284, 300)),
        ((22283, 46), (22284, 300)),
    )
    assert (tape.bids.levels(0)[0], tape.bids.levels(1)[0]) == ((22281, 421), (22280, 100))
    assert tape.asks.levels(0)[9] == (22294, 317)
    assert (tape.trade_times.tolist(), tape.trade_prices.tolist()) == ([first] * 4, [22281] * 4)
    assert tape.trade_sizes.tolist() == [190, 10, 100, 121]
    assert size_weighted_ask(tape) == time_weighted_ask(tape) == 22283.0
    assert len(read_quotes(data_path(HEAD), levels=1).asks.levels(0)) == 1


def test_a_recorded_session_of_ten_levels():
    path = data_path("databento-arl-20250717-mbo/mbp10.csv.gz")
    tape = read_quotes(path)
    frame = pd.read_csv(path)
    once = frame.drop_duplicates(["ts_event", "publisher_id"])
    assert (len(tape), tape.repeated["2"]) == (len(once), len(frame) - len(once))
    for side, ladder in (("bid", tape.bids), ("ask", tape.asks)):
        for level in (0, 9):
            prices = (once[f"{side}_px_{level:02}"].fillna(0) * 100).round().astype(int)
            assert (ladder.prices[:, level] == prices).all()
            assert (ladder.sizes[:, level] == once[f"{side}_sz_{level:02}"]).all()
    trades = frame[frame["action"] == "T"]
    assert len(trades) == len(tape.trade_times) + tape.hidden
    whole = trades[np.isclose(trades["price"] * 100 % 1, [0] * len(trades)) | np.isclose(trades["price"] * 100 % 1, 1)]
    assert tape.trade_sizes.sum() == whole["size"].sum()


# A day by hand


def test_a_day_by_hand(tmp_path):
    tape = read_quotes(write(tmp_path))
    assert (tape.publishers, tape.repeated) == (("2", "39"), {"2": 1, "39": 0})
    assert ((tape.times - START_NS) // 10**9).tolist() == [0, 0, 20, 59, 60, 90, 185]
    assert tape.publisher.tolist() == [0, 1, 0, 1, 1, 0, 0]
    assert tape.asks.prices[:, 0].tolist() == [1001, 1002, 1003, 1002, 1000, 1004, 1006]
    assert tape.bids.sizes[:, 0].tolist() == [50, 10, 20, 10, 5, 80, 70]
    assert (tape.trade_prices.tolist(), tape.trade_sizes.tolist()) == ([998], [5])
    assert first_best_ask(tape) == 1001
    # Minutes of means (1001 + 1002 + 1003 + 1002) / 4 and (1000 + 1004) / 2, and one without quotes, at 1004.
    assert time_weighted_ask(tape) == pytest.approx((1002 + 1002 + 1004) / 3, abs=1e-9)
    sizes = (30, 40, 30, 20, 10, 10, 10)
    money = sum(price * size for price, size in zip((1001, 1002, 1003, 1002, 1000, 1004, 1006), sizes, strict=True))
    assert size_weighted_ask(tape) == pytest.approx(money / 150, abs=1e-9)


def test_iso_times_gzip_and_parquet_give_the_same_tape(tmp_path):
    plain = read_quotes(write(tmp_path))
    frame = pd.read_csv(tmp_path / "day.csv")
    stamps = pd.to_datetime(frame["ts_event"], unit="ns", utc=True)
    iso = frame.assign(ts_event=stamps.map(lambda stamp: stamp.isoformat().replace("+00:00", "Z")))
    iso.to_csv(tmp_path / "iso.csv", index=True)
    (tmp_path / "day.csv.gz").write_bytes(gzip.compress(text().encode()))
    frame.to_parquet(tmp_path / "whole.parquet")
    frame.assign(ts_event=stamps).to_parquet(tmp_path / "stamps.parquet")
    for name in ("iso.csv", "day.csv.gz", "whole.parquet", "stamps.parquet"):
        tape = read_quotes(tmp_path / name)
        assert tape.times.tolist() == plain.times.tolist()
        assert (tape.publishers, tape.repeated) == (plain.publishers, plain.repeated)
        assert tape.bids.prices.tolist() == plain.bids.prices.tolist()
        assert tape.asks.sizes.tolist() == plain.asks.sizes.tolist()
        assert tape.trade_sizes.tolist() == plain.trade_sizes.tolist()


def test_asks_alone_are_enough(tmp_path):
    tape = read_quotes(write(tmp_path, "ts_event,publisher_id,ask_px_00,ask_sz_00\n5,1,10.01,7\n"))
    assert (tape.bids, tape.asks.levels(0), len(tape.trade_times)) == (None, ((1001, 7),), 0)
    with pytest.raises(ConfigError, match="no bids"):
        tape.side(Side.BUY)
    with pytest.raises(ConfigError, match="publisher: got '9'"):
        tape.index("9")


def fixed(price):
    return str(round(float(price) * 10**9)) if price else str(2**63 - 1)


def test_integer_prices_are_in_units_of_a_billionth(tmp_path):
    """Databento's own form: fixed-point prices, and the largest integer for none."""
    none = (200, 2, "A", "", "", "", "10.06", 0, 10)
    rows = [*DAY, none, (210, 2, "T", "10.005", "5", "9.97", "10.06", 70, 10)]
    plain = read_quotes(write(tmp_path, text(rows)))
    other = [(*row[:3], fixed(row[3]), row[4], *map(fixed, row[5:7]), *row[7:]) for row in rows]
    tape = read_quotes(write(tmp_path, text(other), "fixed.csv"))
    for side in ("bids", "asks"):
        assert getattr(tape, side).prices.tolist() == getattr(plain, side).prices.tolist()
    assert (tape.trade_prices.tolist(), tape.hidden) == (plain.trade_prices.tolist(), plain.hidden) == ([998], 1)
    between = (220, 2, "A", "", "", "9970000000", "10065000000", 70, 10)
    with pytest.raises(InputError, match="row 12, column 'ask_px_00': got '10065000000'"):
        read_quotes(write(tmp_path, text([*other, between]), "between.csv"))


# Bad rows


def test_a_file_of_bad_rows_alone_names_the_first(tmp_path):
    rows = [(0, 2, "A", "", "", "9.99", "9.98", 50, 30), (1, 2, "A", "", "", "9.99", "10.01", 50, -1)]
    with pytest.raises(InputError, match=r"all 2 rows are bad.* row 2, .*crossed"):
        read_quotes(write(tmp_path, text(rows)), bad="list")


BAD_CELLS = [
    ("ask_sz_00", "-3", "at least 0"),
    ("bid_sz_00", "1.5", "a multiple of 1"),
    ("ask_sz_00", "0", "a size above 0 beside the price in 'ask_px_00'"),
    ("ask_sz_00", "", "a size above 0 beside the price in 'ask_px_00'"),
    ("bid_px_00", "", "a price beside the size in 'bid_sz_00'"),
    ("ask_px_00", "-10.02", "a multiple of 0.01 above 0"),
    ("ask_px_00", "10.015", "a multiple of 0.01 above 0"),
    ("ask_px_00", "inf", "a multiple of 0.01 above 0"),
    ("ask_px_00", "ten", "a multiple of 0.01 above 0"),
    ("ask_px_00", "1e300", "up to 2**53 ticks"),
    ("bid_px_00", "10.02", "less than 'ask_px_00': the quote is crossed"),
    ("bid_px_00", "10.05", "less than 'ask_px_00': the quote is crossed"),
    ("ts_event", "yesterday", "integer nanoseconds"),
    ("ts_event", "1.5", "integer nanoseconds"),
    ("ts_event", "", "integer nanoseconds"),
    ("ts_event", str(2**62), "integer nanoseconds"),
    ("ts_event", str(START_NS), "at least 1722519380000000000 ns, the time of a row before it"),
    ("publisher_id", "", "a publisher"),
    ("price", "", "a number above 0"),
    ("price", "-1", "a number above 0"),
    ("size", "0", "above 0 in a trade"),
    ("size", "-4", "at least 0"),
]


@pytest.mark.parametrize(("column", "cell", "wanted"), BAD_CELLS)
def test_bad_rows_are_named_and_never_lost(tmp_path, column, cell, wanted):
    lines = text().splitlines()
    cells = lines[5].split(",")
    cells[HEADER.split(",").index(column)] = cell
    path = write(tmp_path, "\n".join((*lines[:5], ",".join(cells), *lines[6:])))
    with pytest.raises(InputError) as error:
        read_quotes(path)
    for part in (str(path), "row 6", f"column {column!r}", f"got {cell!r}", wanted):
        assert part in str(error.value)
    tape = read_quotes(path, bad="list")
    (row,) = tape.bad
    assert (row.file, row.row, row.column, row.got) == (str(path), 6, column, cell)
    assert len(tape) + sum(tape.repeated.values()) + len(tape.bad) == len(DAY)


def test_every_bad_row_is_listed_in_the_order_of_the_file(tmp_path):
    rows = [(9 - n, 2, "A", "", "", "10.05" if n % 2 else "9.99", "10.01", 5, 5) for n in range(6)]
    tape = read_quotes(write(tmp_path, text(rows)), bad="list")
    assert [(row.row, row.column) for row in tape.bad] == [
        (3, "bid_px_00"), (4, "ts_event"), (5, "bid_px_00"), (6, "ts_event"), (7, "bid_px_00"),
    ]  # fmt: skip
    with pytest.raises(InputError, match="no quotes"):
        read_quotes(write(tmp_path, text(rows[1:2])), bad="list")


def test_levels_must_be_the_best_first(tmp_path):
    header = "ts_event,publisher_id,ask_px_00,ask_sz_00,ask_px_01,ask_sz_01"
    with pytest.raises(InputError, match=r"row 2, column 'ask_px_01': got '10\.01', wanted worse than 'ask_px_00'"):
        read_quotes(write(tmp_path, f"{header}\n5,1,10.01,7,10.01,3\n"))
    with pytest.raises(InputError, match=r"row 2, column 'ask_px_01': got '10\.01', wanted worse than 'ask_px_00'"):
        read_quotes(write(tmp_path, f"{header}\n5,1,,0,10.01,3\n"))


def test_the_clocks_of_publishers_may_differ(tmp_path):
    rows = [(sec, publisher, "A", "", "", "9.99", "10.01", 5, 5) for sec, publisher in ((5, 1), (3, 2), (6, 1), (4, 2))]
    path = write(tmp_path, text(rows))
    with pytest.raises(InputError, match="row 3, column 'ts_event'"):
        read_quotes(path)
    tape = read_quotes(path, clock="publisher")
    assert ((tape.times - START_NS) // 10**9).tolist() == [3, 4, 5, 6]
    with pytest.raises(InputError, match="row 4, column 'ts_event'"):
        read_quotes(write(tmp_path, text([*rows[:2], rows[1], rows[0], (1, *rows[0][1:])][2:])), clock="publisher")


@pytest.mark.parametrize("column", ["ts_event", "publisher_id", "ask_px_00", "ask_sz_00", "bid_sz_00", "bid_px_00"])
def test_missing_columns_are_named(tmp_path, column):
    path = write(tmp_path, text(header=HEADER.replace(column, "other")))
    with pytest.raises(InputError, match=f"{path.name}: got 0 columns '{column}'"):
        read_quotes(path)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    for name, content in {"a.csv": None, "a.parquet": b"PAR1", "a.csv.gz": b"x", "a.txt": b"", "b.csv": b""}.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            read_quotes(tmp_path / name)
    with pytest.raises(InputError, match="got no quotes"):
        read_quotes(write(tmp_path, HEADER + "\n"))


@pytest.mark.parametrize(
    "bad",
    [{"tick_size": 0}, {"tick_size": float("nan")}, {"lot_size": True}, {"levels": 0}, {"levels": 11}, {"bad": "skip"}],
    ids=str,
)
def test_bad_arguments_are_refused(tmp_path, bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        read_quotes(write(tmp_path), **bad)


@given(cents=st.lists(st.integers(1, 10**9), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_prices_are_exact(cents, tmp_path_factory):
    rows = "".join(f"{n},1,{value // 100}.{value % 100:02},1\n" for n, value in enumerate(cents))
    path = write(tmp_path_factory.mktemp("day"), "ts_event,publisher_id,ask_px_00,ask_sz_00\n" + rows)
    assert read_quotes(path).asks.prices[:, 0].tolist() == cents
