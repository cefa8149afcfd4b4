"""The book recorder: what it writes down of a book, an auction and a pool, when, and in which layout."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from agents import examples
from agents.recorder import BookRecorder, snapshot_columns
from marketsim.errors import ConfigError
from marketsim.simulation import Simulation
from marketsim.testing.agent_kit import check_agent
from marketsim.types import Feed, Side, limit_order, market_order
from tests.small_market import Scripted
from venues.clob import ContinuousBook
from venues.constant_product import ConstantProduct
from venues.fba import BatchAuction
from venues.quote_replay import QuoteReplayVenue
from venues.replay import ReplayVenue

MARKET = "A"


def quotes(count):
    """An agent that posts `count` levels a side at time 1, takes 3 lots at 25 and withdraws a bid at 35."""

    def post(ctx):
        for level in range(count):
            ctx.submit(limit_order(MARKET, Side.BUY, quantity=level + 1, price=99 - level))
            ctx.submit(limit_order(MARKET, Side.SELL, quantity=level + 5, price=101 + level))

    return Scripted("quoter", {1: post, 35: lambda ctx: ctx.cancel(1)})


TAKER = ("taker", {25: lambda ctx: ctx.submit(market_order(MARKET, Side.BUY, quantity=3))})


def recorded(venue, *agents, horizon=50, **options):
    recorder = BookRecorder("recorder", (MARKET,), review_interval=10, **options)
    result = Simulation(venues={"v": venue}, agents=[recorder, *agents]).run(horizon)
    return recorder, result


def frame_of(recorder, **options):
    return recorder.frame(MARKET, step_ns=10**6, **options)


def test_a_book_is_written_down_as_it_stood_at_every_review():
    recorder, result = recorded(ContinuousBook((MARKET,), depth=20), quotes(2), Scripted(*TAKER))
    frame = frame_of(recorder, tick_size=0.5, lot_size=0.1)
    assert frame["ask_0_size"].tolist() == pytest.approx([0.5, 0.5, 0.2, 0.2, 0.2])
    assert frame["bid_0_price"].tolist() == [49.5, 49.5, 49.5, 49.0, 49.0]  # 99 ticks, then the next
    assert frame["bid_0_size"].tolist() == pytest.approx([0.1, 0.1, 0.1, 0.2, 0.2])
    assert frame["ask_1_price"].tolist() == [51.0] * 5
    assert frame["ask_2_size"].tolist() == [0.0] * 5
    assert frame["ask_2_price"].isna().all()
    assert "recorder" not in result.orders.frame()["owner"].tolist()


def test_the_layout_is_that_of_recorded_data():
    recorder, _ = recorded(ContinuousBook((MARKET,), depth=20), quotes(25))
    frame = frame_of(recorder, origin_ns=10**18)
    assert list(frame.columns) == ["origin_time", *snapshot_columns()]
    assert snapshot_columns()[:5] == ["bid_0_price", "bid_0_size", "ask_0_price", "ask_0_size", "bid_1_price"]
    assert snapshot_columns()[-1] == "ask_19_size"
    assert frame["origin_time"][2] == pd.Timestamp(10**18 + 30 * 10**6, tz="UTC")
    assert frame["bid_19_price"].tolist() == [
        80.0,
        80.0,
        80.0,
        79.0,
        79.0,
    ]  # 20 levels of the 25, the best bid withdrawn at 35
    assert frame["ask_19_size"].tolist() == [24.0] * 5


def test_it_sees_no_more_than_its_delay_and_its_venue_allow():
    late, _ = recorded(ContinuousBook((MARKET,), depth=20), quotes(3), Scripted(*TAKER), market_data_delay=12)
    frame = frame_of(late)
    # Posted at 1: nothing at 10, all at 20; taken at 25: seen at 40, not at 30.
    assert frame["ask_0_size"].tolist() == [0, 5, 5, 2, 2]
    shallow, _ = recorded(ContinuousBook((MARKET,), depth=2), quotes(3))
    assert frame_of(shallow)["bid_2_size"].tolist() == [0] * 5
    few, _ = recorded(ContinuousBook((MARKET,), depth=20), quotes(3), levels=1)
    assert list(frame_of(few).columns) == ["origin_time", *snapshot_columns(1)]
    assert frame_of(few)["ask_0_size"].tolist() == [5] * 5


def test_an_auction_shows_its_resting_book_and_what_a_clear_left():
    recorder, result = recorded(BatchAuction((MARKET,), pi=10, depth=20), quotes(2), Scripted(*TAKER))
    frame = frame_of(recorder)
    assert len(result.fills) == 2
    assert frame["ask_0_size"].tolist() == [5, 5, 2, 2, 2]  # taken at the clear of 30
    assert frame["bid_0_price"].tolist() == [99, 99, 99, 98, 98]


def test_a_pool_shows_what_its_next_blocks_cost():
    pool = ConstantProduct((MARKET,), base=1000, quote=100_000)
    recorder, _ = recorded(pool, block=10)
    frame = frame_of(recorder)
    for side, sign in ((Side.BUY, "ask"), (Side.SELL, "bid")):
        prices = frame[[f"{sign}_{level}_price" for level in range(20)]].to_numpy()[0]
        sizes = frame[[f"{sign}_{level}_size" for level in range(20)]].to_numpy()[0]
        known = ~np.isnan(prices)
        assert known.sum() > 3
        assert (np.diff(prices[known]) * side > 0).all()
        for level in range(1, int(known.sum()) + 1):
            lots = int(sizes[:level].sum())
            available, money = pool.estimate_impact(MARKET, side, lots)
            assert available == lots
            # No better than the pool itself, and within a tick a lot of it.
            assert 0 <= side * (prices[:level] @ sizes[:level] - money) <= lots


def test_a_replay_of_quotes_shows_the_recorded_book_less_what_was_taken():
    quoted = QuoteReplayVenue((MARKET,), opening={MARKET: (((99, 4), (98, 6)), ((101, 5), (103, 7)))})
    recorder, result = recorded(quoted, Scripted(*TAKER))
    frame = frame_of(recorder)
    assert len(result.fills) == 2
    assert frame["ask_0_size"].tolist() == [5, 5, 2, 2, 2]
    assert (
        frame[["bid_0_price", "bid_1_price", "ask_0_price", "ask_1_price"]].to_numpy().tolist()
        == [[99, 98, 101, 103]] * 5
    )
    assert frame[["bid_1_size", "ask_1_size", "ask_2_size"]].to_numpy().tolist() == [[6, 7, 0]] * 5


def test_a_replay_of_trades_shows_the_last_price_on_both_sides():
    tape = ReplayVenue((MARKET,))
    tape.submit(Feed(MARKET, 100, 8), 0)
    recorder, _ = recorded(tape, Scripted(*TAKER))
    frame = frame_of(recorder)
    assert frame["bid_0_size"].tolist() == frame["ask_0_size"].tolist() == [8, 8, 5, 5, 5]
    assert frame[["bid_0_price", "ask_0_price"]].to_numpy().tolist() == [[100, 100]] * 5
    assert frame["bid_1_price"].isna().all()


def test_no_review_no_row_and_an_unknown_market_is_refused():
    recorder, _ = recorded(ContinuousBook((MARKET,)), horizon=5)
    assert frame_of(recorder).shape == (0, 81)
    with pytest.raises(ConfigError, match="market: got 'B', wanted one of A"):
        recorder.frame("B", step_ns=1)


@pytest.mark.parametrize(
    "bad", [{"step_ns": 0}, {"step_ns": 1.0}, {"origin_ns": 0.5}, {"tick_size": 0.0}, {"lot_size": -1}]
)
def test_units_that_are_none_are_refused(bad):
    recorder = BookRecorder("recorder", (MARKET,))
    with pytest.raises(ConfigError, match=next(iter(bad))):
        recorder.frame(MARKET, **{"step_ns": 1, **bad})


@pytest.mark.parametrize("bad", [{"levels": 21}, {"levels": 0}, {"block": 0}, {"markets": ()}, {"venue": ""}])
def test_a_recorder_of_nothing_is_refused(bad):
    with pytest.raises(ConfigError, match=f"BookRecorder.{next(iter(bad))}"):
        BookRecorder(**{"agent_id": "recorder", "markets": (MARKET,), **bad})


def test_the_agent_kit_finds_nothing():
    check_agent(examples.book_recorder).raise_failures()
