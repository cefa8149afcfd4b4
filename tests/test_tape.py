"""Recorded trades: what is read, what is refused and where, and when a feed tells it."""

from __future__ import annotations

import gzip
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.errors import ConfigError, InputError
from marketsim.fairvalue import HistoricalPath
from marketsim.table_files import IsoTimes, read_columns
from marketsim.tape import TradeFeed, TradeTape, nearest_units, read_trades
from marketsim.types import Feed
from tests.data import data_path

COLUMNS = {"time": "stamp", "price": "px", "quantity": "size"}
TEXT = "venue,stamp,px,size\nx,10,1.5,2\ny,11,9,9\n\nx,12,0.1,3e-1\nx,12,7,1\n"


@pytest.fixture
def write(tmp_path):
    def writer(text, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return writer


@pytest.fixture
def write_parquet(tmp_path):
    def writer(**columns):
        path = tmp_path / "t.parquet"
        pq.write_table(pa.table(columns), path)
        return path

    return writer


# Recorded markets


def test_recorded_spot_trades_are_read_whole():
    path = data_path("binance-btc-20240808/trades.parquet")
    tape = read_trades(path, time="trade_time_ms", price="price", quantity="qty", where={"venue": "binance-spot"})
    frame = pd.read_parquet(path).query("venue == 'binance-spot'")
    assert len(tape) == 19_904
    assert (tape.times == frame["trade_time_ms"]).all()
    assert (tape.prices == frame["price"]).all()
    assert (tape.quantities == frame["qty"]).all()
    fair = HistoricalPath.from_tapes({"BTC": tape}, step=100, tick_size=0.01)
    feed = TradeFeed(tape, "BTC", "spot", tick_size=0.01, step=100, lot_size=0.00001)
    told = []
    while (now := feed.next_time()) is not None:
        trades = feed.emit()
        told += trades
        assert round(fair.at("BTC", now)) == trades[-1].price
    assert len(told) == 19_904
    assert sum(t.quantity for t in told) == sum(round(Fraction(Decimal(str(q))) * 100_000) for q in frame["qty"])


def test_recorded_executions_without_header_and_with_decimal_seconds():
    path = data_path("lobster-aapl-20120621-l1/AAPL_2012-06-21_34200000_57600000_message_1.csv.gz")
    header = ("time", "type", "order", "size", "price", "direction")
    tape = read_trades(
        path, time="time", price="price", quantity="size", where={"type": 4}, header=header, time_scale=10**9
    )
    assert len(tape) == 23_658
    seconds = pd.read_csv(path, names=header, dtype=str).query("type == '4'")["time"]
    assert tape.times.tolist() == [int(Decimal(text) * 10**9) for text in seconds]


# Reading


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "T.CSV"])
def test_csv_is_read_with_its_filter_and_rows(write, name):
    tape = read_trades(write(TEXT, name), **COLUMNS, where={"venue": "x"})
    assert tape.times.tolist() == [10, 12, 12]
    assert tape.prices.tolist() == [1.5, 0.1, 7.0]
    assert tape.quantities.tolist() == [2.0, 0.3, 1.0]
    assert tape.rows.tolist() == [2, 5, 6]
    assert read_trades(write(TEXT, name), time="stamp", price="px").quantities is None


def test_parquet_is_read_as_the_same_tape(write, write_parquet):
    path = write_parquet(
        venue=["x", "y", None, "x", "x"],
        stamp=pa.array([10, 11, 5, 12, 12], pa.timestamp("ms")),
        px=[1.5, 9.0, 1.0, 0.1, 7.0],
        size=pa.array([Decimal("2.0"), Decimal(9), None, Decimal("0.3"), Decimal(1)]),
    )
    one = read_trades(path, **COLUMNS, where={"venue": "x"})
    other = read_trades(write(TEXT), **COLUMNS, where={"venue": "x"})
    for part in ("times", "prices", "quantities"):
        assert getattr(one, part).tolist() == getattr(other, part).tolist()
    assert one.rows.tolist() == [1, 4, 5]


