"""Benchmarks: every contestant does the same work, and what is made of their times is right, whatever the clock."""

from __future__ import annotations

import gc
import json
from random import Random

import pytest
from attrs import evolve
from typer.testing import CliRunner

from experiments.benchmarks import book, clear, growth, kernel, pams, pools, rounds, router, table
from experiments.benchmarks.rounds import Rate, Spread
from experiments.commands import bench
from marketsim.errors import ConfigError
from venues.clearing import clear as cleared


class Watch:
    """A clock that stands still but for what its contestants say they took."""

    def __init__(self):
        self.now = 0.0
        self.calls = []

    def __call__(self):
        return self.now

    def contestant(self, name, seconds):
        def run(first, last):
            self.calls.append((name, first, last))
            self.now += seconds * (last - first)

        return lambda: run


def test_contestants_take_turns_and_each_round_begins_with_another():
    watch = Watch()
    both = {"marketsim": watch.contestant("a", 1.0), "peer": watch.contestant("b", 1.0)}
    rounds.take_turns(both, length=5, turn=3, rounds=2, clock=watch)
    first = [("a", 0, 3), ("b", 0, 3), ("a", 3, 5), ("b", 3, 5)]
    assert watch.calls == [*first, ("b", 0, 3), ("a", 0, 3), ("b", 3, 5), ("a", 3, 5)]


def test_rates_and_ratios_of_known_times():
    watch = Watch()
    both = {"marketsim": watch.contestant("a", 0.25), "peer": watch.contestant("b", 0.5)}
    rates = rounds.take_turns(both, length=10, turn=4, rounds=3, work=20, clock=watch)
    assert rates == [Rate("marketsim", (8.0,) * 3), Rate("peer", (4.0,) * 3)]
    assert rounds.ratios(rates) == {"peer": Spread(2.0, 2.0, 2.0)}


def test_the_ratio_is_taken_round_by_round():
    rates = [Rate("marketsim", (10.0, 100.0, 30.0)), Rate("peer", (10.0, 50.0, 10.0))]
    assert rounds.ratios(rates)["peer"] == Spread(2.0, 1.0, 3.0)  # the ratio of the medians would be 3
    assert rates[0].median == 30.0


def test_nothing_stays_frozen_when_a_contestant_fails():
    before = gc.get_freeze_count()
    with pytest.raises(ZeroDivisionError):
        rounds.take_turns({"marketsim": lambda: lambda *_: 1 / 0}, length=1, turn=1, rounds=1)
    assert gc.get_freeze_count() == before


def test_a_missing_peer_is_named():
    with pytest.raises(ConfigError, match=r"no_such_peer.*pip install '\.\[bench\]'"):
        rounds.peer("no_such_peer")


