"""Outflow: what leaves a queue within a horizon, and nothing that had not happened by the decision."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.quotes.outflow import OutflowWindow, decreases, outflow_samples
from experiments.quotes.read import read_quotes
from experiments.quotes.tape import Ladder, QuoteTape
from marketsim.errors import ConfigError
from marketsim.types import Side
from tests.experiments.quotes.days import START_NS, write


def tape_of(rows) -> QuoteTape:
    """A tape of one publisher: (time, bid, lots) of each quote."""
    times, prices, sizes = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    none = np.zeros(0, dtype=np.int64)
    bids = Ladder(prices=prices[:, None], sizes=sizes[:, None])
    return QuoteTape(
        name="tape",
        publishers=("1",),
        times=times,
        publisher=np.zeros(len(times), dtype=np.int64),
        bids=bids,
        asks=Ladder(prices=200 - bids.prices, sizes=bids.sizes),
        trade_times=none,
        trade_publisher=none,
        trade_prices=none,
        trade_sizes=none,
    )


def test_decreases_by_hand():
    prices = np.array([10, 10, 10, 9, 9, 11, 11, 0, 10])
    sizes = np.array([50, 30, 45, 40, 40, 5, 2, 0, 7])
    assert decreases(prices, sizes, Side.BUY).tolist() == [20, 0, 45, 0, 0, 3, 2, 0]
    assert decreases(-prices, sizes, Side.SELL).tolist() == [20, 0, 45, 0, 0, 3, 2, 0]


def test_samples_by_hand(tmp_path):
    tape = read_quotes(write(tmp_path))
    window = OutflowWindow(60 * 10**9)
    # Publisher 2 bids 50 then 20 at 9.99 (0 s, 20 s), 80 at 9.97 (90 s), 70 there (185 s): 30, 20 and 10 lots leave.
    asked = {"side": Side.BUY, "window": window}
    at_180 = outflow_samples(tape, "2", before_ns=START_NS + 180 * 10**9, **asked)
    assert at_180.tolist() == [30, 20, 0]
    at_190 = outflow_samples(tape, "2", before_ns=START_NS + 190 * 10**9, **asked)
    assert at_190.tolist() == [30, 20, 10]  # from 10 s, 70 s and 130 s
    asks = outflow_samples(tape, "39", side=Side.SELL, before_ns=START_NS + 61 * 10**9, window=window)
    assert asks.tolist() == [20]  # 40 to 20, then a better price


def test_a_change_at_the_decision_or_at_the_end_of_a_window_is_in_the_next():
    tape = tape_of([(0, 10, 50), (10, 10, 40), (20, 10, 35), (30, 10, 1)])
    asked = {"side": Side.BUY, "window": OutflowWindow(10)}
    assert outflow_samples(tape, "1", before_ns=20, **asked).tolist() == [0, 10]
    assert outflow_samples(tape, "1", before_ns=21, **asked).tolist() == [10, 5]
    assert outflow_samples(tape, "1", before_ns=9, **asked).tolist() == []
    assert outflow_samples(tape, "1", before_ns=0, **asked).tolist() == []
    overlapping = OutflowWindow(10, stride_ns=1, samples_max=3)
    assert outflow_samples(tape, "1", side=Side.BUY, before_ns=21, window=overlapping).tolist() == [10, 10, 5]


quotes = st.lists(st.tuples(st.integers(1, 9), st.integers(98, 100), st.integers(0, 50)), min_size=1, max_size=40)


def with_times(rows):
    times = np.cumsum([gap for gap, _, _ in rows]).tolist()
    return [(time, bid, lots) for time, (_, bid, lots) in zip(times, rows, strict=True)]


@given(rows=quotes, before=st.integers(0, 200), horizon=st.integers(1, 40), side=st.sampled_from(Side))
@settings(max_examples=100, deadline=None)
def test_nothing_from_the_decision_on_is_used(rows, before, horizon, side):
    rows = with_times(rows)
    asked = {"side": side, "before_ns": before, "window": OutflowWindow(horizon)}
    poisoned = [(time, bid, lots) if time < before else (time, 1, 10**6) for time, bid, lots in rows]
    cut = [row for row in rows if row[0] < before]
    samples = outflow_samples(tape_of(rows), "1", **asked).tolist()
    assert samples == outflow_samples(tape_of(poisoned), "1", **asked).tolist()
    assert samples == (outflow_samples(tape_of(cut), "1", **asked).tolist() if cut else [])


@given(rows=quotes, horizon=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_samples_that_meet_add_up_to_all_that_left(rows, horizon):
    rows = with_times(rows)
    tape, before = tape_of(rows), rows[-1][0] + 1
    samples = outflow_samples(tape, "1", side=Side.BUY, before_ns=before, window=OutflowWindow(horizon))
    left = decreases(tape.bids.prices[:, 0], tape.bids.sizes[:, 0], Side.BUY)
    assert (samples >= 0).all()
    within = np.array([time for time, _, _ in rows[1:]], dtype=np.int64) >= before - horizon * len(samples)
    assert samples.sum() == left[within].sum()
    longer = outflow_samples(tape, "1", side=Side.BUY, before_ns=before, window=OutflowWindow(horizon + 7))
    if len(longer):
        assert longer[-1] >= samples[-1]


def test_bad_questions_are_refused():
    tape = tape_of([(0, 10, 50), (10, 10, 40)])
    asked = {"side": Side.BUY, "before_ns": 20, "window": OutflowWindow(5)}
    for bad in ({"side": 1}, {"before_ns": 1.5}, {"before_ns": True}):
        with pytest.raises(ConfigError, match="outflow_samples"):
            outflow_samples(tape, "1", **(asked | bad))
    with pytest.raises(ConfigError, match="no bids"):
        outflow_samples(evolve(tape, bids=None), "1", **asked)
    for bad in ({"horizon_ns": 0}, {"horizon_ns": 1.0}, {"horizon_ns": 1, "samples_max": 0}):
        with pytest.raises(ConfigError, match="OutflowWindow"):
            OutflowWindow(**bad)