def test_csv_decimals_are_the_nearest_floats(write):
    digits = "0.1000000000000000055511151231257827021181583404541015625"
    assert read_trades(write(f"t,p\n1,{digits}\n"), time="t", price="p").prices[0] == 0.1


def test_time_scale_makes_decimal_stamps_whole(write):
    tape = read_trades(write("t,p\n34200.004,1\n34200.0045,1\n"), time="t", price="p", time_scale=10_000)
    assert tape.times.tolist() == [342_000_040, 342_000_045]


# Refused files

BAD_ROWS = [
    ("px", "nan", "above 0"),
    ("px", "inf", "above 0"),
    ("px", "-1", "above 0"),
    ("px", "0", "above 0"),
    ("px", "1e400", "above 0"),
    ("px", "1e999", "above 0"),
    ("px", "1_0", "above 0"),
    ("px", "", "above 0"),
    ("px", "ten", "above 0"),
    ("px", "\uff11", "above 0"),
    ("size", "-3", "above 0"),
    ("size", "nan", "above 0"),
    ("stamp", "12.5", "an integer"),
    ("stamp", "nan", "an integer"),
    ("stamp", "", "an integer"),
    ("stamp", "1_3", "an integer"),
    ("stamp", str(2**80), "an integer"),
    ("stamp", "9" * 5000, "an integer"),
    ("stamp", "9", "at least 11, the time of the trade before it"),
]


@pytest.mark.parametrize(("column", "cell", "wanted"), BAD_ROWS)
def test_bad_cells_are_refused_with_file_row_column_and_want(write, column, cell, wanted):
    row = {"stamp": "12", "px": "1.5", "size": "1"} | {column: cell}
    path = write(f"stamp,px,size\n10,1,1\n11,1,1\n{row['stamp']},{row['px']},{row['size']}\n13,2,2\n")
    with pytest.raises(InputError) as error:
        read_trades(path, **COLUMNS)
    message = str(error.value)
    came = f"got {cell}" if cell == "9" else f"got '{cell}'"[:80]
    for part in (str(path), "row 4", f"column '{column}'", came, wanted):
        assert part in message


@pytest.mark.parametrize("cell", ["1.23456", "nan", "1e30", "abc"])
def test_scaled_stamps_that_are_not_whole_are_refused(write, cell):
    with pytest.raises(InputError, match=r"row 2, column 't'.*multiplying by 1000"):
        read_trades(write(f"t,p\n{cell},1\n"), time="t", price="p", time_scale=1000)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("px", [1.0, float("nan"), 2.0], "row 2, column 'px': got nan"),
        ("px", [1.0, 2.0, float("inf")], "row 3, column 'px': got inf"),
        ("px", [1.0, -2.0, 2.0], "row 2, column 'px': got -2.0"),
        ("px", [1.0, None, 2.0], "row 2, column 'px': got None"),
        ("px", ["1", "2", "3"], "column 'px': got type string"),
        ("size", [1, 0, 2], "row 2, column 'size': got 0.0"),
        ("stamp", [5, 4, 6], "row 2, column 'stamp': got 4, wanted at least 5"),
        ("stamp", [5, None, 6], "row 2, column 'stamp': got None"),
        ("stamp", [5, 6, 2**62], "row 3, column 'stamp'"),
        ("stamp", [5, -(2**63), 6], "row 2, column 'stamp'"),
        ("stamp", [1.0, 2.0, 3.0], "column 'stamp': got type double"),
    ],
)
def test_bad_parquet_cells_are_refused(write_parquet, column, values, message):
    columns = {"stamp": [1, 2, 3], "px": [1.0, 2.0, 3.0], "size": [1, 2, 3]} | {column: values}
    with pytest.raises(InputError) as error:
        read_trades(write_parquet(**columns), **COLUMNS)
    assert message in str(error.value)


def test_scaled_parquet_stamps_stay_within_bounds(write_parquet):
    path = write_parquet(stamp=[1, 2**55], px=[1.0, 1.0])
    assert read_trades(path, time="stamp", price="px", time_scale=2).times.tolist() == [2, 2**56]
    message = "got 36028797018963968, wanted an integer between -2**61 and 2**61 after multiplying by 1000"
    with pytest.raises(InputError, match=re.escape(f"row 2, column 'stamp': {message}")):
        read_trades(path, time="stamp", price="px", time_scale=1000)


