"""Files of books, trades and bars: what is read, what is refused and by which row; tapes of a run; splits."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from agents.recorder import snapshot_columns
from experiments.features.books import read_books, snapshots
from experiments.features.schema import FEATURES, available, names
from experiments.features.splits import EMBARGO, SPLITS, SplitPlan, split_counts
from experiments.features.tapes import quote_bars, read_bars, read_trade_tape, tape_bars, trade_tape
from marketsim.errors import ConfigError, InputError
from marketsim.simulation import Simulation
from marketsim.types import Side, limit_order, market_order
from tests.data import data_path
from tests.experiments.features.build import BUCKET, FIRST, GAP_AT, book_frame, opening
from tests.small_market import Scripted
from venues.clob import ContinuousBook
from venues.fba import BatchAuction


def written(tmp_path, frame, name="books.csv"):
    path = tmp_path / name
    whole = frame.assign(origin_time=frame["origin_time"].astype("int64") // 10**6)
    (whole.to_parquet if name.endswith("parquet") else whole.to_csv)(path, index=False)
    return path


@pytest.mark.parametrize("name", ["books.csv", "books.parquet", "books.csv.gz"])
def test_books_come_back_as_they_were_written(tmp_path, name):
    frame = book_frame(4)
    books = read_books(written(tmp_path, frame, name))
    assert books.bad == ()
    pd.testing.assert_frame_equal(books.frame, frame.assign(origin_time=frame["origin_time"].dt.floor("ms")))


@pytest.mark.parametrize(
    ("row", "column", "value", "wanted"),
    [
        (3, "bid_2_size", -1.0, "at least 0"),
        (3, "ask_0_size", float("inf"), "finite"),
        (0, "bid_0_price", 0.0, "above 0"),
        (5, "ask_4_price", float("nan"), "a price beside the size"),
        (5, "ask_4_size", float("nan"), "a size beside the price"),
        (2, "bid_3_price", 499_999.0, "worse than bid_2_price"),
        (2, "ask_7_price", 1.0, "worse than ask_6_price"),
        (1, "bid_0_price", 5000.0, "crossed"),
    ],
)
def test_a_bad_row_is_named_or_listed(tmp_path, row, column, value, wanted):
    frame = book_frame(2)
    frame.loc[row, column] = value
    path = written(tmp_path, frame)
    with pytest.raises(InputError, match=rf"books.csv, row {row + 2}, column .*wanted.*{wanted}"):
        read_books(path)
    books = read_books(path, bad="list")
    assert [bad.row for bad in books.bad] == [row + 2]
    assert books.bad[0].column == column
    assert len(books.frame) == len(frame) - 1


def test_time_that_runs_backwards_is_named(tmp_path):
    frame = book_frame(2)
    times = frame["origin_time"].tolist()
    times[2], times[3] = times[3], times[1]
    books = read_books(written(tmp_path, frame.assign(origin_time=times)), bad="list")
    assert [(bad.row, bad.column) for bad in books.bad] == [(5, "origin_time")]
    assert "time runs backwards" in books.bad[0].wanted


def test_the_last_snapshot_of_a_bucket_counts_and_gaps_start_segments():
    frame = book_frame(GAP_AT + 2)
    books = snapshots(frame, BUCKET)
    assert books["open_time_ms"].tolist() == opening(GAP_AT + 2)
    assert books["segment"].tolist() == [0] * GAP_AT + [1, 1]
    pd.testing.assert_frame_equal(
        books[snapshot_columns()], frame.iloc[2::3][snapshot_columns()].reset_index(drop=True)
    )
    with pytest.raises(ConfigError, match="wanted times that do not fall"):
        snapshots(frame.iloc[::-1], BUCKET)


def run(venue):
    def post(ctx):
        for level in range(2):
            ctx.submit(limit_order("A", Side.SELL, quantity=5, price=101 + level))
            ctx.submit(limit_order("A", Side.BUY, quantity=5, price=99 - level))

    def take(side, lots):
        return lambda ctx: ctx.submit(market_order("A", side, quantity=lots))

    taker = Scripted("taker", {25: take(Side.BUY, 8), 45: take(Side.SELL, 2)})
    return Simulation(venues={"v": venue}, agents=[Scripted("maker", {1: post}), taker]).run(60).fills


def test_the_tape_of_a_book_has_a_row_a_trade_with_the_takers_side():
    tape = trade_tape(run(ContinuousBook(("A",))), "A", step_ns=10**6, origin_ns=10**9, tick_size=0.5, lot_size=0.1)
    assert tape["time_ns"].tolist() == [10**9 + 25 * 10**6] * 2 + [10**9 + 45 * 10**6]
    assert tape["price"].tolist() == [50.5, 51.0, 49.5]
    assert tape["quantity"].tolist() == pytest.approx([0.5, 0.3, 0.2])
    assert tape["side"].tolist() == [1, 1, -1]
    bars = tape_bars(tape, 10, quiet=9, end_ns=10**9 + 60 * 10**6)
    assert bars["open_time_ms"].tolist() == [1020, 1030, 1040, 1050]
    assert bars["close"].tolist() == [51.0, 51.0, 49.5, 49.5]
    assert bars["open"].tolist() == [50.5, 51.0, 49.5, 49.5]
    assert bars["volume"].tolist() == pytest.approx([0.8, 0, 0.2, 0])
    assert bars["taker_buy_volume"].tolist() == pytest.approx([0.8, 0, 0, 0])


def test_the_tape_of_an_auction_has_a_row_a_clear_and_nobody_takes():
    tape = trade_tape(run(BatchAuction(("A",), pi=10)), "A", step_ns=10**6)
    assert tape["time_ns"].tolist() == [30 * 10**6, 50 * 10**6]
    assert tape["quantity"].tolist() == [8.0, 2.0]
    assert tape["side"].tolist() == [0, 0]
    assert tape_bars(tape, 10)["taker_buy_volume"].tolist() == [4.0, 1.0]


def test_no_trades_no_tape_no_bars():
    fills = Simulation(venues={"v": ContinuousBook(("A",))}, agents=[Scripted("x")]).run(5).fills
    tape = trade_tape(fills, "A", step_ns=1)
    assert len(tape) == len(tape_bars(tape, 10, quiet=3)) == 0


def tape_of():
    """Three trades in two buckets of a second."""
    times = np.array([100, 200, 1100]) * 10**6
    return pd.DataFrame(
        {"time_ns": times, "price": [10.0, 12.0, 11.0], "quantity": [1.0, 3.0, 2.0], "side": [1, -1, 1]}
    )


def test_bars_that_are_none_are_refused(tmp_path):
    path = tmp_path / "bars.csv"
    path.write_text("timestamp,open,high,low,close\n2024-01-01 00:00,1,2,1,2\n2024-01-01 00:01,1,1.5,1,2\n")
    with pytest.raises(InputError, match=r"bars.csv, row 3: .*wanted low <= open, close <= high"):
        read_bars(path)
    path.write_text("timestamp,open,high,low,close\n2024-01-01 00:01,1,2,1,2\n2024-01-01 00:01,1,2,1,2\n")
    with pytest.raises(InputError, match=r"row 3, column 'timestamp'.*wanted times that rise"):
        read_bars(path)


def test_bars_have_what_the_file_says_and_nan_for_the_rest(tmp_path):
    path = tmp_path / "bars.csv"
    path.write_text("symbol,open_time_ms,high,low,close,spread_bps\na,60000,2,1,2,-0.5\na,120000,2,1,1,\n")
    bars = read_bars(path, bucket_ms=60_000)
    assert bars["open_time_ms"].tolist() == [60_000, 120_000]
    assert bars["close"].tolist() == [2.0, 1.0]
    assert bars["spread_bps"].tolist() == pytest.approx([-0.5, np.nan], nan_ok=True)
    unknown = ["open", "volume", "taker_buy_volume", "book_microprice_basis_bps"]
    assert bars[unknown].isna().all(axis=None)
    whole = tape_bars(tape_of(), 1000)
    whole.to_parquet(tmp_path / "bars.parquet")
    pd.testing.assert_frame_equal(read_bars(tmp_path / "bars.parquet", bucket_ms=1000), whole)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("120001,2,1,1,0", "column 'open_time_ms': got 120001000000, wanted a multiple of 60000000000 ns"),
        ("120000,2,1,1,inf", "column 'spread_bps': got inf, wanted a finite number, or nothing"),
        ("120000,2,1,1,x", "column 'spread_bps': got 'x'"),
        ("120000,2,1,3,0", "got high 2.0, low 1.0, close 3.0, wanted low <= open, close <= high"),
    ],
)
def test_a_bad_bar_of_another_layout_is_named(tmp_path, line, wanted):
    path = tmp_path / "bars.csv"
    path.write_text(f"open_time_ms,high,low,close,spread_bps\n60000,2,1,2,0.5\n{line}\n")
    with pytest.raises(InputError, match=re.escape("bars.csv, row 3") + ".*" + re.escape(wanted)):
        read_bars(path, bucket_ms=60_000)


def test_recorded_data_is_read():
    folder = data_path("binance-btc-20240808")
    columns = {"time": "trade_time_ms", "price": "price", "quantity": "qty", "taker_sold": "buyer_is_maker"}
    tape = read_trade_tape(folder / "trades.parquet", **columns, where={"venue": "binance-usdm"})
    assert len(tape) == 21_313
    books = read_books(folder / "book20_binance-usdm.parquet")
    assert len(books.frame) == 6547
    bars = quote_bars(
        *(read_bars(data_path("fxcm-gbpusd-m1-201202") / f"gbpusd-m1-{side}-2012.csv.gz") for side in ("bid", "ask"))
    )
    assert len(bars) == 30_117
    assert (bars["spread_bps"] < 0).sum() == 347  # as the provenance says


@given(st.lists(st.integers(0, 300), min_size=8, max_size=80, unique=True), st.integers(0, 30))
def test_splits_follow_time_and_no_label_reaches_the_next(times, embargo):
    times = np.sort(np.array(times)) * 10
    plan = SplitPlan(embargo_ms=embargo, shares=(0.25, 0.25, 0.25, 0.25))
    splits = plan.split(times)
    counts = split_counts(splits)
    assert sum(counts.values()) == len(times)
    starts = plan.starts(times)
    for number, name in enumerate(SPLITS[:-1]):
        assert (times[splits == name] + embargo < starts[number]).all()
        assert (times[splits == SPLITS[number + 1]] >= starts[number]).all()
    kept = [SPLITS.index(name) for name in splits if name != EMBARGO]
    assert kept == sorted(kept)
    assert SplitPlan(embargo_ms=0).split(times).tolist().count(EMBARGO) == 0


@pytest.mark.parametrize(
    "bad",
    [(0.5, 0.5), (0.5, 0.5, 0.5, -0.5), (0.4, 0.2, 0.2, 0.3), (1.0, 0.0, 0.0, 0.0), (float("nan"), 0.1, 0.1, 0.1)],
)
def test_shares_that_are_none_are_refused(bad):
    with pytest.raises(ConfigError, match=r"SplitPlan\.shares"):
        SplitPlan(embargo_ms=0, shares=bad)


def test_every_feature_has_a_whole_row_in_the_schema():
    assert len(FEATURES) == 26
    assert len(set(names(FEATURES))) == 26
    for row in FEATURES:
        assert all(value for name, value in asdict(row).items() if name != "window"), row.name


def test_features_without_a_value_are_not_available():
    frame = pd.DataFrame({"open_time_ms": [FIRST, 1, 2], "a": [np.nan, 1.0, 2.0], "b": [np.nan] * 3})
    assert available(frame, ["a", "b"]) == ["a"]