@pytest.mark.parametrize("pending", [1, 10, 500])
def test_all_kernels_run_the_same_events(pending):
    pytest.importorskip("simpy")
    steps = kernel.horizon(pending, 2_000)
    runs = [prepare(pending) for prepare in kernel.KERNELS.values()]
    for first, last in ((0, steps // 3), (steps // 3, steps)):
        counts = {run(first, last) for run in runs}
        assert len(counts) == 1
    assert 500 < counts.pop() < 4_000


@pytest.mark.parametrize("workload", book.SHARES)
def test_all_books_show_the_same_best_prices_on_the_way(workload):
    pytest.importorskip("lightmatchingengine")
    pytest.importorskip("limit_order_book")
    steps = book.workload_b(3_000, shares=book.SHARES[workload])
    runs = [prepare(steps) for prepare in book.BOOKS.values()]
    seen = [{run(first, first + 50) for run in runs} for first in range(0, 3_000, 50)]
    assert all(len(best) == 1 for best in seen)
    assert len(set.union(*seen)) > 10


def test_the_deep_workload_is_the_one_that_the_floors_are_about():
    steps = book.workload_b(5_000)
    shares = [sum(step.kind == kind for step in steps) / 5_000 for kind in ("limit", "cancel", "market")]
    assert shares == pytest.approx([0.6, 0.3, 0.1], abs=0.02)


@pytest.mark.parametrize("orders", [2, 7, 100, 1_000])
def test_all_clears_find_the_same_price_and_volume(orders):
    outcomes = {prepare(orders, 2)(0, 2) for prepare in clear.CLEARS.values()}
    assert len(outcomes) == 1
    assert orders < 100 or outcomes.pop()[1] > orders


def test_the_plain_clears_agree_with_ours_on_any_batch():
    rng = Random(3)
    traded = 0
    for reach in [2] * 300 + [50] * 300:
        bids, asks = (
            [(10_000 + rng.randint(-reach, reach), rng.randint(1, 4)) for _ in range(rng.randint(1, 6))] for _ in "ab"
        )
        outcome = cleared(bids, asks)
        assert clear.by_sorting(bids, asks) == clear.by_buckets(bids, asks) == (outcome.price, outcome.volume)
        traded += outcome.volume > 0
    assert traded > 300


@pytest.mark.parametrize("pool", pools.POOLS)
def test_pools_and_their_arithmetic_move_the_same_money(pool):
    ours, floor = (prepare()(0, 200) for prepare in pools.contestants(pool, 200).values())
    # The scoring rule rounds every trade in its own favour, by less than a tick-lot.
    assert 0 <= ours - floor <= (200 if pool == "lmsr" else 0)
    assert ours != 0


def test_every_decision_of_the_router_is_timed():
    decided, timed = router.decide(50)
    assert len(timed.choosing) == len(decided.decisions) >= 50
    assert len(timed.learning) == len(timed.choosing) - 1
    assert len({decision.choice for decision in decided.decisions}) > 1


def test_pams_and_we_trade_the_same_lots():
    try:
        with pams.worker(pams.plan(10, 300)) as (worker, shared):
            assert len(shared.actors) == 300
            assert len(set(shared.actors)) == 10
            assert pams.ours(shared)(0, 300) == worker.run(0, 300) > 100
            assert worker.seconds > 0
    except ConfigError as error:
        pytest.skip(str(error))


def test_without_pams_the_line_says_why(monkeypatch, tmp_path):
    monkeypatch.setenv(pams.INTERPRETER, str(tmp_path / "nowhere"))
    (line,) = table.pams_lines(rounds=1, orders=10)
    assert "cannot be started" in line.note
    assert (line.verdict, line.kept()) == ("skipped", True)


@pytest.mark.parametrize(
    ("value", "verdict", "kept"), [(1.1, "MISSED", False), (1.2, "kept", True), (1.7, "aim", True)]
)
def test_a_ratio_is_held_to_its_floor_and_its_aim(value, verdict, kept):
    line = table.Line("kernel, 1,000 pending", "simpy", value=Spread(value, 0.0, 9.0))
    assert (line.verdict, line.kept()) == (verdict, kept)


@pytest.mark.parametrize(("value", "verdict"), [(1.3, "MISSED"), (1.1, "kept"), (1.0, "aim")])
def test_a_cost_is_held_to_its_ceiling(value, verdict):
    line = table.Line("quiet time, fba", "10^6 over 10^3 steps", value=Spread(value, 0.0, 9.0))
    assert line.verdict == verdict


@pytest.mark.parametrize(("value", "code"), [(3.0, 0), (1.9, 1)])
def test_check_exits_1_under_a_floor_and_the_figures_are_written(monkeypatch, tmp_path, value, code):
    asked = table.Line("book, deep", "lightmatchingengine", 3.0, 1.0, Spread(value, value, value))
    monkeypatch.setattr(table, "every_line", lambda **_: iter([asked, table.Line("x", "y", note="not here")]))
    out = tmp_path / "bench.json"
    done = CliRunner().invoke(bench.app, ["--check", "--quick", "--out", str(out)])
    assert done.exit_code == code
    assert "x: skipped: not here" in done.output
    figures = json.loads(out.read_text())
    assert figures[0]["value"]["median"] == value
    assert figures[0]["asked"] == {"limit": 2.0, "aim": 3.5, "at_most": False}


def test_growth_has_every_axis_and_a_picture():
    found = growth.curves(largest=10, orders=40, rounds=1)
    assert [curve.axis for curve in found] == [
        "pending events", "price levels", "orders in a batch", "agents", "markets", "cells",
    ]  # fmt: skip
    for curve in found:
        assert all(len(seconds) == len(curve.sizes) for seconds in curve.seconds.values())
        assert min(curve.bytes) > 0
    drawn = growth.picture(found)
    assert drawn.startswith(b"<?xml")
    assert growth.picture([evolve(found[0], axis="other"), *found[1:]]) != drawn
