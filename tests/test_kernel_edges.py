"""Edges of the event queue: its last time, its default limit, and what an endless instant's message counts."""

from __future__ import annotations

import pytest

from marketsim.errors import EndlessInstantError
from marketsim.kernel import DECISION, TIME_MAX, Kernel


def test_the_last_time_that_the_logs_can_hold_is_a_time():
    kernel, seen = Kernel(), []
    kernel.schedule(TIME_MAX, DECISION, "a", seen.append, "last")
    kernel.run(TIME_MAX)
    assert (seen, kernel.now) == (["last"], TIME_MAX)


def test_no_tie_is_tie_0():
    kernel, seen = Kernel(), []
    for tie in (1, -1):
        kernel.schedule(1, DECISION, "a", seen.append, tie, tie=tie)
    kernel.schedule(1, DECISION, "a", seen.append, "none")
    kernel.schedule(1, DECISION, "a", seen.append, 0, tie=0)
    kernel.run(1)
    assert seen == [-1, "none", 0, 1]


def _fed(kernel, count):
    for _ in range(count):
        kernel.schedule(0, DECISION, "a", lambda _: None, None)
    kernel.run(0)
    return kernel.events


def test_the_least_limit_is_one_event_at_a_time():
    assert _fed(Kernel(events_per_instant_max=1), 1) == 1
    with pytest.raises(EndlessInstantError, match="more than 1 events at time 0"):
        _fed(Kernel(events_per_instant_max=1), 2)


def test_the_limit_is_a_hundred_thousand_where_none_is_given():
    with pytest.raises(EndlessInstantError, match="more than 100000 events"):
        _fed(Kernel(), 100_001)


def test_the_message_of_an_endless_instant_counts_the_last_thousand_and_one_events():
    # "b" asks for two events where "a" asks for one, for ever; the fourth event is the first one too many.
    kernel = Kernel(events_per_instant_max=3)

    def again(origin):
        kernel.schedule(7, DECISION, *(("b", again, "b first") if origin == "a" else _after(origin)))

    def _after(origin):
        return ("b", again, "b second") if origin == "b first" else ("a", again, "a")

    kernel.schedule(7, DECISION, "a", again, "a")
    with pytest.raises(EndlessInstantError) as told:
        kernel.run(9)
    # 1001 events from the fourth on, which is an "a": 334 of "a" and 667 of "b".
    assert str(told.value) == "more than 3 events at time 7; 'b' scheduled 667 of the last 1001"


@pytest.mark.parametrize("later", [None, 101])
def test_an_instant_that_ends_by_itself_is_counted_to_its_end(later):
    # The clock stands at the number of the rank, and an event of a later time is none of this instant.
    kernel, seen = Kernel(events_per_instant_max=2), []
    for origin in ("a", "a", "b", "a", "b"):
        kernel.schedule(100, DECISION, origin, seen.append, origin)
    if later is not None:
        kernel.schedule(later, DECISION, "a", seen.append, "later")
    with pytest.raises(EndlessInstantError, match=r"'b' scheduled 2 of the last 3"):
        kernel.run(200)
    assert seen == ["a", "a", "b", "a", "b"]
