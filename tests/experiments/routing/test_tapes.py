"""Trades and candles of several venues: what is read, joined and refused, and where."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from experiments.routing.tapes import PRESETS, Candle, Feed, Sources, read_folder, read_sources, read_tapes
from marketsim.errors import ConfigError, InputError
from marketsim.table_files import IsoTimes, Texts, read_columns
from tests.data import data_path

FEED = Feed(path="t.csv", venue="x", time="t", price="p", quantity="q", trade_id="id")
CANDLES = Feed(path="c.csv", venue="x", time="t", price="close", quantity="volume", candle=Candle(length_ms=1000))


def tape_of(folder, text, feed=FEED):
    (folder / feed.path).write_text(text)
    return read_tapes(Sources(feeds=(feed,)), folder).trades[feed.venue]


# Recorded markets


def test_three_contracts_of_one_operator():
    tapes = read_folder(data_path("binance-btc-20240808"))
    assert {venue: len(tape) for venue, tape in tapes.trades.items()} == {
        "binance-coinm": 5_235,
        "binance-spot": 19_904,
        "binance-usdm": 21_313,
    }
    assert set(tapes.repeated.values()) == {0}
    frame = pd.read_parquet(data_path("binance-btc-20240808/trades.parquet")).query("venue == 'binance-usdm'")
    frame = frame.sort_values(["trade_time_ms", "trade_id"])
    assert (tapes.trades["binance-usdm"].times == frame["trade_time_ms"]).all()
    assert (tapes.trades["binance-usdm"].prices == frame["price"]).all()
    assert not tapes.sources.fungible
    assert "basis" in tapes.sources.note
    # coinm begins last and usdm, whose file is of one day, ends first.
    assert tapes.window() == (1_723_161_257_679, 1_723_161_599_644)


def test_three_exchanges_by_candles():
    tapes = read_folder(data_path("btcusd-1m-3venues-202303"))
    # 72 of the 30,240 minutes of binanceus have no volume: no trade.
    assert [len(tape) for tape in tapes.trades.values()] == [30_240 - 72, 29_950, 30_179]
    assert list(tapes.trades) == ["binanceus", "coinbase", "kraken"]
    assert tapes.sources.fungible
    frame = pd.read_csv(data_path("btcusd-1m-3venues-202303/kraken_btcusd_1m.csv.gz"))
    kraken = tapes.trades["kraken"]
    assert (kraken.times == frame["open_time_ms"] + 59_999).all()
    assert (kraken.prices == frame["close"]).all()
    assert tapes.window() == (None, None)


# Order and repetition


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), min_size=1, max_size=30, unique_by=lambda t: t[1]),
    st.randoms(use_true_random=False),
)
def test_rows_in_any_order_and_twice_are_the_same_tape(tmp_path_factory, trades, chance):
    # Ids rise with time, as exchanges give them out.
    rows = [
        f"{time},{100 + place},1,{place}"
        for place, time in zip(sorted(i for _, i in trades), sorted(t for t, _ in trades), strict=True)
    ]
    mixed = rows + chance.sample(rows, len(rows) // 2)
    chance.shuffle(mixed)
    folder = tmp_path_factory.mktemp("tapes")
    straight = tape_of(folder, "\n".join(["t,p,q,id", *rows, ""]))
    tangled = tape_of(folder, "\n".join(["t,p,q,id", *mixed, ""]))
    assert tangled.times.tolist() == straight.times.tolist()
    assert tangled.prices.tolist() == straight.prices.tolist() == [100.0 + int(row.split(",")[3]) for row in rows]


def test_trades_of_one_time_keep_the_order_of_their_ids_or_of_the_file(tmp_path):
    assert tape_of(tmp_path, "t,p,q,id\n5,2,1,10\n5,1,1,9\n").prices.tolist() == [1.0, 2.0]
    named = evolve(FEED, trade_id="")
    assert tape_of(tmp_path, "t,p,q,id\n5,2,1,10\n5,1,1,9\n", named).prices.tolist() == [2.0, 1.0]
    # Newest first: then the second of two equal times is the older.
    assert tape_of(tmp_path, "t,p,q,id\n9,3,1,a\n5,2,1,b\n5,1,1,c\n").prices.tolist() == [1.0, 2.0, 3.0]


def test_one_id_with_two_prices_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"t\.csv, row 4: got id '7' again with .* 2\.0, wanted .* 1\.0 as at .*row 2"):
        tape_of(tmp_path, "t,p,q,id\n5,1,1,7\n5,1,1,8\n6,2,1,7\n")


def test_files_of_one_venue_are_joined_and_venues_of_one_file_parted(tmp_path):
    (tmp_path / "day1.csv").write_text("t,p,hall\n1,10,b\n3,30,a\n")
    (tmp_path / "day0.csv").write_text("t,p,hall\n2,20,b\n2,21,a\n")
    feed = Feed(path="day*.csv", venue_column="hall", time="t", price="p")
    tapes = read_tapes(Sources(feeds=(feed,)), tmp_path)
    assert {venue: tape.prices.tolist() for venue, tape in tapes.trades.items()} == {"a": [21, 30], "b": [10, 20]}
    assert tapes.common_window() == (2, 3)
    only = read_tapes(Sources(feeds=(evolve(feed, venue_column="", venue="a", where={"hall": "a"}),)), tmp_path)
    assert only.trades["a"].prices.tolist() == [21, 30]
    assert only.trades["a"].quantities is None


# Time


@pytest.mark.parametrize(
    ("unit", "cells"),
    [
        ("ms", ("1723161255342", "1723161255343")),
        ("us", ("1723161255342000", "1723161255343999")),
        ("ns", ("1723161255342000000", "1723161255343999999")),
        ("s", ("1723161255.342", "1723161255.3439999")),
        ("iso", ("2024-08-08T23:54:15.342Z", "2024-08-09 01:54:15.343999999+02:00")),
    ],
)
def test_every_unit_of_time_becomes_ms(tmp_path, unit, cells):
    text = f"t,p,q,id\n{cells[0]},1,1,1\n{cells[1]},2,1,2\n"
    assert tape_of(tmp_path, text, evolve(FEED, unit=unit)).times.tolist() == [1723161255342, 1723161255343]


def test_order_is_that_of_the_full_time_not_of_its_ms(tmp_path):
    text = "t,p,q,id\n1.0009,2,1,b\n1.0001,1,1,a\n"
    assert tape_of(tmp_path, text, evolve(FEED, unit="s")).prices.tolist() == [1.0, 2.0]


def test_parquet_timestamps_and_texts(tmp_path):
    stamps = pa.array([1, 2], pa.timestamp("us"))
    pq.write_table(pa.table({"t": stamps, "s": ["1970-01-01", "1970-01-02"], "n": [7, 8]}), tmp_path / "t.parquet")
    (times, texts, ids), rows = read_columns(tmp_path / "t.parquet", [IsoTimes("t"), IsoTimes("s"), Texts("n")])
    assert (times.tolist(), texts.tolist(), ids.tolist()) == ([1000, 2000], [0, 86_400 * 10**9], ["7", "8"])
    assert rows.tolist() == [1, 2]


def test_a_wrong_unit_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"row 2, column 't'.*after multiplying by 1000000"):
        tape_of(tmp_path, "t,p,q,id\n1723161255342000000,1,1,1\n", evolve(FEED, unit="ms"))


# Candles


def test_a_candle_is_one_trade_at_its_close_when_it_closes(tmp_path):
    text = "t,open,high,low,close,volume\n1000,5,9,4,6,2\n3000,6,7,6,7,0\n2000,6,6,6,6,1\n2000,6,6,6,6,1\n"
    tape = tape_of(tmp_path, text, CANDLES)
    assert (tape.times.tolist(), tape.prices.tolist(), tape.quantities.tolist()) == ([1999, 2999], [6, 6], [2, 1])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1500,5,9,4,6,2", "column 't': got 1500000000, wanted a multiple of 1000 ms"),
        ("2000,5,9,4,10,2", "column 'close': got 10.0, wanted at most 'high'"),
        ("2000,3,9,4,6,2", "column 'open': got 3.0, wanted at least 'low'"),
        ("2000,5,3,4,5,2", "wanted at most 'high'"),
        ("2000,5,9,4,6,-1", "column 'volume': got '-1', wanted a finite number of at least 0"),
    ],
)
def test_impossible_candles_are_refused(tmp_path, row, message):
    with pytest.raises(InputError) as error:
        tape_of(tmp_path, f"t,open,high,low,close,volume\n1000,5,9,4,6,2\n{row}\n", CANDLES)
    assert "c.csv, row 3" in str(error.value)
    assert message in str(error.value)


# Refused files and configurations


@pytest.mark.parametrize(
    ("feed", "row", "message"),
    [
        (FEED, "nan,1,1,1", "column 't': got 'nan'"),
        (FEED, "5,0,1,1", "column 'p': got '0', wanted a finite number above 0"),
        (FEED, "5,1,x,1", "column 'q': got 'x'"),
        (FEED, "5,1,1,", "column 'id': got '', wanted text of 1 to 100 characters"),
        (evolve(FEED, unit="iso"), "2024-13-01T00:00Z,1,1,1", "got '2024-13-01T00:00Z', wanted a date and time"),
        (evolve(FEED, unit="iso"), "2024-02-30,1,1,1", "wanted a date and time"),
        (evolve(FEED, unit="iso"), "2262-01-01,1,1,1", "wanted a date and time"),
        (evolve(FEED, unit="iso"), "1 May,1,1,1", "wanted a date and time"),
    ],
)
def test_bad_cells_are_refused_with_file_row_column_and_want(tmp_path, feed, row, message):
    with pytest.raises(InputError) as error:
        tape_of(tmp_path, f"t,p,q,id\n{row}\n", feed)
    assert "t.csv, row 2" in str(error.value)
    assert message in str(error.value)


def test_a_folder_says_what_its_files_are(tmp_path):
    with pytest.raises(InputError, match=r"feeds\.toml or one of binance"):
        read_folder(tmp_path)
    (tmp_path / "t.csv").write_text("t,p\n5,1\n")
    toml = 'symbol = "X"\nfungible = false\n[[feeds]]\npath = "t.csv"\nvenue = "x"\ntime = "t"\nprice = "p"\n'
    (tmp_path / "feeds.toml").write_text(toml + "where = { t = 5 }")
    tapes = read_folder(tmp_path)
    assert tapes.trades["x"].times.tolist() == [5]
    assert (tapes.sources.symbol, tapes.sources.fungible) == ("X", False)
    for wrong, message in (("price", "pric"), ('venue = "x"\n', ""), ('path = "t.csv"\n', ""), ("false", "7")):
        (tmp_path / "feeds.toml").write_text(toml.replace(wrong, message))
        with pytest.raises(ConfigError, match=r"feeds\.toml|Feed of|Sources"):
            read_folder(tmp_path)


def test_bad_feeds_are_refused(tmp_path):
    for wrong in ({"venue": ""}, {"venue_column": "v"}, {"unit": "min"}, {"path": ""}, {"where": {"p": 1.0}}):
        with pytest.raises(ConfigError, match="Feed"):
            evolve(FEED, **wrong)
    with pytest.raises(InputError, match=r"no file 'x\*\.csv'"):
        read_tapes(Sources(feeds=(evolve(FEED, path="x*.csv"),)), tmp_path)
    with pytest.raises(InputError, match=r"feeds\.toml: cannot be read"):
        read_sources(tmp_path / "feeds.toml")


def test_a_venue_without_trades_is_kept_without_a_tape(tmp_path):
    (tmp_path / "t.csv").write_text("t,p,q,id\n")
    (tmp_path / "u.csv").write_text("t,p,q,id\n5,1,1,1\n")
    other = evolve(FEED, path="u.csv", venue="y")
    tapes = read_tapes(Sources(feeds=(FEED, other)), tmp_path)
    assert tapes.trades["x"] is None
    assert tapes.common_window() == (5, 6)
    with pytest.raises(InputError, match="no trades"):
        evolve(tapes, trades={"x": None}).common_window()


def test_presets_are_plain_data():
    for sources in PRESETS.values():
        assert json.dumps(sources.note)
        assert np.unique([feed.path for feed in sources.feeds]).size == len(sources.feeds)
