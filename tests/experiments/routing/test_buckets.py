"""Buckets of time: causal, whole, and honest about who had which price."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.routing.buckets import Panel, panel, width_ms
from experiments.routing.tapes import read_folder
from marketsim.errors import ConfigError, InputError
from marketsim.tape import TradeTape
from tests.data import data_path

NAN = float("nan")
TRADES = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 5)), max_size=25)
VENUES = st.lists(TRADES, min_size=2, max_size=4).filter(any)


def tape(*trades):
    ordered = sorted(trades, key=lambda trade: trade[0])
    return TradeTape([t for t, _ in ordered], [float(p) for _, p in ordered]) if trades else None


def tapes_of(venues):
    return {f"v{place}": tape(*trades) for place, trades in enumerate(venues)}


def by_the_book(venues, width, start, end):
    """The definition, bucket by bucket: last trade so far, buckets before any price dropped."""
    rows = []
    for bucket in range(start // width, (end - 1) // width + 1):
        close = min((bucket + 1) * width, end)
        past = [[p for t, p in sorted(trades, key=lambda trade: trade[0]) if t < close] for trades in venues]
        rows.append((bucket * width, [float(prices[-1]) if prices else NAN for prices in past]))
    while rows and np.isnan(rows[0][1]).all():
        rows.pop(0)
    return rows


# Recorded markets


def test_recorded_trades_fall_into_the_seconds_that_their_provenance_counts():
    tapes = read_folder(data_path("binance-btc-20240808"))
    start, end = tapes.window()
    cut = panel(tapes.trades, width="1 s", start=start, end=end)
    table = cut.coverage().set_index("venue")
    assert len(cut) == 343
    # Seconds with a trade: coinm 201, usdm all (PROVENANCE.md); the best venue is always spot: a basis, not a race.
    assert (table["own_share"] * 343).round().astype(int).to_dict() == {
        "binance-coinm": 201,
        "binance-spot": 341,
        "binance-usdm": 343,
    }
    assert table["best_share"].to_dict() == {"binance-coinm": 0.0, "binance-spot": 1.0, "binance-usdm": 0.0}
    assert table["trades"].sum() == sum(
        ((tape.times >= start) & (tape.times < end)).sum() for tape in tapes.trades.values()
    )


def test_recorded_candles_fill_three_weeks_of_minutes():
    tapes = read_folder(data_path("btcusd-1m-3venues-202303"))
    cut = panel(tapes.trades, width=tapes.sources.width_ms)
    assert len(cut) == 21 * 24 * 60
    assert not np.isnan(cut.prices).any()
    assert cut.counts.max() == 1
    assert cut.counts.sum(axis=0).tolist() == [30_168, 29_950, 30_179]
    table = cut.coverage().set_index("venue")
    # The absent minutes of Coinbase are mostly one outage.
    assert table.loc["coinbase", "carried_max"] == 277
    assert table["best_share"].between(0.15, 0.5).all()


# Properties


@given(VENUES, st.integers(1, 90))
def test_buckets_are_what_they_are_defined_to_be(venues, width):
    cut = panel(tapes_of(venues), width=width)
    times = [t for trades in venues for t, _ in trades]
    rows = by_the_book(venues, width, min(times), max(times) + 1)
    assert cut.starts.tolist() == [start for start, _ in rows]
    np.testing.assert_array_equal(cut.prices, [prices for _, prices in rows])
    for place, trades in enumerate(venues):
        assert cut.counts[:, place].tolist() == [
            sum(start <= t < start + width for t, _ in trades) for start in cut.starts.tolist()
        ]
    for prices, best in zip(cut.prices, cut.best, strict=True):
        assert best.tolist() == [price == np.nanmax(prices) for price in prices]


@given(VENUES, VENUES, st.integers(1, 60), st.integers(0, 7), st.integers(0, 2**32))
def test_what_comes_after_a_bucket_changes_nothing_up_to_it(venues, future, width, bucket, seed):
    close = (bucket + 1) * width
    past = [[trade for trade in trades if trade[0] < close] for trades in venues]
    other = [trades + [(t + close, 9 * p) for t, p in future[i % len(future)]] for i, trades in enumerate(past)]
    draws = np.random.Generator(np.random.PCG64(seed)).random(1000)
    seen = []
    for world in (venues, other):
        if not any(past):
            return
        cut = panel(tapes_of(world), width=width, start=0, end=1000 * width)
        keep = int((cut.starts < close).sum())
        labels = cut.labels("draw", draws[: len(cut)])
        seen.append([part[:keep].tolist() for part in (cut.starts, cut.counts, cut.best, labels, cut.labels())])
        seen[-1].append(np.nan_to_num(cut.prices[:keep]).tolist())
        # The direction of a bucket is that of the next one: known one bucket later.
        starts, moves = cut.directions()
        seen[-1].append(moves[starts < close - width].tolist())
    assert seen[0] == seen[1]


@given(VENUES, st.integers(1, 60), st.integers(0, 2**32))
def test_labels_name_the_best_and_only_the_best(venues, width, seed):
    cut = panel(tapes_of(venues), width=width)
    draws = np.random.Generator(np.random.PCG64(seed)).random(len(cut))
    shared, drawn = cut.labels(), cut.labels("draw", draws)
    assert ((shared == 1) == cut.best).all()
    assert ((drawn == 1).sum(axis=1) == 1).all()
    assert (cut.best | (drawn == -1)).all()
    assert not ((shared == 1) & np.isnan(cut.prices)).any()
    assert np.unique([*shared.ravel(), *drawn.ravel()]).tolist() in ([-1, 1], [1])


def test_a_tie_is_drawn_evenly():
    cut = Panel(("a", "b", "c"), np.arange(3000), np.tile([2.0, 2.0, 1.0], (3000, 1)), 1)
    drawn = cut.labels("draw", (np.arange(3000) + 0.5) / 3000)
    assert ((drawn + 1) / 2).sum(axis=0).tolist() == [1500, 1500, 0]


# Examples


def test_an_example_by_hand():
    trades = {"a": tape((1000, 5), (1999, 6), (4000, 4)), "b": tape((2500, 6)), "c": None}
    cut = panel(trades, width="1 s", start=0, end=5000)
    assert cut.starts.tolist() == [1000, 2000, 3000, 4000]
    np.testing.assert_array_equal(cut.prices, [[6, NAN, NAN], [6, 6, NAN], [6, 6, NAN], [4, 6, NAN]])
    assert cut.labels().tolist() == [[1, -1, -1], [1, 1, -1], [1, 1, -1], [-1, 1, -1]]
    assert cut.labels("draw", [0.9, 0.49, 0.5, 0.0]).tolist() == [[1, -1, -1], [1, -1, -1], [-1, 1, -1], [-1, 1, -1]]
    table = cut.coverage().set_index("venue")
    assert table.loc["a"].tolist() == [3, 1000, 4000, 0.5, 1.0, 0.75, 0.5, 2 / 3, 2]
    assert table.loc["b"].tolist() == [1, 2500, 2500, 0.25, 0.75, 0.75, 0.5, 2 / 3, 2]
    assert table.loc["c"].tolist()[0] == 0
    assert table.loc["c", ["first", "last"]].isna().all()
    # The third never has a price: no bucket is fully observed.
    assert [len(part) for part in cut.directions()] == [0, 0]
    starts, moves = panel({"a": trades["a"], "b": trades["b"]}, width=1000).directions()
    assert (starts.tolist(), moves.tolist()) == ([2000, 3000], [[-1, -1], [-1, -1]])


def test_a_window_takes_its_first_price_from_before_it_and_nothing_from_after():
    trades = {"a": tape((0, 5), (700, 6), (1250, 7), (1900, 8))}
    cut = panel(trades, width=500, start=1100, end=1300)
    assert (cut.starts.tolist(), cut.prices.ravel().tolist(), cut.counts.ravel().tolist()) == ([1000], [7], [1])
    assert panel(trades, width=500, start=1100, end=1200).prices.tolist() == [[6]]


@pytest.mark.parametrize(("width", "ms"), [(250, 250), ("250 ms", 250), ("250ms", 250), ("60 s", 60_000)])
def test_widths(width, ms):
    assert width_ms(width) == ms


@pytest.mark.parametrize("width", [0, -1, 1.0, True, "1", "s", "0 s", "1.5 s", "1 min", None])
def test_bad_widths_are_refused(width):
    with pytest.raises(ConfigError, match="width: got"):
        panel({"a": tape((0, 1))}, width=width)


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(InputError, match="no trades at any venue"):
        panel({"a": None})
    with pytest.raises(InputError, match="no trade before 5"):
        panel({"a": tape((9, 1))}, start=0, end=5)
    with pytest.raises(InputError, match="are times in ms"):
        panel({"a": tape((0, 1), (1_723_161_255_342_000_000, 1))})
    with pytest.raises(InputError, match="are times in ms"):
        panel({"a": tape((0, 1))}, start=5000, end=4000)
    cut = panel({"a": tape((0, 1))})
    for ties, draws in (("draw", None), ("shared", [0.5]), ("first", [0.5]), ("draw", [1.0]), ("draw", [0.1, 0.1])):
        with pytest.raises(ConfigError, match="labels"):
            cut.labels(ties, draws)


@pytest.mark.parametrize(
    ("starts", "prices"),
    [
        ([0, 2], [[1.0], [1.0]]),
        ([1, 2], [[1.0], [0.0]]),
        ([1, 2], [[1.0], [NAN]]),
        ([1, 2], [[1.0], [float("inf")]]),
        ([1, 2], [[NAN], [1.0]]),
        ([1, 2], [[1.0, 1.0], [1.0, 1.0]]),
    ],
)
def test_bad_panels_are_refused(starts, prices):
    with pytest.raises(InputError, match="Panel"):
        Panel(("a",), starts, prices, 1)