@pytest.mark.parametrize(
    ("unit", "stamp", "came"),
    [
        ("ms", 8835955200000, "2250-01-01T00:00:00.000"),
        ("ns", -(2**61) - 1, "1896-12-06T00:03:10.786306047"),
        ("us", 2**60, "38504-08-17T21:30:06.846976"),
    ],
)
def test_dates_out_of_bounds_are_named_as_dates(write_parquet, unit, stamp, came):
    path = write_parquet(when=pa.array([0, stamp], pa.timestamp(unit, "UTC")))
    with pytest.raises(InputError, match=rf"row 2, column 'when': got {came}, wanted a date .*, from 1897 to 2042"):
        read_columns(path, [IsoTimes("when")])
    bound = {"ms": 2**61 // 10**6, "us": 2**61 // 1000, "ns": -(2**61)}[unit]
    path = write_parquet(when=pa.array([0, bound], pa.timestamp(unit, "UTC")))
    [times], _ = read_columns(path, [IsoTimes("when")])
    assert 2**61 - 10**6 < abs(times[1]) <= 2**61


def test_row_numbers_survive_the_filter(write_parquet):
    path = write_parquet(venue=["y", "x", "y", "x"], stamp=[1, 2, 3, 4], px=[1.0, 1.0, 1.0, -1.0])
    with pytest.raises(InputError, match="row 4, column 'px'"):
        read_trades(path, time="stamp", price="px", where={"venue": "x"})
    assert len(read_trades(path, time="stamp", price="px", where={"venue": "y"})) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "0 columns 'stamp'"),
        ("stamp,size\n1,1\n", "0 columns 'px'"),
        ("stamp,px,size,px\n1,1,1,1\n", "2 columns 'px'"),
        ("stamp,px,size\n", "got no trades"),
        ("stamp,px,size\n1,1\n", "row 2: got 2 fields, wanted 3"),
        ("stamp,px,size\n1,1,1,1\n", "row 2: got 4 fields, wanted 3"),
    ],
)
def test_files_of_the_wrong_shape_are_refused(write, text, message):
    with pytest.raises(InputError) as error:
        read_trades(write(text), **COLUMNS)
    assert message in str(error.value)


def test_files_that_cannot_be_read_are_refused(write, write_parquet, tmp_path):
    good = write(TEXT, "t.csv.gz").read_bytes()
    broken = {
        "missing.csv": None,
        "missing.parquet": None,
        "cut.csv.gz": good[:-9],
        "not.csv.gz": TEXT.encode(),
        "not.parquet": b"PAR1 but no more",
        "latin.csv": b"stamp,px,size\n1,\xe9,1\n",
        "t.feather": b"",
    }
    for name, content in broken.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            read_trades(tmp_path / name, **COLUMNS)
    for where, message in (({"venue": "z"}, "no row where"), ({"hall": "x"}, "0 columns 'hall'")):
        with pytest.raises(InputError, match=message):
            read_trades(write(TEXT), **COLUMNS, where=where)
    path = write_parquet(venue=["x"], stamp=[1], px=[1.0])
    for where in ({"venue": "z"}, {"venue": 3}, {"hall": "x"}):
        with pytest.raises(InputError, match=r"t\.parquet"):
            read_trades(path, time="stamp", price="px", where=where)


@pytest.mark.parametrize("scale", [0, -1, 1.0, True, 10**19])
def test_bad_time_scales_are_refused(write, scale):
    with pytest.raises(ConfigError, match="time_scale"):
        read_trades(write(TEXT), **COLUMNS, time_scale=scale)


@pytest.mark.parametrize(
    "arrays",
    [
        ([], []),
        ([1, 2], [1.0]),
        ([1.5], [1.0]),
        ([[1]], [1.0]),
        ([1], [float("nan")]),
        ([1], [1.0], [0.0]),
        ([1], [1.0], [1.0, 2.0]),
        ([2, 1], [1.0, 1.0]),
    ],
)
def test_bad_arrays_are_refused(arrays):
    with pytest.raises(InputError):
        TradeTape(*arrays)


