"""One run: ties, delays, clocks, sources, and the same log for the same seed."""

from __future__ import annotations

import os
import subprocess
import sys
from math import sqrt
from typing import Any

import numpy as np
import pytest
from attrs import define, field

from marketsim.errors import ConfigError, LookAheadError, MarketsimError, PluginError, RegistrationError
from marketsim.fairvalue import ConstantFairValue
from marketsim.simulation import Simulation
from marketsim.types import Accepted, Feed, Fill, Side, VenueState, limit_order
from tests.small_market import BUY, SELL, PostedPrice, Script, Scripted, buy, run, sell, signal


@define(eq=False)
class Trader:
    """Orders at random, from its own stream, at Poisson times and at reviews."""

    agent_id: str
    arrival_rate: float = 200.0
    review_interval: int = 7
    order_latency: Any = 0

    def arrive(self, ctx):
        side = BUY if ctx.rng.random() < 0.5 else SELL
        quantity, price = int(ctx.rng.integers(1, 9)), int(ctx.rng.integers(96, 105))
        ctx.submit(limit_order("A", side, quantity=quantity, price=price))

    def review(self, ctx):
        for order_id in list(ctx.open_orders)[:1]:
            ctx.replace(order_id, quantity=3)
        self.arrive(ctx)


@define(eq=False)
class Watcher:
    """Looks, draws, wakes and never trades."""

    agent_id: str = "watcher"
    review_interval: int = 1
    arrival_rate: float = 300.0
    draws: list[float] = field(factory=list)

    def review(self, ctx):
        self.draws.append(ctx.rng.random())
        ctx.state("A")
        ctx.estimate_impact("A", BUY, 5)

    arrive = review

    def decide(self, ctx, signal):
        self.review(ctx)


def digests(*agents, **more):
    result = run(*agents, horizon=400, sources=[Script([(5, [signal(5)]), (9, [signal(9)])])], **more)
    assert len(result.fills) > 50
    return result.fills.digest(), result.orders.digest(), result.quotes.digest()


# The same world for the same seed


def traders():
    return [Trader(f"trader {number}", order_latency=number % 3) for number in range(4)]


def test_a_second_run_in_one_process_equals_the_first_and_another_seed_does_not():
    assert digests(*traders(), seed=5) == digests(*traders(), seed=5)
    assert digests(*traders(), seed=5) != digests(*traders(), seed=6)


_CHILD = """
from tests.test_simulation import digests, traders
print(digests(*traders(), seed=5))
"""


