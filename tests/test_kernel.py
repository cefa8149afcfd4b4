"""The event queue and the venues' clocks in it: total order, no past, no endless instant."""

from __future__ import annotations

import pytest
from attrs import define, field
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marketsim.errors import ConfigError, EndlessInstantError, PastError, PluginError
from marketsim.kernel import BOOKKEEPING, DECISION, MARKET_DATA, MESSAGE, REPORT, VENUE_CLOCK, Kernel
from marketsim.simulation import Simulation
from marketsim.types import Accepted, Order, VenueState, limit_order, trade
from tests.small_market import BUY, SELL, PostedPrice, Script, Scripted, buy, run, sell

NOT_A_TIME = [-1, 4, float("nan"), float("inf"), -float("inf"), 7.0, True, None, "7", [7], 2**80, -(2**80)]


class Uncomparable:
    """Raises when the heap compares beyond what it may compare."""

    def __lt__(self, other):
        raise AssertionError("compared beyond the sequence number")

    __eq__ = __gt__ = __le__ = __ge__ = __lt__
    __hash__ = None


events = st.lists(st.tuples(st.integers(0, 4), st.sampled_from([-50, 0, 100, 200]), st.integers(0, 2)), max_size=40)


def test_the_ranks_are_the_published_order():
    ranks = (VENUE_CLOCK, MARKET_DATA, DECISION, MESSAGE, REPORT, BOOKKEEPING)
    assert ranks == (-50, 0, 100, 200, 300, 1000)


@given(events)
def test_events_run_by_time_rank_tie_and_then_in_the_order_of_scheduling(planned):
    kernel, seen = Kernel(), []
    for number, (time, rank, tie) in enumerate(planned):
        argument = (number, Uncomparable())
        kernel.schedule(time, rank, "origin", lambda item: seen.append((kernel.now, item[0])), argument, tie=tie)
    assert kernel.pending == len(planned)
    kernel.run(10)
    expected = sorted(range(len(planned)), key=lambda number: (*planned[number], number))
    assert seen == [(planned[number][0], number) for number in expected]
    assert (kernel.events, kernel.pending, kernel.now) == (len(planned), 0, 10)


@given(events, st.integers(0, 4))
def test_a_run_in_two_parts_is_the_run_in_one(planned, until):
    def play(*stops):
        kernel, seen = Kernel(), []
        for number, (time, rank, tie) in enumerate(planned):
            kernel.schedule(time, rank, "origin", seen.append, number, tie=tie)
        for stop in stops:
            kernel.run(stop)
        return seen, kernel.events, kernel.now

    assert play(until, until, 6) == play(6)


def test_what_is_scheduled_for_the_present_runs_by_rank_even_below_the_current_rank():
    kernel, seen = Kernel(), []

    def at_report(_):
        kernel.schedule(5, BOOKKEEPING, "a", seen.append, "bookkeeping")
        kernel.schedule(5, REPORT, "a", seen.append, "report")
        kernel.schedule(5, DECISION, "a", seen.append, "decision")
        kernel.schedule(5, VENUE_CLOCK, "a", seen.append, "clock")

    kernel.schedule(5, REPORT, "a", at_report, None)
    kernel.schedule(5, REPORT, "a", seen.append, "waiting report")
    kernel.run(5)
    assert seen == ["clock", "decision", "waiting report", "report", "bookkeeping"]


@pytest.mark.parametrize("time", NOT_A_TIME)
def test_a_time_that_is_past_or_no_time_is_refused_and_changes_nothing(time):
    kernel, seen = Kernel(), []
    kernel.run(5)
    kernel.schedule(6, DECISION, "good", seen.append, 1)
    with pytest.raises(PastError, match=r"'?bad'? .*wanted an int"):
        kernel.schedule(time, DECISION, "bad", seen.append, 2)
    with pytest.raises(PastError):
        kernel.run(time)
    assert (kernel.now, kernel.pending, kernel.events) == (5, 1, 0)
    kernel.run(6)
    assert seen == [1]


@pytest.mark.parametrize("time", NOT_A_TIME)
def test_a_handler_that_schedules_in_the_past_leaves_the_queue_as_it_was(time):
    kernel, seen = Kernel(), []

    def bad(_):
        with pytest.raises(PastError):
            kernel.schedule(time, DECISION, "bad", seen.append, "bad")

    kernel.schedule(5, DECISION, "a", bad, None)
    kernel.schedule(5, MESSAGE, "a", seen.append, "good")
    kernel.run(9)
    assert seen == ["good"]