def test_a_tape_is_a_read_only_copy():
    prices = np.array([1.0, 2.0])
    tape = TradeTape([1, 2], prices)
    prices[0] = 9.0
    assert tape.prices.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        tape.times[0] = 5


# To ticks and lots


def test_nearest_units_takes_halves_to_even_and_is_exact():
    assert nearest_units([0.5, 1.5, 2.5, -0.5, 1.4999999], 1.0).tolist() == [0, 2, 2, 0, 1]
    # In floating point 0.15 / 0.1 is just below 1.5 and 0.35 / 0.1 is 3.4999999999999996.
    assert nearest_units([0.15, 0.35, 61837.63], 0.1).tolist() == [2, 4, 618376]
    assert nearest_units([], 0.1).tolist() == []
    with pytest.raises(ConfigError, match="units"):
        nearest_units([1e10], 1e-9)


@given(value=st.decimals("0.0001", "99999", places=4), unit=st.sampled_from(["0.01", "0.05", "0.1", "0.25", "3"]))
def test_nearest_units_is_the_rounded_fraction(value, unit):
    assert nearest_units([float(value)], float(unit)).tolist() == [round(Fraction(value) / Fraction(unit))]


# The feed


def test_feed_tells_trades_at_the_first_step_not_before_them():
    tape = TradeTape([100, 105, 106, 110, 111], [1.0, 2.0, 3.04, 4.0, 5.0], [1.0, 0.2, 2.5, 4.0, 6.0])
    feed = TradeFeed(tape, "BTC", "tape", tick_size=0.1, step=5, lot_size=1.0)
    events = []
    while (now := feed.next_time()) is not None:
        events += [(now, event) for event in feed.emit()]
    assert [(now, e.price, e.quantity) for now, e in events] == [
        (0, 10, 1),
        (1, 20, 1),
        (2, 30, 2),
        (2, 40, 4),
        (3, 50, 6),
    ]
    assert events[0][1] == Feed("BTC", 10, 1, "tape")
    assert all(type(e.price) is type(e.quantity) is type(now) is int for now, e in events)
    assert (len(feed), feed.emit()) == (0, [])


def test_feed_leaves_out_what_was_before_its_start():
    tape = TradeTape([100, 105, 110], [1.0, 2.0, 3.0])
    feed = TradeFeed(tape, "BTC", "tape", tick_size=1.0, step=5, start=105)
    assert feed.next_time() == 0
    assert feed.emit() == [Feed("BTC", 2, 1, "tape")]
    assert TradeFeed(tape, "BTC", "tape", tick_size=1.0, step=5, start=50).next_time() == 10
    assert TradeFeed(tape, "BTC", "tape", tick_size=1.0, step=5, start=500).next_time() is None


@given(gaps=st.lists(st.integers(0, 9), min_size=1, max_size=30), step=st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_feed_and_historical_path_agree_at_every_step(gaps, step):
    times = [7, *(7 + np.cumsum(gaps)).tolist()]
    if times[-1] == 7:
        return
    tape = TradeTape(times, [float(n) for n in range(1, len(times) + 1)])
    fair = HistoricalPath.from_tapes({"A": tape}, step=step, tick_size=1.0)
    feed = TradeFeed(tape, "A", "tape", tick_size=1.0, step=step)
    last = None
    for now in range(fair.horizon + 1):
        if feed.next_time() == now:
            last = feed.emit()[-1].price
        assert fair.at("A", now) == last
    assert feed.next_time() is None


@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), float("inf"), True, "1", None])
@pytest.mark.parametrize("argument", ["tick_size", "lot_size", "step"])
def test_bad_feed_arguments_are_refused(argument, bad):
    with pytest.raises(ConfigError, match=f"TradeFeed.{argument}"):
        TradeFeed(TradeTape([1], [1.0]), "A", "tape", **({"tick_size": 1.0, "step": 1} | {argument: bad}))


def test_a_tick_that_makes_prices_vanish_is_refused():
    with pytest.raises(ConfigError, match="0 ticks"):
        TradeFeed(TradeTape([1, 2], [1.0, 100.0]), "A", "tape", tick_size=10.0, step=1)