def test_the_logs_do_not_depend_on_the_process_or_the_hash_seed():
    outputs = [
        subprocess.run(
            [sys.executable, "-c", _CHILD],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1")
    ]
    assert outputs == [str(digests(*traders(), seed=5))] * 2


def test_a_place_in_the_list_is_no_edge():
    expected = digests(*traders(), seed=5)
    for order in ((3, 2, 1, 0), (1, 3, 0, 2)):
        assert digests(*(traders()[place] for place in order), seed=5) == expected


@pytest.mark.parametrize("place", [0, 2, 4])
def test_an_agent_that_never_trades_changes_no_draw_and_no_fill(place):
    agents = traders()
    agents.insert(place, Watcher())
    assert digests(*agents, seed=5) == digests(*traders(), seed=5)


def test_the_draws_of_an_agent_do_not_depend_on_venue_or_company():
    alone, crowded = Watcher(), Watcher()
    run(alone, seed=5, venues={"p": PostedPrice()})
    run(*traders(), crowded, seed=5)
    assert alone.draws == crowded.draws
    assert len(alone.draws) > 50


# Delays, each by the clock


@pytest.mark.parametrize("delay", [0, 1, 7])
def test_observation_delay(delay):
    agent = Scripted("x", observation_delay=delay)
    run(agent, sources=[Script([(10, [signal(10)]), (12, [signal(12), signal(12, tier="tail")])])])
    assert [(time, item.time, item.tier) for time, item in agent.signals] == [
        (10 + delay, 10, "routine"),
        (12 + delay, 12, "routine"),
        (12 + delay, 12, "tail"),
    ]


BY_VENUE = [(0, 0, 0), (3, 3, 3), ({"p": 4}, 4, 0), ({"p": 1, "q": 6}, 1, 6), ({}, 0, 0)]


@pytest.mark.parametrize(("latency", "at_p", "at_q"), BY_VENUE)
@pytest.mark.parametrize(("back", "from_p", "from_q"), BY_VENUE)
def test_order_and_report_latency(latency, at_p, at_q, back, from_p, from_q):
    def plan(ctx):
        ctx.submit(buy(1), venue="p")
        ctx.submit(buy(2), venue="q")

    agent = Scripted("x", {10: plan}, order_latency=latency, report_latency=back)
    result = run(agent, venues={"p": PostedPrice(), "q": PostedPrice()})
    frame = result.orders.frame().set_index("venue")
    assert frame.loc[["p", "q"], "submitted"].tolist() == [10, 10]
    assert frame.loc[["p", "q"], "arrived"].tolist() == [10 + at_p, 10 + at_q]
    heard = {fill.venue: (time, fill.time) for time, fill in agent.heard}
    assert heard == {"p": (10 + at_p + from_p, 10 + at_p), "q": (10 + at_q + from_q, 10 + at_q)}


def test_cancels_and_changes_travel_at_the_order_latency_too():
    plan = {
        1: lambda ctx: ctx.submit(buy(9)),
        10: lambda ctx: ctx.reduce(1, quantity=2),
        20: lambda ctx: ctx.replace(1, quantity=5),
        30: lambda ctx: ctx.cancel(2),
    }
    agent = Scripted("x", plan, order_latency=3, report_latency=4)
    run(agent)
    said = [(time, type(report).__name__, report.time) for time, report in agent.heard]
    assert said == [
        (8, "Accepted", 4),
        (17, "Cancelled", 13),
        (27, "Cancelled", 23),
        (27, "Accepted", 23),
        (37, "Cancelled", 33),
    ]


@pytest.mark.parametrize(("delay", "at_book"), [(0, 0), (1, 1), (5, 5), ({"book": 3}, 3), ({}, 0)])
def test_market_data_delay_shows_the_end_of_the_delayed_instant(delay, at_book):
    seen = {}

    class Observer:
        agent_id = "observer"
        review_interval = 1
        market_data_delay = delay

        def review(self, ctx):
            state = ctx.state("A")
            seen[ctx.now] = state.best_bid, ctx.estimate_impact("A", SELL, 100)

    def twice(first, last):
        def plan(ctx):
            ctx.submit(buy(1, first))
            ctx.submit(buy(2, last))

        return plan

    maker = Scripted("maker", {10: twice(90, 91), 20: twice(92, 93)})
    run(Observer(), maker)
    first, second = (None, (0, 0)), (91, (3, 272))
    third = (93, (6, 2 * 93 + 92 + 272))
    # Without a delay, a decision at the instant of a change comes before it; with one, the instant is over.
    offset = at_book or 1
    for now in range(1, 50):
        expected = first if now < 10 + offset else second if now < 20 + offset else third
        assert seen[now] == expected, now


def test_a_delayed_cost_of_a_pool_comes_from_the_delayed_state():
    class Pool(PostedPrice):
        def state(self, market):
            price = self.price
            return VenueState(price, price, impact=lambda side, quantity: (quantity, quantity * price))

        def submit(self, order, now):
            reports = PostedPrice.submit(self, order, now)
            self.price += 1
            return reports

    plan = {5: lambda ctx: ctx.submit(buy(1))}
    for time in (9, 10, 11):
        plan[time] = lambda ctx: seen.append((ctx.now, ctx.state("A").mid, ctx.estimate_impact("A", BUY, 10)))
    seen: list[Any] = []
    run(Scripted("x", plan, market_data_delay=5), venues={"v": Pool()})
    assert seen == [(9, 100.0, (10, 1000)), (10, 101.0, (10, 1010)), (11, 101.0, (10, 1010))]


def test_the_account_follows_the_reports_at_report_latency():
    views = {}

    def look(ctx):
        views[ctx.now] = ctx.cash, ctx.inventory("A"), {key: order.quantity for key, order in ctx.open_orders.items()}

    plan = dict.fromkeys((6, 7, 13, 14, 15, 19, 20, 21), look)
    plan[5] = lambda ctx: ctx.submit(buy(10))
    maker = Scripted("maker", plan, order_latency=2, report_latency=4)
    taker = Scripted("taker", {10: lambda ctx: ctx.submit(sell(3)), 16: lambda ctx: ctx.submit(sell(7))})
    run(maker, taker)
    assert views == {
        6: (0, 0, {1: 10}),
        7: (0, 0, {1: 10}),
        13: (0, 0, {1: 10}),
        14: (0, 0, {1: 10}),  # the report is there, but decisions come first
        15: (-300, 3, {1: 7}),
        19: (-300, 3, {1: 7}),
        20: (-300, 3, {1: 7}),
        21: (-1000, 10, {}),
    }


# Wakes, arrivals and horizon


def test_wake_at_without_a_wake_hook_names_the_agent():
    with pytest.raises(PluginError, match=r"'x'.*wake"):
        run(type("X", (), {"agent_id": "x", "start": lambda self, ctx: ctx.wake_at(3)})())


@pytest.mark.parametrize("time", [4, -1, float("nan"), float("inf"), 7.0, True, None, "7", 2**80])
@pytest.mark.parametrize("ties", ["seeded", "list"])
def test_a_bad_wake_time_says_what_came_and_what_was_wanted(time, ties):
    agent = Scripted("x", {5: lambda ctx: ctx.wake_at(time)})
    with pytest.raises(PluginError, match=r"agent 'x'.*at time 5.*wanted an int"):
        run(agent, ties=ties)


def test_wake_at_the_present_runs_at_the_present():
    seen = []

    def plan(ctx):
        seen.append(ctx.now)
        if len(seen) < 3:
            ctx.wake_at(ctx.now)

    run(Scripted("x", {5: plan}))
    assert seen == [5, 5, 5]


def test_poisson_arrivals_have_their_rate_and_gaps_of_at_least_one():
    class Arriver:
        agent_id = "x"
        arrival_rate = 50.0

        def arrive(self, ctx):
            times.append(ctx.now)

    times: list[int] = []
    run(Arriver(), horizon=200_000, seed=3)
    gaps = np.diff([0, *times])
    assert gaps.min() >= 1
    assert abs(len(times) - 10_000) < 4.5 * sqrt(10_000)
    assert abs(gaps.std() / 20 - 1) < 0.05  # an exponential's standard deviation is its mean


@pytest.mark.parametrize("rate", [1e9, 1e300, 1e-300, 5e-324])
def test_extreme_arrival_rates_run(rate):
    agent = type("X", (), {"agent_id": "x", "arrival_rate": rate, "arrive": lambda self, ctx: times.append(ctx.now)})()
    times: list[int] = []
    run(agent, horizon=20)
    assert times == (list(range(1, 21)) if rate > 1 else [])


def test_the_horizon_is_included_and_what_would_come_later_does_not_happen():
    agent = Scripted("x", {50: lambda ctx: ctx.submit(buy()), 51: lambda ctx: ctx.submit(buy())}, report_latency=1)
    result = run(agent, horizon=50)
    assert result.orders.frame().submitted.tolist() == [50]
    assert (agent.heard, result.horizon) == ([], 50)


def test_a_simulation_runs_once_also_when_it_failed():
    simulation = Simulation(venues={"v": PostedPrice()})
    simulation.run(5)
    with pytest.raises(ConfigError, match="has run"):
        simulation.run(9)
    broken = Simulation(venues={"v": PostedPrice()}, sources=[Script([(-1, [])])])
    with pytest.raises(MarketsimError):
        broken.run(5)
    with pytest.raises(ConfigError, match="has run"):
        broken.run(5)


@pytest.mark.parametrize("bad", [0, -1, 1.0, True, None, "9", float("nan"), float("inf"), 2**80])
def test_bad_horizons_are_refused(bad):
    with pytest.raises(ConfigError, match="horizon"):
        Simulation(venues={"v": PostedPrice()}).run(bad)


# Sources and the truth


def test_the_truth_may_be_asked_for_the_present_and_not_for_later():
    class Peeker(Script):
        def emit(self, truth):
            asked.append(truth.at("A", self.events[self.place][0] - 1))
            asked.append(truth.at("A", self.events[self.place][0]))
            truth.at("A", self.events[self.place][0] + 1)

    asked: list[float] = []
    with pytest.raises(MarketsimError, match="time 6") as caught:
        run(sources=[Peeker([(5, [])])], fair_value=ConstantFairValue({"A": 100.0}))
    assert any(isinstance(error, LookAheadError) for error in (caught.value, caught.value.__cause__))
    assert asked == [100.0, 100.0]


def test_recorded_orders_go_through_gateway_log_and_ledger():
    events = [
        (3, [buy(5)._replace(owner="tape:a")]),
        (4, [sell(5)._replace(owner="tape:b"), sell(0)._replace(owner="x")]),
    ]
    result = run(sources=[Script(events)])
    assert result.ledger.cash == {"tape:a": -500, "tape:b": 500}
    assert sorted(result.orders.frame().outcome) == ["filled", "filled", "rejected"]


@pytest.mark.parametrize("answer", [None, 5, [None], ["word"], [(1, 2)], [Feed("Z", 1, 1)]])
def test_a_source_that_emits_nonsense_is_named(answer):
    with pytest.raises(MarketsimError, match=r"Script.*at time 5, seed 3"):
        run(sources=[Script([(5, answer)])], seed=3)


@pytest.mark.parametrize("call", ["next_time", "emit"])
def test_a_source_that_raises_is_named(call):
    def broken(self, *_):
        if call == "emit" or self.place:
            raise KeyError("oops")
        return 5

    source = type("Broken", (Script,), {call: broken})([(5, []), (6, [])])
    with pytest.raises(PluginError, match=r"Broken.*at time 5, seed 3.*oops"):
        run(sources=[source], seed=3)


@pytest.mark.parametrize("time", [4, -1, 6.0, float("nan"), True, "6", 2**80])
def test_a_source_whose_next_time_is_no_later_time_is_named(time):
    with pytest.raises(PluginError, match=r"source Script.next_time at time 5, seed 3: PastError"):
        run(sources=[Script([(5, []), (time, [])])], seed=3)


@pytest.mark.parametrize("thing", [None, 5, [], object()])
def test_what_does_not_look_like_a_source_is_refused(thing):
    with pytest.raises(RegistrationError):
        run(sources=[thing])


def test_sources_of_one_instant_run_in_the_order_of_the_list_whatever_came_before():
    def order(*earlier):
        agent = Scripted("x")
        scripts = [Script([*((time, []) for time in times), (9, [signal(9, tier=f"{place}")])])
                   for place, times in enumerate(earlier)]  # fmt: skip
        run(agent, sources=scripts)
        return [item.tier for _, item in agent.signals]

    assert order([], []) == order([1], [2]) == order([3], [2]) == order([1, 5], [2]) == ["0", "1"]


def test_several_reports_of_one_call_reach_the_agent_one_by_one_and_in_order():
    makers = Scripted("maker", {1: lambda ctx: [ctx.submit(sell(2, 100 + k)) for k in range(3)] and None})
    taker = Scripted("taker", {5: lambda ctx: ctx.submit(buy(9, 102))}, report_latency=2)
    run(makers, taker)
    assert [(time, type(report)) for time, report in taker.heard] == [(7, Fill)] * 3 + [(7, Accepted)]
    assert [report.price for _, report in taker.heard[:3]] == [100, 101, 102]
    assert all(report.side is Side.BUY for _, report in taker.heard[:3])