def test_the_horizon_is_included_and_later_events_wait():
    kernel, seen = Kernel(), []
    for time in (9, 10, 11):
        kernel.schedule(time, DECISION, "a", seen.append, time)
    kernel.run(10)
    assert (seen, kernel.pending, kernel.now) == ([9, 10], 1, 10)
    kernel.run(11)
    assert seen == [9, 10, 11]


def test_a_handler_that_raises_leaves_clock_and_count_where_it_happened():
    kernel = Kernel()
    kernel.schedule(3, DECISION, "a", lambda _: None, None)
    kernel.schedule(4, DECISION, "a", lambda _: 1 // 0, None)
    with pytest.raises(ZeroDivisionError):
        kernel.run(9)
    assert (kernel.now, kernel.events) == (4, 2)


@pytest.mark.parametrize("bad", [0, -1, 1.0, True, None, float("inf"), "5"])
def test_a_bad_limit_is_refused(bad):
    with pytest.raises(ConfigError, match="events_per_instant_max"):
        Kernel(events_per_instant_max=bad)


def test_exactly_the_allowed_number_of_events_is_no_error_and_one_more_is():
    def load(count):
        kernel = Kernel(events_per_instant_max=10)
        for _ in range(count):
            kernel.schedule(5, DECISION, "a", lambda _: None, None)
            kernel.schedule(6, DECISION, "a", lambda _: None, None)
        kernel.run(9)
        return kernel.events

    assert load(10) == 20
    with pytest.raises(EndlessInstantError):
        load(11)


def test_an_endless_instant_names_the_culprit_among_innocents():
    kernel = Kernel(events_per_instant_max=5000)

    def loop(_):
        kernel.schedule(kernel.now, DECISION, "culprit", loop, None)

    for _ in range(4000):
        kernel.schedule(7, DECISION, "innocent", lambda _: None, None)
    kernel.schedule(7, DECISION, "culprit", loop, None)
    with pytest.raises(EndlessInstantError, match=r"more than 5000 events at time 7; 'culprit'"):
        kernel.run(9)


# The guard in a whole run: each loop ends at once and names who keeps it alive.


class Innocent:
    agent_id = "innocent"
    review_interval = 1

    def review(self, ctx):
        ctx.submit(buy())


def _wakes(ctx):
    ctx.wake_at(ctx.now)


@pytest.mark.parametrize("ties", ["seeded", "list"])
def test_wake_at_the_present_without_end_names_the_agent(ties):
    with pytest.raises(EndlessInstantError, match=r"at time 5; 'looper'"):
        run(Innocent(), Scripted("looper", {5: _wakes}), ties=ties)


class Pong:
    """Sends another order for every report."""

    agent_id = "pong"

    def __init__(self, quantity):
        self.quantity = quantity

    def start(self, ctx):
        ctx.submit(buy(self.quantity))

    def report(self, ctx, report):
        ctx.submit(buy(self.quantity))


@pytest.mark.parametrize("quantity", [10, -1])
def test_report_ping_pong_names_the_agent(quantity):
    venues = {"v": PostedPrice()}
    with pytest.raises(EndlessInstantError, match=r"at time 0; 'pong'"):
        run(Pong(quantity), Innocent(), venues=venues, events_per_instant_max=10_000)


class Restless(PostedPrice):
    """Wants its clock called again at once."""

    def next_clock(self, now):
        return max(now, 1)


def test_a_venue_that_wants_its_clock_at_the_present_is_named():
    with pytest.raises(PluginError, match=r"venue 'v' \(Restless.next_clock\) at time 1, seed 4: answered 1"):
        run(venues={"v": Restless()}, seed=4)


class Stuck:
    """A source that never moves on."""

    def next_time(self):
        return 5

    def emit(self, truth):
        return []


def test_a_source_that_never_moves_on_is_named():
    with pytest.raises(EndlessInstantError, match=r"at time 5; 'Stuck'"):
        run(Innocent(), sources=[Stuck()])


class Fickle(PostedPrice):
    """Changes its mind about the next clock at every call, as an auction whose book crosses and uncrosses."""

    wanted = True

    def submit(self, order, now):
        self.wanted = not self.wanted
        return super().submit(order, now)

    def next_clock(self, now):
        return 40 if self.wanted and now < 40 else None


def test_a_venue_that_changes_its_mind_often_does_not_fill_the_instant_it_names():
    class Busy(Innocent):
        def review(self, ctx):
            if ctx.now < 30:
                for _ in range(10):
                    ctx.submit(buy())

    simulation = Simulation(venues={"v": Fickle()}, agents=[Busy()], events_per_instant_max=100)
    simulation.run(50)


# Venue clocks


@define
class ToyAuction:
    """Clears every pi steps at the older order's price; a lazy one names a time only while something crosses."""

    name: str
    lazy: bool
    pi: int = 10
    markets: tuple[str, ...] = ("A",)
    waiting: list[Order] = field(factory=list)
    clears: list[int] = field(factory=list)

    def submit(self, order, now):
        self.waiting.append(order)
        return [Accepted(order.order_id, order.owner, order.market, self.name, now, order.quantity)]

    def cancel(self, order_id, owner, now):
        return []

    def state(self, market):
        return VenueState()

    def estimate_impact(self, market, side, quantity):
        return 0, 0

    def clock(self, now):
        self.clears.append(now)
        reports = []
        while pair := self._pair():
            older, newer = pair
            legs = trade(older, against=newer.owner, price=older.price, quantity=older.quantity, now=now)
            reports += [legs[0], legs[1]._replace(order_id=newer.order_id)]
            self.waiting = [order for order in self.waiting if order not in pair]
        return reports

    def next_clock(self, now):
        return (now // self.pi + 1) * self.pi if self._pair() or not self.lazy else None

    def _pair(self):
        for place, older in enumerate(self.waiting):
            for newer in self.waiting[place + 1 :]:
                if older.side != newer.side and older.side * (older.price - newer.price) >= 0:
                    return older, newer
        return None


entries = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from("pq"), st.sampled_from([BUY, SELL]), st.integers(98, 102)),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@example([(1, "p", SELL, 98), (1, "q", BUY, 98), (1, "q", SELL, 98), (1, "p", BUY, 98)])
@given(entries)
def test_a_lazy_clock_and_a_clock_at_every_step_give_the_same_log(todo):
    def play(lazy):
        venues = {name: ToyAuction(name, lazy) for name in "pq"}
        events: dict[int, list[Order]] = {}
        for number, (time, venue, side, price) in enumerate(todo):
            order = limit_order("A", side, quantity=5, price=price)
            events.setdefault(time, []).append(order._replace(owner=f"owner {number}", venue=venue))
        result = Simulation(venues=venues, sources=[Script(sorted(events.items()))]).run(80)
        if lazy:  # it clears only when there is something to clear
            pairs = len(result.fills.frame().drop_duplicates(["venue", "time"]))
            assert sum(len(venue.clears) for venue in venues.values()) == pairs
        else:
            assert venues["p"].clears == list(range(10, 81, 10))
        return result.fills.digest(), result.orders.digest()

    assert play(lazy=True) == play(lazy=False)


@define
class Wilful(PostedPrice):
    """Names whatever its script says, call by call, and remembers when its clock was called."""

    answers: dict[int, int | None] = field(factory=dict)
    called: list[int] = field(factory=list)

    def clock(self, now):
        self.called.append(now)
        return []

    def next_clock(self, now):
        last = max((time for time in self.answers if time <= now), default=None)
        answer = self.answers.get(last)
        return answer if answer is None or answer > now else None


@pytest.mark.parametrize(
    ("answers", "called"),
    [
        ({0: 20}, [20]),
        ({0: 20, 5: 20}, [20]),  # named twice
        ({0: 20, 5: None}, []),  # withdrawn
        ({0: 20, 5: 30}, [30]),  # later
        ({0: 20, 5: 10}, [10]),  # earlier
        ({0: 20, 5: 10, 10: 20}, [10, 20]),  # and back again, from the clock itself
        ({0: 20, 5: None, 6: 20}, [20]),  # withdrawn and named anew
        ({0: 20, 5: 30, 6: 20, 7: 30, 8: 20}, [20]),
        ({0: 20, 5: 30, 6: 20, 20: 30}, [20, 30]),
        ({0: 20, 20: 21, 21: 22}, [20, 21, 22]),
    ],
)
def test_the_clock_is_called_at_the_times_last_named_and_at_no_other(answers, called):
    venue = Wilful(answers=answers)
    run(Scripted("x", {time: lambda ctx: ctx.submit(buy(1)) for time in range(5, 9)}), venues={"v": venue})
    assert venue.called == called


def test_a_clock_runs_before_the_decisions_and_messages_of_its_instant():
    auction = ToyAuction("p", lazy=True)
    plan = {3: lambda ctx: ctx.submit(buy()), 10: lambda ctx: ctx.submit(sell()), 7: lambda ctx: ctx.submit(buy(3, 90))}
    result = run(Scripted("x", plan), venues={"p": auction})
    assert auction.clears == [20]  # the order of time 10 joins the next clear
    assert sorted(result.fills.frame().time) == [20, 20]
